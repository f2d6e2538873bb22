"""Tests of the monthly chain."""

import numpy as np
import pytest

from afraz.data.simulator.lifecycle import (
    MOVES,
    NEW,
    NEW_MONTHS,
    UNRESOLVED_MONTHS,
    leaving_odds,
)


def test_moves_are_probabilities():
    assert np.allclose(MOVES.sum(axis=1), 1)
    assert (MOVES >= 0).all()


def test_an_unresolved_contact_adds_half_to_the_log_odds():
    state = (np.zeros(1), np.array([2]), np.array([20]))
    calm = leaving_odds(*state, np.array([UNRESOLVED_MONTHS]), np.zeros(1))
    for recency in range(UNRESOLVED_MONTHS):
        upset = leaving_odds(*state, np.array([recency]), np.zeros(1))
        assert upset[0] - calm[0] == pytest.approx(0.5)


def test_the_new_are_new_for_six_months_and_then_never_again(lives):
    month = np.arange(lives.economy.months)[:, None]
    tenure = month - lives.people.joined[lives.panel.customer]
    assert ((lives.panel.phase == NEW) == (tenure < NEW_MONTHS)).all()


def test_a_place_is_empty_for_the_rest_of_the_month_and_then_taken_by_somebody_new(lives):
    closes = lives.panel.close_day[:-1] >= 0
    joins = lives.panel.join_day[1:] >= 0
    assert (closes == joins).all()
    same = lives.panel.customer[1:] == lives.panel.customer[:-1]
    assert (same == ~closes).all()


def test_nobody_leaves_in_the_month_of_joining(lives):
    assert not ((lives.panel.join_day >= 0) & (lives.panel.close_day >= 0)).any()


def test_customers_are_numbered_by_place(lives):
    assert (np.diff(lives.panel.customer[0]) > 0).all()
    assert lives.panel.customer.max() == len(lives.people) - 1


def test_unresolved_matters_reset_the_memory_and_fade_after_three_months(lives):
    panel = lives.panel
    assert (panel.month_end_recency[panel.unresolved > 0] == 0).all()
    quiet = (panel.unresolved == 0).all(axis=0)
    assert (panel.month_end_recency[UNRESOLVED_MONTHS:, quiet] == UNRESOLVED_MONTHS).all()
