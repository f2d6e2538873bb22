from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

import afraz.models.explain as explain_module
from afraz.models.artifact import Artifact
from afraz.models.explain import TOLERANCE, comparison_rows, explain, woodelf_engine

WIDTH = 8


def rows(count: int, seed: int, missing: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(count, WIDTH)), 1)  # rounded: values equal to thresholds occur
    x[rng.random(x.shape) < missing] = np.nan
    return x


def train(x: np.ndarray, trees: int = 30, **settings: Any) -> lgb.Booster:
    signal = np.nansum(x[:, :4], axis=1) + 1.5 * np.isnan(x[:, 0])
    y = (signal + np.random.default_rng(5).normal(size=len(x)) > 0).astype(int)
    settings = {"objective": "binary", "max_depth": 6, "verbose": -1, "num_threads": 1, "seed": 1, **settings}
    return lgb.train(settings, lgb.Dataset(x, y), trees)


def artifact_of(booster: lgb.Booster) -> Artifact:
    spec = {
        "format": 1, "model": "toy", "features": [{"name": f"f{j}", "type": "double"} for j in range(WIDTH)],
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}],
        "outputs": [{"name": "p", "head": "leave"}],
    }  # fmt: skip
    return Artifact(spec, {"leave": booster})


@pytest.mark.parametrize(
    ("missing_at_training", "settings"),
    [
        (0.2, {}),
        (0.0, {}),
        (0.2, {"use_missing": False}),
        (0.2, {"num_leaves": 4}),
        (0.2, {"monotone_constraints": [1] * 8}),
    ],
)
def test_woodelf_equals_pred_contrib_wherever_missing_values_go(
    missing_at_training: float, settings: dict[str, Any]
) -> None:
    artifact = artifact_of(train(rows(3000, 0, missing_at_training), **settings))
    x = rows(700, 1)
    told = explain(artifact, x)
    reference = artifact.boosters["leave"].predict(x, pred_contrib=True)
    assert told.engine == "woodelf"
    assert told.note == ""
    assert np.abs(told.values - reference[:, :-1]).max() <= TOLERANCE
    assert told.base == pytest.approx(reference[0, -1])
    assert told.additivity_error <= TOLERANCE
    assert told.scale == "log-odds"


def test_where_woodelf_differs_the_reference_is_used_and_said() -> None:
    booster = train(rows(3000, 0), zero_as_missing=True)  # woodelf knows no missing zeros
    x = rows(300, 1)
    artifact = artifact_of(train(rows(3000, 0)))
    artifact.boosters["leave"] = booster  # an Artifact refuses such a booster; explain must not rely on that
    told = explain(artifact, x)
    assert told.engine == "pred_contrib"
    assert told.note.startswith("woodelf differs from pred_contrib by")
    assert told.difference > 0.01
    assert np.allclose(told.values, booster.predict(x, pred_contrib=True)[:, :-1], atol=1e-6)
    assert told.additivity_error <= TOLERANCE


def test_an_error_that_no_sampled_row_shows_is_caught_by_the_sum_of_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = artifact_of(train(rows(3000, 0)))
    x = rows(2000, 1)
    honest = woodelf_engine(artifact.boosters["leave"], WIDTH)

    def wrong_in_one_row(part: np.ndarray) -> np.ndarray:
        values = honest(part).copy()
        if len(part) == len(x):
            values[1234, 3] += 0.5
        return values

    monkeypatch.setattr(explain_module, "woodelf_engine", lambda booster, width: wrong_in_one_row)
    told = explain(artifact, x)
    assert told.engine == "pred_contrib"
    assert told.note == "woodelf: contributions miss a row's margin by 0.5"
    assert told.additivity_error <= TOLERANCE


def test_a_failing_engine_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(booster: lgb.Booster, width: int) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(explain_module, "woodelf_engine", broken)
    told = explain(artifact_of(train(rows(500, 0), trees=3)), rows(50, 1))
    assert (told.engine, told.note) == ("pred_contrib", "woodelf failed: RuntimeError")
    assert told.report()["difference_from_pred_contrib_below"] is None


def test_trees_deeper_than_woodelf_remembers_are_explained_too() -> None:
    artifact = artifact_of(train(rows(4000, 0), trees=3, max_depth=-1, num_leaves=60, min_data_in_leaf=5))
    told = explain(artifact, rows(100, 1))
    assert np.allclose(
        told.values, artifact.boosters["leave"].predict(rows(100, 1), pred_contrib=True)[:, :-1], atol=1e-5
    )


def test_a_model_without_any_split_explains_nothing() -> None:
    told = explain(artifact_of(train(rows(300, 0), trees=2, min_data_in_leaf=500)), rows(20, 1))
    assert not told.values.any()
    assert told.additivity_error <= TOLERANCE


def test_batches_and_threads_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, x = artifact_of(train(rows(3000, 0))), rows(5000, 1)
    monkeypatch.setattr(explain_module, "BATCH_ROWS", 1000)
    one, two = explain(artifact, x, workers=1), explain(artifact, x, workers=2)
    assert np.array_equal(one.values, two.values)
    assert one.engine == "woodelf"


def test_no_rows_and_one_row_are_explained() -> None:
    artifact = artifact_of(train(rows(1000, 0), trees=5))
    assert explain(artifact, np.empty((0, WIDTH))).values.shape == (0, WIDTH)
    assert explain(artifact, rows(1, 1)).additivity_error <= TOLERANCE


def test_the_compared_rows_always_hold_missing_values_and_zeros() -> None:
    sample = comparison_rows(np.ones((10, 3)), np.random.default_rng(0))
    assert np.isnan(sample[-2]).all()
    assert (sample[-1] == 0).all()
    assert np.isnan(sample[10:20]).any()
    assert (sample[20:30] == 0).any()


def test_linear_contributions_add_up_to_the_margin_with_missing_values() -> None:
    head = {"name": "h", "kind": "linear", "intercept": -2.0, "coefficients": [0.5, -1.0], "means": [40.0, 1.0],
            "scales": [10.0, 2.0], "missing_coefficients": [0.0, 0.3], "missing_shares": [0.0, 0.25]}  # fmt: skip
    spec = {"format": 1, "model": "toy", "features": [{"name": n, "type": "double"} for n in "ab"], "heads": [head],
            "outputs": [{"name": "p", "head": "h"}]}  # fmt: skip
    told = explain(Artifact(spec, {}), np.array([[60.0, 1.0], [40.0, np.nan], [40.0, 5.0]]))
    assert told.engine == "linear"
    assert told.base == pytest.approx(-2.0 + 0.3 * 0.25)
    assert told.values.tolist() == [[pytest.approx(v, abs=1e-6) for v in row]
                                    for row in ([1.0, -0.075], [0.0, 0.225], [0.0, -2.075])]  # fmt: skip
    assert told.additivity_error < 1e-6
