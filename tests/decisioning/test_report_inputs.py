"""What reports are made of: sums by period and segment, reasons for what is absent, counts of what was done."""

import re
from pathlib import Path

import ibis
import pandas as pd
import pytest

from afraz import catalog
from afraz.datasets import CATALOG
from afraz.decisioning.report_inputs import Gathered, bookings, gather, history, optional, previous_list, worked
from afraz.decisioning.report_site import build_site, start
from afraz.errors import DataError

AS_OF = "2026-07-01"
MONTHS = pd.date_range("2025-06-01", AS_OF, freq="MS")


def write(folder: Path, name: str, table: pd.DataFrame) -> None:
    place = folder / CATALOG[name].path
    place.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(place, index=False)


@pytest.fixture
def bank(workspace: Path) -> Path:
    """Forty customers, a booking each on the 28th of every month; half of them moved to `high` in June 2026."""
    ids = [f"C{n:02}" for n in range(40)]
    write(workspace, "segments", pd.DataFrame([
        {"customer_id": c, "as_of": day, "value": "x", "margin_365d": 10.0,
         "value_name": "high" if n < 20 and day >= pd.Timestamp("2026-06-01") else "low"}
        for n, c in enumerate(ids) for day in MONTHS
    ]))  # fmt: skip
    booked = pd.DataFrame([
        {"customer_id": c, "booked_at": day + pd.Timedelta(days=27), "amount": -100.0, "margin": 2.0, "known_at": day +
         pd.Timedelta(days=27)} for c in ids for day in MONTHS[:-1]
    ])  # fmt: skip
    late = booked.tail(1).assign(known_at=pd.Timestamp("2026-07-02"), amount=-9999.0)
    write(workspace, "transactions", pd.concat([booked, late], ignore_index=True))
    write(workspace, "customers", pd.DataFrame({"customer_id": ids, "branch_id": "B1", "region_id": "R1"}))
    return workspace


def test_bookings_count_for_the_segment_of_their_month_and_only_what_was_known(bank: Path) -> None:
    segments = ibis.read_parquet(bank / CATALOG["segments"].path)
    found = bookings(segments, ["value"], pd.Timestamp(AS_OF)).set_index(["lens", "segment", "period", "window"])
    assert found.loc[("value", "high", "month", "now"), ["customers", "bookings", "volume", "margin"]].tolist() == [
        20, 20, 2000, 40]  # fmt: skip
    assert found.loc[("value", "low", "quarter", "now"), "bookings"] == 20 + 40 + 40
    assert found.loc[("everybody", "all", "quarter", "now"), "volume"] == 12000  # without the booking known too late
    assert found.loc[("value", "low", "month", "year before"), "customers"] == 40
    assert ("everybody", "all", "year", "before") not in found.index  # the data do not go back so far


def test_history_counts_customers_and_their_margin_at_every_date(bank: Path) -> None:
    found = history(ibis.read_parquet(bank / CATALOG["segments"].path), ["value"]).set_index(["as_of", "segment"])
    assert found.loc[(AS_OF, "high"), ["customers", "margin"]].tolist() == [20, 200.0]
    assert found.loc[("2026-05-01", "low"), "customers"] == 40


def test_what_an_earlier_stage_did_not_bring_is_named_with_its_reason_and_the_rest_goes_on(bank: Path) -> None:
    metrics = bank / CATALOG["decide_metrics"].path
    metrics.parent.mkdir(parents=True)
    metrics.write_text('{"not_applicable": "no offers are scored"}')
    catalog.save("monitor_tables", {"performance": pd.DataFrame({"model": ["churn"], "observed_over_expected": [1.1]})})
    catalog.save("segmentation_metrics", {"lenses": {"my_mood": {"silence": {"answered_share": 0.45}}, "value": {}}})
    found = gather(AS_OF)
    assert found.values["answered"] == {"my mood": 0.45}
    assert found.frames["performance"]["observed_over_expected"].tolist() == [1.1]
    assert found.absent["contact_list"] == "stage decide was not applicable: no offers are scored"
    assert found.absent["churn_scores"] == "stage score has not written it: run `dvc repro score`"
    site = build_site(found, {}, previous_list(AS_OF), as_of=AS_OF, currency="EUR", smallest=10, days=7, list_week=1)
    files = site.files()
    assert "no offers are scored" in files["operations/index.html"]
    assert "dvc repro score" in files["management/retention.html"]
    assert "<dt>List of the round before</dt><dd>no earlier round is kept</dd>" in files["index.html"]
    assert "Money is in EUR." in files["management/index.html"]
    assert "Money is in EUR." not in files["management/execution.html"]
    assert "20" in files["management/sizes.csv"]
    management = "".join(content for place, content in files.items() if place.startswith("management/"))
    assert not re.search(r"\bC\d\d\b", re.sub(r'"data:[^"]+"', "", management))


def test_the_holdout_and_the_withheld_are_not_called_in_idle_hours(bank: Path) -> None:
    ids = ["C01", "C02", "C03"]
    write(bank, "contact_list", pd.DataFrame({
        "customer_id": ["C04"], "week": 1, "channel": "call", "offer": "card", "priority": 1, "net_value": 1.0,
    }))  # fmt: skip
    write(bank, "strips", pd.DataFrame({"customer_id": ids, "strip": ["holdout", "decided", "decided"]}))
    write(bank, "withheld", pd.DataFrame({"customer_id": ["C02"], "arm": "control"}))
    write(bank, "support_calls", pd.DataFrame({"customer_id": ids, "arm": "call"}))
    site = build_site(gather(AS_OF), {}, (None, "none"), as_of=AS_OF, currency="EUR", smallest=10, days=7, list_week=1)
    called = site.files()["operations/idle_calls.csv"]
    assert [name in called for name in ids] == [False, False, True]


def test_what_no_stage_can_bring_does_not_tell_to_run_one(bank: Path) -> None:
    assert optional("surveys") == (None, "there is no table of surveys in this source")
    assert optional("risk_tables", "changes") == (None, "stage risk has not written it: run `dvc repro risk`")
    (bank / CATALOG["risk_tables"].path).mkdir(parents=True)
    assert optional("risk_tables", "changes") == (None, "stage risk had nothing to say of it")


def test_before_ingest_has_run_it_is_the_one_to_run(workspace: Path) -> None:
    assert optional("surveys") == (None, "stage ingest has not written it: run `dvc repro ingest`")


def test_this_week_is_compared_with_the_newest_round_before_it(workspace: Path) -> None:
    assert previous_list(AS_OF) == (None, "no earlier round is kept")
    for day, customer in (("2026-06-17", "A"), ("2026-06-24", "B"), (AS_OF, "C"), ("2026-07-08", "D")):
        catalog.save("round", pd.DataFrame({"campaign_id": ["W1"], "customer_id": [customer]}), as_of=day)
    found, told = previous_list(AS_OF)
    assert found is not None
    assert found["customer_id"].tolist() == ["B"]
    assert told == "as of 2026-06-24"


def test_a_stated_list_that_is_not_there_is_refused(workspace: Path) -> None:
    with pytest.raises(DataError, match="previous: lost.parquet is not there"):
        previous_list(AS_OF, "lost.parquet")


def test_responses_of_control_are_nobodys_execution(bank: Path) -> None:
    day = pd.Timestamp("2026-06-25 09:00")
    write(bank, "campaigns", pd.DataFrame({"campaign_id": ["P1"], "name": ["one"], "channel": ["call"]}))
    write(bank, "treatments", pd.DataFrame([
        {"campaign_id": "P1", "customer_id": f"C{n:02}", "arm": "card" if n < 30 else "control", "assigned_at": day,
         "delivered_at": day + pd.Timedelta(days=2) if n < 30 else None, "reached_at": day if n < 15 else None,
         "responded_at": day + pd.Timedelta(days=3) if n % 2 else None} for n in range(40)
    ]))  # fmt: skip
    facts = pd.DataFrame({"campaign_id": ["P1"], "starts_at": [day], "last_assigned": [day], "window_days": [30]})
    found = worked(AS_OF, 7, 10, facts)
    row = found["all_campaigns"].iloc[0]
    assert row[["assigned", "delivered", "reached", "responded"]].tolist() == [30, 30, 15, 15]
    assert found["speed"]["days_to_delivery"].tolist() == [2.0]
    assert found["year_branches"]["assigned"].tolist() == [30]


def test_the_start_page_says_that_everything_is_there_only_where_it_is() -> None:
    found = Gathered({})
    assert "Everything is there." in start(found, (pd.DataFrame({"week": [1]}), "as of 2026-06-24"), AS_OF).page().html
    assert "Everything is there." not in start(found, (None, "no earlier round is kept"), AS_OF).page().html
