"""Responses that come back for contact lists: every fault is kept under its rule, and nobody is lost."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from afraz.data.schemas import TABLES
from afraz.decisioning.feedback.assignments import screened
from afraz.decisioning.feedback.responses import accept_responses, treatments_of
from afraz.errors import DataError

RECEIVED = pd.Timestamp("2026-06-15")
SENT = pd.DataFrame({
    "campaign_id": ["P1", "P1", "P1", "P2"], "customer_id": ["a", "b", "c", "d"],
    "assigned_at": pd.Timestamp("2026-05-01 09:00"), "arm": ["card", "control", "card", "card"], "propensity": 0.5,
    "expires_at": pd.Timestamp("2026-05-31 09:00"),
})  # fmt: skip


def back(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = ["campaign_id", "customer_id", "delivered_at", "reached_at", "responded_at", "response_value"]
    return pd.DataFrame(
        [{"campaign_id": "P1", "customer_id": "a", **row} for row in rows], columns=columns, dtype=object
    )


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ({"campaign_id": " "}, "campaign_id_missing"),
        ({"customer_id": None}, "customer_id_missing"),
        ({"campaign_id": "P9"}, "campaign_unknown"),
        ({"customer_id": "z"}, "customer_unknown"),
        ({"customer_id": "d"}, "not_on_list"),
        ({"responded_at": "soon"}, "responded_at_not_a_date"),
        ({"delivered_at": "2026-13-01"}, "delivered_at_not_a_date"),
        ({"responded_at": "2026-05-03", "response_value": "12,x"}, "response_value_not_a_number"),
        ({"responded_at": "2026-05-03", "response_value": "1e12"}, "response_value_absurd"),
        ({"responded_at": "2026-05-03", "response_value": "inf"}, "response_value_absurd"),
        ({"responded_at": "2026-05-01 08:59"}, "responded_before_assigned"),
        ({"delivered_at": "2026-04-30"}, "delivered_before_assigned"),
        ({"reached_at": "2026-04-30"}, "reached_before_assigned"),
        ({"responded_at": "2026-05-31 09:01"}, "responded_after_expiry"),
        ({"delivered_at": "2026-06-16"}, "delivered_at_in_the_future"),
        ({"response_value": "10"}, "value_without_response"),
    ],
)
def test_a_planted_fault_is_kept_under_its_rule_and_its_neighbour_is_accepted(fault: dict[str, Any], rule: str) -> None:
    came = back(fault, {"customer_id": "c", "responded_at": "2026-05-31 09:00", "response_value": "10"})
    found = accept_responses(SENT, came, received_at=RECEIVED)
    assert found.rejects[["line", "rule"]].to_numpy().tolist() == [[1, rule]]
    assert found.accepted["customer_id"].tolist() == ["c"]
    assert len(came) == len(found.accepted) + len(found.rejects)


def test_the_first_sound_row_of_a_customer_counts_and_later_ones_are_duplicates() -> None:
    came = back({"responded_at": "soon"}, {"responded_at": "2026-05-03"}, {"responded_at": "2026-05-04"})
    found = accept_responses(SENT, came, received_at=RECEIVED)
    assert found.rejects["rule"].tolist() == ["responded_at_not_a_date", "key_repeated"]
    assert found.accepted["responded_at"].tolist() == [pd.Timestamp("2026-05-03")]


def test_a_date_without_time_of_the_day_of_assignment_is_not_before_it() -> None:
    found = accept_responses(SENT, back({"responded_at": "2026-05-01"}), received_at=RECEIVED)
    assert len(found.accepted) == 1


def test_accepted_rows_are_rows_of_treatments_with_exact_money_and_utc_times() -> None:
    came = back({"customer_id": " a ", "responded_at": "2026-05-03T01:00:00+03:00", "response_value": 0.1 + 0.2})
    row = accept_responses(SENT, came, received_at=RECEIVED).accepted
    assert set(row.columns) == set(TABLES["treatments"].names) - {"agent_id"}
    assert row.loc[0, "responded_at"] == pd.Timestamp("2026-05-02 22:00")
    assert row.loc[0, "response_value"] == Decimal("0.30")
    assert str(row["responded_at"].dtype) == "datetime64[us]"


def test_who_never_answered_stays_in_the_denominator() -> None:
    found = accept_responses(SENT, back({"responded_at": "2026-05-03"}), received_at=RECEIVED)
    whole = treatments_of(SENT, found.accepted)
    assert whole["customer_id"].tolist() == ["a", "b", "c", "d"]
    assert whole["responded_at"].notna().tolist() == [True, False, False, False]
    calendar = pd.DataFrame({c: ["P1", "P2"] for c in TABLES["campaigns"].names})
    rows, rejects = screened(whole, calendar)  # what comes back can be measured
    assert len(rows) == 4
    assert rejects.empty


def test_what_is_known_fills_empty_cells_only_and_rules_judge_the_completed_row() -> None:
    known = back({"delivered_at": "2026-05-02", "responded_at": "2026-05-03", "response_value": "10"})
    came = back({"response_value": "20"}, {"responded_at": "soon"}, {"customer_id": "c", "response_value": "20"})
    found = accept_responses(SENT, came, received_at=RECEIVED, before=known)
    row = found.accepted[["customer_id", "delivered_at", "responded_at", "response_value"]]
    assert row.to_numpy().tolist() == [["a", pd.Timestamp("2026-05-02"), pd.Timestamp("2026-05-03"), Decimal("20.00")]]
    assert found.rejects["rule"].tolist() == ["responded_at_not_a_date", "value_without_response"]
    assert found.rejects["delivered_at"].isna().all(), "rejects are kept as they arrived"


def test_agents_of_a_list_are_carried_along() -> None:
    sent = SENT.assign(agent_id=["G1", None, "G2", "G2"])
    found = accept_responses(sent, back({"responded_at": "2026-05-03"}), received_at=RECEIVED)
    assert found.accepted["agent_id"].tolist() == ["G1"]
    assert treatments_of(sent, found.accepted)["agent_id"].tolist()[2:] == ["G2", "G2"]


def test_an_empty_delivery_is_accepted() -> None:
    found = accept_responses(SENT, back(), received_at=RECEIVED)
    assert len(found.accepted) == len(found.rejects) == 0


def test_lists_that_repeat_a_customer_and_missing_columns_are_refused() -> None:
    with pytest.raises(DataError, match="lists: 4 rows repeat a customer of a campaign"):
        accept_responses(pd.concat([SENT, SENT]), back(), received_at=RECEIVED)
    with pytest.raises(DataError, match="responses: expected columns .* missing responded_at"):
        accept_responses(SENT, back().drop(columns="responded_at"), received_at=RECEIVED)
