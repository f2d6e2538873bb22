"""Tests of the truth tables."""

import numpy as np

from afraz.data.simulator.accounts import customer_names
from afraz.data.simulator.truth import churn_truth, days_ahead, group_truth, state_at, treatment_truth


def test_the_state_holds_exactly_those_who_are_there(lives):
    for month in (6, 24):
        who, state = state_at(month, lives.people, lives.panel)
        stays = (lives.people.joined < month) & (lives.when.closed_month >= month)
        assert sorted(who) == list(np.flatnonzero(stays))
        assert (state.joined < month).all()


def test_months_after_the_data_have_their_days(lives):
    assert days_ahead(lives.economy, 24).tolist() == [31, 31, 30, 31]
    assert days_ahead(lives.economy, 7).tolist() == [28, 31, 30, 31]


def test_probabilities_never_fall_with_the_horizon(lives):
    who, state = state_at(24, lives.people, lives.panel)
    churn, support = churn_truth(who, state, lives.economy, 24, customer_names(len(lives.people), 0))
    d = churn.to_pandas()
    assert ((d["leave_30"] <= d["leave_60"]) & (d["leave_60"] <= d["leave_90"]) & (d["leave_90"] < 1)).all()
    assert (support.to_pandas()["contacts_90"] > 0).all()


def test_only_marketing_of_sleeping_dogs_drives_customers_away(lives):
    names = customer_names(len(lives.people), 0)
    d = treatment_truth(lives.assigned, lives.campaigns, lives.people, lives.panel, lives.economy, names).to_pandas()
    assert ((d["closure_effect"] > 0) <= (d["quadrant"] == "sleeping_dog")).all()
    assert (d["closure_effect"] > 0).any()
    assert np.allclose(d["uplift"], d["response_offer"] - d["response_control"])


def test_every_customer_has_groups(lives):
    d = group_truth(lives.people, customer_names(len(lives.people), 0)).to_pandas()
    assert d["behaviour_group"].nunique() == 4
    assert d["needs_group"].nunique() == 5
