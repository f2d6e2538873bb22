"""Likelihood of negative binomial counts: Poisson at rates λ that are Gamma(r, α) distributed."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from .likelihood import LogLikelihood

Array = NDArray[np.float64]


def log_likelihood(x: Array, age: Array, n: Array) -> LogLikelihood:
    """Log-likelihood, up to a constant of the counts, and gradient as a function of ``(r, alpha)``.

    Parameters
    ----------
    x, age : (k,) distinct pairs of a count and the time in which it was counted
    n : (k,) customers who have each

    Examples
    --------
    >>> value, gradient = log_likelihood(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))(np.ones(2))
    >>> round(float(np.exp(value)), 6), gradient.round(3).tolist()  # 1/2 for none, times (1/2)² for one
    (0.125, [-0.386, 0.5])
    """
    customers = n.sum()

    def at(theta: Array) -> tuple[float, Array]:
        r, alpha = theta
        end = np.log(alpha + age)
        total = n @ (gammaln(r + x) - (r + x) * end) + customers * (r * np.log(alpha) - gammaln(r))
        gradient = np.array([
            n @ (digamma(r + x) - end) + customers * (np.log(alpha) - digamma(r)),
            customers * r / alpha - n @ ((r + x) / (alpha + age)),
        ])  # fmt: skip
        return float(total), gradient

    return at
