"""NBD: known truth, the likelihood, the gradient, and BG/NBD's limit."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from afraz.errors import DataError
from afraz.models.likelihood import LogLikelihood
from afraz.models.nbd import log_likelihood
from afraz.models.value import bg_nbd
from afraz.models.value.histories import Histories
from afraz.models.value.nbd import Nbd, fit_nbd

from .cdnow import TEN, differences


def likelihood_of_ten() -> LogLikelihood:
    return log_likelihood(TEN["frequency"].to_numpy(), TEN["T"].to_numpy(), np.ones(len(TEN)))


def test_the_likelihood_is_the_mean_over_rates() -> None:
    r, alpha = theta = np.array([0.7, 5.0])

    def mean(x: float, age: float) -> float:
        return quad(lambda rate: rate**x * np.exp(-rate * age) * gamma.pdf(rate, r, scale=1 / alpha), 0, np.inf)[0]

    each = [mean(x, age) for x, age in zip(TEN["frequency"], TEN["T"], strict=True)]
    assert likelihood_of_ten()(theta)[0] == pytest.approx(np.log(each).sum(), rel=1e-6)


@pytest.mark.parametrize("theta", [(0.24, 4.4), (3.0, 0.2), (0.01, 300.0)])
def test_the_gradient_is_that_of_differences(theta: tuple[float, ...]) -> None:
    function = likelihood_of_ten()
    assert function(np.array(theta))[1] == pytest.approx(differences(function, np.array(theta)), rel=1e-5, abs=1e-5)


def test_bg_nbd_in_which_nobody_leaves_is_this() -> None:
    stays = bg_nbd.log_likelihood(Histories.of(TEN))(np.array([0.7, 5.0, 1e-9, 1e3]))[0]
    assert likelihood_of_ten()(np.array([0.7, 5.0]))[0] == pytest.approx(stays, rel=1e-9)
    likewise = bg_nbd.BgNbd(0.7, 5.0, 1e-6, 1e3).expected_purchases(TEN, 9.0)
    assert Nbd(0.7, 5.0).expected_purchases(TEN, 9.0) == pytest.approx(likewise, rel=1e-5)


def test_simulated_parameters_are_recovered_within_their_standard_errors() -> None:
    rng = np.random.default_rng(7)
    age = rng.integers(20, 60, 20_000).astype(float)
    count = rng.poisson(rng.gamma(0.6, 1 / 6.0, len(age)) * age)
    found = fit_nbd(pd.DataFrame({"frequency": count, "recency": np.where(count > 0, age, 0.0), "T": age})).checked()
    for name, true in {"r": 0.6, "alpha": 6.0}.items():
        assert abs(found.params[name] - true) < 3 * found.standard_errors[name]
        assert found.standard_errors[name] < 0.05 * true


def test_nobody_who_bought_is_refused() -> None:
    with pytest.raises(DataError, match="none of 2 customers has bought again"):
        fit_nbd(pd.DataFrame({"frequency": [0, 0], "recency": [0.0, 0.0], "T": [5.0, 9.0]}))
