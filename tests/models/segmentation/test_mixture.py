"""The mixture is that of the textbook where it can be compared, and never worse than where it starts."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from afraz.models.segmentation.mixture import described_by, fit_mixture, posterior_of


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, dict]:
    rng = np.random.default_rng(0)
    z = np.where(rng.random((900, 1)) < 0.4, -1.5, 1.0) + rng.normal(size=(900, 2)) * 0.8
    statistics = np.column_stack([f(z[:, j]) for j in range(2) for f in (np.ones_like, np.copy, np.square)])
    return z, statistics, {"numbers": [{"name": "a"}, {"name": "b"}], "texts": [], "counts": []}


def test_the_likelihood_is_that_of_scikit_learn_on_numbers_alone(drawn) -> None:
    z, statistics, prepare = drawn
    ours = fit_mixture(statistics, prepare, [(z[:, 0] > 0).astype(int)], 200)
    theirs = GaussianMixture(2, covariance_type="diag", random_state=0, tol=1e-8).fit(z)
    assert ours.log_likelihood / 900 == pytest.approx(theirs.score(z), abs=2e-3)
    assert ours.bic == pytest.approx(theirs.bic(z), rel=2e-3)
    assert ours.icl > ours.bic
    np.testing.assert_allclose(posterior_of(statistics, ours.segments), ours.posterior, atol=1e-4)


def test_it_never_describes_worse_than_the_partition_it_starts_from(drawn) -> None:
    z, statistics, prepare = drawn
    start = (z[:, 1] > 0.5).astype(int)
    assert fit_mixture(statistics, prepare, [start], 100).bic <= described_by(statistics, prepare, start)


def test_counts_carry_their_precision_and_missing_numbers_say_nothing() -> None:
    taste = np.array([[0.8, 0.2], [0.2, 0.8]])
    counts = np.concatenate([np.tile(40 * taste[0], (50, 1)), np.tile(40 * taste[1], (50, 1))])
    prepare = {"numbers": [{"name": "x"}], "texts": [], "counts": [{"items": ["i:a", "i:b"]}]}
    statistics = np.hstack([np.zeros((100, 3)), counts])  # the number is missing for everybody
    found = fit_mixture(statistics, prepare, [(np.arange(100) >= 50).astype(int)], 50)
    few, many = np.array([[0, 0, 0, 2, 1], [0, 0, 0, 20, 10]], float)
    sure = posterior_of(np.stack([few, many]), found.segments).max(axis=1)
    assert 0.6 < sure[0] < 0.95 < sure[1]
