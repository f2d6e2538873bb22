"""How well a score tells bad customers from good ones: AUC with its interval, KS, H-measure.

Label 1 is bad (default), and a higher score is worse. All measures look at the order of the scores alone, so that a
probability, a margin and points turned upside down get the same value.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc
from scipy.stats import norm, rankdata

from ..errors import DataError, ParamsError
from .metrics import Ranked

Array = NDArray[np.float64]


class _Rows(NamedTuple):
    label: Array
    score: Array
    weight: Array


def _checked(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> _Rows:
    y, s = np.asarray(label, float), np.asarray(score, float)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    if y.ndim != 1 or y.shape != s.shape or y.shape != w.shape:
        raise DataError(f"label, score and weight must have one length; got {y.shape}, {s.shape} and {w.shape}")
    if not np.isin(y, (0.0, 1.0)).all():
        raise DataError("label must be 0 (good) or 1 (bad) in every row; leave out the rows whose outcome is unknown")
    if np.isnan(s).any():
        raise DataError(f"{int(np.isnan(s).sum())} of {len(s)} scores are missing; score every row or leave it out")
    if not (np.isfinite(w) & (w >= 0)).all():
        raise DataError("weight must be finite and not negative in every row")
    for value, name in ((1.0, "bad"), (0.0, "good")):
        if not w[y == value].sum() > 0:
            raise DataError(
                f"both classes are needed to measure how they are told apart; none of the {len(y)} rows is {name}"
            )
    return _Rows(y, s, w)


def _placements(y: Array, s: Array) -> tuple[float, Array, Array]:
    """AUC, and the share of the other class that each bad and each good row is ranked against rightly."""
    bad, good = s[y == 1], s[y == 0]
    if min(len(bad), len(good)) < 2:
        raise DataError(f"an interval needs two rows of each class; got {len(bad)} bad and {len(good)} good")
    joint = rankdata(np.concatenate([bad, good]))
    of_bad = (joint[: len(bad)] - rankdata(bad)) / len(good)
    of_good = 1 - (joint[len(bad) :] - rankdata(good)) / len(bad)
    return float(of_bad.mean()), of_bad, of_good


def _standard_error(of_bad: Array, of_good: Array) -> float:
    return float(np.sqrt(of_bad.var(ddof=1) / len(of_bad) + of_good.var(ddof=1) / len(of_good)))


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ParamsError(f"level must lie between 0 and 1, such as 0.95; got {level}")
    return float(norm.ppf((1 + level) / 2))


def delong(label: ArrayLike, score: ArrayLike, level: float = 0.95) -> dict[str, float]:
    """Area under the ROC curve with the interval of DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44:837-845).

    Computed from midranks (Sun and Xu 2014, IEEE Signal Processing Letters 21:1389-1393): time grows as n log n, and
    ties count half. Rows are taken as independent; where one customer has several, use :func:`metrics.bootstrap`.

    Parameters
    ----------
    label : (n,) 0 or 1
    score : (n,) higher is worse
    level : coverage of the interval

    Returns
    -------
    dict
        ``value, low, high`` (held within 0 and 1) and ``standard_error``. The Gini is 2 × value − 1. At a value of 1
        the estimated error is 0, and the interval says nothing.

    Raises
    ------
    DataError
        A class is absent or has a single row, a score is missing, or a label is neither 0 nor 1.

    Examples
    --------
    >>> found = delong([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.5, 0.4, 0.7, 0.9])
    >>> {name: round(value, 4) for name, value in found.items()}
    {'value': 0.8889, 'low': 0.5809, 'high': 1.0, 'standard_error': 0.1571}
    >>> delong([1, 1], [0.3, 0.4])
    Traceback (most recent call last):
    afraz.errors.DataError: both classes are needed ...; none of the 2 rows is good
    """
    rows, z = _checked(label, score), _quantile(level)
    value, of_bad, of_good = _placements(rows.label, rows.score)
    error = _standard_error(of_bad, of_good)
    low, high = max(value - z * error, 0.0), min(value + z * error, 1.0)
    return {"value": value, "low": low, "high": high, "standard_error": error}


def delong_difference(
    label: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, level: float = 0.95
) -> dict[str, float]:
    """AUC of a minus AUC of b on the same rows, with DeLong's paired test.

    Returns
    -------
    dict
        ``value, low, high`` and the two-sided ``p_value`` of no difference. Two scores that order all pairs alike
        differ by 0 with a p-value of 1.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> found = delong_difference(y, [1, 2, 3, 4, 5, 6], [1, 4, 3, 2, 5, 6])
    >>> round(found["value"], 4), round(found["p_value"], 4)
    (0.2222, 0.3711)
    """
    a, b, z = _checked(label, score_a), _checked(label, score_b), _quantile(level)
    auc_a, bad_a, good_a = _placements(a.label, a.score)
    auc_b, bad_b, good_b = _placements(b.label, b.score)
    value, error = auc_a - auc_b, _standard_error(bad_a - bad_b, good_a - good_b)
    p_value = float(2 * norm.sf(abs(value) / error)) if error else float(value == 0)
    low, high = max(value - z * error, -1.0), min(value + z * error, 1.0)
    return {"value": value, "low": low, "high": high, "p_value": p_value}


def _caught(rows: _Rows) -> tuple[Array, Array, Array]:
    """Weight of goods and of bads at or above each distinct score, from the worst down, and the scores."""
    ranked = Ranked.of(rows.label, rows.score)
    w = rows.weight[ranked.order]
    goods = np.cumsum(w * (1 - ranked.label))[ranked.last]
    bads = np.cumsum(w * ranked.label)[ranked.last]
    return goods, bads, ranked.score[ranked.last]


def ks(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> dict[str, float]:
    """Widest gap between the distributions of the scores of bad and of good rows (Kolmogorov and Smirnov).

    Returns
    -------
    dict
        ``value`` from 0 to 1, and ``score``: those at or above it against those below are told apart best; of several
        such scores the highest; missing where there is no gap at all.

    Examples
    --------
    >>> ks([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5])
    {'value': 0.6666666666666667, 'score': 0.3}
    >>> ks([0, 1], [0.5, 0.5])
    {'value': 0.0, 'score': nan}
    """
    goods, bads, scores = _caught(_checked(label, score, weight))
    gap = np.abs(bads / bads[-1] - goods / goods[-1])
    best = int(np.argmax(gap))
    return {"value": float(gap[best]), "score": float(scores[best]) if gap[best] > 0 else float("nan")}


def _hull(goods: Array, bads: Array) -> tuple[Array, Array]:
    """Corners of the upper convex hull of the ROC curve, in weights rather than shares so that whole counts stay exact.

    Takes weights caught from the worst score down; gives them with the start (0, 0).
    """
    corners: list[tuple[float, float]] = [(0.0, 0.0)]
    for x, y in zip(goods.tolist(), bads.tolist(), strict=True):
        while len(corners) > 1:
            (x0, y0), (x1, y1) = corners[-2:]
            if (x1 - x0) * (y - y0) < (y1 - y0) * (x - x0):  # the last corner lies above the line: keep it
                break
            corners.pop()
        corners.append((x, y))
    hull = np.array(corners)
    return hull[:, 0], hull[:, 1]


def _least_cost(goods: Array, bads: Array, a: float, b: float) -> float:
    """Cost at the best threshold for each severity, averaged over Beta(a, b): exact, one piece for each corner.

    At severity c a refused good costs c and a granted bad 1 − c. Two corners cost the same where the slope between them
    says so; between two such severities one corner is best.
    """
    refused, granted, total = np.diff(goods), np.diff(bads), goods[-1] + bads[-1]
    ties = np.concatenate([[1.0], granted / (refused + granted), [0.0]])
    good_share = -a / (a + b) * np.diff(betainc(a + 1, b, ties))  # integral of c over each piece
    bad_share = -b / (a + b) * np.diff(betainc(a, b + 1, ties))  # integral of 1 − c
    return float((good_share * goods + bad_share * (bads[-1] - bads)).sum() / total)


def h_measure(
    label: ArrayLike,
    score: ArrayLike,
    *,
    severity: tuple[float, float] = (2.0, 2.0),
    weight: ArrayLike | None = None,
) -> float:
    """H-measure of Hand (2009, Machine Learning 77:103-123): the share of the cost of errors that the score saves.

    AUC weighs the two errors by weights that hang on the score itself; H fixes them for all scores. The severity c is
    the cost of refusing a good customer, and 1 − c that of granting to a bad one; c follows a Beta distribution. For
    each c the best threshold is taken, which lies on the convex hull of the ROC curve.

    Parameters
    ----------
    label : (n,) 0 or 1
    score : (n,) higher is worse
    severity : both parameters of the Beta distribution of c; Hand's are 2 and 2
    weight : (n,) how often each row counts; None: once

    Returns
    -------
    float
        0 for a score that is no better than treating all alike (or ranks the wrong way round), 1 for a perfect one.

    Raises
    ------
    ParamsError
        A parameter of the Beta distribution isn't positive.

    Examples
    --------
    >>> h_measure([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    1.0
    >>> h_measure([0, 1], [0.5, 0.5])
    0.0
    >>> h_measure([0, 1], [0.1, 0.2], severity=(0.0, 2.0))
    Traceback (most recent call last):
    afraz.errors.ParamsError: severity must be two positive numbers, such as (2.0, 2.0); got (0.0, 2.0)
    """
    a, b = severity
    if not (0 < a < np.inf and 0 < b < np.inf):
        raise ParamsError(f"severity must be two positive numbers, such as (2.0, 2.0); got {severity}")
    goods, bads, _ = _caught(_checked(label, score, weight))
    cost = _least_cost(*_hull(goods, bads), a, b)
    worst = _least_cost(np.array([0.0, goods[-1]]), np.array([0.0, bads[-1]]), a, b)
    return 1 - cost / worst


def h_measure_prior_adjusted(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """H-measure with severities Beta(1 + π₁, 1 + π₀) (Hand and Anagnostopoulos 2014, Pattern Rec. Letters 40:41-46).

    π₁ is the share of bads, π₀ that of goods. The likeliest severity is then c = π₁: the rarer the bads, the dearer is
    each one that is missed. Beta(2, 2) centres on equal costs, which hardly suit a portfolio of few bads.

    Examples
    --------
    >>> y, s = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1], range(10)
    >>> round(h_measure_prior_adjusted(y, s), 4), round(h_measure(y, s), 4)
    (0.7142, 0.6633)
    """
    rows = _checked(label, score, weight)
    bad = float((rows.weight * rows.label).sum() / rows.weight.sum())
    return h_measure(label, score, severity=(1 + bad, 2 - bad), weight=weight)
