"""Clusters of one lens with a given number: by a mixture, or by k-means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import pyfunc_segments as run
from .mixture import described_by, fit_mixture, posterior_of
from .preparation import Sources, fit_dense, fit_number, plain, stacked
from .rival import fit_kmeans, nearest_centre, starting_partitions
from .themes import fit_themes

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
KINDS = ("kmeans", "mixture")
THEMES = 4


@dataclass(frozen=True)
class Prepared:
    """Sources as both clusterers read them."""

    prepare: dict[str, Any]
    statistics: Array
    dense: Array


@dataclass(frozen=True)
class Clusters:
    """A fitted clusterer: parts of the spec per segment, the labels of its rows, and how well it describes them."""

    kind: str
    segments: list[dict[str, Any]]
    labels: Labels
    bic: float

    def assign(self, rows: Prepared) -> Labels:
        """Assign other rows of the same preparation."""
        if self.kind == "mixture":
            return posterior_of(rows.statistics, self.segments).argmax(axis=1)
        return nearest_centre(rows.dense, np.array([segment["centre"] for segment in self.segments]))


def preparation(sources: Sources, seed: int) -> dict[str, Any]:
    """Learn how a lens reads its inputs: themes of items first, then the scales of dense coordinates."""
    prepare: dict[str, Any] = {"numbers": list(sources.numbers), "texts": sources.texts, "counts": sources.counts}
    if sources.themes:
        width = sum(len(block["items"]) for block in sources.themes)
        themes = fit_themes(sources, min(THEMES, width), seed=seed)
        prepare["themes"] = themes
        for j, weight in enumerate(run.theme_weights(themes, sources.columns)):
            known = weight[~np.isnan(weight)]
            if len(known) and known.min() < known.max():
                prepare["numbers"].append(fit_number(f"theme_{j + 1}", known))
    return fit_dense(prepare, sources)


def prepared(sources: Sources, prepare: dict[str, Any]) -> Prepared:
    """Read sources by a preparation."""
    own = plain(prepare)
    return Prepared(
        prepare,
        stacked(run.mixture_statistics(own, sources.columns)),
        stacked(run.dense_statistics(own, sources.columns)),
    )


def fit_clusters(
    rows: Prepared, kind: str, clusters: int, *, starts: int, rounds: int, seed: int, begun: Labels | None = None
) -> Clusters:
    """Fit one clusterer; the largest segment comes first.

    ``begun`` is a partition to start from instead of several others; one with an empty cluster is none.
    """
    if begun is not None and not np.array_equal(np.unique(begun), np.arange(clusters)):
        begun = None
    if kind == "kmeans":
        centres, labels = fit_kmeans(rows.dense, clusters, starts=starts, seed=seed, begun=begun)
        segments = [{"centre": centre.tolist()} for centre in centres]
        return Clusters(kind, segments, labels, described_by(rows.statistics, rows.prepare, labels))
    counted = sum(len(block["items"]) for block in rows.prepare["counts"])
    if begun is not None:
        partitions = [begun]
    else:
        partitions = starting_partitions(rows.dense, clusters, starts=starts, seed=seed)
        if counted:  # counts may group customers where numbers only blur: start from them alone as well
            partitions += starting_partitions(rows.dense[:, -counted:], clusters, starts=1, seed=seed)
    found = fit_mixture(rows.statistics, rows.prepare, partitions, rounds)
    return Clusters(kind, found.segments, found.labels, found.bic)


def taken(rows: Prepared, place: Sequence[int] | Labels) -> Prepared:
    """Keep some rows."""
    at = np.asarray(place)
    return Prepared(rows.prepare, rows.statistics[at], rows.dense[at])
