"""Allocation: never over a limit, near the exact optimum, prices that are the marginal worth of a limit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from afraz.decisioning.allocation.allocate import Allocation, allocate
from afraz.decisioning.allocation.capacity import Limit, compile_limits
from afraz.errors import DataError, ParamsError

N, M = 2000, 5
KINDS = ("random", "tight", "ties", "same", "correlated", "holes", "branches", "own", "minimum")


def instance(kind: str, seed: int = 0, n: int = N) -> tuple[np.ndarray, list[Limit]]:
    """Draw values and limits; budget, both channels and, where there are any, branches bind."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 10, M).round(2)
    value = rng.lognormal(1, 1, (n, 1)) * rng.uniform(0.2, 2, (n, M))
    if kind == "ties":
        value = rng.integers(1, 4, (n, M)).astype(float)
    if kind == "same":
        value = np.tile(rng.integers(1, 9, M).astype(float), (n, 1))
    if kind == "correlated":
        value = cost + rng.normal(0, 0.1, (n, M))
    if kind == "holes":
        value[rng.random((n, M)) < 0.6] = np.nan
    call = (np.arange(M) < M / 2).astype(float)
    limits = [
        Limit("budget", cost, (0.02 if kind == "tight" else 0.3) * n * cost.mean(), unit="EUR"),
        Limit("calls", call, 0.15 * n + 0.5, unit="calls"),
        Limit("letters", 1 - call, 0.25 * n + 0.5),
    ]
    if kind in {"branches", "minimum"}:
        branch = rng.integers(0, 50, n)
        limits.append(Limit("branch", call, rng.integers(1, 7, 50) * n / 2000 + 0.5, group=branch))
    if kind == "own":
        limits[0] = replace(limits[0], usage=cost * rng.lognormal(0, 0.5, (n, M)))
    if kind == "minimum":
        dull = np.zeros(M)
        dull[3 + np.argmin((value.mean(axis=0) / cost)[3:])] = 1
        limits.append(Limit("offer", dull, np.inf, minimum=0.15 * n))
    return value, limits


def programme(value: np.ndarray, limits: list[Limit], more: float = 0.0):  # type: ignore[no-untyped-def]
    """Write the whole problem down for HiGHS."""
    rows = compile_limits(limits, *value.shape)
    i, j = np.nonzero(np.isfinite(value))
    usage = rows.of_columns(i, j).tocsr()
    once = sparse.csr_array((np.ones(len(i)), (i, np.arange(len(i)))), shape=(len(value), len(i)))
    return -value[i, j], usage, np.where(rows.minimum > 0, rows.minimum, -np.inf), rows.capacity + more, once


def relaxed(value: np.ndarray, limits: list[Limit]) -> tuple[float, np.ndarray]:
    """Give the optimum of the linear relaxation and the marginals of the capacities."""
    cost, usage, low, high, once = programme(value, limits)
    capped, floored = np.isfinite(high), np.isfinite(low)
    matrix = sparse.vstack([usage[np.flatnonzero(capped)], -usage[np.flatnonzero(floored)], once])
    right = np.concatenate([high[capped], -low[floored], np.ones(len(value))])
    found = linprog(cost, A_ub=matrix, b_ub=right, bounds=(0, 1), method="highs")
    prices = np.zeros(len(high))
    prices[capped] = -found.ineqlin.marginals[: capped.sum()]
    return -found.fun, prices


def exact(value: np.ndarray, limits: list[Limit]) -> float:
    """Give the integer optimum."""
    cost, usage, low, high, once = programme(value, limits)
    rules = [LinearConstraint(usage, low, high), LinearConstraint(once, -np.inf, 1)]
    found = milp(cost, integrality=np.ones(len(cost)), bounds=Bounds(0, 1), constraints=rules)
    return -found.fun if found.x is not None else np.nan


def assert_within(found: Allocation, value: np.ndarray, limits: list[Limit]) -> None:
    """Count again, independently of the matrix."""
    got = found.choice >= 0
    assert found.choice.shape == (len(value),)
    taken = value[got, found.choice[got]]
    assert np.isfinite(taken).all()
    assert found.value == pytest.approx(taken.sum())
    for limit in limits:
        used = np.zeros(len(value))
        used[got] = limit.usage[found.choice[got]] if limit.usage.ndim == 1 else limit.usage[got, found.choice[got]]
        group = np.zeros(len(value), dtype=int) if limit.group is None else limit.group
        count = max(np.size(limit.capacity), int(group.max(initial=0)) + 1)
        total = np.bincount(group[group >= 0], weights=used[group >= 0], minlength=count)
        assert (total <= np.broadcast_to(limit.capacity, count) * (1 + 1e-9)).all(), limit.name
        assert (total >= np.broadcast_to(limit.minimum, count) * (1 - 1e-9)).all(), limit.name


# with a minimum, whole contacts reach less than the relaxation does: that kind is held against integers below
@pytest.mark.parametrize(
    ("kind", "core_columns"),
    [(kind, 20_000) for kind in KINDS[:-1]] + [(kind, 1000) for kind in KINDS[:-1] if kind != "same"],
)
def test_within_a_thousandth_of_the_optimum_and_never_over_a_limit(kind: str, core_columns: int) -> None:
    value, limits = instance(kind)
    found = allocate(value, limits, core_columns=core_columns)
    assert_within(found, value, limits)
    upper, _ = relaxed(value, limits)
    assert found.bound >= upper * (1 - 1e-9)
    assert found.bound <= upper * (1 + 1e-3)
    # the relaxation is above the integer optimum, also without the half contacts: who is near it is near the optimum
    upper, _ = relaxed(value, [replace(x, capacity=np.floor(x.capacity)) if x.name != "budget" else x for x in limits])
    assert found.value >= upper * (1 - 1e-3)
    assert found.gap == pytest.approx(1 - found.value / found.bound, abs=1e-12)


@pytest.mark.parametrize("kind", ["random", "tight", "holes", "branches", "own", "minimum"])
def test_near_the_integer_optimum_of_highs(kind: str) -> None:
    value, limits = instance(kind, seed=5, n=300)
    best = exact(value, limits)
    found = allocate(value, limits)
    assert best * 0.999 <= found.value <= best * (1 + 1e-9)


@pytest.mark.parametrize("kind", ["random", "tight", "correlated", "holes", "branches", "own", "minimum"])
@pytest.mark.parametrize("core_columns", [20_000, 1000])
def test_shadow_prices_are_the_marginals_of_the_linear_programme(kind: str, core_columns: int) -> None:
    value, limits = instance(kind, seed=2)
    found = allocate(value, limits, core_columns=core_columns)
    _, prices = relaxed(value, [replace(x, capacity=x.capacity + 1e-3 * x.usage[x.usage > 0].min()) for x in limits])
    np.testing.assert_allclose(found.limits["shadow_price"], prices, rtol=0.03, atol=0.01 * prices.max())


def test_the_price_of_a_budget_is_what_more_of_it_adds() -> None:
    value, limits = instance("random", seed=4)
    found = allocate(value, limits)
    more = allocate(value, [replace(limits[0], capacity=limits[0].capacity + 100), *limits[1:]])
    added = (more.value - found.value) / 100
    before, after = (run.limits["shadow_price"][0] for run in (found, more))
    assert after * 0.99 <= added <= before * 1.01
    assert after >= before * 0.7  # near one another: the worth of a unit falls slowly


def test_a_minimum_has_a_price_and_costs_value() -> None:
    value, limits = instance("minimum")
    found = allocate(value, limits)
    assert_within(found, value, limits)
    row = found.limits.iloc[-1]
    assert row["used"] >= row["minimum"]
    assert row["minimum_price"] > 0
    assert allocate(value, limits[:-1]).value > found.value


def test_budget_zero_contacts_nobody_and_prices_the_first_unit() -> None:
    value = np.array([[3.0, 8.0], [2.0, 9.0], [-4.0, np.nan]])
    found = allocate(value, [Limit("budget", np.array([2.0, 5.0]), 0.0, unit="EUR")])
    assert found.choice.tolist() == [-1, -1, -1]
    assert found.value == 0
    assert found.limits["shadow_price"][0] == pytest.approx(9 / 5)
    assert found.gap == pytest.approx(0, abs=1e-9)


def test_without_a_binding_limit_everybody_gets_the_best_and_limits_are_free() -> None:
    value = np.array([[1.0, 2.0], [-1.0, -2.0], [np.nan, 5.0]])
    found = allocate(value, [Limit("budget", np.ones(2), 10.0)])
    assert found.choice.tolist() == [1, -1, 1]
    assert (found.value, found.bound, found.gap) == (7, 7, 0)
    assert found.limits["shadow_price"].tolist() == [0]
    assert allocate(value, []).value == 7


@pytest.mark.parametrize("value", [np.zeros((0, 3)), np.full((4, 3), np.nan), np.full((4, 3), -np.inf)])
def test_nobody_to_contact_is_no_error_but_a_minimum_for_nobody_is(value: np.ndarray) -> None:
    branch = np.zeros(len(value), dtype=int)
    found = allocate(value, [Limit("calls", np.ones(3), np.array([2.0, 3.0]), group=branch)])
    assert (found.choice == -1).all()
    assert (found.value, found.bound, found.gap) == (0, 0, 0)
    assert found.limits["used"].tolist() == [0, 0]
    with pytest.raises(DataError, match="calls: at least 1 contacts"):
        allocate(value, [Limit("calls", np.ones(3), 2.0, minimum=1.0)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 3), st.booleans(), st.sampled_from([4, 20_000]))
def test_minimums_are_met_with_costs_of_each_customer_wherever_they_can_be(
    seed: int, n: int, m: int, hours: bool, core_columns: int
) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0.02, 5, (n, m))
    value = rng.normal(0.5, 2, (n, m)) * cost
    offer = np.zeros(m)
    offer[0] = 1
    least = int(rng.integers(0, n // 2 + 1))
    limits = [
        Limit("budget", cost, float(np.sort(cost[:, 0])[:least].sum() * rng.uniform(0.9, 1.5)), unit="EUR"),
        Limit("offer", offer, np.inf, minimum=float(least)),
    ]
    if hours:
        limits.append(Limit("hours", rng.uniform(0, 1, (n, m)), 0.3 * n))
    best = exact(value, limits)
    if np.isnan(best):
        with pytest.raises(DataError, match=f"these limits can't be met together.*offer: at least {least}"):
            allocate(value, limits)
        return
    found = allocate(value, limits, core_columns=core_columns)
    assert_within(found, value, limits)
    assert found.bound >= best - 1e-6
    assert found.value >= best - 2e-4 * abs(best) - 1e-6


def test_one_option_goes_to_the_best_and_among_equals_to_the_first() -> None:
    value = np.array([[1.0], [3.0], [2.0], [3.0], [3.0]])
    found = allocate(value, [Limit("calls", np.ones(1), 2.0)])
    assert found.choice.tolist() == [-1, 0, -1, 0, -1]


def test_a_conflict_names_its_limits_and_not_the_innocent_ones() -> None:
    one, two = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    value = np.ones((10, 2))
    limits = [
        Limit("budget", np.array([3.0, 1.0]), 12.0, unit="EUR"),
        Limit("calls", one + two, 9.0),
        Limit("offer A", one, np.inf, minimum=5.0),
        Limit("offer B", two, np.inf, minimum=1.0),
    ]
    with pytest.raises(DataError, match="offer A: at least 5 contacts; budget: at most 12 EUR; lower") as error:
        allocate(value, limits)
    assert "offer B" not in str(error.value)
    assert "calls" not in str(error.value)
    limits[0] = replace(limits[0], capacity=17.0)
    assert_within(allocate(value, limits), value, limits)


def test_a_conflict_with_many_branches_is_told_in_one_clause() -> None:
    branch = np.arange(20) % 10
    limits = [Limit("visits", np.ones(1), np.ones(10), group=branch), Limit("offer", np.ones(1), 20.0, minimum=15.0)]
    with pytest.raises(DataError, match=r"offer: at least 15 .*visits: at most \d+ contacts together in \d+ groups"):
        allocate(np.ones((20, 1)), limits)


def test_a_minimum_that_only_few_may_get_names_itself_alone() -> None:
    value = np.full((10, 1), np.nan)
    value[:3] = 1
    with pytest.raises(DataError, match="eligible: offer: at least 4 contacts; lower"):
        allocate(value, [Limit("offer", np.ones(1), 8.0, minimum=4.0), Limit("spare", np.ones(1), 9.0)])


def test_a_minimum_is_met_with_harmful_offers_where_need_be() -> None:
    value = np.array([[-5.0, 4.0], [-1.0, 1.0], [-3.0, np.nan]])
    found = allocate(value, [Limit("offer", np.array([1.0, 0.0]), 3.0, minimum=2.0)])
    assert found.choice.tolist() == [1, 0, 0]
    assert found.value == 0


def test_customers_who_cost_differently_are_not_alike() -> None:
    cost = np.array([[2.0], [1.0], [1.0], [2.0]])
    found = allocate(np.ones((4, 1)), [Limit("budget", cost, 2.0)])
    assert found.choice.tolist() == [-1, 0, 0, -1]


@pytest.mark.parametrize("value", [np.ones(3), np.ones((2, 0)), np.ones((2, 2, 2))])
def test_values_of_a_wrong_shape_are_refused(value: np.ndarray) -> None:
    with pytest.raises(DataError, match="customers × options"):
        allocate(value, [])


def test_an_infinite_value_and_an_empty_core_are_refused() -> None:
    with pytest.raises(DataError, match="inf"):
        allocate([[np.inf]], [])
    with pytest.raises(ParamsError, match="core_columns must be at least 1"):
        allocate([[1.0]], [], core_columns=0)


def test_the_same_input_gives_the_same_bytes_and_is_left_alone() -> None:
    value, limits = instance("branches", seed=9)
    before = value.copy()
    runs = [allocate(value, limits, core_columns=1000) for _ in range(2)]
    assert runs[0].choice.tobytes() == runs[1].choice.tobytes()
    assert (runs[0].value, runs[0].bound) == (runs[1].value, runs[1].bound)
    pd.testing.assert_frame_equal(runs[0].limits, runs[1].limits, check_exact=True)
    np.testing.assert_array_equal(value, before)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 3), st.sampled_from([1, 4, 20_000]))
def test_any_small_problem_keeps_its_limits_and_its_bound(seed: int, n: int, m: int, core_columns: int) -> None:
    rng = np.random.default_rng(seed)
    value = rng.integers(-2, 6, (n, m)).astype(float)
    value[rng.random((n, m)) < 0.2] = np.nan
    offer = np.zeros(m)
    offer[0] = 1
    limits = [
        Limit("budget", rng.integers(0, 4, m).astype(float), float(rng.integers(0, 2 * n))),
        Limit("branch", np.ones(m), rng.integers(0, 4, 3).astype(float), group=rng.integers(-1, 3, n)),
        Limit("offer", offer, np.inf, minimum=float(rng.integers(0, 3))),
    ]
    best = exact(value, limits) if np.isfinite(value).any() else float("nan")
    if np.isnan(best) and (limits[2].minimum > 0 or np.isfinite(value).any()):
        with pytest.raises(DataError, match="these limits can't be met together"):
            allocate(value, limits)
        return
    found = allocate(value, limits, core_columns=core_columns)
    assert_within(found, value, limits)
    best = 0.0 if np.isnan(best) else best
    assert found.bound >= best - 1e-6
    assert found.value == pytest.approx(best, abs=1e-6)  # all of these are small enough for the last integer program
