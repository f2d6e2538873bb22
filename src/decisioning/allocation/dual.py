"""Prices of the limits, and a choice at these prices: Lagrangian relaxation, and repair.

Once every limit has a price, customers no longer compete: each takes the option of the greatest value after paying for
what it uses, or nothing. The total of what they keep, plus the limits at their prices, is never less than the value of
any allocation (Lagrangian relaxation: Fisher 1981, Management Science 27(1)); the prices that make this bound least are
the shadow prices of the limits. One pass over the customers gives the bound and its slope, which is what carries this
to many customers (Zhang, Qi, Hua and Yang 2020, *Solving Billion-Scale Knapsack Problems*, WWW 2020).

Three steps. Prices: the bound, made smooth (as in LinkedIn's DuaLip, with entropy in place of its ridge), is minimised
by L-BFGS-B. Core: customers whose best two options are nearly equal at these prices are solved exactly, all others keep
their best (:mod:`.exact`). Repair: whoever is worth least goes where a limit is exceeded, room that is left is filled,
and a last small integer program rearranges those on the edge. A small problem is all core.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from .capacity import Array, Codes, LimitRows
from .exact import Core, core_choice, core_prices

Prices = tuple[Array, Array]  # of one unit of each capacity and of each minimum, 0 or more

CHUNK = 100_000  # customers at a time: scores and their exponentials stay small
ROUNDS = 4  # the core is chosen anew at better prices; the first is nearly always enough
CLOSE = 1e-12  # floating-point sums of usage differ by this much
GOOD = 5e-5  # a gap that no further round is worth
EDGE = 1_000  # columns of the last integer program
SOFT = (0.1, 0.02, 0.005)  # temperatures of the smooth bound, in mean values of an option
SAMPLE = 50_000  # customers on whom the prices are sought first


@dataclass(frozen=True)
class Problem:
    """Values and limits, and what can be done with them at given prices."""

    value: Array
    rows: LimitRows

    def scores(self, prices: Prices, part: slice | Codes = slice(None)) -> Array:
        """Value of each option after paying for what it uses and being paid for what a minimum demands."""
        return self.rows.after_prices(self.value[part], prices[0] - prices[1], part)

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
        counts, own = np.zeros((rows.cells, rows.options)), dict.fromkeys(rows.own, 0.0)
        for start in range(0, len(self.value), CHUNK):
            part = slice(start, start + CHUNK)
            score = self.scores(prices, part)
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
            for row, usage in rows.own.items():
                own[row] += float(np.vdot(share, usage[part]))
        used = rows.of_counts(counts)
        used[list(own)] = list(own.values())
        return total + self.limits_at(prices), used

    def sample(self, size: int) -> "Problem":
        """Every so-manieth customer, at most ``size`` of them, with limits in proportion."""
        step = -(-len(self.value) // size)
        if step == 1:
            return self
        return Problem(self.value[::step], self.rows.sample(step))

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
        for k in np.flatnonzero(~rows.within(rows.used(choice))):
            chosen = np.flatnonzero(choice >= 0)
            takes = rows.of_row(int(k), chosen, choice[chosen])
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
            room = rows.capacity * (1 + CLOSE) - used
            tight = matrix.data > room[matrix.row]
            fits = np.bincount(matrix.col, weights=tight, minlength=rows.cells * rows.options) == 0
            score[~fits.reshape(rows.cells, -1)[rows.cell[spare]]] = -np.inf
            for k, usage in rows.own.items():
                score[usage[spare] > room[k]] = -np.inf
            option = score.argmax(axis=1)
            worth = score[np.arange(len(spare)), option]
            spare, score, option, worth = (part[worth > -np.inf] for part in (spare, score, option, worth))
            if not len(spare):
                return choice
            first = _largest(worth, batch)
            takes = rows.of_columns(spare[first], option[first]).toarray()
            over = (used[:, None] + np.cumsum(takes, axis=1) > (rows.capacity * (1 + CLOSE))[:, None]).any(axis=0)
            count = int(over.argmax()) if over.any() else len(over)
            choice[spare[first[:count]]] = option[first[:count]]
            batch = max(2 * count, 1024)
            keep = np.ones(len(spare), dtype=bool)
            keep[first[:count]] = False
            spare, score = spare[keep], score[keep]

    def rearrange(self, choice: Codes, prices: Prices, bound: float, good: float = GOOD) -> Codes:
        """Let an integer program rearrange those on the edge; keep the better of before and after."""
        if self.feasible(choice) and bound - self.worth(choice) <= good * abs(bound):
            return choice
        edge, outside, _ = self.core(choice, self.scores(prices), EDGE)
        share = abs(bound) / max(abs(bound - self.worth(outside)), GOOD * abs(bound), 1e-300)
        taken = core_choice(edge, self.rows, good * share)
        if taken is None:
            return choice
        after = outside.copy()
        after[edge.customer[taken]] = edge.option[taken]
        if not self.feasible(after):
            return choice
        after = self.fill(after, prices)
        return after if not self.feasible(choice) or self.worth(after) > self.worth(choice) else choice


def solve(problem: Problem, core_columns: int) -> tuple[Codes, float, Prices]:
    """Find prices and a choice that keeps to the capacities (to the minimums nearly always, too)."""
    rows = problem.rows
    none = np.zeros(len(rows.capacity))
    prices: Prices = (none, none)
    choice, score, bound = problem.best(prices)
    if problem.feasible(choice):
        return choice, bound, prices
    if problem.value.size > core_columns:
        prices = smooth_prices(problem)
    mean = rows.sizes()[1]
    best: tuple[bool, float, Codes] | None = None
    bound, least = np.inf, prices
    for _ in range(ROUNDS):
        choice, score, found = problem.best(prices)
        if found < bound:
            bound, least = found, prices
        core, outside, reach = problem.core(choice, score, core_columns)
        whole = np.isinf(reach)
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


def smooth_prices(problem: Problem) -> Prices:
    """Minimise the smooth bound, first on a sample and warm, then on all customers and nearly cold."""
    rows = problem.rows
    capped, floored = np.flatnonzero(np.isfinite(rows.capacity)), np.flatnonzero(rows.minimum > 0)
    finite = problem.value[np.isfinite(problem.value)]
    scale = float(np.abs(finite).mean()) or 1.0
    # prices are sought in mean values per mean usage, and those of large groups move by smaller steps
    _, mean, columns = rows.sizes()
    unit = scale / mean / np.sqrt(np.maximum(columns / problem.value.size, 1e-9))
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

        def bound(x: Array, part: Problem = part, soft: float = soft, norm: float = norm) -> tuple[float, Array]:
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
