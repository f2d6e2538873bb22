"""Credibility: variances are found without bias, and the forecast is the best linear one."""

import numpy as np
import pytest

from afraz.errors import DataError
from afraz.models.value.credibility import Credibility, fit_credibility


def purchases(n: int, seed: int, between: float = 3.0, within: float = 6.0) -> tuple[np.ndarray, ...]:
    """Two periods with counts from 0 to 8, of purchases that may bring a loss; the customers' true means beside."""
    rng = np.random.default_rng(seed)
    counts, true = rng.integers(0, 9, (n, 2)), rng.normal(4.0, between, n)
    return counts * true[:, None] + rng.normal(0.0, within, (n, 2)) * np.sqrt(counts), counts, true


def test_variances_are_found_on_average() -> None:
    found = [fit_credibility(*purchases(300, seed)[:2]) for seed in range(100)]
    assert np.mean([f.within for f in found]) == pytest.approx(36.0, rel=0.03)
    assert np.mean([f.between for f in found]) == pytest.approx(9.0, rel=0.05)


def test_the_forecast_is_nearer_the_truth_than_own_means_and_the_mean_of_all() -> None:
    totals, counts, true = purchases(4000, 7)
    model = fit_credibility(totals, counts)
    total, count = totals.sum(axis=1), counts.sum(axis=1)
    bought = count > 0

    def error(forecast: np.ndarray) -> float:
        return float(((forecast - true)[bought] ** 2).mean())

    drawn = error(model.expected(total, count))
    assert drawn < 0.75 * min(error(total / np.maximum(count, 1)), error(np.full(len(true), model.mean)))
    assert drawn == pytest.approx(error(Credibility(4.0, 36.0, 9.0).expected(total, count)), rel=0.01)


def test_customers_who_do_not_differ_get_the_mean_of_all() -> None:
    totals = np.array([[3.0, 5.0], [5.0, 3.0], [9.0, 7.0]])
    counts = np.array([[1, 1], [1, 1], [2, 2]])
    model = fit_credibility(totals, counts)
    assert (model.mean, model.between) == (4.0, 0.0)
    assert model.expected(totals.sum(axis=1), counts.sum(axis=1)).tolist() == [4.0, 4.0, 4.0]


def test_purchases_without_a_known_amount_do_not_count() -> None:
    totals, counts, _ = purchases(50, 3)
    silent = np.array([[np.nan, np.nan]]), np.array([[4, 2]])
    more = fit_credibility(np.vstack([totals, silent[0]]), np.vstack([counts, silent[1]]))
    assert more == fit_credibility(totals, counts)
    with pytest.raises(DataError, match="known amount, got none among 1 customers"):
        fit_credibility(*silent)


def test_one_customer_or_one_period_tells_no_variance_between() -> None:
    assert fit_credibility(np.array([[4.0, 2.0]]), np.array([[1, 1]])).between == 0.0
    assert fit_credibility(np.array([[4.0, 0.0], [9.0, 0.0]]), np.array([[1, 0], [1, 0]])) == Credibility(6.5, 0.0, 0.0)
