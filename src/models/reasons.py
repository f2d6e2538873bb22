"""Say in plain words why a row scores high: its strongest contributions upwards, looked up in a feature dictionary."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .artifact import Artifact
from .explain import Explanation

LEAST = 0.01  # log-odds; a weaker push is no reason
CHUNK_ROWS = 100_000
LOW, USUAL, HIGH, MISSING = range(4)
KINDS = ("low", "usual", "high", "missing")

Phrases = Mapping[str, Mapping[str, Any]]


def phrases_of(dictionary: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Turn a feature dictionary into phrases.

    Parameters
    ----------
    dictionary : DataFrame
        One row per feature: name, meaning, unit, type, low, high, optionally reference. A feature whose unit runs from
        below to above zero ("−1 to 1") compares two amounts: its phrases say less or more, so 0 is its usual value.

    Examples
    --------
    >>> row = {"name": "trend", "meaning": "visits, now and before", "unit": "−1 to 1", "type": "double",
    ...        "low": "comes less often", "high": "comes more often"}
    >>> phrases_of(pd.DataFrame([row]))["trend"]["reference"]
    0.0
    """
    phrases = {}
    for row in dictionary.to_dict("records"):
        said: dict[str, Any] = {"label": row["meaning"]}
        if row["type"] != "text":
            said |= {"low": row["low"], "high": row["high"]}
            if str(row["unit"]).startswith(("−", "-")):
                said["reference"] = 0.0
            if pd.notna(row.get("reference")):
                said["reference"] = float(row["reference"])
        phrases[str(row["name"])] = said
    return phrases


def references(artifact: Artifact, matrix: np.ndarray, phrases: Phrases) -> np.ndarray:
    """The usual value of each feature, from its phrases, else the spec, else the rows' median; shape (features,)."""
    usual = np.zeros(matrix.shape[1])
    for j, feature in enumerate(artifact.spec["features"]):
        stated = phrases.get(feature["name"], {}).get("reference", feature.get("reference"))
        present = matrix[~np.isnan(matrix[:, j]), j] if stated is None else np.array([stated])
        usual[j] = np.median(present) if len(present) else np.nan
    return usual


def top_reasons(
    told: Explanation,
    matrix: np.ndarray,
    phrases: Phrases,
    reference: np.ndarray,
    *,
    texts: Mapping[str, tuple[np.ndarray, list[str]]] | None = None,
    top: int = 3,
    unknown_last: bool = True,
) -> pd.DataFrame:
    """Name up to ``top`` different reasons a row, strongest first.

    Parameters
    ----------
    told : Explanation
        SHAP values, shape (rows, features).
    matrix : ndarray, shape (rows, features)
        Encoded values of the same rows.
    phrases : mapping of feature to mapping
        ``{"high": …, "low": …}``, optionally ``usual``, ``missing``, for text features ``is`` (with ``{value}``), and
        ``label`` (the feature in words, for what has no phrase); see :func:`phrases_of`.
    reference : ndarray, shape (features,)
        The usual value: above it is "high", below it is "low". Equal is the end of the table that it lies at, and where
        it lies inside, nothing is said unless there is a phrase for "usual".
    texts : mapping of feature to (ndarray of int, list of str), optional
        Per text feature the position of each row's level (−1: missing) and the levels.
    top : int
        Number of reasons.
    unknown_last : bool
        That something is not known is a reason only where there are too few others (or its phrase for "missing" says
        what that means); False: by strength alone.

    Returns
    -------
    DataFrame
        reason_1 … reason_<top>, text; missing where there are fewer contributions above .01 log-odds.

    Examples
    --------
    >>> told = Explanation(("age", "calls"), np.array([[0.2, 0.9], [-0.3, 0.0]], dtype="float32"), 0.0, np.zeros(2),
    ...                    "linear", 0.0, 0.0)
    >>> words = {"calls": {"high": "called often", "low": "never called"}}
    >>> top_reasons(told, np.array([[20, 7], [50, 0]]), words, np.array([40, 2]), top=2).fillna("-").values.tolist()
    [['called often', 'age: low'], ['-', '-']]
    """
    texts = texts or {}
    words, table = _phrase_table(told.names, phrases, matrix, reference)
    offsets = {}
    for name, (_, levels) in texts.items():
        offsets[told.names.index(name)] = len(words)
        said = phrases.get(name, {})
        words += [said.get("is", _label(name, said) + ": {value}").format(value=level) for level in levels]
    unsaid = np.array([unknown_last and not phrases.get(name, {}).get("missing") for name in told.names])
    found = np.full((len(matrix), top), -1, dtype=np.int64)
    for start in range(0, len(matrix), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        found[part] = _pick(told.values[part], matrix[part], reference, table, unsaid, offsets,
                            {told.names.index(n): c[part] for n, (c, _) in texts.items()}, top)  # fmt: skip
    vocabulary = pd.array([*words, None], dtype="str")  # position −1 is the missing one
    return pd.DataFrame({f"reason_{i + 1}": vocabulary.take(found[:, i] % len(vocabulary)) for i in range(top)})


def _pick(
    values: np.ndarray, matrix: np.ndarray, reference: np.ndarray, table: np.ndarray, unsaid: np.ndarray,
    offsets: Mapping[int, int], levels: Mapping[int, np.ndarray], top: int,
) -> np.ndarray:  # fmt: skip
    rows, width = values.shape
    strong = values >= LEAST
    # what is not known comes after every other reason, in its own order, and no reason at all comes last
    unknown = np.isnan(matrix) & unsaid & strong
    values = np.where(strong, np.where(unknown, -1 / np.maximum(values, LEAST), values), -np.inf)
    depth = min(width, top + 5)  # a few more than asked for: neighbouring features share a phrase
    if depth < width:
        best = np.argpartition(-values, depth - 1, axis=1)[:, :depth]
    else:
        best = np.tile(np.arange(width), (rows, 1))
    best.sort(axis=1)  # so that equal contributions are taken in the order of the features
    strength = np.take_along_axis(values, best, axis=1)
    order = np.argsort(-strength, axis=1, kind="stable")
    best, strength = np.take_along_axis(best, order, axis=1), np.take_along_axis(strength, order, axis=1)
    x = np.take_along_axis(matrix, best, axis=1)
    usual = reference[best]
    kind = np.where(np.isnan(x), MISSING, np.where(x > usual, HIGH, np.where(x < usual, LOW, USUAL)))
    said = table[best, kind]
    for j, position in levels.items():
        here = (best == j) & (position >= 0)[:, None]
        said = np.where(here, offsets[j] + position[:, None], said)
    said = np.where(strength > -np.inf, said, -1)
    found = np.full((rows, top), -1, dtype=np.int64)
    taken = np.zeros(rows, dtype=np.int64)
    for rank in range(depth):
        phrase = said[:, rank]
        fresh = (phrase >= 0) & (taken < top) & ~(found == phrase[:, None]).any(axis=1)
        found[fresh, taken[fresh]] = phrase[fresh]
        taken[fresh] += 1
    return found


def _phrase_table(
    names: tuple[str, ...], phrases: Phrases, matrix: np.ndarray, reference: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Give the different phrases and, per feature and kind, its phrase's position (−1: none); shape (features, 4)."""
    positions: dict[str, int] = {}
    table = np.empty((len(names), len(KINDS)), dtype=np.int64)
    for j, name in enumerate(names):
        given = phrases.get(name, {})
        label = _label(name, given)
        said = {"low": f"{label}: low", "usual": "", "high": f"{label}: high", "missing": f"{label}: not known"}
        said |= {kind: given[kind] for kind in KINDS if given.get(kind)}
        present = matrix[~np.isnan(matrix[:, j]), j]
        if "usual" not in given and len(present):  # most customers have 0: that is the low end, not a middle
            said["usual"] = said["low"] if reference[j] <= present.min() else said["usual"]
            said["usual"] = said["high"] if reference[j] >= present.max() > present.min() else said["usual"]
        for k, kind in enumerate(KINDS):
            table[j, k] = positions.setdefault(said[kind], len(positions)) if said[kind] else -1
    return list(positions), table


def _label(name: str, said: Mapping[str, Any]) -> str:
    return str(said.get("label") or name.replace("_", " "))
