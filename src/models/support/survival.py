"""How long until the next contact, where for some it has not come yet (Kaplan and Meier, JASA 53, 1958, 457-481)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError

Array = NDArray[np.float64]


def kaplan_meier(days: ArrayLike, seen: ArrayLike, z: float = 1.96) -> pd.DataFrame:
    """Estimate the share without an event by each time, with censored cases counted as long as they were watched.

    Parameters
    ----------
    days : array-like, shape (n,)
        Time until the event, or until the case was no longer watched; from 0 on.
    seen : array-like of bool, shape (n,)
        Whether the event was seen.

    Returns
    -------
    DataFrame
        One row per time with an event: ``days, at_risk, events, survival, low, high``; the interval is Greenwood's on
        the scale of log(-log), which stays between 0 and 1.

    Raises
    ------
    DataError
        For a negative or a missing time.

    Examples
    --------
    The remissions of Freireich et al. 1963 (6-MP), as every textbook has them:

    >>> weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    >>> seen = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    >>> kaplan_meier(weeks, seen)["survival"].round(3).tolist()
    [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    """
    t, event = np.asarray(days, float), np.asarray(seen, bool)
    if not (t >= 0).all():  # catches missing ones, too
        raise DataError(f"{int((~(t >= 0)).sum())} times are negative or missing: leave such cases out, and count them")
    order = np.argsort(t, kind="stable")
    t, event = t[order], event[order]
    times, first = np.unique(t, return_index=True)
    events = np.add.reduceat(event.astype(float), first) if len(t) else np.array([])
    at_risk = (len(t) - first).astype(float)
    kept = events > 0
    times, events, at_risk = times[kept], events[kept], at_risk[kept]
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(events / (at_risk * (at_risk - events)))
        reach = z * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = survival ** np.exp(reach), survival ** np.exp(-reach)
    gone = survival <= 0  # nobody is left: the interval says nothing
    low[gone], high[gone] = 0.0, np.nan
    return pd.DataFrame({"days": times, "at_risk": at_risk.astype(int), "events": events.astype(int),
                         "survival": survival, "low": low, "high": high})  # fmt: skip


def share_by(curve: pd.DataFrame, day: float, column: str = "survival") -> float:
    """Read a curve at a time; 1 before its first event."""
    at = int(np.searchsorted(curve["days"].to_numpy(), day, side="right"))
    return float(curve[column].iloc[at - 1]) if at else 1.0


def come_back(cases: pd.DataFrame, by: Sequence[str], within: Sequence[int] = (7, 30, 90, 365)) -> pd.DataFrame:
    """Tell for groups of contacts how many customers are back within some days.

    Parameters
    ----------
    cases : DataFrame
        ``days, came_back`` (see :func:`.contact_log.gaps`) and the columns ``by``.
    by : sequence of str
        Each column makes groups of its own; ``all`` stands above them.
    within : sequence of int
        Days.

    Returns
    -------
    DataFrame
        ``cut, part, contacts, censored`` (share), ``back_<days>`` with ``_low`` and ``_high``, ``median_days`` (NaN
        where fewer than half came back). Contacts of one customer count as cases of their own: the intervals are
        somewhat too short, and those who call often make most of the cases.

    Examples
    --------
    >>> cases = pd.DataFrame({"days": [3.0, 24, 26], "came_back": [True, False, False],
    ...                       "topic": ["fees", "fees", "card"]})
    >>> come_back(cases, ["topic"], [7])[["cut", "part", "contacts", "back_7"]].round(2).values.tolist()
    [['all', 'all', 3, 0.33], ['topic', 'card', 1, 0.0], ['topic', 'fees', 2, 0.5]]
    """
    parts = [("all", "all", cases)] + [
        (name, str(level), part)
        for name in by
        if name in cases and cases[name].notna().any()
        for level, part in cases.groupby(name, observed=True)
    ]
    rows = []
    for cut, part, frame in parts:
        if frame.empty:
            continue
        curve = kaplan_meier(frame["days"], frame["came_back"])
        half = curve.loc[curve["survival"] <= 0.5, "days"]
        row = {"cut": cut, "part": part, "contacts": len(frame), "censored": float((~frame["came_back"]).mean())}
        for day in within:
            row |= {f"back_{day}": 1 - share_by(curve, day), f"back_{day}_low": 1 - share_by(curve, day, "high"),
                    f"back_{day}_high": 1 - share_by(curve, day, "low")}  # fmt: skip
        rows.append({**row, "median_days": float(half.iloc[0]) if len(half) else np.nan})
    return pd.DataFrame(rows)
