"""Risk weights of the internal-ratings approach (Basel Committee, *Basel Framework*, CRE31, and CRE32 for floors).

They are a yardstick: one formula for all banks, whose correlations are the supervisor's and not this bank's.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParamsError, nearest
from .vasicek import loss_quantile

Array = NDArray[np.float64]
Class = Literal["corporate", "residential_mortgage", "qualifying_revolving", "other_retail"]
LEVEL = 0.999


def asset_correlation(kind: Class, default_probability: ArrayLike) -> Array:
    """Correlation with the factor, by class of exposure (CRE31.5, CRE31.24)."""
    p = np.asarray(default_probability, float)
    if kind not in get_args(Class):
        raise ParamsError(f"no class of exposure {kind!r}: {nearest(kind, get_args(Class))}")
    if kind == "residential_mortgage":
        return np.full_like(p, 0.15)
    if kind == "qualifying_revolving":
        return np.full_like(p, 0.04)
    low, high, speed = (0.12, 0.24, 50) if kind == "corporate" else (0.03, 0.16, 35)
    weight = (1 - np.exp(-speed * p)) / (1 - np.exp(-speed))
    return np.asarray(low * weight + high * (1 - weight))


def capital_requirement(
    kind: Class, default_probability: ArrayLike, loss_given_default: ArrayLike, maturity: float = 2.5
) -> Array:
    """Capital per unit of exposure at default: what is lost at 99.9 % beyond the expected.

    Parameters
    ----------
    maturity : float
        Years; counts for corporates alone (CRE31.7).
    """
    p, lgd = np.asarray(default_probability, float), np.asarray(loss_given_default, float)
    capital = lgd * (loss_quantile(p, asset_correlation(kind, p), LEVEL) - p)
    if kind == "corporate":
        slope = (0.11852 - 0.05478 * np.log(p)) ** 2
        capital = capital * (1 + (maturity - 2.5) * slope) / (1 - 1.5 * slope)
    return np.asarray(capital)


def risk_weight(
    kind: Class, default_probability: ArrayLike, loss_given_default: ArrayLike, maturity: float = 2.5
) -> Array:
    """Risk weight: 12.5 × capital, without the factor 1.06 that the framework of 2017 dropped.

    Examples
    --------
    Default probability 1 %, loss given default 45 %:

    >>> kinds = ["corporate", "residential_mortgage", "other_retail", "qualifying_revolving"]
    >>> [round(100 * float(risk_weight(kind, 0.01, 0.45)), 2) for kind in kinds]
    [92.32, 56.4, 45.77, 17.22]
    >>> risk_weight("retail", 0.01, 0.45)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: no class of exposure 'retail': did you mean other_retail?
    """
    return 12.5 * capital_requirement(kind, default_probability, loss_given_default, maturity)
