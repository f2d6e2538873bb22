"""The value of a policy: unbiased where the propensity is known, whatever the outcome model says."""

import numpy as np
import pytest

from afraz.errors import DataError
from afraz.models.promotion.policy import doubly_robust, first_share, gains, inverse_propensity

from .trials import Simulated, simulate

N = 40_000


def off_by(score: np.ndarray, trial: Simulated) -> float:
    """How many standard errors the mean of a score is off the mean of the known effects."""
    gap = score - trial.effect
    return abs(float(gap.mean())) / (float(gap.std()) / len(gap) ** 0.5)


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("binary", [True, False])
def test_both_scores_are_unbiased_overall_and_for_the_customers_of_a_policy(varying: bool, binary: bool) -> None:
    trial = simulate(N, seed=1, varying=varying, binary=binary)
    told = trial.outcome, trial.treated, trial.propensity
    scores = [inverse_propensity(*told), doubly_robust(*told, trial.without, trial.with_offer)]
    for score in scores:
        assert off_by(score, trial) < 3
        for inside in (trial.x[:, 1] > 0, trial.x[:, 1] <= 0, trial.x[:, 0] > 1):
            gap = (score - trial.effect)[inside]
            assert abs(gap.mean()) < 3.5 * gap.std() / inside.sum() ** 0.5
    assert scores[1].std() < scores[0].std(), "what the model explains is no noise any more"


def test_a_difference_in_means_is_far_off_where_propensities_vary() -> None:
    trial = simulate(N, seed=1, varying=True)
    naive = trial.outcome[trial.treated == 1].mean() - trial.outcome[trial.treated == 0].mean()
    assert naive > trial.effect.mean() + 0.04, "else the tests above would not need the propensity"


@pytest.mark.parametrize("varying", [False, True])
def test_the_doubly_robust_score_is_right_with_a_wrong_outcome_model(varying: bool) -> None:
    trial = simulate(N, seed=2, varying=varying)
    wrong = doubly_robust(
        trial.outcome, trial.treated, trial.propensity, 0.9 - 0.2 * trial.x[:, 0], 0.1 - trial.x[:, 1]
    )
    assert off_by(wrong, trial) < 3


def test_the_doubly_robust_score_is_right_with_a_wrong_propensity_and_the_right_model() -> None:
    trial = simulate(N, seed=3, varying=True)
    half = np.full(N, 0.5)
    right = doubly_robust(trial.outcome, trial.treated, half, trial.without, trial.with_offer)
    assert off_by(right, trial) < 3
    assert off_by(inverse_propensity(trial.outcome, trial.treated, half), trial) > 10
    lost = doubly_robust(trial.outcome, trial.treated, half, np.zeros(N), np.zeros(N))
    assert off_by(lost, trial) > 10, "both wrong: nothing protects"


def test_a_perfect_model_leaves_no_noise() -> None:
    effect = doubly_robust([0.2, 0.7], [0, 1], [0.3, 0.6], [0.2, 0.4], [0.5, 0.7])
    assert effect == pytest.approx([0.3, 0.3])


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.2, np.nan])
def test_propensities_that_leave_no_alternative_are_refused_and_counted(bad: float) -> None:
    e = [0.5, bad, 0.999]
    with pytest.raises(DataError, match="1 of 3 propensities are not strictly between 0 and 1"):
        inverse_propensity([0, 1, 1], [0, 1, 1], e)
    with pytest.raises(DataError, match="leave them out"):
        doubly_robust([0, 1, 1], [0, 1, 1], e, [0, 0, 0], [1, 1, 1])


def test_the_first_share_splits_ties_on_the_edge_and_adds_up() -> None:
    assert first_share(np.array([3.0, 2.0, 2.0, 2.0, 1.0]), 0.4).tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert first_share(np.zeros(4), 0.3).tolist() == pytest.approx([0.3] * 4)
    score = np.random.default_rng(0).integers(0, 7, 101).astype(float)
    for share in (0.0, 0.1, 0.37, 1.0):
        part = first_share(score, share)
        assert part.sum() == pytest.approx(share * 101)
        assert (np.diff(part[np.argsort(score)]) >= 0).all()


def test_gains_are_means_over_all_customers() -> None:
    effect = np.array([1.0, -2.0, 0.5])
    policies = {"all": np.ones(3), "nobody": np.zeros(3), "half": np.full(3, 0.5)}
    found = gains(effect, policies, np.arange(3), n=70)
    assert found["all"].value == pytest.approx(-1 / 6)
    assert found["half"].value == pytest.approx(-1 / 12)
    assert found["nobody"].value == found["nobody"].low == found["nobody"].high == 0
    assert len(found["all"].drawn) == 70, "blocks of 50, and what is left"
    np.testing.assert_allclose(found["half"].drawn * 2, found["all"].drawn)  # all meet the same resamples


def test_intervals_cover_the_truth_as_often_as_stated() -> None:
    covered = 0
    for seed in range(150):
        trial = simulate(400, seed=seed, varying=True)
        effect = doubly_robust(trial.outcome, trial.treated, trial.propensity, trial.without, trial.with_offer)
        policy = first_share(trial.x[:, 1], 0.3)
        found = gains(effect, {"first": policy}, np.arange(400), n=100, seed=seed, level=0.9)["first"]
        covered += found.low <= (trial.effect * policy).mean() <= found.high
    assert 0.8 * 150 <= covered <= 0.97 * 150


def test_rows_of_a_customer_are_drawn_together() -> None:
    effect = np.random.default_rng(4).normal(size=300)
    one = gains(effect, {"all": np.ones(300)}, np.arange(300), n=200, seed=1)["all"]
    copies = gains(np.tile(effect, 3), {"all": np.ones(900)}, np.tile(np.arange(300), 3), n=200, seed=1)["all"]
    np.testing.assert_allclose(copies.drawn, one.drawn)


def test_equal_seeds_give_equal_intervals() -> None:
    effect = np.random.default_rng(5).normal(size=100)
    one, two, other = (gains(effect, {"all": np.ones(100)}, np.arange(100), seed=s)["all"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one.drawn, two.drawn)
    assert one.low != other.low
