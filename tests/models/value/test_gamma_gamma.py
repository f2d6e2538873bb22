"""Gamma–Gamma: the published fit of CDNOW, the density, the gradient, known truth, margins that are not positive."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from afraz.errors import DataError
from afraz.models.value.gamma_gamma import GammaGamma, fit_gamma_gamma, log_likelihood

from .cdnow import differences, sample, standardised

X, MEAN = np.array([1.0, 1.0, 2.0, 5.0, 40.0]), np.array([3.0, 250.0, 17.5, 40.0, 12.0])


def customers(n: int, seed: int, p: float = 6.0, q: float = 4.0, gamma: float = 15.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, rate = rng.integers(0, 6, n), rng.gamma(q, 1 / gamma, n)
    spent = rng.gamma(p * np.maximum(x, 1)) / rate / np.maximum(x, 1)
    return pd.DataFrame({"frequency": x, "monetary_value": np.where(x > 0, spent, np.nan), "true": p / rate})


def test_the_published_fit_of_cdnow_is_reproduced(public_data: Path) -> None:
    found = fit_gamma_gamma(sample(public_data)[0]).checked()
    assert found.n == 946
    rounded = {name: round(value, 2) for name, value in found.params.items()}
    assert rounded == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert round(found.log_likelihood, 3) == -4055.918


def test_the_likelihood_is_a_density() -> None:
    theta = np.array([6.25, 3.74, 15.44])

    def density(z: float) -> float:
        return float(np.exp(log_likelihood(np.array([3.0]), np.array([z]))(theta)[0]))

    assert quad(density, 0, 100)[0] + quad(density, 100, np.inf)[0] == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("theta", [(6.25, 3.74, 15.44), (0.3, 0.4, 200.0), (50.0, 1.1, 0.1)])
def test_the_gradient_is_that_of_differences(theta: tuple[float, ...]) -> None:
    function = log_likelihood(X, MEAN)
    assert function(np.array(theta))[1] == pytest.approx(differences(function, np.array(theta)), rel=1e-5, abs=1e-6)


def test_simulated_parameters_are_recovered_within_their_standard_errors() -> None:
    truth = {"p": 6.0, "q": 4.0, "gamma": 15.0}
    off = np.abs(standardised([fit_gamma_gamma(customers(3000, seed)).checked() for seed in range(20)], truth))
    assert off.max() < 4
    assert (off < 3).mean() >= 0.95
    assert 0.82 <= (off < 1.96).mean() < 1


def test_the_expected_value_is_that_of_the_customers_behind_it() -> None:
    table = customers(100_000, 8)
    expected = GammaGamma(6.0, 4.0, 15.0).expected_value(table)
    fifth = (pd.Series(expected).rank(pct=True) * 4.999).astype(int)
    gap = (table["true"] - expected).groupby([table["frequency"], fifth])
    off = gap.mean() / (gap.std() / np.sqrt(gap.size()))
    assert len(off) >= 25
    assert off.abs().max() < 4


def test_without_a_repeat_purchase_the_mean_of_all_is_expected() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    once = pd.DataFrame({"frequency": [0], "monetary_value": [np.nan]})
    assert model.expected_value(once)[0] == model.mean == pytest.approx(35.22, abs=0.005)


def test_means_that_are_not_positive_are_refused_or_left_out_with_their_number() -> None:
    table = customers(2000, 3)
    faulty = table.copy()
    faulty.loc[faulty.index[faulty["frequency"] == 2][:7], "monetary_value"] = [0.0, -1.0, -50.0, 0.0, -2.0, -3.0, -4.0]
    again = int((table["frequency"] > 0).sum())
    with pytest.raises(DataError, match=f"7 of {again:,} customers with repeat purchases have a mean of 0 or below"):
        fit_gamma_gamma(faulty)
    found = fit_gamma_gamma(faulty, leave_out_non_positive=True)
    assert (fit_gamma_gamma(table).n, found.n) == (again, again - 7)
    expected = found.model.expected_value(faulty)
    assert np.isfinite(expected).all()
    worst = faulty["monetary_value"].idxmin()
    assert -50 < expected[worst] < found.model.mean, "weighed in, not replaced"


def test_an_infinite_mean_a_missing_mean_and_too_few_customers_are_refused() -> None:
    once = pd.DataFrame({"frequency": [0], "monetary_value": [np.nan]})
    with pytest.raises(DataError, match="q is 0.9, the mean of all customers is finite only above 1"):
        GammaGamma(6.0, 0.9, 15.0).expected_value(once)
    with pytest.raises(DataError, match="q is 1, the mean"):
        _ = GammaGamma(6.0, 1.0, 15.0).mean
    with pytest.raises(DataError, match="1 of 1 rows without a frequency, or with one but no monetary_value"):
        fit_gamma_gamma(once.assign(frequency=1))
    with pytest.raises(DataError, match="expected at least 3 customers with repeat purchases to learn from, got 0"):
        fit_gamma_gamma(once)
