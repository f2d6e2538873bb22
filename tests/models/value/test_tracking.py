"""The tracking curve: cohorts start on their own day, and simulated customers follow it."""

import numpy as np
import pytest

from afraz.errors import ParamsError
from afraz.models.value.pareto_nbd import ParetoNbd
from afraz.models.value.tracking import expected_tracking

MODEL = ParetoNbd(0.8, 8.0, 0.9, 14.0)


def test_a_cohort_counts_from_its_own_first_day_on() -> None:
    found = expected_tracking(MODEL, [10.0, 30.0, 30.0], [-40.0, -30.0, -20.0, -10.0, 0.0])
    one = MODEL.expected_repeats([10.0, 20.0, 30.0])
    assert found == pytest.approx([0, 0, 2 * one[0], 2 * one[1], 2 * one[2] + one[0]], rel=1e-12)


def test_simulated_customers_follow_the_curve() -> None:
    rng = np.random.default_rng(4)
    age = rng.integers(27, 39, 100_000).astype(float)
    drawn = MODEL.simulate(age, rng, horizon=39.0)
    now, later = expected_tracking(MODEL, age, [0.0, 39.0])
    assert drawn["frequency"].sum() == pytest.approx(now, rel=0.02)
    assert (drawn["frequency"] + drawn["purchases"]).sum() == pytest.approx(later, rel=0.02)


def test_an_age_below_zero_is_refused_with_its_number() -> None:
    with pytest.raises(ParamsError, match="1 of 2 are not"):
        expected_tracking(MODEL, [1.0, -1.0], [0.0])
