"""Pareto/NBD: the published fit of CDNOW, its integrals by other means, the gradient, known truth."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import gamma, hyp2f1

from afraz.errors import DataError
from afraz.models.value.histories import Histories
from afraz.models.value.pareto_nbd import ParetoNbd, _tail, fit_pareto_nbd, log_likelihood

from .cdnow import TEN, differences, forecast_gaps, sample, standardised

BOTH_SIDES = [(0.553, 10.578, 0.606, 11.669), (0.8, 12.0, 0.4, 3.0), (0.6, 7.0, 0.9, 7.0)]


def test_the_published_fit_of_cdnow_is_reproduced(public_data: Path) -> None:
    found = fit_pareto_nbd(sample(public_data)[0]).checked()
    rounded = {name: round(value, 3) for name, value in found.params.items()}
    assert rounded == {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
    assert round(found.log_likelihood, 1) == -9595.0


@pytest.mark.parametrize("theta", BOTH_SIDES)
def test_the_likelihood_is_the_published_one_on_both_sides_of_alpha_and_beta(theta: tuple[float, ...]) -> None:
    # Fader and Hardie 2005, A note on deriving the Pareto/NBD model: equations for α ≥ β and α ≤ β
    r, alpha, s, beta = theta
    x, t_x, age = (TEN[name].to_numpy() for name in ("frequency", "recency", "T"))
    k, most, other = r + s + x, max(alpha, beta), s + 1 if alpha >= beta else r + x

    def part(y: np.ndarray) -> np.ndarray:
        return hyp2f1(k, other, k + 1, abs(alpha - beta) / (most + y)) / (most + y) ** k

    stays = 1 / ((alpha + age) ** (r + x) * (beta + age) ** s)
    each = gamma(r + x) * alpha**r * beta**s / gamma(r) * (stays + s / k * (part(t_x) - part(age)))
    assert log_likelihood(Histories.of(TEN))(np.array(theta))[0] == pytest.approx(np.log(each).sum(), rel=1e-11)
    assert ParetoNbd(*theta).p_alive(TEN) == pytest.approx(
        gamma(r + x) * alpha**r * beta**s / gamma(r) * stays / each, rel=1e-8
    )


@pytest.mark.parametrize("y", [0.0, 5.0, 400.0])
@pytest.mark.parametrize(
    ("p", "q", "alpha", "beta"),
    [(0.05, 1.05, 10.0, 9.0), (0.3, 1.2, 100.0, 0.01), (0.3, 1.2, 0.01, 100.0), (60.0, 1.5, 4.0, 30.0),
     (300.0, 0.2, 2.0, 50.0), (300.0, 1.2, 50.0, 2.0), (2.0, 40.0, 300.0, 1.0)],
)  # fmt: skip
def test_the_integral_keeps_its_digits_far_out(p: float, q: float, alpha: float, beta: float, y: float) -> None:
    def integrand(v: float) -> float:  # relative to its start; τ = y + e^v
        tau = np.exp(v)
        return float(np.exp(v - p * np.log1p(tau / (alpha + y)) - q * np.log1p(tau / (beta + y))))

    pieces = np.linspace(-40, 40 / (p + q - 1) + 12, 60)
    whole = sum(quad(integrand, *ends, epsabs=0, epsrel=1e-11)[0] for ends in pairwise(pieces))
    expected = np.log(whole) - p * np.log(alpha + y) - q * np.log(beta + y)
    assert _tail(np.array([p]), q, alpha, beta, np.array([y]))[0, 0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("theta", [*BOTH_SIDES, (5.0, 0.3, 0.02, 80.0), (0.05, 90.0, 6.0, 0.4)])
def test_the_gradient_is_that_of_differences(theta: tuple[float, ...]) -> None:
    function = log_likelihood(Histories.of(TEN))
    assert function(np.array(theta))[1] == pytest.approx(differences(function, np.array(theta)), rel=1e-5, abs=1e-5)


def test_simulated_parameters_are_recovered_within_their_standard_errors() -> None:
    truth = {"r": 0.8, "alpha": 8.0, "s": 0.9, "beta": 14.0}
    fits = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        drawn = ParetoNbd(**truth).simulate(rng.integers(20, 60, 2500).astype(float), rng)
        drawn["recency"] = np.ceil(drawn["recency"] * 100) / 100
        fits.append(fit_pareto_nbd(drawn).checked())
    off = np.abs(standardised(fits, truth))
    assert off.max() < 4
    assert (off < 3).mean() >= 0.95
    assert 0.82 <= (off < 1.96).mean() < 1


def test_expected_purchases_are_those_of_simulated_customers() -> None:
    model, rng = ParetoNbd(0.8, 8.0, 0.9, 14.0), np.random.default_rng(6)
    drawn = model.simulate(np.full(200_000, 39.0), rng, horizon=39.0)
    drawn["recency"] = np.ceil(drawn["recency"] * 7) / 7
    gaps = forecast_gaps(drawn, model.expected_purchases(drawn, 39.0))
    assert len(gaps) >= 25
    assert gaps.abs().max() < 4
    both = drawn["frequency"] + drawn["purchases"]
    assert model.expected_repeats([39.0, 78.0]) == pytest.approx([drawn["frequency"].mean(), both.mean()], rel=0.02)


def test_the_expectation_has_no_gap_at_s_one() -> None:
    below, at, above = (ParetoNbd(0.6, 9.0, s, 12.0).expected_repeats(50.0)[0] for s in (1 - 1e-9, 1.0, 1 + 1e-9))
    assert at == pytest.approx(0.6 / 9.0 * 12.0 * np.log(1 + 50 / 12), rel=1e-12)
    assert below == pytest.approx(at, rel=1e-8)
    assert above == pytest.approx(at, rel=1e-8)


def test_a_customer_with_a_single_purchase_is_called_lost_the_longer_they_are_silent() -> None:
    silent = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": [0.0, 1.0, 39.0, 5000.0]})
    alive = ParetoNbd(*BOTH_SIDES[0]).p_alive(silent)
    assert alive[0] == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(alive) < 0).all()


@pytest.mark.parametrize("theta", BOTH_SIDES)
def test_p_alive_lies_within_its_bounds_rises_with_recency_and_falls_with_age(theta: tuple[float, ...]) -> None:
    model = ParetoNbd(*theta)
    assert ((model.p_alive(TEN) > 0) & (model.p_alive(TEN) <= 1)).all()
    for x in (1, 3, 30, 400):
        recency = np.linspace(0.5, 39, 40)
        seen = model.p_alive(pd.DataFrame({"frequency": x, "recency": recency, "T": 39.0}))
        aged = model.p_alive(pd.DataFrame({"frequency": x, "recency": 10.0, "T": recency + 10}))
        assert (np.diff(seen) >= 0).all()
        assert (np.diff(aged) <= 0).all()
        assert seen[0] < seen[-1] <= 1


def test_without_any_repeat_purchase_nothing_is_identified() -> None:
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "T": np.arange(1.0, 50.0)})
    with pytest.raises(DataError, match="none of 49 customers has bought again"):
        fit_pareto_nbd(once)
