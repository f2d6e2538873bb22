"""Limits: what they count, in which group, and what is refused."""

import numpy as np
import pytest

from afraz.decisioning.allocation.capacity import Limit, compile_limits
from afraz.errors import DataError

ONES = np.ones(2)


def test_usage_is_counted_by_option_and_group_and_not_where_the_limit_does_not_apply() -> None:
    branch = np.array([0, 1, 1, -1])
    limits = [
        Limit("budget", np.array([2.0, 5.0]), 100.0),
        Limit("visits", np.array([0.0, 1.0]), np.array([3.0, np.inf]), group=branch, group_names=["north", "south"]),
    ]
    rows = compile_limits(limits, customers=4, options=2)
    assert rows.names == ["budget", "visits: north", "visits: south"]
    assert rows.used(np.array([1, 1, 0, 1])).tolist() == [17, 1, 1]
    assert rows.used(np.full(4, -1)).tolist() == [0, 0, 0]


def test_usage_may_be_each_customers_own() -> None:
    cost = np.array([[1.0, 2.0], [3.0, 0.0], [0.5, 4.0]])
    rows = compile_limits([Limit("calls", np.array([1.0, 0.0]), 2.0), Limit("budget", cost, 9.0)], 3, 2)
    assert rows.used(np.array([1, -1, 0])).tolist() == [1, 2.5]
    assert rows.of_columns(np.array([0, 2]), np.array([1, 0])).toarray().tolist() == [[0, 1], [2, 0.5]]
    assert rows.after_prices(np.full((3, 2), 10.0), np.array([1.0, 2.0])).tolist() == [[7, 6], [3, 10], [8, 2]]
    least, mean, columns = rows.sizes()
    assert (least.tolist(), mean.tolist(), columns.tolist()) == ([1, 0.5], [1, 2.1], [3, 5])
    half = rows.sample(2)
    assert half.used(np.array([1, 0])).tolist() == [1, 2.5]
    assert half.capacity.tolist() == [2 * 2 / 3, 6]


def test_two_ways_of_grouping_share_cells_and_each_customer_pays_the_prices_of_both() -> None:
    branch, region = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0])
    limits = [Limit("branch", ONES, ONES, group=branch), Limit("region", np.array([1.0, 0.0]), ONES, group=region)]
    rows = compile_limits(limits, customers=4, options=2)
    assert rows.cells == 3
    prices = rows.option_prices(np.array([1.0, 2.0, 10.0, 20.0]))[rows.cell]
    assert prices.tolist() == [[11, 1], [21, 1], [12, 2], [12, 2]]


def test_a_group_without_customers_keeps_its_row() -> None:
    rows = compile_limits([Limit("branch", ONES, np.ones(3), group=np.array([0, 0]))], customers=2, options=2)
    assert rows.used(np.array([0, 1])).tolist() == [2, 0, 0]
    assert rows.within(np.array([2.0, 0.0, 0.0])).tolist() == [False, True, True]


def test_a_sum_that_differs_from_the_capacity_by_rounding_is_within() -> None:
    rows = compile_limits([Limit("budget", np.array([0.1]), 0.3)], customers=3, options=1)
    assert rows.within(rows.used(np.zeros(3, dtype=int))).all()


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (Limit("x", np.ones(3), 1.0), r"limit x: usage must have one number for each of 2 options; got shape \(3,\)"),
        (Limit("x", np.ones((2, 2)), 1.0), r"got shape \(2, 2\) \(where customers differ: 3 rows of such numbers\)"),
        (Limit("x", np.ones((3, 2)), 5.0, minimum=1.0), "usage by customer goes with a capacity alone; leave out"),
        (Limit("x", np.ones((3, 2)), 5.0, group=np.array([0, 0, 0])), "usage by customer goes with a capacity alone"),
        (Limit("x", -ONES, 1.0), "usage must be finite and 0 or more; got -1"),
        (Limit("x", np.array([1.0, np.nan]), 1.0), "usage must be finite and 0 or more; got nan"),
        (Limit("x", ONES, -1.0), "capacity must be 0 or more, or infinite; got -1"),
        (Limit("x", ONES, np.nan), "capacity must be 0 or more, or infinite; got nan"),
        (Limit("x", ONES, 1.0, minimum=-1.0), "minimum must be finite and 0 or more; got -1"),
        (Limit("x", ONES, 1.0, minimum=np.inf), "minimum must be finite and 0 or more; got inf"),
        (Limit("x", ONES, 1.0, minimum=2.0), "minimum 2 is above capacity 1"),
        (Limit("x", ONES, np.ones(2)), "one number where there is no group"),
        (Limit("x", ONES, 1.0, group=np.array([0])), "group must be 3 whole numbers"),
        (Limit("x", ONES, 1.0, group=np.array([0.0, 1.0, 1.0])), "group must be 3 whole numbers"),
        (Limit("x", ONES, np.ones(2), group=np.array([0, 1, 2])), "groups must be −1 to 1; got 0 to 2"),
        (Limit("x", ONES, np.ones(2), group=np.array([0, 1, -2])), "groups must be −1 to 1; got -2 to 1"),
        (Limit("x", ONES, np.ones(2), group=np.array([0, 1, 1]), group_names=["a"]), "2 groups need 2 group_names"),
        (Limit("x", ONES, np.ones(2), np.ones(3), group=np.array([0, 1, 1])), "minimum must be one number or 2"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(limit: Limit, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compile_limits([limit], customers=3, options=2)


def test_two_limits_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="two limits are called budget"):
        compile_limits([Limit("budget", ONES, 1.0), Limit("budget", ONES, 2.0)], customers=1, options=2)
