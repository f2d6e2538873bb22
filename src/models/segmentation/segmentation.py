"""Segment customers by every lens: one call from a table to a model that assigns, with the evidence.

``model.json`` (format 1) of a segmentation::

    {"format": 1, "model": "segmentation",
     "features": [{"name", "type": "double", "absent": 0?} | {"name", "type": "text", "levels": [...]}],
     "lenses": [{"name", "kind": "tiers", "columns": [{"name", "cuts", "lower_is_better"}],
                 "segments": [{"id", "name", "lowest"}]},
                {"name", "kind": "rules", "columns", "segments": [{"id", "name", "when": [[conditions]]}]},
                {"name", "kind": "kmeans", "prepare", "segments": [{"id", "name", "centre"}]},
                {"name", "kind": "mixture", "prepare",
                 "segments": [{"id", "name", "weight", "means", "variances", "levels", "items"}],
                 "answered"?, "silent"?: {"kind": "logistic", "prepare", "coefficients", "intercepts"}},
                {"name", "kind": "none", "reason"}]}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, NotApplicable
from .. import pyfunc_segments as run
from ..artifact import Artifact
from .clusters import fit_clusters, preparation, prepared
from .evidence import Choice, gather
from .loyalty import loyalty_rules
from .matching import matched_ids
from .preparation import block_items, fit_dense, plain, read_sources, stacked
from .profile import Phrases, describe_against_rest, short_names
from .settings import ClustersLens, RulesLens, SegmentationSettings, TiersLens
from .tiers import fit_tiers

SAMPLE_ROWS = 500
TOP = 8


@dataclass(frozen=True)
class SegmentationResult:
    """A fitted segmentation with its evidence; ``assigned`` are the customers that it was fitted to."""

    model: Artifact
    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    assigned: pd.DataFrame
    sample: pd.DataFrame


def fit_segmentation(
    table: pd.DataFrame,
    settings: SegmentationSettings,
    *,
    phrases: Phrases | None = None,
    previous: Artifact | None = None,
) -> SegmentationResult:
    """Fit every lens on the customers of one date.

    Parameters
    ----------
    table : DataFrame
        One row per customer: features, attributes, and items as columns ``block:name``.
    settings : SegmentationSettings
    phrases : mapping of column to (low, high), optional
        Plain words for names.
    previous : Artifact, optional
        The segmentation in use: clusters keep its ids where they share customers.

    Returns
    -------
    SegmentationResult
        A lens whose columns are all absent, or which finds no structure, is of kind ``none`` and says why.

    Raises
    ------
    DataError
        If customers repeat, or there are fewer than 10 per cluster asked for.
    NotApplicable
        If no lens has any input.
    """
    _check(table, settings)
    table = table.sort_values(settings.id, kind="stable", ignore_index=True)
    lenses: list[dict[str, Any]] = []
    features: dict[str, dict[str, Any]] = {}
    choices: dict[str, Choice] = {}
    for name, asked in settings.lenses.items():
        spec, needed, choice = _lens(name, asked, table, settings)
        lenses.append({"name": name, **spec})
        features |= {feature["name"]: feature for feature in needed}
        if choice is not None:
            choices[name] = choice
    if all(lens["kind"] == "none" for lens in lenses):
        raise NotApplicable("; ".join(f"{lens['name']}: {lens['reason']}" for lens in lenses))
    model = Artifact(
        {"format": 1, "model": "segmentation", "features": list(features.values()), "lenses": lenses}, {}
    )  # fmt: skip
    model, profile = _named(model, table, phrases or {}, previous)
    assigned = pd.concat([table[[settings.id]], model.predict(table)], axis=1)
    stable = {name: choice.stability for name, choice in choices.items()}
    found = {
        lens["name"]: {**_measures(lens, assigned, table, settings), "stability": stable.get(lens["name"])}
        for lens in model.spec["lenses"]
    }
    evidence = [choice.table.assign(lens=name) for name, choice in choices.items()]
    tables = {"evidence": pd.concat(evidence, ignore_index=True) if evidence else pd.DataFrame({"lens": []}),
              "profile": profile}  # fmt: skip
    inputs = table[[n for n in features if n in table]].head(SAMPLE_ROWS).reset_index(drop=True)
    sample = pd.concat([pd.DataFrame({"row": np.arange(len(inputs))}), inputs, model.predict(inputs)], axis=1)
    return SegmentationResult(model, {"customers": len(table), "lenses": found}, tables, assigned, sample)


def _check(table: pd.DataFrame, settings: SegmentationSettings) -> None:
    if settings.id not in table:
        raise DataError(f"the table has no column {settings.id!r}: name its key with id")
    repeats = int(table[settings.id].duplicated().sum())
    if repeats:
        raise DataError(f"{repeats} rows repeat a {settings.id}: segments are fitted to one row per customer")
    least = 10 * settings.clusters[0]
    if len(table) < least:
        raise DataError(f"{len(table)} customers, at least {least} are needed for {settings.clusters[0]} clusters")


def _none(reason: str) -> tuple[dict[str, Any], list[dict[str, Any]], None]:
    return {"kind": "none", "reason": reason}, [], None


def _lens(
    name: str, asked: TiersLens | ClustersLens | RulesLens, table: pd.DataFrame, settings: SegmentationSettings
) -> tuple[dict[str, Any], list[dict[str, Any]], Choice | None]:
    if isinstance(asked, TiersLens):
        spec = fit_tiers(table, asked)
        columns = [c["name"] for c in spec["columns"]] if spec else []
        reason = f"not applicable: no column that varies among {', '.join(asked.columns.values())}"
    elif isinstance(asked, RulesLens):
        spec = loyalty_rules(table, asked)
        columns = spec["columns"] if spec else []
        reason = "not applicable: none of the columns that the rules look at is there"
    else:
        return _clusters(name, _available(settings.inputs(name), table), table, settings)
    if spec is None:
        return _none(reason)
    return spec, [{"name": column, "type": "double"} for column in columns], None


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
    name: str, lens: ClustersLens, table: pd.DataFrame, settings: SegmentationSettings
) -> tuple[dict[str, Any], list[dict[str, Any]], Choice | None]:
    if not (lens.numbers or lens.texts or lens.counts or lens.themes):
        return _none("not applicable: none of its columns is there and varies")
    span = lens.clusters or settings.clusters
    spoke = table[lens.answered].notna() if lens.answered in table else pd.Series(True, index=table.index)
    rows = table[spoke].reset_index(drop=True)
    if len(rows) < 10 * span[0]:
        return _none(f"too few customers: {len(rows)} have anything in it, {10 * span[0]} are needed")
    sources = read_sources(rows, lens, name)
    drawn = np.sort(np.random.default_rng(settings.seed).permutation(len(rows))[: settings.sample_rows])
    choice = gather(sources.take(drawn), span, settings)
    if choice.kind is None:
        return {"kind": "none", "reason": choice.reason}, [], choice
    prepare = preparation(sources, settings.seed)
    found = fit_clusters(
        prepared(sources, prepare), choice.kind, choice.clusters, starts=settings.starts, rounds=settings.rounds,
        seed=settings.seed,
    )  # fmt: skip
    segments = [{"id": f"{name}_{j + 1}", "name": "", **part} for j, part in enumerate(found.segments)]
    spec: dict[str, Any] = {"kind": choice.kind, "prepare": prepare, "segments": segments}
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


def _named(
    model: Artifact, table: pd.DataFrame, phrases: Phrases, previous: Artifact | None
) -> tuple[Artifact, pd.DataFrame]:
    """Give segments the ids of the model in use and names from what sets them apart; describe each."""
    assigned = model.predict(table)
    before = previous.predict(table) if previous is not None else pd.DataFrame(index=table.index)
    lenses, profiles = [], []
    for lens in model.spec["lenses"]:
        if lens["kind"] == "none":
            lenses.append(lens)
            continue
        name, column = lens["name"], assigned[lens["name"]]
        own = [c for c in _inputs_of(lens) if c in table]
        described = {
            s["id"]: describe_against_rest(table[own], (column == s["id"]).to_numpy(dtype=bool))
            for s in lens["segments"]
        }
        ids = {s["id"]: s["id"] for s in lens["segments"]}
        names = {s["id"]: s["name"] for s in lens["segments"]}
        if lens["kind"] in ("kmeans", "mixture"):
            names = short_names(described, phrases)
            if name in before:
                ids = {**ids, **matched_ids(before[name], column, name)}
        for segment, about in described.items():
            size = int((column == segment).sum())
            profiles.append(about.head(TOP).assign(
                lens=name, segment=ids[segment], name=names[segment], customers=size, share=size / len(table),
            ))  # fmt: skip
        segments = [{**s, "id": ids[s["id"]], "name": names[s["id"]]} for s in lens["segments"]]
        lenses.append({**lens, "segments": segments})
    profile = pd.concat(profiles, ignore_index=True) if profiles else pd.DataFrame()
    first = ["lens", "segment", "name", "customers", "share"]
    return Artifact({**model.spec, "lenses": lenses}, {}), profile[[*first, *(c for c in profile if c not in first)]]


def _inputs_of(lens: Mapping[str, Any]) -> list[str]:
    if lens["kind"] == "tiers":
        return [c["name"] for c in lens["columns"]]
    if lens["kind"] == "rules":
        return list(lens["columns"])
    prepare = lens["prepare"]
    blocks = [*prepare["counts"], *prepare.get("themes", {}).get("blocks", [])]
    plain_names = [part["name"] for part in [*prepare["numbers"], *prepare["texts"]]]
    return [n for n in plain_names if not n.startswith("theme_")] + [item for b in blocks for item in b["items"]]


def _measures(
    lens: Mapping[str, Any], assigned: pd.DataFrame, table: pd.DataFrame, settings: SegmentationSettings
) -> dict[str, Any]:
    if lens["kind"] == "none":
        return {"kind": "none", "reason": lens["reason"]}
    column = assigned[lens["name"]]
    sizes = {s["id"]: float((column == s["id"]).mean()) for s in lens["segments"]}
    found = {
        "kind": lens["kind"], "segments": len(lens["segments"]), "shares": sizes,
        "confidence": float(assigned[f"{lens['name']}_confidence"].mean()),
    }  # fmt: skip
    if "answered" in lens:
        spoke = table[lens["answered"]].notna().to_numpy()
        sure = assigned[f"{lens['name']}_confidence"].to_numpy()
        asked = settings.lenses[lens["name"]]
        known = [c for c in asked.known if c in table] if isinstance(asked, ClustersLens) else []
        found["silence"] = {
            "answered_share": float(spoke.mean()), "confidence_answered": float(sure[spoke].mean()),
            "confidence_silent": float(sure[~spoke].mean()),
            "largest_differences": describe_against_rest(table[known], spoke).head(3).to_dict("records"),
            "warning": "silence is not random: those who answer differ from those who don't",
        }  # fmt: skip
    return found
