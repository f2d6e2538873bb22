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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DataError, NotApplicable
from .. import pyfunc_segments as run
from ..artifact import Artifact
from .evidence import Choice
from .lenses import fit_lens
from .matching import matched_ids
from .preparation import block_items
from .profile import Phrases, describe_against_rest, short_names
from .settings import ClustersLens, SegmentationSettings

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
        spec, needed, choice = fit_lens(name, asked, table, settings)
        lenses.append({"name": name, **spec})
        features |= {feature["name"]: feature for feature in needed}
        if choice is not None:
            choices[name] = choice
    if all(lens["kind"] == "none" for lens in lenses):
        raise NotApplicable("; ".join(f"{lens['name']}: {lens['reason']}" for lens in lenses))
    model = Artifact(
        {"format": 1, "model": "segmentation", "features": list(features.values()), "lenses": lenses}, {}
    )  # fmt: skip
    model, profile = _named(model, table, settings, phrases or {}, previous)
    if settings.as_of in table:  # it learns from no outcome: what it knows ends with the month that it was fitted to
        model = model.learned_until(pd.to_datetime(table[settings.as_of]).max())
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


def _named(
    model: Artifact, table: pd.DataFrame, settings: SegmentationSettings, phrases: Phrases, previous: Artifact | None
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
        asked = settings.inputs(name).described if isinstance(settings.lenses[name], ClustersLens) else []
        shown = _shown(table, lens, asked)
        described = {
            s["id"]: describe_against_rest(shown, (column == s["id"]).to_numpy(dtype=bool)) for s in lens["segments"]
        }
        ids = {s["id"]: s["id"] for s in lens["segments"]}
        names = {s["id"]: s["name"] for s in lens["segments"]}
        if lens["kind"] in ("kmeans", "mixture"):
            forms = set(_inputs_of(lens)[0]).union(*_inputs_of(lens)[1])
            names = short_names({i: a[a["what"].map(_column).isin(forms)] for i, a in described.items()}, phrases)
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


def _shown(table: pd.DataFrame, lens: Mapping[str, Any], asked: Sequence[str]) -> pd.DataFrame:
    """Give what describes a lens's segments: its inputs and what else is asked for, items as shares of their block."""
    columns, blocks = _inputs_of(lens)
    columns += [c for c in asked if c in table]
    blocks += [items for items in (block_items(table, block) for block in asked) if items]
    shares = {
        item: share
        for items in blocks
        for item, share in zip(items, run.block_shares([run.numbers(table[i]) for i in items]), strict=True)
    }
    own = list(dict.fromkeys(c for c in columns if c in table))
    return pd.concat([table[own], pd.DataFrame(shares, index=table.index)], axis=1)


def _column(what: str) -> str:
    return what.partition(" = ")[0]


def _inputs_of(lens: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns that a lens reads, and blocks of items."""
    if lens["kind"] == "tiers":
        return [c["name"] for c in lens["columns"]], []
    if lens["kind"] == "rules":
        return list(lens["columns"]), []
    prepare = lens["prepare"]
    blocks = [*prepare["counts"], *prepare.get("themes", {}).get("blocks", [])]
    columns = [part["name"] for part in [*prepare["numbers"], *prepare["texts"]]]
    return [n for n in columns if not n.startswith("theme_")], [list(block["items"]) for block in blocks]


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
