"""Limits of an allocation: budgets, capacities of channels and branches, minimums of offers.

A customer's options are the same for everybody, and what a capacity counts depends on the option and on the customer's
group alone (branch, region). So customers of one *cell*, the combination of their groups, are alike to every capacity,
and the counts of cell × option say all about usage: one sparse matrix turns them into what each limit used, and its
transpose turns the prices of limits into the price of each option in each cell. A budget is another matter where an
option costs more for one customer than for the next: such a limit keeps the usage of each customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ...errors import DataError

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

# Usage is a sum of floating-point numbers: three contacts at .1 are not more than .3.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Limit:
    """One budget or capacity, or one for each group of customers.

    Parameters
    ----------
    name : what people call it
    usage : (m,) what one customer with option j uses: the cost of a contact for a budget, 1 for each option of a
        channel and week, 0 where the option doesn't count; (n, m) where customers differ, for a capacity without groups
    capacity : at most this much is used; (g,) for groups; infinite for none
    minimum : at least this much is used; (g,) for groups; a minimum that can't be met is an error
    group : (n,) group of each customer, 0 … g − 1, −1 where the limit doesn't apply; none: all customers together
    group_names : g names; default: the numbers
    unit : what usage is counted in

    Examples
    --------
    >>> budget = Limit("budget", usage=np.array([2.0, 5.0]), capacity=100.0, unit="EUR")
    >>> branch = np.array([0, 1, 1])
    >>> room = np.array([1.0, 2.0])
    >>> visits = Limit("visits", np.array([0.0, 1.0]), room, group=branch, group_names=("north", "south"))
    >>> compile_limits([budget, visits], customers=3, options=2).names
    ['budget', 'visits: north', 'visits: south']
    >>> own = Limit("budget", usage=np.array([[2.0, 5.0], [2.0, 6.0], [3.0, 4.0]]), capacity=100.0)
    >>> compile_limits([own], customers=3, options=2).used(np.array([0, 1, -1])).tolist()
    [8.0]
    >>> compile_limits([Limit("calls", np.array([1.0, 0.0]), -5.0)], customers=3, options=2)
    Traceback (most recent call last):
    afraz.errors.DataError: limit calls: capacity must be 0 or more, or infinite; got -5
    """

    name: str
    usage: Array
    capacity: float | Array
    minimum: float | Array = 0.0
    group: Codes | None = None
    group_names: Sequence[str] | None = None
    unit: str = "contacts"


@dataclass(frozen=True)
class LimitRows:
    """All limits, one row for each limit and group; see :func:`compile_limits`.

    Attributes
    ----------
    cell : (n,) cell of each customer
    cells, options : how many there are
    matrix : (k, cells × options) what one customer of the cell uses of each limit by taking the option
    capacity, minimum : (k,)
    table : (k) ``limit, group, unit``
    own : (n, options) usage of each customer, by row of the limit; such a row is empty in the matrix
    """

    cell: Codes
    cells: int
    options: int
    matrix: sparse.csc_array
    capacity: Array
    minimum: Array
    table: pd.DataFrame
    own: dict[int, Array] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Name of each row: the limit, and the group where it has groups."""
        pairs = zip(self.table["limit"], self.table["group"], strict=True)
        return [f"{limit}: {group}" if group else limit for limit, group in pairs]

    def used(self, choice: Codes) -> Array:
        """What a choice (−1: nothing) uses of each limit: exact counts first, floating point afterwards."""
        chosen = np.flatnonzero(choice >= 0)
        places = self.cell[chosen] * self.options + choice[chosen]
        used = self.of_counts(np.bincount(places, minlength=self.cells * self.options).astype(float))
        for row, usage in self.own.items():
            used[row] = usage[chosen, choice[chosen]].sum()
        return used

    def of_counts(self, counts: Array) -> Array:
        """What counts of cell × option use of each limit, those of each customer's own usage apart."""
        return np.asarray(self.matrix @ counts.ravel())

    def of_columns(self, customer: Codes, option: Codes) -> sparse.csc_array:
        """What each column (customer, option) uses of each limit, (k, p)."""
        usage = self.matrix[:, self.cell[customer] * self.options + option]
        for row, own in self.own.items():
            place = np.arange(len(customer))
            at = (np.full(len(customer), row), place)
            usage += sparse.csc_array((own[customer, option], at), shape=usage.shape)
        return usage

    def of_row(self, row: int, customer: Codes, option: Codes) -> Array:
        """What each column (customer, option) uses of one limit, (p,)."""
        if row in self.own:
            return self.own[row][customer, option]
        return self.matrix[[row]].toarray().ravel()[self.cell[customer] * self.options + option]

    def option_prices(self, prices: Array) -> Array:
        """Price of each option in each cell, (cells, options), at the prices of one unit of each limit."""
        return np.asarray(prices @ self.matrix).reshape(self.cells, self.options)

    def after_prices(self, value: Array, prices: Array, part: slice | Codes = slice(None)) -> Array:
        """Subtract from the values of customers what their options use, at the prices of one unit of each limit."""
        cost = self.option_prices(prices)
        left = value - (cost if self.cells == 1 else cost[self.cell[part]])
        for row, usage in self.own.items():
            if prices[row]:
                left -= prices[row] * usage[part]
        return left

    def sizes(self) -> tuple[Array, Array, Array]:
        """Least and mean usage by those who use each limit, and how many columns (customer, option) they are; (k,)."""
        matrix = self.matrix.tocsr()
        count = np.diff(matrix.indptr)
        least = np.full(len(self.capacity), np.inf)
        np.minimum.at(least, np.repeat(np.arange(len(count)), count), matrix.data)
        total = np.asarray(matrix.sum(axis=1)).ravel()
        member = np.bincount(self.cell, minlength=self.cells)
        columns = np.asarray((matrix > 0) @ np.repeat(member, self.options)).ravel().astype(float)
        for row, usage in self.own.items():
            some = usage[usage > 0]
            least[row], total[row] = some.min(initial=np.inf), some.sum()
            count[row] = columns[row] = some.size
        none = count == 0
        least[none], total[none] = 0.0, 1.0
        return least, total / np.maximum(count, 1), columns

    def sample(self, step: int) -> "LimitRows":
        """Every so-manieth customer, with limits in proportion."""
        take = slice(None, None, step)
        ratio = len(self.cell[take]) / len(self.cell)
        return replace(self, cell=self.cell[take], capacity=self.capacity * ratio, minimum=self.minimum * ratio,
                       own={row: usage[take] for row, usage in self.own.items()})  # fmt: skip

    def within(self, used: Array) -> NDArray[np.bool_]:
        """Whether each capacity holds."""
        return np.asarray(used <= self.capacity * (1 + ROUNDING))

    def reached(self, used: Array) -> NDArray[np.bool_]:
        """Whether each minimum is met."""
        return np.asarray(used >= self.minimum * (1 - ROUNDING))


def compile_limits(limits: Sequence[Limit], customers: int, options: int) -> LimitRows:
    """Check limits and lay them out as rows.

    Raises
    ------
    DataError
        A limit doesn't fit the customers or options, or its numbers make no sense.

    Examples
    --------
    >>> rows = compile_limits([Limit("calls", np.array([1.0, 0.0]), 2.0, minimum=1.0)], customers=3, options=2)
    >>> rows.used(np.array([0, -1, 1])).tolist()
    [1.0]
    """
    known: dict[str, None] = {}
    arrays: list[Codes] = []
    cell, cells = np.zeros(customers, dtype=np.int64), min(customers, 1)
    checked = []
    for limit in limits:
        if limit.name in known:
            raise DataError(f"two limits are called {limit.name}; give each a name of its own")
        known[limit.name] = None
        usage, capacity, minimum, group = _checked(limit, customers, options)
        checked.append((usage, capacity, minimum, group))
        if group is not None and not any(group is seen or np.array_equal(group, seen) for seen in arrays):
            arrays.append(group)
            joined = cell * (len(capacity) + 1) + group + 1
            found, cell = np.unique(joined, return_inverse=True)
            cell, cells = cell.astype(np.int64), len(found)
    first = np.full(cells, customers)
    np.minimum.at(first, cell, np.arange(customers))
    parts, labels, own, start = [], [], {}, 0
    for limit, (given, capacity, _, group) in zip(limits, checked, strict=True):
        usage = given if given.ndim == 1 else np.zeros(options)
        if given.ndim == 2:
            own[start] = given
        code = np.zeros(cells, dtype=np.int64) if group is None else group[first]
        member, option = np.flatnonzero(code >= 0), np.flatnonzero(usage)
        row = np.repeat(start + code[member], len(option))
        column = (member[:, None] * options + option[None, :]).ravel()
        parts.append((row, column, np.tile(usage[option], len(member))))
        groups = [""] if group is None else list(limit.group_names or map(str, range(len(capacity))))
        labels += [(limit.name, name, limit.unit) for name in groups]
        start += len(capacity)
    at, to, data = (np.concatenate([p[k] for p in parts]) if parts else np.zeros(0) for k in range(3))
    matrix = sparse.csc_array((data, (at.astype(np.int64), to.astype(np.int64))), shape=(start, cells * options))
    bounds = [np.concatenate([c[k] for c in checked]) if checked else np.zeros(0) for k in (1, 2)]
    table = pd.DataFrame(labels, columns=["limit", "group", "unit"])
    return LimitRows(cell, cells, options, matrix, bounds[0], bounds[1], table, own)


def _checked(limit: Limit, customers: int, options: int) -> tuple[Array, Array, Array, Codes | None]:
    """Give usage, capacity and minimum by group, and the group of each customer."""
    where = f"limit {limit.name}"
    usage = np.asarray(limit.usage, dtype=float)
    if usage.shape not in {(options,), (customers, options)}:
        raise DataError(
            f"{where}: usage must have one number for each of {options} options; got shape {usage.shape} "
            f"(where customers differ: {customers} rows of such numbers)"
        )
    if not np.isfinite(usage).all() or (usage < 0).any():
        raise DataError(f"{where}: usage must be finite and 0 or more; got {_bad(usage, np.isfinite(usage)):g}")
    capacity, minimum = np.asarray(limit.capacity, dtype=float), np.asarray(limit.minimum, dtype=float)
    group, count = None, 1
    if limit.group is not None:
        group, count = _group(limit, customers, capacity)
    elif capacity.ndim or minimum.ndim:
        raise DataError(f"{where}: capacity and minimum must be one number where there is no group")
    for name, given in (("capacity", capacity), ("minimum", minimum)):
        if given.ndim and given.shape != (count,):
            raise DataError(f"{where}: {name} must be one number or {count}, one a group; got shape {given.shape}")
    if usage.ndim == 2 and (limit.group is not None or minimum.any()):
        raise DataError(
            f"{where}: usage by customer goes with a capacity alone; leave out group and minimum, "
            "or give one number for each option"
        )
    capacity, minimum = np.broadcast_to(capacity, (count,)), np.broadcast_to(minimum, (count,))
    if not (capacity >= 0).all():
        raise DataError(f"{where}: capacity must be 0 or more, or infinite; got {_bad(capacity, capacity >= 0):g}")
    if not np.isfinite(minimum).all() or (minimum < 0).any():
        raise DataError(f"{where}: minimum must be finite and 0 or more; got {_bad(minimum, np.isfinite(minimum)):g}")
    over = minimum > capacity
    if over.any():
        raise DataError(
            f"{where}: minimum {minimum[over][0]:g} is above capacity {capacity[over][0]:g}; "
            "lower the one or raise the other"
        )
    return usage, capacity, minimum, group


def _bad(values: Array, fine: NDArray[np.bool_]) -> float:
    """Pick the number to complain about."""
    return float(values[~fine][0]) if not fine.all() else float(values.min())


def _group(limit: Limit, customers: int, capacity: Array) -> tuple[Codes, int]:
    """Give the codes of groups and how many groups there are."""
    where = f"limit {limit.name}"
    raw = np.asarray(limit.group)
    if raw.shape != (customers,) or not (np.issubdtype(raw.dtype, np.integer) or not customers):
        raise DataError(
            f"{where}: group must be {customers} whole numbers, one a customer; got {raw.dtype} {raw.shape}"
        )
    names = limit.group_names
    largest = int(raw.max(initial=-1)) + 1
    count = len(capacity) if capacity.ndim == 1 else len(names) if names is not None else largest
    if int(raw.min(initial=0)) < -1 or largest > count:
        raise DataError(f"{where}: groups must be −1 to {count - 1}; got {raw.min()} to {raw.max()}")
    if names is not None and len(names) != count:
        raise DataError(f"{where}: {count} groups need {count} group_names; got {len(names)}")
    return raw.astype(np.int64), count
