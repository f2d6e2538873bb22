"""Run a model folder: the one implementation of prediction, self-contained so that a folder can carry it.

:func:`afraz.models.artifact.save_artifact` copies this file into every model folder as ``pyfunc.py``, where MLflow
loads it as models-from-code. It therefore imports nothing of this project and needs only numpy, pandas, lightgbm and,
when MLflow loads it, mlflow. The folder holds ``model.json`` (the spec, described at ``artifact.py``) and one LightGBM
text file per tree head.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

CHUNK_ROWS = 65_536
FEW_ROWS = 1_000  # up to here one thread is quicker than waking others; scores do not depend on it
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}


class RefusedTableError(ValueError):
    """The table lacks a column or holds text in a number; the message names columns, never a row of data."""


def numbers(column: pd.Series) -> np.ndarray:
    """Cast one column to float64 with NaN for missing; shape (rows,). A float64 column is not copied.

    Accepts floats, integers (nullable ones too), booleans, decimals and columns that are missing throughout.

    Raises
    ------
    RefusedTableError
        For text, dates and mixtures.

    Examples
    --------
    >>> numbers(pd.Series([1, None, 3], dtype="Int64"))
    array([ 1., nan,  3.])
    >>> numbers(pd.Series(["1,5"], name="balance"))
    Traceback (most recent call last):
    ...
    afraz.models.pyfunc_model.RefusedTableError: column 'balance' must hold numbers, it holds string (dtype str): ...
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
        return column.to_numpy(dtype=np.float64)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    missing = column.isna().to_numpy()
    if missing.all():
        return np.full(len(column), np.nan)
    if kind not in NUMBERS:
        raise RefusedTableError(
            f"column {column.name!r} must hold numbers, it holds {kind} (dtype {column.dtype}): cast it first"
        )
    values = np.full(len(column), np.nan)
    values[~missing] = column[~missing].to_numpy(dtype=np.float64)
    return values


def codes(column: pd.Series, levels: dict[str, float], missing: float | None, other: float) -> np.ndarray:
    """Replace each text by the number that training gave its level; shape (rows,).

    ``missing`` is the code of an absent value (None: leave it missing), ``other`` that of a level unseen in training.

    Examples
    --------
    >>> codes(pd.Series(["pos", None, "fax"]), {"pos": 0.4}, missing=None, other=-1.0)
    array([ 0.4,  nan, -1. ])
    """
    positions, uniques = column.array.factorize()
    table = [float(levels.get(str(value), levels.get(_whole(value), other))) for value in uniques]
    table.append(np.nan if missing is None else float(missing))  # factorize marks a missing value with -1
    return np.asarray(table, dtype=np.float64)[positions]


def _whole(value: Any) -> str:
    """Spell a number that a missing neighbour turned from an integer into a float as the integer that it was."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def linear_terms(head: dict[str, Any], matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield each feature's term of a linear head in log-odds, in the order of the features; shape (rows,) each.

    A term is ``coefficient * (clip(x, lower, upper) - mean) / scale``, with a missing x replaced by ``impute`` (the
    mean where none is given), plus ``missing_coefficient`` where x was missing.
    """
    width = matrix.shape[1]
    impute = head.get("impute") or head["means"]
    lower, upper = head.get("lower") or [None] * width, head.get("upper") or [None] * width
    absent = head.get("missing_coefficients") or [0.0] * width
    for j in range(width):
        gone = np.isnan(matrix[:, j])
        x = np.where(gone, impute[j], matrix[:, j])
        if lower[j] is not None or upper[j] is not None:
            x = np.clip(x, lower[j], upper[j])
        yield head["coefficients"][j] * ((x - head["means"][j]) / head["scales"][j]) + absent[j] * gone


def linear_margin(head: dict[str, Any], matrix: np.ndarray) -> np.ndarray:
    """Give the log-odds of a linear head; shape (rows,)."""
    total = np.full(len(matrix), float(head["intercept"]))
    for term in linear_terms(head, matrix):  # one by one: a row's score never depends on its neighbours
        total += term
    return total


def bin_woe(bins: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Give the weight of evidence of each value's bin; shape (rows,). A value equal to a split belongs to its right.

    Examples
    --------
    >>> bin_woe({"splits": [18.0], "woe": [-0.5, 0.5], "missing": 0.1}, np.array([17.0, 18.0, np.nan]))
    array([-0.5,  0.5,  0.1])
    """
    place = np.searchsorted(np.asarray(bins["splits"], dtype=np.float64), x, side="right")
    place[np.isnan(x)] = len(bins["woe"])
    return np.asarray([*bins["woe"], bins["missing"]], dtype=np.float64)[place]


def scorecard_terms(head: dict[str, Any], matrix: np.ndarray) -> Iterator[np.ndarray]:
    """Yield each feature's term of a scorecard in log-odds of the event, in the order of the features; shape (rows,).

    A term is ``coefficient * woe`` of the value's bin, 0 for a feature without bins.
    """
    for j, bins in enumerate(head["bins"]):
        yield np.zeros(len(matrix)) if bins is None else head["coefficients"][j] * bin_woe(bins, matrix[:, j])


def scorecard_margin(head: dict[str, Any], matrix: np.ndarray) -> np.ndarray:
    """Give the log-odds of a scorecard; shape (rows,)."""
    total = np.full(len(matrix), float(head["intercept"]))
    for term in scorecard_terms(head, matrix):
        total += term
    return total


def two_part(head: dict[str, Any], margins: dict[str, np.ndarray]) -> np.ndarray:
    """Put an amount that may be negative together; shape (rows,), in the units of the amount.

    The parts are the log-odds that it is positive, the logarithm of its size if so, and of its size if not.

    Examples
    --------
    >>> parts = {"sign": np.array([0.0]), "gain": np.array([np.log(10.0)]), "loss": np.array([np.log(4.0)])}
    >>> two_part({"parts": ["sign", "gain", "loss"]}, parts)
    array([3.])
    """
    sign, gain, loss = (margins[part] for part in head["parts"])
    positive = 1.0 / (1.0 + np.exp(-sign))
    return positive * np.exp(gain) - (1.0 - positive) * np.exp(loss)


def blend(head: dict[str, Any], margins: dict[str, np.ndarray]) -> np.ndarray:
    """Add the margins of the parts of a blend, each by its weight; shape (rows,).

    Examples
    --------
    >>> blend({"parts": ["a", "b"], "weights": [0.5, 0.5]}, {"a": np.array([1.0]), "b": np.array([3.0])})
    array([2.])
    """
    total = np.zeros(len(margins[head["parts"][0]]))
    for part, weight in zip(head["parts"], head["weights"], strict=True):
        total += weight * margins[part]
    return total


def contrast(head: dict[str, Any], margins: dict[str, np.ndarray]) -> np.ndarray:
    """Subtract the outcome without the offer from that with it; shape (rows,).

    The parts are the two margins: log-odds where ``link`` is logit, amounts where it is identity.

    Examples
    --------
    >>> margins = {"offer": np.array([0.0]), "control": np.array([-np.log(3.0)])}
    >>> contrast({"parts": ["offer", "control"], "link": "logit"}, margins)
    array([0.25])
    """
    offer, control = (margins[part] for part in head["parts"])
    if head["link"] == "identity":
        return offer - control
    return 1.0 / (1.0 + np.exp(-offer)) - 1.0 / (1.0 + np.exp(-control))


COMPOSED = {"blend": blend, "two_part": two_part, "contrast": contrast}


class Predictor:
    """A loaded model: a table in, one column per output out.

    Parameters
    ----------
    spec : dict
        Content of ``model.json``.
    boosters : dict of str to lightgbm.Booster
        One per head of kind lightgbm.
    """

    def __init__(self, spec: dict[str, Any], boosters: dict[str, lgb.Booster]) -> None:
        self.spec = spec
        self.boosters = boosters
        self.names: list[str] = [feature["name"] for feature in spec["features"]]
        self.heads: dict[str, dict[str, Any]] = {head["name"]: head for head in spec["heads"]}

    @classmethod
    def load(cls, folder: str | Path) -> "Predictor":
        """Load a model folder."""
        spec = json.loads((Path(folder) / "model.json").read_text("utf-8"))
        trees = [head for head in spec["heads"] if head["kind"] == "lightgbm"]
        return cls(spec, {h["name"]: lgb.Booster(model_file=str(Path(folder) / h["file"])) for h in trees})

    def columns(self, frame: pd.DataFrame) -> list[np.ndarray]:
        """Check and cast the columns that the model needs, in its order: one float64 array of shape (rows,) each.

        Raises
        ------
        RefusedTableError
            If columns are absent, doubled, or do not hold numbers where numbers are needed.
        """
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
            raise RefusedTableError(
                f"{len(absent)} of {len(self.names)} columns of model {self.spec['model']!r} are missing: "
                f"{shown}; add them"
            )
        result = []
        for feature in self.spec["features"]:
            column = frame[feature["name"]]
            if isinstance(column, pd.DataFrame):
                raise RefusedTableError(f"column {feature['name']!r} appears {column.shape[1]} times: keep one of them")
            if feature["type"] == "text":
                result.append(codes(column, feature["levels"], feature["missing"], feature["other"]))
            else:
                result.append(numbers(column))
        return result

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Encode a table for the heads: float64, shape (rows, features), NaN for missing."""
        return _rows(self.columns(frame), 0, len(frame))

    def margins(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Give each head's uncalibrated score in log-odds; shape (rows,) each."""
        columns = self.columns(frame)  # cast and validated once; the matrix exists one chunk at a time
        result = {name: np.empty(len(frame)) for name in self.heads}
        for start in range(0, len(frame), CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, len(frame))
            chunk, threads = _rows(columns, start, stop), 1 if stop - start <= FEW_ROWS else 0
            done: dict[str, np.ndarray] = {}
            for name, head in sorted(self.heads.items(), key=lambda item: item[1]["kind"] in COMPOSED):
                compose = COMPOSED.get(head["kind"])
                done[name] = compose(head, done) if compose else self.head_margin(name, chunk, threads)
                result[name][start:stop] = done[name]
        return result

    def head_margin(self, name: str, matrix: np.ndarray, threads: int = 0) -> np.ndarray:
        """Give one head's score in log-odds for an encoded matrix; shape (rows,). Threads are of its trees; 0: all."""
        head = self.heads[name]
        if head["kind"] == "lightgbm":
            if head.get("append"):  # inputs that the model sets itself, such as the treatment
                matrix = np.column_stack([matrix, np.tile(head["append"], (len(matrix), 1))])
            score = self.boosters[name].predict(matrix, raw_score=True, num_threads=threads)
            return np.asarray(score, dtype=np.float64)
        if head["kind"] in COMPOSED:
            return COMPOSED[head["kind"]](
                head, {part: self.head_margin(part, matrix, threads) for part in head["parts"]}
            )
        return (scorecard_margin if head["kind"] == "scorecard" else linear_margin)(head, matrix)

    def outputs(self, margins: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calibrate margins into the outputs of the spec; shape (rows,) each.

        Piecewise linear in log-odds, constant beyond the outer knots. Outputs that read the same head are horizons of
        one event, listed from short to long, and never decrease from one to the next. An output in points is none of
        them: ``offset - factor * log-odds``, rising as the event becomes less likely.
        """
        result: dict[str, np.ndarray] = {}
        floor: dict[str, np.ndarray] = {}
        for output in self.spec["outputs"]:
            head, knots = output["head"], output.get("knots_margin")
            score = np.interp(margins[head], knots, output["knots_log_odds"]) if knots else margins[head]
            if output.get("link") == "points":
                result[output["name"]] = output["offset"] - output["factor"] * score
                continue
            if head in floor:
                score = np.maximum(score, floor[head])
            floor[head] = score
            result[output["name"]] = score if output.get("link") == "identity" else 1.0 / (1.0 + np.exp(-score))
        return result

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score a table: one column per output, the index of ``frame``.

        Raises
        ------
        RefusedTableError
            See :meth:`columns`.
        """
        return pd.DataFrame(self.outputs(self.margins(frame)), index=frame.index)


def _rows(columns: list[np.ndarray], start: int, stop: int) -> np.ndarray:
    block = np.empty((stop - start, len(columns)))
    for j, column in enumerate(columns):
        block[:, j] = column[start:stop]
    return block


def signature(spec: dict[str, Any]) -> Any:
    """Describe inputs (required doubles, optional strings) and outputs (doubles) for MLflow.

    Strings are optional because MLflow would otherwise refuse a column that is missing throughout; the predictor itself
    still asks for the column.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs: Any = [
        ColSpec("string", f["name"], required=False) if f["type"] == "text" else ColSpec("double", f["name"])
        for f in spec["features"]
    ]
    return ModelSignature(Schema(inputs), Schema([ColSpec("double", output["name"]) for output in spec["outputs"]]))


if not __package__:  # loaded by MLflow as the code of a model, not imported as a part of the package
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel

    class ModelFromFolder(PythonModel):
        """What MLflow loads; ``unwrap_python_model().predictor`` is the fast way in, without MLflow's own checks."""

        predictor: Predictor

        def load_context(self, context: Any) -> None:
            """Load the folder that was logged as the artifact ``model``."""
            self.predictor = Predictor.load(context.artifacts["model"])

        def predict(
            self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
        ) -> pd.DataFrame:
            """Score a table; ``context`` and ``params`` are part of MLflow's contract and not used."""
            return self.predictor.predict(model_input)

    set_model(ModelFromFolder())
