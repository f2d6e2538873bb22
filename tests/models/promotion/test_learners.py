"""Every learner finds a planted effect, and a model folder tells the same uplift."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from afraz.models.artifact import Artifact, load_artifact
from afraz.models.promotion.inputs import Inputs
from afraz.models.promotion.learners import LEARNERS, Uplift, average, shrunk, surrogate

from .trials import Simulated, names, simulate

EFFECT = [name for name in LEARNERS if name not in ("response", "proportional", "one_rule")]


def agreement(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.corrcoef(one, two)[0, 1])


@pytest.fixture(scope="module")
def taught() -> Simulated:
    return simulate(4000, seed=1)


@pytest.fixture(scope="module")
def others() -> Simulated:
    return simulate(2000, seed=2)


@pytest.fixture(scope="module")
def amounts() -> Simulated:
    return simulate(3000, seed=3, binary=False)


@pytest.mark.parametrize("name", EFFECT)
def test_a_planted_effect_is_found_and_none_where_the_offer_was_dealt_anew(
    name: str, taught: Simulated, others: Simulated
) -> None:
    found = LEARNERS[name](taught.rows()).predict(others.x)
    assert agreement(found, others.effect) > 0.6
    high, low = others.x[:, 1] > 0, others.x[:, 1] <= 0
    assert found[high].mean() - found[low].mean() > 0.1
    dealt = np.random.default_rng(5).permutation(taught.treated)
    nothing = LEARNERS[name](taught.rows(treated=dealt)).predict(others.x)
    assert abs(nothing[high].mean() - nothing[low].mean()) < 0.05


@pytest.mark.parametrize("name", EFFECT)
def test_an_effect_on_amounts_is_found(name: str, amounts: Simulated) -> None:
    told = amounts.rows(without=amounts.without, with_offer=amounts.with_offer)
    found = LEARNERS[name](told).predict(amounts.x)
    assert agreement(found, amounts.effect) > 0.6


@pytest.mark.parametrize("name", ["dr", "transformed", "linear", "x"])
def test_propensities_that_vary_do_not_pass_for_an_effect(name: str) -> None:
    trial = simulate(6000, seed=6, effect="constant", varying=True)
    told = trial.rows(without=trial.without, with_offer=trial.with_offer)
    found = LEARNERS[name](told).predict(trial.x)
    first = trial.x[:, 0] > 0  # those get the offer more often and respond more often anyway
    assert abs(found[first].mean() - found[~first].mean()) < 0.05
    assert found.mean() == pytest.approx(trial.effect.mean(), abs=0.04)


@pytest.mark.parametrize("seed", range(5))
def test_one_rule_finds_the_condition_and_prefers_the_better_side(seed: int) -> None:
    trial = simulate(4000, seed=seed)
    told = LEARNERS["one_rule"](trial.rows()).predict(trial.x)
    better = told == told.max()
    assert len(set(told)) == 2
    assert (better == (trial.x[:, 1] > 0)).mean() > 0.95
    assert told[better][0] - told[~better][0] == pytest.approx(0.4, abs=0.1)


def test_a_side_of_a_rule_is_a_tenth_at_least_and_a_rule_of_nothing_is_none() -> None:
    trial = simulate(2000, seed=8, effect="none")
    told = LEARNERS["one_rule"](trial.rows()).predict(trial.x)
    assert 0.1 <= (told == told.max()).mean() <= 0.9
    same = replace(trial, x=np.zeros((2000, 2)))
    assert len(set(LEARNERS["one_rule"](same.rows()).predict(same.x))) == 1


def test_response_ranks_by_the_outcome_with_the_offer(taught: Simulated, others: Simulated) -> None:
    found = LEARNERS["response"](taught.rows()).predict(others.x)
    assert agreement(found, others.with_offer) > 0.8
    lifted = replace(taught, outcome=np.where(taught.treated == 0, 1.0, taught.outcome))
    again = LEARNERS["response"](lifted.rows()).predict(others.x)
    np.testing.assert_array_equal(found, again)  # control is not looked at


def test_proportional_finds_an_effect_that_grows_with_the_outcome() -> None:
    trial = simulate(8000, seed=7, effect="odds")
    told = trial.rows(without=trial.without, with_offer=trial.with_offer)
    found = LEARNERS["proportional"](told).predict(trial.x)
    assert agreement(found, trial.effect) > 0.7
    assert found.mean() == pytest.approx(trial.effect.mean(), abs=0.03)


def test_proportional_finds_the_share_by_which_a_probability_changes() -> None:
    found = []
    for seed in range(40):
        here = simulate(2000, seed=seed, effect="share")
        told = LEARNERS["proportional"](here.rows(without=here.without, with_offer=here.with_offer))
        found.append(_slope(here.without, told.predict(here.x)))
    assert np.mean(found) == pytest.approx(0.5, abs=3 * np.std(found) / 40**0.5 + 0.02)  # the line is not quite p
    alone = LEARNERS["dr"](here.rows(without=here.without, with_offer=here.with_offer)).predict(here.x)
    assert np.abs(told.predict(here.x) - here.effect).mean() < np.abs(alone - here.effect).mean()


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    return float((x * y).sum() / (x**2).sum())


def test_proportional_gives_a_constant_where_an_amount_changes_alike_for_all() -> None:
    level = 0
    for seed in range(100):  # a slope that is noise is drawn to 0 fully where it is below its own error
        here = simulate(1500, seed=seed, effect="constant", binary=False)
        told = here.rows(without=here.without, with_offer=here.with_offer)
        level += bool(np.ptp(LEARNERS["proportional"](told).predict(here.x)) < 1e-9)
    within_one_error = 0.6827
    assert binom.ppf(0.005, 100, within_one_error) <= level <= binom.ppf(0.995, 100, within_one_error)


def test_the_linear_learner_gives_nearly_a_constant_where_the_effect_is_one() -> None:
    trial = simulate(4000, seed=9, effect="constant")
    found = LEARNERS["linear"](trial.rows(without=trial.without, with_offer=trial.with_offer)).predict(trial.x)
    assert found.std() < 0.03
    assert found.mean() == pytest.approx(0.15, abs=0.05)


@pytest.mark.parametrize("name", list(LEARNERS))
def test_one_input_or_constant_ones_are_learned_from(name: str, taught: Simulated) -> None:
    narrow = replace(taught, x=taught.x[:, 1:2])
    found = LEARNERS[name](narrow.rows(rounds=10)).predict(narrow.x)
    assert np.isfinite(found).all()
    flat = replace(taught, x=np.full((4000, 2), 3.0))
    assert np.ptp(LEARNERS[name](flat.rows(rounds=10)).predict(flat.x)) < 1e-9


def test_shrinking_keeps_the_sign_and_never_overshoots() -> None:
    assert shrunk(-2.0, 1.0) == -1.5
    assert shrunk(-0.5, 1.0) == 0.0
    assert shrunk(0.0, 1.0) == 0.0
    assert shrunk(2.0, 0.0) == 2.0


def test_the_average_is_the_mean_of_its_parts(taught: Simulated) -> None:
    parts = [LEARNERS[name](taught.rows(rounds=10)) for name in ("s", "dr", "linear")]
    mean = np.mean([part.predict(taught.x) for part in parts], axis=0)
    np.testing.assert_allclose(average(parts).predict(taught.x), mean, atol=1e-12)


def saved(uplift: Uplift, width: int, folder: Path) -> Artifact:
    spec = {"format": 1, "model": "promotion", "features": [{"name": f"x{j}", "type": "double"} for j in range(width)],
            "heads": uplift.heads("response"),
            "outputs": [{"name": "uplift", "head": "response_uplift", "link": "identity"}]}  # fmt: skip
    Artifact(spec, uplift.named_boosters("response")).save(folder)
    return load_artifact(folder)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("name", [*LEARNERS, "average"])
def test_a_model_folder_tells_the_same_uplift(
    name: str, binary: bool, taught: Simulated, amounts: Simulated, tmp_path: Path
) -> None:
    trial = taught if binary else amounts
    rows = trial.rows(rounds=8)
    uplift = average([LEARNERS[n](rows) for n in EFFECT]) if name == "average" else LEARNERS[name](rows)
    x = trial.x[:300].copy()
    x[::7, 1] = np.nan
    loaded = saved(uplift, x.shape[1], tmp_path / "model")
    found = loaded.predict(pd.DataFrame(x, columns=names(x)))["uplift"]
    np.testing.assert_allclose(found, uplift.predict(x), rtol=0, atol=1e-12)
    assert np.ptp(found) > 0 or name == "proportional"


def test_the_surrogate_says_how_much_it_tells(taught: Simulated) -> None:
    booster, told = surrogate(Inputs.of(taught.x, names(taught.x)), taught.effect, 7)
    assert told > 0.95
    assert agreement(np.asarray(booster.predict(taught.x)), taught.effect) > 0.97
    assert surrogate(Inputs.of(taught.x, names(taught.x)), np.full(4000, 0.2), 7)[1] == 1.0
    noise = np.random.default_rng(0).normal(size=4000)
    assert surrogate(Inputs.of(taught.x, names(taught.x)), noise, 7)[1] < 0.6
