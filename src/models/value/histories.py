"""Equal histories put together: a likelihood is the same for all customers with one frequency, recency and age."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, ParamsError

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Distinct histories and how many customers have each; ``row`` leads from a customer to their history."""

    x: Array
    t_x: Array
    T: Array
    count: Array
    row: Index

    @classmethod
    def of(cls, history: pd.DataFrame) -> "Histories":
        """Check the columns ``frequency``, ``recency`` and ``T``, and put equal histories together.

        Raises
        ------
        DataError
            For missing columns or values, times out of order, repeat purchases without a recency.

        Examples
        --------
        >>> found = Histories.of(pd.DataFrame({"frequency": [0, 1, 0], "recency": [0, 2.0, 0], "T": [9.0, 9.0, 9.0]}))
        >>> found.x.tolist(), found.count.tolist(), found.row.tolist()
        ([0.0, 1.0], [2.0, 1.0], [0, 1, 0])
        >>> Histories.of(pd.DataFrame({"frequency": [1], "recency": [9.5], "T": [9.0]}))
        Traceback (most recent call last):
        ...
        afraz.errors.DataError: history: 1 of 1 rows break 0 <= recency <= T, frequency a whole number from 0 on, and
        recency 0 exactly where frequency is 0: build it with purchase_history
        """
        absent = [name for name in ("frequency", "recency", "T") if name not in history.columns]
        if absent:
            raise DataError(f"history: expected columns frequency, recency, T, missing {', '.join(absent)}")
        if not len(history):
            raise DataError("history: expected at least one customer, got none")
        x, t_x, age = (history[n].to_numpy(dtype=float, na_value=np.nan) for n in ("frequency", "recency", "T"))
        right = (t_x >= 0) & (t_x <= age) & (age < np.inf) & (x >= 0) & (x == np.floor(x)) & ((x > 0) == (t_x > 0))
        if not right.all():
            raise DataError(
                f"history: {int((~right).sum()):,} of {len(x):,} rows break 0 <= recency <= T, frequency a whole "
                "number from 0 on, and recency 0 exactly where frequency is 0: build it with purchase_history"
            )
        row, first = same(x, t_x, age)
        return cls(x[first], t_x[first], age[first], np.bincount(row).astype(float), row)

    @property
    def customers(self) -> int:
        """How many customers the histories stand for."""
        return len(self.row)

    def learnable(self) -> "Histories":
        """Return itself, or refuse histories in which nobody has bought again.

        Raises
        ------
        DataError
            Nothing is known then of how customers leave, and of their rate only that it is low.
        """
        if not self.x.any():
            raise DataError(
                f"history: none of {self.customers:,} customers has bought again: neither their rate nor when they "
                "leave is identified; take a longer calibration period"
            )
        return self


def same(*columns: Array) -> tuple[Index, Index]:
    """Number distinct rows in sorted order: the number of each row, and a row that has each number.

    Examples
    --------
    >>> number, first = same(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    >>> number.tolist(), first.tolist()
    ([1, 0, 1], [1, 0])
    """
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        code, distinct = pd.factorize(column, sort=True)
        key = pd.factorize(key * len(distinct) + code, sort=True)[0].astype(np.int64)
    first = np.empty(int(key.max()) + 1, np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return key, first


def duration(value: ArrayLike) -> Array:
    """Refuse times that are missing, infinite or below 0."""
    times = np.asarray(value, float)
    if not ((times >= 0) & (times < np.inf)).all():
        raise ParamsError(f"expected finite times from 0 on, got {value!r}")
    return times
