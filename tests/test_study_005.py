"""Study 005: its results are those that it claims, and the second week has no say in the choice of the method."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.models.support.arrivals import count_hours
from afraz.models.support.staffing import Service, agents_needed

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "005-public-support-and-risk"
COLUMNS = ["vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
           "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server"]  # fmt: skip


@pytest.fixture(scope="module")
def calls() -> dict[str, Any]:
    return json.loads((STUDY / "results.json").read_text("utf-8"))["bank_calls"]


@pytest.fixture(scope="module")
def study() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("study_005_bank_calls", STUDY / "bank_calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(STUDY))
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(STUDY))


def test_void_records_are_no_calls(calls: dict[str, Any]) -> None:
    assert calls["calls"] == 17_456 - 143
    assert calls["faults"]["void_records"] == 143
    assert calls["identified_callers"] == 2_641
    assert calls["identified_callers"] == sum(pattern["customers"] for pattern in calls["callers"]["patterns"])


def test_the_forecast_beats_copying_last_week_and_stays_above_the_floor(calls: dict[str, Any]) -> None:
    assert calls["copy_week_wape"] == pytest.approx(0.339, abs=5e-4)
    assert calls["poisson_floor"] == pytest.approx(0.09, abs=5e-3)
    assert calls["poisson_floor"] < calls["forecast_wape"] < calls["copy_week_wape"]
    assert calls["forecast_wape"] < calls["second_week_wape"]["weekday_mean"], (
        "not only for the outlier that is not copied"
    )


def test_the_method_is_the_best_of_the_first_week(calls: dict[str, Any]) -> None:
    chosen = calls["chosen_on_first_week"]
    assert calls["forecast_method"] == min(chosen, key=lambda name: chosen[name])


def test_the_agents_are_those_of_the_formula(calls: dict[str, Any]) -> None:
    needed = agents_needed(calls["busiest_calls"] / 1800, calls["mean_service_seconds"], Service())
    assert (needed.agents, needed.scheduled) == (calls["agents_needed"], calls["agents_scheduled"])
    assert needed.queue.service_level >= 0.8 > calls["seen_service_level"]


def test_known_outliers_are_flagged(calls: dict[str, Any]) -> None:
    found = {(hour["day"], hour["hour"]): hour["calls"] for hour in calls["outlier_hours"]}
    assert found[("1999-02-03", 13)] == 494
    assert {("1999-02-14", 21), ("1999-02-14", 22)} <= set(found)


def test_friday_closes_early_and_saturday_opens_late(calls: dict[str, Any]) -> None:
    assert calls["profile"]["Friday"]["closes"] in (14, 15)
    assert calls["profile"]["Saturday"]["opens"] in (18, 19)


def test_the_second_week_has_no_say_in_the_choice_or_the_forecast(study: ModuleType) -> None:
    rng = np.random.default_rng(1)
    hours = count_hours(pd.Series(pd.to_datetime([])), study.START, study.END)
    hours = hours.assign(calls=rng.poisson(20 + 10 * (hours["hour"] > 8), len(hours)))
    second = hours["day"] >= study.MIDDLE
    other = hours.assign(calls=hours["calls"].where(~second, hours["calls"] + 7))
    one, two = study.forecast(hours), study.forecast(other)
    assert one["forecast_method"] == two["forecast_method"]
    assert one["chosen_on_first_week"] == two["chosen_on_first_week"]
    expected = [f["forecast_level"] for f in (one, two)]
    seen = [h.loc[second, "calls"].sum() for h in (hours, other)]
    assert seen[0] / expected[0] == pytest.approx(seen[1] / expected[1]), "the same was foretold"


def test_a_clock_that_runs_backwards_is_counted_and_midnight_is_none(study: ModuleType, tmp_path: Path) -> None:
    def call(**more: Any) -> dict[str, Any]:
        usual = {"vru+line": "A", "call_id": 1, "customer_id": 5, "priority": 0, "type": "PS", "date": 990201,
                 "vru_entry": "8:00:00", "vru_exit": "8:00:10", "vru_time": 10, "q_start": "0:00:00",
                 "q_exit": "0:00:00", "q_time": 0, "outcome": "AGENT", "ser_start": "8:00:10", "ser_exit": "8:01:10",
                 "ser_time": 60, "server": "X"}  # fmt: skip
        return {**usual, **more}

    rows = [
        call(), call(vru_time=-75), call(outcome="PHANTOM"), call(customer_id=0, outcome="HANG", server="NO_SERVER"),
        call(ser_start="23:59:30", ser_exit="0:00:30"),
    ]  # fmt: skip
    folder = tmp_path / "bank_calls"
    folder.mkdir()
    pd.DataFrame(rows)[COLUMNS].to_csv(folder / "calls_1999_02_first_half.tsv.gz", sep="\t", index=False)
    found, faults = study.read_calls(tmp_path)
    assert len(found) == 4
    assert (faults["menu_ends_before_it_starts"], faults["void_records"], faults["over_midnight"]) == (1, 1, 1)
    assert found["menu_seconds"].isna().sum() == 1
    assert found["duration_seconds"].dropna().tolist() == [60.0, 60.0, 60.0]
    assert found["customer_id"].nunique() == 1


def test_the_readme_states_what_the_study_found(calls: dict[str, Any]) -> None:
    readme = (STUDY / "README.md").read_text("utf-8").replace("\n", " ")
    for name in ("forecast_wape", "copy_week_wape", "abandonment", "seen_service_level", "needed_service_level"):
        assert f"{calls[name]:.3f}"[1:] in readme, name
    for name in ("calls", "identified_callers"):
        assert f"{calls[name]:,}" in readme
    for day in calls["second_week"]:
        assert f"{day['weekday']} | {day['calls']:,} | {day['forecast_wape']:.3f}".replace(" 0.", " .") in readme
    for name, value in calls["callers"]["next_week_deviance"].items():
        assert f"{value:.2f}" in readme, name
    assert f"{calls['mean_service_seconds']:.0f} seconds" in readme
    assert f"{calls['agents_needed']} agents" in readme
