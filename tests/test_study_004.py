"""Study 004: its results are those that it claims, and its features end where a campaign starts."""

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

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "004-public-promotion"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((STUDY / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def study() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("study_004_completejourney", STUDY / "completejourney.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(STUDY))  # the parts of a study import one another
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(STUDY))


def test_the_trial_is_seen_as_one_and_the_aimed_campaign_is_not(results: dict[str, Any]) -> None:
    trial, aimed = results["hillstrom"], results["completejourney"]
    assert (trial["randomised"], aimed["randomised"]) == (True, False)
    assert trial["max_smd"] < trial["max_smd_by_chance"] < aimed["max_smd_by_chance"] < aimed["max_smd"]
    assert trial["treatment_auc_low"] < 0.5 < aimed["treatment_auc_low"]
    missed = [one["campaign"] for one in aimed["by_campaign"] if one["randomised"]]
    assert missed == [27]
    assert aimed["campaigns_called_no_draw"] == aimed["campaigns_assessed"] - 1


def test_a_random_split_flatters(results: dict[str, Any]) -> None:
    found = results["bank_marketing"]
    assert not {"duration", "campaign", "y"} & set(found["features"])
    assert found["roc_auc_out_of_time_high"] < found["roc_auc_random_low"]


def test_the_readme_states_what_the_study_found(results: dict[str, Any]) -> None:
    readme = (STUDY / "README.md").read_text("utf-8").replace("\n  ", " ")

    def spelled(found: dict[str, Any], name: str) -> str:
        value, low, high = (f"{found[name + end]:.3f}"[1:] for end in ("", "_low", "_high"))
        return f"{value} ({low}–{high})"

    bank, aimed = results["bank_marketing"], results["completejourney"]
    for part in (bank, bank["without_clock"]):
        late, level = f"{part['roc_auc_random_late_rows']:.3f}"[1:], part["out_of_time"]["observed_over_expected"]
        row = f"| {spelled(part, 'roc_auc_random')} | {late} | {spelled(part, 'roc_auc_out_of_time')} | {level:.2f} |"
        assert row in readme
    for found in (results["hillstrom"], aimed, aimed["by_campaign"][-1]):
        assert spelled(found, "treatment_auc") in readme
    for number in ("treated", "left_out", "households"):
        assert f"{aimed[number]:,}" in readme
    assert f"{aimed['never_targeted']} of them never targeted" in readme


def test_the_readme_states_what_each_list_gains_on_hillstrom(results: dict[str, Any]) -> None:
    readme, found = (STUDY / "README.md").read_text("utf-8"), results["hillstrom_women_visit"]
    names = {
        "chosen": "the procedure (chosen)", "linear": "straight learner (`linear`)", "s": "S-learner",
        "response": "response ranking", "rule": "rule: bought women's goods first", "random": "random",
    }  # fmt: skip

    def cell(list_: str, measure: str, digits: int) -> str:
        row = found["by_list"][list_]
        value, low, high = (f"{row[measure + end]:.{digits}f}" for end in ("", "_low", "_high"))
        return f"{value} ({low}–{high})".replace("0.", ".").replace("-", "−")

    for list_, name in names.items():
        measures = {"uplift_at_30pct": 4, "dr_gain_at_20pct": 4, "qini_auc": 3}
        assert f"| {name} | {' | '.join(cell(list_, m, d) for m, d in measures.items())} |" in readme, name
    assert {name: found[name] for name in measures} == {name: found["by_list"]["chosen"][name] for name in measures}
    assert (found["learner"], found["chosen"]) == ("one_rule", {"one_rule": 25})
    assert found["by_list"]["chosen"]["uplift_at_30pct_over_response_low"] > 0
    sure = {name for name, row in found["by_list"].items() if row["uplift_at_30pct_over_response_low"] > 0}
    assert sure == {"one_rule", "chosen", "rule"}, "the readme says that no other list leads for certain"


def test_households_are_described_by_what_came_before_the_start(study: ModuleType) -> None:
    rng = np.random.default_rng(1)
    lines = pd.DataFrame({
        "household_id": np.arange(600) % 60, "store_id": 1, "basket_id": np.arange(600).astype(str),
        "sales_value": rng.gamma(2, 2, 600), "retail_disc": 0.1, "coupon_disc": 0.0, "department": "GROCERY",
        "at": pd.Timestamp("2017-01-01") + pd.to_timedelta(rng.integers(0, 300, 600), "D"),
    })  # fmt: skip
    redemptions = pd.DataFrame(
        {"household_id": [1, 1], "redemption_date": pd.to_datetime(["2017-03-01", "2017-08-01"])}
    )
    demographics = pd.DataFrame({"age": ["65+"]}, index=pd.Index([1], name="household_id"))
    start = pd.Timestamp("2017-06-01")
    seen = study.households_at(start, lines, redemptions, demographics)
    before = study.households_at(
        start, lines[lines["at"] < start], redemptions[redemptions["redemption_date"] < start], demographics
    )
    pd.testing.assert_frame_equal(seen, before)
    assert seen.loc[1, "coupons_redeemed"] == 1
    assert seen["lines"].sum() == (lines["at"] < start).sum()
