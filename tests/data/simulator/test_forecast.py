"""Tests of the truth that is integrated forward, against brute force."""

import numpy as np
import pytest

from afraz.data.simulator.economy import stream
from afraz.data.simulator.forecast import State, leaving_probabilities, start, step
from afraz.data.simulator.lifecycle import (
    DECLINING,
    LEAVING,
    NEW,
    STEADY,
    UNRESOLVED_MONTHS,
    UNRESOLVED_SHARE,
    _next_phase,
    contact_rate,
    leaving_odds,
)

DAYS = np.array([31, 30, 31, 30])


def customers(n: int = 1, phase: int = STEADY, recency: int = UNRESOLVED_MONTHS, annoyed: int = 0, joined: int = -20,
              odds: float = 0.5) -> State:  # fmt: skip
    whole = np.ones(n, np.int64)
    return State(whole * 0, whole * phase, whole * recency, whole * annoyed, whole * joined, whole * odds, whole * 1.0,
                 whole * 1.0)  # fmt: skip


@pytest.mark.parametrize(("phase", "joined"), [(STEADY, -20), (DECLINING, -50), (LEAVING, -9), (NEW, -4)])
def test_the_forecast_agrees_with_many_simulated_lives(phase: int, joined: int):
    n = 200_000
    state, rng = customers(phase=phase, joined=joined), stream(1, 0, f"brute {phase}")
    now, recency, here = np.full(n, phase), np.full(n, UNRESOLVED_MONTHS), np.ones(n, bool)
    traits = np.full(n, 0.5)
    left_by = []
    for ahead in range(3):
        tenure = np.full(n, ahead - joined)
        now = _next_phase(rng, now, tenure, traits)
        odds = leaving_odds(traits, now, tenure, recency, np.zeros(n))
        here &= rng.random(n) >= 1 / (1 + np.exp(-odds))
        unresolved = rng.binomial(rng.poisson(contact_rate(np.ones(n), now)), UNRESOLVED_SHARE) > 0
        recency = np.where(unresolved, 0, np.minimum(recency + 1, UNRESOLVED_MONTHS))
        left_by.append(1 - here.mean())
    found = leaving_probabilities(state, DAYS, (31, 61, 92))
    for days, seen in zip((31, 61, 92), left_by, strict=True):
        assert found[f"leave_{days}"][0] == pytest.approx(seen, rel=0.05, abs=0.0005)


def test_days_within_a_month_are_alike():
    found = leaving_probabilities(customers(), DAYS, (31, 46, 61))
    assert found["leave_46"][0] == pytest.approx((found["leave_31"][0] + found["leave_61"][0]) / 2)


def test_no_probability_is_lost():
    state = customers(3, phase=LEAVING, recency=0)
    share, during = step(start(state), state, 0)
    assert during.sum(axis=1) == pytest.approx(np.ones(3))
    assert (share.sum(axis=(1, 2)) < 1).all()


def test_trouble_and_annoyance_raise_the_probability_and_calm_lowers_the_contacts():
    plain = leaving_probabilities(customers(), DAYS, (90,))
    assert leaving_probabilities(customers(recency=0), DAYS, (90,))["leave_90"] > 1.3 * plain["leave_90"]
    assert leaving_probabilities(customers(annoyed=2), DAYS, (90,))["leave_90"] > 1.3 * plain["leave_90"]
    calm = customers()
    calm.calm = np.array([0.75])
    assert leaving_probabilities(calm, DAYS, (90,))["contacts_90"] < plain["contacts_90"]
