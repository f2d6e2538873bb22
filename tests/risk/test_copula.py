"""Copulas and the repair of correlations that contradict each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from afraz.errors import ParamsError
from afraz.risk.copula import copula_draws, nearest_correlation, with_ranks


def test_highams_example_is_repaired_to_his_matrix() -> None:
    found, moved = nearest_correlation([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    assert found == pytest.approx(np.array([[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]]), abs=5e-5)
    assert moved == pytest.approx(0.2393, abs=5e-5)


@settings(max_examples=40, deadline=None)
@given(arrays(float, 10, elements=st.floats(-1, 1)))
def test_whatever_is_stated_becomes_a_correlation_matrix(entries: np.ndarray) -> None:
    stated = np.eye(5)
    stated[np.triu_indices(5, 1)] = entries
    stated = stated + stated.T - np.eye(5)
    found, moved = nearest_correlation(stated)
    assert np.diag(found) == pytest.approx(np.ones(5))
    assert found == pytest.approx(found.T)
    assert np.linalg.eigvalsh(found).min() > 0
    np.linalg.cholesky(found)
    assert moved == pytest.approx(np.abs(found - stated).max())


def test_a_correlation_matrix_is_left_alone() -> None:
    fine = np.array([[1.0, 0.3], [0.3, 1.0]])
    found, moved = nearest_correlation(fine)
    assert moved == 0
    assert (found == fine).all()


@pytest.mark.parametrize(
    "broken", [[[1, 0.2], [0.3, 1]], [[2, 0], [0, 1]], [[1, 1.5], [1.5, 1]], [[1, 0, 0], [0, 1, 0]]]
)
def test_what_is_no_matrix_of_correlations_is_refused(broken: list[list[float]]) -> None:
    with pytest.raises(ParamsError, match="expected a symmetric matrix with 1 on its diagonal"):
        nearest_correlation(broken)


def test_a_t_copula_brings_extremes_together_and_a_gaussian_one_hardly() -> None:
    stated = np.array([[1, 0.3], [0.3, 1]])
    both = {kind: float((copula_draws(stated, 200_000, np.random.default_rng(7), kind, 4) > 0.999).all(axis=1).mean())
            for kind in ("gaussian", "t")}  # fmt: skip
    assert both["t"] > 5 * both["gaussian"]


def test_many_degrees_are_the_gaussian_one() -> None:
    stated = np.array([[1, 0.5], [0.5, 1]])
    u = copula_draws(stated, 100_000, np.random.default_rng(7), "t", 1e6)
    assert np.corrcoef(u.T)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(0.25), abs=0.01)


def test_unknown_copulas_and_degrees_are_refused() -> None:
    with pytest.raises(ParamsError, match="expected gaussian or t, got 'clayton'"):
        copula_draws(np.eye(2), 10, np.random.default_rng(7), "clayton")  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="copula degrees: expected more than 0, got 0"):
        copula_draws(np.eye(2), 10, np.random.default_rng(7), "t", 0)


def test_reordering_changes_no_units_own_losses() -> None:
    losses = np.random.default_rng(1).gamma(2, size=(5000, 2))
    u = copula_draws(np.array([[1, 0.9], [0.9, 1]]), 5000, np.random.default_rng(2))
    joined = with_ranks(losses, u)
    assert (np.sort(joined, axis=0) == np.sort(losses, axis=0)).all()
    assert abs(np.corrcoef(losses.T)[0, 1]) < 0.05
    assert np.corrcoef(joined.T)[0, 1] > 0.8
