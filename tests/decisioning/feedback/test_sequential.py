"""Tests that are looked at all the time: how often they are wrong, and what they find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from afraz.decisioning.feedback.sequential import SequentialTest, e_bh
from afraz.decisioning.feedback.trials import Trial, ever_significant, ever_significant_ordinary, simulate
from afraz.errors import ParamsError

BOUND = binom.ppf(0.999, 1000, 0.05) / 1000


@pytest.mark.parametrize("final_share", [0.0, 0.8])
@pytest.mark.parametrize("propensity", ["even", "varied"])
@pytest.mark.parametrize(("arrival", "money"), [("at_once", False), ("over_time", True)])
def test_a_thousand_campaigns_without_effect_stay_within_the_level_at_two_hundred_looks(
    final_share: float, propensity: str, arrival: str, money: bool
) -> None:
    trial = Trial(propensity=propensity, arrival=arrival, money=money)  # type: ignore[arg-type]
    share, _ = ever_significant(trial, SequentialTest(planned=270, final_share=final_share))
    assert 0 < share <= BOUND


def test_an_ordinary_test_that_is_repeated_is_wrong_far_more_often() -> None:
    assert ever_significant_ordinary(Trial()) > 4 * BOUND


@pytest.mark.parametrize(("final_share", "customers"), [(0.0, 9000), (0.8, 6000)])
def test_two_points_are_found_with_a_power_of_eighty_per_cent(final_share: float, customers: int) -> None:
    test = SequentialTest(planned=0.07 * customers, final_share=final_share)
    power, half_way = ever_significant(Trial(customers=customers, effect=0.02), test)
    assert power >= 0.8
    assert half_way > 0.05  # and some are found long before the end


@pytest.mark.parametrize("arrival", ["at_once", "over_time"])
@pytest.mark.parametrize("money", [False, True])
def test_intervals_hold_the_true_effect_at_all_looks_together(arrival: str, money: bool) -> None:
    trial = Trial(effect=0.03, arrival=arrival, money=money)  # type: ignore[arg-type]
    effect, error, responses = simulate(trial, 400, np.random.default_rng(11))
    so_far = np.arange(1, 201) / 200 if arrival == "at_once" else np.ones(200)  # the share that has answered by then
    truth = 0.03 * so_far * (np.exp(3.6 + 0.7**2 / 2) if money else 1.0)
    reach = np.where(responses > 0, SequentialTest(planned=300).threshold(np.maximum(responses, 1)) * error, np.inf)
    missed = (np.abs(effect - truth) > reach).any(axis=1).mean()
    assert missed <= binom.ppf(0.999, 400, 0.05) / 400


def test_a_harmful_effect_is_found_as_well_as_a_good_one() -> None:
    test = SequentialTest(planned=630)
    good, bad = (ever_significant(Trial(9000, rate, effect), test, 200)[0] for rate, effect in
                 ((0.05, 0.03), (0.08, -0.03)))  # fmt: skip
    assert good > 0.95
    assert bad > 0.95


@given(st.floats(-9, 9), st.integers(0, 5000), st.booleans(), st.sampled_from([0.0, 0.5, 0.8]))
def test_the_interval_leaves_zero_out_exactly_where_the_p_value_is_within_the_level(
    z: float, responses: int, final: bool, share: float
) -> None:
    test = SequentialTest(final_share=share)
    wide = float(test.threshold(responses, final))
    if abs(abs(z) - wide) > 1e-9:
        assert (float(test.p_value(z, responses, final)) <= test.level) == (
            abs(z) > min(wide, float(test.threshold(responses)))
        )


def test_the_mixture_averages_to_one_without_an_effect() -> None:
    z = np.random.default_rng(3).normal(size=400_000)
    assert SequentialTest().e_value(z, 30.0).mean() == pytest.approx(1, abs=0.02)


def test_the_interval_is_narrowest_at_the_planned_number_of_responses() -> None:
    """Narrowest in units of the effect: the standard error falls with the root of the responses."""
    responses = np.arange(10, 3000)
    each = [SequentialTest(planned=p).threshold(300) / np.sqrt(300) for p in (30, 100, 200, 300, 400, 900, 3000)]
    assert int(np.argmin(each)) == 3
    assert np.isfinite(SequentialTest().threshold(responses)).all()


def test_without_a_response_nothing_is_claimed() -> None:
    test = SequentialTest(final_share=0.8)
    assert test.p_value(np.nan, 0, True) == 1
    assert np.isinf(test.threshold(0, True))


def test_discoveries_among_dependent_cells_are_mostly_real() -> None:
    """Ninety cells that share all their noise and ten real ones: the mean share of false discoveries stays small."""
    rng, test, false = np.random.default_rng(5), SequentialTest(planned=100), []
    for _ in range(2000):
        z = rng.normal() + 0.1 * rng.normal(size=100)
        z[90:] += 5
        found = e_bh(test.e_value(z, 100.0))
        false.append(found[:90].sum() / max(found.sum(), 1))
    assert np.mean(false) <= 0.05


def test_discovery_needs_evidence_in_proportion_to_the_number_of_cells() -> None:
    assert e_bh([50.0, 1.0]).tolist() == [True, False]
    assert e_bh([50.0, *[1.0] * 9]).tolist() == [False] * 10
    assert e_bh([]).tolist() == []


def test_levels_and_plans_out_of_range_are_refused() -> None:
    with pytest.raises(ParamsError, match="level lies between 0 and 1, got 5"):
        SequentialTest(level=5)
    with pytest.raises(ParamsError, match="above 0, got 0"):
        SequentialTest(planned=0)
