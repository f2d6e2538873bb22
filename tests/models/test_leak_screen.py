"""Suspected leakage: the planted leak is named, its honest neighbours are not."""

import numpy as np
import pytest

from afraz.models import gbm, leak_screen

NAMES = ["honest", "leak", "noise"]


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3))
    y = (rng.random(3000) < 1 / (1 + np.exp(2 - x[:, 0]))).astype(float)
    return x, y, np.arange(3000) % 5


def _found(x: np.ndarray, y: np.ndarray, fold: np.ndarray, **more: float) -> list[tuple[str, str]]:
    parameters = gbm.lightgbm_parameters({"learning_rate": 0.2}, seed=1)
    found = leak_screen.suspected_leaks(x, y, fold, NAMES, parameters, rounds=40, **more)  # type: ignore[arg-type]
    return [(entry["feature"], entry["kind"]) for entry in found]


def test_a_feature_that_knows_the_answer_is_suspected(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    x, y, fold = data
    leaking = x.copy()
    leaking[:, 1] = -y + 0.3 * x[:, 1]
    assert _found(leaking, y, fold, top=0) == [("leak", "alone")]
    assert ("leak", "removal") in _found(leaking, y, fold, top=2)
    assert not [f for f in _found(leaking, y, fold, top=2) if f[0] == "noise"]


def test_a_feature_that_is_missing_for_leavers_only_is_suspected(
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, y, fold = data
    leaking = x.copy()
    leaking[y == 1, 1] = np.nan
    assert _found(leaking, y, fold, top=0) == [("leak", "alone")]


def test_honest_features_are_not_suspected_when_they_share_the_work(
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    x, _, fold = data
    z = x @ [0.7, 0.7, 0.7]
    y = (np.random.default_rng(1).random(3000) < 1 / (1 + np.exp(2 - z))).astype(float)
    assert _found(x, y, fold, top=0) == []
    assert _found(x, y, fold, top=3, share=0.6) == []
