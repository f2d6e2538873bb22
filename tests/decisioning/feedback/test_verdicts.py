"""What is called working, not working, harmful or undecided; and which of many cells are named."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from afraz.decisioning.feedback.assignments import OBSERVED, campaign_facts, screened
from afraz.decisioning.feedback.cells import cells
from afraz.decisioning.feedback.cuts import Cut, cuts_of
from afraz.decisioning.feedback.effects import weekly_effects
from afraz.decisioning.feedback.sequential import SequentialTest
from afraz.decisioning.feedback.verdicts import verdicts
from afraz.errors import ParamsError

NOW = pd.Timestamp("2026-07-01")
Make = Callable[..., pd.DataFrame]


def judged(
    treatments: pd.DataFrame, campaigns: pd.DataFrame, cuts: list[Cut] | None = None, now: pd.Timestamp = NOW
) -> pd.DataFrame:
    rows, rejects = screened(treatments, campaigns)
    facts = campaign_facts(rows, rejects, campaigns, now)
    test = SequentialTest(planned=1500, final_share=0.8)
    effects = weekly_effects(rows, facts, cuts or cuts_of(rows), as_of=now, test=test)
    return verdicts(effects, worthwhile=0.01).set_index(["cut", "part"])


def test_each_campaign_gets_the_verdict_of_its_planted_effect(campaign: Make, calendar: Make) -> None:
    names = ("P1", "P2", "P3", "P4")
    planted = [
        campaign("P1", effect=0.02), campaign("P2", effect=0.0, seed=2),
        campaign("P3", control=0.08, effect=-0.03, seed=3), campaign("P4", 300, effect=0.0, seed=4),
    ]  # fmt: skip
    found = judged(pd.concat(planted), calendar(*names), [Cut("campaign", "campaign_id")]).loc["campaign"]
    assert found["verdict"].to_dict() == {"P1": "works", "P2": "does not work", "P3": "harms", "P4": "undecided"}
    assert found.loc["P4", "smallest_found"] > 0.05
    assert 0 < found.loc["P1", "smallest_found"] < 0.02
    assert found["final"].all()


def test_what_works_need_not_pay(campaign: Make, calendar: Make) -> None:
    table = pd.concat([campaign("P1", value=500.0), campaign("P2", value=10.0)])
    found = judged(table, calendar("P1", "P2"), [Cut("campaign", "campaign_id")]).loc["campaign"]
    assert found["verdict"].tolist() == ["works", "works"]
    assert found["pays"].tolist() == ["pays", "costs more than it brings"]


def test_a_part_of_the_window_says_neither_that_an_offer_fails_nor_what_it_earns(
    campaign: Make, calendar: Make
) -> None:
    """Three points that come after the tenth day, and pay: nothing stands against the offer before the window's end."""
    table = campaign(n=20_000, effect=0.0, value=400.0)
    more = (table["arm"] == "card") & (np.arange(20_000) % 100 < 3)
    table.loc[more, "responded_at"] = table.loc[more, "assigned_at"] + pd.Timedelta(days=12)
    table.loc[more, "response_value"] = 400.0
    said = {}
    for days in (7, 14, 21, 28):
        now = table["assigned_at"].max() + pd.Timedelta(days=days)
        known = table.assign(responded_at=table["responded_at"].where(table["responded_at"] < now))
        found = judged(known, calendar(), [Cut("campaign", "campaign_id"), Cut("offer", "offered")], now)
        said[days] = found.loc[[("campaign", "P1"), ("offer", "card")], ["verdict", "pays"]].to_numpy().tolist()
    assert said[7] == [["undecided", "too early to say"]] * 2
    assert said[14] == said[21] == [["works", "too early to say"]] * 2  # what works for certain may be called so
    assert said[28] == [["works", "pays"]] * 2


def test_an_offer_is_called_idle_only_when_every_campaign_behind_the_row_has_its_whole_window(
    campaign: Make, calendar: Make
) -> None:
    table = pd.concat([campaign(p, 20_000, 0.02, 0.0, seed) for seed, p in ((1, "P1"), (2, "P2"))])
    now = table["assigned_at"].max() + pd.Timedelta(days=28)
    longer = calendar("P1", "P2", response_window_days=[28, 42])
    found = judged(table, longer, now=now)
    assert found.loc[("campaign", "P1"), ["verdict", "pays"]].tolist() == ["does not work", "costs more than it brings"]
    for part in (("campaign", "P2"), ("offer", "card"), ("channel", "sms")):
        assert found.loc[part, ["verdict", "pays"]].tolist() == ["undecided", "too early to say"]
    found = judged(table, calendar("P1", "P2"), now=now)
    assert (found[["verdict", "pays"]] == ["does not work", "costs more than it brings"]).all(axis=None)


def test_among_many_segments_only_discoveries_work(campaign: Make, calendar: Make) -> None:
    """Twenty-four segments without an effect and one with a strong one: chance findings are not called working."""
    table = campaign(n=25_000, effect=0.0)
    table["segment_value"] = [f"S{i % 25:02}" for i in range(len(table))]
    lucky = (table["segment_value"] == "S07") & (table["arm"] == "card") & (np.arange(len(table)) % 3 == 0)
    table.loc[lucky, "responded_at"] = table.loc[lucky, "assigned_at"] + pd.Timedelta(days=2)
    found = judged(table, calendar(), [Cut("segment", "segment_value")]).loc["segment"]
    assert found.index[found["verdict"] == "works"].tolist() == ["S07"]
    assert found["discovery"].sum() == 1


def test_an_interval_above_zero_is_not_enough_where_many_parts_are_looked_at() -> None:
    """Thirty segments, one with an interval just above zero: a campaign of that evidence works, a segment doesn't."""
    row = {"week": 4, "whole_window": True, "final": False, "basis": "by lot", "assigned": 900, "control": 900,
           "delivered": 900, "reached": 500, "responses": 130, "p_value": 0.04, "smallest_found": 0.03}  # fmt: skip
    found = pd.DataFrame([
        {**row, "cut": cut, "lens": lens, "part": f"S{i}", "outcome": outcome, "effect": e, "low": e - 0.02,
         "high": e + 0.02, "e_value": 25.0 if i == 0 else 0.5}
        for cut, lens in (("segment", "value"), ("offer", "")) for i in range(30)
        for outcome in ("response", "net") for e in [0.025 if i == 0 else 0.0]
    ])  # fmt: skip
    said = verdicts(found, worthwhile=0.01).set_index(["cut", "part"])["verdict"]
    assert said["offer", "S0"] == "works"
    assert said["segment", "S0"] == "undecided"


def test_a_smallest_effect_of_zero_is_refused() -> None:
    with pytest.raises(ParamsError, match="worthwhile is the smallest effect worth having, above 0, got 0"):
        verdicts(pd.DataFrame(), worthwhile=0)


def test_the_planted_cell_is_named_and_small_cells_are_only_counted(campaign: Make, calendar: Make) -> None:
    table = campaign(n=12_000, effect=0.0)
    at = np.arange(len(table))
    table["segment_value"] = np.where(at % 2, "high", "low")
    table["branch_id"] = np.where(at < 60, "B9", np.char.add("B", (at // 2 % 4).astype(str)))
    planted = (table["segment_value"] == "high") & (table["branch_id"] == "B2") & (table["arm"] == "card")
    hit = planted & (at % 3 == 0)
    table.loc[hit, "responded_at"] = table.loc[hit, "assigned_at"] + pd.Timedelta(days=2)
    rows, rejects = screened(table, calendar())
    facts = campaign_facts(rows, rejects, calendar(), NOW)
    test = SequentialTest(planned=100)
    found, small = cells(rows, facts, segment="segment_value", person="branch_id", as_of=NOW, test=test, smallest=100)
    assert found.loc[found["discovery"], ["campaign_id", "segment", "person"]].to_numpy().tolist() == [
        ["P1", "high", "B2"]
    ]
    assert len(found) == 8
    assert small == 2  # B9 in either segment
    assert set(found["basis"]) == {OBSERVED}
    by_segment, _ = cells(rows, facts, segment="segment_value", person=None, as_of=NOW, test=test, smallest=100)
    assert set(by_segment["basis"]) == {"by lot"}
    assert set(by_segment["person"]) == {""}


def test_a_cell_is_held_against_the_control_of_its_segment_where_control_has_no_agent(
    campaign: Make, calendar: Make
) -> None:
    """Two segments that answer at 3 % and 15 % whatever they get: against everybody's control all would stand out."""
    at = np.arange(12_000)
    table = campaign(n=12_000, effect=0.0, rate=np.where(at % 2, 0.15, 0.03))
    control = table["arm"] == "control"
    table["segment_value"] = np.where(at % 2, "high", "low")
    table["agent_id"] = pd.Series(np.char.add("G", (at // 2 % 3).astype(str))).where(~control)
    rows, rejects = screened(table, calendar())
    facts = campaign_facts(rows, rejects, calendar(), NOW)
    test = SequentialTest(planned=100)
    found, _ = cells(rows, facts, segment="segment_value", person="agent_id", as_of=NOW, test=test, smallest=100)
    assert len(found) == 6
    assert not found["discovery"].any()
    own = table[control].groupby("segment_value").size()
    assert (found["control"] == found["segment"].map(own)).all()
    by_agent, _ = cells(rows, facts, segment=None, person="agent_id", as_of=NOW, test=test, smallest=100)
    assert (by_agent["control"] == control.sum()).all()  # no segment to agree on


def test_no_campaign_gives_no_cells(campaign: Make, calendar: Make) -> None:
    table = campaign(n=300).assign(segment_value="high")
    rows, rejects = screened(table[table["arm"] == "card"], calendar())
    facts = campaign_facts(rows, rejects, calendar(), NOW)
    found, small = cells(
        rows, facts, segment="segment_value", person=None, as_of=NOW, test=SequentialTest(), smallest=10
    )
    assert found.empty
    assert small == 0
