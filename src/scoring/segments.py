"""Assign every customer to the segments of a registered segmentation, one row with all lenses."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from ..models.artifact import load_artifact
from ..models.segmentation.named import segment_names, with_names
from .batch import ID, provenance, rows_at, score_frame


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
        Ordered by customer: customer_id, as_of, and the segments of each lens
        (:func:`afraz.models.segmentation.named.with_names`).
    manifest : dict
        Model, digests of model and input, names and sizes of segments, and which lenses found no structure, and why.

    Raises
    ------
    ArtifactError
        If the model folder was altered or refuses the table.
    DataError
        If there is no row at ``as_of`` or a customer repeats.
    """
    artifact = load_artifact(model_folder, model_digest)
    rows = rows_at(frame, as_of)
    segments = pd.DataFrame({ID: rows[ID], "as_of": pd.Timestamp(as_of).as_unit("us")})
    segments = pd.concat([segments, with_names(artifact.spec, score_frame(artifact, rows))], axis=1)
    names = segment_names(artifact.spec)
    sizes = {lens: segments[lens].value_counts().reindex(list(spoken), fill_value=0) for lens, spoken in names.items()}
    return segments, {
        **provenance(artifact, model_folder, rows, as_of),
        "segments": names,
        "sizes": {lens: counted.to_dict() for lens, counted in sizes.items()},
        "without_structure": {
            lens["name"]: lens["reason"] for lens in artifact.spec["lenses"] if lens["kind"] == "none"
        },
        "columns": list(segments.columns),
    }
