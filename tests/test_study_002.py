"""Study 002: its results are those that it claims, and the facts it rests on hold in the data."""

import json
from pathlib import Path
from typing import Any

import pytest

from afraz.data.flat import read_flat_table
from afraz.errors import DataError
from afraz.models.credit.fit import CreditSettings, fit_credit
from afraz.models.leak_screen import single_feature_auc

STUDY = Path(__file__).resolve().parents[1] / "experiments" / "002-public-credit"


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return json.loads((STUDY / "results.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("part", "measure"),
    [("german_credit", "roc_auc"), ("german_credit", "h_measure"), ("berka_loans", "roc_auc"),
     ("bank_marketing", "roc_auc_random"), ("bank_marketing", "roc_auc_out_of_time")],
)  # fmt: skip
def test_every_headline_lies_within_its_interval(results: dict[str, Any], part: str, measure: str) -> None:
    found = results[part]
    assert found[f"{measure}_low"] < found[measure] < found[f"{measure}_high"]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("german_credit", ["roc_auc", "roc_auc_low", "roc_auc_high", "h_measure"]),
        ("berka_loans", ["roc_auc", "roc_auc_low", "roc_auc_high", "roc_auc_with_orders"]),
        ("bank_marketing", ["duration_alone", "roc_auc_random", "roc_auc_out_of_time", "roc_auc_with_duration"]),
    ],
)
def test_the_readme_states_what_the_study_found(results: dict[str, Any], part: str, names: list[str]) -> None:
    readme = (STUDY / "README.md").read_text("utf-8")
    assert [name for name in names if f"{results[part][name]:.3f}".lstrip("0") not in readme] == []


def test_the_choice_was_made_once_in_each_fold(results: dict[str, Any]) -> None:
    german = results["german_credit"]
    assert sum(german["chosen"].values()) == 50
    assert sum(german["five_by_two"]["chosen"].values()) == 10
    assert german["chosen"][german["candidate"]] == max(german["chosen"].values())


def test_a_leak_is_caught_and_a_look_back_is_not(results: dict[str, Any]) -> None:
    assert results["berka_loans"]["caught"] == ["penalty_interest"]
    assert "unemployment_rate" in results["berka_loans"]["undated"]
    assert results["bank_marketing"]["suspected_leaks"] == ["duration"]
    assert results["bank_marketing"]["suspected_without_duration"] == []


def test_loans_that_have_ended_hold_too_few_bad_ones(public_data: Path, results: dict[str, Any]) -> None:
    loans = read_flat_table(public_data / "berka" / "loan.csv.gz", columns=["status"])
    ended = loans[loans["status"].isin(["A", "B"])]
    table = ended[["amount", "duration", "payments"]].assign(bad=(ended["status"] == "B").astype(int))
    assert (len(table), table["bad"].sum()) == (234, 31)  # PKDD'99 guide: A 203, B 31
    with pytest.raises(DataError, match="bad outcomes in .* at least 50 are needed") as refusal:
        fit_credit(table, CreditSettings(label="bad", id=None, as_of=None, customer=None))
    assert str(refusal.value) == results["berka_loans"]["refused_message"]


def test_duration_alone_ranks_as_the_study_says(public_data: Path, results: dict[str, Any]) -> None:
    calls = read_flat_table(public_data / "bank_marketing" / "bank-additional-full.csv.gz", columns=["y"])
    found = single_feature_auc(calls[["duration"]].to_numpy(float), calls["y"].eq("yes").to_numpy(float))
    assert found[0] == pytest.approx(results["bank_marketing"]["duration_alone"], abs=1e-9)
