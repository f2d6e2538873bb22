"""Measures of a probability or a score, with intervals that resample customers.

Labels may be soft: a row whose label is ``p`` counts as ``p`` of an event and ``1 - p`` of a non-event. With labels of
0 and 1 these are the usual measures; with known probabilities they are free of the noise of the draw.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Measure = Callable[["Ranked", Array], Array]

BLOCK = 2_000_000  # weights held at once by a thread: 16 MB
THREADS = 2  # blocks at once; the result does not depend on it


@dataclass(frozen=True)
class Ranked:
    """Labels and scores, sorted by falling score; ``last`` marks the last row of each group of equal scores.

    ``events`` are the rows that are an event at all, ``upto`` and ``before`` the last row of their group and of the one
    before it (the first group has none: -1).
    """

    label: Array
    score: Array
    order: NDArray[np.int64]
    last: NDArray[np.int64]
    events: NDArray[np.int64]
    upto: NDArray[np.int64]
    before: NDArray[np.int64]

    @classmethod
    def of(cls, label: ArrayLike, score: ArrayLike) -> "Ranked":
        y, s = np.asarray(label, float), np.asarray(score, float)
        order = np.argsort(-s, kind="stable")
        ranked = s[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        events = np.flatnonzero(y[order] > 0)
        group = np.searchsorted(last, events)
        return cls(y[order], ranked, order, last, events, last[group], np.append(-1, last)[group])


def _roc_auc(r: Ranked, w: Array) -> Array:
    """Non-events below each event; most rows are none, so only the events are looked up among them."""
    others = np.zeros((len(w), w.shape[1] + 1))
    np.cumsum(w * (1 - r.label), axis=1, out=others[:, :-1])  # the last column, found by -1, is nothing before
    events, total = w[:, r.events] * r.label[r.events], others[:, -2:-1]
    through = others[:, r.upto]
    ties = (through - others[:, r.before]) / 2
    return _share((events * (total - through + ties)).sum(axis=1), events.sum(axis=1) * total[:, 0])


def _average_precision(r: Ranked, w: Array) -> Array:
    events = np.cumsum(w * r.label, axis=1)[:, r.last]
    rows = np.cumsum(w, axis=1)[:, r.last]
    precision = np.divide(events, rows, out=np.zeros_like(events), where=rows > 0)
    return _share((np.diff(events, axis=1, prepend=0.0) * precision).sum(axis=1), events[:, -1])


def _lift(r: Ranked, w: Array) -> Array:
    """Events among the best tenth over a tenth of all events; a group of ties on the edge counts in proportion."""
    events = np.cumsum(w * r.label, axis=1)[:, r.last]
    rows = np.cumsum(w, axis=1)[:, r.last]
    out = np.empty(len(w))
    for i, (caught, seen) in enumerate(zip(events, rows, strict=True)):
        top = np.interp(0.1 * seen[-1], np.append(0.0, seen), np.append(0.0, caught))
        out[i] = 10 * top / caught[-1] if caught[-1] else np.nan
    return out


def _weighted(w: Array, values: Array) -> Array:
    """Sum row by row: a matrix product would round differently from one number of threads to the next."""
    return np.asarray((w * values).sum(axis=1))


def _brier(r: Ranked, w: Array) -> Array:
    return _share(_weighted(w, r.label * (1 - r.score) ** 2 + (1 - r.label) * r.score**2), w.sum(axis=1))


def _log_loss(r: Ranked, w: Array) -> Array:
    p = np.clip(r.score, 1e-15, 1 - 1e-15)
    return _share(-_weighted(w, r.label * np.log(p) + (1 - r.label) * np.log1p(-p)), w.sum(axis=1))


def _calibration_error(r: Ranked, w: Array, bins: int = 10) -> Array:
    gap = w * (r.label - r.score)
    edges = np.linspace(0, len(r.label), min(bins, len(r.label)) + 1).astype(int)[:-1]
    return _share(np.abs(np.add.reduceat(gap, edges, axis=1)).sum(axis=1), w.sum(axis=1))


def _observed_over_expected(r: Ranked, w: Array) -> Array:
    return _share(_weighted(w, r.label), _weighted(w, r.score))


def _observed_over_expected_top(r: Ranked, w: Array) -> Array:
    n = max(1, round(len(r.label) / 10))
    return _share(_weighted(w[:, :n], r.label[:n]), _weighted(w[:, :n], r.score[:n]))


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


RANKING: dict[str, Measure] = {
    "roc_auc": _roc_auc,
    "gini": lambda r, w: 2 * _roc_auc(r, w) - 1,
    "average_precision": _average_precision,
    "lift_at_10pct": _lift,
}
PROBABILITY: dict[str, Measure] = {
    "brier": _brier,
    "log_loss": _log_loss,
    "calibration_error": _calibration_error,
    "observed_over_expected": _observed_over_expected,
    "observed_over_expected_top_decile": _observed_over_expected_top,
}
MEASURES: dict[str, Measure] = {**RANKING, **PROBABILITY}


def measure(label: ArrayLike, score: ArrayLike, names: tuple[str, ...] = tuple(MEASURES)) -> dict[str, float]:
    """Compute measures without intervals.

    Parameters
    ----------
    label : (n,) 0 or 1, or probabilities
    score : (n,) probabilities; for the ranking measures any score
    names : measures, see ``MEASURES``

    Returns
    -------
    dict
        ``roc_auc`` (ties count half), ``gini`` = 2 AUC − 1, ``average_precision`` (as in scikit-learn, without
        interpolation), ``lift_at_10pct``, ``brier``, ``log_loss`` (nats), ``calibration_error`` (ten bins of equal
        mass: mean absolute gap of observed and expected), ``observed_over_expected`` overall and in the top decile.

    Examples
    --------
    >>> measure([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], ("roc_auc", "average_precision"))
    {'roc_auc': 0.75, 'average_precision': 0.8333333333333333}
    >>> measure([0.5, 0.5], [0.9, 0.1], ("roc_auc",))
    {'roc_auc': 0.5}
    """
    ranked = Ranked.of(label, score)
    ones = np.ones((1, len(ranked.label)))
    return {name: float(MEASURES[name](ranked, ones)[0]) for name in names}


def resamples(groups: NDArray[np.int64], rng: np.random.Generator, n: int) -> Array:
    """Draw customers with replacement: how often each row counts, in ``n`` resamples.

    Parameters
    ----------
    groups : (rows,) int
        The customer of each row, 0 … customers − 1.

    Returns
    -------
    (n, rows) float64
    """
    return counted(int(groups.max()) + 1, rng, n)[:, groups]


def counted(customers: int, rng: np.random.Generator, n: int) -> Array:
    """Draw customers with replacement: how often each is drawn, in ``n`` resamples; shape (n, customers)."""
    drawn = [np.bincount(rng.integers(0, customers, customers), minlength=customers) for _ in range(n)]
    return np.stack(drawn).astype(float)


def bootstrap(
    label: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    names: tuple[str, ...] = tuple(MEASURES),
    n: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, dict[str, float]]:
    """Compute measures with percentile intervals that resample customers, not rows.

    Monthly rows of one customer repeat each other: resampling rows would make the intervals too narrow. Intervals are
    shifted by the bootstrap's estimate of bias (Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, ch. 10):
    a calibration error grows with every resampling, since noise only adds to it, and its plain interval would leave
    the measured value out.

    Parameters
    ----------
    groups : (n,) customer of each row; None: every row is its own
    n : number of resamples
    level : coverage of the interval

    Returns
    -------
    dict of name → ``{"value", "low", "high"}``

    Examples
    --------
    >>> found = bootstrap([0, 1] * 50, [0.2, 0.6] * 50, names=("roc_auc",), n=20)
    >>> found["roc_auc"]
    {'value': 1.0, 'low': 1.0, 'high': 1.0}
    """
    ranked = Ranked.of(label, score)
    value = measure(label, score, names)
    drawn = _drawn([ranked], groups, n, seed, lambda r, w: np.stack([MEASURES[m](r[0], w[0]) for m in names]))
    tail = (1 - level) / 2
    out = {}
    for name, row in zip(names, drawn, strict=True):
        known = row[np.isfinite(row)]
        bias = known.mean() - value[name] if len(known) else 0.0
        out[name] = {"value": value[name], **_interval(row - bias, tail, -1.0 if name == "gini" else 0.0)}
    return out


def paired_difference(
    label: ArrayLike,
    score_a: ArrayLike,
    score_b: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    name: str = "roc_auc",
    n: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Measure of a minus measure of b on the same resampled customers.

    The difference is real at the stated level where the interval leaves zero out.

    Examples
    --------
    >>> y = [0, 1] * 50
    >>> paired_difference(y, y, [0.5] * 100, n=20)
    {'value': 0.5, 'low': 0.5, 'high': 0.5}
    """
    pair = [Ranked.of(label, score_a), Ranked.of(label, score_b)]
    f = MEASURES[name]
    drawn = _drawn(pair, groups, n, seed, lambda r, w: (f(r[0], w[0]) - f(r[1], w[1]))[None])
    value = measure(label, score_a, (name,))[name] - measure(label, score_b, (name,))[name]
    return {"value": value, **_interval(drawn[0], (1 - level) / 2)}


def _drawn(
    ranked: list[Ranked],
    groups: ArrayLike | None,
    n: int,
    seed: int,
    compute: Callable[[list[Ranked], list[Array]], Array],
) -> Array:
    """Evaluate in blocks of resamples, so that memory stays bounded; the draws do not depend on the block."""
    rows = len(ranked[0].label)
    codes = np.arange(rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    rng, per_block = np.random.default_rng(seed), max(1, BLOCK // max(1, rows))
    sorted_codes = [codes[r.order] for r in ranked]

    def part(counts: Array) -> Array:
        return compute(ranked, [np.take(counts, each, axis=1) for each in sorted_codes])

    customers = int(codes.max(initial=-1)) + 1
    parts: list[Array] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, n, per_block * THREADS):
            sizes = [min(per_block, n - k) for k in range(start, min(n, start + per_block * THREADS), per_block)]
            parts += pool.map(part, [counted(customers, rng, size) for size in sizes])
    return np.concatenate(parts, axis=1)


def _interval(drawn: Array, tail: float, least: float = -np.inf) -> dict[str, float]:
    kept = drawn[np.isfinite(drawn)]
    if not len(kept):
        return {"low": float("nan"), "high": float("nan")}
    low, high = np.quantile(kept, [tail, 1 - tail])
    return {"low": max(float(low), least), "high": float(high)}


def rank_correlation(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's correlation; 0 where one of them is constant.

    Examples
    --------
    >>> rank_correlation([1, 2, 3], [1, 8, 27])
    1.0
    >>> rank_correlation([1, 1, 1], [0, 1, 2])
    0.0
    """
    a, b = (pd.Series(np.asarray(v, float)).rank().to_numpy() for v in (one, other))
    a, b = a - a.mean(), b - b.mean()
    whole = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / whole) if whole else 0.0


def interval_of(
    compute: Callable[[NDArray[np.int64]], float], groups: NDArray[np.int64], *, n: int, seed: int, level: float = 0.95
) -> dict[str, float]:
    """Compute anything of rows, with a percentile interval that resamples customers.

    Parameters
    ----------
    compute : callable
        From positions of rows (repeated where a customer is drawn twice) to a number.
    groups : (rows,) customer of each row, 0 … customers − 1

    Returns
    -------
    dict
        ``value, low, high``; equal seeds draw the same customers, so that differences can be paired.

    Examples
    --------
    >>> x = np.array([1.0, 1.0, 1.0])
    >>> interval_of(lambda rows: float(x[rows].mean()), np.arange(3), n=20, seed=0)
    {'value': 1.0, 'low': 1.0, 'high': 1.0}
    """
    rows, rng = np.arange(len(groups)), np.random.default_rng(seed)
    drawn = [compute(np.repeat(rows, resamples(groups, rng, 1)[0].astype(np.int64))) for _ in range(n)]
    return {"value": compute(rows), **_interval(np.array(drawn), (1 - level) / 2)}


def soft_roc_auc(p_true: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve against known probabilities: each row is ``p`` of an event and ``1 - p`` of none.

    Examples
    --------
    >>> soft_roc_auc([1.0, 0.0], [0.7, 0.2])
    1.0
    """
    return measure(p_true, score, ("roc_auc",))["roc_auc"]


def with_intervals(measures: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Keep the measures that are spelled ``value, low, high``; counts, tests and plain numbers are left out.

    Examples
    --------
    >>> with_intervals({"rows": 9, "roc_auc": {"value": 0.7, "low": 0.6, "high": 0.8}, "test": {"p_value": 0.3}})
    {'roc_auc': {'value': 0.7, 'low': 0.6, 'high': 0.8}}
    """
    return {name: found for name, found in measures.items() if isinstance(found, dict) and "value" in found}


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn NaN into None at every depth, so that measures can be spelled as JSON.

    Examples
    --------
    >>> finite({"a": float("nan"), "b": {"c": 1.0}})
    {'a': None, 'b': {'c': 1.0}}
    """
    out: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            out[key] = finite(value)
        else:
            out[key] = None if isinstance(value, float) and not np.isfinite(value) else value
    return out
