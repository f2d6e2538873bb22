"""Weekly effects on campaigns with a known truth, and the shortcuts that would flatter them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from afraz.decisioning.feedback.assignments import OBSERVED, STATED, campaign_facts, screened
from afraz.decisioning.feedback.cuts import Cut, cuts_of
from afraz.decisioning.feedback.effects import Costs, look, weekly_effects, within_campaigns
from afraz.decisioning.feedback.sequential import SequentialTest
from afraz.errors import ParamsError

NOW = pd.Timestamp("2026-07-01")
Make = Callable[..., pd.DataFrame]
OWN = Cut("campaign", "campaign_id")


def prepared(treatments: pd.DataFrame, campaigns: pd.DataFrame, now: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, rejects = screened(treatments, campaigns)
    return rows, campaign_facts(rows, rejects, campaigns, now)


def effects_of(treatments: pd.DataFrame, campaigns: pd.DataFrame, now: pd.Timestamp = NOW, **more: Any) -> pd.DataFrame:
    rows, facts = prepared(treatments, campaigns, now)
    more = {"test": SequentialTest(planned=1400), **more}
    return weekly_effects(rows, facts, cuts_of(rows), as_of=now, **more)


def last(effects: pd.DataFrame, part: str = "P1", outcome: str = "response", cut: str = "campaign") -> pd.Series:
    rows = effects[(effects["cut"] == cut) & (effects["part"] == part) & (effects["outcome"] == outcome)]
    return rows.sort_values("week").iloc[-1]


def test_the_effect_is_that_of_assignment_not_of_being_reached(campaign: Make, calendar: Make) -> None:
    """Two points over all assigned are 3.3 over those reached: the first is reported."""
    found = last(effects_of(campaign(n=40_000), calendar()))
    assert found["effect"] == pytest.approx(0.02, abs=0.006)
    assert found["low"] < 0.02 < found["high"] < 0.033
    assert found["p_value"] < 0.001


def test_reachability_that_goes_with_response_does_not_pass_for_an_effect(campaign: Make, calendar: Make) -> None:
    table = campaign(n=40_000, effect=0.0)
    easy = np.random.default_rng(2).random(len(table)) < 0.3  # those who answer anyway are the ones who can be reached
    table["responded_at"] = table["responded_at"].where(easy, pd.NaT)
    table["reached_at"] = table["delivered_at"].where(easy)
    reached = table[table["reached_at"].notna() | (table["arm"] == "control")]
    naive = reached.groupby("arm")["responded_at"].count() / reached.groupby("arm").size()
    assert naive["card"] > 2 * naive["control"]
    found = last(effects_of(table, calendar()))
    assert found["low"] < 0 < found["high"]
    assert found["p_value"] > 0.05


def test_only_windows_of_equal_age_are_compared(campaign: Make, calendar: Make) -> None:
    """Treated assigned early and control late: at the time of the look the treated have had longer to answer."""
    table = campaign(n=20_000, effect=0.0)
    control = table["arm"] == "control"
    for column in ("assigned_at", "responded_at"):
        table.loc[control, column] += pd.Timedelta(days=14)
    now = pd.Timestamp("2026-02-28 09:00")
    table["responded_at"] = table["responded_at"].where(table["responded_at"] < now)
    raw = table["responded_at"].notna().groupby(table["arm"]).mean()
    assert raw["card"] > 1.5 * raw["control"]
    found = effects_of(table, calendar(), now)
    own = found[(found["cut"] == "campaign") & (found["outcome"] == "response")]
    assert own["week"].tolist() == [1, 2]  # after three weeks there is no control of that age
    assert ((own["low"] < 0) & (own["high"] > 0)).all()


def test_a_look_counts_responses_of_its_weeks_and_customers_old_enough(campaign: Make, calendar: Make) -> None:
    table = campaign(n=4000, spread_days=20)
    now = pd.Timestamp("2026-03-01 09:00")
    rows, facts = prepared(table, calendar(), now)
    for week in (1, 2, 3, 4):
        seen = look(rows, facts, week, now)
        age = pd.Timedelta(days=7 * week)
        assert len(seen) == (table["assigned_at"] + age <= now).sum()
        wait = table["responded_at"] - table["assigned_at"]
        assert seen["response"].sum() == ((wait <= age) & (table["assigned_at"] + age <= now)).sum()
    assert len(look(rows, facts, 5, now)) == 0  # the window has 28 days


def test_the_last_look_ends_with_the_window(campaign: Make, calendar: Make) -> None:
    found = effects_of(campaign(n=4000), calendar(response_window_days=24))
    own = found[(found["cut"] == "campaign") & (found["outcome"] == "response")]
    assert own["days"].tolist() == [7, 14, 21, 24]
    assert own["final"].tolist() == [False, False, False, True]
    assert own["responses"].is_monotonic_increasing


def test_uneven_propensities_are_weighted_away(campaign: Make, calendar: Make) -> None:
    n = 60_000
    inclined = np.random.default_rng(4).random(n)
    table = campaign(n=n, chance=0.2 + 0.6 * inclined, rate=0.02 + 0.10 * inclined, effect=0.02)
    rate = table["responded_at"].notna().groupby(table["arm"]).mean()
    assert rate["card"] - rate["control"] > 0.035  # unweighted, targeting passes for effect
    found = last(effects_of(table, calendar()))
    assert found["effect"] == pytest.approx(0.02, abs=0.008)
    assert found["low"] < 0.02 < found["high"]
    assert found["basis"] == STATED


def test_robust_errors_match_the_spread_over_repeated_campaigns(campaign: Make, calendar: Make) -> None:
    chance, names = np.linspace(0.2, 0.8, 600), [f"P{i:03}" for i in range(150)]
    table = pd.concat([campaign(n, 600, chance=chance, seed=i, effect=0.0) for i, n in enumerate(names)])
    rows, facts = prepared(table, calendar(*names), NOW)
    each = within_campaigns(look(rows, facts, 4, NOW), OWN)
    drawn = each[each["outcome"] == "response"]
    assert drawn["standard_error"].mean() == pytest.approx(drawn["effect"].std(ddof=1), rel=0.2)


def test_net_takes_contacts_that_were_delivered_and_offers_that_were_taken(campaign: Make, calendar: Make) -> None:
    table = campaign(n=3000)
    table.loc[table.index[::3], ["delivered_at", "reached_at"]] = pd.NaT
    table.loc[table["reached_at"].notna() & table["delivered_at"].isna(), "reached_at"] = pd.NaT
    treated = table["arm"] == "card"
    got, answered = table["delivered_at"].notna(), table["responded_at"].notna()
    value = table["response_value"].fillna(0)
    for due, offers in (("response", got & answered), ("delivery", got)):
        found = last(effects_of(table, calendar(), costs=Costs(due)), outcome="net")  # type: ignore[arg-type]
        net = value - treated * (got * 1.0 + offers * 5.0)
        assert found["effect"] == pytest.approx(net[treated].mean() - net[~treated].mean())
    with pytest.raises(ParamsError, match="offer_due is response or delivery, got 'never'"):
        Costs("never")  # type: ignore[arg-type]


def test_where_a_campaign_records_no_delivery_every_offer_costs(campaign: Make, calendar: Make) -> None:
    lost = campaign("P2", 3000).assign(delivered_at=pd.NaT, reached_at=pd.NaT)
    table = pd.concat([campaign(n=3000), lost])  # those of the neighbour are recorded
    treated, answered = lost["arm"] == "card", lost["responded_at"].notna()
    value = lost["response_value"].fillna(0)
    for due, offers in (("response", answered), ("delivery", treated)):
        costs = Costs(due)  # type: ignore[arg-type]
        found = last(effects_of(table, calendar("P1", "P2"), costs=costs), "P2", "net")
        net = value - treated * (1.0 + offers * 5.0)
        assert found["effect"] == pytest.approx(net[treated].mean() - net[~treated].mean())
        assert found["delivered"] == 0


def test_campaigns_are_compared_within_themselves_before_they_are_pooled(campaign: Make, calendar: Make) -> None:
    """A good season with many treated and a poor one with few: pooled customers would show an effect (Simpson)."""
    good = campaign("P1", 20_000, control=0.12, effect=0.0, chance=0.8)
    poor = campaign("P2", 20_000, control=0.03, effect=0.0, chance=0.2, seed=2)
    table = pd.concat([good, poor])
    rate = table["responded_at"].notna().groupby(table["arm"]).mean()
    assert rate["card"] - rate["control"] > 0.04
    found = last(effects_of(table, calendar("P1", "P2")), "card", cut="offer")
    assert found["campaigns"] == 2
    assert found["low"] < 0 < found["high"]
    assert not found["final"]


def test_two_offers_of_a_campaign_share_its_control(campaign: Make, calendar: Make) -> None:
    table = campaign(n=30_000, effect=0.0)
    drawn = np.random.default_rng(9).random(len(table)) < 0.5
    better = (table["arm"] == "card") & drawn
    table.loc[table["arm"] == "card", "propensity"] = 0.25
    table.loc[better, "arm"] = "loan"
    more = better & (np.random.default_rng(10).random(len(table)) < 0.08)
    table.loc[more, "responded_at"] = table.loc[more, "assigned_at"] + pd.Timedelta(days=3)
    found = effects_of(table, calendar())
    card, loan = (last(found, offer, cut="offer") for offer in ("card", "loan"))
    assert card["control"] == loan["control"] == (table["arm"] == "control").sum()
    assert card["low"] < 0 < card["high"]
    assert loan["low"] > 0.05


def test_offers_of_a_campaign_count_as_often_as_they_were_assigned(campaign: Make, calendar: Make) -> None:
    """Card for 40 %, no effect; loan for 10 %, ten points; control 50 %: the campaign brings two points, not five."""
    table = campaign(n=30_000, effect=0.0)
    rng = np.random.default_rng(9)
    treated = table["arm"] == "card"
    loan = treated & (rng.random(len(table)) < 0.2)
    table.loc[treated, "propensity"] = 0.4
    table.loc[loan, ["arm", "propensity"]] = ["loan", 0.1]
    more = loan & (rng.random(len(table)) < 0.1)
    table.loc[more, "responded_at"] = table.loc[more, "assigned_at"] + pd.Timedelta(days=3)
    found = effects_of(table, calendar())
    answered, value = table["responded_at"].notna(), table["response_value"].fillna(0)
    net = value - treated * (1.0 + 5.0 * answered)
    for cut, part in (("campaign", "P1"), ("channel", "sms")):
        own = last(found, part, cut=cut)
        assert own["effect"] == pytest.approx(answered[treated].mean() - answered[~treated].mean())
        assert own["low"] < 0.02 < own["high"] < 0.04
        assert last(found, part, "net", cut)["effect"] == pytest.approx(net[treated].mean() - net[~treated].mean())
    assert last(found, "loan", cut="offer")["effect"] == pytest.approx(0.1, abs=0.02)


def test_targeted_offers_of_a_campaign_count_as_often_as_they_were_assigned(campaign: Make, calendar: Make) -> None:
    """Who gets which offer goes with the inclination to respond: it is weighed away within each offer."""
    n = 30_000
    rng = np.random.default_rng(3)
    inclined = rng.random(n)
    table = campaign(n=n, rate=0.02 + 0.10 * inclined, effect=0.0)
    treated = table["arm"] == "card"
    is_loan = 0.1 + 0.2 * inclined
    loan = treated & (rng.random(n) < is_loan)
    table.loc[treated, "propensity"] = 0.5 * (1 - is_loan)[treated]
    table.loc[loan, "propensity"] = 0.5 * is_loan[loan]
    table.loc[loan, "arm"] = "loan"
    more = loan & (rng.random(n) < 0.2)
    table.loc[more, "responded_at"] = table.loc[more, "assigned_at"] + pd.Timedelta(days=3)
    own = last(effects_of(table, calendar()))
    assert own["basis"] == STATED
    assert own["effect"] == pytest.approx(0.2 * 0.2 * 0.93, abs=0.01)  # a fifth got the loan


def test_branches_and_agents_are_observational_and_an_agent_without_control_uses_the_campaigns(
    campaign: Make, calendar: Make
) -> None:
    table = campaign(n=6000)
    table["branch_id"] = np.where(np.arange(6000) % 2, "B1", "B2")
    table["agent_id"] = pd.Series(np.where(np.arange(6000) % 3, "G1", "G2")).where(table["arm"] != "control")
    table["segment_value"] = "high"
    found = effects_of(table, calendar())
    control = int((table["arm"] == "control").sum())
    assert last(found, "G1", cut="agent")["control"] == control
    assert last(found, "B1", cut="branch")["control"] < control
    assert set(found.loc[found["cut"].isin(["branch", "agent"]), "basis"]) == {OBSERVED}
    assert OBSERVED not in set(found.loc[~found["cut"].isin(["branch", "agent"]), "basis"])
    assert found.loc[found["cut"] == "segment", "lens"].unique().tolist() == ["value"]


def test_control_without_a_segment_is_not_lent_to_the_segments(campaign: Make, calendar: Make) -> None:
    table = campaign(n=2000)
    table["segment_value"] = pd.Series("high", table.index).where(table["arm"] != "control")
    found = effects_of(table, calendar())
    assert "segment" not in set(found["cut"])
    assert last(found)["control"] == (table["arm"] == "control").sum()


def test_a_campaign_without_control_leaves_the_others_alone(campaign: Make, calendar: Make) -> None:
    alone = campaign("P2", 2000)
    whole = effects_of(pd.concat([campaign(n=2000), alone[alone["arm"] == "card"]]), calendar("P1", "P2"))
    assert set(whole.loc[whole["cut"] == "campaign", "part"]) == {"P1"}
    pd.testing.assert_frame_equal(whole, effects_of(campaign(n=2000), calendar("P1")))


def test_nothing_to_estimate_gives_an_empty_table(campaign: Make, calendar: Make) -> None:
    table = campaign(n=300)
    assert effects_of(table[table["arm"] == "card"], calendar()).empty
    assert effects_of(table, calendar(), pd.Timestamp("2026-02-03")).empty  # nobody is a week old


def test_the_p_value_of_net_is_that_of_the_look_and_of_the_response_the_smallest_so_far(
    campaign: Make, calendar: Make
) -> None:
    found = effects_of(campaign(n=20_000, effect=0.03), calendar())
    own = found[found["cut"] == "campaign"].set_index(["outcome", "week"])
    assert own.loc["response", "p_value"].is_monotonic_decreasing
    assert own.loc[("net", 1), "high"] < 0  # contacts are paid at once …
    assert own.loc[("net", 1), "effect"] < own.loc[("net", 4), "effect"]  # … responses come later
    assert own.loc[("net", 1), "p_value"] < own.loc[("net", 4), "p_value"]


def test_looks_of_campaigns_that_are_assigned_over_weeks_stay_within_the_level(campaign: Make, calendar: Make) -> None:
    """A/A campaigns, looked at in every week of the calendar at every age: seldom is one ever called significant."""
    names = [f"P{i:03}" for i in range(100)]
    drawn = pd.concat([campaign(n, 800, effect=0.0, seed=i, spread_days=35) for i, n in enumerate(names)])
    called: set[str] = set()
    for week in range(1, 10):
        now = drawn["assigned_at"].min() + pd.Timedelta(days=7 * week)
        rows, facts = prepared(drawn[drawn["assigned_at"] <= now], calendar(*names, ends_at=pd.NaT), now)
        looks = weekly_effects(rows, facts, [OWN], as_of=now, test=SequentialTest(planned=50, final_share=0.8))
        called |= set(looks.loc[(looks["outcome"] == "response") & (looks["p_value"] <= 0.05), "part"])
    assert len(called) <= binom.ppf(0.999, 100, 0.05)
