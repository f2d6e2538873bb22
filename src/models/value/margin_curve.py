"""From a score to money: the expected margin, and the interval that holds one customer's margin.

Both are read off the customers whose score is alike: the mean of what they brought, and the quantiles of it. Nothing is
assumed of the shape of margins, which are heavy-tailed and sometimes negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError

Array = NDArray[np.float64]

BINS = 20
TAIL = (0.98, 0.99)  # the last bin is split: the best two in a hundred differ more than all others
LEAST = 60  # customers in a bin: an outer quantile of fewer is a guess


@dataclass(frozen=True)
class MarginCurve:
    """Knots of score → expected margin and its interval, straight between them and constant beyond.

    Attributes
    ----------
    score, mean, low, high, spread : ndarray, shape (bins,)
        Score rises; mean, low and high never fall; ``spread`` is the standard deviation of a customer's margin.
    level : float
        Share of customers whose margin lies between low and high.
    """

    score: Array
    mean: Array
    low: Array
    high: Array
    spread: Array
    level: float

    def expected(self, score: Array) -> Array:
        """Expected margin; shape of ``score``."""
        return np.interp(score, self.score, self.mean)

    def interval(self, score: Array) -> tuple[Array, Array]:
        """Bounds that hold a customer's own margin with probability ``level``."""
        return np.interp(score, self.score, self.low), np.interp(score, self.score, self.high)

    def deviation(self, score: Array) -> Array:
        """Standard deviation of a customer's margin around its expectation."""
        return np.interp(score, self.score, self.spread)


def fit_curve(score: Array, margin: Array, level: float = 0.9) -> MarginCurve:
    """Read the curve off customers whose score was made without them.

    The interval is conformal within bins of equal score (Mondrian; Vovk, Lindsay, Nouretdinov and Gammerman 2003, *On-
    line learning with conformal machines*): of n margins, the one of rank ⌈(n + 1)(1 ± level) / 2⌉, so that a new
    customer of the same bin falls inside with probability ``level``, whatever the shape of the margins.

    Parameters
    ----------
    score, margin : ndarray, shape (n,)
        Out-of-fold scores and what the customers brought, in currency.
    level : float
        Coverage of the interval.

    Raises
    ------
    DataError
        With fewer than five bins' worth of customers, or a level outside 0 to 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.normal(size=4000)
    >>> curve = fit_curve(score, 10 * score + rng.normal(size=4000))
    >>> np.abs(curve.expected(np.array([-1.0, 0.0, 1.0])) - [-10, 0, 10]).max() < 0.5
    np.True_
    >>> fit_curve(score[:100], score[:100])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: a margin curve needs at least 300 customers, got 100: ...
    """
    if len(score) < 5 * LEAST:
        raise DataError(
            f"a margin curve needs at least {5 * LEAST} customers, got {len(score):,}: add customers or as_of dates"
        )
    if not 0 < level < 1:
        raise DataError(f"the level of an interval lies between 0 and 1, got {level}")
    bins = min(BINS, len(score) // LEAST)
    places = np.linspace(0, 1, bins + 1)[1:-1]
    extra = [tail for tail in TAIL if len(score) * (1 - tail) >= LEAST]
    cuts = np.unique(np.quantile(score, sorted({*places, *extra})))
    which = np.searchsorted(cuts, score, side="right")
    numbers = np.flatnonzero(np.bincount(which, minlength=len(cuts) + 1))
    parts = [np.sort(margin[which == j]) for j in numbers]
    knots = np.array([score[which == j].mean() for j in numbers])
    counts = np.array([len(part) for part in parts], float)
    mean = _rising(np.array([part.mean() for part in parts]), counts)
    low = _rising(np.array([_rank(part, (1 - level) / 2, down=True) for part in parts]), counts)
    high = _rising(np.array([_rank(part, (1 + level) / 2, down=False) for part in parts]), counts)
    spread = np.array([part.std() for part in parts])
    return MarginCurve(knots, mean, np.minimum(low, mean), np.maximum(high, mean), spread, level)


def _rank(ordered: Array, share: float, *, down: bool) -> float:
    n = len(ordered)
    place = np.floor((n + 1) * share) if down else np.ceil((n + 1) * share)
    return float(ordered[int(np.clip(place, 1, n)) - 1])


def _rising(values: Array, weight: Array) -> Array:
    from sklearn.isotonic import IsotonicRegression

    return np.asarray(IsotonicRegression().fit(np.arange(len(values)), values, weight).predict(np.arange(len(values))))


def coverage(margin: Array, low: Array, high: Array, expected: Array, groups: int = 5) -> dict[str, object]:
    """Say how many margins fell inside their interval, overall and by fifths of the expected margin.

    Returns
    -------
    dict
        ``overall``, ``by_quintile`` (list, lowest expected margin first), ``mean_width``.

    Examples
    --------
    >>> found = coverage(np.arange(10.0), np.zeros(10), np.full(10, 8.0), np.arange(10.0))
    >>> found["overall"], found["by_quintile"]
    (0.9, [1.0, 1.0, 1.0, 1.0, 0.5])
    """
    inside = (margin >= low) & (margin <= high)
    place = np.argsort(np.argsort(expected, kind="stable"), kind="stable") * groups // len(expected)
    return {
        "overall": float(inside.mean()),
        "by_quintile": [float(inside[place == j].mean()) for j in range(groups)],
        "mean_width": float((high - low).mean()),
    }


def constant_width(score: Array, margin: Array, curve: MarginCurve) -> float:
    """Give the width of the rival: one interval around the expected margin, as wide for everybody, covering as much."""
    gap = np.sort(np.abs(margin - curve.expected(score)))
    return 2 * _rank(gap, curve.level, down=False)


def total_interval(
    expected: Array,
    deviation: Array,
    level_error: float,
    degrees: int,
    level: float = 0.9,
    draws: int = 4000,
    seed: int = 7,
) -> dict[str, float]:
    """Give the total over customers and its interval; customers' own intervals do not add up.

    What customers bring differs from what is expected in two ways: each by themselves, which evens out, and all
    together (a good year), which does not. The second is drawn from Student's t, since it is known from few periods.

    Parameters
    ----------
    expected, deviation : ndarray, shape (n,)
        Of each customer.
    level_error : float
        Standard error of the logarithm of the common level; 0: none is known, and the interval is too narrow.
    degrees : int
        Number of periods from which it is known.

    Returns
    -------
    dict
        ``value, low, high``.

    Examples
    --------
    >>> alone = total_interval(np.full(100, 10.0), np.full(100, 5.0), 0.0, 4)
    >>> together = total_interval(np.full(100, 10.0), np.full(100, 5.0), 0.1, 4)
    >>> round(alone["high"] - alone["low"]), together["high"] - together["low"] > 300
    (163, True)
    """
    rng = np.random.default_rng(seed)
    total = float(expected.sum())
    own = rng.normal(0.0, float(np.sqrt((deviation**2).sum())), draws)
    common = np.exp(level_error * rng.standard_t(max(degrees, 1), draws)) if level_error > 0 else np.ones(draws)
    drawn = total * common + own
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return {"value": total, "low": float(low), "high": float(high)}


def level_error(quarters: Array) -> tuple[float, int]:
    """Say how far the level of a year may differ from that of the year before, from the mean margin of past quarters.

    The root mean square of the year-on-year changes of the logarithm: season cancels, and a steady rise counts as an
    error, because nothing says that it will go on. Neighbouring changes overlap in what causes them; their number is
    halved as degrees of freedom.

    Parameters
    ----------
    quarters : ndarray
        Mean margin of a customer in each quarter, oldest first, all positive.

    Returns
    -------
    error : float
        0 where fewer than six quarters are known or one is not positive.
    degrees : int

    Examples
    --------
    >>> round(level_error(np.array([10.0, 12, 14, 16, 11, 13.2, 15.4, 17.6]))[0], 3)
    0.095
    >>> level_error(np.array([10.0, 12]))
    (0.0, 1)
    """
    if len(quarters) < 6 or not (quarters > 0).all():
        return 0.0, 1
    change = np.log(quarters[4:] / quarters[:-4])
    return float(np.sqrt((change**2).mean())), max(1, len(change) // 2)
