"""Splits that don't leak: out of time and purged for the test, grouped by customer for the folds inside training."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class OutOfTime:
    """Row positions of the training and test part, and of the rows between them that neither may use."""

    train: Positions
    test: Positions
    purged: Positions
    train_dates: tuple[pd.Timestamp, ...]
    test_dates: tuple[pd.Timestamp, ...]


def out_of_time(as_of: ArrayLike | pd.Series, *, outcome_days: int, test_dates: int) -> OutOfTime:
    """Take the last ``as_of`` dates as the test, and purge what overlaps it.

    A training row is kept when its whole outcome window has passed by the first test date:
    ``as_of + outcome_days <= first test as_of``. Otherwise the label of a training row would be drawn from the days
    that the test features see.

    Parameters
    ----------
    as_of : (n,) dates
    outcome_days : int
        Length of the longest outcome window, gap included, in days.
    test_dates : int
        How many of the last distinct dates are the test.

    Raises
    ------
    DataError
        If no training date is left.

    Examples
    --------
    >>> dates = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"])
    >>> split = out_of_time(dates, outcome_days=31, test_dates=1)
    >>> split.train.tolist(), split.purged.tolist(), split.test.tolist()
    ([0, 1, 2], [], [3])
    >>> out_of_time(dates, outcome_days=32, test_dates=1).purged.tolist()
    [2]
    >>> out_of_time(dates, outcome_days=200, test_dates=1)
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: no training date is left: 4 dates from 2026-01-01 to 2026-04-01, 1 of them test, outcome
    window 200 days; give more as_of dates or fewer test_dates
    """
    dates = pd.Series(pd.to_datetime(np.asarray(as_of))).reset_index(drop=True)
    distinct = sorted(dates.unique())
    tested = distinct[-test_dates:]
    last_train = tested[0] - pd.Timedelta(days=outcome_days)
    trained = [d for d in distinct if d <= last_train]
    if not trained or len(tested) == len(distinct):
        raise DataError(
            f"no training date is left: {len(distinct)} dates from {distinct[0]:%Y-%m-%d} to {distinct[-1]:%Y-%m-%d}, "
            f"{test_dates} of them test, outcome window {outcome_days} days; give more as_of dates or fewer test_dates"
        )
    test, train = dates >= tested[0], dates <= last_train
    return OutOfTime(
        train=np.flatnonzero(train),
        test=np.flatnonzero(test),
        purged=np.flatnonzero(~train & ~test),
        train_dates=tuple(trained),
        test_dates=tuple(tested),
    )


def assign_folds(label: ArrayLike, n_folds: int, seed: int, groups: ArrayLike | None = None) -> Positions:
    """Give each row a fold: the rows of one customer share one, and events are spread evenly.

    Customers are shuffled within strata of their number of events and dealt out in turn, so the folds don't depend on
    the order of the rows.

    Parameters
    ----------
    label : (n,) 0 or 1, or probabilities
    groups : (n,) the customer of each row; None: every row is its own

    Returns
    -------
    (n,) int64
        0 … n_folds − 1.

    Examples
    --------
    >>> fold = assign_folds([1, 1, 0, 0, 0, 0], 2, seed=0, groups=["a", "b", "c", "c", "d", "d"])
    >>> bool(fold[0] != fold[1]), bool(fold[2] == fold[3] != fold[4] == fold[5])
    (True, True)
    """
    y = np.asarray(label, float)
    rows = np.arange(len(y)) if groups is None else np.asarray(groups)
    names, codes = np.unique(rows, return_inverse=True)
    codes = codes.ravel()
    events = np.bincount(codes, weights=y, minlength=len(names)).astype(float)
    if len(names) < n_folds:
        raise DataError(f"{len(names)} customers cannot be dealt into {n_folds} folds: give more rows or fewer folds")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    ordered = shuffled[np.argsort(-_stratum(events)[shuffled], kind="stable")]
    fold = np.empty(len(names), np.int64)
    fold[ordered] = np.arange(len(names)) % n_folds
    return fold[codes]


def _stratum(events: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers stay; probabilities fall into twenty steps, else every customer would be a stratum of its own."""
    whole = np.round(events)
    if np.allclose(events, whole):
        return whole
    return np.floor(np.argsort(np.argsort(events, kind="stable")) * 20.0 / len(events))


def folds(
    label: ArrayLike, n_folds: int, seed: int, groups: ArrayLike | None = None
) -> list[tuple[Positions, Positions]]:
    """List training and validation positions of each fold of :func:`assign_folds`."""
    of_row = assign_folds(label, n_folds, seed, groups)
    return [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(n_folds)]
