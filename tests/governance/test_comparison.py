"""Challenger against champion: on rows that neither learned from, or not at all; what each kind of model can say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz.governance.comparison import Contender, changed_reasons, compare, read_contender
from afraz.models.artifact import Artifact, folder_digest

from .small_bank import CHURN, SIGNS, fitted, small_bank

NO_REASONS = pd.DataFrame(columns=["feature", "rank", "share"])


def _contender(folder: Path, predictions: pd.DataFrame, version: int = 1, until: str | None = None) -> Contender:
    """A version whose model scores by ``x`` alone; its predictions are given."""
    head = {
        "name": "leave",
        "kind": "linear",
        "intercept": -2.0,
        "coefficients": [1.0],
        "means": [0.0],
        "scales": [1.0],
    }
    spec = {"format": 1, "model": "toy", "features": [{"name": "x", "type": "double"}], "heads": [head],
            "outputs": [{"name": "leave_90", "head": "leave"}]}  # fmt: skip
    model = Artifact(spec if until is None else {**spec, "learned_until": until}, {})
    model.save(folder)
    return Contender(version, folder_digest(folder), folder, predictions, NO_REASONS)


def _rows(seed: int = 0, rows: int = 2000, month: str = "2026-01-01") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(2 - x))).astype(int)
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(rows)], "as_of": pd.Timestamp(month), "x": x})
    return frame.assign(label=label, leave_90=1 / (1 + np.exp(2 - x)))


def _said(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="x")


def test_a_version_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    one = _contender(tmp_path / "a", _said(_rows()))
    found = compare("churn", one, one, bounds=CHURN.bounds, n=40)
    assert (found.rows, found.customers) == (2000, 2000)
    assert (found.measures[["difference", "low", "high"]] == 0).all(axis=None)
    assert found.migration["customers"].tolist() == [200] * 10
    assert (found.sides[["enter", "leave"]] == 0).all(axis=None)
    assert found.sides["stay"].tolist() == [100, 200, 400, 600]
    assert found.measures.set_index("measure")["margin"].dropna().to_dict() == {
        "roc_auc": CHURN.bounds["margin_roc_auc"], "log_loss": CHURN.bounds["margin_log_loss"]
    }  # fmt: skip


def test_a_blurred_score_loses_and_those_who_enter_its_list_leave_less_often_than_those_who_had_to_go(
    tmp_path: Path,
) -> None:
    rows = _rows(rows=6000)
    rng = np.random.default_rng(1)
    blurred = rows.assign(leave_90=1 / (1 + np.exp(2 - rows["x"] - rng.normal(0, 1.5, len(rows)))))
    champion = _contender(tmp_path / "a", _said(rows), 3)
    found = compare("churn", _contender(tmp_path / "b", _said(blurred), 4), champion, bounds=CHURN.bounds, n=60)
    assert (found.champion_version, found.champion_digest) == (3, champion.digest)
    by = found.measures.set_index("measure")
    assert by.loc["roc_auc", "high"] < 0
    assert by.loc["log_loss", "low"] > 0
    judged = found.judged().set_index("measure")
    assert judged.loc["log_loss", "worst"] == -by.loc["log_loss", "high"]
    top = found.sides.set_index("top_share").loc[0.1]
    assert top["stay"] + top["enter"] == top["stay"] + top["leave"] == 600
    assert top["enter_rate"] < top["leave_rate"]


def test_customers_are_drawn_whole_whatever_number_of_months_they_have(tmp_path: Path) -> None:
    months = pd.concat([_rows(month=f"2026-0{m}-01") for m in range(1, 4)])  # the same customers, again and again
    rng = np.random.default_rng(2)
    other = months.assign(leave_90=months["leave_90"] * np.tile(rng.uniform(0.5, 1.5, 2000), 3))
    found = compare("churn", _contender(tmp_path / "a", _said(other)), _contender(tmp_path / "b", _said(months)), n=100)
    single = compare(
        "churn", _contender(tmp_path / "a", _said(other.head(2000))), _contender(tmp_path / "b", _said(_rows())), n=100
    )
    assert (found.rows, found.customers) == (6000, 2000)
    widths = [
        (c.measures.set_index("measure").loc["roc_auc", ["low", "high"]]).diff().iloc[-1] for c in (found, single)
    ]
    assert widths[0] == pytest.approx(widths[1], rel=0.3)  # three copies tell no more than one


def test_the_champion_scores_rows_of_its_own_future_and_no_others(tmp_path: Path) -> None:
    early, late = _rows(0, 1000, "2025-12-01"), _rows(1, 1000, "2026-02-01")
    rows = pd.concat([early, late], ignore_index=True)
    challenger = _contender(tmp_path / "new", _said(rows), 2)
    elsewhere = _said(_rows(2, 800, "2025-06-01"))  # the champion's own test is long over
    champion = _contender(tmp_path / "old", elsewhere, until="2026-01-15")
    nothing = compare("churn", challenger, champion, n=40)
    assert nothing.rows == 0
    assert nothing.measures.empty
    assert nothing.note.startswith("Too few common rows to compare: 0, at least 500 are needed")
    features = rows[["customer_id", "as_of", "x"]]
    found = compare("churn", challenger, champion, features=features, n=40)
    assert found.rows == 1000  # those of February; in December its outcomes were still being learned from
    assert "scored 1,000 more, which lie after the last outcome it learned from" in found.note
    untold = _contender(tmp_path / "older", elsewhere)
    assert compare("churn", challenger, untold, features=features, n=40).rows == 0


def test_a_champion_whose_input_is_not_made_any_more_is_no_error(tmp_path: Path) -> None:
    rows = _rows()
    challenger = _contender(tmp_path / "new", _said(rows), 2)
    champion = _contender(tmp_path / "old", _said(_rows(2, 800, "2025-06-01")), until="2025-12-01")
    renamed = rows[["customer_id", "as_of", "x"]].rename(columns={"x": "y"})
    assert compare("churn", challenger, champion, features=renamed, n=40).rows == 0


def test_too_few_events_are_said_and_not_measured(tmp_path: Path) -> None:
    quiet = _rows().assign(label=0)
    quiet.loc[:9, "label"] = 1
    one = _contender(tmp_path / "a", _said(quiet))
    found = compare("churn", one, one, n=40)
    assert found.measures.empty
    assert found.note.startswith("Too few events to compare: 10 in 2,000 rows, 20 are needed")


def test_a_run_without_test_predictions_is_named(tmp_path: Path) -> None:
    one = _contender(tmp_path / "a", _said(_rows()))
    found = compare("churn", one, replace(one, predictions=pd.DataFrame()), n=40)
    assert "The champion's run saved no customer_id, as_of, label" in found.note


def test_credit_joins_on_the_loan_and_says_whom_it_cannot_speak_of(tmp_path: Path) -> None:
    rows = _rows().assign(loan_id=lambda r: r["customer_id"], group=lambda r: np.arange(len(r)) // 2)
    said = rows.rename(columns={"leave_90": "default_probability"}).drop(columns=["x", "customer_id"])
    one, other = _contender(tmp_path / "a", said.sample(frac=1, random_state=0)), _contender(tmp_path / "b", said, 2)
    found = compare("credit", other, one, bounds={"margin_roc_auc": 0.03}, n=40)
    assert (found.rows, found.customers) == (2000, 1000)
    assert found.judged()["measure"].tolist() == ["roc_auc"]
    assert "Only granted loans have outcomes" in found.note


def test_value_is_compared_by_ranks_and_by_money(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    realised = rng.normal(100, 50, 1500)
    rows = pd.DataFrame({"customer_id": range(1500), "as_of": pd.Timestamp("2026-01-01"), "realised": realised})
    good = rows.assign(expected_margin_12m=realised + rng.normal(0, 20, 1500))
    poor = rows.assign(expected_margin_12m=realised + rng.normal(0, 60, 1500))
    found = compare(
        "value", _contender(tmp_path / "b", poor, 2), _contender(tmp_path / "a", good),
        bounds={"margin_rank_correlation": 0.02}, n=60,
    )  # fmt: skip
    by = found.measures.set_index("measure")
    assert by.loc["rank_correlation", "high"] < -0.02
    assert by.loc["mean_absolute_error", "low"] > 0
    assert found.sides["enter_rate"].lt(found.sides["leave_rate"]).all()


def test_promotion_is_compared_by_what_the_offer_changed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lift, treated = rng.random(8000), rng.integers(0, 2, 8000)
    label = (rng.random(8000) < 0.05 + 0.3 * treated * (lift > 0.7)).astype(int)
    rows = pd.DataFrame({"campaign_id": "c1", "customer_id": range(8000), "treated": treated, "label": label})
    knows = rows.assign(response_uplift=lift)
    blind = rows.assign(response_uplift=rng.random(8000))
    found = compare("promotion", _contender(tmp_path / "b", blind, 2), _contender(tmp_path / "a", knows), n=60)
    by = found.measures.set_index("measure")
    assert by.loc["uplift_at_30pct", "champion"] == pytest.approx(0.3, abs=0.04)
    assert by.loc["uplift_at_30pct", "high"] < 0
    top = found.sides.set_index("top_share").loc[0.3]
    assert top["leave_rate"] > 0.2
    assert top["enter_rate"] < 0.1


def _tiers(folder: Path, cuts: list[float]) -> Contender:
    rng = np.random.default_rng(0)
    names = [{"id": "low", "name": "low", "lowest": 1.0}, {"id": "high", "name": "high", "lowest": 6.0}]
    lens = {"name": "value", "kind": "tiers", "segments": names[::-1],
            "columns": [{"name": "margin", "cuts": cuts, "lower_is_better": False}]}  # fmt: skip
    spec = {"format": 1, "model": "segmentation", "features": [{"name": "margin", "type": "double"}], "lenses": [lens]}
    model = Artifact(spec, {})
    model.save(folder)
    rows = pd.DataFrame({"row": range(500), "margin": rng.normal(size=500)})
    return Contender(1, folder_digest(folder), folder, rows.join(model.predict(rows)), NO_REASONS)


def test_segmentations_are_compared_by_agreement_and_by_who_moves_and_never_by_quality(tmp_path: Path) -> None:
    usual = _tiers(tmp_path / "a", np.linspace(-1.2, 1.2, 9).tolist())
    same = compare("segmentation", usual, usual, n=40)
    assert same.measures[["measure", "challenger"]].to_numpy().tolist() == [["agreement_value", 1.0]]
    assert same.judged().empty
    assert same.sides.empty
    moved = compare("segmentation", _tiers(tmp_path / "b", np.linspace(-0.6, 1.8, 9).tolist()), usual, n=40)
    assert 0 < moved.measures["challenger"].iloc[0] < 0.9
    crossing = moved.migration[moved.migration["champion_decile"] != moved.migration["challenger_decile"]]
    assert crossing["champion_decile"].tolist() == ["value: high"]  # cut-points rose: nobody moves up
    assert moved.migration["customers"].sum() == 500
    assert "not which version is better" in moved.note


def test_a_run_folder_is_read_as_a_stage_leaves_it(tmp_path: Path) -> None:
    result = fitted(small_bank(customers=400))
    run = tmp_path / "churn"
    (run / "explanation").mkdir(parents=True)
    result.model.save(run / "model")
    result.predictions.to_parquet(run / "predictions.parquet")
    summary = pd.DataFrame({"feature": list(SIGNS), "rank": range(1, 7), "share": 1 / 6, "mean_abs_shap": 0.1})
    summary.to_csv(run / "explanation" / "summary.csv", index=False)
    found = read_contender("churn", 5, run)
    assert (found.version, found.digest) == (5, folder_digest(run / "model"))
    beside = compare("churn", found, found, n=20)
    assert beside.rows == len(result.predictions)
    assert beside.reasons["feature"].tolist() == list(SIGNS)


def test_reasons_of_one_version_only_are_shown_with_a_gap() -> None:
    many = pd.DataFrame({"feature": [f"f{i:02d}" for i in range(40)], "rank": range(1, 41), "share": 1 / 40})
    found = changed_reasons(many, many.head(10))
    assert len(found) == 15
    assert found["challenger_rank"].isna().sum() == 5
