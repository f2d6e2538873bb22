"""Contacts as counts of a Poisson rate that differs between customers by a gamma distribution (negative binomial).

Greenwood and Yule, Journal of the Royal Statistical Society 83, 1920, 255-279. What a customer's past says is weighed
against what all customers are like by the length of that past: empirical Bayes (Robbins, 3rd Berkeley Symposium, 1956).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from ...errors import DataError
from ..likelihood import maximise
from ..nbd import log_likelihood

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GammaPoisson:
    """Rates of customers: gamma with this shape and this mean (contacts a day)."""

    shape: float
    mean: float

    def rate(self, counts: ArrayLike, exposure: ArrayLike) -> Array:
        """Give the expected rate (a day) of customers with so many contacts in so many days.

        Examples
        --------
        >>> GammaPoisson(2.0, 0.01).rate([0, 10], [0.0, 800.0]).tolist()
        [0.01, 0.012]
        """
        return np.asarray((self.shape + np.asarray(counts)) / (self.shape / self.mean + np.asarray(exposure)))


def expected_excess(mean: ArrayLike, shape: ArrayLike, included: int) -> Array:
    """Give the expected number of contacts beyond ``included`` ones, of customers with so many expected.

    Parameters
    ----------
    mean, shape : array-like, shape (customers,)
        Of a negative binomial count: the variance is ``mean + mean² / shape``.
    included : int
        From 0 on.

    Examples
    --------
    >>> [float(expected_excess([1.2], [12.0], included)[0].round(3)) for included in (0, 1, 2)]
    [1.2, 0.519, 0.185]
    """
    m, r = np.asarray(mean, float), np.asarray(shape, float)
    q = m / (m + r)
    # P(N > j) of a negative binomial is an incomplete beta function
    return np.asarray(m - sum((betainc(j + 1, r, q) for j in range(included)), np.zeros(len(m))))


def fit_gamma_poisson(counts: ArrayLike, exposure: ArrayLike) -> GammaPoisson:
    """Fit by maximum likelihood.

    Parameters
    ----------
    counts : array-like, shape (customers,)
        Contacts.
    exposure : array-like, shape (customers,)
        Days in which they could have been; rows with none are left out.

    Raises
    ------
    DataError
        For negative counts, or where nobody has a day.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = fit_gamma_poisson(rng.poisson(rng.gamma(2.0, 0.01 / 2, 20_000) * 365), np.full(20_000, 365.0))
    >>> round(found.shape, 1), round(found.mean, 3)
    (2.0, 0.01)
    >>> fit_gamma_poisson([1], [0])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: contact rates need customers with at least a day at the bank, got none of 1
    """
    n, days = np.asarray(counts, float), np.asarray(exposure, float)
    kept = days > 0
    if not kept.any():
        raise DataError(f"contact rates need customers with at least a day at the bank, got none of {len(n)}")
    n, days = n[kept], np.ceil(days[kept])  # whole days, so that equal customers are counted once
    if (n < 0).any():
        raise DataError(f"{int((n < 0).sum())} customers have a negative number of contacts: count them again")
    if n.sum() == 0:
        return GammaPoisson(1.0, 0.5 / days.sum())  # nobody ever called: as if half a contact had been seen
    usual = float(n.sum() / days.sum())  # time is counted in usual contacts: r and alpha are near each other then
    known, times = np.unique(np.column_stack([n, days * usual]), axis=0, return_counts=True)
    likelihood = log_likelihood(known[:, 0], known[:, 1], times.astype(float))
    # where customers don't differ r runs to its bound: the counts are Poisson's, and the mean is right all the same
    found = maximise(likelihood, {"r": 1.0, "alpha": 1.0}, dict, len(n)).params
    return GammaPoisson(shape=found["r"], mean=found["r"] / found["alpha"] * usual)


def poisson_deviance(counts: ArrayLike, expected: ArrayLike) -> Array:
    """Give each customer's part of the Poisson deviance; shape (n,).

    Examples
    --------
    >>> poisson_deviance([0, 2], [1.0, 2.0]).tolist()
    [2.0, 0.0]
    """
    y, mu = np.asarray(counts, float), np.maximum(np.asarray(expected, float), 1e-9)
    return np.asarray(2 * (np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / mu), 0.0) - (y - mu)))
