"""From a fitted model to one that can be used, with and without a history of losses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.features.credit_training import followed
from afraz.models.artifact import load_artifact, save_artifact
from afraz.models.contract import contract_findings
from afraz.models.credit.development import Development, History, declined_applicants, develop
from afraz.models.credit.fit import CreditResult, CreditSettings, fit_credit, said_of
from afraz.models.credit.rating import Rating

from .applicants import COLUMNS, END, QUICK, applicants

SETTINGS = CreditSettings(**QUICK, **COLUMNS, candidates=["logistic"])
COST = 0.6


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return applicants().assign(collateral_share=np.tile([0.0, 0.8], 750))


@pytest.fixture(scope="module")
def table(truth: pd.DataFrame) -> pd.DataFrame:
    return truth.drop(columns="p")


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> CreditResult:
    return fit_credit(table, SETTINGS)


@pytest.fixture(scope="module")
def history(table: pd.DataFrame) -> History:
    """Every default loses sixty of a hundred, with collateral thirty; it comes back after two months."""
    bad = table[table["default_at"].notna()]
    covered = (bad["collateral_share"] > 0).to_numpy()
    defaults = pd.DataFrame({
        "loan_id": bad["loan_id"], "customer_id": bad["customer_id"], "defaulted_at": bad["default_at"],
        "exposure": bad["amount"], "cured_at": pd.Series(pd.NaT, bad.index, dtype="datetime64[us]"),
        "has_collateral": covered,
    })  # fmt: skip
    recovered = pd.DataFrame({
        "loan_id": bad["loan_id"], "received_at": bad["default_at"] + pd.Timedelta(days=61),
        "amount": bad["amount"] * np.where(covered, 1 - COST / 2, 1 - COST),
    })  # fmt: skip
    arrears = pd.DataFrame({"bucket": ["0", "30-59", "60-89"], "loans": [900, 99, 49], "defaults": [9, 39, 29]})
    return History(defaults, recovered, arrears, 3)


@pytest.fixture(scope="module")
def plain(result: CreditResult, table: pd.DataFrame) -> Development:
    return develop(result, table, SETTINGS, {}, None, END)


@pytest.fixture(scope="module")
def developed(result: CreditResult, table: pd.DataFrame, history: History) -> Development:
    return develop(result, table, SETTINGS, {"margin": 0.15, "workout_months": 3}, history, END)


def test_without_a_history_the_stated_loss_is_used_and_said(plain: Development) -> None:
    assert plain.measures["loss_given_default"] == {
        "used": 0.45, "note": "no history of recoveries: the stated one is used",
    }  # fmt: skip
    assert (plain.rating.losses, plain.rating.terms, plain.rating.arrears, plain.rating.levels) == (None, None, {}, ())
    assert plain.show("loss_given_default").empty


def test_losses_are_those_of_the_history_by_collateral(developed: Development) -> None:
    losses = developed.show("loss_given_default").set_index("segment")["floored"]
    assert losses["has_collateral=False"] == pytest.approx(COST, abs=0.02)
    assert losses["has_collateral=True"] == pytest.approx(COST / 2, abs=0.02)
    assert developed.measures["loss_given_default"]["note"] == ""
    assert developed.rating.economics.loss_given_default == developed.measures["loss_given_default"]["used"]
    grades = developed.show("grade_losses")
    assert grades["loss_given_default"].between(COST / 2 - 0.02, COST + 0.02).all()


def test_too_few_workouts_leave_the_stated_loss_and_say_why(
    result: CreditResult, table: pd.DataFrame, history: History
) -> None:
    few = History(history.defaults[:5], history.recovered[:5], history.arrears, 3)
    found = develop(result, table, SETTINGS, {"loss_given_default": 0.7, "workout_months": 3}, few, END)
    assert found.measures["loss_given_default"]["used"] == 0.7
    assert (
        "the stated 70% is used: expected the worth of 30 observed defaults"
        in (found.measures["loss_given_default"]["note"])
    )
    assert found.rating.terms is not None, "when loans default is known all the same"


def test_timing_arrears_and_levels_come_from_the_history(developed: Development) -> None:
    rating = developed.rating
    assert rating.terms is not None
    assert rating.terms.window == 3
    assert rating.terms.cumulated[1] < rating.terms.cumulated[3] < 1
    assert rating.arrears == {"30-59": pytest.approx(39.5 / 100), "60-89": pytest.approx(29.5 / 50)}
    assert len(rating.levels) == 200
    assert np.mean(rating.levels) == pytest.approx(1, abs=0.15)


def test_every_application_is_said_with_its_grade(plain: Development, table: pd.DataFrame) -> None:
    said = plain.applicants
    assert said["loan_id"].tolist() == table["loan_id"].tolist()
    assert said["label"].equals(table["defaults"].rename("label"))
    assert (said["grade"] == plain.rating.scale.assign(said["default_probability"])).all()


def test_expected_losses_by_grade_add_up_and_rise_with_the_grade(
    plain: Development, result: CreditResult, table: pd.DataFrame
) -> None:
    shown = plain.show("grade_losses")
    assert shown["rows"].sum() == len(table)
    assert shown["amount"].sum() == table["amount"].sum()
    said = said_of(result, table)["default_probability"]
    assert shown["expected_loss"].sum() == pytest.approx((said * 0.45 * table["amount"]).sum())
    assert shown["default_probability"].is_monotonic_increasing
    assert shown["grade"].tolist() == list(plain.rating.scale.names)


def test_the_model_carries_the_rating_and_keeps_the_contract(
    developed: Development, result: CreditResult, tmp_path: Path
) -> None:
    folder = save_artifact(developed.model, tmp_path / "model")
    loaded = load_artifact(folder)
    assert Rating.from_dict(loaded.spec["rating"]) == developed.rating
    assert contract_findings(folder, result.sample, probe=False, rows=30) == []


def test_the_model_carries_the_signs_that_its_inputs_keep(result: CreditResult, table: pd.DataFrame) -> None:
    signed = SETTINGS.model_copy(update={"monotone": {"income": -1, "noise": 0, "gone": 1}})
    assert develop(result, table, signed, {}, None, END).model.spec["rating"]["signs"] == {"income": -1}


def test_the_recommended_cutoff_pays_and_a_stated_one_is_kept(
    plain: Development, result: CreditResult, table: pd.DataFrame
) -> None:
    used = plain.measures["cutoff"]
    assert used["break_even"] == pytest.approx(0.1 / 0.55)
    assert used["recommended"]["expected_profit"] == plain.show("cutoffs")["expected_profit"].max()
    stated = develop(result, table, SETTINGS, {"cutoff": 0.3}, None, END)
    assert stated.rating.cutoff == stated.measures["cutoff"]["cutoff"] == 0.3
    assert stated.measures["cutoff"]["approval_rate"] > used["approval_rate"]


def test_grades_are_so_many_as_were_asked_for(result: CreditResult, table: pd.DataFrame) -> None:
    found = develop(result, table, SETTINGS.model_copy(update={"grades": 8}), {}, None, END)
    assert len(found.rating.scale.names) == 8


def test_later_applications_and_customers_who_come_again_are_looked_at(plain: Development, table: pd.DataFrame) -> None:
    assert plain.measures["drift"]["psi_score"] < 0.1
    assert set(plain.show("psi_by_segment")["segment"]) >= {"car", "house", "other"}
    again = int(table["customer_id"].duplicated().sum())
    assert plain.measures["regraded"]["rows"] == again == plain.show("migration").to_numpy().sum()


def test_groups_are_compared_on_all_applications(plain: Development, table: pd.DataFrame) -> None:
    fairness = plain.show("fairness")
    assert set(fairness["attribute"]) == {"gender", "age_band"}
    assert fairness.groupby("attribute")["rows"].sum().eq(len(table)).all()
    assert plain.measures["fairness"]["gender"]["selection_rate_ratio"] > 0.8, "gender plays no part in the simulation"
    assert "granted loans only" in plain.measures["fairness"]["note"]


def test_estimates_of_all_applicants_cover_the_true_rate(plain: Development, truth: pd.DataFrame) -> None:
    period = truth["as_of"] <= truth.loc[truth["defaults"].notna(), "as_of"].max()
    rate = truth.loc[period, "p"].mean()
    estimates = plain.measures["all_applicants"]
    for method in ("inverse_propensity", "extrapolation"):
        assert estimates[method]["low"] < rate < estimates[method]["high"]
    assert estimates["accepts"]["estimate"] < rate, "the old policy declined the worst"


def test_declined_applicants_count_and_withdrawn_ones_do_not(result: CreditResult, table: pd.DataFrame) -> None:
    rows = table.join(said_of(result, table))
    gone = rows.index[~rows["granted"]][::2]
    withdrawn = rows.assign(decision=rows["decision"].where(~rows.index.isin(gone), "withdrawn"))
    rates = []
    for part in (rows, withdrawn):
        found = declined_applicants(part, SETTINGS, 7)
        assert found is not None
        rates.append(found.set_index("method").loc["extrapolation", "estimate"])
    assert rates[1] < rates[0], "of the risky ones half have gone"


def test_where_nobody_was_declined_or_the_policy_is_unknown_nothing_is_estimated(
    result: CreditResult, table: pd.DataFrame
) -> None:
    rows = table.join(said_of(result, table))
    assert declined_applicants(rows[rows["granted"]], SETTINGS, 7) is None
    assert declined_applicants(rows.drop(columns="passed"), SETTINGS, 7) is None


def test_measures_are_json_and_those_of_the_fit_keep_their_intervals(plain: Development, result: CreditResult) -> None:
    measured = plain.measured(result)
    json.dumps(measured, allow_nan=False)
    assert measured["test"]["gini"] == result.metrics["test"]["gini"]
    assert measured["cross_fitted"]["roc_auc"] == result.metrics["cross_validated"]["roc_auc"]
    assert {"hosmer_lemeshow", "ks", "roc_auc_delong"} <= set(measured["test"])


def test_both_parts_are_shown_side_by_side_and_the_other_measures_below_one_another(plain: Development) -> None:
    shown = plain.overview()
    assert shown.columns.tolist() == ["test", "cross_fitted"]
    assert shown.loc["gini", "test"] == pytest.approx(2 * shown.loc["roc_auc (DeLong)", "test"] - 1)
    assert (shown.loc["rows"] == [plain.measures[part]["rows"] for part in shown.columns]).all()
    lined = plain.verdicts()
    assert lined["cutoff.cutoff"] == plain.rating.cutoff
    assert lined["loss_given_default.used"] == 0.45
    assert lined["fairness.gender.proxy_auc"] == plain.measures["fairness"]["gender"]["proxy_auc"]
    assert not any(isinstance(value, str) for value in lined)


def test_a_model_that_was_not_refitted_is_developed_too(table: pd.DataFrame) -> None:
    alone = SETTINGS.model_copy(update={"refit": False, "candidates": ["scorecard"], "max_variables": 3})
    found = develop(fit_credit(table, alone), table, alone, {}, None, END)
    assert found.show("signs").empty
    assert "signs_against" not in found.measures


def test_a_ready_table_of_inputs_and_a_label_is_developed_with_what_it_has(table: pd.DataFrame) -> None:
    ready = table.loc[table["defaults"].notna(), ["income", "late_months", "debt_share", "noise", "defaults"]]
    alone = CreditSettings(**QUICK, candidates=["logistic"], id=None, as_of=None, customer=None)
    found = develop(fit_credit(ready, alone), ready, alone, {}, None, END)
    assert set(found.tables) == {"grades_test", "grades_cross_fitted", "cutoffs", "grade_losses"}
    assert found.show("grade_losses")["amount"].sum() == len(ready), "without amounts every loan is one unit"
    assert found.measures["fairness"].keys() == {"note"}


def test_the_same_seed_gives_the_same_development(
    result: CreditResult, table: pd.DataFrame, history: History, developed: Development
) -> None:
    lending = {"margin": 0.15, "workout_months": 3}
    again = develop(result, table, SETTINGS, lending, history, END)
    assert again.rating == developed.rating
    assert again.measured(result) == developed.measured(result)


@pytest.mark.parametrize(
    ("lending", "message"),
    [
        ({"margn": 0.1}, r"lending: unknown setting 'margn': did you mean margin\?"),
        ({"margin": None}, "lending: margin: expected a number, got None"),
        ({"cutoff": 1e-6}, "a cut-off of 1e-06 approves nobody"),
        ({"cutoff": 1.2}, "a cut-off is a default probability between 0 and 1; got 1.2"),
        ({"loss_given_default": 45}, "must be shares above 0 and not above 1; got 0.1 and 45"),
    ],
)
def test_lending_that_cannot_be_is_refused(
    result: CreditResult, table: pd.DataFrame, lending: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        develop(result, table, SETTINGS, lending, None, END)


def test_all_outcomes_are_held_against_the_best_single_input_by_quarter_and_purpose(
    developed: Development, plain: Development, result: CreditResult
) -> None:
    beside = developed.measures["baseline"]
    assert beside["rows"] == len(result.cross_fitted)
    assert beside["what"].startswith(("late_months alone, high", "income alone, low"))
    assert beside["lead"]["low"] > 0
    parts = developed.tables["parts"].set_index("kind")
    assert set(parts.loc["segment", "part"]) == {"car", "house", "other"}
    assert parts.loc["quarter", "rows"].sum() == parts.loc["segment", "rows"].sum() == len(result.cross_fitted)
    last = result.cross_fitted["as_of"].max()
    assert plain.model.spec["learned_until"] == f"{last:%Y-%m-%d}"
    assert developed.model.spec["learned_until"] == f"{last + pd.DateOffset(months=3):%Y-%m-%d}"


def test_a_model_that_follows_loans_has_learned_until_the_data_end(table: pd.DataFrame) -> None:
    settings = SETTINGS.model_copy(update={"duration": "months_watched", "seen": "default_seen", "refit": False})
    watched = followed(table, pd.Timestamp(END))
    found = develop(fit_credit(watched, settings), watched, settings, {}, None, END)
    assert found.model.spec["learned_until"] == END
