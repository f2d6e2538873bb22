"""Are there groups, and how many? Every number of clusters is refitted to resamples, and to tables without groups."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .clusters import KINDS, Clusters, Prepared, fit_clusters, preparation, prepared, taken
from .mixture import fit_mixture
from .nulls import null_sources
from .preparation import Sources
from .settings import SegmentationSettings

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
SILHOUETTE_ROWS = 1000


@dataclass(frozen=True)
class Choice:
    """The clusterer and number that the evidence speaks for; ``kind`` None: no structure, and ``reason`` says why."""

    kind: str | None
    clusters: int
    stability: float | None
    reason: str
    table: pd.DataFrame


def gather(sources: Sources, span: tuple[int, int], settings: SegmentationSettings) -> Choice:
    """Measure every clusterer and number of clusters on a sample, and choose.

    Parameters
    ----------
    sources : Sources
        Rows of the sample.
    span : (int, int)
        Fewest and most clusters.

    Returns
    -------
    Choice
        ``table`` has one row per clusterer and number: ``stability`` (mean adjusted Rand index between the fit and fits
        to bootstrap samples, on all rows; Hennig, Computational Statistics & Data Analysis 52, 2007, 258-271),
        ``jaccard_min`` (the least stable cluster's mean overlap), ``silhouette``, ``smallest`` (share), ``bic``,
        ``gain`` (log-likelihood a customer beyond one cluster), ``null_gain`` (the most that tables without groups
        gave), ``structure`` (gain beyond it), ``eligible``, ``chosen``.

    Notes
    -----
    Eligible is what is stable, has no small cluster, and gains at least ``min_effect`` beyond the largest gain in
    tables without groups. Of a clusterer's eligible numbers the one with the lowest BIC is taken. K-means, the simpler,
    stays unless the mixture describes customers better by ``min_gain``.
    """
    rng = np.random.default_rng(settings.seed)
    prepare = preparation(sources, settings.seed)
    rows = prepared(sources, prepare)
    empty = [null_sources(sources, rng) for _ in range(settings.nulls)]
    nulls = [prepared(null, preparation(null, settings.seed)) for null in empty]
    alone = _bic_of_one(rows, settings)
    alone_null = [_bic_of_one(null, settings) for null in nulls]
    most = min(span[1], len(sources) // 10)
    jobs = [(kind, k, rng.permutation(len(sources))[:SILHOUETTE_ROWS]) for kind in KINDS
            for k in range(span[0], most + 1)]  # fmt: skip

    def measured(kind: str, k: int, some: Labels) -> dict[str, Any]:
        fit = _fit(rows, kind, k, settings)
        gain = (alone - fit.bic) / (2 * len(sources))
        null = [(one - _fit(n, kind, k, settings).bic) / (2 * len(sources))
                for one, n in zip(alone_null, nulls, strict=True)]  # fmt: skip
        stable = _stability(rows, fit, kind, k, settings)
        share = np.bincount(fit.labels, minlength=k) / len(sources)
        return {
            "clusterer": kind, "clusters": k, **stable, "silhouette": _silhouette(rows.dense[some], fit.labels[some]),
            "smallest": float(share.min()), "bic": fit.bic, "gain": gain, "null_gain": max(null),
            "structure": gain - max(null),
        }  # fmt: skip

    with threadpool_limits(1), ThreadPoolExecutor(settings.threads) as pool:  # each fit on one thread
        table = pd.DataFrame(list(pool.map(lambda job: measured(*job), jobs)))
    return _choose(table, len(sources), settings)


def _choose(table: pd.DataFrame, rows: int, settings: SegmentationSettings) -> Choice:
    table["eligible"] = (
        (table["structure"] >= settings.min_effect)
        & (table["stability"] >= settings.min_stability)
        & (table["jaccard_min"] >= settings.min_jaccard)
        & (table["smallest"] >= settings.min_share)
    )
    table["chosen"] = False
    best = {
        kind: part.iloc[int(part["bic"].to_numpy().argmin())]
        for kind, part in table[table["eligible"]].groupby("clusterer")
    }
    if not best:
        return Choice(None, 0, None, _why_none(table, settings), table)
    winner = best.get("kmeans", best.get("mixture"))
    if len(best) == 2 and (best["kmeans"]["bic"] - best["mixture"]["bic"]) / (2 * rows) >= settings.min_gain:
        winner = best["mixture"]
    assert winner is not None
    table.loc[[winner.name], "chosen"] = True
    return Choice(str(winner["clusterer"]), int(winner["clusters"]), float(winner["stability"]), "", table)


def _why_none(table: pd.DataFrame, settings: SegmentationSettings) -> str:
    real = table[table["structure"] >= settings.min_effect]
    if real.empty:
        best = table.iloc[int(table["structure"].to_numpy().argmax())]
        return (
            f"no structure: the best of {len(table)} fits ({best['clusters']} clusters by {best['clusterer']}) "
            f"describes customers {best['structure']:+.3f} better a customer than tables without groups; "
            f"{settings.min_effect} is asked"
        )
    steady = real.iloc[int(real["stability"].to_numpy().argmax())]
    return (
        f"no stable structure: fits to resamples agree at most {steady['stability']:.2f} (adjusted Rand, "
        f"{steady['clusters']} clusters, least stable overlap {steady['jaccard_min']:.2f}, smallest share "
        f"{steady['smallest']:.3f}); asked are {settings.min_stability}, {settings.min_jaccard}, {settings.min_share}"
    )


def _fit(rows: Prepared, kind: str, clusters: int, settings: SegmentationSettings) -> Clusters:
    return fit_clusters(rows, kind, clusters, starts=settings.starts, rounds=settings.rounds, seed=settings.seed)


def _bic_of_one(rows: Prepared, settings: SegmentationSettings) -> float:
    return fit_mixture(rows.statistics, rows.prepare, [np.zeros(len(rows.dense), dtype=np.int64)], 2).bic


def _stability(
    rows: Prepared, fit: Clusters, kind: str, clusters: int, settings: SegmentationSettings
) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(settings.seed + clusters)
    rand, jaccard = [], []
    for b in range(settings.bootstrap):
        drawn = rng.integers(0, len(rows.dense), len(rows.dense))
        other = fit_clusters(
            taken(rows, drawn), kind, clusters, starts=2, rounds=settings.rounds, seed=settings.seed + 100 + b
        ).assign(rows)
        rand.append(adjusted_rand_score(fit.labels, other))
        jaccard.append(overlaps(fit.labels, other, clusters))
    return {"stability": float(np.mean(rand)), "jaccard_min": float(np.mean(jaccard, axis=0).min())}


def overlaps(one: Labels, other: Labels, clusters: int) -> Array:
    """Give for each cluster its Jaccard overlap with the most similar cluster of another partition; (clusters,).

    Examples
    --------
    >>> overlaps(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]), 2).round(2)
    array([0.67, 0.5 ])
    """
    counts = np.zeros((clusters, clusters))
    np.add.at(counts, (one, other), 1)
    union = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
    return np.asarray((counts / np.maximum(union, 1)).max(axis=1))


def _silhouette(dense: Array, labels: Labels) -> float:
    from sklearn.metrics import silhouette_score

    return 0.0 if len(np.unique(labels)) < 2 else float(silhouette_score(dense, labels))
