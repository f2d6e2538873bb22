"""One factor: closed forms against each other, and against what the losses draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.errors import ParamsError
from afraz.risk.vasicek import conditional_probability, loss_distribution, loss_quantile

probabilities = st.floats(0.0005, 0.5)
correlations = st.floats(0.005, 0.5)


@given(probabilities, correlations, st.floats(0.01, 0.999))
def test_quantile_and_distribution_are_inverse(p: float, rho: float, level: float) -> None:
    assert loss_distribution(loss_quantile(p, rho, level), p, rho) == pytest.approx(level, abs=1e-8)


@given(probabilities, correlations)
def test_the_mean_over_the_factor_is_the_probability(p: float, rho: float) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    mean = weights @ conditional_probability(p, nodes, rho) / np.sqrt(2 * np.pi)
    assert mean == pytest.approx(p, rel=1e-3)


@given(probabilities, correlations)
def test_the_quantile_grows_with_its_level(p: float, rho: float) -> None:
    found = loss_quantile(p, rho, np.linspace(0.01, 0.999, 50))
    assert (np.diff(found) > 0).all()


def test_without_correlation_everybody_knows_the_loss() -> None:
    assert loss_quantile(0.03, 0.0, 0.999) == pytest.approx(0.03)
    assert loss_distribution([0.02, 0.04], 0.03, 0.0).tolist() == [0, 1]


@pytest.mark.parametrize("rho", [-0.1, 1.0, float("nan")])
def test_a_correlation_outside_is_refused(rho: float) -> None:
    with pytest.raises(ParamsError, match="correlation: expected from 0 to below 1"):
        conditional_probability(0.1, 0.0, rho)
