"""What a segmentation found, lens by lens, as plain values; the thresholds are those of the bank's own pipeline."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from afraz.catalog import root
from afraz.errors import NotApplicable
from afraz.models.segmentation.evidence import gather, overlaps
from afraz.models.segmentation.named import segment_names
from afraz.models.segmentation.preparation import read_sources
from afraz.models.segmentation.segmentation import SegmentationResult, fit_segmentation
from afraz.models.segmentation.settings import SegmentationSettings
from afraz.params import read_yaml

THRESHOLDS = ("clusters", "starts", "min_share", "min_stability")
# More than the pipeline draws (6 and 3): these tables are small, and nobody waits for them
RESAMPLES, NULLS = 20, 9


def configured(
    lenses: dict[str, Any], seed: int, resamples: int = RESAMPLES, nulls: int = NULLS
) -> SegmentationSettings:
    """Ask of groups what ``params/segmentation.yaml`` asks."""
    asked = read_yaml(root() / "params" / "segmentation.yaml")
    kept = {name: tuple(value) if isinstance(value := asked[name], list) else value for name in THRESHOLDS}
    return SegmentationSettings(lenses=lenses, bootstrap=resamples, nulls=nulls, seed=seed, **kept)


def reported(result: SegmentationResult, table: pd.DataFrame, settings: SegmentationSettings) -> dict[str, Any]:
    """Spell each lens: its number of segments, or why it has none; sizes, names, stability, and what was tried.

    ``adjusted_rand`` is the mean agreement of fits to resamples, ``jaccard_min`` the mean overlap of the least stable
    segment; ``tried`` has the best of every clusterer that was fitted, by its gain beyond tables without groups.
    """
    found: dict[str, Any] = {}
    for lens in result.model.spec["lenses"]:
        name, kind = lens["name"], lens["kind"]
        evidence = result.tables["evidence"].query("lens == @name")
        if kind == "none":
            found[name] = {"segments": 0, "reason": lens["reason"], "tried": tried(evidence)}
            continue
        column = result.assigned[name]
        sizes = {s["id"]: int((column == s["id"]).sum()) for s in lens["segments"]}
        shares = {segment: size / len(column) for segment, size in sizes.items()}
        chosen = evidence.query("chosen")
        stable = (
            {"adjusted_rand": float(chosen["stability"].iloc[0]), "jaccard_min": float(chosen["jaccard_min"].iloc[0])}
            if len(chosen)
            else refitted(table, settings.model_copy(update={"lenses": {name: settings.lenses[name]}}), name)
        )
        found[name] = {
            "segments": len(sizes), "kind": kind, "sizes": sizes, "shares": shares, **stable,
            "names": segment_names(result.model.spec)[name], "tried": tried(evidence),
            "confidence": float(result.assigned[f"{name}_confidence"].mean()),
        }  # fmt: skip
    return found


def examined(table: pd.DataFrame, name: str, settings: SegmentationSettings) -> dict[str, Any]:
    """Fit one lens of clusters, and give its evidence also where no group is found and nothing can be fitted."""
    alone = settings.model_copy(update={"lenses": {name: settings.lenses[name]}})
    table = table.sort_values(settings.id, kind="stable", ignore_index=True)
    asked = alone.inputs(name)
    choice = gather(read_sources(table, asked, name), asked.clusters or settings.clusters, alone)
    if choice.kind is None:
        return {"segments": 0, "reason": choice.reason, "tried": tried(choice.table)}
    return reported(fit_segmentation(table, alone), table, alone)[name]


def by_seed(table: pd.DataFrame, name: str, settings: SegmentationSettings, seeds: range) -> dict[str, Any]:
    """Repeat a lens with other tables without groups, other resamples and other starts.

    Returns
    -------
    dict
        ``fits``: seed and segments (0: none), how they were found and how stable they are; ``agreement`` and
        ``agreement_lowest``: mean and lowest adjusted Rand index between the fits that found any, None below two.
    """
    fits, labels = [], []
    for seed in seeds:
        try:
            result = fit_segmentation(table, settings.model_copy(update={
                "lenses": {name: settings.lenses[name]}, "seed": seed}))  # fmt: skip
        except NotApplicable:
            fits.append({"seed": seed, "segments": 0})
            continue
        lens = result.metrics["lenses"][name]
        fits.append({"seed": seed, **{key: lens[key] for key in ("segments", "kind", "stability")}})
        labels.append(result.assigned[name])
    rand = [adjusted_rand_score(one, other) for one, other in itertools.combinations(labels, 2)]
    return {
        "fits": fits, "agreement": float(np.mean(rand)) if rand else None,
        "agreement_lowest": float(min(rand)) if rand else None,
    }  # fmt: skip


def tried(evidence: pd.DataFrame) -> list[dict[str, Any]]:
    """Keep the fit of every clusterer that gains most beyond tables without groups."""
    if evidence.empty:
        return []
    best = evidence.loc[evidence.groupby("clusterer")["structure"].idxmax()]
    columns = ["clusterer", "clusters", "structure", "stability", "jaccard_min", "smallest", "eligible"]
    return best[columns].to_dict("records")


def refitted(table: pd.DataFrame, settings: SegmentationSettings, lens: str) -> dict[str, float]:
    """Measure how far fits to resamples agree where no evidence is gathered: tiers are cut, not found."""
    rng = np.random.default_rng(settings.seed)
    fitted = fit_segmentation(table, settings).model.predict(table)[lens]
    names = sorted(fitted.dropna().unique())
    labels = pd.Categorical(fitted, names).codes
    rand, jaccard = [], []
    for _ in range(settings.bootstrap):
        drawn = table.iloc[rng.integers(0, len(table), len(table))]
        model = fit_segmentation(drawn.assign(**{settings.id: np.arange(len(drawn))}), settings).model
        other = pd.Categorical(model.predict(table)[lens], names).codes
        rand.append(adjusted_rand_score(labels, other))
        jaccard.append(overlaps(labels, other, len(names)))
    return {"adjusted_rand": float(np.mean(rand)), "jaccard_min": float(np.mean(jaccard, axis=0).min())}
