"""Is a month of a feature unusual? Its shares are held against the same season a year ago and what is usual since.

What a month should look like is what the same month of last year looked like, moved by as much as the last months moved
against theirs. So a season is no drift, nor is a trend that goes on. How far a quiet month may lie from that is what
chance allows, and more where the last months varied by more than chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc, ndtr, stdtr

from ..models.stability import contributions

Array = NDArray[np.float64]

YEAR = 12
WEIGHT = 3.0  # months that chance counts for, when the spread of the last months is told
BY_ITSELF = 1.0  # PSI: between such months and their season a year ago there is nothing in common to compare
LEAST_ROWS = 5.0  # of a cell, for its share to be taken as varying by chance


@dataclass(frozen=True)
class Surprise:
    """One month of one feature.

    Attributes
    ----------
    psi : float
        Against the expected shares; natural logarithms.
    shift : float
        How far the mean rank lies from the expected one, in standard deviations: of a normal variable whose mean moved,
        about that move. Missing for text.
    p : float
        Of so large a shift or PSI in a quiet month: twice the smaller of both.
    why_not : str
        Why the month cannot be judged; empty where it could.
    """

    psi: float = np.nan
    shift: float = np.nan
    p: float = np.nan
    why_not: str = ""


def surprise(counts: NDArray[np.int64], place: int, lag: int, *, window: int = 12, least: int = 6,
             ranked: bool = True) -> Surprise:  # fmt: skip
    """Judge one month of a feature.

    Parameters
    ----------
    counts : (months, cells)
        Counts by month and cell, missing values last; months follow one another.
    place : int
        The month in question.
    lag : int
        Months back to what it is held against: 12 for the same season, 1 for the month before.
    window, least : int
        What is usual is learned from at most so many, and at least so many, of the months before.
    ranked : bool
        Whether cells have an order (numbers).

    Notes
    -----
    With shares s, d_t = s_t − s_(t−lag) and expected shares s_(t−lag) + mean(d of the last m months), the PSI over
    1/n_t + 1/n_(t−lag) + (mean of the same)/m is chi-square with cells − 1 degrees of freedom, if only chance is at
    work (Yurdakul and Naranjo 2020, Journal of Risk Model Validation 14(4)). Where the last d varied by more than
    chance, it is divided by how much more (quasi-likelihood; McCullagh and Nelder 1989, ch. 4.5), chance counting for
    three months, and held against F instead, since few months tell how much a restless feature varies. The mean rank
    (ridits; Bross 1958, Biometrics 14) is judged in the same way with one degree of freedom, by the normal or
    Student's t: it finds a small move of everything that is spread over many cells in the PSI.

    Examples
    --------
    >>> quiet = np.tile([1000, 1000, 1000, 1000, 0], (19, 1))
    >>> moved = quiet.copy()
    >>> moved[18] = [850, 1000, 1000, 1150, 0]
    >>> surprise(quiet, 18, 12).p, surprise(moved, 18, 12).p < 1e-3, round(surprise(moved, 18, 12).shift, 2)
    (1.0, True, 0.1)
    >>> surprise(quiet, 13, 12).why_not
    'a year and 6 months are needed, it is month 14'
    """
    earlier = list(range(max(lag, place - window), place))
    if len(earlier) < least:
        since = "a year" if lag == YEAR else "a month"
        return Surprise(why_not=f"{since} and {least} months are needed, it is month {place + 1}")
    totals = counts.sum(axis=1).astype(float)
    used = sorted({place, place - lag, *earlier, *(i - lag for i in earlier)})
    if (totals[used] == 0).any():
        return Surprise(why_not="a month that it would be held against has no rows")
    n, s, m = totals, counts / np.maximum(totals, 1.0)[:, None], len(earlier)
    before = [i - lag for i in earlier]
    if _psi(s[before].mean(axis=0), s[earlier].mean(axis=0), n[place]) > BY_ITSELF:
        return Surprise(why_not="it moves by itself: the months before have nothing in common with those a year ago")
    d = s[earlier] - s[before]
    chance = 1 / n[earlier] + 1 / n[before]
    scale = 1 / n[place] + 1 / n[place - lag] + float(chance.mean()) / m
    expected = np.maximum(s[place - lag] + d.mean(axis=0), 0.5 / n[place])
    expected = expected / expected.sum()
    psi = _psi(expected, s[place], n[place])
    live = (expected > 1 / n[place]) | (s[place] > 1 / n[place])
    freedom = max(int(live.sum()) - 1, 1)
    varied = ((d - d.mean(axis=0)) ** 2 / np.maximum(expected, LEAST_ROWS / n[place]) / chance[:, None])[:, live].sum()
    excess, q = _excess(varied / freedom, m), psi / scale
    restless = excess > 1
    p_psi = float(fdtrc(freedom, WEIGHT + m - 1, q / freedom / excess) if restless else chdtrc(freedom, q))
    if not ranked:
        return Surprise(psi, np.nan, p_psi)
    shift, p_shift = _shift(s, expected, place, lag, earlier, chance, scale)
    return Surprise(psi, shift, min(1.0, 2 * min(p_psi, p_shift)))


def _psi(expected: Array, actual: Array, rows: float) -> float:
    return float(contributions(expected * rows, actual * rows).sum())


def _excess(varied: float, months: int) -> float:
    """How much more than chance the last months varied; 1 or less where they did not."""
    return float((WEIGHT + varied) / (WEIGHT + months - 1))


def _shift(
    s: Array, expected: Array, place: int, lag: int, earlier: list[int], chance: Array, scale: float
) -> tuple[float, float]:
    known = expected[:-1] / max(float(expected[:-1].sum()), 1e-12)
    rank = np.cumsum(known) - known / 2
    spread = float(np.sqrt(max(float((known * rank * rank).sum()) - 0.25, 0.0)))
    if spread < 1e-3:
        return 0.0, 1.0  # nearly everybody has the same value: there is no rank to move
    level = (s[:, :-1] * rank).sum(axis=1) / np.maximum(s[:, :-1].sum(axis=1), 1e-12) / spread
    moved = level[earlier] - level[[i - lag for i in earlier]]
    shift = float(level[place] - level[place - lag] - moved.mean())
    share = max(float(s[place, :-1].sum()), 1e-12)  # only known values have a rank
    varied = float((((moved - moved.mean()) ** 2) / chance).sum()) * share
    excess = _excess(varied, len(earlier))
    z = abs(shift) / float(np.sqrt(scale / share))
    if excess <= 1:
        return shift, float(2 * ndtr(-z))
    return shift, float(2 * stdtr(WEIGHT + len(earlier) - 1, -z / np.sqrt(excess)))
