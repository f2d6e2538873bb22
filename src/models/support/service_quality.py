"""How service goes, by branch, region, channel and agent; what a few contacts say is drawn towards the usual.

Empirical Bayes with normal errors: each mean is weighed against the overall one by how much units differ beyond chance
(C. N. Morris, JASA 78, 1983, 47-55; the variance between units by DerSimonian and Laird, Controlled Clinical Trials 7,
1986, 177-188). Where units differ no more than chance makes them, all are as good as each other and none is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from ..holm import holm

Array = NDArray[np.float64]

LEVEL = 0.05  # chance that any unit of a cut is named where none differs

MEASURES = {
    "satisfaction": "mean satisfaction (1 to 5) of those who answered",
    "resolved": "share of contacts that were settled",
    "wait_seconds": "mean seconds in the queue",
    "abandoned": "share of calls that were given up",
}


@dataclass(frozen=True)
class Shrunk:
    """Means of units, drawn towards the overall one; ``between`` is the standard deviation between units."""

    mean: Array
    low: Array
    high: Array
    overall: float
    between: float


def shrink(mean: Array, variance: Array, z: float = 1.96) -> Shrunk:
    """Draw the means of units towards their overall mean.

    Parameters
    ----------
    mean, variance : ndarray, shape (units,)
        Mean of each unit and the variance of its error.

    Examples
    --------
    Three equal units are all the same; one that is far away keeps most of its distance:

    >>> found = shrink(np.array([3.0, 3.1, 2.9]), np.array([0.1, 0.1, 0.1]))
    >>> found.between, found.mean.round(2).tolist()
    (0.0, [3.0, 3.0, 3.0])
    >>> shrink(np.array([3.0, 3.0, 1.0]), np.array([0.01, 0.01, 0.01])).mean.round(1).tolist()
    [3.0, 3.0, 1.0]
    """
    weight = 1 / variance
    fixed = float((weight * mean).sum() / weight.sum())
    q = float((weight * (mean - fixed) ** 2).sum())
    spread = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, (q - (len(mean) - 1)) / spread) if spread > 0 else 0.0
    total = 1 / (between + variance)
    overall = float((total * mean).sum() / total.sum())
    keep = between / (between + variance)
    drawn = overall + keep * (mean - overall)
    error = np.sqrt(keep * variance + (1 - keep) ** 2 / total.sum())
    return Shrunk(drawn, drawn - z * error, drawn + z * error, overall, float(np.sqrt(between)))


def service_quality(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Measure service for the levels of each cut.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`.contact_log.read_contacts`, with the columns ``by``.
    by : sequence of str
        Cuts; those that the rows lack are left out.

    Returns
    -------
    DataFrame
        ``cut, level, measure, contacts`` (that say anything of it), ``raw, shrunk, low, high, overall, between,
        differs``: the interval of what was drawn leaves the overall mean out, and so it is by Holm's method over the
        levels and measures of a cut, for one bad unit makes others look different, too. Giving up is judged on who
        waited.

    Examples
    --------
    >>> rows = pd.DataFrame({"agent_id": ["a"] * 50 + ["b"], "resolved": [True, False] * 25 + [False]})
    >>> service_quality(rows, ["agent_id"])[["level", "contacts", "raw", "differs"]].values.tolist()
    [['a', 50, 0.5, False], ['b', 1, 0.0, False]]
    """
    parts = []
    for cut in by:
        if cut not in rows or rows[cut].isna().all():
            continue
        for measure in MEASURES:
            if measure not in rows:
                continue
            known = rows[rows[measure].notna() & rows[cut].notna()]
            if measure == "abandoned" and "wait_seconds" in rows:
                known = known[known["wait_seconds"].notna()]
            if len(known):
                parts.append(_cut(known, cut, measure))
    columns = ["cut", "level", "measure", "contacts", "raw", "shrunk", "low", "high", "overall", "between", "differs"]
    if not parts:
        return pd.DataFrame(columns=columns)
    found = pd.concat(parts, ignore_index=True)
    adjusted = found.groupby("cut")["p"].transform(lambda p: holm(p.to_numpy(float)))
    outside = (found["low"] > found["overall"]) | (found["high"] < found["overall"])
    return found.assign(differs=outside & (adjusted < LEVEL))[columns]


def _cut(known: pd.DataFrame, cut: str, measure: str) -> pd.DataFrame:
    value = known[measure].astype(float)
    grouped = value.groupby(known[cut])
    size, raw = grouped.size().to_numpy(float), grouped.mean().to_numpy(float)
    within = float(((value - grouped.transform("mean")) ** 2).sum() / max(len(value) - len(size), 1))
    variance = max(within, 1e-9) / size  # of all units together: one contact has no variance of its own
    found = shrink(np.asarray(raw), np.asarray(variance))
    return pd.DataFrame({
        "cut": cut, "level": grouped.size().index.astype(str), "measure": measure, "contacts": size.astype(int),
        "raw": raw, "shrunk": found.mean, "low": found.low, "high": found.high, "overall": found.overall,
        "between": found.between,
        "p": 2 * norm.sf(np.abs(raw - found.overall) / np.sqrt(variance)),
    })  # fmt: skip


EXPERIENCES = ("no contact", "all settled", "a matter left open")


def experience(rows: pd.DataFrame) -> pd.Series:
    """Tell what the last 90 days were like for customers with ``contacts_90d`` and ``unresolved_90d``."""
    contacts, left = rows["contacts_90d"].fillna(0), rows["unresolved_90d"].fillna(0)
    return pd.Series(np.select([contacts == 0, left == 0], EXPERIENCES[:2], EXPERIENCES[2]), index=rows.index)


def association(rows: pd.DataFrame, outcome: str, strata: Sequence[str], z: float = 1.96) -> pd.DataFrame:
    """Compare an outcome between experiences of service, as it is and with like held against like.

    This is an association: who calls, and whose matter stays open, is not drawn by lot, and strata only take out what
    they name.

    Parameters
    ----------
    rows : DataFrame
        A customer each: ``experience``, the outcome, and the strata.
    outcome : str
        A number; rows without it are left out.
    strata : sequence of str
        Columns; each experience is weighed as all customers are spread over their combinations.

    Returns
    -------
    DataFrame
        ``experience, customers, mean, standardised, low, high, difference`` (standardised, from ``no contact``),
        ``covered`` (share of customers whose stratum holds the experience).
    """
    known = rows[rows[outcome].notna()]
    cell = known.groupby(list(strata), dropna=False).ngroup() if strata else pd.Series(0, index=known.index)
    weight = cell.value_counts(normalize=True)
    table = []
    for name in EXPERIENCES:
        mine = known["experience"] == name
        if not mine.any():
            continue
        value = known.loc[mine, outcome].astype(float)
        stats = value.groupby(cell[mine]).agg(["mean", "var", "size"])
        stats["var"] = stats["var"].fillna(float(value.var()) if len(value) > 1 else 0.0)
        w = weight.reindex(stats.index)
        covered = float(w.sum())
        w = w / covered
        centre = float((w * stats["mean"]).sum())
        error = float(np.sqrt((w**2 * stats["var"] / stats["size"]).sum()))
        reach = z * error
        table.append((name, int(mine.sum()), float(value.mean()), centre, centre - reach, centre + reach, covered))
    names = ["experience", "customers", "mean", "standardised", "low", "high", "covered"]
    found = pd.DataFrame(table, columns=names)
    base = found.loc[found["experience"] == EXPERIENCES[0], "standardised"]
    return found.assign(difference=found["standardised"] - (base.iloc[0] if len(base) else np.nan), outcome=outcome)
