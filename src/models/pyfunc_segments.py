"""Run a folder of segments: tiers, rules, clusters; self-contained so that a folder can carry it as ``pyfunc.py``.

It imports nothing of this project and needs only numpy, pandas and, when MLflow loads it, mlflow. ``model.json`` is
described at ``segmentation/segmentation.py``. Every sum runs column by column, never as a matrix product: a customer
scored alone gets exactly what the customer gets among others.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CHUNK_ROWS = 32_768
NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"}
WIDEST = 5.0  # standard deviations; what lies beyond says no more than that it is far out
Columns = dict[str, np.ndarray]


class RefusedTableError(ValueError):
    """The table lacks a column or holds text in a number; the message names columns, never a row of data."""


def numbers(column: pd.Series) -> np.ndarray:
    """Cast one column to float64 with NaN for missing; shape (rows,). Text, dates and mixtures are refused.

    Examples
    --------
    >>> numbers(pd.Series([1, None, 3], dtype="Int64"))
    array([ 1., nan,  3.])
    >>> numbers(pd.Series(["1,5"], name="balance"))
    Traceback (most recent call last):
    ...
    afraz.models.pyfunc_segments.RefusedTableError: column 'balance' must hold numbers, it holds string (dtype str): ...
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


def level_codes(column: pd.Series, levels: list[str]) -> np.ndarray:
    """Number the levels of a text; missing comes after the last level, a level unseen in training after that.

    Examples
    --------
    >>> level_codes(pd.Series(["pos", None, "fax"]), ["atm", "pos"])
    array([1, 2, 3])
    """
    positions, uniques = column.array.factorize()
    known = {level: place for place, level in enumerate(levels)}
    table = [known.get(str(value), known.get(_whole(value), len(levels) + 1)) for value in uniques]
    return np.asarray([*table, len(levels)], dtype=np.int64)[positions]  # factorize marks a missing value with -1


def _whole(value: Any) -> str:
    """Spell a number that a missing neighbour turned from an integer into a float as the integer that it was."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def standardised(number: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Make a number roughly normal with mean 0 and deviation 1, cut at 5 deviations; missing stays NaN.

    A share goes through its log-odds first; then follows the power transformation of Yeo and Johnson (Biometrika 87,
    2000, 954-959), which only bends: it never changes the order of customers.

    Examples
    --------
    >>> bent = {"share": False, "centre": 0.0, "unit": 1.0, "power": 0.0, "mean": 0.0, "scale": 1.0}
    >>> standardised(bent, np.array([0.0, np.e - 1, 1e9, np.nan]))
    array([ 0.,  1.,  5., nan])
    """
    if number["share"]:
        inside = np.clip(x, 0.0, 1.0)
        x = np.log((inside + 0.01) / (1.01 - inside))
    x = (x - number["centre"]) / number["unit"]
    power = np.where(x < 0, 2.0 - number["power"], number["power"])
    power = np.where(np.abs(power) < 1e-9, 1e-9, power)  # the limit of the formula is the logarithm
    bent = np.copysign(np.expm1(power * np.log1p(np.abs(x))) / power, x)
    return np.clip((bent - number["mean"]) / number["scale"], -WIDEST, WIDEST)


def block_shares(counts: list[np.ndarray]) -> list[np.ndarray]:
    """Divide the items of a block by their sum; NaN throughout for a customer without any."""
    total = sum(counts[1:], start=counts[0].copy())
    total = np.where(total > 0, total, np.nan)
    return [count / total for count in counts]


def theme_weights(themes: dict[str, Any], columns: Columns) -> list[np.ndarray]:
    """Say how much each theme explains of a customer's items; one array per theme, summing to 1.

    Non-negative least squares by multiplicative updates (Lee and Seung, Nature 401, 1999, 788-791) with the themes held
    fixed and a fixed number of rounds. A block without any item counts for nothing; without any block: NaN.
    """
    items = np.asarray(themes["components"], dtype=np.float64)  # (themes, items)
    rows = len(next(iter(columns.values())))
    pull = np.zeros((len(items), rows))
    gram = np.zeros((len(items), len(items), rows))
    start = 0
    for block in themes["blocks"]:
        names = block["items"]
        own = items[:, start : start + len(names)]
        start += len(names)
        shares = block_shares([columns[name] for name in names])
        here = ~np.isnan(shares[0])
        for j, share in enumerate(shares):
            pull += own[:, j, None] * np.where(here, share, 0.0)
        gram += (own[:, None, :] * own[None, :, :]).sum(axis=2)[:, :, None] * here
    weights = np.where(gram[0, 0] > 0, np.ones_like(pull), np.nan)
    for _ in range(themes["rounds"]):
        against = gram[:, 0] * weights[0]
        for j in range(1, len(items)):
            against += gram[:, j] * weights[j]
        weights = weights * pull / (against + 1e-12)
    total = np.full(rows, 1e-12)
    for row in weights:
        total = total + row
    return list(weights / total)


def prepared(prepare: dict[str, Any], columns: Columns) -> tuple[list[np.ndarray], list[np.ndarray], list[Any]]:
    """Turn columns into standardised numbers, codes of texts, and count blocks (lists of columns)."""
    found = columns
    if prepare.get("themes"):
        weights = theme_weights(prepare["themes"], columns)
        found = {**columns, **{f"theme_{j + 1}": weight for j, weight in enumerate(weights)}}
    z = [standardised(number, found[number["name"]]) for number in prepare["numbers"]]
    texts = [columns[text["name"]] for text in prepare["texts"]]
    return z, texts, [[columns[name] for name in block["items"]] for block in prepare["counts"]]


def mixture_statistics(prepare: dict[str, Any], columns: Columns) -> Iterator[np.ndarray]:
    """Yield what a mixture needs to know of each customer, one array each; all 0 where an input is missing.

    Numbers: known or not, value, square. Texts: one indicator per level, then missing. Counts: each item's count.
    """
    z, texts, blocks = prepared(prepare, columns)
    for value in z:
        known = ~np.isnan(value)
        filled = np.where(known, value, 0.0)
        yield known.astype(np.float64)
        yield filled
        yield filled * filled
    for text, codes in zip(prepare["texts"], texts, strict=True):
        for level in range(len(text["levels"]) + 1):
            yield (codes == level).astype(np.float64)
    for block in blocks:
        for count in block:
            yield np.where(np.isnan(count), 0.0, count)


def mixture_weights(segment: dict[str, Any]) -> np.ndarray:
    """Give the factors of :func:`mixture_statistics` in one segment's log-density; shape (statistics,)."""
    mean, variance = np.asarray(segment["means"], dtype=float), np.asarray(segment["variances"], dtype=float)
    gauss = np.stack([-0.5 * (np.log(2 * np.pi * variance) + mean**2 / variance), mean / variance, -0.5 / variance])
    shares = [np.log(part) for part in [*segment["levels"], *segment["items"]]]
    return np.concatenate([gauss.T.ravel(), *shares])


def dense_statistics(prepare: dict[str, Any], columns: Columns) -> Iterator[np.ndarray]:
    """Yield the coordinates in which k-means measures distance, one array each; the mean (0) where one is missing.

    Standardised numbers; indicators of the levels; square roots of the shares within a count block (their distance is
    that of Hellinger). ``means`` and ``scales`` of the last two stand in the preparation.
    """
    z, texts, blocks = prepared(prepare, columns)
    for value in z:
        yield np.where(np.isnan(value), 0.0, value)
    scaling = iter(zip(prepare["dense"]["means"], prepare["dense"]["scales"], strict=True))
    for text, codes in zip(prepare["texts"], texts, strict=True):
        for level in range(len(text["levels"]) + 1):
            mean, scale = next(scaling)
            yield ((codes == level) - mean) / scale
    for block in blocks:
        for share in block_shares(block):
            mean, scale = next(scaling)
            yield np.where(np.isnan(share), 0.0, (np.sqrt(share) - mean) / scale)


def linear_scores(statistics: Iterator[np.ndarray], weights: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Add up ``weights[j] * statistic_j`` for each segment; shape (segments, rows). ``weights``: (segments, all j)."""
    total: np.ndarray | None = None
    for j, statistic in enumerate(statistics):
        term = weights[:, j, None] * statistic
        total = constants[:, None] + term if total is None else np.add(total, term, out=total)
    if total is None:
        raise ValueError("a lens of clusters needs at least one input")
    return total


def softmax(scores: np.ndarray) -> np.ndarray:
    """Turn log-densities of shape (segments, rows) into posterior shares that sum to 1 over the segments."""
    share = np.exp(scores - scores.max(axis=0))
    total = share[0].copy()
    for row in share[1:]:
        total += row
    return share / total


Answer = tuple[np.ndarray, np.ndarray]  # position of the segment (-1: none), confidence


def assign_mixture(lens: dict[str, Any], columns: Columns) -> Answer:
    """Find the likeliest segment; the confidence is its posterior probability."""
    weights = np.stack([mixture_weights(segment) for segment in lens["segments"]])
    constants = np.log([segment["weight"] for segment in lens["segments"]])
    posterior = softmax(linear_scores(mixture_statistics(lens["prepare"], columns), weights, constants))
    return posterior.argmax(axis=0), posterior.max(axis=0)


def assign_logistic(lens: dict[str, Any], columns: Columns) -> Answer:
    """Find the likeliest segment by a multinomial logistic model of the known columns."""
    scores = linear_scores(
        dense_statistics(lens["prepare"], columns), np.asarray(lens["coefficients"]), np.asarray(lens["intercepts"])
    )
    posterior = softmax(scores)
    return posterior.argmax(axis=0), posterior.max(axis=0)


def assign_kmeans(lens: dict[str, Any], columns: Columns) -> Answer:
    """Find the nearest centre; the confidence is 1 - nearest / second nearest distance."""
    centres = np.stack([segment["centre"] for segment in lens["segments"]])
    squared: np.ndarray = np.zeros((len(centres), 1))
    for j, value in enumerate(dense_statistics(lens["prepare"], columns)):
        squared = squared + (value - centres[:, j, None]) ** 2
    near = np.sqrt(np.sort(squared, axis=0)[:2])
    confidence = 1.0 - near[0] / np.where(near[1] > 0, near[1], 1.0)
    return squared.argmin(axis=0), confidence


def tier_scores(lens: dict[str, Any], columns: Columns) -> np.ndarray:
    """Give the mean decile (1 worst to 10 best) over the columns that are known; NaN where none is. Shape (rows,)."""
    total: Any = 0.0
    known: Any = 0.0
    for column in lens["columns"]:
        x = columns[column["name"]]
        here = ~np.isnan(x)
        decile = 1.0 + np.searchsorted(np.asarray(column["cuts"]), x, side="left")
        total = total + np.where(here, 11.0 - decile if column["lower_is_better"] else decile, 0.0)
        known = known + here
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def assign_tiers(lens: dict[str, Any], columns: Columns) -> Answer:
    """Find the first tier whose lowest score is reached."""
    score = tier_scores(lens, columns)
    place = np.full(len(score), -1)
    for j in reversed(range(len(lens["segments"]))):
        place[score >= lens["segments"][j]["lowest"]] = j
    return place, np.where(place >= 0, 1.0, np.nan)


def holds(condition: dict[str, Any], columns: Columns) -> np.ndarray:
    """Say where one condition holds; a missing value holds nothing."""
    x = columns[condition["column"]]
    return x >= condition["at_least"] if "at_least" in condition else x < condition["below"]


def assign_rules(lens: dict[str, Any], columns: Columns) -> Answer:
    """Find the first segment one of whose ``when`` holds in all its conditions; an empty list of conditions holds."""
    rows = len(columns[lens["columns"][0]])
    place = np.full(rows, -1)
    for j, segment in enumerate(lens["segments"]):
        fits = np.zeros(rows, dtype=bool)
        for conditions in segment["when"]:
            both = np.ones(rows, dtype=bool)
            for condition in conditions:
                both &= holds(condition, columns)
            fits |= both
        place[fits & (place < 0)] = j
    return place, np.where(place >= 0, 1.0, np.nan)


KINDS: dict[str, Callable[[dict[str, Any], Columns], Answer]] = {
    "mixture": assign_mixture, "kmeans": assign_kmeans, "logistic": assign_logistic,
    "tiers": assign_tiers, "rules": assign_rules,
}  # fmt: skip


def assign(lens: dict[str, Any], columns: Columns) -> Answer:
    """Assign one chunk by one lens; who did not answer goes by the lens's model of the silent."""
    place, confidence = KINDS[lens["kind"]](lens, columns)
    if lens.get("silent"):
        silent = np.isnan(columns[lens["answered"]])
        guessed, sure = assign(lens["silent"], columns)
        place, confidence = np.where(silent, guessed, place), np.where(silent, sure, confidence)
    return place, confidence


class Predictor:
    """Loaded segments: a table in; per lens of structure the segment's id and a confidence of 0 to 1 out.

    Parameters
    ----------
    spec : dict
        Content of ``model.json``.

    Examples
    --------
    >>> spec = {"format": 1, "model": "segmentation", "features": [{"name": "days", "type": "double"}], "lenses": [
    ...     {"name": "loyalty", "kind": "rules", "columns": ["days"], "segments": [
    ...         {"id": "loyalty_1", "name": "lost", "when": [[{"column": "days", "at_least": 90}]]},
    ...         {"id": "loyalty_2", "name": "loyal", "when": [[]]}]}]}
    >>> Predictor(spec).predict(pd.DataFrame({"days": [120, None]}))
         loyalty  loyalty_confidence
    0  loyalty_1                 1.0
    1  loyalty_2                 1.0
    >>> Predictor(spec).predict(pd.DataFrame({"day": [120]}))
    Traceback (most recent call last):
    ...
    afraz.models.pyfunc_segments.RefusedTableError: 1 of 1 columns of model 'segmentation' are missing: days; add them
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.names: list[str] = [feature["name"] for feature in spec["features"]]
        self.lenses = [lens for lens in spec["lenses"] if lens["kind"] != "none"]

    @classmethod
    def load(cls, folder: str | Path) -> "Predictor":
        """Load a model folder."""
        return cls(json.loads((Path(folder) / "model.json").read_text("utf-8")))

    def columns(self, frame: pd.DataFrame) -> Columns:
        """Check and cast the columns that the lenses need: float64, or int64 codes of a text's levels; (rows,) each.

        A counted item that the table lacks was counted for nobody: it is 0.

        Raises
        ------
        RefusedTableError
            If other columns are absent, columns are doubled, or do not hold numbers where numbers are needed.
        """
        needed = [f["name"] for f in self.spec["features"] if "absent" not in f]
        lacking = [name for name in needed if name not in frame.columns]
        if lacking:
            shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
            raise RefusedTableError(
                f"{len(lacking)} of {len(self.names)} columns of model {self.spec['model']!r} are missing: "
                f"{shown}; add them"
            )
        result: Columns = {}
        for feature in self.spec["features"]:
            name = feature["name"]
            if name not in frame.columns:
                result[name] = np.full(len(frame), float(feature["absent"]))
                continue
            column = frame[name]
            if isinstance(column, pd.DataFrame):
                raise RefusedTableError(f"column {name!r} appears {column.shape[1]} times: keep one of them")
            text = feature["type"] == "text"
            result[name] = level_codes(column, feature["levels"]) if text else numbers(column)
        return result

    def positions(self, frame: pd.DataFrame) -> dict[str, Answer]:
        """Give each lens's position of the segment in the spec (-1: none) and confidence; shape (rows,) each."""
        columns = self.columns(frame)
        result = {lens["name"]: (np.full(len(frame), -1), np.full(len(frame), np.nan)) for lens in self.lenses}
        for start in range(0, len(frame), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            chunk = {name: values[part] for name, values in columns.items()}
            for lens in self.lenses:
                place, confidence = result[lens["name"]]
                place[part], confidence[part] = assign(lens, chunk)
        return result

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Assign a table: ``<lens>`` (id, None where no rule applies) and ``<lens>_confidence``; index of ``frame``.

        Raises
        ------
        RefusedTableError
            See :meth:`columns`.
        """
        result: dict[str, Any] = {}
        found = self.positions(frame)
        for lens in self.lenses:
            place, confidence = found[lens["name"]]
            ids = np.array([*(segment["id"] for segment in lens["segments"]), None], dtype=object)
            result[lens["name"]] = pd.array(ids, dtype="str").take(place % len(ids))
            result[f"{lens['name']}_confidence"] = confidence
        return pd.DataFrame(result, index=frame.index)


def signature(spec: dict[str, Any]) -> Any:
    """Describe inputs (required doubles, optional strings and counted items) and outputs for MLflow."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs: Any = [
        ColSpec("string", f["name"], required=False)
        if f["type"] == "text"
        else ColSpec("double", f["name"], required="absent" not in f)
        for f in spec["features"]
    ]
    outputs: Any = []
    for lens in spec["lenses"]:
        if lens["kind"] != "none":
            outputs += [ColSpec("string", lens["name"]), ColSpec("double", f"{lens['name']}_confidence")]
    return ModelSignature(Schema(inputs), Schema(outputs) if outputs else None)


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
            """Assign a table; ``context`` and ``params`` are part of MLflow's contract and not used."""
            return self.predictor.predict(model_input)

    set_model(ModelFromFolder())
