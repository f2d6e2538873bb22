"""The common shock: banks whose quarters are known to move together, and banks whose quarters are not."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from afraz.errors import DataError
from afraz.models.credit import common_shock


def quarters(seed: int, cohorts: int, correlation: float, each: int = 300) -> tuple[np.ndarray, ...]:
    """Draw calibrated loans of quarters that share Vasicek's factor: label, probability, customer, quarter."""
    rng = np.random.default_rng(seed)
    p, quarter = rng.beta(1, 11, cohorts * each), np.repeat(np.arange(cohorts), each)
    factor = rng.normal(size=cohorts)[quarter]
    given_factor = ndtr((ndtri(p) - np.sqrt(correlation) * factor) / np.sqrt(1 - correlation))
    label = rng.random(len(p)) < given_factor
    return label.astype(float), p, rng.integers(0, len(p), len(p)), quarter


def test_level_draws_hold_the_true_level_where_customers_alone_do_not() -> None:
    # measured: 95.0 % of these 120 banks of twelve quarters; customers alone 65.8 %
    covered = np.zeros(2)
    for seed in range(120):
        label, p, who, quarter = quarters(seed, 12, 0.05)
        draws = common_shock.level_draws(label, p, who, quarter, n=150, seed=seed)
        alone = draws / common_shock.cohort_factors(label, p, who, quarter, 150, seed)
        covered += [np.quantile(d, 0.025) <= 1 <= np.quantile(d, 0.975) for d in (draws, alone)]
    assert covered[0] / 120 >= 0.88
    assert covered[1] / 120 < 0.7


def test_quarters_that_do_not_differ_add_little() -> None:
    calm = np.mean([common_shock.cohort_factors(*quarters(s, 10, 0.0), 200, s).std() for s in range(20)])
    shaken = np.mean([common_shock.cohort_factors(*quarters(s, 10, 0.05), 200, s).std() for s in range(20)])
    assert shaken > 4 * calm
    _, p, who, quarter = quarters(3, 10, 0.0)
    even = common_shock.cohort_factors(p, p, who, quarter, 50, 0)
    assert (even == 1).all()


def test_level_draws_lie_around_observed_over_expected() -> None:
    label, p, who, quarter = quarters(1, 8, 0.02)
    draws = common_shock.level_draws(label, p * 0.8, who, quarter, n=400)
    assert draws.shape == (400,)
    assert np.median(draws) == pytest.approx(label.sum() / (0.8 * p).sum(), rel=0.03)
    assert (draws > 0).all()


def test_a_spread_needs_four_cohorts_and_a_level_needs_defaults() -> None:
    label, p, who, quarter = quarters(1, 3, 0.02)
    with pytest.raises(DataError, match="at least 4 cohorts to see how they differ, got 3"):
        common_shock.level_draws(label, p, who, quarter)
    with pytest.raises(DataError, match="expected defaults among 1,200 loans, got none"):
        common_shock.level_draws(np.zeros(1200), *quarters(1, 4, 0.0)[1:])
    with pytest.raises(DataError, match="a probability above 0 in every cohort, 1 have none"):
        common_shock.level_draws([0, 1, 0, 1], [0.0, 0.1, 0.1, 0.1], [1, 2, 3, 4], [1, 2, 3, 4])
    with pytest.raises(DataError, match="cohort: expected one for every row, 1 of 4 are missing"):
        common_shock.level_draws([0, 1, 0, 1], [0.1] * 4, [1, 2, 3, 4], ["a", "b", "c", None])
