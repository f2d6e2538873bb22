"""BG/NBD: the published fit and forecasts of CDNOW, the gradient, known truth, and what it says of silent customers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import beta as beta_function
from scipy.special import gamma, hyp2f1

from afraz.errors import DataError
from afraz.models.value.bg_nbd import BgNbd, fit_bg_nbd, log_likelihood
from afraz.models.value.histories import Histories
from afraz.models.value.tracking import expected_tracking

from .cdnow import TEN, differences, forecast_gaps, sample, standardised

PUBLISHED = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)  # Fader, Hardie and Lee 2005, table 2


def test_the_published_fit_of_cdnow_is_reproduced(public_data: Path) -> None:
    found = fit_bg_nbd(sample(public_data)[0]).checked()
    assert found.n == 2357
    rounded = {name: round(value, 4) for name, value in found.params.items()}
    assert rounded == {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
    assert round(found.log_likelihood, 3) == -9582.429


def test_the_published_forecasts_of_cdnow_are_reproduced(public_data: Path) -> None:
    history, later = sample(public_data)
    model = fit_bg_nbd(history).model
    observed = history["frequency"].sum() + later["purchases"].sum()
    total = expected_tracking(model, history["T"], [39.0])[0]
    assert (round(total), observed, round(100 * (total / observed - 1), 1)) == (4161, 4339, -4.1)
    forecast = model.expected_purchases(history, 39.0)
    assert later["purchases"].sum() == 1882
    assert round(100 * (forecast.sum() / 1882 - 1)) == -12
    assert round(float(np.corrcoef(forecast, later["purchases"])[0, 1]), 3) == 0.626


def test_the_likelihood_is_the_paper_s() -> None:
    r, alpha, a, b = theta = np.array([0.7, 5.0, 1.3, 2.1])
    x, t_x, age = (TEN[name].to_numpy() for name in ("frequency", "recency", "T"))
    stays = beta_function(a, b + x) / beta_function(a, b) / (alpha + age) ** (r + x)
    leaves = np.where(x > 0, beta_function(a + 1, b + np.maximum(x, 1) - 1) / beta_function(a, b), 0)
    each = gamma(r + x) * alpha**r / gamma(r) * (stays + leaves / (alpha + t_x) ** (r + x))
    assert log_likelihood(Histories.of(TEN))(theta)[0] == pytest.approx(np.log(each).sum(), rel=1e-12)


@pytest.mark.parametrize("theta", [(0.24, 4.4, 0.79, 2.4), (3.0, 0.2, 1e-3, 40.0), (0.01, 300.0, 5.0, 0.1)])
def test_the_gradient_is_that_of_differences(theta: tuple[float, ...]) -> None:
    function = log_likelihood(Histories.of(TEN))
    assert function(np.array(theta))[1] == pytest.approx(differences(function, np.array(theta)), rel=1e-5, abs=1e-5)


def test_simulated_parameters_are_recovered_within_their_standard_errors() -> None:
    truth = {"r": 0.6, "alpha": 6.0, "a": 0.9, "b": 2.5}
    fits = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fits.append(fit_bg_nbd(BgNbd(**truth).simulate(rng.uniform(20, 60, 3000), rng)).checked())
    off = np.abs(standardised(fits, truth))
    assert off.max() < 4
    assert (off < 3).mean() >= 0.95
    assert 0.85 <= (off < 1.96).mean() < 1


def test_expected_purchases_are_those_of_simulated_customers() -> None:
    model, rng = BgNbd(0.5, 5.0, 0.8, 2.5), np.random.default_rng(5)
    drawn = model.simulate(np.full(200_000, 39.0), rng, horizon=39.0)
    gaps = forecast_gaps(drawn, model.expected_purchases(drawn, 39.0))
    assert len(gaps) >= 25
    assert gaps.abs().max() < 4
    assert model.expected_repeats(39.0)[0] == pytest.approx(drawn["frequency"].mean(), rel=0.02)
    both = drawn["frequency"] + drawn["purchases"]
    assert model.expected_repeats(78.0)[0] == pytest.approx(both.mean(), rel=0.02)


@pytest.mark.parametrize("a", [0.5, 0.999, 1.0, 1.001, 3.0])
def test_the_expectation_is_the_closed_form_where_that_has_digits(a: float) -> None:
    r, alpha, b = 0.7, 4.0, 2.5
    times = np.array([1.0, 20.0, 78.0, 500.0])
    found = BgNbd(r, alpha, a, b).expected_repeats(times)

    def closed(a: float) -> np.ndarray:
        h = hyp2f1(r, b, a + b - 1, times / (alpha + times))
        return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + times)) ** r * h)

    expected = closed(a) if abs(a - 1) > 0.01 else (closed(a + 0.003) + closed(a - 0.003)) / 2
    assert found == pytest.approx(expected, rel=1e-9 if abs(a - 1) > 0.01 else 1e-4)


def test_a_customer_with_a_single_purchase_is_always_called_alive() -> None:
    silent = pd.DataFrame({"frequency": [0, 0], "recency": [0.0, 0.0], "T": [1.0, 5000.0]})
    assert PUBLISHED.p_alive(silent).tolist() == [1.0, 1.0]
    soon, late = PUBLISHED.expected_purchases(silent, 39.0)
    assert 0 < late < 0.01 < soon, "alive, but not expected to buy"


def test_p_alive_lies_within_its_bounds_rises_with_recency_and_falls_with_age() -> None:
    assert ((PUBLISHED.p_alive(TEN) > 0) & (PUBLISHED.p_alive(TEN) <= 1)).all()
    for x in (1, 3, 30, 400):
        recency = np.linspace(0.5, 39, 40)
        seen = PUBLISHED.p_alive(pd.DataFrame({"frequency": x, "recency": recency, "T": 39.0}))
        aged = PUBLISHED.p_alive(pd.DataFrame({"frequency": x, "recency": 10.0, "T": recency + 10}))
        assert (np.diff(seen) >= 0).all()
        assert (np.diff(aged) <= 0).all()
        assert seen[0] < seen[-1]
        assert aged[-1] < aged[0]


def test_without_any_repeat_purchase_nothing_is_identified() -> None:
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": np.arange(1.0, 50.0)})
    with pytest.raises(DataError, match="none of 49 customers has bought again: neither their rate nor when they"):
        fit_bg_nbd(once)


def test_customers_who_never_leave_are_not_given_a_rate_of_leaving() -> None:
    rng = np.random.default_rng(1)
    x = rng.poisson(rng.gamma(2.0, 1 / 8.0, 4000) * 40)
    steady = pd.DataFrame({"frequency": x, "recency": np.where(x > 0, 39.9, 0.0), "T": 40.0})
    found = fit_bg_nbd(steady)
    assert not found.converged
    assert found.params["a"] / (found.params["a"] + found.params["b"]) < 0.001
    assert "its bound" in found.problem or "flat" in found.problem


def test_the_order_of_customers_does_not_change_a_byte() -> None:
    drawn = BgNbd(0.6, 6.0, 0.9, 2.5).simulate(np.full(500, 30.0), np.random.default_rng(2))
    assert fit_bg_nbd(drawn) == fit_bg_nbd(drawn[::-1])
