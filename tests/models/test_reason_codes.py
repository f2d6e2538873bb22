"""Reasons for applicants: by hand on small scorecards; a protected attribute is never told."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.models.explain import Explanation
from afraz.models.reason_codes import compare_reasons, points_lost, points_reasons, shap_reasons

FEATURES = [
    {"name": "late", "type": "double"},
    {"name": "income", "type": "double"},
    {"name": "age", "type": "double"},
    {"name": "purpose", "type": "text", "levels": {"home": 0.0, "car": 1.0, "travel": 2.0, "boat": 2.0},
     "missing": None, "other": 3.0},
    {"name": "unused", "type": "double"},
]  # fmt: skip
HEAD = {
    "kind": "scorecard", "intercept": -2.0, "coefficients": [-1.0, -0.5, -1.0, -1.0, 0.0],
    "reference_terms": [0.1, 0.0, 0.2, 0.0, 0.0],
    "bins": [
        {"splits": [1.0, 3.0], "woe": [0.8, -0.2, -1.0], "missing": 0.0},
        {"splits": [10.0, 20.0], "woe": [-0.9, 0.1, 0.7], "missing": 1.5},
        {"splits": [25.0], "woe": [-2.0, 0.5], "missing": 0.0},
        {"splits": [0.5, 1.5, 2.5], "woe": [0.6, 0.2, -0.7, 0.0], "missing": -0.4},
        None,
    ],
}  # fmt: skip
WORDS = {
    "late": {"high": "payments were late"}, "income": {"low": "income is low", "missing": "income is not shown"},
    "age": {"low": "too young"}, "purpose": {"is": "purpose: {value}"},
}  # fmt: skip


def said(rows: list[list[float]], **options: object) -> list[list[str]]:
    told = points_reasons(HEAD, FEATURES, np.array(rows), WORDS, **options)  # type: ignore[arg-type]
    return [[text for text in row if isinstance(text, str)] for row in told.to_numpy().tolist()]


def test_lost_points_count_from_the_best_bin_or_from_the_average() -> None:
    row = np.array([[3.0, 15.0, 40.0, 1.0, 9.0]])
    assert points_lost(HEAD, row) == pytest.approx(np.array([[1.8, 0.3, 0.0, 0.4, 0.0]]))
    assert points_lost(HEAD, row, "average") == pytest.approx(np.array([[0.9, -0.05, -0.7, -0.2, 0.0]]))


def test_reasons_are_ordered_by_lost_points() -> None:
    assert said([[3.0, 5.0, 40.0, 1.0, 0.0]]) == [["payments were late", "income is low", "purpose: car"]]


def test_an_applicant_in_every_best_bin_is_told_nothing() -> None:
    assert said([[0.0, 25.0, 30.0, 0.0, 0.0]]) == [[]]


def test_a_value_equal_to_a_split_lies_on_its_bad_side() -> None:
    assert said([[1.0, 20.0, 25.0, 0.0, 0.0]]) == [["payments were late"]]


def test_the_untold_is_never_a_reason_however_much_it_costs() -> None:
    rows = [[0.0, 25.0, 20.0, 2.0, 0.0]]
    assert said(rows) == [["too young", "purpose: travel / boat"]]
    assert said(rows, untold=["age"]) == [["purpose: travel / boat"]]


def test_a_missing_value_that_costs_points_is_called_unknown() -> None:
    assert said([[0.0, np.nan, 30.0, np.nan, 0.0]]) == [["purpose: not known"]]  # a missing income costs nothing here
    assert said([[np.nan, 25.0, 30.0, 3.0, 0.0]]) == [["late: not known", "purpose: another value"]]


def test_exact_levels_are_told_where_they_are_given() -> None:
    texts = {"purpose": (np.array([1]), ["travel", "boat"])}
    assert said([[0.0, 25.0, 30.0, 2.0, 0.0]], texts=texts) == [["purpose: boat"]]


def test_against_the_average_only_what_is_worse_than_usual_is_a_reason() -> None:
    assert said([[1.5, 15.0, 30.0, 2.0, 0.0]], against="average", top=2) == [
        ["purpose: travel / boat", "payments were late"]
    ]
    assert said([[0.0, 15.0, 30.0, 1.0, 0.0]], against="average") == [[]]


def test_top_bounds_the_number_of_reasons() -> None:
    told = points_reasons(HEAD, FEATURES, np.array([[3.0, 5.0, 20.0, 2.0, 0.0]]), WORDS, top=2)
    assert told.columns.tolist() == ["reason_1", "reason_2"]
    assert told.iloc[0].tolist() == ["too young", "payments were late"]


def test_shap_reasons_spare_the_untold_and_leave_the_values_as_they_are() -> None:
    told = Explanation(("age", "late"), np.array([[0.9, 0.4]], dtype="float32"), 0.0, np.zeros(1), "linear", 0.0, 0.0)
    rows, usual = np.array([[20.0, 4.0]]), np.array([40.0, 1.0])
    assert shap_reasons(told, rows, WORDS, usual, top=2).iloc[0].tolist() == ["too young", "payments were late"]
    spared = shap_reasons(told, rows, WORDS, usual, top=2, untold=["age"])
    assert spared["reason_1"].tolist() == ["payments were late"]
    assert spared["reason_2"].isna().all()
    assert told.values[0, 0] == np.float32(0.9)


def test_an_untold_feature_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParamsError, match="untold 'ages' is no feature: did you mean age"):
        said([[0.0, 25.0, 30.0, 0.0, 0.0]], untold=["ages"])


def test_equal_reasons_agree_and_another_order_costs_the_first_only() -> None:
    a = pd.DataFrame({"reason_1": ["x", "y"], "reason_2": ["y", None]})
    assert compare_reasons(a, a) == {"rows": 2.0, "first_agrees": 1.0, "overlap": 1.0}
    turned = a.rename(columns={"reason_1": "reason_2", "reason_2": "reason_1"})[["reason_1", "reason_2"]]
    assert compare_reasons(a, turned) == {"rows": 2.0, "first_agrees": 0.0, "overlap": 1.0}


def test_rows_without_any_reason_are_not_compared() -> None:
    a = pd.DataFrame({"reason_1": ["x", None, None]})
    b = pd.DataFrame({"reason_1": ["x", "y", None]})
    assert compare_reasons(a, b) == {"rows": 2.0, "first_agrees": 0.5, "overlap": 0.5}
    nothing = compare_reasons(a.tail(1), b.tail(1))
    assert nothing["rows"] == 0
    assert np.isnan([nothing["first_agrees"], nothing["overlap"]]).all()
    with pytest.raises(ParamsError, match="reasons of 3 rows cannot be compared with those of 1"):
        compare_reasons(a, b.tail(1))
