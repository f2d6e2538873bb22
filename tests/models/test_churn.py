"""The churn model on panels whose leaving is planted."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models import metrics
from afraz.models.artifact import folder_digest, load_artifact, save_artifact
from afraz.models.churn import ChurnResult, ChurnSettings, cross_validate, fit_churn

from .panels import panel

QUICK = {"n_trials": 2, "folds": 3, "max_rounds": 60, "patience": 10, "bootstrap": 40, "test_dates": 2}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return panel()


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> ChurnResult:
    return fit_churn(table.drop(columns="p"), ChurnSettings(**QUICK))


def test_the_planted_drivers_are_found_and_the_noise_is_not(result: ChurnResult) -> None:
    assert set(result.tables["features"]["feature"].head(2)) == {"pull", "ties"}
    assert result.metrics["test"]["roc_auc"]["value"] > 0.7


def test_the_ranking_comes_close_to_that_of_the_truth(table: pd.DataFrame, result: ChurnResult) -> None:
    with_truth = result.predictions.merge(table[["customer_id", "as_of", "p"]], on=["customer_id", "as_of"])
    best = metrics.soft_roc_auc(with_truth["p"], with_truth["p"])
    ours = metrics.soft_roc_auc(with_truth["p"], with_truth["leave_30"])
    assert (2 * ours - 1) / (2 * best - 1) > 0.85


def test_every_measure_has_an_interval_and_all_is_json(result: ChurnResult) -> None:
    test = result.metrics["test"]
    for name in ("roc_auc", "average_precision", "brier", "log_loss", "calibration_error", "lift_at_10pct"):
        assert test[name]["low"] <= test[name]["value"] <= test[name]["high"] or name == "calibration_error"
    assert test["events"] == result.predictions["label"].sum()
    assert test["rows"] == len(result.predictions)
    json.dumps(result.metrics, allow_nan=False)


def test_probabilities_never_fall_with_the_horizon(result: ChurnResult, table: pd.DataFrame) -> None:
    for frame in (result.predictions, result.model.predict(table)):
        assert (frame["leave_30"] <= frame["leave_60"]).all()
        assert (frame["leave_60"] <= frame["leave_90"]).all()
        assert frame[["leave_30", "grow_90"]].stack().between(0, 1).all()


def test_the_test_part_is_later_and_what_overlaps_it_is_purged(result: ChurnResult, table: pd.DataFrame) -> None:
    population = result.metrics["population"]
    first = result.predictions["as_of"].min()
    assert pd.Timestamp(population["train_to"]) + pd.Timedelta(days=90) <= first
    assert population["train_rows"] + population["test_rows"] + population["purged_rows"] == len(table)
    assert population["purged_rows"] > 0


def test_the_saved_model_predicts_what_was_predicted_in_training(
    result: ChurnResult, table: pd.DataFrame, tmp_path: Path
) -> None:
    loaded = load_artifact(save_artifact(result.model, tmp_path / "model"))
    rows = result.predictions.merge(table, on=["customer_id", "as_of"], suffixes=("", "_y"))
    again = loaded.predict(rows)
    assert (again["leave_90"].to_numpy() == result.predictions["leave_90"].to_numpy()).all()
    assert (loaded.margins(rows)["leave"] == result.predictions["margin"].to_numpy()).all()


def test_the_same_data_and_seed_give_the_same_bytes_in_any_row_order(
    result: ChurnResult, table: pd.DataFrame, tmp_path: Path
) -> None:
    shuffled = table.drop(columns="p").sample(frac=1, random_state=1)
    again = fit_churn(shuffled, ChurnSettings(**QUICK, threads=1))
    folders = [save_artifact(r.model, tmp_path / str(i)) for i, r in enumerate((result, again))]
    assert folder_digest(folders[0]) == folder_digest(folders[1])
    assert again.metrics == result.metrics
    pd.testing.assert_frame_equal(again.predictions, result.predictions)


def test_rows_that_are_censored_or_not_at_risk_are_counted_and_left_out(table: pd.DataFrame) -> None:
    part = table.drop(columns="p").copy()
    part.loc[part.index[:50], "at_risk"] = False
    part.loc[part.index[50:80], "censored"] = True
    part.loc[part.index[:80], ["leaves_30", "leaves_60", "leaves_90", "grows_90"]] = np.nan
    fitted = fit_churn(part, ChurnSettings(**QUICK, candidates=["logistic"]))
    population = fitted.metrics["population"]
    assert (population["not_at_risk"], population["censored"]) == (50, 30)
    assert population["used"] == len(table) - 80


def test_evidence_tables_hold_together(result: ChurnResult) -> None:
    lead = result.tables["lead_time"]
    assert lead["leavers"].sum() == result.predictions["label"].sum()
    assert lead["roc_auc"].iloc[0] > lead["roc_auc"].iloc[2], "those who leave soon are seen best"
    assert result.tables["phases"]["customers"].sum() == len(result.predictions)
    growing = result.tables["phases"].set_index("phase")["grow_90_expected"]
    assert growing["growing"] > growing["steady"]
    assert result.tables["revenue_at_stake"]["customers"].sum() == len(result.predictions)
    assert len(result.tables["trials"]) == 2
    assert set(result.curves) >= {"calibration", "gains", "lead_time", "tuning"}


def test_a_planted_leak_is_suspected_and_honest_features_are_not(table: pd.DataFrame, result: ChurnResult) -> None:
    assert [leak for leak in result.metrics["suspected_leaks"] if leak["kind"] == "alone"] == []
    leaking = table.drop(columns="p").assign(days_to_closure=lambda t: t["leaves_90"] + 0.01 * t["pull"])
    fitted = fit_churn(leaking, ChurnSettings(**QUICK, candidates=["logistic"]))
    assert {leak["feature"] for leak in fitted.metrics["suspected_leaks"]} == {"days_to_closure"}


@pytest.fixture(scope="module")
def ready() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    n = 900
    frame = pd.DataFrame(
        {"calls": rng.poisson(2, n), "plan": rng.choice(["a", "b", None], n), "minutes": rng.normal(size=n)}
    )
    z = -2 + 0.7 * frame["calls"] + (frame["plan"] == "a")
    return frame.assign(churn=np.where(rng.random(n) < 1 / (1 + np.exp(-z)), "yes", "no"))


def test_a_ready_table_without_id_and_dates_is_learnt(ready: pd.DataFrame) -> None:
    fitted = fit_churn(ready, ChurnSettings(label="churn", **QUICK))
    assert fitted.metrics["population"]["split"] == "customers at random"
    assert fitted.metrics["test"]["rows"] == 180
    assert fitted.metrics["test"]["roc_auc"]["value"] > 0.7
    assert {"leave", "margin", "label", "row"} == set(fitted.predictions.columns)
    scored = fitted.model.predict(pd.DataFrame({"calls": [0, 9], "plan": ["new", None], "minutes": [np.nan, 0]}))
    assert scored["leave"].iloc[0] < scored["leave"].iloc[1]


def test_cross_validation_predicts_every_row_once_per_repeat(ready: pd.DataFrame) -> None:
    found = cross_validate(ready, ChurnSettings(label="churn", **QUICK), folds=3, repeats=2)
    assert found.predictions["row"].tolist() == list(range(len(ready)))
    assert found.predictions.notna().all().all()
    assert found.roc_auc["low"] < found.roc_auc["value"] < found.roc_auc["high"]
    assert found.roc_auc["value"] == pytest.approx(np.mean(found.by_repeat))
    assert len(found.chosen) == 6


def test_known_probabilities_teach_the_same_learner_better(table: pd.DataFrame) -> None:
    columns = [
        c for c in table.columns if not c.startswith(("leaves_", "grows_", "phase", "revenue", "at_risk", "cens"))
    ]
    settings = ChurnSettings(label="p", soft_label=True, **QUICK)
    fitted = fit_churn(table[columns], settings)
    soft = fitted.metrics["test"]
    assert soft["rows"] > soft["events"] > 0
    assert soft["calibration_slope"]["value"] == pytest.approx(1, abs=0.15)
    p = fitted.predictions
    assert metrics.soft_roc_auc(p["label"], p["leave"]) > 0.95 * metrics.soft_roc_auc(p["label"], p["label"])


def test_a_monotone_hint_holds_for_every_customer(table: pd.DataFrame) -> None:
    settings = ChurnSettings(**QUICK, monotone={"pull": 1}, candidates=["lightgbm"])
    model = fit_churn(table.drop(columns="p"), settings).model
    row = table.iloc[[0]]
    scored = model.predict(pd.concat([row.assign(pull=v) for v in np.linspace(-3, 3, 31)], ignore_index=True))
    assert (np.diff(scored["leave_90"]) >= 0).all()


def test_an_interrupted_search_ends_as_an_uninterrupted_one(
    table: pd.DataFrame, result: ChurnResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from afraz.models import gbm

    cross_fit, calls = gbm.cross_fit, 0

    def dies_in_the_second_trial(*args: object, **named: object) -> gbm.CrossFit:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return cross_fit(*args, **named)  # type: ignore[arg-type]

    data = table.drop(columns="p")
    with monkeypatch.context() as patched:
        patched.setattr(gbm, "cross_fit", dies_in_the_second_trial)
        with pytest.raises(KeyboardInterrupt, match="^$"):
            fit_churn(data, ChurnSettings(**QUICK), storage=tmp_path)
    resumed = fit_churn(data, ChurnSettings(**QUICK), storage=tmp_path)
    pd.testing.assert_frame_equal(resumed.tables["trials"], result.tables["trials"])
    assert resumed.metrics == result.metrics


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda t: t[:0], {}, "the table is empty"),
        (lambda t: t.drop(columns="leaves_90"), {}, "no label column 'leaves_90': did you mean leaves_"),
        (lambda t: t, {"label": "leaves"}, "no label column 'leaves'"),
        (lambda t: t.assign(leaves_90=0.0), {}, "label 'leaves_90' has one class only"),
        (lambda t: t.assign(at_risk=False), {}, "no row is left to learn from"),
        (lambda t: t[t["as_of"] < "2025-03-01"], {}, "no training date is left"),
        (lambda t: pd.concat([t, t[:3]]), {}, "3 rows repeat 'customer_id' and 'as_of'"),
        (lambda t: t, {"id": "customer"}, "no id column 'customer': did you mean customer_id?"),
        (lambda t: t, {"min_events": 5000}, "leavers in"),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_refused_in_words(
    table: pd.DataFrame, change: object, settings: dict, message: str
) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as refused:
        fit_churn(change(table.drop(columns="p")), ChurnSettings(**QUICK, **settings))  # type: ignore[operator]
    assert len(str(refused.value).splitlines()) <= 2


def test_later_months_are_held_against_those_learned_from_and_against_one_column(result: ChurnResult) -> None:
    population, beside = result.metrics["population"], result.metrics["baseline"]
    assert result.model.spec["learned_until"] == str(
        (pd.Timestamp(population["train_to"]) + pd.Timedelta(days=90)).date()
    )
    assert beside["what"] == "pull alone, high values first"
    assert beside["rows"] == len(result.predictions)
    assert 0.55 < beside["baseline"]["value"] < result.metrics["test"]["roc_auc"]["value"]
    assert beside["baseline"]["value"] + beside["lead"]["value"] == pytest.approx(
        result.metrics["test"]["roc_auc"]["value"]
    )
    assert result.metrics["drift"]["psi_score"] < 0.25
    parts = result.tables["parts"]
    months = set(result.predictions["as_of"].dt.strftime("%Y-%m"))
    assert set(parts.loc[parts["kind"] == "month", "part"]) == months
    assert set(parts.loc[parts["kind"] == "segment", "part"]) == {"growing", "steady"}
    assert set(result.tables["psi_by_segment"]["segment"]) == {"growing", "steady"}
