"""Tests of surveys."""

import numpy as np

from afraz.data.simulator.accounts import customer_names
from afraz.data.simulator.economy import stream
from afraz.data.simulator.surveys import NEEDS, survey_table


def test_answers_are_on_their_scales_and_follow_dissatisfaction(lives):
    names = customer_names(len(lives.people), 0)
    table = survey_table(stream(5, 0, "s"), lives.people, lives.panel, lives.economy, names, 0).to_pandas()
    assert table["nps"].between(0, 10).all()
    assert table["satisfaction"].between(1, 5).all()
    assert {need for wants in table["wants"].astype(str) for need in wants.split(";")} == set(NEEDS)
    unhappy = lives.people.dissatisfaction[table["customer_id"].astype(str).str[1:].astype(int)]
    assert np.corrcoef(unhappy, table["nps"])[0, 1] < -0.5
    fees = lives.people.fees[table["customer_id"].astype(str).str[1:].astype(int)]
    assert np.corrcoef(fees, table["price_sensitivity"])[0, 1] > 0.6
