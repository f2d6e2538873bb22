"""Tests of the draws that the whole bank shares."""

from datetime import date

import numpy as np

from afraz.data.simulator.economy import draw_economy, stream


def test_streams_of_two_mechanisms_differ_and_each_repeats():
    assert stream(7, 0, "lives").random() == stream(7, 0, "lives").random()
    assert stream(7, 0, "lives").random() != stream(7, 0, "credit").random()
    assert stream(7, 0, "lives").random() != stream(7, 1, "lives").random()


def test_the_calendar_ends_where_it_was_told_to():
    economy = draw_economy(7, 36, date(2026, 7, 1))
    assert str(economy.starts[0]) == "2023-07-01"
    assert str(economy.starts[-1]) == "2026-07-01"
    assert economy.days.sum() == 1096
    assert economy.season.argmax() % 12 == 5


def test_the_regional_economy_is_persistent_and_small():
    cycle = draw_economy(1, 600, date(2026, 7, 1)).cycle
    assert 0.04 < cycle.std() < 0.06
    assert 0.78 < np.corrcoef(cycle[1:].ravel(), cycle[:-1].ravel())[0, 1] < 0.9


def test_the_credit_factor_changes_with_the_quarter_only():
    economy = draw_economy(7, 36, date(2026, 7, 1))
    quarters = economy.credit_factor.reshape(12, 3)
    assert (quarters == quarters[:, :1]).all()
    assert abs(quarters[:, 0].mean()) < 1e-9
    assert len(np.unique(quarters)) == 12
