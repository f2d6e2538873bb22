"""How size, volume and score of each segment develop, with intervals for months that resemble their neighbours."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .flows import KEY, by_date

Array = NDArray[np.float64]

LEAST = 4  # dates from which a slope has an interval
AUTOCORRELATIONS = np.sin(np.linspace(0.0, np.pi / 2, 60)[:-1])
"""From none to nearly a random walk, as dense as Jeffreys' prior of AR(1), which is uniform in the arcsine."""


def trends(assigned: pd.DataFrame, lens: str, measures: list[str]) -> pd.DataFrame:
    """Say how size, volume and score of each segment develop (:func:`slope`).

    Parameters
    ----------
    assigned : DataFrame
        customer_id, as_of, the column ``lens`` and the measures; in any order.
    measures : list of str
        Columns whose mean per segment is followed beside its size.

    Returns
    -------
    DataFrame
        One row per segment and measure (``size`` first): ``first, last, slope, low, high`` (per date), ``trend``:
        rising, falling, or unclear where the interval holds 0 or there are fewer than four dates.

    Raises
    ------
    DataError, NotApplicable
        See :func:`.flows.by_date`.
    """
    dates = [date for date, _ in by_date(assigned[list(KEY)])]
    columns = assigned[[lens, *measures]].assign(as_of=pd.to_datetime(assigned["as_of"]))
    grouped = columns.groupby([lens, "as_of"])
    series = {"size": grouped.size().astype(float), **{name: grouped[name].mean() for name in measures}}
    rows = []
    for measure, values in series.items():
        table = values.unstack("as_of").reindex(columns=dates)
        if measure == "size":
            table = table.fillna(0.0)
        for segment, path in table.iterrows():
            rows.append({"segment": segment, "measure": measure, **_described(path.to_numpy())})
    return pd.DataFrame(rows).sort_values(["segment"], kind="stable", ignore_index=True)


def slope(place: Array, path: Array, level: float = 0.95) -> tuple[float, float, float]:
    """Fit a straight line through a series whose deviations are autocorrelated; slope and its interval.

    Deviations follow an AR(1) process. For every autocorrelation the slope has a Student distribution (generalised
    least squares); the interval is that of their mixture, weighed by how well each autocorrelation explains the series
    (Zellner, *An Introduction to Bayesian Inference in Econometrics*, 1971, ch. 4). Betting on one estimate of it, or
    on independence, gives intervals that are too narrow for a few dozen dates.

    Parameters
    ----------
    place : array of shape (n,)
        Where each value lies, in dates; gaps are allowed. At least three.
    path : array of shape (n,)
        Values.

    Returns
    -------
    slope, low, high : float
        Per date.

    Notes
    -----
    Over 300 series of 25 dates the interval of 95 % held the slope in 99 % (no autocorrelation), 99 % (.5), 96 % (.8),
    89 % (.95) and 81 % (a random walk without end): what drifts for years can't be told from a trend in two.

    Examples
    --------
    >>> place = np.arange(24.0)
    >>> walk = np.cumsum(np.random.default_rng(0).normal(size=24))
    >>> [round(x, 2) for x in slope(place, 3 * place + walk)]
    [2.86, 2.56, 3.18]
    """
    from scipy.optimize import brentq
    from scipy.stats import t as student

    n, at = len(path), place - place.mean()
    design, lag = np.column_stack([np.ones(n), at]), np.abs(np.subtract.outer(at, at))
    slopes, errors, logs = [], [], []
    unit = max(float(np.abs(path - path.mean()).max()), 1e-300)
    for autocorrelation in AUTOCORRELATIONS:
        root = np.linalg.cholesky(autocorrelation**lag)
        x, y = np.linalg.solve(root, design), np.linalg.solve(root, path / unit)
        inner = x.T @ x
        fitted = np.linalg.solve(inner, x.T @ y)
        rest = max(float(((y - x @ fitted) ** 2).sum()), 1e-20)  # a straight line without deviation
        slopes.append(fitted[1])
        errors.append(np.sqrt(rest / (n - 2) * np.linalg.inv(inner)[1, 1]))
        logs.append(-np.log(np.diag(root)).sum() - np.linalg.slogdet(inner)[1] / 2 - (n - 2) / 2 * np.log(rest))
    centre, error = np.array(slopes), np.array(errors)
    weight = np.exp(np.array(logs) - max(logs))
    weight /= weight.sum()

    def quantile(p: float) -> float:
        ends = centre + error * student.ppf(p, n - 2)  # the mixture's lies between those of its parts
        low, high = float(ends.min()), float(ends.max())
        return float(brentq(lambda b: weight @ student.cdf((b - centre) / error, n - 2) - p, low, high)) * unit

    return float(weight @ centre) * unit, quantile((1 - level) / 2), quantile((1 + level) / 2)


def _described(path: Array) -> dict[str, float | str]:
    place = np.flatnonzero(np.isfinite(path))
    known = path[place]
    ends = {"first": float(known[0]), "last": float(known[-1])} if len(known) else {"first": np.nan, "last": np.nan}
    if len(place) < LEAST:
        return {**ends, "slope": np.nan, "low": np.nan, "high": np.nan, "trend": "unclear"}
    if np.ptp(known) == 0:
        return {**ends, "slope": 0.0, "low": 0.0, "high": 0.0, "trend": "unclear"}
    rise, low, high = slope(place.astype(float), known)
    trend = "rising" if low > 0 else "falling" if high < 0 else "unclear"
    return {**ends, "slope": rise, "low": low, "high": high, "trend": trend}
