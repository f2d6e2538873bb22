"""Splits: what would leak is kept apart."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models import splits

MONTHS = pd.date_range("2025-01-01", periods=12, freq="MS")


def test_every_training_outcome_window_ends_before_the_first_test_date() -> None:
    as_of = np.repeat(MONTHS.to_numpy(), 5)
    cut = splits.out_of_time(as_of, outcome_days=90, test_dates=2)
    assert cut.test_dates == (MONTHS[10], MONTHS[11])
    last = max(cut.train_dates)
    assert last + pd.Timedelta(days=90) <= MONTHS[10]
    assert last == MONTHS[7], "the next date would still fit, so it must not be purged"
    together = np.sort(np.concatenate([cut.train, cut.purged, cut.test]))
    assert together.tolist() == list(range(60))


def test_too_few_dates_are_refused_with_what_to_do() -> None:
    with pytest.raises(
        DataError, match="no training date is left: 2 dates .* give more as_of dates or fewer test_dates"
    ):
        splits.out_of_time(MONTHS[:2], outcome_days=90, test_dates=1)


def test_a_customer_is_never_on_both_sides_of_a_fold() -> None:
    rng = np.random.default_rng(0)
    customer = rng.integers(0, 80, 1000).astype(str)
    label = rng.random(1000) < 0.1
    for train, valid in splits.folds(label, 5, seed=3, groups=customer):
        assert not set(customer[train]) & set(customer[valid])
        assert len(train) + len(valid) == 1000


def test_events_are_spread_evenly() -> None:
    label = np.zeros(1003)
    label[:53] = 1
    of_row = splits.assign_folds(label, 5, seed=1)
    assert np.ptp(np.bincount(of_row, weights=label)) <= 1
    assert np.ptp(np.bincount(of_row)) <= 1


def test_probabilities_are_spread_evenly_too() -> None:
    label = np.random.default_rng(0).beta(1, 9, 2000)
    sums = np.bincount(splits.assign_folds(label, 5, seed=1), weights=label)
    assert sums.max() / sums.min() < 1.05


def test_folds_do_not_depend_on_the_order_of_rows() -> None:
    customer = np.array([f"c{i % 50}" for i in range(200)])
    label = (np.arange(200) % 50 < 10).astype(float)
    of_row = splits.assign_folds(label, 4, seed=9, groups=customer)
    shuffled = np.random.default_rng(0).permutation(200)
    again = splits.assign_folds(label[shuffled], 4, seed=9, groups=customer[shuffled])
    assert (again == of_row[shuffled]).all()


def test_another_seed_deals_differently() -> None:
    assert (splits.assign_folds(np.zeros(50), 5, seed=1) != splits.assign_folds(np.zeros(50), 5, seed=2)).any()


def test_fewer_customers_than_folds_are_refused() -> None:
    with pytest.raises(DataError, match="2 customers cannot be dealt into 5 folds"):
        splits.assign_folds([0, 1, 0], 5, seed=0, groups=["a", "a", "b"])
