"""One lens fitted to a table: tiers, rules, or clusters where the evidence speaks for them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import pyfunc_segments as run
from .clusters import fit_clusters, preparation, prepared
from .evidence import Choice, gather
from .loyalty import loyalty_rules
from .preparation import block_items, fit_dense, plain, read_sources, stacked
from .settings import ClustersLens, RulesLens, SegmentationSettings, TiersLens
from .tiers import fit_tiers


@dataclass(frozen=True)
class Start:
    """Which clusters to fit; with ``labels`` (where each row of the table lies, from 0 on) a fit begins at them."""

    kind: str
    clusters: int
    labels: NDArray[np.int64] | None = None


def fit_lens(
    name: str, asked: TiersLens | ClustersLens | RulesLens, table: pd.DataFrame, settings: SegmentationSettings,
    start: Start | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]], Choice | None]:  # fmt: skip
    """Fit one lens.

    Parameters
    ----------
    start : Start, optional
        Segments to keep in kind and number, and to begin at; without it the evidence decides.

    Returns
    -------
    spec : dict
        Part of the model's spec, of kind ``none`` with a reason where the lens finds nothing.
    features : list of dict
        What it needs.
    choice : Choice or None
        The evidence, where any was gathered.
    """
    if isinstance(asked, TiersLens):
        spec = fit_tiers(table, asked)
        columns = [c["name"] for c in spec["columns"]] if spec else []
        reason = f"not applicable: no column that varies among {', '.join(asked.columns.values())}"
    elif isinstance(asked, RulesLens):
        spec = loyalty_rules(table, asked)
        columns = spec["columns"] if spec else []
        reason = "not applicable: none of the columns that the rules look at is there"
    else:
        return _clusters(name, _available(settings.inputs(name), table), table, settings, start)
    if spec is None:
        return _none(reason)
    return spec, [{"name": column, "type": "double"} for column in columns], None


def _none(reason: str) -> tuple[dict[str, Any], list[dict[str, Any]], None]:
    return {"kind": "none", "reason": reason}, [], None


def _available(lens: ClustersLens, table: pd.DataFrame) -> ClustersLens:
    """Leave out what this table lacks, or what is missing throughout or the same for everybody."""

    def varies(column: str) -> bool:
        return column in table and table[column].nunique(dropna=True) > 1

    def counted(block: str) -> bool:
        return len([c for c in block_items(table, block) if table[c].fillna(0).sum() > 0]) >= 2

    return lens.model_copy(update={
        "numbers": [c for c in lens.numbers if varies(c)], "texts": [c for c in lens.texts if varies(c)],
        "counts": [b for b in lens.counts if counted(b)], "themes": [b for b in lens.themes if counted(b)],
        "known": [c for c in lens.known if varies(c)], "known_texts": [c for c in lens.known_texts if varies(c)],
        "known_counts": [b for b in lens.known_counts if counted(b)],
    })  # fmt: skip


def _clusters(
    name: str, lens: ClustersLens, table: pd.DataFrame, settings: SegmentationSettings, start: Start | None
) -> tuple[dict[str, Any], list[dict[str, Any]], Choice | None]:
    if not (lens.numbers or lens.texts or lens.counts or lens.themes):
        return _none("not applicable: none of its columns is there and varies")
    span = lens.clusters or settings.clusters
    spoke = table[lens.answered].notna() if lens.answered in table else pd.Series(True, index=table.index)
    rows = table[spoke].reset_index(drop=True)
    if len(rows) < 10 * span[0]:
        return _none(f"too few customers: {len(rows)} have anything in it, {10 * span[0]} are needed")
    sources = read_sources(rows, lens, name)
    choice = None
    if start is None:
        drawn = np.sort(np.random.default_rng(settings.seed).permutation(len(rows))[: settings.sample_rows])
        choice = gather(sources.take(drawn), span, settings)
        if choice.kind is None:
            return {"kind": "none", "reason": choice.reason}, [], choice
        start = Start(choice.kind, choice.clusters)
    prepare = preparation(sources, settings.seed)
    found = fit_clusters(
        prepared(sources, prepare), start.kind, start.clusters, starts=settings.starts, rounds=settings.rounds,
        seed=settings.seed, begun=None if start.labels is None else start.labels[spoke.to_numpy()],
    )  # fmt: skip
    segments = [{"id": f"{name}_{j + 1}", "name": "", **part} for j, part in enumerate(found.segments)]
    spec: dict[str, Any] = {"kind": start.kind, "prepare": prepare, "segments": segments}
    features = sources.features()
    if lens.answered and (lens.known or lens.known_texts or lens.known_counts) and not spoke.all():
        spec["answered"] = lens.answered
        spec["silent"], more = _silent(lens, rows, found.labels)
        features += more
    return spec, features, choice


def _silent(
    lens: ClustersLens, rows: pd.DataFrame, labels: NDArray[np.int64]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Learn from those who answered how what is known of everybody goes with the segment."""
    from sklearn.linear_model import LogisticRegression

    known = ClustersLens(kind="clusters", numbers=lens.known, texts=lens.known_texts, counts=lens.known_counts)
    sources = read_sources(rows, _available(known, rows), "silent")
    prepare = fit_dense({"numbers": sources.numbers, "texts": sources.texts, "counts": sources.counts}, sources)
    x = stacked(run.dense_statistics(plain(prepare), sources.columns))
    model = LogisticRegression(C=1.0, max_iter=500).fit(x, labels)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:  # two classes: scikit-learn keeps one row
        coefficients, intercepts = np.vstack([-coefficients / 2, coefficients / 2]), np.r_[-intercepts, intercepts] / 2
    return {
        "kind": "logistic", "prepare": prepare, "coefficients": np.round(coefficients, 9).tolist(),
        "intercepts": np.round(intercepts, 9).tolist(),
    }, sources.features()  # fmt: skip
