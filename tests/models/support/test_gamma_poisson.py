"""Rates that differ between customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from afraz.errors import DataError
from afraz.models.support.gamma_poisson import GammaPoisson, expected_excess, fit_gamma_poisson, poisson_deviance


def test_planted_rates_are_found_with_different_pasts() -> None:
    rng = np.random.default_rng(4)
    days = rng.integers(30, 900, 30_000).astype(float)
    counts = rng.poisson(rng.gamma(1.5, 0.004 / 1.5, 30_000) * days)
    found = fit_gamma_poisson(counts, days)
    assert found.shape == pytest.approx(1.5, rel=0.08)
    assert found.mean == pytest.approx(0.004, rel=0.03)


def test_equal_customers_are_taken_as_equal() -> None:
    counts = np.random.default_rng(5).poisson(2.0, 20_000)
    found = fit_gamma_poisson(counts, np.full(20_000, 200.0))
    rate = found.rate([0, 6], [200.0, 200.0]) * 200
    assert rate == pytest.approx([2.0, 2.0], abs=0.15)


@pytest.mark.parametrize("mean", [2.0, 0.02])
def test_with_equal_pasts_the_mean_is_that_of_the_counts(mean: float) -> None:
    counts = np.random.default_rng(6).poisson(mean, 5_000)
    assert fit_gamma_poisson(counts, np.full(5_000, 200.0)).mean == pytest.approx(counts.mean() / 200, rel=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.floats(0, 2_000), st.floats(0.1, 50), st.floats(1e-4, 0.1))
def test_a_customers_rate_lies_between_its_own_and_everybodys(n: int, days: float, shape: float, mean: float) -> None:
    rate = float(GammaPoisson(shape, mean).rate([n], [days])[0])
    own = n / days if days else mean
    assert min(own, mean) - 1e-12 <= rate <= max(own, mean) + 1e-12 or days == 0
    if days == 0 and n == 0:
        assert rate == pytest.approx(mean)


def test_excess_is_that_of_the_negative_binomial() -> None:
    mean, shape = 3.0, 2.5
    counts = np.arange(400)
    chance = nbinom.pmf(counts, shape, shape / (shape + mean))
    for included in (0, 1, 4, 12):
        by_hand = (np.maximum(counts - included, 0) * chance).sum()
        assert expected_excess([mean], [shape], included)[0] == pytest.approx(by_hand, abs=1e-9)


def test_nobody_called_or_nobody_was_there() -> None:
    assert 0 < fit_gamma_poisson([0, 0, 0], [100, 100, 100]).mean < 0.01
    with pytest.raises(DataError, match="2 customers have a negative number of contacts"):
        fit_gamma_poisson([-1, -2, 3], [10, 10, 10])


def test_deviance_is_least_at_what_was_seen() -> None:
    seen = np.array([0.0, 1.0, 5.0])
    assert poisson_deviance(seen, seen).max() < 1e-6
    assert (poisson_deviance(seen, seen + 1) > 0).all()
