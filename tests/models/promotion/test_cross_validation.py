"""The procedure as a whole, choice included, on customers that it has not seen."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.models.promotion import cross_validation
from afraz.models.promotion.choice import Choice
from afraz.models.promotion.cross_validation import CrossValidated, cross_validate

from .trials import TREES, Simulated, names, simulate

LEARNERS = ["response", "dr", "linear"]


def validated(trial: Simulated, **changes: Any) -> CrossValidated:
    settings = {"folds": 3, "inner_folds": 3, "max_rounds": 30, "bootstrap": 40, "parameters": TREES, **changes}
    features = pd.DataFrame(trial.x, columns=names(trial.x))
    return cross_validate(features, trial.outcome, trial.treated, trial.propensity, LEARNERS, **settings)


@pytest.fixture(scope="module")
def trial() -> Simulated:
    return simulate(3000, seed=1, effect="hidden")


@pytest.fixture(scope="module")
def found(trial: Simulated) -> CrossValidated:
    return validated(trial)


def test_the_procedure_finds_the_effect_and_says_what_it_chose(found: CrossValidated, trial: Simulated) -> None:
    assert set(found.scores) == {*LEARNERS, "chosen"}
    assert sum(found.chosen.values()) == 3
    assert set(found.chosen) <= {"dr", "linear"}
    for name in ("dr", "linear", "chosen"):
        assert np.corrcoef(found.scores[name], trial.effect)[0, 1] > 0.6
    assert np.corrcoef(found.scores["response"], trial.effect)[0, 1] < 0.5
    gap = found.effect - trial.effect
    assert abs(gap.mean()) < 3 * gap.std() / 3000**0.5


def test_where_all_gain_alike_response_is_chosen_in_every_fold() -> None:
    assert validated(simulate(1500, seed=101, effect="constant")).chosen == {"response": 3}


def test_each_fold_is_scored_by_the_learner_that_was_chosen_without_it(
    trial: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["dr", "response", "linear"])
    monkeypatch.setattr(cross_validation, "choose", lambda *_, **__: Choice(next(said), True, pd.DataFrame(), ""))
    found = validated(trial, max_rounds=10)
    for k, name in enumerate(("dr", "response", "linear")):
        inside = found.fold == k
        np.testing.assert_array_equal(found.scores["chosen"][inside], found.scores[name][inside])
    assert found.chosen == {"dr": 1, "response": 1, "linear": 1}


def test_outcomes_of_a_fold_do_not_reach_its_scores(trial: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = np.arange(3000) % 3  # the deal looks at outcomes; here it is the same before and after
    monkeypatch.setattr(cross_validation.splits, "assign_folds", lambda label, k, *_: np.arange(len(label)) % k)
    rare = np.random.default_rng(3).integers(0, 600, 3000).astype(str)  # a text that knows the outcome by heart
    features = pd.DataFrame(trial.x[:, :3]).rename(columns=str).assign(shop=rare)
    told = trial.treated, trial.propensity, LEARNERS
    settings: dict[str, Any] = {"folds": 3, "inner_folds": 3, "max_rounds": 10, "bootstrap": 20, "parameters": TREES}
    before = cross_validate(features, trial.outcome, *told, **settings)
    changed = np.where(fold == 1, 1 - trial.outcome, trial.outcome)
    after = cross_validate(features, changed, *told, **settings)
    for name in [*LEARNERS, "chosen"]:
        np.testing.assert_array_equal(before.scores[name][fold == 1], after.scores[name][fold == 1], err_msg=name)
    assert (before.scores["dr"] != after.scores["dr"])[fold != 1].any()
