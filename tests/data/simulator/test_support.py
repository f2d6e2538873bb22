"""Tests of contacts."""

import pandas as pd
import pytest

from afraz.data.simulator.accounts import customer_names
from afraz.data.simulator.economy import stream
from afraz.data.simulator.support import contact_table


@pytest.fixture
def contacts(lives) -> pd.DataFrame:
    names = customer_names(len(lives.people), 0)
    return contact_table(stream(5, 0, "contacts"), lives.people, lives.panel, lives.economy, lives.when, names,
                         0).to_pandas()  # fmt: skip


def test_every_matter_of_the_panel_is_a_contact_unless_it_becomes_known_too_late(lives, contacts: pd.DataFrame):
    assert len(contacts) >= 0.97 * lives.panel.episodes.sum()


def test_the_abandoned_have_no_agent_no_duration_and_no_outcome(contacts: pd.DataFrame):
    given_up = contacts["agent_id"].isna()
    assert given_up.any()
    assert (contacts.loc[given_up, "channel"] == "phone").all()
    assert contacts.loc[given_up, ["duration_seconds", "resolved", "satisfaction"]].isna().all().all()
    assert contacts.loc[~given_up, "resolved"].notna().all()


def test_satisfaction_is_lower_where_nothing_was_resolved(contacts: pd.DataFrame):
    answered = contacts.dropna(subset=["satisfaction"])
    by_outcome = answered["satisfaction"].groupby(answered["resolved"].astype(bool)).mean()
    assert by_outcome[True] > by_outcome[False] + 0.7


def test_only_calls_wait(contacts: pd.DataFrame):
    assert (contacts["wait_seconds"].notna() == (contacts["channel"] == "phone")).all()
