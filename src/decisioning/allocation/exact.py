"""Exact optimisation where it is affordable: among the customers that are close to undecided, and for feasibility.

HiGHS (through scipy) solves linear and integer programs of some ten thousand columns in a second. Three questions of an
allocation are that small: which prices clear the limits once all but the undecided customers are fixed (the *core* of
a knapsack problem: Balas and Zemel 1980, Operations Research 28(5)), which whole choice among them is best, and whether
all minimums can be met at all. The last one needs no single customers: those of one cell with the same eligible options
are interchangeable, so whole numbers of each kind are enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from ...errors import DataError
from .capacity import Array, Codes, LimitRows

Flags = NDArray[np.bool_]

# Prices are those of one unit *more*: a limit that whole contacts fill exactly has any price between that of its last
# unit and that of the next one, and a thousandth of a contact more room picks the latter.
MORE = 1e-3

# Node limits, unlike time limits, give the same answer on a busy machine.
NODES = 50

SHOWN = 3  # groups of one limit that a message names


@dataclass(frozen=True)
class Core:
    """Columns (customer, option) that are still open, sorted by customer, and the room that the others leave.

    Attributes
    ----------
    customer, option : (p,) the columns
    gain : (p,) their values
    used : (k,) what the customers outside the core use
    """

    customer: Codes
    option: Codes
    gain: Array
    used: Array

    def matrices(self, rows: LimitRows) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Usage of limits by column, and which column belongs to which customer."""
        usage = rows.matrix[:, rows.cell[self.customer] * rows.options + self.option].tocsr()
        _, member = np.unique(self.customer, return_inverse=True)
        count = int(member.max(initial=-1)) + 1
        place = np.arange(len(member))
        return usage, sparse.csr_array((np.ones(len(member)), (member, place)), shape=(count, len(member)))


def core_prices(
    core: Core, rows: LimitRows, near: tuple[Array, Array] | None, reach: Array
) -> tuple[Array, Array, Array]:
    """Solve the linear relaxation over the core.

    Parameters
    ----------
    core : what is open
    rows : the limits
    near : (capacity prices, minimum prices) that the core was chosen at; none where everything is in the core
    reach : (k,) how far prices may move from there: others than those of the core might change their mind beyond it

    Returns
    -------
    share : (p,) of each column that is taken
    capacity_price, minimum_price : (k,), 0 or more
    """
    usage, member = core.matrices(rows)
    capped, floored = np.flatnonzero(np.isfinite(rows.capacity)), np.flatnonzero(rows.minimum > 0)
    signed = sparse.vstack([usage[capped], -usage[floored]])
    smallest = _smallest_usage(rows)
    room = np.concatenate([(rows.capacity - core.used + MORE * smallest)[capped], (core.used - rows.minimum)[floored]])
    cost, columns, bounds = (
        -core.gain,
        [sparse.vstack([signed, member])],
        np.column_stack([np.zeros(len(core.gain)), np.ones(len(core.gain))]),
    )
    if near is not None:
        # a price above near + reach is worth going over the limit; one below near − reach sells the rest elsewhere
        price = np.concatenate([near[0][capped], near[1][floored]])
        step = np.concatenate([reach[capped], reach[floored]])
        unit = sparse.vstack([sparse.eye_array(len(price)), sparse.csr_array((member.shape[0], len(price)))])
        columns += [-unit, unit]
        cost = np.concatenate([cost, price + step, -np.maximum(price - step, 0.0)])
        bounds = np.vstack([bounds, np.tile([0.0, np.inf], (2 * len(price), 1))])
    found = linprog(
        cost,
        A_ub=sparse.hstack(columns).tocsr(),
        b_ub=np.concatenate([room, np.ones(member.shape[0])]),
        bounds=bounds,
        method="highs",
    )
    if found.x is None:
        raise DataError(f"the linear program of the allocation has no solution: {found.message}")
    prices = np.maximum(-found.ineqlin.marginals[: len(room)], 0.0)
    capacity_price, minimum_price = np.zeros(len(rows.capacity)), np.zeros(len(rows.capacity))
    capacity_price[capped], minimum_price[floored] = prices[: len(capped)], prices[len(capped) :]
    return found.x[: len(core.gain)], capacity_price, minimum_price


def core_choice(core: Core, rows: LimitRows, close: float) -> Flags | None:
    """Take the best whole set of columns of the core, up to a relative gap; none where the node limit comes first."""
    usage, member = core.matrices(rows)
    needed = np.where(rows.minimum > 0, rows.minimum - core.used, -np.inf)
    found = milp(
        -core.gain,
        integrality=np.ones(len(core.gain)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(usage, needed, rows.capacity - core.used), LinearConstraint(member, -np.inf, 1)],
        options={"node_limit": NODES, "mip_rel_gap": close, "presolve": False},
    )
    return None if found.x is None else np.asarray(found.x > 0.5)


def meet_minimums(value: Array, rows: LimitRows) -> Codes | None:
    """Find some choice that meets all minimums within all capacities, whatever it is worth.

    Options that serve no minimum only take room, so they are left out.

    Returns
    -------
    (n,) option of each customer, −1 for nothing; none where there are no minimums

    Raises
    ------
    DataError
        There is no such choice; the message names limits of which each is needed for the contradiction (deletion
        filter: Chinneck 2008, *Feasibility and Infeasibility in Optimization*, ch. 6).
    """
    floored = rows.minimum > 0
    if not floored.any():
        return None
    serving = rows.matrix.tocsr()[np.flatnonzero(floored)].sum(axis=0).reshape(rows.cells, rows.options) > 0
    open_ = np.isfinite(value) & serving[rows.cell] if len(value) else np.zeros(value.shape, dtype=bool)
    served = np.flatnonzero(open_.any(axis=0))
    packed, kind = np.unique(np.column_stack([rows.cell, open_[:, served]]), axis=0, return_inverse=True)
    size = np.bincount(kind.ravel(), minlength=len(packed))
    at, option = np.nonzero(packed[:, 1:])
    usage = rows.matrix[:, packed[at, 0] * rows.options + served[option]].tocsr()
    member = sparse.csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(packed), len(at)))

    def solve(capped: Flags, floor: Flags) -> Array | None:
        low, high = np.where(floor, rows.minimum, -np.inf), np.where(capped, rows.capacity, np.inf)
        if not len(at):
            return None if (low > 0).any() else np.zeros(0)
        limits = [LinearConstraint(usage, low, high), LinearConstraint(member, -np.inf, size)]
        found = milp(np.zeros(len(at)), integrality=np.ones(len(at)), constraints=limits)
        return None if found.x is None else np.asarray(found.x)

    capped = np.isfinite(rows.capacity) & (np.diff(usage.indptr) > 0)
    counts = solve(capped, floored)
    if counts is None:
        raise DataError(_contradiction(rows, capped, floored, solve))
    return _spread(value, kind.ravel(), at, served[option], np.rint(counts).astype(np.int64))


def _contradiction(
    rows: LimitRows, capped: Flags, floored: Flags, solve: Callable[[Flags, Flags], Array | None]
) -> str:
    """Drop every bound without which the rest still contradicts itself: first whole limits, then single groups."""
    flags = [capped.copy(), floored.copy()]
    limit = rows.table["limit"].to_numpy()
    blocks = [(k, np.flatnonzero(flags[k] & (limit == name))) for k in (0, 1) for name in dict.fromkeys(limit)]
    singles = [(k, np.array([i])) for k in (0, 1) for i in range(len(limit))]
    for k, block in blocks + singles:
        if not flags[k][block].any():
            continue
        kept = flags[k][block].copy()
        flags[k][block] = False
        if solve(*flags) is not None:
            flags[k][block] = kept
    words = [*_bounds(rows, flags[1], "at least", rows.minimum), *_bounds(rows, flags[0], "at most", rows.capacity)]
    return (
        f"these limits can't be met together by the customers who are eligible: {'; '.join(words)}; "
        "lower a minimum, raise a capacity or widen eligibility"
    )


def _bounds(rows: LimitRows, involved: Flags, kind: str, numbers: Array) -> list[str]:
    """Say which bounds are involved; many groups of one limit in one clause."""
    words = []
    for name in dict.fromkeys(rows.table["limit"][involved]):
        at = np.flatnonzero(involved & (rows.table["limit"] == name))
        unit = rows.table["unit"][at[0]]
        if len(at) > SHOWN:
            some = ", ".join(rows.table["group"][at[:SHOWN]])
            words.append(f"{name}: {kind} {numbers[at].sum():g} {unit} together in {len(at)} groups ({some} …)")
        else:
            words += [f"{rows.names[i]}: {kind} {numbers[i]:g} {unit}" for i in at]
    return words


def _spread(value: Array, kind: Codes, at: Codes, option: Codes, counts: Codes) -> Codes:
    """Give each option to as many customers of a kind as counted, to those who lose least by it."""
    choice = np.full(len(value), -1, dtype=np.int64)
    best = np.maximum(value.max(axis=1, initial=0.0), 0.0)
    members = np.split(np.argsort(kind, kind="stable"), np.cumsum(np.bincount(kind))[:-1])
    for a, j, count in zip(at[counts > 0], option[counts > 0], counts[counts > 0], strict=True):
        free = members[a][choice[members[a]] < 0]
        choice[free[np.argsort(best[free] - value[free, j], kind="stable")[:count]]] = j
    return choice


def _smallest_usage(rows: LimitRows) -> Array:
    """Least that one contact uses of each limit; 0 where nobody uses it."""
    matrix = rows.matrix.tocoo()
    least = np.full(len(rows.capacity), np.inf)
    np.minimum.at(least, matrix.row, matrix.data)
    return np.where(np.isfinite(least), least, 0.0)
