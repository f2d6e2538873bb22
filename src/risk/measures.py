"""Value at risk, expected shortfall, and what each unit contributes to them: contributions add up to the total.

Both are weighted sums of ordered losses, so Euler's allocation (Tasche 2008, *Capital allocation to business units and
sub-portfolios: the Euler principle*) is the same weighted sum of a unit's losses in the same scenarios.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from ..errors import ParamsError

Array = NDArray[np.float64]


def _held(level: float, n: int) -> float:
    if not 0 < level < 1:
        raise ParamsError(f"level: expected between 0 and 1, got {level}")
    if n * (1 - level) < 10:
        raise ParamsError(f"{n:,} scenarios hold fewer than 10 beyond the level {level}: take at least "
                          f"{int(np.ceil(10 / (1 - level) - 1e-6)):,}")  # fmt: skip
    return level


def quantile_weights(n: int, level: float) -> Array:
    """Weights of ordered losses whose sum is the quantile (Harrell and Davis 1982, Biometrika 69:635-640).

    Examples
    --------
    >>> weights = quantile_weights(1000, 0.9)
    >>> round(float(weights.sum()), 9), int(weights.argmax())
    (1.0, 900)
    """
    edges = betainc((n + 1) * level, (n + 1) * (1 - level), np.arange(n + 1) / n)
    return np.asarray(np.diff(edges))


def shortfall_weights(n: int, level: float) -> Array:
    """Weights of ordered losses whose sum is the mean beyond the quantile (Acerbi and Tasche 2002).

    Examples
    --------
    >>> shortfall_weights(4, 0.5).tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    upper = np.clip(np.arange(1, n + 1) / n - level, 0.0, 1 / n)
    return np.asarray(upper / (1 - level))


def value_at_risk(losses: ArrayLike, level: float) -> float:
    """Loss that is exceeded with probability 1 − ``level``.

    Examples
    --------
    >>> round(value_at_risk(np.arange(10_001.0), 0.99))
    9900
    >>> value_at_risk(np.arange(100.0), 0.999)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: 100 scenarios hold fewer than 10 beyond the level 0.999: take at least 10,000
    """
    x = np.sort(np.asarray(losses, float))
    return float(quantile_weights(len(x), _held(level, len(x))) @ x)


def expected_shortfall(losses: ArrayLike, level: float) -> float:
    """Mean loss in the worst 1 − ``level`` of scenarios.

    Examples
    --------
    >>> round(expected_shortfall(np.arange(10_000.0), 0.99), 6)
    9949.5
    """
    x = np.sort(np.asarray(losses, float))
    return float(shortfall_weights(len(x), _held(level, len(x))) @ x)


@dataclass(frozen=True)
class Contributions:
    """What each unit adds to a measure of the total, with its Monte Carlo standard error."""

    total: float
    parts: Array
    standard_errors: Array

    @property
    def gap(self) -> float:
        """Distance of the sum of the parts from the total, as a share of it."""
        return abs(float(self.parts.sum()) - self.total) / max(abs(self.total), 1e-300)


def shortfall_contributions(losses: ArrayLike, level: float) -> Contributions:
    """Split the expected shortfall of the sum: the mean of each unit in the scenarios of the tail.

    Parameters
    ----------
    losses : (n, k) joint draws, one column a unit

    Examples
    --------
    >>> x = np.random.default_rng(7).standard_normal((100_000, 2)) * [1.0, 2.0]
    >>> found = shortfall_contributions(x, 0.975)  # closed form: 2.338 × [1, 4] / √5
    >>> bool((abs(found.parts - [1.046, 4.182]) < 3 * found.standard_errors).all()), found.gap < 1e-9
    (True, True)
    """
    x = np.asarray(losses, float)
    n, total = len(x), x.sum(axis=1)
    order = np.argsort(total, kind="stable")
    weights = shortfall_weights(n, _held(level, n))
    edge = quantile_weights(n, level) @ x[order]
    # the influence of a scenario: what its tail loss lies beyond the unit's loss at the edge of the tail
    influence = np.where(weights[:, None] > 0, x[order] - edge, 0.0) / (1 - level)
    return Contributions(expected_shortfall(total, level), weights @ x[order], influence.std(axis=0) / np.sqrt(n))


def quantile_contributions(losses: ArrayLike, level: float) -> Contributions:
    """Split the value at risk of the sum: the weighted mean of each unit in the scenarios about the quantile.

    Parameters
    ----------
    losses : (n, k) joint draws, one column a unit

    Examples
    --------
    >>> x = np.random.default_rng(7).standard_normal((100_000, 2)) * [1.0, 2.0]
    >>> quantile_contributions(x, 0.99).gap < 1e-9
    True
    """
    x = np.asarray(losses, float)
    n, total = len(x), x.sum(axis=1)
    order = np.argsort(total, kind="stable")
    weights = quantile_weights(n, _held(level, n))
    parts = weights @ x[order]
    errors = np.sqrt(weights**2 @ (x[order] - parts) ** 2)
    return Contributions(value_at_risk(total, level), parts, errors)


def kolmogorov_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Find the largest distance between two empirical distribution functions.

    Examples
    --------
    >>> kolmogorov_distance([1.0, 2.0], [1.0, 2.0]), kolmogorov_distance([1.0, 2.0], [3.0, 4.0])
    (0.0, 1.0)
    """
    a, b = np.sort(np.asarray(first, float)), np.sort(np.asarray(second, float))
    at = np.concatenate([a, b])
    below = [np.searchsorted(x, at, side="right") / len(x) for x in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def measures(losses: ArrayLike, level: float, shortfall_level: float) -> pd.Series:
    """Sum one distribution of losses up.

    Returns
    -------
    Series
        ``expected_loss, standard_deviation, value_at_risk, expected_shortfall, economic_capital`` (value at risk less
        expected loss).
    """
    x = np.asarray(losses, float)
    var, mean = value_at_risk(x, level), float(x.mean())
    return pd.Series({
        "expected_loss": mean, "standard_deviation": float(x.std()), "value_at_risk": var,
        "expected_shortfall": expected_shortfall(x, shortfall_level), "economic_capital": var - mean,
    })  # fmt: skip
