import pandas as pd
import pytest

from afraz.reports import figures

LEAD = pd.DataFrame(
    {"month": [1, 2], "leavers": [10, 8], "caught": [5, 2], "share_caught": [0.5, 0.25], "roc_auc": [0.8, 0.7]}
)
CALIBRATION = pd.DataFrame({"output": ["a", "a", "b"], "expected": [0.1, 0.2, 0.3], "observed": [0.1, 0.3, 0.2]})
CUTOFFS = pd.DataFrame(
    {
        "cutoff": [0.05, 0.1, 0.2], "approval_rate": [0.2, 0.5, 1.0], "bad_rate_expected": [0.02, 0.05, 0.12],
        "expected_profit": [1.0, 3.0, -2.0],
    }
)  # fmt: skip
DEPENDENCE = pd.DataFrame(
    {
        "feature": ["age"] * 3, "bin": [-1, 0, 1], "value_mean": [float("nan"), 30.0, 60.0],
        "shap_mean": [0.1, 0.2, -0.2], "shap_p10": [0.0, 0.1, -0.3], "shap_p90": [0.2, 0.3, -0.1],
    }
)  # fmt: skip
GRADES = pd.DataFrame(
    {"grade": ["G1", "G2"], "expected": [0.1, 0.2], "observed": [0.1, 0.3], "low": [0.0, 0.2], "high": [0.2, 0.4]}
)

UPLIFT = pd.DataFrame(
    {
        "score": ["chosen"] * 3 + ["response"] * 3, "share_of_customers": [0.0, 0.5, 1.0] * 2,
        "gained_per_customer": [0.0, 0.08, 0.1, 0.0, 0.04, 0.1],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.lead_time_curve(LEAD),
        lambda: figures.calibration_curve(CALIBRATION),
        lambda: figures.gains_curve(pd.DataFrame({"share_of_customers": [0, 1], "share_of_leavers": [0, 1]})),
        lambda: figures.cutoff_curve(CUTOFFS),
        lambda: figures.tuning_curve(pd.DataFrame({"trial": [0, 1], "best_so_far": [0.2, 0.1]})),
        lambda: figures.bars(pd.DataFrame({"f": ["a", "b"], "v": [1, 2]}), "f", "v", "title"),
        lambda: figures.dependence(DEPENDENCE),
        lambda: figures.expected_and_observed(GRADES, "grade", "Grades"),
        lambda: figures.contributions(pd.DataFrame({"feature": ["a", "b"], "contribution": [1.0, -2.0]}), "t", "s"),
        lambda: figures.uplift_gains(UPLIFT),
    ],
)
def test_a_figure_shows_itself_as_a_picture_with_equal_bytes(draw) -> None:  # type: ignore[no-untyped-def]
    first, second = draw()._repr_png_(), draw()._repr_png_()
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_the_lead_time_curve_shows_its_numbers() -> None:
    axes = figures.lead_time_curve(LEAD).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.5, 0.25]
    assert {t.get_text() for t in axes.texts} == {"5 of 10", "2 of 8"}


def test_the_cutoff_curve_draws_the_line_where_the_profit_is_highest() -> None:
    left, right = figures.cutoff_curve(CUTOFFS).axes
    curves = {line.get_label(): list(line.get_ydata()) for line in left.get_lines()}
    assert curves["approved"] == [0.2, 0.5, 1.0]
    assert curves["expected bad rate of the approved"] == [0.02, 0.05, 0.12]
    assert list(right.get_lines()[0].get_ydata()) == [1.0, 3.0, -2.0]
    assert [0.1, 0.1] in [list(line.get_xdata()) for line in left.get_lines()]


def test_a_missing_value_is_a_line_not_a_point() -> None:
    panel = figures.dependence(DEPENDENCE).axes[0]
    assert panel.get_lines()[0].get_xdata().tolist() == [30.0, 60.0]
    assert any(list(line.get_ydata()) == [0.1, 0.1] for line in panel.get_lines())


def test_gains_of_uplift_end_together_with_the_random_line() -> None:
    curves = {line.get_label(): list(line.get_ydata()) for line in figures.uplift_gains(UPLIFT).axes[0].get_lines()}
    assert curves == {"chosen": [0.0, 0.08, 0.1], "response": [0.0, 0.04, 0.1], "at random": [0, 0.1]}


def test_long_names_of_lines_stay_within_the_picture() -> None:
    names = [f"said to be satisfied, would recommend the bank (last satisfaction {n})" + n * "x" for n in (1, 99)]
    figure = figures.trend_lines(pd.DataFrame({name: [1.0, 2.0] for name in names}, index=["a", "b"]), "Attitude", "n")
    figure._repr_png_()
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.width
    assert "".join(t.get_text().replace("\n", "") for t in figure.legends[0].get_texts()).count("x" * 40) == 2
