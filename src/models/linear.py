"""The simple candidate: a ridge logistic regression on clipped, standardised features, spelled as a linear head.

Missing values take the median and, where they are neither rare nor the rule, a coefficient of their own. Where the sign
of an effect is known beforehand, a coefficient that contradicts it is held at zero.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import DataError

Array = NDArray[np.float64]
Weight = Array | float

PENALTIES = (3000.0, 300.0, 30.0, 3.0)
DIGITS = 9  # the order of summation differs between machines in the last digits: they are not kept
BLOCK = 4096  # rows weighted at once


@dataclass(frozen=True)
class Scaling:
    """How each feature becomes a standardised, bounded, complete column."""

    impute: Array
    lower: Array
    upper: Array
    means: Array
    scales: Array
    flagged: NDArray[np.int64]

    @classmethod
    def learn(cls, x: Array) -> "Scaling":
        """Take medians, the 0.5 % and 99.5 % quantiles as bounds, and mean and deviation after clipping."""
        present = ~np.isnan(x)
        lower, impute, upper = np.array([_bounds(column) for column in x.T]).T
        bounded = np.clip(np.where(present, x, impute), lower, upper)
        means, scales = bounded.mean(axis=0), bounded.std(axis=0)
        share = 1 - present.mean(axis=0)
        return cls(
            impute=impute,
            lower=lower,
            upper=upper,
            means=rounded(means),
            scales=rounded(np.where(scales > 1e-12, scales, 1.0)),
            flagged=np.flatnonzero((share > 0.005) & (share < 0.995)),
        )

    def apply(self, x: Array) -> Array:
        """Standardise; the flags of missing values follow the features, and a column of ones comes last."""
        gone = np.isnan(x)
        z = np.clip(np.where(gone, self.impute, x), self.lower, self.upper)
        z = (z - self.means) / self.scales
        return np.hstack([z, gone[:, self.flagged].astype(float), np.ones((len(x), 1))])

    def head(self, beta: Array, x: Array) -> dict[str, Any]:
        """Spell coefficients of the columns of :meth:`apply` as a linear head (without its name)."""
        width = len(self.means)
        absent = np.zeros(width)
        absent[self.flagged] = beta[width:-1]
        return {
            "kind": "linear",
            "intercept": float(beta[-1]),
            "coefficients": beta[:width].tolist(),
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "impute": self.impute.tolist(),
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "missing_coefficients": absent.tolist(),
            "missing_shares": rounded(np.isnan(x).mean(axis=0)).tolist(),
        }


def _bounds(column: Array) -> tuple[float, float, float]:
    """Lower bound, median, upper bound; a flag that is rarer than the quantiles must not be clipped away."""
    seen = column[~np.isnan(column)]
    if not len(seen):
        return 0.0, 0.0, 0.0
    sample = seen[:: max(1, len(seen) // 20_000)]  # enough for a quantile, and no sort of everything
    low, median, high = np.quantile(sample, [0.005, 0.5, 0.995])
    if low == high:
        low, high = seen.min(), seen.max()
    return float(low), float(median), float(high)


def newton(
    z: Array, y: Array, penalty: float, start: Array | None = None, precision: float = 1e-9, weight: Weight = 1.0
) -> Array:
    """Maximise the penalised likelihood by Newton's method with halved steps; the last column (ones) is not penalised.

    Parameters
    ----------
    z : (n, k)
    y : (n,) 0 or 1, or probabilities
    penalty : prior precision of each coefficient
    precision : stop when the loss falls by less than this share of itself
    weight : (n,) or one for all; a row counts as so many

    Returns
    -------
    (k,) coefficients

    Examples
    --------
    >>> z = np.array([[-1.0, 1.0], [1.0, 1.0]] * 50)
    >>> newton(z, np.array([0.2, 0.8] * 50), 1e-9).round(3).tolist()
    [1.386, 0.0]
    """
    ridge = np.full(z.shape[1], penalty)
    ridge[-1] = 1e-6
    beta = np.zeros(z.shape[1]) if start is None else start.copy()
    loss = _loss(z @ beta, y, beta, ridge, weight)
    for _ in range(30):
        p = 1 / (1 + np.exp(-(z @ beta)))
        gradient = z.T @ (weight * (p - y)) + ridge * beta
        step = np.linalg.solve(_curvature(z, weight * p * (1 - p)) + np.diag(ridge), gradient)
        size = 1.0
        while True:
            tried = beta - size * step
            found = _loss(z @ tried, y, tried, ridge, weight)
            if found <= loss or size < 1e-4:
                break
            size /= 2
        done = loss - found < precision * abs(loss)
        beta, loss = tried, found
        if done:
            break
    return beta


def _curvature(z: Array, w: Array) -> Array:
    """Give z' diag(w) z, block by block: a weighted copy of all rows would not fit into the processor's cache."""
    total = np.zeros((z.shape[1], z.shape[1]))
    for start in range(0, len(z), BLOCK):
        part = z[start : start + BLOCK] * np.sqrt(w[start : start + BLOCK])[:, None]
        total += part.T @ part
    return total


def within_signs(
    z: Array, y: Array, penalty: float, signs: Sequence[int], start: Array | None = None, precision: float = 1e-9,
    weight: Weight = 1.0,
) -> Array:  # fmt: skip
    """Maximise as :func:`newton` does, and hold coefficients of the wrong sign at 0, until none is left.

    Parameters
    ----------
    signs : of the first columns: -1, 0 (any) or 1

    Examples
    --------
    >>> z = np.array([[-1.0, 1.0], [1.0, 1.0]] * 50)
    >>> within_signs(z, np.array([0.2, 0.8] * 50), 1e-9, [-1]).round(3).tolist()
    [0.0, 0.0]
    """
    directions = np.zeros(z.shape[1])
    directions[: len(signs)] = signs
    kept = np.ones(z.shape[1], bool)
    while True:
        beta = np.zeros(z.shape[1])
        some = z if kept.all() else z[:, kept]  # a copy
        beta[kept] = newton(some, y, penalty, None if start is None else start[kept], precision, weight)
        wrong = beta * directions < 0
        if not wrong.any():
            return beta
        kept &= ~wrong
        start = beta


def _loss(margin: Array, y: Array, beta: Array, ridge: Array, weight: Weight) -> float:
    return float((weight * (np.logaddexp(0, margin) - y * margin)).sum() + 0.5 * (ridge * beta**2).sum())


def fit_logistic(x: Array, y: Array, penalty: float, signs: Sequence[int] = (), weight: Weight = 1.0) -> dict[str, Any]:
    """Fit on an encoded matrix and spell the result as a linear head (without its name).

    Parameters
    ----------
    x : (n, features) float64, NaN for missing
    y : (n,) 0 or 1, or probabilities
    signs : of the features: 1 where the event is known to become likelier as the value grows, -1 less likely, 0 unknown
    weight : (n,) or one for all; a row counts as so many

    Returns
    -------
    dict
        ``kind``, ``intercept``, and one list entry per feature in ``coefficients``, ``means``, ``scales``, ``impute``,
        ``lower``, ``upper``, ``missing_coefficients``, ``missing_shares``.

    Raises
    ------
    DataError
        If a value is infinite.
    """
    if np.isinf(x).any():
        raise DataError("a feature is infinite; replace infinities by missing values before fitting")
    scaling = Scaling.learn(x)
    with threadpool_limits(1, "blas"):  # the order of summation must not depend on the number of threads
        beta = rounded(within_signs(scaling.apply(x), y, penalty, signs, weight=weight))
    return scaling.head(beta, x)


@contextmanager
def one_thread_each(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads that compute side by side, each with one BLAS thread.

    The limit belongs to the process: set within a thread, its end would lift it for the others, too.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        yield pool


def choose_penalty(
    x: Array, y: Array, fold: NDArray[np.int64], penalties: Sequence[float] = PENALTIES, signs: Sequence[int] = (),
    threads: int = 1, weight: Array | None = None,
) -> tuple[float, dict[str, float]]:  # fmt: skip
    """Choose the ridge penalty by log loss on held-out folds.

    Parameters
    ----------
    penalties : the strongest first
    signs : as for :func:`fit_logistic`
    threads : folds that are fitted at once; the result does not depend on it
    weight : (n,) a row counts as so many; None: as one

    Returns
    -------
    penalty : float
    losses : dict of penalty → mean log loss
    """

    def losses(k: int) -> list[float]:
        train, valid = fold != k, fold == k
        scaling = Scaling.learn(x[train])
        z, held_out = scaling.apply(x[train]), scaling.apply(x[valid])
        beta: Array | None = None
        heavy, light = (1.0, 1.0) if weight is None else (weight[train], weight[valid])
        found = []
        for penalty in penalties:  # strongest first: each is a good start for the next
            beta = within_signs(z, y[train], penalty, signs, beta, precision=1e-5, weight=heavy)
            margin = held_out @ beta
            found.append(float((light * (np.logaddexp(0, margin) - y[valid] * margin)).mean()))
        return found

    with one_thread_each(threads) as pool:
        of_folds = list(pool.map(losses, range(int(fold.max()) + 1)))
    mean = {
        penalty: float(np.mean(values)) for penalty, values in zip(penalties, zip(*of_folds, strict=True), strict=True)
    }
    return min(penalties, key=lambda penalty: mean[penalty]), {f"{penalty:g}": mean[penalty] for penalty in penalties}


def rounded(values: Array) -> Array:
    """Keep significant digits only."""
    with np.errstate(divide="ignore"):
        size = np.where(values == 0, 0, np.floor(np.log10(np.abs(values)))).clip(-300, 300)
    scale = 10.0 ** (DIGITS - 1 - size)
    return np.asarray(np.round(values * scale) / scale)
