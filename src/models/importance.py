"""What SHAP values say about a model as a whole: which features matter, how, and how sure the order is."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from .explain import Explanation


def global_summary(told: Explanation) -> pd.DataFrame:
    """Rank features by mean |SHAP| in log-odds: feature, mean_abs_shap, share (of the sum), rank (1 = strongest).

    Examples
    --------
    >>> told = Explanation(("a", "b"), np.array([[1, 0], [-1, 2]], dtype="float32"), 0.0, np.ones(2), "linear", 0, 0)
    >>> global_summary(told)
      feature  mean_abs_shap  share  rank
    0       a            1.0    0.5     1
    1       b            1.0    0.5     2
    """
    strength = np.abs(told.values).mean(axis=0, dtype=np.float64) if len(told.values) else np.zeros(len(told.names))
    table = pd.DataFrame({"feature": told.names, "mean_abs_shap": strength})
    table = table.sort_values(["mean_abs_shap", "feature"], ascending=[False, True], ignore_index=True)
    total = strength.sum()
    table["share"] = table["mean_abs_shap"] / total if total > 0 else 0.0
    table["rank"] = np.arange(1, len(table) + 1)
    return table


def dependence(
    told: Explanation, matrix: np.ndarray, *, texts: Collection[str] = (), top: int = 6, bins: int = 20
) -> pd.DataFrame:
    """Show how the contribution of the strongest features runs with their value.

    Parameters
    ----------
    texts : collection of str
        Features left out: the matrix holds codes of their levels, which have no order of their own.

    Returns
    -------
    DataFrame
        One row per feature and quantile bin: feature, bin (−1: missing), value_low, value_mean, value_high, shap_mean,
        shap_p10, shap_p90 (log-odds), rows.
    """
    columns = ["feature", "bin", "value_low", "value_mean", "value_high", "shap_mean", "shap_p10", "shap_p90", "rows"]
    rows: list[dict[str, Any]] = []
    strongest = [name for name in global_summary(told)["feature"] if name not in texts]
    for name in strongest[:top]:
        j = told.names.index(name)
        value, shap = matrix[:, j], told.values[:, j].astype(np.float64)
        present = ~np.isnan(value)
        edges = np.unique(np.quantile(value[present], np.linspace(0, 1, bins + 1))) if present.any() else np.zeros(0)
        place = np.full(len(value), -1)
        if len(edges) > 2:
            place[present] = np.searchsorted(edges[1:-1], value[present], side="right")
        else:
            place[present] = (value[present] > edges[0]).astype(int)
        for b in np.unique(place):
            inside = place == b
            spread = np.quantile(shap[inside], [0.1, 0.9])
            x = value[inside] if b >= 0 else np.array([np.nan])
            rows.append({
                "feature": name, "bin": int(b), "value_low": x.min(), "value_mean": x.mean(), "value_high": x.max(),
                "shap_mean": shap[inside].mean(), "shap_p10": spread[0], "shap_p90": spread[1],
                "rows": int(inside.sum()),
            })  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def directions(told: Explanation, matrix: np.ndarray) -> pd.DataFrame:
    """Say which way each feature acts: the rank correlation of its value with its contribution to the score.

    Returns
    -------
    DataFrame
        ``feature, direction, share``: 1 raises the score throughout as the value grows, −1 lowers it throughout, near 0
        does neither; missing for a feature without contribution or with one value only. ``share`` is that of the sum of
        mean |SHAP|.

    Examples
    --------
    >>> values = np.array([[1, 0.5], [0, 0], [-1, -0.5]], dtype="float32")
    >>> told = Explanation(("idle", "visits"), values, 0.0, np.ones(3), "linear", 0, 0)
    >>> directions(told, np.array([[9.0, 1.0], [5.0, 2.0], [1.0, 3.0]])).round(3)
      feature  direction  share
    0    idle        1.0  0.667
    1  visits       -1.0  0.333
    """
    rows = []
    shares = global_summary(told).set_index("feature")["share"]
    for j, name in enumerate(told.names):
        value, shap = matrix[:, j], told.values[:, j].astype(np.float64)
        known = ~np.isnan(value)
        moved = known.any() and np.ptp(value[known]) > 0 and np.ptp(shap[known]) > 0
        found = float(stats.spearmanr(value[known], shap[known]).statistic) if moved else np.nan
        rows.append((name, found, float(shares[name])))
    table = pd.DataFrame(rows, columns=["feature", "direction", "share"])
    return table.sort_values(["share", "feature"], ascending=[False, True], ignore_index=True)


def ranking_by_half(told: Explanation, when: np.ndarray, *, top: int = 10) -> dict[str, float]:
    """Rank features on the earlier and on the later half of the rows, and see how far the two agree.

    Returns
    -------
    dict
        ``kendall`` and ``jaccard`` (of the ``top`` features); empty where all rows have one date.

    Examples
    --------
    >>> values = np.array([[2, 1], [2, 1], [1, 2], [1, 2]], dtype="float32")
    >>> told = Explanation(("a", "b"), values, 0.0, np.ones(4), "linear", 0, 0)
    >>> ranking_by_half(told, np.array([1, 2, 3, 4]), top=1)
    {'kendall': -1.0, 'jaccard': 0.0}
    >>> ranking_by_half(told, np.array([1, 1, 1, 1]))
    {}
    """
    later = when > np.sort(when)[(len(when) - 1) // 2]
    if not later.any():
        return {}
    halves = [np.abs(told.values[part]).mean(axis=0, dtype=np.float64) for part in (~later, later)]
    top = min(top, len(told.names))
    one, other = (set(_order(half)[:top].tolist()) for half in halves)
    kendall = float(stats.kendalltau(*halves).statistic)
    return {"kendall": kendall, "jaccard": len(one & other) / len(one | other)}


def ranking_stability(
    told: Explanation, *, groups: np.ndarray | None = None, resamples: int = 100, top: int = 10, seed: int = 0
) -> tuple[dict[str, float], pd.DataFrame]:
    """Resample rows (whole customers where ``groups`` names them) and see how far the ranking of features moves.

    Returns
    -------
    dict
        Means over resamples, against the full ranking: ``kendall``, ``spearman``, ``jaccard`` (of the ``top``
        features), and ``jaccard_low`` (5th percentile).
    DataFrame
        feature, rank, rank_low, rank_high (5th and 95th percentile), in_top (share of resamples).
    """
    strength = np.abs(told.values).astype(np.float64)
    members = pd.factorize(groups)[0] if groups is not None else np.arange(len(strength))
    count = int(members.max()) + 1
    sums = np.column_stack([np.bincount(members, weights=column, minlength=count) for column in strength.T])
    sizes = np.bincount(members, minlength=count)
    whole, top = sums.sum(axis=0), min(top, strength.shape[1])
    best = set(_order(whole)[:top])
    rng = np.random.default_rng(seed)
    ranks, kendall, spearman, jaccard = [], [], [], []
    for _ in range(resamples):
        drawn = np.bincount(rng.integers(count, size=count), minlength=count)
        mean = (sums * drawn[:, None]).sum(axis=0) / (sizes * drawn).sum()
        order = _order(mean)
        ranks.append(np.argsort(order) + 1)
        kendall.append(stats.kendalltau(whole, mean).statistic)
        spearman.append(stats.spearmanr(whole, mean).statistic)
        jaccard.append(len(best & set(order[:top])) / len(best | set(order[:top])))
    low, high = np.quantile(np.array(ranks), [0.05, 0.95], axis=0)
    table = pd.DataFrame({
        "feature": told.names, "rank": np.argsort(_order(whole)) + 1, "rank_low": low, "rank_high": high,
        "in_top": (np.array(ranks) <= top).mean(axis=0),
    })  # fmt: skip
    measures = {
        "kendall": float(np.mean(kendall)), "spearman": float(np.mean(spearman)), "jaccard": float(np.mean(jaccard)),
        "jaccard_low": float(np.quantile(jaccard, 0.05)),
    }  # fmt: skip
    return measures, table.sort_values("rank", ignore_index=True)


def _order(strength: np.ndarray) -> np.ndarray:
    return np.argsort(-strength, kind="stable")
