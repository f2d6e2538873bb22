"""Is it migration or noise, and who moved: the customer, the centroid, or the cut-point?"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...errors import DataError
from ..holm import holm

Assign = Callable[[pd.DataFrame], pd.DataFrame]
"""A segmentation: a table in, one column per lens out, the same index."""
Refit = Callable[[pd.DataFrame], Assign]
LEVEL = 0.05  # of a false alarm


def net_movement(before: pd.DataFrame, after: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Test for every segment of every lens whether more customers entered than left, or the other way round.

    Customers who are there at both dates are compared with themselves: if nothing but chance moves them, each one who
    crosses the border of a segment is as likely to enter as to leave (McNemar, Psychometrika 12, 1947, 153-157; exact
    binomial). Holm's method (Scandinavian Journal of Statistics 6, 1979, 65-70) over the segments of a lens keeps the
    chance of any false alarm in it at ``level``. Ageing moves customers every month and is no chance; whether a month
    is unusual is asked by :func:`.unusual.against_usual`.

    Parameters
    ----------
    before, after : DataFrame
        Index: customer; one column per lens. Customers of one date only are left out.
    level : float
        Share of quiet months that may raise an alarm in a lens.

    Returns
    -------
    DataFrame
        One row per lens and segment: ``customers`` (there at both dates), ``entered, left, net, net_share`` (of them),
        ``p``, ``p_adjusted``, ``significant``.

    Raises
    ------
    DataError
        If no customer is there at both dates.

    Examples
    --------
    >>> before = pd.DataFrame({"value": ["high"] * 40 + ["low"] * 60})
    >>> after = pd.DataFrame({"value": ["low"] * 20 + ["high"] * 21 + ["low"] * 59})
    >>> net_movement(before, after)[["segment", "entered", "left", "significant"]].values.tolist()
    [['high', 1, 20, True], ['low', 20, 1, True]]
    """
    from scipy.stats import binom

    both = before.index.intersection(after.index)
    if not len(both):
        raise DataError("no customer is there at both dates: compare months of the same customers")
    one, two = before.loc[both], after.loc[both]
    parts = []
    for lens in one.columns:
        segments, entered, left = _crossings(one[lens], two[lens])
        p = np.minimum(1.0, 2 * binom.cdf(np.minimum(entered, left), entered + left, 0.5))
        parts.append(pd.DataFrame({
            "lens": lens, "segment": segments, "customers": len(both), "entered": entered, "left": left,
            "net": entered - left, "net_share": (entered - left) / len(both), "p": p, "p_adjusted": holm(p),
        }))  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    return table.assign(significant=table["p_adjusted"] < level)


def _crossings(was: pd.Series, is_now: pd.Series) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Count for every segment who entered and who left; whoever has no segment is outside of all."""
    segments = sorted({*was.dropna().unique(), *is_now.dropna().unique()})
    start, end = (pd.Categorical(side, segments).codes.astype(np.int64) + 1 for side in (was, is_now))
    width = len(segments) + 1
    counts = np.bincount(start * width + end, minlength=width**2).reshape(width, width)
    stayed = np.diag(counts)
    return segments, (counts.sum(axis=0) - stayed)[1:], (counts.sum(axis=1) - stayed)[1:]


@dataclass(frozen=True)
class Causes:
    """Why segments changed between two dates and two fits.

    Attributes
    ----------
    table : DataFrame
        One row per lens and segment: ``size_before``, ``customers_moved`` (net, by the old model), ``refit_moved``
        (net, what the new model changes of the same customers on the same day), ``joined``, ``gone``, ``size_after``;
        the parts add up.
    refit : DataFrame
        One row per lens: ``cause`` (centroid or cut-point), ``reassigned`` (share of customers whom the new model puts
        elsewhere), ``usual`` (mean of the same for fits to resamples of the new month), ``p``, ``significant``.
    """

    table: pd.DataFrame
    refit: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Name both tables."""
        return {"causes": self.table, "causes_refit": self.refit}

    def in_words(self) -> list[str]:
        """Say in a sentence per lens what moved."""
        said = []
        for row in self.refit.itertuples():
            part = self.table[self.table["lens"] == row.lens]
            moved = int(part["customers_moved"].abs().sum() // 2)
            more = "more than" if row.significant else "no more than"
            said.append(
                f"{row.lens}: net {moved:,} customers moved of themselves; the refit moved the {row.cause} and with it "
                f"{row.reassigned:.1%} of customers, {more} refits of one month do ({row.usual:.1%}, p = {row.p:.2f})"
            )
        return said


def causes(
    old: Assign, new: Assign, before: pd.DataFrame, after: pd.DataFrame, *, refit: Refit, kinds: dict[str, str],
    resamples: int = 19, level: float = 0.05, seed: int = 7, threads: int = 1,
) -> Causes:  # fmt: skip
    """Tell apart whether customers, centroids or cut-points moved.

    The old model assigns both months: what differs is the customers' doing. Old and new model assign the new month:
    what differs is the refit's doing. A fit to other customers of the same month would differ somewhat too; how much is
    learned by fitting to resamples of that month, and only where the old model is further from the new one than those
    are has the refit changed anything.

    Parameters
    ----------
    old, new : callable
        Segmentations with the same identities of segments (matched).
    before, after : DataFrame
        Inputs by customer (index) at the two dates.
    refit : callable
        Fits a segmentation, matched to the old one, to a table, in the way in which the old one was fitted.
    kinds : dict
        Lens → ``"centroid"`` or ``"cut-point"``: what a refit moves. Lenses of fixed rules are left out.
    resamples : int
        19 give p-values down to .05.
    threads : int
        Fits to resamples at once; the result does not depend on it.

    Returns
    -------
    Causes

    Raises
    ------
    DataError
        If no customer is there at both dates.

    Notes
    -----
    p is (1 + fits to resamples that differ from the new model at least as much) / (1 + fits). It is meant for months of
    largely the same customers, for which it errs on the side of silence; two months of different customers differ by
    the chance of both, and of quiet ones up to a fifth are called changed.
    """
    was, stayed, now = old(before), old(after), new(after)
    both = before.index.intersection(after.index)
    if not len(both):
        raise DataError("no customer is there at both dates: compare months of the same customers")
    rows = []
    for lens in was.columns.intersection(now.columns):
        for segment in sorted({*was[lens].dropna(), *stayed[lens].dropna(), *now[lens].dropna()}):
            counts = [int((frame[lens] == segment).sum()) for frame in (was.loc[both], stayed.loc[both], stayed, now)]
            joined = counts[2] - counts[1]
            gone = int((was[lens] == segment).sum()) - counts[0]
            rows.append((lens, segment, counts[0] + gone, counts[1] - counts[0], counts[3] - counts[2], joined, gone,
                         counts[3]))  # fmt: skip
    names = ["lens", "segment", "size_before", "customers_moved", "refit_moved", "joined", "gone", "size_after"]
    rng = np.random.default_rng(seed)
    places = [rng.integers(0, len(after), len(after)) for _ in range(resamples)]
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:  # each fit on one thread
        drawn = list(pool.map(lambda place: refit(after.take(place))(after), places))
    verdicts = []
    for lens, cause in kinds.items():
        seen = _reassigned(stayed[lens], now[lens])
        null = np.array([_reassigned(now[lens], other[lens]) for other in drawn])
        p = (1 + int((null >= seen).sum())) / (1 + resamples)
        verdicts.append((lens, cause, seen, float(null.mean()), p, p <= level))
    return Causes(
        pd.DataFrame(rows, columns=names),
        pd.DataFrame(verdicts, columns=["lens", "cause", "reassigned", "usual", "p", "significant"]),
    )


def _reassigned(one: pd.Series, other: pd.Series) -> float:
    return float((one.fillna("") != other.fillna("")).mean())
