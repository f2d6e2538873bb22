"""Which rows an effect can be taken from, and what each campaign is said to be."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from afraz.decisioning.feedback.assignments import BY_LOT, STATED, campaign_facts, screened
from afraz.errors import DataError

NOW = pd.Timestamp("2026-07-01")
Make = Callable[..., pd.DataFrame]


def facts_of(treatments: pd.DataFrame, campaigns: pd.DataFrame, now: pd.Timestamp = NOW) -> pd.DataFrame:
    rows, rejects = screened(treatments, campaigns)
    return campaign_facts(rows, rejects, campaigns, now).set_index("campaign_id")


def test_every_planted_fault_is_refused_by_its_rule_and_its_neighbours_are_not(campaign: Make, calendar: Make) -> None:
    table = campaign(n=100)
    table.loc[0, "campaign_id"] = "P9"
    table.loc[1, "assigned_at"] = pd.NaT
    table.loc[2, "arm"] = None
    table.loc[3, "responded_at"] = table.loc[3, "assigned_at"] - pd.Timedelta(minutes=1)
    table.loc[4, "propensity"] = np.nan
    table.loc[5, "propensity"] = 0.0
    table.loc[6, "propensity"] = 1.0
    table.loc[7, "responded_at"] = table.loc[7, "assigned_at"].normalize()  # a date of the same day: not before
    table = pd.concat([table, table.iloc[[50]]], ignore_index=True)
    rows, rejects = screened(table, calendar())
    assert rejects["rule"].tolist() == [
        "campaign_unknown", "assigned_at_missing", "arm_missing", "responded_before_assigned", "propensity_missing",
        "propensity_zero_or_one", "propensity_zero_or_one", "key_repeated",
    ]  # fmt: skip
    assert len(rows) + len(rejects) == 101
    assert "C000007" in set(rows["customer_id"])
    facts = campaign_facts(rows, rejects, calendar(), NOW).iloc[0]
    assert facts["without_propensity"] == 3
    assert facts["refused"] == 4
    assert facts["assigned"] + facts["control"] == 93
    assert "3 without a usable propensity left out" in facts["remarks"]
    assert "4 rows refused" in facts["remarks"]


def test_delivered_and_reached_are_told_apart_from_assigned(campaign: Make, calendar: Make) -> None:
    table = campaign(n=4000)
    table.loc[table["arm"].eq("card").to_numpy().nonzero()[0][:100], ["delivered_at", "reached_at"]] = pd.NaT
    fact = facts_of(table, calendar()).loc["P1"]
    assert fact["delivered"] == fact["assigned"] - 100
    assert 0.5 < fact["reached"] / fact["assigned"] < 0.65
    assert fact["basis"] == BY_LOT
    assert fact["remarks"] == ""
    assert fact["over"]


def test_a_campaign_without_control_has_no_estimate_and_its_neighbour_has(campaign: Make, calendar: Make) -> None:
    alone = campaign("P2", 500)
    table = pd.concat([campaign(n=500), alone[alone["arm"] == "card"]])
    found = facts_of(table, calendar("P1", "P2", "P3"))["no_estimate"]
    assert pd.isna(found["P1"])
    assert found["P2"] == "no control: everybody was assigned the offer"
    assert found["P3"] == "nobody was assigned"


def test_an_offer_that_nobody_got_or_that_reached_nobody_is_named(campaign: Make, calendar: Make) -> None:
    table = campaign(n=500)
    lost = table.assign(campaign_id="P2", delivered_at=pd.NaT, reached_at=pd.NaT)
    held = table[table["arm"] == "control"].assign(campaign_id="P3")
    silent = table.assign(campaign_id="P4", responded_at=pd.NaT, response_value=None)
    unknown = table.assign(campaign_id="P5", propensity=np.nan)
    found = facts_of(pd.concat([table, lost, held, silent, unknown]), calendar("P1", "P2", "P3", "P4", "P5"))
    assert found.loc["P2", "remarks"] == "no delivery is recorded: costs as if every offer was sent"
    assert pd.isna(found.loc["P2", "no_estimate"])  # still an honest comparison of those assigned
    assert found.loc["P3", "no_estimate"] == "everybody was assigned to control: nobody got the offer"
    assert found.loc["P4", "no_estimate"] == "nobody has responded, neither treated nor control"
    assert found.loc["P5", "no_estimate"] == "no row has a propensity between 0 and 1"


def test_a_targeted_campaign_is_said_to_rest_on_stated_propensities(campaign: Make, calendar: Make) -> None:
    uneven = campaign("P2", 2000, chance=np.linspace(0.2, 0.8, 2000))
    seventy = campaign("P1", 2000, chance=0.7)
    found = facts_of(pd.concat([uneven, seventy]), calendar("P1", "P2"))
    assert found["basis"].tolist() == [BY_LOT, STATED]
    assert "not by lot" in found.loc["P2", "remarks"]
    assert found.loc["P1", "remarks"] == ""


def test_propensities_that_contradict_the_shares_assigned_are_named(campaign: Make, calendar: Make) -> None:
    wrong = campaign("P2", 2000, chance=0.6).assign(propensity=0.5)
    found = facts_of(pd.concat([campaign(n=2000), wrong]), calendar("P1", "P2"))
    assert "contradicts the propensities" in found.loc["P2", "remarks"]
    assert "contradicts" not in found.loc["P1", "remarks"]


def test_contacts_in_control_and_missing_costs_are_named(campaign: Make, calendar: Make) -> None:
    table = campaign(n=500)
    first = table.index[table["arm"] == "control"][0]
    table.loc[first, "delivered_at"] = table.loc[first, "assigned_at"]
    fact = facts_of(table, calendar(contact_cost=np.nan)).loc["P1"]
    assert fact["control_delivered"] == 1
    table.loc[table["arm"] == "card", "delivered_at"] = pd.NaT  # deliveries are recorded: the offer got to nobody
    assert facts_of(table, calendar()).loc["P1", "remarks"] == "delivered to nobody; 1 of control were contacted"
    assert fact["remarks"] == "1 of control were contacted; costs not stated: net is before them"


def test_a_campaign_is_over_when_its_last_window_is(campaign: Make, calendar: Make) -> None:
    table = campaign(n=200, spread_days=10)
    last = table["assigned_at"].max() + pd.Timedelta(days=28)
    assert not facts_of(table, calendar(), last - pd.Timedelta(seconds=1)).loc["P1", "over"]
    assert facts_of(table, calendar(), last).loc["P1", "over"]


def test_a_table_without_a_column_is_refused_by_name(campaign: Make, calendar: Make) -> None:
    with pytest.raises(DataError, match="treatments: expected columns .* missing propensity"):
        screened(campaign(n=5).drop(columns="propensity"), calendar())
    with pytest.raises(DataError, match="campaigns: .* missing offer_cost"):
        screened(campaign(n=5), calendar().drop(columns="offer_cost"))
