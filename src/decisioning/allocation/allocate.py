"""Which customer gets which option: the most expected net value under budgets, capacities and minimums.

Once every limit has a price, customers no longer compete: each takes the option of the greatest value after paying for
what it uses, or nothing. The total of what they keep, plus the limits at their prices, is never less than the value of
any allocation (Lagrangian relaxation: Fisher 1981, Management Science 27(1)); the prices that make this bound least are
the shadow prices of the limits. One pass over the customers gives the bound and its slope, which is what carries this
to many customers (Zhang, Qi, Hua and Yang 2020, *Solving Billion-Scale Knapsack Problems*, WWW 2020).

Three steps. Prices: the bound, made smooth (as in LinkedIn's DuaLip, with entropy in place of its ridge), is minimised
by L-BFGS-B. Core: customers whose best two options are nearly equal at these prices are solved exactly, all others keep
their best (:mod:`.exact`). Repair: whoever is worth least goes where a limit is exceeded, room that is left is filled,
and a last small integer program rearranges those on the edge. A small problem is all core. Where far more customers
than the core holds are alike in every value, the choice among them is greedy: the gap says what that may cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from ...errors import DataError, ParamsError
from .capacity import Array, Codes, Limit, LimitRows, compile_limits
from .exact import Core, core_choice, core_prices, meet_minimums

Prices = tuple[Array, Array]  # of one unit of each capacity and of each minimum, 0 or more

CHUNK = 100_000  # customers at a time: scores and their exponentials stay small
ROUNDS = 4  # the core is chosen anew at better prices; the first is nearly always enough
CLOSE = 1e-12  # floating-point sums of usage differ by this much
GOOD = 5e-5  # a gap that no further round is worth
EDGE = 1_000  # columns of the last integer program
SOFT = (0.1, 0.02, 0.005)  # temperatures of the smooth bound, in mean values of an option
SAMPLE = 50_000  # customers on whom the prices are sought first


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
    problem = _Problem(*_checked(value, limits))
    rows = problem.rows
    seed = meet_minimums(problem.value, rows)
    choice, bound, prices = _solve(problem, core_columns)
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


@dataclass(frozen=True)
class _Problem:
    """Values and limits, and what can be done with them at given prices."""

    value: Array
    rows: LimitRows

    def scores(self, prices: Prices, part: slice | Codes = slice(None)) -> Array:
        """Value of each option after paying for what it uses and being paid for what a minimum demands."""
        cost = self.rows.option_prices(prices[0] - prices[1])
        return self.value[part] - (cost if self.rows.cells == 1 else cost[self.rows.cell[part]])

    def worth(self, choice: Codes) -> float:
        """Value of a choice."""
        chosen = np.flatnonzero(choice >= 0)
        return float(self.value[chosen, choice[chosen]].sum())

    def feasible(self, choice: Codes) -> bool:
        """Whether a choice keeps to all limits."""
        used = self.rows.used(choice)
        return bool(self.rows.within(used).all() and self.rows.reached(used).all())

    def limits_at(self, prices: Prices) -> float:
        """The limits at their prices; infinite capacities have none."""
        finite = np.isfinite(self.rows.capacity)
        return float(self.rows.capacity[finite] @ prices[0][finite] - self.rows.minimum @ prices[1])

    def best(self, prices: Prices) -> tuple[Codes, Array, float]:
        """Take each customer's best option; give the choice, the scores and the bound."""
        score = self.scores(prices)
        option = score.argmax(axis=1)
        kept = score[np.arange(len(score)), option]
        choice = np.where(kept > 0, option, -1)
        return choice, score, float(np.maximum(kept, 0).sum()) + self.limits_at(prices)

    def smooth(self, prices: Prices, temperature: float) -> tuple[float, Array]:
        """Bound with a soft maximum, and what would be used of each limit."""
        rows, total = self.rows, 0.0
        counts = np.zeros((rows.cells, rows.options))
        cost = rows.option_prices(prices[0] - prices[1])
        for start in range(0, len(self.value), CHUNK):
            part = slice(start, start + CHUNK)
            score = self.value[part] - (cost if rows.cells == 1 else cost[rows.cell[part]])
            top = np.maximum(score.max(axis=1), 0.0)
            share = np.exp((score - top[:, None]) / temperature)
            all_ = share.sum(axis=1) + np.exp(-top / temperature)
            total += float(top.sum() + temperature * np.log(all_).sum())
            share /= all_[:, None]
            if rows.cells == 1:
                counts[0] += share.sum(axis=0)
            else:
                for j in range(rows.options):
                    counts[:, j] += np.bincount(rows.cell[part], weights=share[:, j], minlength=rows.cells)
        return total + self.limits_at(prices), rows.of_counts(counts)

    def sample(self, size: int) -> "_Problem":
        """Every so-manieth customer, with limits in proportion."""
        step = -(-len(self.value) // size)
        if step == 1:
            return self
        rows, take = self.rows, slice(None, None, step)
        ratio = len(self.value[take]) / len(self.value)
        less = LimitRows(
            rows.cell[take],
            rows.cells,
            rows.options,
            rows.matrix,
            rows.capacity * ratio,
            rows.minimum * ratio,
            rows.table,
        )
        return _Problem(self.value[take], less)

    def core(self, choice: Codes, score: Array, columns: int) -> tuple[Core, Codes, float]:
        """Open the columns of least regret; give them, the choice of the others, and the regret they stay below."""
        n = len(choice)
        place = np.arange(n)
        mine = np.where(choice >= 0, score[place, choice], 0.0)
        regret = np.column_stack([mine[:, None] - score, mine])  # the last column is nothing
        regret[place, choice] = np.inf  # their own (−1 is the last) is no alternative
        flat = regret.ravel()
        reach = np.inf
        if flat.size > columns:
            reach = float(np.partition(flat, columns)[columns])
        open_ = flat < reach
        if np.isfinite(reach):
            open_[np.flatnonzero(flat == reach)[: columns - int(open_.sum())]] = True
        taken = open_.reshape(n, -1)
        inside = taken.any(axis=1)
        taken[inside, choice[inside]] = True
        customer, option = np.nonzero(taken[:, :-1])
        outside = np.where(inside, -1, choice)
        return Core(customer, option, self.value[customer, option], self.rows.used(outside)), outside, reach

    def drop(self, choice: Codes, prices: Prices) -> Codes:
        """Take options away where a limit is exceeded, from those who lose least after prices, until it holds."""
        rows, choice = self.rows, choice.copy()
        score = self.scores(prices)
        usage = rows.matrix.tocsr()
        for k in np.flatnonzero(~rows.within(rows.used(choice))):
            per_place = usage[[k]].toarray().ravel()
            chosen = np.flatnonzero(choice >= 0)
            takes = per_place[rows.cell[chosen] * rows.options + choice[chosen]]
            chosen, takes = chosen[takes > 0], takes[takes > 0]
            order = np.argsort(score[chosen, choice[chosen]], kind="stable")
            excess = takes.sum() - rows.capacity[k]
            count = int(np.searchsorted(np.cumsum(takes[order]), excess - 1e-12 * takes.sum())) + 1
            choice[chosen[order[:count]]] = -1
        return choice

    def fill(self, choice: Codes, prices: Prices) -> Codes:
        """Give options away while they add value and fit, first those worth most after prices."""
        rows, choice = self.rows, choice.copy()
        matrix = rows.matrix.tocoo()
        spare = np.flatnonzero(choice < 0)
        if not len(spare):
            return choice
        score = np.where(self.value[spare] > 0, self.scores(prices, spare), -np.inf)
        batch = 1024
        while True:
            used = rows.used(choice)
            tight = matrix.data > (rows.capacity * (1 + CLOSE) - used)[matrix.row]
            fits = np.bincount(matrix.col, weights=tight, minlength=rows.cells * rows.options) == 0
            score[~fits.reshape(rows.cells, -1)[rows.cell[spare]]] = -np.inf
            option = score.argmax(axis=1)
            worth = score[np.arange(len(spare)), option]
            spare, score, option, worth = (part[worth > -np.inf] for part in (spare, score, option, worth))
            if not len(spare):
                return choice
            first = _largest(worth, batch)
            takes = rows.matrix[:, rows.cell[spare[first]] * rows.options + option[first]].toarray()
            over = (used[:, None] + np.cumsum(takes, axis=1) > (rows.capacity * (1 + CLOSE))[:, None]).any(axis=0)
            count = int(over.argmax()) if over.any() else len(over)
            choice[spare[first[:count]]] = option[first[:count]]
            batch = max(2 * count, 1024)
            keep = np.ones(len(spare), dtype=bool)
            keep[first[:count]] = False
            spare, score = spare[keep], score[keep]

    def rearrange(self, choice: Codes, prices: Prices, bound: float) -> Codes:
        """Let an integer program rearrange those on the edge; keep the better of before and after."""
        if self.feasible(choice) and bound - self.worth(choice) <= GOOD * abs(bound):
            return choice
        edge, outside, _ = self.core(choice, self.scores(prices), EDGE)
        share = abs(bound) / max(bound - self.worth(outside), GOOD * abs(bound), 1e-300)
        taken = core_choice(edge, self.rows, GOOD * share)
        if taken is None:
            return choice
        after = outside.copy()
        after[edge.customer[taken]] = edge.option[taken]
        if not self.feasible(after):
            return choice
        after = self.fill(after, prices)
        return after if not self.feasible(choice) or self.worth(after) > self.worth(choice) else choice


def _solve(problem: _Problem, core_columns: int) -> tuple[Codes, float, Prices]:
    """Find prices and a choice that keeps to the capacities (to the minimums nearly always, too)."""
    rows = problem.rows
    none = np.zeros(len(rows.capacity))
    prices: Prices = (none, none)
    choice, score, bound = problem.best(prices)
    if problem.feasible(choice):
        return choice, bound, prices
    if problem.value.size > core_columns:
        prices = smooth_prices(problem)
    best: tuple[bool, float, Codes] | None = None
    bound, least = np.inf, prices
    for _ in range(ROUNDS):
        choice, score, found = problem.best(prices)
        if found < bound:
            bound, least = found, prices
        core, outside, reach = problem.core(choice, score, core_columns)
        whole = np.isinf(reach)
        mean = _mean_usage(rows)
        share, *new = core_prices(core, rows, None if whole else prices, 2 * reach / mean if not whole else mean)
        after = problem.fill(problem.drop(_rounded(core, share, outside), least), least)
        candidate = (problem.feasible(after), problem.worth(after), after)
        if best is None or candidate[:2] > best[:2]:
            best = candidate
        found = problem.best((new[0], new[1]))[2]
        step = 1.0 if found < bound else 0.5
        if found < bound:
            bound, least = found, (new[0], new[1])
        if whole or (best[0] and bound - best[1] <= GOOD * abs(bound)):
            break
        prices = (least[0] + step * (new[0] - least[0]), least[1] + step * (new[1] - least[1]))
    assert best is not None
    return best[2], bound, least


def smooth_prices(problem: _Problem) -> Prices:
    """Minimise the smooth bound, first on a sample and warm, then on all customers and nearly cold."""
    rows = problem.rows
    capped, floored = np.flatnonzero(np.isfinite(rows.capacity)), np.flatnonzero(rows.minimum > 0)
    finite = problem.value[np.isfinite(problem.value)]
    scale = float(np.abs(finite).mean()) or 1.0
    # prices are sought in mean values per mean usage, and those of large groups move by smaller steps
    member = np.bincount(rows.cell, minlength=rows.cells)
    weight = np.asarray((rows.matrix.tocsr() > 0) @ np.repeat(member, rows.options)).ravel() / problem.value.size
    unit = scale / _mean_usage(rows) / np.sqrt(np.maximum(weight, 1e-9))
    units = np.concatenate([unit[capped], unit[floored]])

    def unpack(x: Array) -> Prices:
        out = np.zeros(len(rows.capacity)), np.zeros(len(rows.capacity))
        out[0][capped], out[1][floored] = x[: len(capped)] * unit[capped], x[len(capped) :] * unit[floored]
        return out

    x = np.zeros(len(units))
    small = problem.sample(SAMPLE)
    stages = [(small, soft, 200) for soft in SOFT] + ([] if small is problem else [(problem, SOFT[-1], 40)])
    for part, soft, steps in stages:
        norm = scale * len(part.value)

        def bound(x: Array, part: _Problem = part, soft: float = soft, norm: float = norm) -> tuple[float, Array]:
            total, used = part.smooth(unpack(x), soft * scale)
            slope = np.concatenate([(part.rows.capacity - used)[capped], (used - part.rows.minimum)[floored]])
            return total / norm, slope * units / norm

        x = minimize(
            bound, x, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(x), options={"maxiter": steps, "maxcor": 20}
        ).x
    return unpack(x)


def _largest(numbers: Array, count: int) -> Codes:
    """Places of the largest numbers, falling; equal ones in their order."""
    if len(numbers) > count:
        least = np.partition(numbers, -count)[-count]
        above, equal = np.flatnonzero(numbers > least), np.flatnonzero(numbers == least)
        places = np.concatenate([above, equal[: count - len(above)]])
    else:
        places = np.arange(len(numbers))
    return places[np.argsort(-numbers[places], kind="stable")]


def _rounded(core: Core, share: Array, outside: Codes) -> Codes:
    """Round the shares of each customer of the core: to the largest, nothing being one of them."""
    choice = outside.copy()
    order = np.lexsort((share, core.customer))
    customer, last = np.unique(core.customer[order][::-1], return_index=True)
    top = order[::-1][last]
    total = np.bincount(core.customer, weights=share, minlength=len(choice))[customer]
    wins = share[top] >= 1 - total
    choice[customer[wins]] = core.option[top[wins]]
    return choice


def _in_order(choice: Codes, problem: _Problem) -> Codes:
    """Serve customers whom nothing distinguishes in their order: options first, the lowest first, then nothing."""
    keys = np.column_stack([problem.rows.cell, problem.value])
    order = np.lexsort(keys.T)
    alike = np.append(False, (keys[order[1:]] == keys[order[:-1]]).all(axis=1))[: len(order)]
    kind = np.cumsum(~alike)
    rank = np.where(choice >= 0, choice, problem.rows.options)[order]
    out = choice.copy()
    out[order] = choice[order][np.lexsort((rank, kind))]
    return out


def _mean_usage(rows: LimitRows) -> NDArray[np.float64]:
    """Mean of what those use of each limit that use it; 1 where nobody does."""
    usage = rows.matrix.tocsr()
    count = np.diff(usage.indptr)
    return np.where(count > 0, np.asarray(usage.sum(axis=1)).ravel() / np.maximum(count, 1), 1.0)
