"""What churn scores are good for: leavers caught ahead of time, revenue at stake, phases of the lifecycle."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import metrics

Array = NDArray[np.float64]


def share_above(score: Array, as_of: pd.Series | None) -> Array:
    """Place each customer among those of the same date: 0 is the highest score, just below 1 the lowest.

    Examples
    --------
    >>> share_above(np.array([0.1, 0.9, 0.5, 0.3]), None).tolist()
    [0.75, 0.0, 0.25, 0.5]
    """
    dates = pd.Series(0, index=range(len(score))) if as_of is None else as_of.reset_index(drop=True)
    ranked = pd.Series(-score).groupby(dates.to_numpy()).rank(method="first") - 1
    size = dates.groupby(dates.to_numpy()).transform("size")
    return np.asarray(ranked.to_numpy() / size.to_numpy())


def lead_time(score: Array, month: pd.Series, as_of: pd.Series | None = None, top: float = 0.1) -> pd.DataFrame:
    """Show how far ahead leavers are seen.

    The population is fixed at ``as_of``; those who leave in month 1, 2 and 3 after it are disjoint, each held against
    those who don't leave in any of them. So the measure of month 3 isn't flattered by the easy leavers of month 1.

    Parameters
    ----------
    score : (n,) scores at ``as_of``
    month : (n,) month of leaving; missing: stays
    as_of : (n,) dates; the top is taken within each
    top : share of customers on the list

    Returns
    -------
    DataFrame
        ``month, leavers, caught`` (of them on the list), ``share_caught, lift, roc_auc``.

    Examples
    --------
    >>> lead_time(np.arange(20.0), pd.Series([None] * 18 + [2, 1]))[["month", "leavers", "caught", "roc_auc"]]
       month  leavers  caught  roc_auc
    0      1        1       1      1.0
    1      2        1       1      1.0
    2      3        0       0      NaN
    """
    when = pd.to_numeric(month).to_numpy(dtype=float, na_value=np.nan)
    listed = share_above(score, as_of) < top
    stays = np.isnan(when)
    rows = []
    for m in (1, 2, 3):
        leaves = when == m
        n, caught = int(leaves.sum()), int((leaves & listed).sum())
        both = leaves | stays
        auc = metrics.measure(leaves[both], score[both], ("roc_auc",))["roc_auc"] if n and stays.any() else np.nan
        part = caught / n if n else np.nan
        rows.append((m, n, caught, part, part / top, auc))
    return pd.DataFrame(rows, columns=["month", "leavers", "caught", "share_caught", "lift", "roc_auc"])


def revenue_at_stake(
    probability: Array, revenue: pd.Series, label: Array, as_of: pd.Series | None = None
) -> pd.DataFrame:
    """Expected loss of a year's revenue, by decile of the probability within each date (1 is the highest).

    Returns
    -------
    DataFrame
        ``decile, customers, leave_expected, leave_observed, revenue, at_stake`` (sum of probability × revenue of the
        last 12 months), ``lost`` (revenue of those who left), ``at_stake_share`` (of the total, cumulated).

    Examples
    --------
    >>> table = revenue_at_stake(np.array([0.5, 0.1]), pd.Series([100.0, 200.0]), np.array([1.0, 0.0]))
    >>> table[["at_stake", "lost"]].sum().tolist()
    [70.0, 100.0]
    """
    money = pd.to_numeric(revenue).to_numpy(dtype=float, na_value=0.0)
    frame = pd.DataFrame({
        "decile": np.floor(share_above(probability, as_of) * 10).astype(int) + 1,
        "customers": 1,
        "leave_expected": probability,
        "leave_observed": label,
        "revenue": money,
        "at_stake": probability * money,
        "lost": label * money,
    })  # fmt: skip
    out = frame.groupby("decile").sum().reset_index()
    out["at_stake_share"] = out["at_stake"].cumsum() / out["at_stake"].sum()
    return out


def phases(phase: pd.Series, probabilities: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Describe each phase of the lifecycle: how many customers, what is expected of them, what came.

    Parameters
    ----------
    phase : (n,) text
    probabilities, observed : (n, outputs) with equal column names

    Returns
    -------
    DataFrame
        ``phase, customers, share``, then for each output ``<output>_expected`` and ``<output>_observed``.
    """
    frame = pd.concat([probabilities.add_suffix("_expected"), observed.add_suffix("_observed")], axis=1)
    by = frame.groupby(phase.fillna("unknown").to_numpy())
    out = by.mean()
    out.insert(0, "customers", by.size())
    out.insert(1, "share", out["customers"] / out["customers"].sum())
    return out.rename_axis("phase").reset_index()


def cumulative_gains(label: Array, score: Array) -> pd.DataFrame:
    """Show what share of the leavers is among the best-ranked customers, in steps of one percent.

    Returns
    -------
    DataFrame
        ``contacted`` and ``caught``, shares from 0 to 1.
    """
    order = np.argsort(-score, kind="stable")
    caught = np.append(0.0, np.cumsum(label[order])) / label.sum()
    at = np.linspace(0, 1, 101)
    return pd.DataFrame({"contacted": at, "caught": np.interp(at * len(label), np.arange(len(label) + 1), caught)})
