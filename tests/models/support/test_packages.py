"""Support packages as a scenario."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.support.packages import (
    Demand,
    Package,
    break_even,
    price_curve,
    price_packages,
    spread_sensitivity,
    take_up,
)

FREE = Package(price=0, included=2, extra=3.0)
ALL_IN = Package(price=10)


def demand(n: int = 400, sensitivity: float = 0.5) -> Demand:
    contacts = np.linspace(0.2, 8.0, n)
    return Demand(contacts, np.full(n, 3.0), np.full(n, 4.0), np.full((n, 1), sensitivity))


def test_everybody_takes_one_package_and_heavy_users_the_flat_one() -> None:
    taken = take_up(demand(), {"basic": FREE, "flat": ALL_IN})
    assert sum(taken.values()) == pytest.approx(np.ones(400))
    assert taken["flat"][0] == 0
    assert taken["flat"][-1] == 1
    assert (np.diff(taken["flat"]) >= 0).all()


def test_a_flat_price_draws_those_who_cost_more() -> None:
    found = price_packages(demand(), {"basic": FREE, "flat": ALL_IN}).set_index("package")
    assert found.loc["flat", "selection"] > 1.5
    assert found.loc["basic", "selection"] < 1
    assert found["takers"].sum() == pytest.approx(400)
    assert found.loc["flat", "margin"] == pytest.approx(found.loc["flat", "income"] - found.loc["flat", "cost"])
    assert found.loc["flat", "price_for_all"] == pytest.approx(4.0 * demand().contacts.mean())


def test_where_takers_cost_more_than_any_price_they_pay_nothing_breaks_even() -> None:
    # each contact saved is worth 3 to the customer and costs the bank 4: whoever takes it does so at a loss
    curve = price_curve(demand(), {"basic": FREE, "flat": ALL_IN}, "flat")
    assert np.isnan(break_even(curve))
    assert curve["takers"].is_monotonic_decreasing
    assert curve.loc[curve["takers"] > 1, "cost_each"].is_monotonic_increasing, "the dearer, the worse the takers"


def test_an_attraction_that_is_worth_more_than_it_costs_breaks_even_at_the_cost_of_its_takers() -> None:
    equal = Demand(np.full(50, 2.0), np.full(50, 1e6), np.full(50, 4.0), np.zeros((50, 1)))
    curve = price_curve(equal, {"basic": Package(), "plus": Package(price=12, attraction=30)}, "plus", steps=300)
    assert break_even(curve) == pytest.approx(8.0, abs=0.13)


def test_the_price_sensitive_pay_less_for_what_comes_with_it() -> None:
    packages = {"basic": Package(), "plus": Package(price=5, attraction=8)}
    cheap, dear = (take_up(demand(sensitivity=s), packages)["plus"].mean() for s in (0.1, 0.9))
    assert (cheap, dear) == (1.0, 0.0)


def test_those_who_never_answered_are_as_those_who_did() -> None:
    found = spread_sensitivity(pd.Series([0.1, 0.5, 0.9, None]))
    assert found[:3].std(axis=1).max() < 1e-12
    assert found[3].mean() == pytest.approx(0.5)
    with pytest.raises(DataError, match="no customer answered"):
        spread_sensitivity(pd.Series([None, None], dtype=float))
    with pytest.raises(DataError, match="price sensitivity lies from 0 to 1, got 0.2 to 7"):
        spread_sensitivity(pd.Series([0.2, 7.0]))


def test_one_package_has_to_be_free() -> None:
    with pytest.raises(ParamsError, match="one package has to have the price 0"):
        take_up(demand(), {"flat": ALL_IN})
