"""A segmentation fitted anew as it is, and what of the change since an earlier fit is the refit's doing."""

from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ...errors import ParamsError
from ..artifact import Artifact
from .flows import KEY, by_date
from .lenses import Start, fit_lens
from .matching import matched_ids
from .migration import Assign, Causes, causes
from .settings import SegmentationSettings

MOVED = {"tiers": "cut-point", "kmeans": "centroid", "mixture": "centroid"}
"""What a refit moves in a lens of a kind; rules stay where they are."""
LEAST = 19


def refit(model: Artifact, table: pd.DataFrame, settings: SegmentationSettings) -> Artifact:
    """Fit every lens to other customers, or to the same at another date; what it is made of stays.

    Kind and number of clusters are kept, so that no evidence is gathered, and each lens begins at the segments that it
    has. Scales, cut-points and centres are learned again. A lens for which there are too few customers stays as it is.

    Parameters
    ----------
    table : DataFrame
        One row per customer, columns as for :func:`.segmentation.fit_segmentation`; the index counts for nothing.

    Returns
    -------
    Artifact
        Segments have the ids and names of the old ones whose customers they share.
    """
    with threadpool_limits(1):  # sums in one order: the same bytes on every machine
        return _refit(model, table.reset_index(drop=True), settings)


def _refit(model: Artifact, rows: pd.DataFrame, settings: SegmentationSettings) -> Artifact:
    before = model.predict(rows)
    lenses: list[dict[str, Any]] = []
    features = {feature["name"]: feature for feature in model.spec["features"]}
    for lens in model.spec["lenses"]:
        name = lens["name"]
        if lens["kind"] == "none":
            lenses.append(lens)
            continue
        ids = [segment["id"] for segment in lens["segments"]]
        start = Start(lens["kind"], len(ids), pd.Categorical(before[name], ids).codes.astype(np.int64))
        spec, needed, _ = fit_lens(name, settings.lenses[name], rows, settings, start)
        if spec["kind"] == "none":
            lenses.append(lens)
            continue
        lenses.append({"name": name, **spec})
        features |= {feature["name"]: feature for feature in needed}
    new = Artifact({**model.spec, "features": list(features.values()), "lenses": lenses}, {})
    after = new.predict(rows)
    kept = [_same_ids(*pair, before, after) for pair in zip(model.spec["lenses"], lenses, strict=True)]
    return Artifact({**new.spec, "lenses": kept}, {})


def _same_ids(old: dict[str, Any], new: dict[str, Any], before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    if new["kind"] not in ("kmeans", "mixture"):
        return new
    ids = matched_ids(before[new["name"]], after[new["name"]], new["name"])
    names = {segment["id"]: segment["name"] for segment in old["segments"]}
    segments = [{**s, "id": ids.get(s["id"], s["id"])} for s in new["segments"]]
    return {**new, "segments": [{**s, "name": names.get(s["id"], "")} for s in segments]}


def refit_causes(
    model: Artifact, inputs: pd.DataFrame, settings: SegmentationSettings, *, every: int, rows: int, resamples: int
) -> Causes:
    """Tell apart what customers did since the segmentation would have been fitted last, and what the refit did.

    Parameters
    ----------
    model : Artifact
        The segmentation fitted on the last date.
    inputs : DataFrame
        customer_id, as_of and the model's columns at several dates.
    every : int
        So many dates lie between fits; with fewer dates, the first is taken.
    rows : int
        The earlier fit and those to resamples use at most so many customers.
    resamples : int
        Fits to resamples of the last date.

    Returns
    -------
    Causes
        Of lenses by rules, only the customers' moves.

    Raises
    ------
    ParamsError
        If ``every`` is below 1, or ``resamples`` are too few to tell anything.
    DataError, NotApplicable
        See :func:`.flows.by_date`.
    """
    if every < 1 or resamples < LEAST:
        raise ParamsError(
            f"expected refit_every of at least 1 date and refit_resamples of at least {LEAST}, with fewer no p-value "
            f"reaches .05; got {every} and {resamples}"
        )
    dates, when = [date for date, _ in by_date(inputs[list(KEY)])], pd.to_datetime(inputs["as_of"])
    compared = dates[max(0, len(dates) - 1 - every)], dates[-1]
    before, after = (inputs[when == date].set_index("customer_id") for date in compared)
    lenses = {lens["name"]: lens["kind"] for lens in model.spec["lenses"] if lens["kind"] != "none"}

    def assigned_by(fitted: Artifact) -> Assign:
        return lambda table: fitted.predict(table)[list(lenses)]

    def fitted_to(table: pd.DataFrame) -> Assign:
        drawn = np.random.default_rng(settings.seed).permutation(len(table))[:rows]
        return assigned_by(refit(model, table.iloc[np.sort(drawn)], settings))

    kinds = {name: MOVED[kind] for name, kind in lenses.items() if kind in MOVED}
    return causes(
        fitted_to(before), assigned_by(model), before, after, refit=fitted_to, kinds=kinds, resamples=resamples,
        seed=settings.seed, threads=settings.threads,
    )  # fmt: skip
