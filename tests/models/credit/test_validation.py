"""The validation pack on results whose faults are planted: no model is fitted but one scorecard."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.credit import validation
from afraz.models.credit.cutoff import Economics
from afraz.models.credit.fit import CreditResult, CreditSettings, fit_credit
from afraz.models.credit.grades import GradeScale
from afraz.models.scorecard import Scorecard, fit_scorecard

from .applicants import COLUMNS, INPUTS, QUICK, applicants

SCALE = GradeScale(("A", "B", "C"), (0.1, 0.3, 1.0))
DEAL = Economics(margin=0.1, loss_given_default=0.4)


def _binned(rows: int = 4000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Two variables: more of ``late`` is riskier, more of ``income`` safer; the label."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"late": rng.integers(0, 5, rows).astype(float), "income": rng.normal(size=rows)})
    z = -2 + 0.6 * frame["late"] - 0.8 * frame["income"]
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(float)


@pytest.fixture(scope="module")
def card() -> Scorecard:
    frame, label = _binned()
    return fit_scorecard(frame, label)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return applicants().drop(columns="p")


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> CreditResult:
    return fit_credit(table, CreditSettings(**QUICK, **COLUMNS, candidates=["scorecard"]))


def test_ranking_agrees_with_what_is_worked_out_by_hand() -> None:
    label, p = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    found = validation.ranking(label, p)
    assert found["roc_auc_delong"]["value"] == pytest.approx(8 / 9)  # one of nine pairs stands the wrong way round
    assert found["gini"] == pytest.approx(7 / 9)
    assert found["ks"] == pytest.approx(2 / 3)  # at .4: all goods, one bad of three


def test_a_score_that_tells_nothing_ranks_nothing() -> None:
    rng = np.random.default_rng(0)
    found = validation.ranking((rng.random(4000) < 0.1).astype(float), rng.random(4000))
    assert abs(found["gini"]) < 0.08
    assert found["roc_auc_delong"]["low"] < 0.5 < found["roc_auc_delong"]["high"]
    assert found["h_measure"] < 0.02


def test_one_class_cannot_be_validated() -> None:
    with pytest.raises(DataError, match="both classes are needed .* none of the 3 rows is bad"):
        validation.ranking(np.zeros(3), np.array([0.1, 0.2, 0.3]))


def test_the_pack_looks_at_both_parts(result: CreditResult) -> None:
    pack = validation.validate(result, SCALE)
    for name, part in (("test", result.predictions), ("cross_fitted", result.cross_fitted)):
        assert pack.measures[name]["rows"] == len(part)
        assert pack.measures[name]["bad"] == part["label"].sum() == pack.tables[f"grades_{name}"]["bads"].sum()
        assert pack.tables[f"grades_{name}"]["rows"].sum() == len(part)


def test_true_probabilities_are_in_line_and_halved_ones_too_low_though_they_rank_alike(result: CreditResult) -> None:
    truth = applicants().set_index("loan_id")["p"]
    true = result.cross_fitted.assign(default_probability=truth[result.cross_fitted["loan_id"]].to_numpy())
    halved = true.assign(default_probability=true["default_probability"] / 2)
    honest, low = (validation.validate(replace(result, cross_fitted=part), SCALE) for part in (true, halved))
    assert honest.measures["cross_fitted"]["hosmer_lemeshow"]["p_value"] > 0.01
    assert honest.tables["grades_cross_fitted"]["verdict"].tolist() == ["in line"] * 3
    assert low.measures["cross_fitted"]["hosmer_lemeshow"]["p_value"] < 1e-6
    assert low.tables["grades_cross_fitted"]["verdict"].tolist() == ["expected too low"] * 3
    assert low.measures["cross_fitted"]["gini"] == pytest.approx(honest.measures["cross_fitted"]["gini"])


def test_concentration_is_that_of_the_shares_of_the_grades(result: CreditResult) -> None:
    pack = validation.validate(result, SCALE)
    share = pack.tables["grades_cross_fitted"]["share"]
    assert pack.measures["concentration"]["herfindahl"] == pytest.approx((share**2).sum())
    assert pack.measures["concentration"]["largest_grade_share"] == pytest.approx(share.max())


def test_signs_are_checked_on_later_rows_where_the_model_has_seen_any(
    result: CreditResult, table: pd.DataFrame
) -> None:
    pack = validation.validate(result, SCALE)
    assert result.scorecard is not None
    assert pack.tables["signs"]["variable"].tolist() == list(result.scorecard.variables)
    assert pack.measures["signs_against"] == 0
    unseen = result.cross_fitted["loan_id"].isin(result.predictions["loan_id"]).to_numpy()
    earlier = replace(
        result, cross_fitted=result.cross_fitted[~unseen].reset_index(drop=True), inputs=result.inputs[~unseen]
    )
    assert "signs" not in validation.validate(earlier, SCALE).tables, "what was not looked at does not hold"


def test_a_variable_that_turns_round_in_later_months_is_told_from_one_that_holds(card: Scorecard) -> None:
    frame, label = _binned(2000, seed=1)
    late = np.arange(2000) >= 1000
    checked = validation.sign_checks(card, frame, label, late).set_index("variable")
    assert set(checked["verdict"]) == {"holds"}
    assert checked["monotone"].all()
    assert (checked["correlation_late"] > 0.1).all()
    turned = frame.assign(income=np.where(late, -frame["income"], frame["income"]))
    checked = validation.sign_checks(card, turned, label, late).set_index("variable")
    assert checked["verdict"].to_dict() == {"late": "holds", "income": "against"}


def test_a_variable_that_tells_nothing_any_more_is_not_against(card: Scorecard) -> None:
    frame, label = _binned(2000, seed=1)
    late = np.arange(2000) >= 1000
    shown = validation.sign_checks(card, frame.assign(income=0.0), label, late).set_index("variable")
    assert shown.loc["income", "correlation_late"] == pytest.approx(0, abs=1e-9)
    assert shown.loc["income", "verdict"] in {"holds", "weak"}


def test_a_forced_variable_with_the_wrong_coefficient_is_against(card: Scorecard) -> None:
    frame, label = _binned(2000, seed=1)
    wrong = replace(card, coefficients=card.coefficients * np.array([1, -1]))
    verdicts = validation.sign_checks(wrong, frame, label, np.ones(2000, bool))["verdict"].tolist()
    assert verdicts == ["holds", "against"]


def _population(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": rng.normal(size=rows) + shift, "noise": rng.normal(size=rows)})
    frame["purpose"] = rng.choice(["car", "house"], rows)
    return frame.assign(default_probability=1 / (1 + np.exp(2 + frame["income"])))


def test_customers_are_followed_from_one_application_to_their_next() -> None:
    rows = pd.DataFrame({
        "who": ["x", "y", "x", "x", "z"], "as_of": pd.to_datetime(["2025-03-01", "2025-01-01", "2025-01-01",
                                                                    "2025-02-01", "2025-01-01"]),
        "default_probability": [0.5, 0.2, 0.05, 0.2, 0.2],
    })  # fmt: skip
    summary, matrix = validation.regraded(rows, SCALE, "who")
    assert summary == {"stayed": 0.0, "up": 0.0, "down": 1.0, "rows": 2.0}
    assert (matrix.loc["A", "B"], matrix.loc["B", "C"], matrix.to_numpy().sum()) == (1, 1, 2)


@pytest.fixture
def asked() -> pd.DataFrame:
    p = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.6])
    return pd.DataFrame({
        "default_probability": p, "passed": [True, True, False, True, False, False],
        "label": [0.0, 0.0, np.nan, 1.0, np.nan, np.nan], "amount": [100.0] * 6,
    })  # fmt: skip


def test_without_a_cutoff_of_its_own_the_bank_gets_the_most_profitable_one(asked: pd.DataFrame) -> None:
    used, tables = validation.decide(asked, DEAL)
    assert used["break_even"] == pytest.approx(0.2)
    assert used["cutoff"] == used["recommended"]["cutoff"]
    profit = [
        (0.1 * (1 - asked["default_probability"]) - 0.4 * asked["default_probability"])[:n].sum() for n in range(1, 7)
    ]
    assert used["recommended"]["expected_profit"] == pytest.approx(max(profit))
    assert set(tables) == {"cutoffs", "swap_set"}


def test_a_stated_cutoff_decides_and_the_recommended_one_is_shown_beside_it(asked: pd.DataFrame) -> None:
    used, tables = validation.decide(asked, DEAL, cutoff=0.05, amount="amount")
    assert used["cutoff"] == 0.05
    assert used["approval_rate"] == pytest.approx(2 / 6)
    assert used["bad_rate_expected"] == pytest.approx(0.035)
    assert used["recommended"]["cutoff"] != 0.05
    swaps = tables["swap_set"].set_index("set")["rows"].to_dict()
    assert swaps == {"approved by both": 2, "swap in": 0, "swap out": 1, "refused by both": 3}


def test_without_an_old_decision_nobody_swaps(asked: pd.DataFrame) -> None:
    _, tables = validation.decide(asked.drop(columns=["passed", "label"]), DEAL)
    assert set(tables) == {"cutoffs"}
    assert tables["cutoffs"]["swap_in"].isna().all()


def test_a_cutoff_that_approves_nobody_is_refused_with_the_least_that_would_not(asked: pd.DataFrame) -> None:
    with pytest.raises(ParamsError, match=r"a cut-off of 0.01 approves nobody: .* choose at least 0.02"):
        validation.decide(asked, DEAL, cutoff=0.01)


def _judged(rows: int = 1200) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Women are rated riskier than they are, for no reason but their title, which is an input."""
    rng = np.random.default_rng(5)
    gender, region = rng.choice(["female", "male"], rows).astype(object), rng.choice(["n", "s"], rows).astype(object)
    p = np.where(gender == "female", 0.3, 0.1) * rng.uniform(0.5, 1.5, rows)
    label = (rng.random(rows) < 0.1).astype(float)
    label[: rows // 4] = np.nan
    inputs = pd.DataFrame({"title": np.where(gender == "female", "Ms", "Mr"), "noise": rng.normal(size=rows)})
    return pd.DataFrame({"default_probability": p, "label": label}), {"gender": gender, "region": region}, inputs


def test_a_group_that_is_refused_more_often_and_given_away_by_a_proxy_is_found() -> None:
    applicants_, protected, inputs = _judged()
    measures, tables = validation.fair(applicants_, 0.2, protected, inputs)
    assert measures["gender"]["selection_rate_ratio"] < 0.3
    assert measures["gender"]["equal_opportunity_difference"] < -0.5
    assert measures["gender"]["proxy_auc"] == 1.0
    assert tables["proxies_gender"]["feature"].iloc[0] == "title"
    assert measures["region"]["selection_rate_ratio"] > 0.8
    assert measures["region"]["proxy_auc"] < 0.65
    by_group = tables["fairness_gender"].set_index("group")
    assert by_group.loc["female", "calibration"] < 0.6 < by_group.loc["male", "calibration"]


def test_attributes_of_one_group_or_of_nobody_are_not_compared() -> None:
    applicants_, protected, inputs = _judged()
    none = np.full(len(inputs), None, dtype=object)
    measures, tables = validation.fair(applicants_, 0.2, {"all_one": np.where(none, "x", "x"), "gone": none}, inputs)
    assert (measures, tables) == ({}, {})
    some = protected["gender"].copy()
    some[::3] = None
    shown = validation.fair(applicants_, 0.2, {"gender": some}, inputs)[1]["fairness_gender"]
    assert shown["group"].tolist() == ["female", "male"]
    assert shown["rows"].sum() == pd.notna(some).sum()


def test_inputs_of_the_result_are_those_of_its_cross_fitted_rows(result: CreditResult, table: pd.DataFrame) -> None:
    rows = result.cross_fitted.merge(table, on="loan_id")
    assert (result.inputs["debt_share"].to_numpy() == rows["debt_share"].to_numpy()).all()
    assert set(result.inputs.columns) == set(INPUTS)
