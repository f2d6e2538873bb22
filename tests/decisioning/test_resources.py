"""A round keeps to its budget, channels and branches, and says what one more of each would bring."""

import numpy as np
import pandas as pd
import pytest

from afraz.decisioning.resources import Resources, plan
from afraz.errors import DataError, ParamsError


@pytest.fixture
def options() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    for offer, channel, cost in (("card", "call", 4.0), ("card", "email", 0.1), ("loan", "call", 5.0)):
        worth = rng.normal(2.0 if channel == "call" else 0.5, 1.5, 60)
        rows.append(pd.DataFrame({"customer_id": [f"C{i:02}" for i in range(60)], "offer": offer, "channel": channel,
                                  "net_value": worth, "cost": cost}))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"C{i:02}" for i in range(60)], "branch_id": [f"B{i % 3}" for i in range(60)]})


def test_no_channel_branch_or_budget_is_exceeded_and_nobody_gets_two(
    options: pd.DataFrame, customers: pd.DataFrame
) -> None:
    resources = Resources(weeks=2, budget=80, channel_capacity={"call": 9}, branch_channels=["call"], branch_capacity=3)
    assigned, found, _ = plan(options, customers, resources)
    assert assigned["customer_id"].is_unique
    assert assigned["cost"].sum() <= 80 + 1e-9
    calls = assigned[assigned["channel"].eq("call")].merge(customers, on="customer_id")
    assert calls.groupby("week").size().max() <= 9
    assert calls.groupby(["week", "branch_id"]).size().max() <= 3
    assert found.gap < 0.02, "whole contacts of sixty customers lie below the bound of fractions"
    assert (assigned["net_value"] > 0).all()


def test_the_budget_bounds_what_the_chosen_really_cost(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    dear = options.assign(cost=options["cost"] + 2 * options["net_value"].clip(lower=0))  # the best cost most
    assigned, _, _ = plan(dear, customers, Resources(weeks=1, budget=60))
    assert 45 < assigned["cost"].sum() <= 60


def test_the_scarce_limit_has_a_price_and_the_idle_one_has_none(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    _, _, prices = plan(options, customers, Resources(weeks=1, channel_capacity={"call": 5, "email": 1000}))
    price = prices.set_index("limit")["shadow_price"]
    assert price["call in week 1"] > 0.5
    assert price["email in week 1"] == 0
    assert "one more contact by call in week 1 is worth" in prices["said"][0]


def test_a_budget_of_nothing_contacts_nobody_and_says_what_the_first_unit_is_worth(
    options: pd.DataFrame, customers: pd.DataFrame
) -> None:
    assigned, _, prices = plan(options, customers, Resources(weeks=1, budget=0))
    assert assigned.empty
    assert prices["shadow_price"][0] > 0


def test_gains_are_not_put_off_without_need(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    early, _, _ = plan(options, customers, Resources(weeks=3))
    assert early["week"].eq(1).all()


def test_minimums_that_contradict_a_capacity_are_named(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    room = Resources(weeks=1, channel_capacity={"call": 3}, minimum_by_offer={"loan": 20})
    with pytest.raises(
        DataError, match=r"can't be met together.*at least of loan: at least 20.*call in week 1: at most 3"
    ):
        plan(options, customers, room)


def test_names_that_no_option_has_are_refused(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="channel_capacity: no option has 'cal': did you mean call"):
        plan(options, customers, Resources(channel_capacity={"cal": 3}))
    with pytest.raises(DataError, match="nothing to plan"):
        plan(options.head(0), customers, Resources())
    with pytest.raises(DataError, match="3 options repeat"):
        plan(pd.concat([options, options.head(3)]), customers, Resources())
    with pytest.raises(ParamsError, match="resource budget: input should be greater than or equal to 0"):
        Resources(budget=-1)


def test_contacts_that_are_settled_use_their_part(options: pd.DataFrame, customers: pd.DataFrame) -> None:
    made = pd.DataFrame({"customer_id": ["C00", "C03", "C01"], "offer": "card", "channel": "call", "week": [1, 1, 2],
                         "cost": [4.0, 4.0, 4.0]})  # fmt: skip
    have = Resources(weeks=2, budget=60, channel_capacity={"call": 5}, branch_channels=["call"], branch_capacity=2)
    left = options[~options["customer_id"].isin(made["customer_id"])]
    assigned, _, prices = plan(left, customers, have, made)
    calls = pd.concat([assigned, made])[lambda t: t["channel"].eq("call")].merge(customers, on="customer_id")
    assert calls.groupby("week").size().max() <= 5
    assert calls.groupby(["branch_id", "week"]).size().max() <= 2
    assert assigned["cost"].sum() + 12 <= 60
    by = prices.set_index("limit")
    assert by["capacity"].tolist() == [60, 5, 5, 6, 6], "budget, calls by week, three branches by week"
    assert by.loc["call in week 1", "used"] == calls["week"].eq(1).sum()
    homeless = customers.assign(branch_id=customers["branch_id"].mask(customers["customer_id"].eq("C00")))
    assert len(plan(left, homeless, have, made)[0]) >= len(assigned)
