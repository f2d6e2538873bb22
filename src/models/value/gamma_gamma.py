"""Gamma–Gamma: what a customer spends at a purchase, from the mean of what they have spent so far.

Fader and Hardie 2013, *The Gamma-Gamma model of monetary value*; Fader, Hardie and Lee 2005, *RFM and CLV*, Journal of
Marketing Research 42:415-430. A purchase is Gamma(p, ν) distributed, ν of a customer Gamma(q, γ). How much is spent is
taken as independent of how often.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from ...errors import DataError
from ..likelihood import Fit, LogLikelihood, maximise

Array = NDArray[np.float64]

_INFINITE = "q is {q:.3g}, the mean of all customers is finite only above 1: look for outliers among the values"


@dataclass(frozen=True)
class GammaGamma:
    """The model at known parameters; ``gamma`` is in the unit of money."""

    p: float
    q: float
    gamma: float

    @property
    def mean(self) -> float:
        """Mean value of a purchase over all customers, p·γ / (q − 1).

        Raises
        ------
        DataError
            If q is at most 1: the mean is infinite.
        """
        if self.q <= 1:
            raise DataError(_INFINITE.format(q=self.q))
        return self.p * self.gamma / (self.q - 1)

    def expected_value(self, history: pd.DataFrame) -> Array:
        """Mean value of the customer's purchases to come, given the mean of those so far.

        It is the customer's own mean and the mean of all, weighed by p·x and q − 1. A customer without a repeat
        purchase gets the mean of all. A mean of 0 or below, which the model calls impossible, is weighed in like any
        other: the weights are those of linear credibility, which asks for no distribution.

        Parameters
        ----------
        history : (n, …) with ``frequency`` and ``monetary_value`` (read where frequency is above 0)

        Returns
        -------
        (n,) in units of money

        Raises
        ------
        DataError
            For missing means, or where q is so low that a customer's expectation is infinite.

        Examples
        --------
        >>> history = pd.DataFrame({"frequency": [0, 1, 10], "monetary_value": [np.nan, 100.0, 100.0]})
        >>> GammaGamma(6.25, 3.74, 15.44).expected_value(history).round(2)
        array([35.22, 80.26, 97.28])
        """
        x, mean = _spend(history)
        weight = self.p * x + self.q - 1
        if not (weight > 0).all():
            raise DataError(_INFINITE.format(q=self.q))
        return (self.p * self.gamma + self.p * np.where(x > 0, x * mean, 0.0)) / weight


def fit_gamma_gamma(history: pd.DataFrame, *, leave_out_non_positive: bool = False) -> Fit[GammaGamma]:
    """Fit Gamma–Gamma by maximum likelihood to the customers who came back, with the exact gradient.

    Parameters
    ----------
    history : (n, …) with ``frequency`` and ``monetary_value``, as :func:`.purchase_history` makes it
    leave_out_non_positive : leave out customers whose mean is not above 0, instead of refusing them; the ``n`` of the
        fit tells how many are left

    Raises
    ------
    DataError
        For means that are missing or, unless left out, not above 0, with their number; for fewer than 3 customers.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> x = rng.integers(1, 6, 4000)
    >>> spent = rng.gamma(6.0 * x) / rng.gamma(4.0, 1 / 15.0, 4000) / x
    >>> history = pd.DataFrame({"frequency": x, "monetary_value": spent})
    >>> found = fit_gamma_gamma(history)
    >>> {name: round(value, 1) for name, value in found.params.items()}, found.n
    ({'p': 6.3, 'q': 4.0, 'gamma': 14.1}, 4000)
    >>> history.loc[0, "monetary_value"] = -3.0
    >>> fit_gamma_gamma(history)
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: history: 1 of 4,000 customers with repeat purchases have a mean of 0 or below: leave them
    out by leave_out_non_positive, or model turnover instead of margin
    """
    x, mean = _spend(history)
    again = x > 0
    positive = again & (mean > 0)
    below = int((again & ~positive).sum())
    if below and not leave_out_non_positive:
        raise DataError(
            f"history: {below:,} of {int(again.sum()):,} customers with repeat purchases have a mean of 0 or below: "
            "leave them out by leave_out_non_positive, or model turnover instead of margin"
        )
    n = int(positive.sum())
    if n < 3:
        raise DataError(f"history: expected at least 3 customers with repeat purchases to learn from, got {n}")
    level = float(np.median(mean[positive]))
    return maximise(
        log_likelihood(x[positive], mean[positive]), {"p": 4.0, "q": 3.0, "gamma": level / 2}, GammaGamma, n
    )


def log_likelihood(x: Array, mean: Array) -> LogLikelihood:
    """Log-likelihood and gradient as a function of ``(p, q, gamma)``, of customers with ``x`` above 0."""
    v, place = np.unique(x, return_inverse=True)
    n, n_v, total = len(x), np.bincount(place).astype(float), x * mean
    log_total = np.log(total)
    fixed = -np.log(mean).sum()

    def at(theta: Array) -> tuple[float, Array]:
        p, q, gamma = theta
        log_sum = np.log(gamma + total)
        by_v = np.bincount(place, log_total - log_sum)
        value = n_v @ (gammaln(p * v + q) - gammaln(p * v)) - n * gammaln(q) + q * (n * np.log(gamma) - log_sum.sum())
        value += p * (v @ by_v) + fixed
        gradient = np.array([
            (n_v * v) @ (digamma(p * v + q) - digamma(p * v)) + v @ by_v,
            n_v @ digamma(p * v + q) - n * digamma(q) + n * np.log(gamma) - log_sum.sum(),
            n * q / gamma - ((p * x + q) / (gamma + total)).sum(),
        ])  # fmt: skip
        return float(value), gradient

    return at


def _spend(history: pd.DataFrame) -> tuple[Array, Array]:
    absent = [name for name in ("frequency", "monetary_value") if name not in history.columns]
    if absent:
        raise DataError(f"history: expected columns frequency, monetary_value, missing {', '.join(absent)}")
    x, mean = (history[name].to_numpy(dtype=float, na_value=np.nan) for name in ("frequency", "monetary_value"))
    bad = int((~(x >= 0) | ((x > 0) & ~np.isfinite(mean))).sum())
    if bad:
        raise DataError(f"history: {bad:,} of {len(x):,} rows without a frequency, or with one but no monetary_value")
    return x, mean
