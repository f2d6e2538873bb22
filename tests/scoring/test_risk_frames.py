"""What units of risk read: nothing that was not known at the date, and a reason where there is nothing."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.scoring.risk_frames import balances, contacts_by_topic, frame_at
from afraz.scoring.sinks import write_scores

DAY = dt.date(2026, 7, 1)


def contacts(**changed: object) -> pd.DataFrame:
    return pd.DataFrame({
        "contact_id": list("abcdef"), "customer_id": "C1", "direction": "inbound", "topic": "card",
        "started_at": pd.to_datetime(["2026-06-30 23:59", "2025-07-01", "2026-01-01", "2026-02-01", "2026-03-01",
                                      "2026-04-01"], format="mixed"),
        "known_at": pd.to_datetime(["2026-07-01", "2025-07-01", "2026-01-01", "2026-02-01", "2026-03-01",
                                    "2026-04-01"]),
        "resolved": pd.array([True, True, False, False, True, True], dtype="boolean"), **changed,
    })  # fmt: skip


def test_contacts_of_the_year_are_counted_with_those_unresolved(workspace: Path) -> None:
    catalog.save("contacts", contacts())
    assert contacts_by_topic(DAY).to_dict("records") == [
        {"topic": "card", "contacts": 6.0, "unresolved": 2.0, "days": 365}
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [("started_at", "2026-07-01"), ("started_at", "2025-06-30"), ("known_at", "2026-07-02"),
     ("direction", "outbound")],
)  # fmt: skip
def test_what_was_later_older_late_or_outbound_is_left_out(workspace: Path, column: str, value: str) -> None:
    planted = contacts()
    planted.loc[2, column] = pd.Timestamp(value) if column != "direction" else value
    catalog.save("contacts", planted)
    found = contacts_by_topic(DAY).iloc[0]
    assert (found["contacts"], found["unresolved"]) == (5, 1)


def test_a_contact_whose_outcome_is_unknown_is_neither_solved_nor_failed(workspace: Path) -> None:
    catalog.save("contacts", contacts(resolved=pd.array([None, True, False, False, True, True], dtype="boolean")))
    assert contacts_by_topic(DAY).iloc[0]["contacts"] == 5


def test_a_source_without_contacts_or_loans_says_so(workspace: Path) -> None:
    with pytest.raises(NotApplicable, match="no table of contacts"):
        frame_at("contacts_by_topic", DAY)
    with pytest.raises(NotApplicable, match="no table of loans in this source"):
        frame_at("loans", DAY)


def test_the_reason_of_a_stage_that_had_nothing_to_do_is_told(workspace: Path) -> None:
    catalog.save("score_credit_metrics", {"not_applicable": "there are no loans in this source"})
    with pytest.raises(NotApplicable, match="no credit book: there are no loans in this source"):
        frame_at("credit_book", DAY)


def test_balances_are_those_of_the_date(workspace: Path) -> None:
    rows = pd.DataFrame({"customer_id": ["b", "a", "a"], "balance_estimate": [1.0, None, 9.0],
                         "as_of": [DAY, DAY, dt.date(2026, 6, 1)]})  # fmt: skip
    catalog.save("customer_features", rows)
    assert balances(DAY).to_dict("list") == {"customer_id": ["a", "b"], "balance": [0.0, 1.0]}
    with pytest.raises(DataError, match="no features at 2026-05-01"):
        balances(dt.date(2026, 5, 1))


def test_scores_are_read_with_their_manifest(workspace: Path) -> None:
    book = pd.DataFrame({"loan_id": ["b", "a"], "balance": [1.0, 2.0]})
    place = catalog.target("credit_book", as_of=DAY)
    write_scores(book, {"model_digest": "x"}, place)
    assert list(frame_at("credit_book", DAY)["loan_id"]) == ["a", "b"]
    book.to_parquet(place)  # altered behind the manifest's back
    with pytest.raises(DataError, match="does not belong to"):
        frame_at("credit_book", DAY)
