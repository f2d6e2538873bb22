"""Assign every customer to the segments of a registered segmentation, one row with all lenses."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from ..models.artifact import load_artifact
from .batch import frame_digest, score_frame

ID = "customer_id"


def names_of(spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Say what each lens calls its segments: lens → id → name; a lens without structure has none.

    Examples
    --------
    >>> names_of({"lenses": [{"name": "value", "segments": [{"id": "value_1", "name": "high"}]}, {"name": "noise"}]})
    {'value': {'value_1': 'high'}}
    """
    lenses = {lens["name"]: lens.get("segments", ()) for lens in spec["lenses"]}
    return {lens: {s["id"]: s["name"] for s in segments} for lens, segments in lenses.items() if segments}


def assign_segments(
    model_folder: Path, frame: pd.DataFrame, *, as_of: dt.date, model_digest: str | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Assign the customers of one date.

    Parameters
    ----------
    model_folder : Path
        The registered model's folder.
    frame : DataFrame
        :func:`afraz.features.segment_inputs.segment_inputs` of that date.
    model_digest : str, optional
        What the registry knows of the model; a folder that differs is refused.

    Returns
    -------
    segments : DataFrame
        Ordered by customer: customer_id, as_of, and for each lens its segment (id), ``<lens>_name`` and
        ``<lens>_confidence``.
    manifest : dict
        Model, digests of model and input, names and sizes of segments, and which lenses found no structure, and why.

    Raises
    ------
    ArtifactError
        If the model folder was altered or refuses the table.
    """
    artifact = load_artifact(model_folder, model_digest)
    rows = frame.sort_values(ID, kind="stable", ignore_index=True)
    found = score_frame(artifact, rows)
    names = names_of(artifact.spec)
    segments = pd.DataFrame({ID: rows[ID], "as_of": pd.Timestamp(as_of).as_unit("us")})
    for lens, spoken in names.items():
        segments[lens] = found[lens]
        segments[f"{lens}_name"] = found[lens].map(spoken)
        segments[f"{lens}_confidence"] = found[f"{lens}_confidence"]
    manifest = {
        "model": artifact.spec["model"],
        "model_digest": model_digest,
        "as_of": as_of.isoformat(),
        "input_digest": frame_digest(rows[list(artifact.predictor.names)].reset_index(drop=True))
        if set(artifact.predictor.names) <= set(rows)
        else frame_digest(rows),
        "rows": len(segments),
        "segments": names,
        "sizes": {lens: segments[lens].value_counts().reindex(list(spoken), fill_value=0).to_dict()
                  for lens, spoken in names.items()},
        "without_structure": {
            lens["name"]: lens["reason"] for lens in artifact.spec["lenses"] if lens["kind"] == "none"
        },
        "columns": list(segments.columns),
    }  # fmt: skip
    return segments, manifest
