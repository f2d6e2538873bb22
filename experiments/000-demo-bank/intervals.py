"""Means and ratios over several banks, with their intervals."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def mean_of(name: str, values: pd.Series) -> dict[str, float]:
    """Mean over the banks with its t interval.

    Examples
    --------
    >>> mean_of("share", pd.Series([0.5, 0.7]))["share"]
    0.6
    """
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return {name: float(values.mean()), f"{name}_low": float(values.mean() - half),
            f"{name}_high": float(values.mean() + half)}  # fmt: skip


def fieller(above: Array, below: Array) -> tuple[float | None, float | None, float | None]:
    """Ratio of two paired means with its 95 % interval (Fieller 1954, JRSS B 16:175-185).

    Returns
    -------
    ratio, low, high
        Nothing where the mean below isn't above 0 for certain: such a ratio means nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> below = rng.normal(2, 0.1, 10)
    >>> [round(v, 2) for v in fieller(1.5 * below, below)]
    [1.5, 1.5, 1.5]
    >>> fieller(below, rng.normal(0, 1, 10))
    (None, None, None)
    """
    n, mean = len(above), (float(np.mean(above)), float(np.mean(below)))
    quantile = float(stats.t.ppf(0.975, n - 1))
    ((v11, v12), (_, v22)) = np.cov(above, below) * quantile**2 / n
    bottom = mean[1] ** 2 - v22
    if mean[1] <= 0 or bottom <= 0:
        return None, None, None
    middle = mean[0] * mean[1] - v12
    root = float(np.sqrt(max(middle**2 - bottom * (mean[0] ** 2 - v11), 0.0)))
    return mean[0] / mean[1], float((middle - root) / bottom), float((middle + root) / bottom)
