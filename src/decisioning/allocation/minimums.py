"""Whether all minimums can be met within all capacities, by whom, and which limits are in conflict where they can't.

Where a limit counts by option and group alone, no single customers are needed: those of one cell with the same eligible
options are interchangeable, so whole numbers of each kind are enough for HiGHS. Where it counts each customer's own
usage, a budget say, the question is how little the minimums can cost: the same problem again (:mod:`.dual`) with cost
for value.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import LinearConstraint, milp

from ...errors import DataError
from .capacity import Array, Codes, LimitRows
from .dual import Problem, solve

Flags = NDArray[np.bool_]

SHOWN = 3  # groups of one limit that a message names


def meet_minimums(value: Array, rows: LimitRows, core_columns: int) -> Codes | None:
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
    counted = np.diff(usage.indptr) > 0

    def count(capped: Flags, floor: Flags) -> Codes | None:
        low, high = np.where(floor, rows.minimum, -np.inf), np.where(capped & counted, rows.capacity, np.inf)
        if not len(at):
            return None if (low > 0).any() else np.full(len(value), -1, dtype=np.int64)
        limits = [LinearConstraint(usage, low, high), LinearConstraint(member, -np.inf, size)]
        found = milp(np.zeros(len(at)), integrality=np.ones(len(at)), constraints=limits)
        if found.x is None:
            return None
        return _spread(value, kind.ravel(), at, served[option], np.rint(found.x).astype(np.int64))

    def meet(capped: Flags, floor: Flags) -> Codes | None:
        own = next((row for row in rows.own if capped[row]), None)
        if own is None:
            return count(capped, floor)
        others = capped.copy()
        others[own] = False
        found = meet(others, floor)
        if found is None or rows.within(rows.used(found))[own]:
            return found
        room, least = np.where(others, rows.capacity, np.inf), np.where(floor, rows.minimum, 0.0)
        some = replace(rows, capacity=room, minimum=least, own={k: u for k, u in rows.own.items() if others[k]})
        cheap = Problem(np.where(open_, -rows.own[own], -np.inf), some)
        choice, bound, prices = solve(cheap, core_columns)
        choice = cheap.rearrange(choice, prices, bound, good=0.0)
        return choice if cheap.feasible(choice) and rows.within(rows.used(choice))[own] else None

    capped = np.isfinite(rows.capacity)
    found = meet(capped, floored)
    if found is None:
        raise DataError(_contradiction(rows, capped, floored, meet))
    return found


def _contradiction(rows: LimitRows, capped: Flags, floored: Flags, meet: Callable[[Flags, Flags], Codes | None]) -> str:
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
        if meet(*flags) is not None:
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
