"""The whole stage on a small bank: loaded, estimated, summed up; absent tables are said."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from afraz.catalog import target, to_json
from afraz.decisioning.feedback.effects import Costs
from afraz.decisioning.feedback.findings import Findings, Inputs, feedback_inputs, find_effects, week_of
from afraz.decisioning.feedback.operations import REST, counts, fold_small, running
from afraz.decisioning.feedback.sequential import SequentialTest
from afraz.errors import NotApplicable
from afraz.reports.pages import management_page

Make = Callable[..., pd.DataFrame]


def found_in(inputs: Inputs) -> Findings:
    return find_effects(
        inputs, as_of="2026-07-01", test=SequentialTest(planned=300, final_share=0.8), costs=Costs(), worthwhile=0.02,
        cell_test=SequentialTest(planned=60), cell_lens="value", cell_by=["branch_id", "agent_id"], smallest_cell=50,
        window_days=30,
    )  # fmt: skip


@pytest.fixture
def bank(workspace: Path, campaign: Make, calendar: Make) -> Path:
    """A workspace with two campaigns; the second has no control, and one response came before its assignment."""
    alone = campaign("P2", 400, seed=2)
    table = pd.concat([campaign(n=4000), alone[alone["arm"] == "card"]], ignore_index=True)
    table.loc[0, "responded_at"] = pd.Timestamp("2026-01-01")
    table.to_parquet(target("treatments"))
    calendar("P1", "P2").to_parquet(target("campaigns"))
    people = table["customer_id"].unique()
    branches = [f"B{i % 3}" for i in range(len(people))]
    pd.DataFrame({"customer_id": people, "branch_id": branches, "region_id": "R1"}).to_parquet(target("customers"))
    return workspace


def test_everything_read_is_accepted_or_rejected_and_the_summary_is_plain(bank: Path) -> None:
    found = found_in(feedback_inputs())
    said = found.summary
    assert said["rows"]["read"] == said["rows"]["accepted"] + said["rows"]["rejected"]
    assert said["rejects"] == {"responded_before_assigned": 1}
    assert said["without_estimate"] == {"P2": "no control: everybody was assigned the offer"}
    assert sum(said["verdicts"]["campaign"].values()) == 1
    assert set(said["cells"]) == {"branch_id"}  # no segments, no agents
    assert "P1" in to_json(said)


def test_without_segments_the_stage_runs_and_with_them_they_are_those_before_the_assignment(bank: Path) -> None:
    assert not [c for c in feedback_inputs().treatments if c.startswith("segment_")]
    people = feedback_inputs().treatments["customer_id"].unique()
    looks = [
        pd.DataFrame({"customer_id": people, "as_of": pd.Timestamp(day), "value": name[0], "value_name": name,
                      "value_confidence": 1.0})
        for day, name in (("2026-01-01", "low"), ("2026-01-31", "high"), ("2026-02-01", "later"))
    ]  # fmt: skip
    pd.concat(looks).to_parquet(target("segments"))
    inputs = feedback_inputs()
    assert set(inputs.treatments["segment_value"]) == {"high"}
    assert "segment_value_confidence" not in inputs.treatments
    verdicts = found_in(inputs).tables["verdicts"]
    assert verdicts.loc[verdicts["cut"] == "segment", ["lens", "part"]].to_numpy().tolist() == [["value", "high"]]


def test_where_nothing_can_be_estimated_the_pages_say_so(bank: Path) -> None:
    inputs = feedback_inputs()
    alone = Inputs(inputs.treatments[inputs.treatments["campaign_id"] == "P2"], inputs.campaigns)
    found = found_in(alone)
    assert found.summary["without_estimate"] == {
        "P1": "nobody was assigned", "P2": "no control: everybody was assigned the offer"
    }  # fmt: skip
    assert found.summary["verdicts"] == {}
    tables = found.tables
    page = management_page(
        tables["campaigns"], tables["effects"], tables["verdicts"], tables["cells"], pd.DataFrame(), as_of="2026-07-01",
        level=0.05, worthwhile=0.02, rejected=0, currency="XTS",
    )  # fmt: skip
    assert "No campaign has an estimate." in page.html
    assert "no control: everybody was assigned the offer" in page.html


@pytest.mark.parametrize("name", ["treatments", "campaigns"])
def test_a_source_without_campaigns_is_not_applicable_with_the_reason(bank: Path, name: str) -> None:
    target(name).unlink()
    with pytest.raises(NotApplicable, match=f"there is no table of {name} in this source"):
        feedback_inputs()


def test_an_empty_table_is_not_applicable_either(bank: Path) -> None:
    pd.read_parquet(target("treatments")).head(0).to_parquet(target("treatments"))
    with pytest.raises(NotApplicable, match="no table of treatments"):
        feedback_inputs()


def test_a_campaign_through_several_channels_is_in_the_week(bank: Path) -> None:
    inputs = feedback_inputs()
    named = inputs.campaigns["channel"].where(inputs.campaigns["campaign_id"] != "P1")
    wide = Inputs(inputs.treatments, inputs.campaigns.assign(channel=named))
    week = week_of(wide, found_in(wide).tables["campaigns"], as_of="2026-02-07", days=7, smallest=20)
    own = week.campaigns.set_index("campaign_id")
    assert own.loc["P1", "channel"] == "several or unknown"
    assert own.loc["P1", "assigned"] == (inputs.treatments.query("campaign_id == 'P1'")["arm"] == "card").sum()
    assert week.channels["assigned"].sum() == own["assigned"].sum()


def test_the_week_counts_everything_that_was_done_even_what_no_effect_can_use(bank: Path) -> None:
    inputs = feedback_inputs()
    facts = found_in(inputs).tables["campaigns"]
    week = week_of(inputs, facts, as_of="2026-02-07", days=7, smallest=20)
    assert week.current
    own = week.campaigns.set_index("campaign_id")
    first = inputs.treatments[inputs.treatments["campaign_id"] == "P1"]
    assert own.loc["P1", "assigned"] == (first["arm"] == "card").sum()
    assert own.loc["P1", "control"] == (first["arm"] == "control").sum()
    assert own.loc["P1", "responded"] < first["responded_at"].notna().sum()  # later answers are not known yet
    assert own.loc["P2", "assigned"] > 0
    assert week.branches["assigned"].sum() == own["assigned"].sum() == week.channels["assigned"].sum()
    assert not week_of(inputs, facts, as_of="2026-07-01", days=7, smallest=20).current


def test_a_campaign_runs_until_the_window_of_its_last_customer() -> None:
    facts = pd.DataFrame({"campaign_id": ["P1"], "starts_at": pd.Timestamp("2026-01-01"),
                          "last_assigned": pd.Timestamp("2026-02-01"), "window_days": 30})  # fmt: skip
    assert running(facts, pd.Timestamp("2026-03-09"), 7) == (["P1"], True)
    assert running(facts, pd.Timestamp("2026-03-11"), 7) == (["P1"], False)
    assert running(facts, pd.Timestamp("2025-12-31"), 7) == ([], False)


def test_the_future_is_not_counted_and_the_week_is(campaign: Make) -> None:
    table = campaign(n=2000).assign(channel="sms")
    now = table["assigned_at"].min() + pd.Timedelta(days=10)
    row = counts(table, ["channel"], now, 7).iloc[0]
    assert row["responded"] == ((table["responded_at"] < now) & (table["arm"] == "card")).sum()
    in_week = table["responded_at"].between(now - pd.Timedelta(days=7), now, inclusive="left")
    assert row["responded_week"] == (in_week & (table["arm"] == "card")).sum()
    assert row["assigned_week"] == 0


def test_small_branches_are_put_together_and_never_left_alone() -> None:
    table = pd.DataFrame({"b": ["B1", "B2", "B3", "B4"], "assigned": [100, 40, 3, 2], "responded": [5, 4, 3, 2]})
    folded = fold_small(table, "b", 20)
    assert folded["b"].tolist() == ["B1", REST]  # five customers would still be too few: B2 joins them
    assert folded["assigned"].tolist() == [100, 45]
    assert fold_small(table.head(2), "b", 20)["b"].tolist() == ["B1", "B2"]
    assert fold_small(table.tail(2), "b", 20)["assigned"].tolist() == [5]
