"""Difference of two arms from their weighted sums: Hájek means, robust variance. What is estimated everywhere else.

With weights 1/propensity it is the inverse-propensity estimate of Hájek 1971; where the propensities are constant it is
the difference of means with Neyman's variance. Sums are arrays of any shape, so that a thousand campaigns at two
hundred looks are one call.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """Sums over one arm: customers, weights, squared weights, and both with the outcome and its square."""

    n: Array
    w: Array
    w2: Array
    wy: Array
    w2y: Array
    w2y2: Array

    @property
    def mean(self) -> Array:
        """Hájek mean; NaN for an arm without customers."""
        return np.divide(self.wy, self.w, out=np.full(np.shape(self.w), np.nan), where=self.w > 0)

    @property
    def variance(self) -> Array:
        """Robust variance of the mean, with n / (n − 1); NaN below two customers."""
        mean = self.mean
        spread = np.maximum(self.w2y2 - 2 * mean * self.w2y + mean**2 * self.w2, 0.0)
        out = np.full(np.shape(self.w), np.nan)
        return np.divide(spread * self.n, self.w**2 * (self.n - 1), out=out, where=self.n > 1)


def terms(weight: ArrayLike, outcome: ArrayLike) -> dict[str, Array]:
    """Spell what :class:`Arm` sums, customer by customer.

    Examples
    --------
    >>> {name: value.tolist() for name, value in terms([2.0], [3.0]).items()}
    {'n': [1.0], 'w': [2.0], 'w2': [4.0], 'wy': [6.0], 'w2y': [12.0], 'w2y2': [36.0]}
    """
    w, y = np.asarray(weight, float), np.asarray(outcome, float)
    return {"n": np.ones(w.shape), "w": w, "w2": w * w, "wy": w * y, "w2y": w * w * y, "w2y2": w * w * y * y}


def arm_of(weight: ArrayLike, outcome: ArrayLike) -> Arm:
    """Sum one arm up."""
    return Arm(**{name: np.asarray(value.sum()) for name, value in terms(weight, outcome).items()})


def contrast(treated: Arm, control: Arm) -> tuple[Array, Array]:
    """Treated minus control, and its standard error; NaN where an arm has fewer than two customers.

    Examples
    --------
    Constant propensities give the difference of means, and Neyman's standard error:

    >>> effect, error = contrast(arm_of([2.0] * 4, [1, 1, 0, 0]), arm_of([2.0] * 4, [1, 0, 0, 0]))
    >>> round(float(effect), 4), round(float(error), 4)
    (0.25, 0.3819)
    >>> round(float(np.sqrt(np.var([1, 1, 0, 0], ddof=1) / 4 + np.var([1, 0, 0, 0], ddof=1) / 4)), 4)
    0.3819
    >>> [float(x) for x in contrast(arm_of([2.0], [1.0]), arm_of([], []))]
    [nan, nan]
    """
    error = np.sqrt(treated.variance + control.variance)
    return np.where(np.isnan(error), np.nan, treated.mean - control.mean), error
