"""One factor moves all: the portfolio loss of Vasicek, in closed form for endlessly many small loans.

Vasicek 2002, *The distribution of loan portfolio value*, Risk 15:160-162. A loan defaults if √ρ·Z + √(1−ρ)·e lies below
its threshold; given the factor Z (positive is good) loans are independent.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ..errors import ParamsError

Array = NDArray[np.float64]


def held_correlation(value: ArrayLike, name: str = "correlation") -> Array:
    """Hand correlations with the factor on if they lie from 0 up to, not including, 1.

    Examples
    --------
    >>> held_correlation(1.5)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: correlation: expected from 0 to below 1, got 1.5
    """
    rho = np.asarray(value, float)
    if not ((rho >= 0) & (rho < 1)).all():
        raise ParamsError(f"{name}: expected from 0 to below 1, got {value!r}")
    return rho


def conditional_probability(probability: ArrayLike, factor: ArrayLike, correlation: ArrayLike) -> Array:
    """Probability given the factor: Φ((Φ⁻¹(p) − √ρ·z) / √(1−ρ)).

    Examples
    --------
    >>> conditional_probability(0.05, [-2.0, 0.0, 2.0], 0.05).round(4).tolist()
    [0.1096, 0.0457, 0.0159]
    """
    rho = held_correlation(correlation)
    return np.asarray(ndtr((ndtri(probability) - np.sqrt(rho) * np.asarray(factor, float)) / np.sqrt(1 - rho)))


def loss_quantile(probability: ArrayLike, correlation: ArrayLike, level: ArrayLike) -> Array:
    """Share of loans that defaults at a level: what is exceeded with probability 1 − ``level``.

    Examples
    --------
    The supervisory figure for corporate loans at 1 % without the maturity adjustment (ρ .1928):

    >>> round(float(loss_quantile(0.01, 0.1928, 0.999)), 4)
    0.1403
    """
    return conditional_probability(probability, -ndtri(level), correlation)


def loss_distribution(share: ArrayLike, probability: float, correlation: float) -> Array:
    """Distribution function of the share of loans that defaults.

    Examples
    --------
    >>> x = loss_quantile(0.02, 0.1, [0.5, 0.999])
    >>> loss_distribution(x, 0.02, 0.1).round(9).tolist()
    [0.5, 0.999]
    """
    rho = held_correlation(correlation)
    if rho == 0:
        return np.asarray(np.asarray(share, float) >= probability, float)
    return np.asarray(ndtr((np.sqrt(1 - rho) * ndtri(share) - ndtri(probability)) / np.sqrt(rho)))
