"""Score a table of customers: probabilities, rank, revenue at stake, and the reasons in plain words."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArtifactError, DataError
from ..models.artifact import Artifact, folder_digest, load_artifact
from ..models.explain import explain
from ..models.reason_codes import shap_reasons
from ..models.reasons import Phrases, phrases_of, references

ID = "customer_id"
REVENUE = "revenue_12m"
KEPT = ("phase",)


def score_frame(predictor: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Cast and validate once, then run the unwrapped model.

    Parameters
    ----------
    predictor : object
        An :class:`~afraz.models.artifact.Artifact`, or what MLflow holds:
        ``mlflow.pyfunc.load_model(uri).unwrap_python_model().predictor``.
    frame : DataFrame
        One row per customer, at least the model's columns.

    Returns
    -------
    DataFrame
        One column per output, the index of ``frame``.

    Raises
    ------
    ArtifactError
        If a column is missing or holds text in a number; no row of data is shown.
    """
    try:
        return predictor.predict(frame)
    except ValueError as refused:  # the model's own code has its own RefusedTableError, known by name only
        if type(refused).__name__ != "RefusedTableError":
            raise
        raise ArtifactError(str(refused)) from None


def score(
    model_folder: Path,
    frame: pd.DataFrame,
    *,
    as_of: dt.date,
    dictionary: pd.DataFrame | Phrases,
    model_digest: str | None = None,
    id_column: str = ID,
    revenue: str = REVENUE,
    keep: tuple[str, ...] = KEPT,
    reasons: int = 3,
    untold: tuple[str, ...] = (),
    artifact: Artifact | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score every customer at a date and say why.

    Parameters
    ----------
    model_folder : Path
        The registered model's folder.
    frame : DataFrame
        The feature table; where it has a column ``as_of``, the rows of that date are taken.
    as_of : date
        Midnight at its start is "now".
    dictionary : DataFrame or mapping of feature to mapping
        The feature dictionary, or phrases for reasons: see :mod:`afraz.models.reasons`.
    model_digest : str, optional
        What the registry knows of the model; a folder that differs is refused.
    id_column, revenue, keep
        Names of columns of ``frame``: the key, the yearly revenue (optional), and what is passed on if it is there.
    reasons : int
        How many reasons; 0 for none.
    untold : tuple of str
        Features that are never given as a reason.
    artifact : Artifact, optional
        The model of ``model_folder``, where the caller has loaded and checked it already.

    Returns
    -------
    scores : DataFrame
        Ordered by id: id, as_of, the kept columns, the model's outputs (probabilities), ``margin`` (log-odds, first
        head), ``risk_rank`` (1 = highest), ``risk_decile`` (1 = highest tenth), ``revenue_at_stake`` (probability at
        the longest horizon × revenue, 0 where revenue is negative), ``reason_1`` …
    manifest : dict
        Model and its digest, digest of the input's full content, rows, columns, as_of, what was explained and how. It
        has neither times nor versions: equal runs give equal manifests.

    Raises
    ------
    ArtifactError
        If the model folder was altered or refuses the table.
    DataError
        If there is no row at ``as_of`` or an id repeats.
    """
    artifact = artifact or load_artifact(model_folder, model_digest)
    rows = rows_at(frame, as_of, id_column)
    matrix = artifact.matrix(rows)
    margins = {name: artifact.predictor.head_margin(name, matrix) for name in artifact.predictor.heads}
    outputs = artifact.predictor.outputs(margins)
    main = artifact.spec["heads"][0]["name"]
    outputs_of_main = [o for o in artifact.spec["outputs"] if o["head"] == main and o.get("link") != "points"]
    longest = outputs_of_main[-1]["name"]
    scores = pd.DataFrame({id_column: rows[id_column], "as_of": pd.Timestamp(as_of).as_unit("us")})
    for name in keep:
        if name in rows:
            scores[name] = rows[name]
    scores = scores.assign(**outputs, margin=margins[main])
    scores["risk_rank"] = ranks(margins[main])
    scores["risk_decile"] = deciles(scores["risk_rank"].to_numpy())
    if revenue in rows:
        earned = artifact.predictor_module.numbers(rows[revenue])
        scores["revenue_at_stake"] = np.round(outputs[longest] * np.maximum(earned, 0.0), 2)
    manifest = {**provenance(artifact, model_folder, rows, as_of), "highest_risk_output": longest}
    if reasons:
        told = explain(artifact, matrix, main)
        phrases = phrases_of(dictionary) if isinstance(dictionary, pd.DataFrame) else dictionary
        usual = references(artifact, matrix, phrases)
        mute = [name for name in untold if name in told.names]
        said = shap_reasons(told, matrix, phrases, usual, reasons, untold=mute, texts=text_levels(artifact, rows))
        scores = pd.concat([scores, said], axis=1)
        manifest["explanation"] = told.report()
    manifest["columns"] = list(scores.columns)
    return scores, manifest


def provenance(artifact: Artifact, model_folder: Path, rows: pd.DataFrame, as_of: dt.date) -> dict[str, Any]:
    """Say where scores come from: model and its digest, date, digest of the input's full content, rows."""
    return {
        "model": artifact.spec["model"],
        "model_digest": folder_digest(model_folder),
        "as_of": as_of.isoformat(),
        "input_digest": frame_digest(rows),
        "rows": len(rows),
    }


def rows_at(frame: pd.DataFrame, as_of: dt.date, id_column: str = ID) -> pd.DataFrame:
    """Take the rows of a date (all, where the table has none), ordered by id.

    Raises
    ------
    DataError
        If there is none, or an id repeats.
    """
    if id_column not in frame:
        raise DataError(f"the table to score has no column {id_column!r}: name its key with id_column")
    rows = frame
    if "as_of" in frame:
        rows = frame[pd.to_datetime(frame["as_of"]) == pd.Timestamp(as_of)]
        if rows.empty:
            dates = pd.to_datetime(frame["as_of"])
            raise DataError(
                f"no row at as_of {as_of}: the table covers {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}; "
                "build features for the date"
            )
    if rows.empty:
        raise DataError("the table to score is empty: build features first")
    repeated = int(rows[id_column].duplicated().sum())
    if repeated:
        raise DataError(f"{repeated} rows repeat a {id_column}: score one row per customer")
    return rows.sort_values(id_column, kind="stable").reset_index(drop=True)


def ranks(margin: np.ndarray) -> np.ndarray:
    """Rank from 1 = highest margin; of equals, the earlier row comes first.

    Examples
    --------
    >>> ranks(np.array([0.1, 0.9, 0.1])).tolist()
    [2, 1, 3]
    """
    place = np.empty(len(margin), dtype=np.int64)
    place[np.argsort(-margin, kind="stable")] = np.arange(1, len(margin) + 1)
    return place


def deciles(rank: np.ndarray) -> np.ndarray:
    """Tenths of the ranking, 1 = highest risk; sizes differ by one at most.

    Examples
    --------
    >>> deciles(np.arange(1, 21)).tolist()
    [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10]
    """
    return (rank - 1) * 10 // max(len(rank), 1) + 1


def text_levels(artifact: Artifact, rows: pd.DataFrame) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Give of each text feature the position of each row's level (−1: missing), and the levels."""
    texts = [feature["name"] for feature in artifact.spec["features"] if feature["type"] == "text"]
    found = {name: rows[name].array.factorize() for name in texts}
    return {name: (positions, [str(level) for level in levels]) for name, (positions, levels) in found.items()}


def frame_digest(frame: pd.DataFrame) -> str:
    """Name a table by its full content: sha256 over column names, kinds and every value, in the order of the rows.

    Examples
    --------
    >>> one, other = pd.DataFrame({"a": [1.0, None]}), pd.DataFrame({"a": [1.0, 0.0]})
    >>> frame_digest(one) == frame_digest(one.copy()), frame_digest(one) == frame_digest(other)
    (True, False)
    """
    whole = hashlib.sha256()
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
            kind, content = column.dtype.str, np.ascontiguousarray(column.to_numpy()).tobytes()
        elif isinstance(column.dtype, np.dtype) and column.dtype.kind in "mM":
            kind, content = column.dtype.str, column.to_numpy().view("int64").tobytes()
        else:
            positions, levels = column.array.factorize()
            spelled = "\x1f".join(str(level) for level in levels).encode()
            kind, content = "text", np.asarray(positions, dtype=np.int64).tobytes() + spelled
        whole.update(f"{name}\0{kind}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
