"""Drawn losses against closed forms and against loans drawn one by one."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from afraz.risk.losses import Dependence, loss_draws
from afraz.risk.measures import kolmogorov_distance
from afraz.risk.vasicek import conditional_probability, loss_distribution, loss_quantile

from .books import rows

N = 60_000


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("rho", [0.02, 0.1, 0.3])
def test_many_small_loans_have_vasiceks_quantiles(rho: float) -> None:
    drawn = loss_draws(rows(n=50, count=1e6, exposure=1.0), Dependence(rho), N, rng()) / 50
    for level in (0.5, 0.9, 0.99, 0.999):
        # three standard errors of a share of N draws, in terms of the level
        at = float(loss_distribution(np.quantile(drawn, level), 0.02, rho))
        assert abs(at - level) < 3 * np.sqrt(level * (1 - level) / N) + 1e-4
    assert np.quantile(drawn, 0.999) == pytest.approx(float(loss_quantile(0.02, rho, 0.999)), rel=0.1)


def test_few_equal_loans_without_correlation_are_binomial() -> None:
    drawn = loss_draws(rows(n=30, probability=0.1), Dependence(), N, rng())
    seen = np.bincount(drawn.round().astype(int), minlength=31) / N
    assert np.abs(np.cumsum(seen) - binom.cdf(np.arange(31), 30, 0.1)).max() < 0.01


def brute(book: pd.DataFrame, how: Dependence, n: int) -> np.ndarray:
    """Every loan by itself, in every scenario."""
    p, s, e = (book[c].to_numpy(float) for c in ("probability", "severity", "exposure"))
    _, group = np.unique(book["factor"], return_inverse=True)
    draws, out = rng(99), np.empty(n)
    size = 1 / how.severity_spread - 1
    for i in range(n):
        shared, own = draws.standard_normal(), draws.standard_normal(group.max() + 1)
        z = np.sqrt(how.persistence) * shared + np.sqrt(1 - how.persistence) * own
        hit = draws.random(len(p)) < conditional_probability(p, z[group], how.correlation)
        out[i] = (e * np.where(hit, draws.beta(s * size, (1 - s) * size), 0.0)).sum()
    return out


@pytest.mark.parametrize("persistence", [0.0, 0.5, 1.0])
def test_an_uneven_book_is_drawn_as_if_loan_by_loan(persistence: float) -> None:
    draws = rng(3)
    n = 1500
    book = rows(n=n, exposure=draws.lognormal(8, 1.2, n), probability=draws.beta(1, 40, n),
                severity=draws.uniform(0.2, 0.8, n), factor=draws.integers(0, 6, n).astype(str))  # fmt: skip
    how = Dependence(0.1, persistence, 0.4)
    first, ours = brute(book, how, 6000), loss_draws(book, how, N, rng())
    # two samples of 6,000 and 60,000 of one distribution differ by more than .024 in one case of three hundred
    assert kolmogorov_distance(first, ours) < 0.024
    assert ours.mean() == pytest.approx((book["exposure"] * book["probability"] * book["severity"]).sum(), rel=0.02)
    assert np.quantile(ours, 0.99) == pytest.approx(np.quantile(first, 0.99), rel=0.06)


def test_a_persistent_factor_has_the_longer_tail() -> None:
    book = rows(n=2000, factor=[str(i % 8) for i in range(2000)])
    apart, together = (np.quantile(loss_draws(book, Dependence(0.1, x), N, rng()), 0.999) for x in (0.0, 1.0))
    assert together > 1.5 * apart


def test_losses_stay_between_nothing_and_everything() -> None:
    drawn = loss_draws(rows(n=100, probability=0.9), Dependence(0.5, 1.0, 0.9), 5000, rng())
    assert drawn.min() >= 0
    assert drawn.max() <= 100


def test_certain_and_impossible_positions_are_certain_and_impossible() -> None:
    drawn = loss_draws(rows(n=2, probability=[1.0, 0.0], exposure=[3.0, 5.0]), Dependence(0.2), 1000, rng())
    assert drawn == pytest.approx(np.full(1000, 3.0))
    many = rows(n=200, probability=[1.0, 0.0] * 100, exposure=1.0)
    assert loss_draws(many, Dependence(0.2), 1000, rng()) == pytest.approx(np.full(1000, 100.0), abs=1e-3)


def test_equal_seeds_give_equal_bytes() -> None:
    first, second = (loss_draws(rows(), Dependence(0.1), 1000, rng()) for _ in range(2))
    assert first.tobytes() == second.tobytes()
