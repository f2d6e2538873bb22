"""Pareto/NBD: Poisson purchases until an exponential lifetime ends, both rates differing between customers.

Schmittlein, Morrison and Colombo 1987, Management Science 33(1):1-24. The purchase rate λ is Gamma(r, α) distributed,
the rate of leaving μ Gamma(s, β). The likelihood is usually written with differences of Gauss's hypergeometric function
(Fader and Hardie 2005, *A note on deriving the Pareto/NBD model*), which lose their digits, and in two forms for α ≥ β
and α < β. By parts, it is the sum of two positive integrals, one of frequency and age, one of frequency and recency::

    L = Γ(r+x)/Γ(r) · α^r · β^s · [ (r+x)·J(r+x+1, s; T) + s·J(r+x, s+1; t_x) ]
    J(p, q; y) = ∫_y^∞ (α+τ)^−p · (β+τ)^−q dτ

Nothing cancels, and a pair of numbers is shared by many customers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, expit, exprel, gammaln

from ..likelihood import Fit, LogLikelihood, maximise
from .histories import Histories, duration, same

Array = NDArray[np.float64]

# ∫_0^∞ f(c)·exp(−c) dc by the double exponential rule c = exp(t − exp(−t)) (Takahasi and Mori 1974, Publ. RIMS 9):
# its nodes lie at all scales of c, so it bears whatever f does near 0
_GRID = np.arange(-3.75, 3.75, 0.125)
_NODE = np.exp(_GRID - np.exp(-_GRID))
_WEIGHT = 0.125 * _NODE * (1 + np.exp(-_GRID)) * np.exp(-_NODE)
_CHUNK = 20_000


@dataclass(frozen=True)
class ParetoNbd:
    """The model at known parameters; ``alpha`` and ``beta`` are in the unit of time of the histories."""

    r: float
    alpha: float
    s: float
    beta: float

    def p_alive(self, history: pd.DataFrame) -> Array:
        """Probability that a customer has not left by ``T``; below 1 also for one who never came back.

        Returns
        -------
        (n,) from 0 to 1

        Examples
        --------
        >>> history = pd.DataFrame({"frequency": [0, 2, 2], "recency": [0, 10, 35], "T": [39, 39, 39]})
        >>> ParetoNbd(0.553, 10.578, 0.606, 11.669).p_alive(history).round(3)
        array([0.294, 0.267, 0.946])
        """
        found = Histories.of(history)
        return self._alive(found)[found.row]

    def expected_purchases(self, history: pd.DataFrame, horizon: float) -> Array:
        """Purchases expected in ``(T, T + horizon]``, given the history.

        Given that a customer is alive, λ is Gamma(r + x, α + T) and μ Gamma(s, β + T): the expectation of a new
        customer with these parameters.

        Parameters
        ----------
        history : (n, …) with ``frequency``, ``recency``, ``T``
        horizon : in the same unit of time

        Returns
        -------
        (n,) from 0 on
        """
        found, length = Histories.of(history), duration(horizon)
        rate = (self.r + found.x) / (self.alpha + found.T)
        return (self._alive(found) * rate * _mean_life(length, self.s, self.beta + found.T))[found.row]

    def expected_repeats(self, time: ArrayLike) -> Array:
        """Repeat purchases that a new customer is expected to make within ``time`` of the first one.

        Examples
        --------
        >>> ParetoNbd(0.553, 10.578, 0.606, 11.669).expected_repeats([0.0, 39.0, 78.0]).round(3)
        array([0.   , 1.213, 1.909])
        """
        times = np.atleast_1d(duration(time))
        return self.r / self.alpha * _mean_life(times, self.s, np.full(len(times), self.beta))

    def simulate(self, age: ArrayLike, rng: np.random.Generator, horizon: float = 0.0) -> pd.DataFrame:
        """Draw customers from the model.

        Returns
        -------
        DataFrame
            ``frequency``, ``recency``, ``T``, and ``purchases`` in the ``horizon`` after ``T``.
        """
        span = np.asarray(age, float)
        rate = rng.gamma(self.r, 1 / self.alpha, len(span))
        life = rng.exponential(1.0, len(span)) / np.maximum(rng.gamma(self.s, 1 / self.beta, len(span)), 1e-300)
        x = rng.poisson(rate * np.minimum(life, span))
        latest = np.minimum(life, span) * (1 - rng.random(len(span))) ** (1 / np.maximum(x, 1))
        later = rng.poisson(rate * np.clip(life - span, 0.0, horizon))
        return pd.DataFrame({"frequency": x, "recency": np.where(x > 0, latest, 0.0), "T": span, "purchases": later})

    def _alive(self, found: Histories) -> Array:
        parts = _Parts.of(found)
        after, before = parts.integrals(self.r, self.alpha, self.s, self.beta)
        whole = np.logaddexp(after[0][parts.at_end], before[0][parts.at_last])
        bought = (self.r + found.x) * np.log(self.alpha + found.T) + self.s * np.log(self.beta + found.T)
        return np.exp(np.minimum(-bought - whole, 0.0))


def fit_pareto_nbd(history: pd.DataFrame) -> Fit[ParetoNbd]:
    """Fit Pareto/NBD by maximum likelihood, with the exact gradient.

    The time it takes grows with the distinct pairs of frequency and recency or age, which whole days keep few.

    Parameters
    ----------
    history : (n, …) with ``frequency``, ``recency`` and ``T``, as :func:`.purchase_history` makes it

    Raises
    ------
    DataError
        For rows that are no histories, or no repeat purchase at all.

    Examples
    --------
    >>> drawn = ParetoNbd(0.6, 9.0, 0.7, 12.0).simulate(np.full(3000, 40.0), np.random.default_rng(7))
    >>> found = fit_pareto_nbd(drawn)
    >>> found.converged, {name: round(value, 1) for name, value in found.params.items()}
    (True, {'r': 0.7, 'alpha': 10.0, 's': 0.6, 'beta': 7.2})
    >>> fit_pareto_nbd(drawn[drawn["frequency"] == 0])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: history: none of ... customers has bought again: neither their rate nor when they leave is
    identified; take a longer calibration period
    """
    found = Histories.of(history).learnable()
    scale = max(0.25 * float(np.average(found.T, weights=found.count)), 1e-3)
    start = {"r": 0.5, "alpha": scale, "s": 0.5, "beta": scale}
    return maximise(log_likelihood(found), start, ParetoNbd, found.customers)


def log_likelihood(histories: Histories) -> LogLikelihood:
    """Log-likelihood and gradient as a function of ``(r, alpha, s, beta)``."""
    parts = _Parts.of(histories)
    count, n = histories.count, histories.count.sum()
    v, place = np.unique(histories.x, return_inverse=True)
    n_v = np.bincount(place, count)

    def at(theta: Array) -> tuple[float, Array]:
        r, alpha, s, beta = theta
        after, before = parts.integrals(r, alpha, s, beta)
        log_after, log_before = after[0][parts.at_end], before[0][parts.at_last]
        total = n_v @ gammaln(r + v) + n * (r * np.log(alpha) + s * np.log(beta) - gammaln(r))
        total += count @ np.logaddexp(log_after, log_before)
        weight = count * expit(log_after - log_before)
        gradient = after[1:] @ np.bincount(parts.at_end, weight, after.shape[1])
        gradient += before[1:] @ np.bincount(parts.at_last, count - weight, before.shape[1])
        gradient += [
            n_v @ digamma(r + v) + n * (np.log(alpha) - digamma(r)), n * r / alpha, n * np.log(beta), n * s / beta
        ]  # fmt: skip
        return float(total), gradient

    return at


@dataclass(frozen=True)
class _Parts:
    """The two integrals, once for each distinct pair; ``at_…`` leads from a history to its pair."""

    end: tuple[Array, Array]
    at_end: NDArray[np.int64]
    last: tuple[Array, Array]
    at_last: NDArray[np.int64]

    @classmethod
    def of(cls, h: Histories) -> "_Parts":
        at_end, e = same(h.x, h.T)
        at_last, k = same(h.x, h.t_x)
        return cls((h.x[e], h.T[e]), at_end, (h.x[k], h.t_x[k]), at_last)

    def integrals(self, r: float, alpha: float, s: float, beta: float) -> tuple[Array, Array]:
        """Logarithm and its gradient by ``(r, alpha, s, beta)`` of both terms; each (5, pairs)."""
        after = _tail(r + self.end[0] + 1, s, alpha, beta, self.end[1])
        after[0] += np.log(r + self.end[0])
        after[1] += 1 / (r + self.end[0])
        before = _tail(r + self.last[0], s + 1, alpha, beta, self.last[1])
        before[0] += np.log(s)
        before[3] += 1 / s
        return after, before


def _tail(p: Array, q: float, alpha: float, beta: float, y: Array) -> Array:
    """Logarithm of J(p, q; y), and its gradient by p, α, q and β; shape (5, n).

    With M the larger and m the smaller of α + y and β + y, and M + τ − y = M·e^v, the integrand is
    M^(1−p−q) · e^(−(p+q−1)·v) · (1 − (1 − m/M)·e^−v)^−e, e the exponent that goes with m.
    """
    if len(y) > _CHUNK:
        steps = range(0, len(y), _CHUNK)
        return np.hstack([_tail(p[i : i + _CHUNK], q, alpha, beta, y[i : i + _CHUNK]) for i in steps])
    larger, smaller, exponent = (alpha, beta, np.full(len(y), q)) if alpha >= beta else (beta, alpha, p)
    most, k = larger + y, p + q - 1
    ratio = (smaller + y) / most
    v = _NODE / k[:, None]
    shrunk = np.expm1(-v)
    rest = ratio[:, None] - ((larger - smaller) / most)[:, None] * shrunk
    log_rest = np.log(rest)
    f = _WEIGHT * np.exp(-exponent[:, None] * (log_rest - np.log(ratio)[:, None]))
    whole = f.sum(axis=1)
    log_j = np.log(whole) - k * np.log(most) - np.log(k) - exponent * np.log(ratio)
    f /= whole[:, None]
    log_larger = np.log(most) + (f * v).sum(axis=1)
    log_smaller = log_larger + (f * log_rest).sum(axis=1)
    shrunk += 1
    by_larger = (f * shrunk).sum(axis=1) / most
    by_smaller = (f * shrunk / rest).sum(axis=1) / most
    if alpha >= beta:
        return np.stack([log_j, -log_larger, -p * by_larger, -log_smaller, -q * by_smaller])
    return np.stack([log_j, -log_smaller, -p * by_smaller, -log_larger, -q * by_larger])


def _mean_life(time: float | Array, s: float, beta: Array) -> Array:
    """Time spent alive within ``time``, μ Gamma(s, β) distributed; at s = 1 a logarithm, with no gap beside it."""
    grown = np.log1p(time / beta)
    return beta * grown * exprel((1 - s) * grown)
