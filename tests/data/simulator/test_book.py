"""Tests of the truth about the running book."""

import numpy as np
import pandas as pd
import pytest

from afraz.data.simulator.book import book_truth, default_schedule, open_loans, staying
from afraz.data.simulator.credit import Loans, draw_loans
from afraz.data.simulator.economy import stream
from afraz.data.simulator.liquidity import draw_strain
from afraz.data.simulator.truth import state_at


def _months_of_default(rng: np.random.Generator, p: float, n: int) -> np.ndarray:
    """Draw as the bank does: months after the application's; a large number for none."""
    early = rng.random(n) < p
    later = ~early & (rng.random(n) < 0.35 * p)
    return np.where(early, rng.integers(3, 12, n), np.where(later, rng.integers(13, 25, n), 10**6))


@pytest.mark.parametrize(("age", "term"), [(1, 60), (6, 60), (11, 60), (14, 60), (6, 12), (30, 60)])
def test_the_schedule_of_quiet_loans_is_what_the_bank_draws(age: int, term: int):
    p = 0.3
    month = _months_of_default(np.random.default_rng(age), p, 400_000)
    quiet = month >= age + 2
    drawn = [((month == age + k) & (month < term))[quiet].mean() for k in range(12)]
    found = default_schedule(np.array([p]), np.array([age]), np.array([term]), np.array([0]))[0]
    assert found == pytest.approx(drawn, abs=0.004)


def test_two_months_in_arrears_default_in_the_first_month_and_one_month_in_the_second():
    found = default_schedule(np.full(3, 0.05), np.full(3, 6), np.full(3, 36), np.array([2, 1, 0]))
    assert found[0].argmax() == 0
    assert found[1].argmax() == 1
    assert found[:2].sum(axis=1).tolist() == [1.0, 1.0]
    assert found[2, :2].sum() == 0


@pytest.fixture
def loans(lives) -> Loans:
    strain = draw_strain(stream(5, 0, "strain"), lives.people)
    return draw_loans(stream(5, 0, "credit"), lives.people, strain, lives.panel, lives.economy, lives.when)


def test_the_book_holds_open_loans_with_what_they_may_lose(lives, loans: Loans):
    who, state = state_at(lives.economy.months, lives.people, lives.panel)
    book = book_truth(loans, who, state, lives.economy, 0).to_pandas()
    assert len(book) == len(open_loans(loans, lives.economy))
    assert book["default_probability"].between(0, 1).all()
    expected = book["default_probability"] * book["lgd"] * book["balance"]
    assert np.allclose(book["expected_loss"], expected, rtol=1e-3, atol=0.01)


def test_fewer_and_fewer_customers_stay(lives):
    _, state = state_at(lives.economy.months, lives.people, lives.panel)
    stays = staying(state)
    assert stays.shape == (len(state), 12)
    assert (np.diff(stays, axis=1) < 0).all()
    assert 0.7 < stays[:, -1].mean() < 0.9  # five percent leave in a quarter


def test_arrears_show_before_a_default_that_comes_just_after_the_data(lives, loans: Loans):
    coming = (loans.coming_month >= lives.economy.months) & (loans.default_month < 0)
    assert coming.any()
    assert (loans.closed_at[coming] < 0).all()
    assert pd.Series(loans.defaulted_at[coming]).nunique() == 1  # none has a date yet
