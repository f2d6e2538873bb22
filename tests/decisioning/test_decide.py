"""A round of decisions on a small bank: rules, worth, limits, strips, lists and the desk fit together."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.decisioning.decide import Inputs, decide, decision_inputs
from afraz.errors import NotApplicable

AS_OF = dt.date(2026, 7, 1)
N = 1500


@pytest.fixture
def inputs() -> Inputs:
    rng = np.random.default_rng(3)
    ids = [f"C{i:04}" for i in range(N)]
    customers = pd.DataFrame({
        "customer_id": ids, "marketing_consent": rng.random(N) < 0.8, "branch_id": [f"B{i % 5}" for i in range(N)],
        "region_id": "R1",
    })  # fmt: skip
    offers = pd.DataFrame({"offer": ["card", "card"], "channel": ["call", "email"], "contact_cost": [4.0, 0.1],
                           "offer_cost": [5.0, 5.0], "response_value": 50.0})  # fmt: skip
    parts = []
    for option in offers.to_dict("records"):
        uplift = rng.normal(0.1, 0.05, N)
        likely = 0.05 + np.maximum(uplift, 0)
        parts.append(pd.DataFrame({
            "customer_id": ids, "offer": option["offer"], "channel": option["channel"], "response_uplift": uplift,
            "response_offer": likely, "closing_uplift": 0.001, "reason_1": "=1+1",
            "incremental_margin": uplift * 50 - likely * 5 - option["contact_cost"],
        }))  # fmt: skip
    value = pd.DataFrame({"customer_id": ids, "expected_margin_12m": rng.gamma(2, 50, N), "tier": "high"})
    churn = pd.DataFrame({"customer_id": ids, "leave_90": rng.random(N) * 0.2})
    seen = pd.DataFrame({"customer_id": ["C0001"], "source": ["mobile"], "day": [2], "hour": [10], "events": [3]})
    return Inputs(customers, pd.concat(parts), offers, churn, value, None, {}, seen, {})


SETTINGS = {
    "limits": {}, "resources": {"weeks": 2, "channel_capacity": {"call": 60, "email": 200}},
    "strips": {"holdout": 0.05, "exploration": 0.05}, "power": {"largest_share": 0.2}, "credit": {},
}  # fmt: skip


def test_lists_keep_to_consent_holdout_and_capacity_and_log_propensities(inputs: Inputs) -> None:
    found = decide(inputs, AS_OF, **SETTINGS)
    listed, strips = found.tables["contact_list"], found.tables["strips"]
    consent = inputs.customers.set_index("customer_id")["marketing_consent"]
    assert consent[listed["customer_id"]].all()
    held = set(strips.loc[strips["strip"].eq("holdout"), "customer_id"])
    assert held
    assert not held & set(listed["customer_id"])
    assert listed.groupby(["week", "channel"]).size().loc[:, "call"].max() <= 60
    assert listed["propensity"].between(0, 1, inclusive="neither").all()
    assert set(listed["strip"]) == {"decided", "exploration"}
    assert set(found.tables["withheld"]["arm"]) == {"control"}
    why = listed.groupby("strip")["reason_1"].unique().map(list).to_dict()
    assert why == {"decided": ["=1+1"], "exploration": ["drawn by lot, to learn"]}


def test_the_desk_knows_every_customer_once_and_why_there_is_no_offer(inputs: Inputs) -> None:
    desk = decide(inputs, AS_OF, **SETTINGS).tables["desk"]
    assert desk["customer_id"].tolist() == inputs.customers["customer_id"].tolist()
    assert (desk["next_offer"].isna() == desk["nothing_because"].notna()).all()


def test_equal_input_gives_equal_decisions_and_more_room_is_never_worth_less(inputs: Inputs) -> None:
    one, again = decide(inputs, AS_OF, **SETTINGS), decide(inputs, AS_OF, **SETTINGS)
    for name in one.tables:
        pd.testing.assert_frame_equal(one.tables[name], again.tables[name])
    more = {**SETTINGS, "resources": {"weeks": 2, "channel_capacity": {"call": 90, "email": 200}}}
    assert decide(inputs, AS_OF, **more).summary["expected_net_value"] >= one.summary["expected_net_value"]


def test_the_room_of_those_withheld_goes_to_others_and_nothing_is_exceeded(inputs: Inputs) -> None:
    resources = {"weeks": 2, "budget": 1500, "channel_capacity": {"call": 60, "email": 200},
                 "branch_channels": ["call"], "branch_capacity": 11}  # fmt: skip
    found = decide(inputs, AS_OF, **{**SETTINGS, "resources": resources})
    listed = found.tables["contact_list"]
    made = listed.groupby(["channel", "week"]).size()
    assert made["call"].max() <= 55
    assert made["call"].min() >= 53, "withheld customers leave no telephone idle"
    calls = listed[listed["channel"].eq("call")]
    assert calls.groupby(["branch_id", "week"]).size().max() == 11
    assert found.summary["cost"] <= 1500
    assert found.summary["expected_net_value"] == pytest.approx(listed["net_value"].sum())
    lot = listed.loc[listed["strip"].eq("exploration"), "net_value"]
    assert (found.summary["explored"], found.summary["explored_net_value"]) == (len(lot), pytest.approx(lot.sum()))
    used = found.prices.set_index("limit")["used"]
    assert used["call in week 1"] == made["call", 1]
    assert used["budget"] == found.summary["cost"]
    both = pd.concat([listed, found.tables["withheld"]])
    assert both.groupby(["campaign_id", both["arm"].eq("control")])["propensity"].nunique().eq(1).all()


def test_a_minimum_counts_contacts_not_those_withheld(inputs: Inputs) -> None:
    poor = replace(inputs, promotion=inputs.promotion.assign(incremental_margin=-1.0))
    found = decide(poor, AS_OF, **{**SETTINGS, "resources": {"minimum_by_offer": {"card": 300}}})
    assert found.tables["contact_list"]["strip"].eq("decided").sum() == 300


def test_what_has_no_room_is_not_explored_either(inputs: Inputs) -> None:
    assert decide(inputs, AS_OF, **{**SETTINGS, "resources": {"budget": 0}}).summary["contacts"] == 0
    closed = decide(inputs, AS_OF, **{**SETTINGS, "resources": {"channel_capacity": {"call": 0}}})
    assert set(closed.tables["contact_list"]["channel"]) == {"email"}
    assert closed.summary["explored"] > 0


def test_it_runs_without_churn_value_and_events_and_says_so(inputs: Inputs) -> None:
    poor = replace(inputs, churn=None, value=None, absent={"value_scores": "none"})
    found = decide(poor, AS_OF, **SETTINGS)
    assert found.summary["absent"] == {"value_scores": "none"}
    assert {"arrears", "departed", "contact_pressure"} <= set(found.summary["rules_not_applicable"])
    assert len(found.tables["contact_list"])


def test_excluded_customers_get_nothing(inputs: Inputs, tmp_path: Path) -> None:
    first = decide(inputs, AS_OF, **SETTINGS).tables["contact_list"]["customer_id"].iloc[0]
    file = tmp_path / "exclusions.csv"
    file.write_text(f"customer_id,reason\n{first},lawsuit\n", "utf-8")
    found = decide(inputs, AS_OF, **SETTINGS, exclusions=file)
    assert first not in set(found.tables["contact_list"]["customer_id"])
    assert found.tables["refused"].set_index("customer_id").loc[first, "reason"].str.contains("lawsuit").all()


def test_without_promotion_scores_there_is_nothing_to_decide(workspace: Path) -> None:
    catalog.save("score_promotion_metrics", {"not_applicable": "there are no campaigns"})
    with pytest.raises(NotApplicable, match="no offers are scored at 2026-07-01: there are no campaigns"):
        decision_inputs(AS_OF)
