"""Candidates of the margin: what they share changes nothing, nor does how many folds are fitted at once."""

import lightgbm as lgb
import numpy as np
import pytest

from afraz.models import gbm
from afraz.models.value.forecast import Cohorts, fit_rankers, trained
from afraz.models.value.settings import ValueSettings

SETTINGS = ValueSettings(candidates=["lightgbm", "two_part"], folds=3, max_rounds=60, threads=1)


@pytest.fixture(scope="module")
def data() -> Cohorts:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 4))
    margin = np.exp(x[:, 0] + rng.normal(0, 0.5, 1500)) * np.where(x[:, 1] > 0.3, -1.0, 1.0)
    place = np.arange(1500)
    return Cohorts(["a", "b", "c", "d"], x, margin, place, place % 3)


def test_scores_do_not_depend_on_how_many_folds_are_fitted_at_once(data: Cohorts) -> None:
    for one, other in zip(
        fit_rankers(data, SETTINGS), fit_rankers(data, SETTINGS.model_copy(update={"threads": 3})), strict=True
    ):
        assert one.score.tobytes() == other.score.tobytes()
        assert one.rounds == other.rounds


def test_targets_known_of_the_same_rows_are_learned_as_if_they_were_alone(data: Cohorts) -> None:
    alone = fit_rankers(data, SETTINGS.model_copy(update={"candidates": ["lightgbm"]}))[0]
    together = fit_rankers(data, SETTINGS)[0]
    assert alone.score.tobytes() == together.score.tobytes()


def test_trees_of_a_candidate_are_trained_on_the_rows_whose_target_is_known(data: Cohorts) -> None:
    ranker = fit_rankers(data, SETTINGS)[1]
    assert not ranker.boosters
    found = trained(ranker, data, SETTINGS).boosters
    assert list(found) == ["sign", "gain", "loss"]
    gained = data.margin > 0
    parameters = gbm.lightgbm_parameters(SETTINGS.trees(), seed=SETTINGS.seed) | {"objective": "regression"}
    unit = 0.01 * float(np.median(np.abs(data.margin)))
    target = np.log(np.maximum(np.abs(data.margin[gained]), unit))
    anew = lgb.train(
        parameters | {"metric": "l2"}, gbm.dataset(data.x[gained], target, data.names), ranker.rounds["gain"]
    )
    assert found["gain"].predict(data.x).tobytes() == anew.predict(data.x).tobytes()
