"""Scores of a fold come from models that know nothing of it; threads change nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afraz.models.promotion import cross_fitting
from afraz.models.promotion.cross_fitting import CrossFitted, Experiment, best_elsewhere, cross_fit
from afraz.models.promotion.learners import LEARNERS

from .trials import TREES, simulate

ALL = [*LEARNERS, "average"]


def crossed(data: Experiment, learners: list[str], **changes: Any) -> CrossFitted:
    settings = {"parameters": TREES, "max_rounds": 12, "seed": 7, "final": False, **changes}
    return cross_fit(data, learners, **settings)


@pytest.fixture(scope="module")
def data() -> Experiment:
    return simulate(1500, seed=1).experiment()


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """Curves of validation loss that are said instead of measured: of the outcome, then of the effect."""
    curves: list[list[np.ndarray]] = [[np.array([3.0, 2.0, 1.0, 2.0])] * 3, [np.array([3.0, 1.0, 2.0])] * 3]
    monkeypatch.setattr(cross_fitting, "_stopping", lambda data, rows, targets, second, *_: curves[int(second)])
    return curves


@pytest.mark.parametrize("binary", [True, False])
def test_outcomes_of_a_fold_do_not_reach_its_scores(binary: bool, planted: list[list[np.ndarray]]) -> None:
    data = simulate(900, seed=2, binary=binary).experiment()
    before = crossed(data, ALL)
    inside = data.fold == 1
    changed = np.where(inside, 1 - data.outcome if binary else 5 - 3 * data.outcome, data.outcome)
    after = crossed(replace(data, outcome=changed), ALL)
    for name in ALL:
        np.testing.assert_array_equal(before.scores[name][inside], after.scores[name][inside], err_msg=name)
        if name != "proportional":  # it may be drawn to a constant
            assert np.abs(before.scores[name] - after.scores[name])[~inside].max() > 1e-6, name
    np.testing.assert_array_equal(before.without[inside], after.without[inside])
    np.testing.assert_array_equal(before.with_offer[inside], after.with_offer[inside])
    assert (before.effect != after.effect)[inside].mean() > 0.9, "its effects are made of its outcomes"


def test_treatments_of_a_fold_do_not_reach_its_scores(planted: list[list[np.ndarray]], data: Experiment) -> None:
    inside = data.fold == 2
    before = crossed(data, ALL)
    after = crossed(replace(data, treated=np.where(inside, 1 - data.treated, data.treated)), ALL)
    for name in ALL:
        np.testing.assert_array_equal(before.scores[name][inside], after.scores[name][inside], err_msg=name)


@pytest.mark.parametrize("k", range(3))
def test_how_a_fold_stops_does_not_reach_its_scores(k: int, planted: list[list[np.ndarray]], data: Experiment) -> None:
    before = crossed(data, ["t", "x", "dr"])
    for of in planted:
        of[k] = np.array([0.0, 99.0])  # it would stop at the first tree, and sooner than others
    after, inside = crossed(data, ["t", "x", "dr"]), data.fold == k
    for name in ("t", "x", "dr"):
        np.testing.assert_array_equal(before.scores[name][inside], after.scores[name][inside], err_msg=name)
        assert (before.scores[name] != after.scores[name])[~inside].any(), name
    assert after.rounds != before.rounds


def test_the_number_of_trees_is_the_best_in_the_other_folds() -> None:
    curves = [np.array([5.0, 1.0, 4.0]), np.array([5.0, 4.0, 0.0]), np.array([0.0, 3.0, 3.0, 9.0])]
    found = best_elsewhere(curves)
    assert found[0,] == found[0, 2] == 3
    assert found[0, 1] == 1
    assert found[2,] == 3
    assert found[1,] == 2
    assert found[()] == 3


def test_learners_find_the_effect_out_of_fold_and_effects_are_unbiased() -> None:
    trial = simulate(3000, seed=3)
    found = crossed(trial.experiment(), ["response", "s", "t", "x", "dr", "linear", "average"], max_rounds=40)
    for name in ("s", "t", "x", "dr", "linear", "average"):
        assert np.corrcoef(found.scores[name], trial.effect)[0, 1] > 0.5, name
    gap = found.effect - trial.effect
    assert abs(gap.mean()) < 3 * gap.std() / 3000**0.5
    assert np.corrcoef(found.without, trial.without)[0, 1] > 0.4
    parts = [found.scores[name] for name in ("s", "t", "x", "dr", "linear")]
    np.testing.assert_allclose(found.scores["average"], np.mean(parts, axis=0))


def test_nothing_is_found_where_there_is_nothing() -> None:
    trial = simulate(3000, seed=4, effect="none")
    found = crossed(trial.experiment(), ["x", "dr"], max_rounds=40)
    for name in ("x", "dr"):
        gain = found.effect[found.scores[name] > np.median(found.scores[name])]
        assert abs(gain.mean()) < 3.5 * gain.std() / len(gain) ** 0.5, name


def test_equal_seeds_give_equal_bytes_whatever_the_threads(data: Experiment) -> None:
    one, again, two = (crossed(data, ALL, threads=threads, final=True) for threads in (1, 1, 2))
    for other in (again, two):
        assert one.rounds == other.rounds
        for name in ALL:
            assert one.scores[name].tobytes() == other.scores[name].tobytes(), name
            assert (
                one.fitted[name].predict(data.inputs.x).tobytes() == other.fitted[name].predict(data.inputs.x).tobytes()
            ), name
        assert one.effect.tobytes() == other.effect.tobytes()


def test_only_scores_where_only_they_are_wanted(data: Experiment) -> None:
    assert crossed(data, ["response", "dr"]).fitted == {}
    assert set(crossed(data, ["response", "dr", "average"], final=True).fitted) == {"response", "dr", "average"}
