"""Tests of campaigns."""

import numpy as np
import pandas as pd
import pytest

from afraz.data.simulator.accounts import customer_names
from afraz.data.simulator.campaigns import campaign_table, treatment_table
from afraz.data.simulator.economy import stream


@pytest.fixture
def treatments(lives) -> pd.DataFrame:
    names = customer_names(len(lives.people), 0)
    return treatment_table(stream(5, 0, "treatments"), lives.assigned, lives.campaigns, lives.economy,
                           lives.when.closed_at, names).to_pandas()  # fmt: skip


def test_a_customer_is_in_a_campaign_once(treatments: pd.DataFrame):
    assert not treatments.duplicated(["campaign_id", "customer_id"]).any()


def test_controls_get_nothing(treatments: pd.DataFrame):
    control = treatments["arm"] == "control"
    assert treatments.loc[control, ["delivered_at", "reached_at"]].isna().all().all()
    assert treatments.loc[~control, "delivered_at"].notna().mean() > 0.97


def test_a_response_has_a_value_and_lies_in_the_window(treatments: pd.DataFrame):
    assert (treatments["responded_at"].notna() == treatments["response_value"].notna()).all()
    days = (treatments["responded_at"] - treatments["assigned_at"]).dropna()
    assert days.between(pd.Timedelta(0), pd.Timedelta(days=31)).all()
    reached = treatments.dropna(subset=["reached_at", "responded_at"])
    assert (reached["responded_at"] > reached["reached_at"]).all()


def test_only_those_with_consent_get_marketing(lives):
    kinds = np.array([c.kind for c in lives.campaigns])[lives.assigned.campaign]
    consent = lives.people.consent[lives.assigned.customer]
    assert consent[kinds != "support"].all()
    assert not consent[kinds == "support"].all()


def test_a_support_call_lowers_the_next_months_contacts_by_a_quarter(lives):
    month = next(c.month for c in lives.campaigns if c.kind == "support")
    calm = lives.panel.month_end_calm
    assert set(np.unique(calm[month])) == {np.float32(0.75), np.float32(1.0)}
    assert (calm[[t for t in range(len(calm)) if t != month]] == 1).all()


def test_sleeping_dogs_are_annoyed_only_if_they_were_treated(lives):
    a = lives.assigned
    month = np.array([c.month for c in lives.campaigns])[a.campaign]
    annoys = np.array([c.kind in ("randomised", "targeted") for c in lives.campaigns])[a.campaign]
    first = month == month[annoys].min()
    t = month[first][0]
    place = {c: p for p, c in enumerate(lives.panel.customer[t])}
    state = lives.panel.month_end_annoyed[t, [place[c] for c in a.customer[first]]]
    assert (state[a.treated[first] & (a.quadrant[first] == 3)] == 2).all()
    assert (state[~a.treated[first]] == 0).all()


def test_the_calendar_has_costs_and_ends_after_it_starts(lives):
    table = campaign_table(lives.campaigns, lives.economy).to_pandas()
    assert len(table) == 15
    assert (table["ends_at"] > table["starts_at"]).all()
    assert (table["contact_cost"] > 0).all()
