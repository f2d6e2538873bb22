"""A round keeps to its budget, channels and branches, and says what one more of each would bring."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

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


def responding(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Draw options that cost more for those who respond more often: net values, costs (n, 2), options, customers."""
    rng = np.random.default_rng(seed)
    response = rng.beta(1, 8, (n, 2))
    cost = np.array([4.0, 0.5]) + 20 * response
    worth = response * rng.lognormal(4, 0.8, (n, 1)) - cost
    ids = np.array([f"C{i:05}" for i in range(n)])
    options = pd.concat([pd.DataFrame({"customer_id": ids, "offer": offer, "channel": channel,
                                       "net_value": worth[:, j], "cost": cost[:, j]})
                         for j, (offer, channel) in enumerate([("loan", "call"), ("card", "email")])])  # fmt: skip
    return worth, cost, options, pd.DataFrame({"customer_id": ids, "branch_id": "B1"})


def relaxed(worth: np.ndarray, cost: np.ndarray, budget: float) -> tuple[float, float]:
    """Give the optimum of the linear programme of HiGHS and its marginal of the budget."""
    once = sparse.kron(sparse.eye_array(len(worth)), np.ones((1, worth.shape[1])))
    matrix, right = sparse.vstack([cost.reshape(1, -1), once]), np.append(budget, np.ones(len(worth)))
    found = linprog(-worth.ravel(), A_ub=matrix, b_ub=right, bounds=(0, 1), method="highs")
    return -found.fun, -found.ineqlin.marginals[0]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_a_budget_is_spent_as_well_as_highs_would_where_each_customer_costs_differently(share: float) -> None:
    worth, cost, options, customers = responding(2000)
    best = worth.argmax(axis=1)[:, None]
    wanted = np.take_along_axis(cost, best, 1)[np.take_along_axis(worth, best, 1) > 0].sum()
    assigned, found, prices = plan(options, customers, Resources(weeks=1, budget=share * wanted))
    upper, price = relaxed(worth, cost, share * wanted)
    assert assigned["cost"].sum() <= share * wanted * (1 + 1e-9)
    assert upper * 0.999 <= found.value <= found.bound <= upper * (1 + 1e-6)
    assert found.bound >= upper * (1 - 1e-9)
    assert prices["shadow_price"][0] == pytest.approx(price, rel=0.01), "in currency per currency"


def test_a_minimum_may_take_the_cheapest_customers_and_leaves_the_rest_of_the_budget_to_the_best() -> None:
    _, cost, options, customers = responding(500)
    least = float(np.sort(cost[:, 1])[:75].sum())
    demanded = {"minimum_by_offer": {"card": 75}}
    few, _, _ = plan(options, customers, Resources(weeks=2, budget=least * 1.0001, **demanded))
    assert few["offer"].eq("card").sum() == 75
    assert few["cost"].sum() <= least * 1.0001
    many, found, prices = plan(options, customers, Resources(weeks=2, budget=least * 4, **demanded))
    assert many["offer"].eq("card").sum() >= 75
    assert many["cost"].sum() <= least * 4 * (1 + 1e-9)
    assert found.gap < 1e-3
    assert prices["shadow_price"][0] > 0
    with pytest.raises(DataError, match=rf"of card: at least 75 contacts; budget: at most {least * 0.999:g} currency;"):
        plan(options, customers, Resources(weeks=2, budget=least * 0.999, **demanded))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30), st.floats(0, 1.2))
def test_any_budget_is_kept_and_none_is_refused(seed: int, n: int, share: float) -> None:
    worth, cost, options, customers = responding(n, seed)
    budget = share * cost.max(axis=1).sum()
    assigned, found, _ = plan(options, customers, Resources(weeks=2, budget=budget))
    assert assigned["cost"].sum() <= budget * (1 + 1e-9)
    assert found.bound >= relaxed(worth, cost, budget)[0] - 1e-6


def test_a_contact_with_room_every_week_does_not_wait_even_where_it_is_a_loss(
    options: pd.DataFrame, customers: pd.DataFrame
) -> None:
    wanted = Resources(weeks=3, channel_capacity={"call": 9}, minimum_by_offer={"card": 50})
    assigned, _, _ = plan(options, customers, wanted)
    assert assigned["net_value"].min() < 0
    assert assigned.loc[assigned["channel"].eq("email"), "week"].eq(1).all()


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


@pytest.mark.parametrize("number", [-5.0, np.nan])
@pytest.mark.parametrize("name", ["channel_capacity", "minimum_by_offer"])
def test_room_that_is_negative_or_no_number_is_refused_by_name(name: str, number: float) -> None:
    with pytest.raises(ParamsError, match=rf"resource {name}.x: input should be greater .* equal to 0, got {number}"):
        Resources(**{name: {"x": number}})
