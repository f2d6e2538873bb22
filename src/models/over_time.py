"""Whether a model holds over time and in every segment: drift of its score and inputs, and its quality part by part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from . import stability
from .artifact import Artifact
from .baseline import best_single_feature, lead_over
from .flat_table import FlatTable
from .metrics import bootstrap

Array = NDArray[np.float64]

SAMPLE_ROWS = 10_000  # of the rows learned from: chance moves a PSI of ten bins by .002 then
LEAST_EVENTS = 20  # in a part; an interval from fewer says nothing


def drift(
    before: pd.DataFrame, after: pd.DataFrame, inputs: Sequence[str], score: str, segment: str | None = None
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Compare score and inputs of the rows learned from with those of later rows.

    Parameters
    ----------
    before, after : DataFrame
        With the score, the inputs and, if given, the column ``segment``; rows without a segment are in none.

    Returns
    -------
    measures : dict
        ``psi_score``, ``psi_by_chance`` (what chance exceeds in one of twenty), ``shifted_inputs``.
    tables : dict
        ``csi`` (PSI of every input) and, with a segment, ``psi_by_segment``: see :mod:`.stability`.

    Examples
    --------
    >>> old = pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0] * 25, "p": [0.1, 0.2] * 50})
    >>> measures, tables = drift(old, old.assign(spend=9.0), ["spend"], "p")
    >>> measures["psi_score"], measures["shifted_inputs"], tables["csi"]["verdict"].tolist()
    (0.0, 1, ['shifted'])
    """
    moved = stability.csi(before[list(inputs)], after[list(inputs)])
    measures = {
        "psi_score": stability.psi(before[score].to_numpy(), after[score].to_numpy()),
        "psi_by_chance": stability.psi_by_chance(10, len(before), len(after)),
        "shifted_inputs": int((moved["verdict"] == stability.verdict(1.0)).sum()),
    }
    tables = {"csi": moved}
    if segment is not None:
        one, two = before[before[segment].notna()], after[after[segment].notna()]
        tables["psi_by_segment"] = stability.psi_by_segment(
            one[score].to_numpy(), two[score].to_numpy(), one[segment].to_numpy(), two[segment].to_numpy()
        )
    return measures, tables


def quality_by_part(
    label: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike,
    parts: Mapping[str, ArrayLike | pd.Series],
    *,
    n: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the ranking in every month and every segment by itself.

    Parameters
    ----------
    label : (n,) 0 or 1
    score : (n,)
    groups : (n,) customer of each row
    parts : kind (``month``, ``segment`` …) → (n,) part of each row; missing: in none

    Returns
    -------
    DataFrame
        ``kind, part, rows, events, roc_auc, low, high``, by kind and part; the measure is missing in a part with fewer
        than 20 events or non-events.

    Examples
    --------
    >>> y, p = [0, 1] * 60, [0.2, 0.6] * 30 + [0.6, 0.2] * 30
    >>> quality_by_part(y, p, range(120), {"half": ["first"] * 60 + ["second"] * 60}, n=20)
       kind    part  rows  events  roc_auc  low  high
    0  half   first    60    30.0      1.0  1.0   1.0
    1  half  second    60    30.0      0.0  0.0   0.0
    """
    y, s, g = np.asarray(label, float), np.asarray(score, float), np.asarray(groups)
    rows: list[dict[str, Any]] = []
    for kind, values in parts.items():
        named = pd.Series(np.asarray(values, dtype=object))
        for part in sorted({str(value) for value in named.dropna()}):
            inside = (named.notna() & (named.map(str) == part)).to_numpy()
            events, size = float(y[inside].sum()), int(inside.sum())
            found = {"value": np.nan, "low": np.nan, "high": np.nan}
            if min(events, size - events) >= LEAST_EVENTS:
                found = bootstrap(y[inside], s[inside], g[inside], names=("roc_auc",), n=n, seed=seed)["roc_auc"]
            rows.append({"kind": kind, "part": part, "rows": size, "events": events, "roc_auc": found["value"],
                         "low": found["low"], "high": found["high"]})  # fmt: skip
    return pd.DataFrame(rows, columns=["kind", "part", "rows", "events", "roc_auc", "low", "high"])


def sample_of(rows: NDArray[np.int64], seed: int, size: int = SAMPLE_ROWS) -> NDArray[np.int64]:
    """Draw some of the rows, in their order; all of them where there are no more."""
    if len(rows) <= size:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, size, replace=False))


def against_later_rows(
    artifact: Artifact,
    flat: FlatTable,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    output: str,
    *,
    segment: str | None = None,
    n: int = 200,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Hold a fitted model against the later rows of the table that it was fitted to.

    Parameters
    ----------
    artifact : Artifact
        Learned from ``train`` only.
    train, test : positions
    output : str
        The probability of the label of the same name.
    segment : str, optional
        Column of the extras, known at ``as_of``.

    Returns
    -------
    measures : dict
        ``baseline`` (:func:`.baseline.lead_over`) and ``drift`` (:func:`drift`).
    tables : dict
        ``csi``, ``parts`` (:func:`quality_by_part`) and, with a segment, ``psi_by_segment``.
    """
    names = [feature["name"] for feature in artifact.spec["features"]]
    some = sample_of(train, seed)
    before, after = (_scored(artifact, flat, rows, output, segment) for rows in (some, test))
    label, groups = flat.labels[output], flat.groups
    rival = best_single_feature(artifact.matrix(before), label[some] > 0.5, names)
    lead = lead_over(rival, artifact.matrix(after), label[test], after[output], groups[test], n=n, seed=seed)
    measures, tables = drift(before, after, names, output, segment)
    parts: dict[str, pd.Series] = {}
    if flat.as_of is not None:
        parts["month"] = flat.as_of.iloc[test].dt.strftime("%Y-%m")
    if segment is not None:
        parts["segment"] = after[segment]
    if parts:
        tables["parts"] = quality_by_part(label[test], after[output], groups[test], parts, n=n, seed=seed)
    return {"baseline": lead, "drift": measures}, tables


def _scored(
    artifact: Artifact, flat: FlatTable, rows: NDArray[np.int64], output: str, segment: str | None
) -> pd.DataFrame:
    features = flat.features.iloc[rows]
    scored = features.assign(**{output: artifact.predict(features)[output]})
    return scored if segment is None else scored.assign(**{segment: flat.extras[segment].iloc[rows]})
