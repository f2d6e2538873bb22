"""Which customer gets which option: the most expected net value under budgets, capacities and minimums.

The method is in :mod:`.dual` (prices of the limits, and a choice at these prices) and in :mod:`.minimums` (whether the
minimums can be met at all). A small problem is solved exactly. Where far more customers than the core holds are alike
in every value, the choice among them is greedy: the gap says what that may cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import DataError, ParamsError
from .capacity import Array, Codes, Limit, LimitRows, compile_limits
from .dual import Problem, solve
from .minimums import meet_minimums


@dataclass(frozen=True)
class Allocation:
    """What to do, what it is worth, and what stood in the way.

    Attributes
    ----------
    choice : (n,) option of each customer, −1 for nothing
    value : expected net value of the choice
    bound : no allocation is worth more
    gap : (bound − value) / bound
    limits : one row for each limit and group: ``limit, group, unit, capacity, minimum, used, slack, shadow_price``
        (what one more unit of capacity adds), ``minimum_price`` (what one unit less of the minimum would add),
        ``price_unit``
    """

    choice: Codes
    value: float
    bound: float
    gap: float
    limits: pd.DataFrame


def allocate(
    value: ArrayLike, limits: Sequence[Limit], *, value_unit: str = "value", core_columns: int = 20_000
) -> Allocation:
    """Choose at most one option for each customer so that the sum of values is greatest.

    Parameters
    ----------
    value : (n, m) expected net value; NaN or −inf where the customer isn't eligible. An option of value 0 or less is
        given to nobody unless a minimum demands it.
    limits : what is scarce, and what is demanded
    value_unit : what value is counted in, for ``price_unit``
    core_columns : how many nearly undecided alternatives are solved exactly; more is closer to the optimum, and slower

    Returns
    -------
    Allocation
        The same input gives the same bytes; equal customers are served in their order.

    Raises
    ------
    DataError
        Values or limits make no sense, or the minimums can't be met; the message names the limits in conflict.

    Examples
    --------
    Two options for three customers, and money for one letter and one call:

    >>> value = np.array([[3.0, 8.0], [2.0, 9.0], [4.0, np.nan]])
    >>> budget = Limit("budget", usage=np.array([1.0, 5.0]), capacity=6.0, unit="EUR")
    >>> found = allocate(value, [budget], value_unit="EUR")
    >>> found.choice.tolist(), found.value
    ([-1, 1, 0], 13.0)
    >>> found.limits[["limit", "used", "slack", "shadow_price", "price_unit"]]
        limit  used  slack  shadow_price   price_unit
    0  budget   6.0    0.0          1.75  EUR per EUR
    >>> allocate(value, [budget, Limit("letters", np.array([1.0, 0.0]), 10.0, minimum=7.0)])
    Traceback (most recent call last):
    afraz.errors.DataError: these limits can't be met together by the customers who are eligible: letters: at least ...
    """
    if core_columns < 1:
        raise ParamsError(f"core_columns must be at least 1; got {core_columns}")
    problem = Problem(*_checked(value, limits))
    rows = problem.rows
    seed = meet_minimums(problem.value, rows, core_columns)
    choice, bound, prices = solve(problem, core_columns)
    choice = problem.rearrange(choice, prices, bound)
    if not problem.feasible(choice):
        assert seed is not None, "without minimums, whatever is too much was dropped"
        choice = problem.rearrange(problem.fill(seed, prices), prices, bound)
    choice = _in_order(choice, problem)
    worth = problem.worth(choice)
    bound = max(bound, worth)  # they differ by rounding alone where the choice is optimal
    table = rows.table.assign(capacity=rows.capacity, minimum=rows.minimum, used=rows.used(choice))
    table["slack"] = np.maximum(table["capacity"] - table["used"], 0.0)
    table["shadow_price"], table["minimum_price"] = prices
    table["price_unit"] = value_unit + " per " + table["unit"]
    gap = (bound - worth) / abs(bound) if bound else 0.0
    return Allocation(choice, worth, bound, gap, table)


def _checked(value: ArrayLike, limits: Sequence[Limit]) -> tuple[Array, LimitRows]:
    """Check the values; not eligible is −inf from here on."""
    values = np.array(value, dtype=float)
    if values.ndim != 2 or not values.shape[1]:
        raise DataError(f"value must be customers × options, with at least one option; got shape {values.shape}")
    if np.isposinf(values).any():
        raise DataError("value holds +inf; give a finite value, or NaN where the customer isn't eligible")
    values[np.isnan(values)] = -np.inf
    return values, compile_limits(limits, *values.shape)


def _in_order(choice: Codes, problem: Problem) -> Codes:
    """Serve customers whom nothing distinguishes in their order: options first, the lowest first, then nothing."""
    rows = problem.rows
    alike, kind = np.arange(len(choice)), np.zeros(len(choice), dtype=np.int64)
    for key in [rows.cell, *problem.value.T, *(column for usage in rows.own.values() for column in usage.T)]:
        order = np.lexsort((key[alike], kind))
        alike, kind = alike[order], kind[order]
        differs = (np.diff(kind) > 0) | (key[alike[1:]] != key[alike[:-1]])
        kind = np.cumsum(np.append(True, differs)[: len(kind)])
        several = np.bincount(kind)[kind] > 1
        alike, kind = alike[several], kind[several]
    rank = np.where(choice >= 0, choice, rows.options)[alike]
    out = choice.copy()
    out[alike] = choice[alike][np.lexsort((rank, kind))]
    return out
