"""Draw the loss of a unit: given the factors its cases are independent, so their sum needs no case of its own.

The largest positions are drawn one by one. Of all others the first three conditional moments are exact, and a shifted
gamma distribution has these; a million loans cost little more than a thousand.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from .vasicek import conditional_probability, held_correlation

Array = NDArray[np.float64]
LARGEST = 64  # positions that are drawn one by one
GRID = np.linspace(-6.5, 6.5, 261)  # values of the factor between which moments are interpolated
STEP = 0.005  # probits closer than that share a bucket, at their mean
EDGE = 1e-12


@dataclass(frozen=True)
class Dependence:
    """How the cases of one unit move together; stated, not estimated.

    Attributes
    ----------
    correlation : float
        ρ, with the factor.
    persistence : float
        Correlation between the factors of different groups of positions (``factor``): 1 is one factor for all.
    severity_spread : float
        Variance of the severity over severity × (1 − severity): 0 none, 1 all or nothing.
    """

    correlation: float = 0.0
    persistence: float = 1.0
    severity_spread: float = 0.0


def loss_draws(rows: pd.DataFrame, how: Dependence, n: int, rng: np.random.Generator) -> Array:
    """Draw ``n`` losses over the horizon.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`.positions.positions`.

    Returns
    -------
    (n,) currency, between 0 and the exposure

    Examples
    --------
    >>> from .positions import positions
    >>> rows = positions("credit", range(1000), exposure=1.0, probability=0.02, severity=1.0, horizon=365,
    ...                  currency="EUR", as_of="2026-07-01", method="stated")
    >>> losses = loss_draws(rows, Dependence(0.1), 20_000, np.random.default_rng(7))
    >>> bool(abs(losses.mean() - 20) < 0.4), bool(50 < np.quantile(losses, 0.99) < 100)
    (True, True)
    """
    held_correlation(how.correlation)
    factors = _factors(rows["factor"], how.persistence, n, rng)
    worth = (rows["exposure"] * rows["severity"]).to_numpy(float)
    single = np.zeros(len(rows), bool)
    single[np.argsort(-np.where(rows["count"] == 1, worth, -1.0), kind="stable")[:LARGEST]] = True
    single &= rows["count"].to_numpy(float) == 1
    mean, variance, third = np.zeros(n), np.zeros(n), np.zeros(n)
    for name, part in rows[~single].groupby("factor", sort=True):
        moments = _moments(part, how)
        mean += np.interp(factors[str(name)], GRID, moments[0])
        variance += np.interp(factors[str(name)], GRID, moments[1])
        third += np.interp(factors[str(name)], GRID, moments[2])
    losses = mean + _noise(variance, third, rng)
    for row in rows[single].itertuples():
        losses += _one(row, factors[str(row.factor)], how, rng)
    return np.clip(losses, 0.0, float(rows["exposure"].sum()))


def _factors(names: pd.Series, persistence: float, n: int, rng: np.random.Generator) -> dict[str, Array]:
    shared = rng.standard_normal(n)
    return {
        str(name): np.sqrt(persistence) * shared + np.sqrt(1 - persistence) * rng.standard_normal(n)
        for name in sorted(names.unique())
    }


def _severity_moments(severity: Array, spread: float) -> tuple[Array, Array]:
    """Second and third moment about zero of a beta distribution with this mean."""
    if spread == 0:
        return severity**2, severity**3
    second = severity**2 + spread * severity * (1 - severity)
    size = 1 / spread - 1  # a + b
    return second, second * (severity * size + 2) / (size + 2)


def _moments(part: pd.DataFrame, how: Dependence) -> tuple[Array, Array, Array]:
    """Mean, variance and third cumulant of the sum at every value of the grid."""
    p, count = part["probability"].to_numpy(float), part["count"].to_numpy(float)
    each = part["exposure"].to_numpy(float) / count
    s = part["severity"].to_numpy(float)
    second, third = _severity_moments(s, how.severity_spread)
    buckets, place = np.unique(np.rint(ndtri(np.clip(p, EDGE, 1 - EDGE)) / STEP), return_inverse=True)

    def added(weight: Array) -> Array:
        return np.asarray(np.bincount(place, count * weight, len(buckets)), float)

    first, held = added(each * s), added(np.ones(len(p)))
    weighted = np.bincount(place, count * each * s * p, len(buckets))
    middle = np.where(first > 0, weighted / np.where(first > 0, first, 1), np.bincount(place, count * p) / held)
    given = conditional_probability(middle[:, None], GRID[None, :], how.correlation)
    two, square, three = added(each**2 * second), added((each * s) ** 2), added(each**3 * third)
    mixed, cube = added(each**3 * second * s), added((each * s) ** 3)
    return (
        first @ given,
        two @ given - square @ given**2,
        three @ given - 3 * mixed @ given**2 + 2 * cube @ given**3,
    )


def _noise(variance: Array, third: Array, rng: np.random.Generator) -> Array:
    """Draw with mean 0 and these cumulants: a gamma variate less its mean, the normal where it is symmetric."""
    deviation = np.sqrt(np.maximum(variance, 0.0))
    normal = rng.standard_normal(len(variance))
    skew = np.divide(third, deviation**3, out=np.zeros_like(third), where=deviation > 0)
    shape = 4 / np.maximum(np.abs(skew), 1e-3) ** 2
    gamma = np.sign(skew) * (rng.standard_gamma(shape) - shape) / np.sqrt(shape)
    return np.asarray(deviation * np.where(np.abs(skew) > 1e-3, gamma, normal))


def _one(row: Any, factor: Array, how: Dependence, rng: np.random.Generator) -> Array:
    """Draw the loss of a single position."""
    hit = rng.random(len(factor)) < conditional_probability(row.probability, factor, how.correlation)
    loss = np.where(hit, row.exposure * row.severity, 0.0)
    s, spread = row.severity, how.severity_spread
    if spread > 0 and 0 < s < 1:
        size = 1 / spread - 1
        drawn = rng.random(int(hit.sum())) < s if size == 0 else rng.beta(s * size, (1 - s) * size, int(hit.sum()))
        loss[hit] = row.exposure * drawn
    return loss
