"""Exact SHAP values for every row: what moved a score away from the average, in log-odds.

For trees the reference is LightGBM's ``pred_contrib`` (path-dependent TreeSHAP; Lundberg et al. 2020, *From local
explanations to global understanding*). Woodelf computes the same numbers from decision patterns shared by many rows
(Nadel and Wettenstein 2025, *From decision trees to Boolean logic*), many times faster on large tables. It is used only
where it agrees: on a sample of the very rows, on copies of them with holes, and in the sum of every single row.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from .artifact import Artifact

TOLERANCE = 1e-4  # log-odds; float32 sums over 300 trees stay below 1e-5
BATCH_ROWS = 20_480  # a batch's patterns stay in the processor's cache; fixed, so results never depend on the cores
SAMPLE_ROWS = 96
DEEPEST_MEMO = 10  # beyond, woodelf changes its method, and remembering 2^depth numbers per leaf would not fit


@dataclass(frozen=True)
class Explanation:
    """SHAP values of one head.

    Attributes
    ----------
    names : tuple of str
        Features, in the order of the columns of ``values``.
    values : ndarray of float32, shape (rows, features)
        Contributions in log-odds.
    base : float
        The average margin; ``base + values.sum(axis=1)`` is the margin of a row.
    margin : ndarray, shape (rows,)
        Uncalibrated score of the head.
    engine : str
        "woodelf", "pred_contrib", "linear" or "scorecard"; of a blend those of its parts, joined by "+".
    difference : float
        Largest difference from ``pred_contrib`` on the sample; NaN where nothing was compared.
    additivity_error : float
        Largest difference, over all rows, of base plus contributions from the margin.
    note : str
        Why the fallback was taken; empty otherwise.
    """

    names: tuple[str, ...]
    values: np.ndarray
    base: float
    margin: np.ndarray
    engine: str
    difference: float
    additivity_error: float
    note: str = ""
    scale: str = "log-odds"

    def report(self) -> dict[str, Any]:
        """Give what belongs into metrics and manifests, as plain values; of errors the power of ten above."""
        return {
            "engine": self.engine, "scale": self.scale, "rows": len(self.values), "base": round(self.base, 6),
            "difference_from_pred_contrib_below": _power_of_ten_above(self.difference),
            "additivity_error_below": _power_of_ten_above(self.additivity_error), "note": self.note,
        }  # fmt: skip


def _power_of_ten_above(error: float) -> float | None:
    """Round up so far that the last digits, which differ between processors, don't show; None for nothing compared.

    Examples
    --------
    >>> _power_of_ten_above(4.9e-6), _power_of_ten_above(0.0), _power_of_ten_above(float("nan"))
    (1e-05, 1e-12, None)
    """
    return None if np.isnan(error) else float(f"1e{int(np.ceil(np.log10(max(error, 1e-12))))}")


def explain(
    artifact: Artifact, matrix: np.ndarray, head: str | None = None, *, seed: int = 0, workers: int | None = None
) -> Explanation:
    """Explain one head for every row of an encoded matrix.

    Parameters
    ----------
    artifact : Artifact
        The model.
    matrix : ndarray, shape (rows, features)
        ``artifact.matrix(frame)``.
    head : str, optional
        Default: the first head.
    seed : int
        Draws the rows that are compared with ``pred_contrib``.
    workers : int, optional
        Threads; default: every core. The values do not depend on it.

    Examples
    --------
    >>> spec = {"format": 1, "model": "toy", "features": [{"name": "age", "type": "double"}],
    ...         "heads": [{"name": "leave", "kind": "linear", "intercept": -1.0, "coefficients": [0.5], "means": [40.0],
    ...                    "scales": [10.0]}], "outputs": [{"name": "leave_90", "head": "leave"}]}
    >>> told = explain(Artifact(spec, {}), np.array([[40.0], [60.0]]))
    >>> told.values.tolist(), told.base, told.engine
    ([[0.0], [1.0]], -1.0, 'linear')
    """
    name = head or artifact.spec["heads"][0]["name"]
    names = tuple(feature["name"] for feature in artifact.spec["features"])
    margin = artifact.predictor.head_margin(name, matrix)
    described = artifact.predictor.heads[name]
    if described["kind"] == "linear":
        values, base = linear_shap(artifact, described, matrix)
        return Explanation(names, values, base, margin, "linear", np.nan, _additivity(values, base, margin))
    if described["kind"] == "scorecard":
        values, base = scorecard_shap(artifact, described, matrix)
        return Explanation(names, values, base, margin, "scorecard", np.nan, _additivity(values, base, margin))
    if described["kind"] == "blend":
        return _blended(artifact, described, matrix, margin, seed, workers)
    booster = artifact.boosters[name]
    return _tree_shap(booster, names, matrix, margin, np.random.default_rng(seed), workers or os.cpu_count() or 1)


def _blended(
    artifact: Artifact, head: dict[str, Any], matrix: np.ndarray, margin: np.ndarray, seed: int, workers: int | None
) -> Explanation:
    """Explain a weighted sum of margins: Shapley values are linear, so those of the parts add up in the same way."""
    told = [explain(artifact, matrix, part, seed=seed, workers=workers) for part in head["parts"]]
    values, base, difference = np.zeros(matrix.shape, dtype=np.float32), 0.0, np.nan
    for weight, part in zip(head["weights"], told, strict=True):
        values += np.float32(weight) * part.values
        base += weight * part.base
        if not np.isnan(part.difference):
            difference = np.nansum([difference, abs(weight) * part.difference])
    engine, note = "+".join(part.engine for part in told), "; ".join(part.note for part in told if part.note)
    error = _additivity(values, base, margin)
    return Explanation(told[0].names, values, base, margin, engine, float(difference), error, note)


def linear_shap(artifact: Artifact, head: dict[str, Any], matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Explain a linear head: coefficient × (x − mean) / scale, missing indicators against their training share.

    Exact for independent features (Štrumbelj and Kononenko 2014). Returns the values, shape (rows, features), and the
    base.
    """
    width = matrix.shape[1]
    absent = np.asarray(head.get("missing_coefficients") or np.zeros(width), dtype=np.float64)
    expected = absent * np.asarray(head.get("missing_shares") or np.zeros(width), dtype=np.float64)
    values = np.empty(matrix.shape, dtype=np.float32)
    for j, term in enumerate(artifact.predictor_module.linear_terms(head, matrix)):
        values[:, j] = term - expected[j]
    return values, float(head["intercept"] + expected.sum())


def scorecard_shap(artifact: Artifact, head: dict[str, Any], matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Explain a scorecard: each term against its mean in training.

    Exact for independent features, as the margin is a sum of one term per feature (Štrumbelj and Kononenko 2014).
    Returns the values, shape (rows, features), and the base.
    """
    values = np.empty(matrix.shape, dtype=np.float32)
    for j, term in enumerate(artifact.predictor_module.scorecard_terms(head, matrix)):
        values[:, j] = term - head["reference_terms"][j]
    return values, float(head["intercept"] + sum(head["reference_terms"]))


def _tree_shap(
    booster: lgb.Booster, names: tuple[str, ...], matrix: np.ndarray, margin: np.ndarray,
    rng: np.random.Generator, workers: int,
) -> Explanation:  # fmt: skip
    sample = comparison_rows(matrix, rng)
    reference = np.asarray(booster.predict(sample, pred_contrib=True))
    base, difference, note = float(reference[0, -1]), np.nan, ""
    try:
        fast = woodelf_engine(booster, matrix.shape[1])
        difference = float(np.abs(fast(sample) - reference[:, :-1]).max())
        if difference <= TOLERANCE:
            values = _in_batches(fast, matrix, workers)
            error = _additivity(values, base, margin)
            if error <= TOLERANCE:
                return Explanation(names, values, base, margin, "woodelf", difference, error)
            note = f"woodelf: contributions miss a row's margin by {error:.2g}"
        else:
            note = f"woodelf differs from pred_contrib by {difference:.2g}"
    except Exception as failure:  # whatever the fast engine does not know, the reference does
        note = f"woodelf failed: {type(failure).__name__}"
    values = _in_batches(lambda rows: np.asarray(booster.predict(rows, pred_contrib=True))[:, :-1], matrix, 1)
    return Explanation(names, values, base, margin, "pred_contrib", difference, _additivity(values, base, margin), note)


def comparison_rows(matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw rows, and copies with a fifth of the values missing or zero; the last two rows are all missing and all 0.

    Where a value is missing, a tree goes its default way, and what that is depends on how it was trained: such rows are
    compared even if the table has none.
    """
    rows = matrix
    if len(matrix) > SAMPLE_ROWS:
        rows = matrix[np.sort(rng.choice(len(matrix), SAMPLE_ROWS, replace=False))]
    holed = rows.copy()
    holed[rng.random(holed.shape) < 0.2] = np.nan
    zeroed = rows.copy()
    zeroed[rng.random(zeroed.shape) < 0.2] = 0.0
    width = matrix.shape[1]
    return np.vstack([rows, holed, zeroed, np.full((1, width), np.nan), np.zeros((1, width))])


class _Column(np.ndarray):
    """An array that answers where woodelf expects a pandas Series, whose overhead would be three times the work."""

    def to_numpy(self) -> np.ndarray:
        return self.view(np.ndarray)


class _Columns:
    """Rows of a matrix that answer where woodelf expects a DataFrame whose columns are numbered."""

    def __init__(self, rows: np.ndarray) -> None:
        self._columns = [np.ascontiguousarray(rows[:, j]).view(_Column) for j in range(rows.shape[1])]
        self.columns = range(rows.shape[1])
        self.index = range(len(rows))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, j: int) -> _Column:
        return self._columns[j]


def woodelf_engine(booster: lgb.Booster, width: int) -> Callable[[np.ndarray], np.ndarray]:
    """Prepare woodelf for one booster; the result maps rows to SHAP values, both of shape (rows, features)."""
    from woodelf import WoodelfExplainer
    from woodelf.core.cube_metric import ShapleyValues
    from woodelf.core.path_to_s_vectors.woodelf_p2s import HighDepthWoodelfPathToSVectors
    from woodelf.core.trees.parse_models import load_decision_tree_ensemble_model

    class Remembering(HighDepthWoodelfPathToSVectors):
        """What a leaf contributes to each pattern does not depend on the rows: compute it in the first batch only."""

        memo: dict[Any, dict[Any, np.ndarray]]

        def get_path_dependent_s_matrix(
            self, features_in_path: list[int], consumer_patterns: np.ndarray, covers: np.ndarray, w: float,
            w_neighbor: float | None = None,
        ) -> dict[Any, np.ndarray]:  # fmt: skip
            key = (tuple(features_in_path), covers.tobytes(), w, w_neighbor)
            if key not in self.memo:
                fresh = super().get_path_dependent_s_matrix(features_in_path, consumer_patterns, covers, w, w_neighbor)
                self.memo[key] = {f: np.ascontiguousarray(vector, dtype=np.float32) for f, vector in fresh.items()}
            return self.memo[key]

    trees = load_decision_tree_ensemble_model(booster, list(range(width)))
    depth = min(trees.max_depth, width)
    memory = Remembering(ShapleyValues(), depth) if depth <= DEEPEST_MEMO else None
    if memory is not None:
        memory.memo = {}

    def values(rows: np.ndarray) -> np.ndarray:
        explainer = WoodelfExplainer(trees)
        told = explainer.shap_values(_Columns(rows), verbose=False, path_to_matrices_calculator=memory)
        return np.asarray(told)

    return values


def _in_batches(engine: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray, workers: int) -> np.ndarray:
    values = np.empty(matrix.shape, dtype=np.float32)

    def fill(start: int) -> None:
        values[start : start + BATCH_ROWS] = engine(matrix[start : start + BATCH_ROWS])

    starts = range(0, len(matrix), BATCH_ROWS)
    if workers == 1 or len(starts) <= 1:
        for start in starts:
            fill(start)
    else:
        with ThreadPoolExecutor(workers) as pool:  # numpy leaves the interpreter lock while it gathers
            list(pool.map(fill, starts))
    return values


def _additivity(values: np.ndarray, base: float, margin: np.ndarray) -> float:
    if not len(values):
        return 0.0
    return float(np.abs(values.sum(axis=1, dtype=np.float64) + base - margin).max())
