"""The credit model on applications whose log-odds of default are planted."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.features.credit_training import followed
from afraz.models import metrics
from afraz.models.artifact import folder_digest, load_artifact, save_artifact
from afraz.models.calibration import beta, logit, platt
from afraz.models.contract import contract_findings
from afraz.models.credit.fit import CreditResult, CreditSettings, cross_validate, fit_credit, rated, said_of
from afraz.models.explain import explain
from afraz.models.scorecard import Scorecard

from .applicants import COLUMNS, END, INPUTS, QUICK, applicants

PLAIN = {**QUICK, **COLUMNS, "candidates": ["scorecard", "lightgbm"]}
SCORECARD = {**PLAIN, "candidates": ["scorecard"], "refit": False}
LOGISTIC = {**PLAIN, "candidates": ["logistic"]}


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return applicants()


@pytest.fixture(scope="module")
def table(truth: pd.DataFrame) -> pd.DataFrame:
    return truth.drop(columns="p")


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> CreditResult:
    return fit_credit(table, CreditSettings(**PLAIN))


@pytest.fixture(scope="module")
def not_refitted(table: pd.DataFrame) -> CreditResult:
    return fit_credit(table, CreditSettings(**LOGISTIC, refit=False))


@pytest.fixture(scope="module")
def blended(table: pd.DataFrame) -> CreditResult:
    return fit_credit(table, CreditSettings(**QUICK, **COLUMNS, monotone={"late_months": 1, "income": -1}))


@pytest.fixture(scope="module")
def expert(table: pd.DataFrame) -> Scorecard:
    """The scorecard of somebody who knows better."""
    chosen = {"force": ["noise", "late_months"], "forbid": ["income"], "bins": {"late_months": {"splits": [2]}}}
    employer = np.random.default_rng(3).choice([f"employer {i}" for i in range(400)], len(table))
    settings = CreditSettings(**SCORECARD, **chosen, max_variables=2)
    card = fit_credit(table.assign(employer=employer), settings).scorecard
    assert card is not None
    return card


def test_the_planted_drivers_are_found_and_the_noise_counts_least(result: CreditResult) -> None:
    features = result.tables["features"].set_index("feature")["importance"]
    assert set(features.head(2).index) == {"income", "late_months"}
    assert features.get("noise", 0.0) == features.min()


def test_the_ranking_comes_close_to_that_of_the_truth(truth: pd.DataFrame, result: CreditResult) -> None:
    p = result.cross_fitted.merge(truth[["loan_id", "p"]], on="loan_id")
    ours, best = (2 * metrics.soft_roc_auc(p["p"], p[c]) - 1 for c in ("default_probability", "p"))
    assert 0.85 < ours / best < 1


def test_probabilities_add_up_to_the_true_ones_of_all_who_applied(truth: pd.DataFrame, result: CreditResult) -> None:
    said = result.model.predict(truth)["default_probability"]
    assert said.between(0, 1).all()
    assert said.sum() / truth["p"].sum() == pytest.approx(1, abs=0.08)


def test_every_measure_has_an_interval_and_all_is_json(result: CreditResult) -> None:
    summary = result.summary()
    assert {"roc_auc", "gini", "brier", "calibration_slope", "observed_over_expected"} <= set(summary.index)
    inside = summary.drop(index="calibration_error")  # resamples are worse calibrated than the rows themselves
    assert (inside["low"] <= inside["value"]).all()
    assert (inside["value"] <= inside["high"]).all()
    json.dumps(result.metrics, allow_nan=False)


def test_rows_without_an_outcome_are_counted_and_left_out(table: pd.DataFrame, result: CreditResult) -> None:
    population = result.metrics["population"]
    missing = int(table["defaults"].isna().sum())
    assert (population["rows"], population["without_outcome"]) == (len(table), missing)
    assert population["used"] == len(result.cross_fitted) == len(table) - missing
    assert population["bad"] == table["defaults"].sum() == result.cross_fitted["label"].sum()


@pytest.fixture(scope="module")
def watched(table: pd.DataFrame) -> pd.DataFrame:
    """The windows are 90 days: younger loans are watched for less, older ones for a year; some default late."""
    late = np.random.default_rng(5).random(len(table)) < 0.05 * (table["defaults"] == 0)
    default = table["default_at"].where(~late, table["granted_at"] + pd.Timedelta(days=200))
    frame = followed(table.assign(default_at=default), pd.Timestamp(END))
    return frame.assign(default_at=table["default_at"])


def test_loans_are_learned_from_while_their_window_is_open_but_measured_only_after_it(
    table: pd.DataFrame, watched: pd.DataFrame, result: CreditResult
) -> None:
    settings = CreditSettings(**{**PLAIN, "candidates": ["scorecard", "logistic", "lightgbm", "blend"]},
                              duration="months_watched", seen="default_seen")  # fmt: skip
    found = fit_credit(watched, settings)
    population, plain = found.metrics["population"], result.metrics["population"]
    assert {name: population[name] for name in plain} == plain, "what is measured does not depend on it"
    young = watched["granted"] & watched["defaults"].isna()
    assert population["unfinished"] == young.sum() == len(found.unfinished) > 0
    later = (watched["default_seen"] == 1) & (watched["defaults"] == 0)
    assert population["bad_later"] == later.sum() > 0
    assert population["bad_unfinished"] == (watched["default_seen"][young] == 1).sum()
    assert found.unfinished["label"].isna().all()
    assert found.cross_fitted["label"].tolist() == result.cross_fitted["label"].tolist()
    assert len(found.inputs) == len(found.cross_fitted)
    assert not {"months_watched", "default_seen"} & set(found.inputs)
    said = said_of(found, watched)
    assert said["label"].isna().equals(table["defaults"].isna())
    alone = found.model.predict(watched)["default_probability"]
    learned = watched["granted"]
    assert (said["default_probability"] == alone)[~learned].all()
    assert (said["default_probability"] != alone)[learned].all(), "rows learned from are told without their fold"


def test_the_test_part_is_not_learned_from_while_windows_are_open(watched: pd.DataFrame) -> None:
    followed_up = {"duration": "months_watched", "seen": "default_seen"}
    found = fit_credit(watched, CreditSettings(**LOGISTIC, **followed_up, refit=False))
    assert found.metrics["population"]["unfinished"] > 0
    assert found.unfinished.empty, "open windows are younger than the test"
    assert found.cross_fitted["as_of"].max() < found.predictions["as_of"].min()
    assert set(found.predictions["group"]) & set(found.cross_fitted["group"]) == set()
    assert found.metrics["population"]["train_rows"] == len(found.cross_fitted)


def test_half_a_follow_up_is_refused() -> None:
    with pytest.raises(ParamsError, match="name both or neither"):
        CreditSettings(duration="months_watched")


def test_a_follow_up_that_is_no_column_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="the table has no follow-up column 'months'"):
        fit_credit(table, CreditSettings(**SCORECARD, duration="months", seen="default_seen"))


def test_a_ready_table_with_missing_labels_is_refused_unless_outcomes_are_named(table: pd.DataFrame) -> None:
    ready = table[["loan_id", "defaults", *INPUTS]]
    with pytest.raises(DataError, match="label 'defaults' is missing in 228 of 1,500 rows"):
        fit_credit(ready, CreditSettings(**QUICK, candidates=["scorecard"]))


def test_the_test_is_later_and_none_of_its_customers_was_learned_from(
    table: pd.DataFrame, not_refitted: CreditResult
) -> None:
    population, test, train = not_refitted.metrics["population"], not_refitted.predictions, not_refitted.cross_fitted
    assert set(test["group"]) & set(train["group"]) == set()
    owner = table.set_index("loan_id")["customer_id"]
    assert set(owner[test["loan_id"]]) & set(owner[train["loan_id"]]) == set()
    assert train["as_of"].max() < test["as_of"].min()
    assert test["as_of"].max() - test["as_of"].min() < pd.Timedelta(days=183)
    assert population["left_out_rows"] > 0, "customers who came again must be there to be left out"
    assert population["train_rows"] + population["test_rows"] + population["left_out_rows"] == population["used"]


def test_without_dates_customers_are_drawn_at_random(table: pd.DataFrame) -> None:
    settings = CreditSettings(**LOGISTIC, refit=False)
    fitted = fit_credit(table.drop(columns="as_of"), settings)
    assert fitted.metrics["population"]["split"] == "customers at random"
    assert set(fitted.predictions["group"]) & set(fitted.cross_fitted["group"]) == set()


def test_a_refitted_model_has_learned_from_the_test_and_the_other_has_not(
    table: pd.DataFrame, result: CreditResult, not_refitted: CreditResult
) -> None:
    population = result.metrics["population"]
    refit = result.metrics["refit"]
    assert (refit["on_all_outcomes"], refit["rows"], refit["chosen"]) == (True, population["used"], "scorecard")
    assert not_refitted.metrics["refit"]["rows"] == len(not_refitted.cross_fitted) == population["train_rows"]
    for fitted, same in ((result, False), (not_refitted, True)):
        test = fitted.predictions.merge(table, on="loan_id")
        now = fitted.model.predict(test)["default_probability"].to_numpy()
        assert (now == fitted.predictions["default_probability"].to_numpy()).all() is np.bool_(same)


def test_the_sample_holds_what_the_handed_over_model_says(result: CreditResult, tmp_path: Path) -> None:
    loaded = load_artifact(save_artifact(result.model, tmp_path / "model"))
    said = loaded.predict(result.sample)
    pd.testing.assert_frame_equal(said, result.sample[["default_probability", "points"]], check_exact=True)


def test_cross_fitted_predictions_rank_worse_than_those_of_rows_that_were_learned_from(
    table: pd.DataFrame, result: CreditResult
) -> None:
    trees = fit_credit(table, CreditSettings(**{**LOGISTIC, "candidates": ["lightgbm"]}))
    for fitted in (result, trees):
        rows = fitted.cross_fitted.merge(table, on="loan_id")
        label, apart = rows["label"], rows["default_probability"].to_numpy()
        inside = fitted.model.predict(rows)["default_probability"].to_numpy()
        auc = [metrics.measure(label, p, ("roc_auc",))["roc_auc"] for p in (inside, apart)]
        assert auc[0] > auc[1] + 0.005
        assert not np.isclose(inside, apart, rtol=0, atol=1e-9).any(), "every row is predicted without its fold"


def test_the_calibration_too_has_not_seen_the_row(result: CreditResult) -> None:
    rows = result.cross_fitted
    said = rows["default_probability"].to_numpy()
    apart, all_in = np.empty(len(rows)), np.empty(len(rows))
    fit = {"beta": beta, "platt": platt}[result.metrics["calibration_method"]["method"]]
    margin, label = rows["margin"].to_numpy(), rows["label"].to_numpy()
    for k in range(3):
        inside = (rows["fold"] != k).to_numpy()
        apart[~inside] = fit(margin[inside], label[inside]).probability(margin[~inside])
        all_in[~inside] = fit(margin, label).probability(margin[~inside])
    assert np.allclose(said, apart, rtol=0, atol=1e-12)
    assert not np.allclose(said, all_in, rtol=0, atol=1e-4)


def test_a_customer_is_in_one_fold_only(result: CreditResult) -> None:
    assert (result.cross_fitted.groupby("group")["fold"].nunique() == 1).all()
    assert result.cross_fitted["fold"].nunique() == 3


def test_the_same_data_in_another_order_give_the_same_bytes(
    table: pd.DataFrame, result: CreditResult, tmp_path: Path
) -> None:
    shuffled = table.sample(frac=1, random_state=1)
    again = fit_credit(shuffled, CreditSettings(**PLAIN, threads=1))
    folders = [save_artifact(r.model, tmp_path / str(i)) for i, r in enumerate((result, again))]
    assert folder_digest(folders[0]) == folder_digest(folders[1])
    assert again.metrics == result.metrics
    pd.testing.assert_frame_equal(again.cross_fitted, result.cross_fitted)


def test_the_model_folder_keeps_the_contract(result: CreditResult, blended: CreditResult, tmp_path: Path) -> None:
    for name, fitted in {"scorecard": result, "blend": blended}.items():
        folder = save_artifact(fitted.model, tmp_path / name)
        assert contract_findings(folder, fitted.sample, probe=False, rows=40) == []


def test_by_default_scorecard_line_and_trees_are_averaged(table: pd.DataFrame, blended: CreditResult) -> None:
    assert blended.metrics["refit"]["chosen"] == blended.metrics["candidates"]["chosen"] == "blend"
    parts = blended.model.spec["heads"][0]["parts"]
    assert parts == ["default_scorecard", "default_logistic", "default_lightgbm"]
    margins = blended.model.margins(table)
    assert margins["default"] == pytest.approx(np.mean([margins[part] for part in parts], axis=0))
    assert blended.scorecard is not None
    assert margins["default_scorecard"] == pytest.approx(blended.scorecard.margin(table), abs=1e-9)


def test_contributions_of_a_blend_add_up_by_variable_to_its_margin(table: pd.DataFrame, blended: CreditResult) -> None:
    rows = table[:200]
    told = explain(blended.model, blended.model.matrix(rows))
    assert told.engine == "scorecard+linear+woodelf"
    assert told.base + told.values.sum(axis=1) == pytest.approx(blended.model.margins(rows)["default"], abs=1e-4)
    late = told.values[:, told.names.index("late_months")]
    assert np.corrcoef(late, rows["late_months"])[0, 1] > 0.8


def test_a_blend_counts_what_its_parts_use(blended: CreditResult) -> None:
    features = blended.tables["features"].set_index("feature")["importance"]
    assert set(features.index) == set(INPUTS)
    assert features.sum() == pytest.approx(1)
    assert set(features.head(2).index) == {"income", "late_months"}


def test_the_refit_learns_what_was_chosen_and_nothing_else(table: pd.DataFrame) -> None:
    chosen = fit_credit(table, CreditSettings(**{**LOGISTIC, "candidates": ["logistic", "lightgbm"]}))
    assert chosen.metrics["refit"]["chosen"] == chosen.metrics["candidates"]["chosen"]
    assert list(chosen.metrics["refit"]["candidates"]) == ["chosen", "logistic"]


def test_the_calibration_that_is_told_is_that_of_the_model_that_is_handed_over(blended: CreditResult) -> None:
    knots = blended.model.spec["outputs"][0]
    rows = blended.cross_fitted
    method = blended.metrics["calibration_method"]["method"]
    curve = {"beta": beta, "platt": platt}[method](rows["margin"].to_numpy(), rows["label"].to_numpy())
    assert knots["knots_log_odds"] == pytest.approx(curve.knots_log_odds.tolist())


def test_points_of_a_scorecard_model_are_the_scorecards_own(table: pd.DataFrame, result: CreditResult) -> None:
    assert result.scorecard is not None
    assert np.allclose(result.model.predict(table)["points"], result.scorecard.points(table), rtol=0, atol=1e-9)


def test_points_of_other_models_are_those_of_their_probability(table: pd.DataFrame, not_refitted: CreditResult) -> None:
    assert not_refitted.scorecard is None
    said = not_refitted.model.predict(table)
    odds = -logit(said["default_probability"].to_numpy())
    assert np.allclose(said["points"], 600 + 20 * (odds - np.log(50)) / np.log(2), rtol=0, atol=1e-6)


def test_where_the_scorecard_loses_it_stays_beside_the_winner(truth: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    n = len(truth)
    one, two = rng.normal(size=n), rng.normal(size=n)
    bad = rng.random(n) < np.where(one * two > 0, 0.5, 0.08)  # an interaction that no sum of points can show
    crossed = pd.DataFrame({"one": one, "two": two, "three": one + rng.normal(size=n), "defaults": bad.astype(int)})
    settings = {
        "candidates": ["scorecard", "lightgbm"],
        "force": ["one"],
        "least_iv": 0,
        "lightgbm": {"min_data_in_leaf": 20, "max_depth": 4},
    }
    fitted = fit_credit(crossed, CreditSettings(**QUICK, **settings))
    assert fitted.metrics["candidates"]["chosen"] == "lightgbm"
    assert fitted.metrics["candidates"]["lightgbm"]["roc_auc_minus_scorecard"]["low"] > 0
    assert fitted.scorecard is not None
    assert {"scorecard", "selection"} <= set(fitted.tables)


def test_forced_and_forbidden_variables_are_what_the_settings_say(result: CreditResult, expert: Scorecard) -> None:
    assert result.scorecard is not None
    assert "income" in result.scorecard.variables
    assert "noise" in expert.variables
    assert "income" not in expert.selection["variable"].tolist()
    assert len(expert.variables) == 2


def test_experts_bins_are_the_bins_of_the_scorecard(expert: Scorecard) -> None:
    shown = expert.points_table()
    assert shown.loc[shown["variable"] == "late_months", "bin"].tolist() == ["< 2", ">= 2"]


def test_a_text_of_very_many_levels_is_no_variable_of_the_scorecard(expert: Scorecard) -> None:
    row = expert.selection.set_index("variable").loc["employer"]
    assert not row["kept"]
    assert "frequent enough" in row["note"]


def test_protected_attributes_are_no_inputs_unless_allowed(table: pd.DataFrame, not_refitted: CreditResult) -> None:
    def names(fitted: CreditResult) -> set[str]:
        return {feature["name"] for feature in fitted.model.spec["features"]}

    assert names(not_refitted) == set(INPUTS)
    assert set(not_refitted.inputs.columns) == set(INPUTS)
    allowed = fit_credit(table, CreditSettings(**LOGISTIC, allow_protected=["age_years"]))
    assert names(allowed) == {*INPUTS, "age_years"}


def test_labels_with_codes_of_their_own_need_the_bad_one_named(table: pd.DataFrame, result: CreditResult) -> None:
    coded = table.assign(defaults=(table["defaults"] + 1).astype("Int64"))
    with pytest.raises(DataError, match="label 'defaults' has the values 1, 2: expected 0/1, yes/no or true/false"):
        fit_credit(coded, CreditSettings(**SCORECARD))
    fitted = fit_credit(coded, CreditSettings(**LOGISTIC, event="2"))
    assert fitted.metrics["population"]["bad"] == result.metrics["population"]["bad"]


def test_columns_that_tell_nothing_are_left_out_and_said(table: pd.DataFrame) -> None:
    fitted = fit_credit(table.assign(bank="ours", never=np.nan), CreditSettings(**LOGISTIC))
    assert fitted.metrics["notes"] == [
        "bank: left out, the same value in every row",
        "never: left out, missing in every row",
    ]
    assert {f["name"] for f in fitted.model.spec["features"]} == set(INPUTS)


def test_a_text_of_ten_thousand_levels_that_hardly_repeat_is_refused() -> None:
    rows = applicants(15_000).drop(columns="p")
    rows["street"] = [f"street {i % 10_000}" for i in range(len(rows))]
    with pytest.raises(DataError, match=r"text column 'street' has [\d,]+ different values in [\d,]+ rows: it looks"):
        fit_credit(rows, CreditSettings(**SCORECARD))


def test_a_planted_leak_is_suspected_and_honest_variables_are_not(table: pd.DataFrame, result: CreditResult) -> None:
    assert result.metrics["suspected_leaks"] == []
    leaking = table.assign(dunning_letters=table["defaults"].fillna(0) + 0.01 * table["noise"])
    fitted = fit_credit(leaking, CreditSettings(**LOGISTIC))
    assert {leak["feature"] for leak in fitted.metrics["suspected_leaks"]} == {"dunning_letters"}


def test_evidence_tables_hold_together(result: CreditResult) -> None:
    card = result.tables["scorecard"]
    assert (card.groupby("variable")["count"].sum() == len(result.cross_fitted)).all()
    assert len(result.tables["trials"]) == 2
    assert set(result.curves["calibration"]["output"]) == {"test", "cross-fitted"}
    assert result.metrics["test"]["rows"] == len(result.predictions)
    assert result.metrics["cross_validated"]["events"] == result.cross_fitted["label"].sum()


def test_cross_validation_predicts_every_row_once_per_repeat(table: pd.DataFrame) -> None:
    known = int(table["defaults"].notna().sum())
    found = cross_validate(table, CreditSettings(**LOGISTIC), folds=3, repeats=2)
    assert len(found.predictions) == known
    assert found.predictions.notna().all().all()
    assert (table["defaults"].to_numpy()[found.predictions["row"]] == found.predictions["label"]).all()
    assert found.roc_auc["value"] == pytest.approx(np.mean(found.by_repeat))
    assert found.roc_auc["low"] < found.roc_auc["value"] < found.roc_auc["high"]
    assert found.chosen == ["logistic"] * 6


def test_the_known_are_said_without_their_fold_and_the_others_by_the_model(
    table: pd.DataFrame, result: CreditResult
) -> None:
    said = said_of(result, table)
    assert said["label"].equals(table["defaults"].rename("label"))
    known = table["defaults"].notna()
    apart = result.cross_fitted.set_index("loan_id")["default_probability"]
    assert (said.loc[known, "default_probability"] == apart[table.loc[known, "loan_id"]].to_numpy()).all()
    now = result.model.predict(table)
    assert said.loc[~known, "default_probability"].equals(now.loc[~known, "default_probability"])
    assert said["points"].equals(now["points"])


def test_rows_without_ids_get_back_their_own_outcome(table: pd.DataFrame) -> None:
    plain = table.drop(columns=["loan_id", "customer_id", "as_of"])
    fitted = fit_credit(plain, CreditSettings(**LOGISTIC))
    assert fitted.id == "row"
    assert said_of(fitted, plain)["label"].equals(plain["defaults"].rename("label"))


def test_a_rating_is_put_into_the_spec_and_nothing_else_changes(
    table: pd.DataFrame, result: CreditResult, tmp_path: Path
) -> None:
    with_rating = rated(result.model, {"cutoff": 0.25})
    loaded = load_artifact(save_artifact(with_rating, tmp_path / "model"))
    assert loaded.spec["rating"] == {"cutoff": 0.25}
    assert "rating" not in result.model.spec
    pd.testing.assert_frame_equal(loaded.predict(table), result.model.predict(table), check_exact=True)


def _bad(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Leave so many bad outcomes, none of them of a customer with another one."""
    first = table[(table["defaults"] == 1) & ~table["customer_id"].duplicated(keep=False)].index[:count]
    return table.assign(defaults=table["defaults"].where(table["defaults"].isna() | table.index.isin(first), 0.0))


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (
            lambda t: _bad(t, 40),
            {"test_days": 1},
            "40 bad outcomes in 1,272 rows to learn from, at least 50 are needed (10 more)",
        ),
        (lambda t: t.assign(defaults=t["defaults"] * 0), {}, "label 'defaults' has one class only (1,272 rows of 0.0)"),
        (lambda t: t.assign(defaults=np.nan), {}, "no row has an outcome: 'defaults' is missing in all 1,500 rows"),
        (lambda t: t[:0], {}, "the table is empty"),
        (lambda t: t, {"label": "default"}, "no label column 'default': did you mean defaults?"),
        (lambda t: t, {"id": "loan"}, "no id column 'loan': did you mean loan_id?"),
        (lambda t: t, {"customer": "customer"}, "no customer column 'customer': did you mean customer_id?"),
        (
            lambda t: t,
            {"test_days": 5000},
            "no row is left to learn from: outcomes reach from 2024-01-01 to 2025-10-02",
        ),
        (lambda t: pd.concat([t, t[:3]]), {}, "3 rows repeat 'loan_id'"),
        (lambda t: t.assign(**dict.fromkeys(INPUTS, 1)), {}, "no feature is left of 5 columns"),
        (lambda t: t.assign(income=t["income"].fillna(np.inf)), {}, "column 'income' holds infinite numbers"),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused_in_words(
    table: pd.DataFrame, change: Callable[[pd.DataFrame], pd.DataFrame], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as refused:
        fit_credit(change(table), CreditSettings(**SCORECARD, **settings))
    assert len(str(refused.value).splitlines()) <= 2


def test_so_many_bad_outcomes_as_were_asked_for_are_enough(table: pd.DataFrame) -> None:
    fitted = fit_credit(_bad(table, 50), CreditSettings(**LOGISTIC, test_days=1))
    assert fitted.metrics["population"]["bad"] == 50


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"force": ["incom"]}, "credit settings name the variable 'incom': did you mean income?"),
        ({"forbid": ["purpos"]}, "credit settings name the variable 'purpos': did you mean purpose?"),
        ({"bins": {"lat_months": {"splits": [1]}}}, "the variable 'lat_months': did you mean late_months?"),
        ({"allow_protected": ["sex"]}, "credit settings name the variable 'sex'"),
        ({"force": ["noise"], "forbid": ["noise"]}, "force or bin 'noise', which is no input: it is forbidden"),
        ({"force": ["gender"]}, "force or bin 'gender', which is no input: it is forbidden, protected"),
        ({"bins": {"amount": {"splits": [1]}}}, "force or bin 'amount', which is no input"),
    ],
)
def test_variables_that_the_settings_name_must_be_inputs(
    table: pd.DataFrame, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParamsError, match=re.escape(message)):
        fit_credit(table, CreditSettings(**SCORECARD, **settings))


def test_a_forced_variable_of_one_value_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(ParamsError, match="'branch', which is no input: .* has one value only"):
        fit_credit(table.assign(branch=1), CreditSettings(**SCORECARD, force=["branch"]))


def test_the_given_table_is_not_altered(table: pd.DataFrame, result: CreditResult) -> None:
    given = table.copy()
    fit_credit(given, CreditSettings(**LOGISTIC))
    said_of(result, given)
    pd.testing.assert_frame_equal(given, table)
