"""The global picture of a model: which features matter, how they act, and how sure their order is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .artifact import Artifact
from .explain import Explanation, explain
from .importance import dependence, directions, global_summary, ranking_by_half, ranking_stability


@dataclass(frozen=True)
class GlobalExplanation:
    """``report`` has plain values (engine, additivity, stability); ``tables`` summary, dependence and more."""

    report: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def explain_globally(
    artifact: Artifact,
    frame: pd.DataFrame,
    *,
    groups: str | None,
    when: str | None = None,
    rows: int = 5000,
    seed: int = 7,
) -> GlobalExplanation:
    """Explain the first head of a model on a sample of rows, in log-odds.

    Parameters
    ----------
    frame : DataFrame
        Rows with the model's features.
    groups : str, optional
        Column that names a customer; resampling for the ranking keeps a customer's rows together.
    when : str, optional
        Column with dates; one that the frame lacks is left out. The ranking of the earlier half of the rows is held
        against that of the later half.
    rows : int
        Size of the sample.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(frame), min(rows, len(frame)), replace=False))
    sample = frame.iloc[chosen]
    matrix = artifact.matrix(sample)
    told: Explanation = explain(artifact, matrix, seed=seed)
    stability, ranking = ranking_stability(
        told, groups=None if groups is None else sample[groups].to_numpy(), seed=seed
    )
    texts = {feature["name"] for feature in artifact.spec["features"] if feature["type"] == "text"}
    tables = {
        "summary": global_summary(told),
        "dependence": dependence(told, matrix, texts=texts),
        "ranking": ranking,
        "directions": directions(told, matrix),
    }
    halves = (
        {} if when is None or when not in sample else ranking_by_half(told, pd.to_datetime(sample[when]).to_numpy())
    )
    return GlobalExplanation({**told.report(), "ranking_stability": stability, "ranking_by_half": halves}, tables)
