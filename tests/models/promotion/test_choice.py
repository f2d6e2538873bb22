"""The champion is a learner only where its lead is more than chance, over all learners that were tried."""

import numpy as np
import pytest
from scipy.stats import binom

from afraz.models.calibration import Curve
from afraz.models.promotion.choice import choose, scale
from afraz.models.promotion.cross_fitting import CrossFitted, cross_fit

from .trials import TREES, simulate

Array = np.ndarray
PLAIN = Curve("none", np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))  # the margin is in log-odds already


def by_hand(effect: Array, scores: dict[str, Array], folds: int = 4) -> CrossFitted:
    blank = np.zeros(len(effect))
    return CrossFitted(scores, blank, blank, effect, np.arange(len(effect)) % folds, {}, {})


def heterogeneous(n: int = 4000, seed: int = 0) -> tuple[Array, Array]:
    """True effects, which differ, and unbiased scores of them."""
    rng = np.random.default_rng(seed)
    truth = 0.1 + 0.3 * rng.normal(size=n)
    return truth, truth + rng.normal(size=n)


def test_a_learner_wins_where_the_effect_differs_between_customers() -> None:
    truth, effect = heterogeneous()
    noise = np.random.default_rng(1).normal(size=4000)
    found = choose(by_hand(effect, {"response": noise, "dr": truth, "s": -truth}), np.arange(4000), n=100, seed=0)
    assert (found.name, found.targeting) == ("dr", True)
    table = found.table.set_index("learner")
    assert set(table.index) == {"response", "dr", "s", "random"}
    known = np.mean([np.where(truth >= np.quantile(truth, 1 - s), truth, 0).mean() for s in (0.1, 0.2, 0.3, 0.4, 0.5)])
    assert table.loc["dr", "low"] < known < table.loc["dr", "high"]
    assert table.loc["s", "over_rival_high"] < 0
    assert table.loc["response", ["over_rival", "over_rival_low", "over_rival_high"]].tolist() == [0, 0, 0]
    assert "learner dr gains +0." in found.verdict
    assert found.verdict.endswith("it is used")


def test_a_learner_wins_on_a_trial_with_a_planted_effect_and_not_where_all_gain_alike() -> None:
    said = {}
    for effect in ("hidden", "constant"):
        data = simulate(4000, seed=2, effect=effect).experiment(folds=4)
        crossed = cross_fit(data, ["response", "dr", "linear"], parameters=TREES, max_rounds=40, seed=7, final=False)
        said[effect] = choose(crossed, data.groups, n=100, seed=0)
    assert said["hidden"].targeting
    assert said["hidden"].name in ("dr", "linear")
    constant = said["constant"]
    assert (constant.name, constant.targeting) == ("response", False)
    best = constant.table[constant.table["learner"].isin(["dr", "linear"])].sort_values("policy_value").iloc[-1]
    assert f"the best learner ({best['learner']}) gains {best['over_rival']:+.5f}" in constant.verdict
    assert f"({best['over_rival_low']:+.5f} to {best['over_rival_high']:+.5f})" in constant.verdict
    assert f"a lead of {best['smallest_findable_lead']:.5f} would have been found" in constant.verdict
    assert "do not support more than response ranking, which is used" in constant.verdict
    assert "may be nothing" not in constant.verdict


@pytest.mark.parametrize("learners", [1, 8])
def test_useless_learners_win_no_more_often_than_stated(learners: int) -> None:
    wins = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = {"response": rng.normal(size=400), **{f"l{i}": rng.normal(size=400) for i in range(learners)}}
        crossed = by_hand(0.05 + rng.normal(size=400), scores)
        wins += choose(crossed, np.arange(400), n=100, seed=seed).targeting
    assert wins <= binom.ppf(0.995, 200, 0.05)


def step(seed: int, n: int = 4000) -> tuple[Array, Array]:
    """Customers of whom a half gains much and the other little, and unbiased scores of it."""
    rng = np.random.default_rng(seed)
    half = (rng.random(n) < 0.5).astype(float)
    return half, 0.3 * half + rng.normal(size=n)


def test_one_rule_is_used_where_no_learner_gains_more() -> None:
    half, effect = step(0)
    rng = np.random.default_rng(1)
    scores = {"response": rng.normal(size=4000), "dr": half + 0.01 * rng.normal(size=4000), "one_rule": half}
    found = choose(by_hand(effect, scores), np.arange(4000), n=100, seed=0)
    assert (found.name, found.targeting) == ("one_rule", True)
    assert "; one rule gains +0." in found.verdict
    assert "these data do not support more than one rule, which is used" in found.verdict


def test_a_learner_that_gains_more_than_the_rule_is_used() -> None:
    truth, effect = heterogeneous()
    noise = np.random.default_rng(2).normal(size=4000)
    scores = {"response": noise, "dr": truth, "average": truth + 0.1 * noise, "one_rule": (truth > 0.4).astype(float)}
    found = choose(by_hand(effect, scores), np.arange(4000), n=100, seed=0)
    assert (found.name, found.targeting) == ("dr", True)
    assert "one rule gains +0." in found.verdict
    assert "the average of the learners gains +0." in found.verdict
    assert "more than one rule: the best of them, dr, is used" in found.verdict


def test_a_useless_rule_and_useless_learners_win_no_more_often_than_stated() -> None:
    wins = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = {"response": rng.normal(size=400), "one_rule": (rng.random(400) < 0.5).astype(float),
                  **{name: rng.normal(size=400) for name in ("s", "dr", "average")}}  # fmt: skip
        wins += choose(by_hand(0.05 + rng.normal(size=400), scores), np.arange(400), n=100, seed=seed).targeting
    assert wins <= binom.ppf(0.995, 200, 0.05)


def test_the_lead_that_would_have_been_found_is_found_in_four_of_five_cases() -> None:
    wins, findable = 0, []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        score = rng.normal(size=600)
        slope = 0.24  # a lead of mean(slope * score) over the budgets
        scores = {"response": rng.normal(size=600), "dr": score}
        found = choose(by_hand(slope * score + rng.normal(size=600), scores), np.arange(600), n=100, seed=seed)
        wins += found.targeting
        findable.append(found.table.set_index("learner").loc["dr", "smallest_findable_lead"])
    lead = 0.24 * np.mean([np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5 for z in (1.2816, 0.8416, 0.5244, 0.2533, 0.0)])
    power = 0.8 + (lead / np.mean(findable) - 1)  # near the point itself a tenth more lead is about a tenth more power
    assert wins / 100 == pytest.approx(power, abs=0.15)


def test_where_less_is_better_the_learner_of_falls_wins() -> None:
    truth, effect = heterogeneous(seed=3)
    scores = {"proportional": np.random.default_rng(4).normal(size=4000), "dr": truth}
    found = choose(
        by_hand(effect, scores), np.arange(4000), n=100, seed=0, rival="proportional", sign=-1, what="leaving"
    )
    assert found.name == "dr"
    assert "the offer changes the leaving by +0." in found.verdict, "in its own direction"
    assert "than an effect in proportion to the expected outcome" in found.verdict
    first = truth <= np.quantile(truth, 0.2)
    gained = found.table.set_index("learner").loc["dr", "gain_at_20pct"]
    assert gained == pytest.approx(-effect[first].sum() / 4000, abs=0.01)


def test_an_effect_that_may_be_nothing_is_said_so() -> None:
    rng = np.random.default_rng(5)
    scores = {"response": rng.normal(size=500), "dr": rng.normal(size=500)}
    found = choose(by_hand(rng.normal(size=500), scores), np.arange(500), n=50, seed=0)
    assert "which may be nothing" in found.verdict


def test_levels_of_folds_do_not_matter() -> None:
    truth, effect = heterogeneous(seed=6)
    rng = np.random.default_rng(6)
    rival, fold = rng.normal(size=4000), np.arange(4000) % 4
    plain = choose(by_hand(effect, {"response": rival, "dr": truth}), np.arange(4000), n=50, seed=0)
    moved = choose(by_hand(effect, {"response": rival, "dr": truth + 100 * fold}), np.arange(4000), n=50, seed=0)
    assert plain.table.equals(moved.table)


def test_a_share_of_a_probability_has_one_sign() -> None:
    score = np.linspace(-0.01, 0.05, 400)
    effect = score + np.random.default_rng(8).normal(size=400)
    for sign in (1, -1):
        line = scale(sign * score, effect, np.arange(400), trusted=True, one_sign=True)
        assert (sign * line(sign * score)).min() == 0
        assert line(np.array([sign * 0.05])) == pytest.approx(sign * 0.05)
        assert line.knots()[1] == pytest.approx(sorted([0.0, sign * 0.05]))
    amount = scale(score, effect, np.arange(400), trusted=True)
    assert amount(score).min() == pytest.approx(-0.01), "an amount may fall below 0"


def test_a_scale_says_the_truth_and_is_flat_for_a_score_that_knows_nothing() -> None:
    truth, effect = heterogeneous(seed=7)
    line = scale(3 * truth - 1, effect, np.arange(4000))
    assert line.slope_low < 1 / 3 < line.slope_high
    assert np.abs(line(3 * truth - 1) - truth).max() < 0.2
    flat = scale(np.full(4000, 2.0), effect, np.arange(4000))
    assert flat(np.array([-9.0, 9.0])).tolist() == [effect.mean()] * 2
    assert flat.knots() == ([2.0, 3.0], [effect.mean()] * 2)
    turned = scale(-truth, effect, np.arange(4000))
    assert turned.slope == 0
    assert turned.slope_high < 0, "the evidence is told, the order never turned round"


def test_a_useless_score_has_a_slope_of_0_as_often_as_its_noise_allows() -> None:
    level = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        level += scale(rng.normal(size=300), rng.normal(size=300), np.arange(300)).slope == 0
    assert level >= binom.ppf(0.005, 200, 0.84), "below one error above 0"


def test_scores_beyond_the_range_count_as_its_ends_and_trust_keeps_the_score() -> None:
    truth, effect = heterogeneous(seed=12)
    line = scale(truth, effect, np.arange(4000))
    assert line(np.array([-99.0, 99.0])) == pytest.approx(line(np.array([truth.min(), truth.max()])))
    trusted = scale(truth, effect, np.arange(4000), trusted=True)
    np.testing.assert_allclose(trusted(truth), truth)
    assert trusted.slope_low < 1 < trusted.slope_high


def test_knots_are_the_line_where_it_is_straight_and_near_it_where_it_is_curved() -> None:
    rng = np.random.default_rng(9)
    margin = rng.normal(-1, 1.5, 4000)
    effect = 0.2 / (1 + np.exp(-margin)) + rng.normal(0, 0.02, 4000)
    for curve, near in ((None, 1e-12), (PLAIN, 2e-3)):
        line = scale(margin, effect, np.arange(4000), curve=curve)
        at, uplift = line.knots()
        assert np.all(np.diff(at) > 0)
        assert np.all(np.diff(uplift) >= 0)
        np.testing.assert_allclose(np.interp(margin, at, uplift), line(margin), atol=near)
    assert line(margin) == pytest.approx(0.2 / (1 + np.exp(-margin)), abs=0.01)


def test_an_effect_is_a_share_of_what_the_curve_tells_or_the_same_for_all() -> None:
    rng = np.random.default_rng(11)
    margin = rng.normal(-2, 1, 4000)
    p = 1 / (1 + np.exp(-margin))
    line = scale(margin, 0.3 * p + rng.normal(0, 0.5, 4000), np.arange(4000), curve=PLAIN)
    assert line.slope_low < 0.3 < line.slope_high
    assert line(margin) == pytest.approx(line.slope * p), "no response, no effect"
    harmful = -0.3 * p + rng.normal(0, 0.02, 4000)
    level = scale(margin, harmful, np.arange(4000), curve=PLAIN)
    assert level.slope_high < 0, "the evidence is told, the order never turned round"
    assert level(margin) == pytest.approx(harmful.mean())


def test_copies_of_a_customer_do_not_narrow_the_slope() -> None:
    truth, effect = heterogeneous(500, seed=10)
    one = scale(truth, effect, np.arange(500))
    copies = scale(np.tile(truth, 4), np.tile(effect, 4), np.tile(np.arange(500), 4))
    assert copies.slope_high - copies.slope_low == pytest.approx(one.slope_high - one.slope_low)
