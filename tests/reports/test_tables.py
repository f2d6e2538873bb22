import pandas as pd
import pytest

from afraz.reports.tables import by_grade, score_overview

RATED = pd.DataFrame({
    "grade": ["B", "A", "B"], "default_probability": [0.2, 0.01, 0.1], "balance": [100.0, 400.0, 300.0],
    "loss_given_default": [0.5, 0.4, 0.3], "expected_loss": [10.0, 1.6, 9.0],
})  # fmt: skip


def test_grades_are_ordered_and_their_losses_add_up() -> None:
    shown = by_grade(RATED, "balance")
    assert shown.index.tolist() == ["A", "B"]
    assert shown["loans"].tolist() == [1, 2]
    assert shown["balance"].tolist() == [400.0, 400.0]
    assert shown["expected_loss"].sum() == RATED["expected_loss"].sum()
    assert shown.loc["B", ["default_probability", "loss_given_default"]].tolist() == pytest.approx([0.15, 0.4])


def test_the_share_of_a_grade_is_of_its_money_and_no_mean_of_shares() -> None:
    assert by_grade(RATED, "balance").loc["B", "expected_loss_share"] == pytest.approx(19 / 400)


def test_a_grade_that_nobody_has_is_no_row() -> None:
    assert by_grade(RATED[RATED["grade"] == "A"], "balance").index.tolist() == ["A"]


def test_scores_are_described_with_what_they_have() -> None:
    scores = pd.DataFrame({"risk_decile": [2, 1, 1], "leave_90": [0.1, 0.4, 0.2]})
    plain = score_overview(scores)
    assert plain.to_dict("list") == {"customers": [2, 1], "leave_90": [pytest.approx(0.3), 0.1]}
    full = score_overview(scores.assign(revenue_at_stake=[5.0, 7.0, 1.0], reason_1=[None, "late", "late"]))
    assert full["revenue_at_stake"].tolist() == [8.0, 5.0]
    assert full["most_frequent_reason"].tolist() == ["late", ""]
