"""Exact optimisation where it is affordable: among the customers that are close to undecided.

HiGHS (through scipy) solves linear and integer programs of some ten thousand columns in a second. Two questions of an
allocation are that small: which prices clear the limits once all but the undecided customers are fixed (the *core* of
a knapsack problem: Balas and Zemel 1980, Operations Research 28(5)), and which whole choice among them is best.
"""

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
        usage = rows.of_columns(self.customer, self.option).tocsr()
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
    smallest = rows.sizes()[0]
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
