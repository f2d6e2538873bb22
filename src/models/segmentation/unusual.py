"""Is a month unusual? Its net movement is held against that of the months before it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..holm import holm
from .migration import LEVEL

Array = NDArray[np.float64]

MONTHS = 12  # what is usual is that of a year: long enough for a spread, short enough to forget an odd month
LEAST = 6  # fewer months say too little of how much a quiet month varies
BEFORE, CHANCE = "the months before", "chance alone"


@dataclass(frozen=True)
class Surprise:
    """The last of some months against those before it; arrays of shape (…, segments)."""

    usual: Array
    error: Array
    degrees: int
    p: Array


def surprise(entered: Array, left: Array, customers: Array) -> Surprise:
    """Hold the net movement of the last month against the earlier ones.

    What a segment gains or loses in every month, such as by ageing, is its usual movement: a trend, and no alarm. A
    quiet month lies around it by Student's t as widely as the earlier months did, and never more narrowly than the
    customers' own chance makes it: each of those who cross the border of a segment decides for themselves, so that
    the variance of the net number is about the number of crossings. One customer more or less is never a surprise.

    Parameters
    ----------
    entered, left : array of shape (…, months, segments)
        Customers who were there at both dates of a month; the last month is the one in question.
    customers : array of shape (…, months)
        How many were there at both dates.

    Returns
    -------
    Surprise
        ``usual`` and the standard ``error`` of predicting a month, as shares of customers, ``degrees`` of freedom, and
        the two-sided ``p`` of each segment alone.

    Notes
    -----
    Months are taken as independent and their effects as normal (with an autocorrelation of .5 between them about 6 % of
    quiet months are flagged instead of 5 %). A shift is found in four of five cases if it is about
    five times as large as quiet months vary, given a year of them, and seven times, given half a year: 3 points of
    2,000 customers where 5 % cross a border in a month, but not where the months themselves vary by a point.

    Examples
    --------
    >>> left = np.array([[100.0], [104.0], [98.0], [101.0], [97.0], [103.0], [160.0]])
    >>> found = surprise(np.zeros((7, 1)), left, np.full(7, 5000.0))
    >>> found.usual.round(4), bool(found.p[0] < 0.01)
    (array([-0.0201]), True)
    >>> left[-1] = 105
    >>> bool(surprise(np.zeros((7, 1)), left, np.full(7, 5000.0)).p[0] > 0.5)
    True
    """
    from scipy.stats import t as student

    share = (entered - left) / customers[..., None]
    earlier, crossed = share[..., :-1, :], (entered + left)[..., :-1, :]
    months, last = earlier.shape[-2], customers[..., -1, None]
    usual = earlier.mean(axis=-2)
    chance = (crossed.sum(axis=-2) + 1) / customers[..., :-1].sum(axis=-1, keepdims=True) / last
    variance = np.maximum(earlier.var(axis=-2, ddof=1), chance)
    error = np.sqrt(variance * (1 + 1 / months))
    beyond = np.maximum(np.abs(share[..., -1, :] - usual) - 1 / last, 0.0)
    return Surprise(usual, error, months - 1, 2 * student.sf(beyond / error, months - 1))


def against_usual(
    movement: pd.DataFrame, *, level: float = LEVEL, months: int = MONTHS, least: int = LEAST
) -> pd.DataFrame:
    """Replace the test against chance by one against the months before, wherever there are enough of them.

    Parameters
    ----------
    movement : DataFrame
        :func:`.migration.net_movement` of every month: as_of, lens, segment, customers, entered, left, net_share, p,
        p_adjusted, significant.
    level : float
        Share of quiet months that may raise an alarm in a lens (Holm's method over its segments).
    months : int
        A month is held against at most so many before it …
    least : int
        … and at least so many. A month with fewer keeps the test against chance, which any drift fails.

    Returns
    -------
    DataFrame
        As given, with ``usual``, ``low`` and ``high`` (net share: where a quiet month lies in all segments of the lens
        at once, missing for early months) and ``held_against``: the months before, or chance alone.

    Notes
    -----
    A flagged month is part of what is usual afterwards: a change that stays is an alarm when it comes, not for ever.
    """
    from scipy.stats import t as student

    parts = []
    for _, rows in movement.groupby("lens", sort=False):
        entered, left = (_by_month(rows, column) for column in ("entered", "left"))
        customers = rows.groupby("as_of")["customers"].first().to_numpy(dtype=float)
        for i, date in enumerate(entered.index):
            part = rows[rows["as_of"] == date].assign(usual=np.nan, low=np.nan, high=np.nan, held_against=CHANCE)
            if i >= least:
                seen = slice(max(0, i - months), i + 1)
                found = surprise(entered.to_numpy()[seen], left.to_numpy()[seen], customers[seen])
                place = entered.columns.get_indexer(pd.Index(part["segment"]))
                adjusted = holm(found.p)
                reach = student.isf(level / 2 / len(found.p), found.degrees) * found.error + 1 / customers[i]
                part = part.assign(
                    usual=found.usual[place], low=(found.usual - reach)[place], high=(found.usual + reach)[place],
                    p=found.p[place], p_adjusted=adjusted[place], significant=adjusted[place] < level,
                    held_against=BEFORE,
                )  # fmt: skip
            parts.append(part)
    return pd.concat(parts).sort_index()


def _by_month(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.pivot(index="as_of", columns="segment", values=column).fillna(0).astype(float)
