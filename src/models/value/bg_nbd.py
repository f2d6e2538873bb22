"""BG/NBD: Poisson purchases while alive, a chance to leave after each; rates and chances differ between customers.

Fader, Hardie and Lee 2005, "Counting your customers" the easy way, Marketing Science 24(2):275-284. The rate λ of a
customer is Gamma(r, α) distributed, the chance p of leaving after a repeat purchase Beta(a, b).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.special import digamma, expit, gammaln

from ..likelihood import Fit, LogLikelihood, maximise
from .histories import Histories, duration, same

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BgNbd:
    """The model at known parameters; ``alpha`` is in the unit of time of the histories."""

    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, history: pd.DataFrame) -> Array:
        """Probability that a customer has not left by ``T``.

        **Not a churn score.** In this model customers can leave only after a repeat purchase: it is exactly 1 for every
        customer without one, however long ago they came. Of two customers who have both been silent for long, it calls
        the one who bought more often the more surely lost.

        Returns
        -------
        (n,) from 0 to 1

        Examples
        --------
        >>> history = pd.DataFrame({"frequency": [0, 2, 2], "recency": [0, 10, 35], "T": [39, 39, 39]})
        >>> BgNbd(0.2426, 4.4136, 0.7929, 2.4259).p_alive(history).round(3)
        array([1.   , 0.267, 0.777])
        """
        found = Histories.of(history)
        return (1 - expit(self._log_odds_left(found.x, found.t_x, found.T)))[found.row]

    def expected_purchases(self, history: pd.DataFrame, horizon: float) -> Array:
        """Purchases expected in ``(T, T + horizon]``, given the history (equation 10 of the paper).

        Given that a customer is alive, λ is Gamma(r + x, α + T) and p Beta(a, b + x): the expectation of a new customer
        with these parameters.

        Parameters
        ----------
        history : (n, …) with ``frequency``, ``recency``, ``T``
        horizon : in the same unit of time

        Returns
        -------
        (n,) from 0 on
        """
        found, length = Histories.of(history), float(duration(horizon))
        pair, first = same(found.x, found.T)
        x, age = found.x[first], found.T[first]
        ahead = np.empty(len(x))
        for value in np.unique(x):  # one quadrature for all customers of a frequency
            rows = x == value
            ahead[rows] = _mean_purchases(length, self.r + value, self.alpha + age[rows], self.a, self.b + value)
        alive = 1 - expit(self._log_odds_left(found.x, found.t_x, found.T))
        return (alive * ahead[pair])[found.row]

    def expected_repeats(self, time: ArrayLike) -> Array:
        """Repeat purchases that a new customer is expected to make within ``time`` of the first one (equation 9).

        Examples
        --------
        >>> BgNbd(0.2426, 4.4136, 0.7929, 2.4259).expected_repeats([0.0, 39.0, 78.0]).round(3)
        array([0.   , 1.195, 1.858])
        """
        times = np.atleast_1d(duration(time))
        return _mean_purchases(times, self.r, np.full(len(times), self.alpha), self.a, self.b)

    def simulate(self, age: ArrayLike, rng: np.random.Generator, horizon: float = 0.0) -> pd.DataFrame:
        """Draw customers from the model.

        Returns
        -------
        DataFrame
            ``frequency``, ``recency``, ``T``, and ``purchases`` in the ``horizon`` after ``T``.
        """
        span = np.asarray(age, float)
        rate = np.maximum(rng.gamma(self.r, 1 / self.alpha, len(span)), 1e-300)
        last = rng.geometric(np.clip(rng.beta(self.a, self.b, len(span)), 1e-9, 1))  # the purchase that ends it
        left = rng.gamma(last) / rate
        # Given the last one, those before it lie anywhere between: counts are binomial
        before = rng.binomial(last - 1, np.minimum(span / left, 1))
        x = np.where(left <= span, last, before)
        recency = np.where(left <= span, left, span * (1 - rng.random(len(span))) ** (1 / np.maximum(x, 1)))
        rest = np.where(left <= span, 0, last - 1 - before)
        share = np.clip(horizon / np.maximum(left - span, 1e-300), 0, 1)
        later = rng.binomial(rest, share) + ((left > span) & (left <= span + horizon))
        return pd.DataFrame({"frequency": x, "recency": np.where(x > 0, recency, 0.0), "T": span, "purchases": later})

    def _log_odds_left(self, x: Array, t_x: Array, age: Array) -> Array:
        odds = np.full(len(x), -np.inf)
        again = x > 0
        lived = np.log1p((age - t_x) / (self.alpha + t_x))[again]
        odds[again] = np.log(self.a / (self.b + x[again] - 1)) + (self.r + x[again]) * lived
        return odds


def fit_bg_nbd(history: pd.DataFrame) -> Fit[BgNbd]:
    """Fit BG/NBD by maximum likelihood (equation 6 of the paper), with the exact gradient.

    Parameters
    ----------
    history : (n, …) with ``frequency``, ``recency`` and ``T``, as :func:`.purchase_history` makes it

    Raises
    ------
    DataError
        For rows that are no histories, or no repeat purchase at all.

    Examples
    --------
    >>> drawn = BgNbd(0.5, 8.0, 0.8, 2.5).simulate(np.full(4000, 40.0), np.random.default_rng(7))
    >>> found = fit_bg_nbd(drawn)
    >>> found.converged, {name: round(value, 1) for name, value in found.params.items()}
    (True, {'r': 0.5, 'alpha': 7.9, 'a': 0.9, 'b': 2.8})
    >>> fit_bg_nbd(drawn[drawn["frequency"] == 0])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: history: none of ... customers has bought again: neither their rate nor when they leave is
    identified; take a longer calibration period
    """
    found = Histories.of(history).learnable()
    start = {"r": 0.5, "alpha": max(0.25 * float(np.average(found.T, weights=found.count)), 1e-3), "a": 0.5, "b": 2.0}
    return maximise(log_likelihood(found), start, BgNbd, found.customers)


def log_likelihood(histories: Histories) -> LogLikelihood:
    """Log-likelihood and gradient as a function of ``(r, alpha, a, b)``.

    Gamma functions are computed once a frequency; what is left for a history are two logarithms and an exponential.
    """
    h = histories
    v, place = np.unique(h.x, return_inverse=True)
    n, n_v = h.count.sum(), np.bincount(place, h.count)
    again = v > 0

    def at(theta: Array) -> tuple[float, Array]:
        r, alpha, a, b = theta
        log_weight = np.full(len(v), -np.inf)  # who has never come back has not left
        log_weight[again] = np.log(a / (b + v[again] - 1))
        shape = (r + v)[place]
        log_end, lived = np.log(alpha + h.T), np.log1p((h.T - h.t_x) / (alpha + h.t_x))
        log_odds = log_weight[place] + shape * lived
        left = expit(log_odds) * h.count
        total = n_v @ (gammaln(r + v) + gammaln(b + v) - gammaln(a + b + v))
        total += n * (gammaln(a + b) - gammaln(b) - gammaln(r) + r * np.log(alpha))
        total += h.count @ (np.logaddexp(0, log_odds) - shape * log_end)
        left_by_v = np.bincount(place, left)
        shared = n * digamma(a + b) - n_v @ digamma(a + b + v)
        gradient = np.array([
            n_v @ digamma(r + v) + n * (np.log(alpha) - digamma(r)) - h.count @ log_end + left @ lived,
            n * r / alpha - (h.count - left) @ (shape / (alpha + h.T)) - left @ (shape / (alpha + h.t_x)),
            shared + left.sum() / a,
            shared + n_v @ digamma(b + v) - n * digamma(b) - (left_by_v[again] / (b + v[again] - 1)).sum(),
        ])  # fmt: skip
        return float(total), gradient

    return at


def _mean_purchases(time: float | Array, r: float, alpha: Array, a: float, b: float) -> Array:
    """E[(1 − (1 + p·time/α)^−r) / p], p Beta(a, b) distributed: repeat purchases of customers alive at the start.

    The closed form's hypergeometric function divides by a − 1 and loses its digits near 1. The mean itself has nothing
    to cancel. It is taken by Gauss's rule for the Beta distribution, whose nodes are as many as the pole at
    p = −α/time asks for.
    """
    reach = np.asarray(time / alpha, float)
    pole = 1 + 2 / max(float(reach.max(initial=0.0)), 1e-9)
    nodes = int(np.clip(20 / np.log(pole + np.sqrt(pole**2 - 1)), 12, 200))
    p, weight = _beta_rule(nodes, a, b)
    return (-np.expm1(-r * np.log1p(reach[:, None] * p)) / p) @ weight


def _beta_rule(n: int, a: float, b: float) -> tuple[Array, Array]:
    """Nodes and weights of the mean under Beta(a, b), by Golub and Welsch 1969 from Jacobi's recurrence."""
    k, c = np.arange(1, n, dtype=float), a + b
    s = 2 * k + c - 2
    diagonal = np.concatenate([[a / c], 0.5 + (a - b) * (c - 2) / (2 * s * (s + 2))])
    squares = k * (k + c - 2) * (k + a - 1) * (k + b - 1) / (s**2 * (s + 1) * np.where(k == 1, 1.0, s - 1))
    squares[0] = a * b / (c**2 * (c + 1))  # the variance; the formula is 0 ÷ 0 there at a + b = 1
    node, vector = eigh_tridiagonal(diagonal, np.sqrt(squares))
    return np.clip(node, 1e-300, 1.0), vector[0] ** 2
