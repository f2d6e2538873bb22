"""A model small enough to be made in every test."""

from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from afraz.models.artifact import Artifact

FEATURES = ("recency", "spend")


def _small_artifact(seed: int) -> tuple[Artifact, pd.DataFrame]:
    """A two-feature LightGBM model with one calibrated output, and rows to score."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 2))
    y = (x[:, 0] + rng.normal(size=600) > 1).astype(float)
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 4, "verbose": -1, "deterministic": True, "num_threads": 1, "seed": seed},
        lgb.Dataset(x, y, feature_name=list(FEATURES)), num_boost_round=10,
    )  # fmt: skip
    spec = {
        "format": 1,
        "model": "churn",
        "features": [{"name": n, "type": "double"} for n in FEATURES],
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}],
        "outputs": [{"name": "leave_90", "head": "leave", "knots_margin": [-9, 9], "knots_log_odds": [-9, 9]}],
    }
    return Artifact(spec, {"leave": booster}), pd.DataFrame(x, columns=list(FEATURES))


@pytest.fixture(scope="session")
def small_artifact() -> Callable[[int], tuple[Artifact, pd.DataFrame]]:
    return _small_artifact
