import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from afraz.errors import DataError, ParamsError
from afraz.models.promotion.trial import assess_trial


def customers(rng: np.random.Generator, n: int) -> pd.DataFrame:
    income = rng.normal(3.0, 1.0, n)
    return pd.DataFrame({
        "age": rng.normal(50, 10, n), "spend": rng.lognormal(4, 1.2, n), "visits": rng.poisson(2, n),
        "income": np.where(rng.random(n) < 0.2, np.nan, income),
        "area": rng.choice(["rural", "suburb", "urban"], n, p=[0.2, 0.5, 0.3]),
    })  # fmt: skip


def by_age(table: pd.DataFrame, slope: float) -> np.ndarray:
    return 1 / (1 + np.exp(-slope * (table["age"].to_numpy() - 50) / 10))


@pytest.mark.slow
def test_true_trials_are_called_none_as_often_as_stated() -> None:
    alarms = 0
    for seed in range(210):
        rng = np.random.default_rng(seed)
        table = customers(rng, 300)
        share, stated = np.full(300, 0.5), {}
        if seed % 3 == 1:
            block = rng.integers(0, 2, 300)
            table["spend"] *= 1 + block
            share, stated = np.array([0.3, 0.7])[block], {"block": block}
        elif seed % 3 == 2:
            share = by_age(table, 0.7)
            stated = {"propensity": share}
        alarms += not assess_trial(table, rng.random(300) < share, draws=199, seed=seed, **stated).randomised
    assert binom.ppf(0.005, 210, 0.05) <= alarms <= binom.ppf(0.995, 210, 0.05)


def test_a_planted_confounder_is_found_and_named() -> None:
    rng = np.random.default_rng(3)
    table = customers(rng, 1500)
    found = assess_trial(table, rng.random(1500) < by_age(table, 0.5))
    assert not found.randomised
    assert found.balance["feature"].iloc[0] == "age"
    assert found.max_smd == found.balance["smd"].abs().max() > found.max_smd_by_chance > found.max_smd_expected
    assert found.balance.loc[found.balance["feature"] != "age", "smd"].abs().max() < found.max_smd_by_chance
    assert found.treatment_auc["low"] > 0.5
    assert found.estimator == "doubly robust with an estimated treatment model"
    assert f"{found.max_smd:.3f} (age)" in found.why


def test_a_choice_that_leaves_every_mean_equal_is_found_by_the_model() -> None:
    rng = np.random.default_rng(4)
    table = customers(rng, 2000)
    alike = (table["age"] > 50) == (table["spend"] > np.exp(4))  # both medians: neither feature's mean moves
    found = assess_trial(table, rng.random(2000) < np.where(alike, 0.75, 0.25))
    assert found.max_smd < found.max_smd_by_chance
    assert found.treatment_auc["low"] > 0.5
    assert not found.randomised
    assert "SMD" not in found.why


def test_the_verdict_is_not_a_fixed_tenth() -> None:
    rng = np.random.default_rng(5)
    table = customers(rng, 120)
    small = assess_trial(table, rng.permutation(120) < 60)
    assert small.randomised
    assert small.max_smd > 0.1
    table = customers(rng, 15_000)
    large = assess_trial(table, rng.random(15_000) < by_age(table, 0.08), draws=199)
    assert not large.randomised
    assert large.max_smd < 0.1


def test_shares_that_differ_by_campaign_need_the_campaign_to_be_told() -> None:
    rng = np.random.default_rng(6)
    table = customers(rng, 1200)
    campaign = rng.choice(["spring", "winter"], 1200)
    table["age"] += 10 * (campaign == "winter")
    treated = rng.random(1200) < np.where(campaign == "winter", 0.7, 0.3)
    assert not assess_trial(table, treated).randomised
    told = assess_trial(table, treated, block=campaign)
    assert told.randomised
    assert told.estimator == "difference in means within blocks"
    for name in ("spring", "winter"):
        rows = campaign == name
        assert told.propensity[rows] == pytest.approx(treated[rows].mean())


def test_stated_propensities_that_hold_are_used() -> None:
    rng = np.random.default_rng(7)
    table = customers(rng, 2000)
    stated = by_age(table, 0.7)
    treated = rng.random(2000) < stated
    assert not assess_trial(table, treated).randomised
    found = assess_trial(table, treated, propensity=stated)
    assert found.randomised
    assert found.estimator == "stated propensities"
    np.testing.assert_array_equal(found.propensity, stated)
    assert found.calibration is not None
    assert found.calibration["p_value"] > 0.05


def test_stated_propensities_that_do_not_hold_are_refused() -> None:
    rng = np.random.default_rng(8)
    table = customers(rng, 2000)
    treated = rng.random(2000) < 0.6
    found = assess_trial(table, treated, propensity=np.full(2000, 0.5))
    assert not found.randomised
    assert "the stated propensities do not hold" in found.why
    assert "foretells" not in found.why  # the draw was fair; only its share was not the one stated
    assert found.propensity.mean() == pytest.approx(treated.mean(), abs=0.01)


def test_a_constant_stated_share_that_holds_asks_for_a_difference_in_means() -> None:
    rng = np.random.default_rng(9)
    found = assess_trial(customers(rng, 600), rng.permutation(600) < 300, propensity=np.full(600, 0.5))
    assert found.randomised
    assert found.estimator == "difference in means"


def test_the_one_arm_of_several_that_was_aimed_is_named() -> None:
    rng = np.random.default_rng(10)
    table = customers(rng, 3000)
    to_aim = by_age(table, 0.8)
    arm = np.where(rng.random(3000) < to_aim / 2, "call", np.where(rng.random(3000) < 0.5, "mail", "none"))
    found = assess_trial(table, arm, control="none")
    assert not found.randomised
    assert found.arms == ["none", "call", "mail"]
    assert found.auc_by_arm["call"]["low"] > 0.5 > found.auc_by_arm["mail"]["low"]
    assert found.balance["arm"].iloc[0] == "call"
    assert found.propensity.shape == (3000, 3)
    assert found.propensity.sum(axis=1) == pytest.approx(1)
    assert np.corrcoef(found.propensity[:, 1], to_aim)[0, 1] > 0.8


def test_several_arms_of_a_true_trial_pass() -> None:
    rng = np.random.default_rng(11)
    arm = rng.choice(["none", "mail", "call"], 1500)
    found = assess_trial(customers(rng, 1500), arm, control="none")
    assert found.randomised
    assert found.propensity[0].tolist() == pytest.approx([np.mean(arm == a) for a in ("none", "call", "mail")])


def test_weights_by_the_estimated_propensity_take_the_confounding_away() -> None:
    rng = np.random.default_rng(12)
    table = customers(rng, 6000)
    p = by_age(table, 0.8)
    treated = rng.random(6000) < p
    response = 0.2 * treated + 0.05 * (table["age"].to_numpy() - 50) + rng.normal(0, 0.5, 6000)
    e = assess_trial(table, treated).propensity
    assert np.corrcoef(e, p)[0, 1] > 0.95
    raw = response[treated].mean() - response[~treated].mean()
    weighed = np.average(response[treated], weights=1 / e[treated]) - np.average(
        response[~treated], weights=1 / (1 - e[~treated])
    )
    assert raw > 0.5
    assert weighed == pytest.approx(0.2, abs=0.06)


def test_rows_without_a_counterpart_are_counted() -> None:
    rng = np.random.default_rng(13)
    table = customers(rng, 2000)
    aimed = assess_trial(table, rng.random(2000) < by_age(table, 6.0))
    mild = assess_trial(table, rng.random(2000) < by_age(table, 0.5))
    assert aimed.outside_overlap > 0.3
    assert f"{aimed.outside_overlap:.1%} of the rows have a propensity outside 0.05 to 0.95" in aimed.why
    assert mild.outside_overlap < 0.01


def test_equal_seeds_give_equal_verdicts_and_inputs_stay() -> None:
    rng = np.random.default_rng(14)
    table = customers(rng, 300)
    before, treated = table.copy(), rng.random(300) < by_age(table, 1.0)
    one, two = (assess_trial(table, treated, draws=99) for _ in range(2))
    assert one.why == two.why
    np.testing.assert_array_equal(one.propensity, two.propensity)
    pd.testing.assert_frame_equal(table, before)


def test_a_constant_feature_is_left_out_with_a_note() -> None:
    rng = np.random.default_rng(15)
    table = customers(rng, 300).assign(country="PT")
    found = assess_trial(table, rng.permutation(300) < 150, draws=99)
    assert found.notes == ["country: left out, the same value in every row"]
    assert "country" not in set(found.balance["feature"])


def test_constant_features_alone_are_refused() -> None:
    with pytest.raises(DataError, match="no feature is left of 1 columns"):
        assess_trial(pd.DataFrame({"country": ["PT"] * 100}), [0, 1] * 50)


@pytest.mark.parametrize("level", [0.0, 1.0, 0.0005])
def test_a_level_that_the_draws_cannot_tell_is_refused(level: float) -> None:
    table = customers(np.random.default_rng(16), 100)
    with pytest.raises(ParamsError, match="level must lie between 0 and 1 and draws be at least"):
        assess_trial(table, [0, 1] * 50, level=level)
