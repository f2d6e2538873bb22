"""Tests of margins and their expectation."""

import numpy as np

from afraz.data.simulator.economy import stream
from afraz.data.simulator.truth import state_at
from afraz.data.simulator.value import expected_margin, monthly_margin


def test_the_expectation_grows_with_the_months_and_less_so_for_who_is_leaving(lives):
    who, state = state_at(12, lives.people, lives.panel)
    year, half = expected_margin(lives.people, who, state), expected_margin(lives.people, who, state, months=6)
    earns = lives.people.margin[who] > 20
    assert (year[earns] > half[earns]).all()
    share = year[earns] / lives.people.margin[who][earns]
    leaving = state.phase[earns] == 4
    assert share[leaving].mean() < 0.6 * share[~leaving].mean()


def test_shocks_of_a_year_average_out(lives):
    margin = monthly_margin(stream(5, 0, "m"), lives.people, lives.panel)
    planned = lives.people.margin[lives.panel.customer] * np.exp(0.5 * lives.panel.level)
    assert margin.shape == planned.shape
    assert (np.sign(margin) == np.sign(planned)).all()
    assert 0.85 < np.median(margin[:12] / planned[:12]) / np.exp(-(0.68**2) / 2) < 1.15
