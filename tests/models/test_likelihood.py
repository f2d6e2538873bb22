"""The search: known maxima are found with their errors, and what is no maximum is called so."""

import numpy as np
import pytest

from afraz.errors import DataError
from afraz.models.likelihood import maximise


def gamma_shape_and_rate(theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Poisson counts of two groups: 30 in 10, 8 in 40; the maxima are 3 and .2."""
    return float(30 * np.log(theta[0]) - 10 * theta[0] + 8 * np.log(theta[1]) - 40 * theta[1]), np.array(
        [30 / theta[0] - 10, 8 / theta[1] - 40]
    )


def test_a_known_maximum_is_found_with_its_standard_errors() -> None:
    found = maximise(gamma_shape_and_rate, {"a": 100.0, "b": 1e-3}, dict, 50).checked()
    assert found.params == pytest.approx({"a": 3.0, "b": 0.2}, rel=1e-9)
    assert found.standard_errors == pytest.approx({"a": np.sqrt(30) / 10, "b": np.sqrt(8) / 40}, rel=1e-6)


def test_a_ridge_is_called_flat_and_has_no_standard_errors() -> None:
    def product(theta: np.ndarray) -> tuple[float, np.ndarray]:
        level = theta[0] * theta[1]  # only the product is identified
        slope = 30 / level - 10
        return 30 * np.log(level) - 10 * level, slope * theta[::-1]

    found = maximise(product, {"a": 1.0, "b": 1.0}, dict, 30)
    assert not found.converged
    assert np.isnan(list(found.standard_errors.values())).all()
    assert found.params["a"] * found.params["b"] == pytest.approx(3.0, abs=1e-4)
    with pytest.raises(DataError, match="30 customers has not converged: the likelihood is flat around a"):
        found.checked()


def test_a_parameter_at_its_bound_is_named() -> None:
    def rising(theta: np.ndarray) -> tuple[float, np.ndarray]:
        return -1 / theta[0] - theta[1], np.array([1 / theta[0] ** 2, -1.0])

    assert "its bound: the data do not identify it" in maximise(rising, {"a": 1.0, "b": 1.0}, dict, 5).problem
