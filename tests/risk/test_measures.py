"""Value at risk, expected shortfall and their contributions, against the Gaussian closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from afraz.errors import ParamsError
from afraz.risk.measures import (
    expected_shortfall,
    kolmogorov_distance,
    quantile_contributions,
    shortfall_contributions,
    value_at_risk,
)

MEAN = np.array([3.0, 1.0, 0.5, 2.0])
COVARIANCE = np.array([[4, 1, 0.2, 0], [1, 1, 0.1, 0.3], [0.2, 0.1, 0.25, -0.1], [0, 0.3, -0.1, 9]])


def normal_losses(n: int = 100_000, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).multivariate_normal(MEAN, COVARIANCE, n)


@pytest.mark.parametrize("level", [0.9, 0.99, 0.999])
def test_quantile_contributions_are_those_of_the_closed_form(level: float) -> None:
    found = quantile_contributions(normal_losses(), level)
    spread = np.sqrt(COVARIANCE.sum())
    exact = MEAN + norm.ppf(level) * COVARIANCE.sum(axis=1) / spread
    assert (np.abs(found.parts - exact) < 3 * found.standard_errors).all()
    assert found.gap < 1e-9


@pytest.mark.parametrize("level", [0.9, 0.975, 0.999])
def test_shortfall_contributions_are_those_of_the_closed_form(level: float) -> None:
    found = shortfall_contributions(normal_losses(), level)
    spread = np.sqrt(COVARIANCE.sum())
    exact = MEAN + norm.pdf(norm.ppf(level)) / (1 - level) * COVARIANCE.sum(axis=1) / spread
    assert (np.abs(found.parts - exact) < 3 * found.standard_errors).all()
    assert found.gap < 1e-9


def test_standard_errors_are_the_spread_over_other_seeds() -> None:
    runs = [shortfall_contributions(normal_losses(20_000, seed), 0.975) for seed in range(40)]
    spread = np.std([r.parts for r in runs], axis=0, ddof=1)
    assert runs[0].standard_errors == pytest.approx(spread, rel=0.35)
    runs = [quantile_contributions(normal_losses(20_000, seed), 0.99) for seed in range(40)]
    spread = np.std([r.parts for r in runs], axis=0, ddof=1)
    assert runs[0].standard_errors == pytest.approx(spread, rel=0.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.95, 0.95), st.floats(0.1, 10), st.sampled_from([0.9, 0.975, 0.99]))
def test_expected_shortfall_is_subadditive(seed: int, rho: float, scale: float, level: float) -> None:
    x = np.random.default_rng(seed).multivariate_normal([0, 0], [[1, rho], [rho, 1]], 5000) * [1, scale]
    apart = expected_shortfall(x[:, 0], level) + expected_shortfall(x[:, 1], level)
    assert expected_shortfall(x.sum(axis=1), level) <= apart + 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.5, 0.95, 0.99]))
def test_contributions_add_up_whatever_the_losses(seed: int, units: int, level: float) -> None:
    x = np.random.default_rng(seed).pareto(1.5, (3000, units)) * 10.0 ** np.arange(units)
    for contributions in (quantile_contributions, shortfall_contributions):
        found = contributions(x, level)
        assert abs(found.parts.sum() - found.total) <= 1e-9 * abs(found.total)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_measures_grow_with_their_level_and_shortfall_lies_above(seed: int) -> None:
    x = np.random.default_rng(seed).lognormal(0, 1, 20_000)
    levels = np.array([0.5, 0.9, 0.99, 0.999])
    quantiles = np.array([value_at_risk(x, level) for level in levels])
    beyond = np.array([expected_shortfall(x, level) for level in levels])
    assert (np.diff(quantiles) > 0).all()
    assert (np.diff(beyond) > 0).all()
    assert (beyond > quantiles).all()


def test_measures_move_with_a_shift_and_a_scale() -> None:
    x = normal_losses(20_000)[:, 0]
    assert value_at_risk(2 * x + 5, 0.99) == pytest.approx(2 * value_at_risk(x, 0.99) + 5)
    assert expected_shortfall(2 * x + 5, 0.99) == pytest.approx(2 * expected_shortfall(x, 0.99) + 5)


def test_too_few_scenarios_for_a_level_are_refused_with_the_number_needed() -> None:
    with pytest.raises(ParamsError, match="5,000 scenarios hold fewer than 10 beyond .* 0.999: take at least 10,000"):
        value_at_risk(np.arange(5000.0), 0.999)
    with pytest.raises(ParamsError, match="level: expected between 0 and 1, got 1"):
        expected_shortfall(np.arange(5000.0), 1)


def test_the_distance_of_two_samples_is_scipys() -> None:
    from scipy.stats import ks_2samp

    a, b = np.random.default_rng(1).normal(size=500), np.random.default_rng(2).normal(0.3, size=800)
    assert kolmogorov_distance(a, b) == pytest.approx(ks_2samp(a, b).statistic)
