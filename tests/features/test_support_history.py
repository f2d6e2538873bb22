"""What the support period is learned from, as it was known at a date."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import NotApplicable
from afraz.features.support_history import STRATA, support_history

AS_OF = date(2026, 1, 1)


@pytest.fixture
def stage(workspace: Path) -> Path:
    day = pd.Timestamp
    catalog.save("customers", pd.DataFrame({
        "customer_id": ["a", "b", "c"], "joined_at": day("2020-01-01"), "branch_id": ["B1", "B1", "B2"],
    }))  # fmt: skip
    catalog.save("contacts", pd.DataFrame({
        "contact_id": ["k1", "k2", "k3", "k4"], "customer_id": ["a", "a", "b", "b"],
        "started_at": pd.to_datetime(["2025-03-01 10:00", "2025-12-31 10:00", "2025-12-31 11:00", "2026-01-01 00:00"]),
        "known_at": pd.to_datetime(["2025-03-01 10:00", "2026-01-01 00:00", "2026-01-02 11:00", "2026-01-01 00:00"]),
    }))  # fmt: skip
    catalog.save("accounts", pd.DataFrame({
        "account_id": ["1", "2", "3"], "customer_id": ["a", "b", "b"],
        "opened_at": pd.to_datetime(["2020-01-01", "2020-01-01", "2021-01-01"]),
        "closed_at": pd.to_datetime(["2025-06-01", "2025-07-01", None]),
    }))  # fmt: skip
    key = pd.DataFrame({"customer_id": ["a", "b", "a", "b"],
                        "as_of": [date(2025, 10, 1)] * 2 + [AS_OF] * 2})  # fmt: skip
    catalog.save("customer_features", key.assign(tenure_days=[100.0, 900, 192, 992], contacts_90d=0, other=1.0))
    labels = key.assign(at_risk=True, phase="steady", leaves_30=0.0, leaves_90=[1.0, 0.0, 1.0, 1.0])
    catalog.save("churn_labels", labels)
    catalog.save("value_labels", key.assign(margin_12m=[5.0, 6.0, 7.0, 8.0]))
    catalog.save("campaigns", pd.DataFrame({
        "campaign_id": ["S1", "S2", "P1"], "offer": ["support_call", "support_call", "bonus"],
        "starts_at": day("2025-05-01"),
    }))  # fmt: skip
    catalog.save("treatments", pd.DataFrame({
        "campaign_id": ["S1"] * 4 + ["S2"] * 2 + ["P1"], "customer_id": ["a", "b", "c", "d", "a", "b", "a"],
        "assigned_at": day("2025-05-01 09:00"), "arm": ["support_call"] + ["control"] * 6,
        "propensity": [0.25, 0.75, 0.75, 0.75, 0.3, 0.6, 0.5],
    }))  # fmt: skip
    return workspace


def test_nothing_counts_that_came_or_became_known_after_the_date(stage: Path) -> None:
    found = support_history(AS_OF, ["other"])
    assert found.contacts["contact_id"].tolist() == ["k1", "k2"]
    assert (found.start, found.until) == (pd.Timestamp("2025-03-01"), pd.Timestamp("2026-01-01"))


def test_an_outcome_is_known_once_its_window_is_over(stage: Path) -> None:
    outcomes = support_history(AS_OF, []).outcomes
    known = outcomes.dropna(subset=["leaves"])
    assert known["as_of"].unique().tolist() == [pd.Timestamp("2025-10-01")], "90 days from January on are to come"
    assert known["leaves"].tolist() == [1.0, 0.0], "of the longest horizon"
    assert outcomes["margin"].isna().all(), "no year is over"


def test_a_date_that_the_features_stage_has_not_built_is_not_applicable(stage: Path) -> None:
    with pytest.raises(NotApplicable, match="the features stage built no row at 2026-04-01"):
        support_history(date(2026, 4, 1), [])


def test_customers_are_there_at_dates_a_quarter_apart_with_strata(stage: Path) -> None:
    found = support_history(AS_OF, ["other", "absent"], cohorts=1)
    assert sorted(found.customers["as_of"].unique()) == [pd.Timestamp("2025-10-01"), pd.Timestamp("2026-01-01")]
    assert found.customers.set_index("customer_id").loc["b", "tenure_band"].tolist() == [1, 1]
    assert found.customers["breadth_band"].unique().tolist() == [-1], "the source says nothing of products"
    assert set(STRATA) <= set(found.customers.columns)
    assert "other" in found.customers
    assert "absent" not in found.customers


def test_from_the_end_of_a_month_a_shorter_month_is_looked_at_on_its_last_day(stage: Path) -> None:
    dates = [date(2026, 2, 28), date(2026, 5, 30), date(2026, 5, 31), date(2026, 8, 31)]
    key = pd.DataFrame({"customer_id": "a", "as_of": dates})
    catalog.save("customer_features", key.assign(contacts_90d=0))
    catalog.save("churn_labels", key.assign(at_risk=True, phase="steady", leaves_90=0.0))
    found = support_history(date(2026, 8, 31), [], cohorts=2).customers["as_of"]
    assert found.dt.strftime("%m-%d").tolist() == ["02-28", "05-31", "08-31"]


def test_only_the_trial_that_drew_everybody_alike_counts(stage: Path) -> None:
    found = support_history(AS_OF, [], proactive_offer="support_call").assigned
    assert found["customer_id"].tolist() == ["a", "b", "c", "d"], "S2 was aimed, P1 offers something else"
    assert support_history(AS_OF, [], proactive_offer="nothing").assigned.empty


def test_who_closed_the_last_account_has_left(stage: Path) -> None:
    assert support_history(AS_OF, []).left.to_dict() == {"a": pd.Timestamp("2025-06-01")}


def test_a_source_without_contacts_or_before_the_first_is_not_applicable(stage: Path) -> None:
    with pytest.raises(NotApplicable, match="no contact was known before 2025-01-01"):
        support_history(date(2025, 1, 1), [])
    catalog.path("contacts").unlink()
    with pytest.raises(NotApplicable, match="this source has no table of contacts"):
        support_history(AS_OF, [])


def test_a_source_without_campaigns_or_accounts_has_no_trial_and_nobody_who_left(stage: Path) -> None:
    catalog.path("campaigns").unlink()
    catalog.path("accounts").unlink()
    found = support_history(AS_OF, [], proactive_offer="support_call")
    assert found.assigned.empty
    assert found.left.empty
