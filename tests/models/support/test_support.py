"""The support period from frames to tables."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from afraz.catalog import to_json
from afraz.errors import NotApplicable
from afraz.models.support.inputs import SupportInputs
from afraz.models.support.settings import SupportSettings
from afraz.models.support.support import SupportResult, fit_support

SETTINGS = SupportSettings(
    costs={"phone": {"contact": 1, "minute": 0.6}, "other": {"contact": 2}}, open_calls=0.05, staffed=["phone"],
    patterns={"clusters": (2, 3), "bootstrap": 3, "nulls": 3, "sample_rows": 500, "starts": 1, "min_stability": 0.8},
    packages={"basic": {"price": 0, "included": 1, "extra": 3}, "plus": {"price": 5, "attraction": 8}},
    proactive={"most": 40}, features=["digital_share_90d", "absent"],
)  # fmt: skip


@pytest.fixture(scope="module")
def result(bank: SupportInputs) -> SupportResult:
    return fit_support(bank, SETTINGS)


def test_every_customer_has_a_pattern_expected_contacts_and_a_cost(result: SupportResult, bank: SupportInputs) -> None:
    found = result.customers
    assert len(found) == 1_500
    assert found["customer_id"].is_unique
    assert found.notna().all().all()
    assert (found["expected_contacts_90"] >= found["expected_contacts_30"]).all()
    assert found["contacts_last_year"].sum() == (bank.contacts["started_at"] >= "2025-07-06").sum()


def test_planted_heavy_users_are_expected_to_call_more(result: SupportResult) -> None:
    number = result.customers["customer_id"].str[1:].astype(int)
    by = result.customers["expected_contacts_90"].groupby(number % 3 == 0).mean()
    assert by[True] > 3 * by[False]
    assert result.metrics["forecast"]["next_90"]["chosen"] in {"gamma_poisson", "lightgbm"}
    test = result.metrics["forecast"]["next_90"]["test"]
    assert test["chosen"]["deviance"] < min(test["constant"]["deviance"], test["last_year"]["deviance"])


def test_the_planted_effect_of_a_call_is_within_its_interval_and_the_list_follows(result: SupportResult) -> None:
    effect = result.metrics["proactive"]
    assert effect["low"] < 0.4 < effect["high"]
    assert effect["shown"]
    assert 0 < len(result.proactive) <= 40
    assert set(result.proactive["customer_id"]) <= set(result.customers["customer_id"])
    assert effect["expected_avoided"] == pytest.approx(result.proactive["expected_avoided"].sum())


def test_the_desk_is_open_when_calls_come(result: SupportResult) -> None:
    staffing = result.tables["staffing"]
    assert staffing.loc[staffing["hour"].between(8, 17), "open"].mean() > 0.9
    assert not staffing.loc[~staffing["hour"].between(8, 17), "open"].any()


def test_measures_can_be_spelled_and_two_fits_are_equal(result: SupportResult, bank: SupportInputs) -> None:
    assert "NaN" not in to_json(result.metrics)
    again = fit_support(bank, SETTINGS)
    pd.testing.assert_frame_equal(again.customers, result.customers)
    pd.testing.assert_frame_equal(again.proactive, result.proactive)


def test_contacts_that_end_before_they_start_are_counted_and_change_nothing(
    result: SupportResult, bank: SupportInputs
) -> None:
    broken = bank.contacts.head(40).assign(contact_id=[f"x{i}" for i in range(40)], duration_seconds=-5.0)
    found = fit_support(replace(bank, contacts=pd.concat([bank.contacts, broken], ignore_index=True)), SETTINGS)
    assert found.metrics["refused"] == 40
    assert found.metrics["contacts"] == result.metrics["contacts"]
    pd.testing.assert_frame_equal(found.customers, result.customers)


def test_a_source_with_hardly_any_columns_gets_what_can_be_had(bank: SupportInputs) -> None:
    bare = replace(
        bank, contacts=bank.contacts[["customer_id", "started_at"]], assigned=bank.assigned.head(0),
        customers=bank.customers[["customer_id", "as_of"]],
    )  # fmt: skip
    found = fit_support(bare, SETTINGS)
    assert "no hours can be foretold or staffed" in found.metrics["hours"]["not_applicable"]
    assert found.metrics["packages"] == {
        "not_applicable": "no customer answered how sensitive to prices they are: packages cannot be priced by a survey"
    }
    assert found.proactive.empty
    assert len(found.customers) == 1_500


def test_no_contacts_or_no_time_to_learn_from_is_not_applicable(
    bank: SupportInputs, make_bank: Callable[..., SupportInputs]
) -> None:
    with pytest.raises(NotApplicable, match="no contact of 0 is fit to count"):
        fit_support(replace(bank, contacts=bank.contacts.head(0)), SETTINGS)
    now = bank.customers[bank.customers["as_of"] >= pd.Timestamp("2026-04-06")]
    with pytest.raises(NotApplicable, match="more snapshots in params/features.yaml"):
        fit_support(replace(bank, customers=now), SETTINGS)


def test_quality_finds_no_difference_where_none_was_planted(result: SupportResult) -> None:
    assert sum(result.metrics["quality_differs"].values()) <= 1
    assert np.isfinite(result.tables["quality"]["shrunk"]).all()
    assert set(result.tables["quality_relations"]["outcome"]) == {"leaves"}, "no margin is known"
