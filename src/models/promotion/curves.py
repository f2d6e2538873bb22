"""Measures of how well a score orders customers by what an offer changes in them, where it was given at random.

Of the first n customers of a list, N₁ were treated and N₀ were not, with outcome sums Y₁ and Y₀. Every measure takes
weights, so that a bootstrap sorts once. Equal scores form one step: a constant score draws the straight line of a
random list. Cross-fitted scores come from one model per fold, whose levels differ: the first share of the list is then
the first share of each fold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError
from ..metrics import resamples

Array = NDArray[np.float64]
BLOCK = 4_000_000  # weights held at once: 32 MB
SHARES = np.linspace(0, 1, 1001)  # of each fold, where lists of several folds are put together


@dataclass(frozen=True)
class Ordered:
    """Outcomes and treatments by fold and falling score.

    ``last`` holds, for each fold, the last row of each group of equal scores; ``start`` the fold's first row.
    """

    outcome: Array
    treated: Array
    order: NDArray[np.int64]
    start: list[int]
    last: list[NDArray[np.int64]]

    @classmethod
    def of(
        cls, outcome: ArrayLike, treated: ArrayLike, score: ArrayLike, fold: NDArray[np.int64] | None = None
    ) -> "Ordered":
        """Sort once.

        Raises
        ------
        DataError
            If nobody or everybody was treated, or a score is missing.
        """
        y, t, s = (np.asarray(values, float) for values in (outcome, treated, score))
        if t.min(initial=1) == t.max(initial=0) or not len(t):
            whom = "nobody" if not t.any() else "everybody"
            raise DataError(f"{whom} of {len(t):,} customers was treated: uplift needs a treated and a control group")
        if np.isnan(s).any():
            raise DataError(f"{int(np.isnan(s).sum()):,} scores are missing: score every customer first")
        f = np.zeros(len(s), dtype=np.int64) if fold is None else fold
        order = np.lexsort((-s, f))
        ranked, dealt = s[order], f[order]
        start = [0, *(np.flatnonzero(dealt[1:] != dealt[:-1]) + 1).tolist()]
        ends = np.flatnonzero(np.append((ranked[1:] != ranked[:-1]) | (dealt[1:] != dealt[:-1]), True))
        return cls(y[order], t[order], order, start, np.split(ends, np.searchsorted(ends, start[1:])))

    def sums(self, w: Array) -> tuple[Array, Array, Array, Array]:
        """Cumulate N₁, N₀, Y₁, Y₀ along the list, from 0; shape (resamples, steps + 1) each.

        Of one fold at the end of each step; of several at ``SHARES`` of each, within a step in proportion.
        """
        parts = (w * self.treated, w * (1 - self.treated), w * self.treated * self.outcome,
                 w * (1 - self.treated) * self.outcome)  # fmt: skip
        whole = [np.concatenate([np.zeros((len(w), 1)), np.cumsum(part, axis=1)], axis=1) for part in parts]
        found = [np.zeros((len(w), len(SHARES)))] * 4
        for start, last in zip(self.start, self.last, strict=True):
            at = np.append(start, last + 1)
            steps = [each[:, at] - each[:, [start]] for each in whole]
            if len(self.start) == 1:
                return steps[0], steps[1], steps[2], steps[3]
            n = steps[0] + steps[1]
            found = [total + _at_shares(n, each) for total, each in zip(found, steps, strict=True)]
        return found[0], found[1], found[2], found[3]


def _at_shares(n: Array, along: Array) -> Array:
    return np.stack([np.interp(SHARES * n[i, -1], n[i], along[i]) for i in range(len(n))])


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def uplift_curve(r: Ordered, w: Array) -> tuple[Array, Array]:
    """Give n = N₁ + N₀ and (Y₁/N₁ − Y₀/N₀)·n along the list: the outcomes gained if its first n were treated."""
    n1, n0, y1, y0 = r.sums(w)
    return n1 + n0, (_ratio(y1, n1) - _ratio(y0, n0)) * (n1 + n0)


def qini_curve(r: Ordered, w: Array) -> tuple[Array, Array]:
    """Give n and Y₁ − Y₀·N₁/N₀ along the list (Radcliffe 2007, Direct Marketing Analytics Journal, 14-21)."""
    n1, n0, y1, y0 = r.sums(w)
    return n1 + n0, y1 - y0 * _ratio(n1, n0)


def _above_random(n: Array, gain: Array) -> Array:
    """Area between a curve and the straight line to its end, by trapezoids."""
    area = np.trapezoid(gain, n, axis=1)
    return np.asarray(area - gain[:, -1] * n[:, -1] / 2)


def _perfect_qini(r: Ordered) -> Array:
    return r.outcome * r.treated - r.outcome * (1 - r.treated)


def _perfect_uplift(r: Ordered) -> Array:
    answered, treated = r.outcome == 1, r.treated == 1
    more = (answered & ~treated).sum() > (~answered & treated).sum()
    return 2.0 * (answered == treated) + (r.outcome if more else r.treated)


def _normalised(curve: Callable[[Ordered, Array], tuple[Array, Array]], perfect: Callable[[Ordered], Array]):  # type: ignore[no-untyped-def]
    def measured(r: Ordered, w: Array) -> Array:
        best = Ordered.of(r.outcome, r.treated, perfect(r))
        ceiling = _above_random(*curve(best, w[:, best.order]))
        found = _above_random(*curve(r, w))
        return np.divide(found, ceiling, out=np.full(len(w), np.nan), where=ceiling > 0)

    return measured


def _first(r: Ordered, w: Array, share: float) -> tuple[Array, Array]:
    """Difference of mean outcomes among the first ``share`` of the weight, and the share of it that was treated.

    A group of equal scores on the edge counts in proportion.
    """
    n1, n0, y1, y0 = r.sums(w)
    n = n1 + n0
    out, treated = np.empty(len(w)), np.empty(len(w))
    for i in range(len(w)):
        at = share * n[i, -1]
        a1, a0, b1, b0 = (np.interp(at, n[i], part[i]) for part in (n1, n0, y1, y0))
        out[i] = b1 / a1 - b0 / a0 if a1 > 0 and a0 > 0 else np.nan
        treated[i] = a1 / (a1 + a0) if a1 + a0 > 0 else np.nan
    return out, treated


def _gap(r: Ordered, w: Array, share: float = 0.3) -> Array:
    n1, n0, _, _ = r.sums(w)
    return np.asarray(_first(r, w, share)[1] - n1[:, -1] / (n1[:, -1] + n0[:, -1]))


MEASURES: dict[str, Callable[[Ordered, Array], Array]] = {
    "qini_auc": _normalised(qini_curve, _perfect_qini),
    "auuc": _normalised(uplift_curve, _perfect_uplift),
    "uplift_at_10pct": lambda r, w: _first(r, w, 0.1)[0],
    "uplift_at_30pct": lambda r, w: _first(r, w, 0.3)[0],
    "treated_share_gap": _gap,
}


def measure_uplift(
    outcome: ArrayLike, treated: ArrayLike, score: ArrayLike, names: tuple[str, ...] = tuple(MEASURES)
) -> dict[str, float]:
    """Measure a score on customers who were treated at random.

    Parameters
    ----------
    outcome : (n,) 0 or 1; for the measures other than ``auuc`` also amounts
    treated : (n,) 0 or 1
    score : (n,) whom to treat first: large is first
    names : measures

    Returns
    -------
    dict
        ``qini_auc``: area of the Qini curve above the random line, divided by that of the perfect curve, which first
        lists treated customers who responded and last those in control who did (Radcliffe 2007; Devriendt et al. 2020,
        IEEE TKDE 34:4888). ``auuc``: the same of the uplift curve. ``uplift_at_10pct``, ``uplift_at_30pct``: difference
        of the mean outcomes of treated and control among the first 10 and 30 %. ``treated_share_gap``: share treated
        among the first 30 % minus the share treated overall; far from 0 the score knows who was treated, and nothing
        holds.

    Raises
    ------
    DataError
        If nobody or everybody was treated.

    Examples
    --------
    >>> y, t = [1, 0, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0]
    >>> best = measure_uplift(y, t, [6, 3, 2, 4, 5, 1], ("qini_auc", "uplift_at_30pct"))
    >>> best["qini_auc"] <= 1
    True
    >>> measure_uplift(y, t, np.zeros(6), ("qini_auc",))
    {'qini_auc': 0.0}
    >>> measure_uplift(y, np.ones(6), np.zeros(6))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: everybody of 6 customers was treated: uplift needs a treated and a control group
    """
    ordered = Ordered.of(outcome, treated, score)
    ones = np.ones((1, len(ordered.outcome)))
    return {name: float(MEASURES[name](ordered, ones)[0]) for name in names}


def bootstrap_uplift(
    outcome: ArrayLike,
    treated: ArrayLike,
    scores: dict[str, Array],
    groups: NDArray[np.int64],
    *,
    fold: NDArray[np.int64] | None = None,
    weight: ArrayLike | None = None,
    rival: str | None = None,
    names: tuple[str, ...] = tuple(MEASURES),
    n: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Measure several scores with percentile intervals on the same resamples of customers.

    Parameters
    ----------
    scores : name → (n,) score
    groups : (n,) customer of each row, 0 … customers − 1
    fold : (n,) which model scored each row: lists are cut within folds; None: one model scored all
    weight : (n,) one over the probability of the arm that each customer got; None: the same for all of an arm
    rival : name of the score that the others are compared with, resample by resample

    Returns
    -------
    DataFrame
        ``score, measure, value, low, high`` and, with a rival, ``over_rival, over_rival_low, over_rival_high``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> t, x = rng.integers(0, 2, 4000), rng.random(4000)
    >>> y = (rng.random(4000) < 0.2 + 0.3 * t * (x > 0.7)).astype(float)
    >>> found = bootstrap_uplift(y, t, {"x": x, "random": rng.random(4000)}, np.arange(4000), rival="random",
    ...                          names=("uplift_at_30pct",), n=50)
    >>> bool(found["over_rival_low"].iloc[0] > 0)
    True
    """
    ordered = {name: Ordered.of(outcome, treated, score, fold) for name, score in scores.items()}
    rng, rows = np.random.default_rng(seed), len(np.asarray(treated))
    base_weight = np.ones((1, rows)) if weight is None else np.asarray(weight, float)[None, :]
    drawn: dict[tuple[str, str], list[Array]] = {(s, m): [] for s in scores for m in names}
    step, done = max(1, BLOCK // rows), 0
    while done < n:
        weights = resamples(groups, rng, min(step, n - done)) * base_weight
        done += len(weights)
        for score, r in ordered.items():
            w = weights[:, r.order]
            for name in names:
                drawn[score, name].append(MEASURES[name](r, w))
    ends = [(1 - level) / 2, (1 + level) / 2]
    found = []
    for (score, name), parts in drawn.items():
        here = np.concatenate(parts)
        value = float(MEASURES[name](ordered[score], base_weight[:, ordered[score].order])[0])
        low, high = np.nanquantile(here, ends)
        row = {"score": score, "measure": name, "value": value, "low": float(low), "high": float(high)}
        if rival is not None:
            gap = here - np.concatenate(drawn[rival, name])
            low, high = np.nanquantile(gap, ends)
            base = float(MEASURES[name](ordered[rival], base_weight[:, ordered[rival].order])[0])
            row |= {"over_rival": value - base, "over_rival_low": float(low), "over_rival_high": float(high)}
        found.append(row)
    return pd.DataFrame(found)


def gains_table(outcome: ArrayLike, treated: ArrayLike, scores: dict[str, Array], weight: ArrayLike) -> pd.DataFrame:
    """Spell the uplift curve of each score at every hundredth of the list, as outcomes gained per customer of all.

    Returns
    -------
    DataFrame
        ``score, share_of_customers, gained_per_customer``.
    """
    shares = np.linspace(0, 1, 101)
    parts = []
    for name, score in scores.items():
        r = Ordered.of(outcome, treated, score)
        n, gained = (part[0] for part in uplift_curve(r, np.asarray(weight, float)[None, r.order]))
        at = np.interp(shares, n / n[-1], gained / n[-1])
        parts.append(pd.DataFrame({"score": name, "share_of_customers": shares, "gained_per_customer": at}))
    return pd.concat(parts, ignore_index=True)


def calibration_by_decile(
    effect: Array, predicted: Array, groups: NDArray[np.int64], deciles: int = 10
) -> pd.DataFrame:
    """Compare predicted uplift with the mean of unbiased effect scores in tenths of the prediction.

    Parameters
    ----------
    effect : (n,) doubly robust scores of the effect: :func:`.policy.doubly_robust`
    predicted : (n,) uplift

    Returns
    -------
    DataFrame
        ``decile`` (1 is the highest), ``customers, predicted, observed, low, high`` (95 %, robust to several rows of a
        customer).

    Examples
    --------
    >>> table = calibration_by_decile(np.array([0.0, 0.2] * 50), np.linspace(0, 1, 100), np.arange(100), 2)
    >>> table["decile"].tolist(), table["observed"].round(2).tolist()
    ([1, 2], [0.1, 0.1])
    """
    place = np.argsort(np.argsort(-predicted, kind="stable"), kind="stable") * deciles // len(predicted)
    rows = []
    for k in range(deciles):
        inside = place == k
        mean = float(effect[inside].mean())
        per = pd.Series(effect[inside] - mean).groupby(groups[inside]).sum()
        half = 1.96 * float(np.sqrt((per**2).sum())) / max(int(inside.sum()), 1)
        rows.append({"decile": k + 1, "customers": int(inside.sum()), "predicted": float(predicted[inside].mean()),
                     "observed": mean, "low": mean - half, "high": mean + half})  # fmt: skip
    return pd.DataFrame(rows)
