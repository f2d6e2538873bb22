"""Scales of grades, tests of their probabilities against published numbers, concentration and migration."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binomtest

from afraz.errors import DataError, ParamsError
from afraz.models.calibration import logit, recalibrate, sigmoid
from afraz.models.credit.grades import (
    GradeScale,
    grade_table,
    herfindahl,
    hosmer_lemeshow,
    make_scale,
    migration,
    migration_summary,
)

ONE = GradeScale(("G01",), (1.0,))


def outcomes(bads: int, rows: int) -> np.ndarray:
    return (np.arange(rows) < bads).astype(float)


@pytest.fixture(scope="module")
def portfolio() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    p = sigmoid(rng.normal(-3, 1.2, 20_000))
    return p, (rng.random(20_000) < p).astype(float)


def test_a_probability_on_a_bound_belongs_to_the_better_grade() -> None:
    scale = GradeScale(("A", "B", "C"), (0.01, 0.1, 1.0))
    assert scale.assign([0.0, 0.01, np.nextafter(0.01, 1), 0.1, 1.0]).tolist() == ["A", "A", "B", "B", "C"]


def test_a_scale_survives_json() -> None:
    scale = GradeScale(("A", "B"), (0.013, 1.0), ("reviewed",))
    assert GradeScale.from_dict(json.loads(json.dumps(scale.to_dict()))) == scale


@pytest.mark.parametrize("upper", [(0.1, 0.1, 1.0), (0.0, 0.1, 1.0), (0.1, 0.5, 0.9), (0.1, float("nan"), 1.0)])
def test_bounds_that_do_not_rise_to_one_are_refused(upper: tuple[float, ...]) -> None:
    with pytest.raises(ParamsError, match="must rise from above 0 to exactly 1.0"):
        GradeScale(("A", "B", "C"), upper)


@pytest.mark.parametrize("n_grades", range(8, 13))
def test_a_made_scale_has_the_grades_asked_for_with_bounds_of_two_digits(
    portfolio: tuple[np.ndarray, np.ndarray], n_grades: int
) -> None:
    p, _ = portfolio
    scale = make_scale(p, n_grades=n_grades)
    assert scale.names == tuple(f"G{i:02d}" for i in range(1, n_grades + 1))
    assert scale.notes == ()
    assert all(bound == float(f"{bound:.1e}") for bound in scale.upper)
    shares = np.bincount(scale.position(p)) / len(p)
    assert shares.min() >= 0.02
    width = np.diff(logit(np.array(scale.upper[:-1])))
    assert width.max() < 1.5 * width.min()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(-6, 2), st.floats(0.01, 3), st.integers(8, 12))
def test_whatever_the_portfolio_a_made_scale_keeps_its_promises(
    seed: int, center: float, spread: float, n_grades: int
) -> None:
    p = sigmoid(np.random.default_rng(seed).normal(center, spread, 400))
    scale = make_scale(p, n_grades=n_grades)
    counts = np.bincount(scale.position(p), minlength=len(scale.names))
    assert counts.min() >= 0.02 * 400
    assert len(scale.names) == n_grades or "too few values" in scale.notes[0]


def test_a_crowded_end_is_merged_until_each_grade_holds_its_share() -> None:
    p = np.concatenate([np.full(900, 0.02), np.linspace(0.03, 0.9, 100)])
    scale = make_scale(p, least_share=0.05)
    assert (np.bincount(scale.position(p)) >= 50).all()
    assert "the probabilities take too few values for more" in scale.notes[0]


def test_an_empty_middle_is_merged_there_and_both_ends_keep_their_grades() -> None:
    p = np.concatenate([np.linspace(0.01, 0.03, 500), np.linspace(0.5, 0.8, 500)])
    inner = np.array(make_scale(p, n_grades=8).upper[:-1])
    assert (inner < 0.03).sum() >= 2
    assert ((inner > 0.5) & (inner < 0.8)).sum() >= 2
    assert ((inner > 0.03) & (inner < 0.5)).sum() <= 1


def test_a_single_value_makes_a_single_grade_that_says_so() -> None:
    scale = make_scale(np.full(50, 0.07))
    assert (scale.names, scale.upper) == (("G01",), (1.0,))
    assert scale.notes == ("1 grades of 10: the probabilities take too few values for more",)


def test_neighbours_whose_observed_rates_stand_the_wrong_way_round_are_merged(
    portfolio: tuple[np.ndarray, np.ndarray],
) -> None:
    p, y = portfolio
    plain = make_scale(p, n_grades=10)
    assert make_scale(p, n_grades=10, label=y) == plain  # an innocent portfolio loses no grade
    planted = y.copy()
    planted[plain.position(p) == 4] = 0.0
    planted[np.flatnonzero(plain.position(p) == 3)[:200]] = 1.0
    found = make_scale(p, n_grades=10, label=planted)
    assert plain.upper[3] not in found.upper
    assert found.notes == ("1 merged where the observed rate did not rise",)
    reversed_ = make_scale(p, n_grades=10, label=1 - y)
    assert len(reversed_.names) == 8


def test_the_jeffreys_test_gives_the_value_of_the_textbook() -> None:
    # Rösch and Scheule, Deep Credit Risk, training.deepcreditrisk.com/JP: 2 defaults of 6 against 3.67 % give .0044
    found = grade_table(ONE, np.full(6, 0.0367), outcomes(2, 6)).iloc[0]
    assert found["jeffreys_p"] == pytest.approx(0.0044, abs=5e-5)
    assert found["verdict"] == "expected too low"


def test_the_jeffreys_test_rejects_the_grades_that_a_published_example_rejects() -> None:
    # MathWorks, risk.validation.jeffreysTest: ten grades, of which the first four are rejected at 95 %
    rows = [56, 79, 68, 54, 45, 40, 40, 34, 37, 47]
    expected = [0.027845, 0.07689, 0.12764, 0.17523, 0.2268, 0.27502, 0.327, 0.37635, 0.41964, 0.47274]
    bads = [6, 18, 16, 21, 11, 14, 10, 13, 19, 22]
    scale = GradeScale(tuple("ABCDEFGHIJ"), (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 1.0))
    labels = np.concatenate([outcomes(b, n) for b, n in zip(bads, rows, strict=True)])
    found = grade_table(scale, np.repeat(expected, rows), labels)
    assert (found["jeffreys_p"] < 0.05).tolist() == [True] * 4 + [False] * 6
    assert found["verdict"].tolist() == ["expected too low"] * 4 + ["in line"] * 6
    assert found["observed"].round(5).tolist()[:2] == [0.10714, 0.22785]
    assert found["rows"].tolist() == rows
    assert found["band"].tolist()[:2] == ["0 %–5 %", "5 %–10 %"]


def test_p_values_and_bounds_equal_those_of_independent_computations() -> None:
    found = grade_table(ONE, np.full(200, 0.03), outcomes(11, 200)).iloc[0]
    posterior = [quad(lambda r: r**10.5 * (1 - r) ** 188.5, 0, end, epsabs=0)[0] for end in (0.03, 1.0)]
    assert found["jeffreys_p"] == pytest.approx(posterior[0] / posterior[1], rel=1e-6)
    assert found["binomial_p"] == pytest.approx(binomtest(11, 200, 0.03, alternative="greater").pvalue)
    for bound, mass in ((found["jeffreys_low"], 0.025), (found["jeffreys_high"], 0.975)):
        at = quad(lambda r: r**10.5 * (1 - r) ** 188.5, 0, bound, epsabs=0)[0]
        assert at / posterior[1] == pytest.approx(mass, rel=1e-6)


def test_the_interval_without_bads_reaches_zero_and_without_goods_one() -> None:
    none = grade_table(ONE, np.full(20, 0.4), outcomes(0, 20)).iloc[0]
    every = grade_table(ONE, np.full(20, 0.4), outcomes(20, 20)).iloc[0]
    assert (none["jeffreys_low"], none["verdict"]) == (0.0, "expected too high")
    assert (every["jeffreys_high"], every["verdict"]) == (1.0, "expected too low")


def test_calibrated_grades_are_rejected_as_rarely_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    p = np.repeat([0.01, 0.04, 0.15, 0.4], 800)
    scale = GradeScale(tuple("ABCD"), (0.02, 0.1, 0.3, 1.0))
    low = [(grade_table(scale, p, rng.random(3200) < p)["verdict"] == "expected too low").mean() for _ in range(150)]
    assert 0.02 < np.mean(low) < 0.08


def test_a_grade_without_rows_has_no_rate_and_no_verdict() -> None:
    found = grade_table(GradeScale(("A", "B"), (0.1, 1.0)), [0.05, 0.06], [0, 1]).iloc[1]
    assert (found["rows"], found["share"], found["verdict"]) == (0, 0.0, "no rows")
    numbers = ["expected", "observed", "jeffreys_low", "jeffreys_high", "jeffreys_p", "binomial_p"]
    assert found[numbers].isna().all()


def test_a_planted_shift_of_one_grade_is_found_there_alone(portfolio: tuple[np.ndarray, np.ndarray]) -> None:
    p, y = portfolio
    scale = make_scale(p, n_grades=8)
    planted = y.copy()
    planted[np.flatnonzero(scale.position(p) == 2)[:150]] = 1.0
    before, after = grade_table(scale, p, y, level=0.999), grade_table(scale, p, planted, level=0.999)
    assert before["verdict"].tolist() == ["in line"] * 8
    assert after["verdict"].tolist() == ["in line"] * 2 + ["expected too low"] + ["in line"] * 5


def test_the_hosmer_lemeshow_test_gives_the_statistic_of_a_published_table() -> None:
    # R package blorr, its recorded output of blr_test_hosmer_lemeshow: 5.8839 with 8 degrees of freedom, p = .6602.
    # Expected counts are printed with two decimals, so that the statistic comes out to about .03
    rows = [20, 21, 19, 22, 18, 20, 20, 21, 19, 20]
    bads = [0, 1, 0, 2, 2, 4, 9, 9, 13, 13]
    expected = np.array([0.29, 0.74, 1.05, 2.04, 2.93, 4.47, 6.17, 8.93, 11.16, 15.22])
    labels = np.concatenate([outcomes(b, n) for b, n in zip(bads, rows, strict=True)])
    found = hosmer_lemeshow(labels, np.repeat(expected / rows, rows), fitted=True)
    assert found["degrees_of_freedom"] == 8
    assert found["statistic"] == pytest.approx(5.8839, abs=0.03)
    assert found["p_value"] == pytest.approx(0.6602, abs=0.003)


def test_a_line_fitted_to_a_bent_curve_is_rejected_as_pearson_would() -> None:
    # Wikipedia, "Hosmer–Lemeshow test": grades of 330 volunteers by dose of caffeine, 0 to 500 mg
    dose = np.repeat(np.arange(11.0), 30)
    labels = np.concatenate([outcomes(b, 30) for b in (10, 13, 17, 15, 10, 5, 4, 3, 3, 1, 0)])
    intercept, slope = recalibrate(labels, dose)
    p = sigmoid(intercept + slope * dose)
    found = hosmer_lemeshow(labels, p, groups=11, fitted=True)
    counts = pd.DataFrame({"dose": dose, "y": labels, "p": p}).groupby("dose").sum()
    pearson = ((counts["y"] - counts["p"]) ** 2 / (counts["p"] * (1 - counts["p"] / 30))).sum()
    assert found["statistic"] == pytest.approx(pearson)
    assert found["statistic"] == pytest.approx(17.46, abs=0.01)
    assert found["degrees_of_freedom"] == 9
    assert found["p_value"] < 0.05


def test_out_of_sample_each_group_is_a_degree_of_freedom_and_the_test_holds_its_level() -> None:
    rng = np.random.default_rng(1)
    p = sigmoid(rng.normal(-2, 1, 2000))
    found = [hosmer_lemeshow(rng.random(2000) < p, p) for _ in range(300)]
    assert {f["degrees_of_freedom"] for f in found} == {10}
    assert 0.02 < np.mean([f["p_value"] < 0.05 for f in found]) < 0.09


def test_the_order_of_rows_does_not_change_a_test_with_ties() -> None:
    rng = np.random.default_rng(2)
    p = rng.choice([0.05, 0.1, 0.2, 0.4], 500)
    y, order = (rng.random(500) < p).astype(float), rng.permutation(500)
    found = hosmer_lemeshow(y, p)
    assert hosmer_lemeshow(y[order], p[order]) == pytest.approx(found)
    assert found["degrees_of_freedom"] == 4


@given(st.lists(st.integers(0, 100), min_size=2, max_size=15).filter(any))
def test_concentration_lies_between_an_even_spread_and_a_single_grade(counts: list[int]) -> None:
    assert 1 / len(counts) - 1e-12 <= herfindahl(counts) <= 1 + 1e-12
    assert -1e-12 <= herfindahl(counts, normalised=True) <= 1 + 1e-12
    assert herfindahl([7] * len(counts), normalised=True) == pytest.approx(0, abs=1e-12)
    assert herfindahl([1, *[0] * (len(counts) - 1)], normalised=True) == 1.0


def test_migration_counts_every_customer_once_and_tells_up_from_down() -> None:
    matrix = migration(list("AABCCAAA"), list("ABBACBCC"), ["A", "B", "C"])
    assert matrix.to_numpy().tolist() == [[1, 2, 2], [0, 1, 0], [1, 0, 1]]
    assert migration_summary(matrix) == {"stayed": 0.375, "up": 0.125, "down": 0.5}


def test_what_cannot_be_graded_is_refused_with_a_reason() -> None:
    with pytest.raises(ParamsError, match="n_grades must lie between 8 and 12; got 7"):
        make_scale([0.1, 0.2], n_grades=7)
    with pytest.raises(ParamsError, match="least_share must lie above 0"):
        make_scale([0.1, 0.2], least_share=0.2)
    with pytest.raises(ParamsError, match="needs a name of its own"):
        GradeScale(("A", "A"), (0.1, 1.0))
    with pytest.raises(ParamsError, match="needs the key names"):
        GradeScale.from_dict({"upper": [1.0]})
    with pytest.raises(ParamsError, match="level must lie between 0 and 1"):
        grade_table(ONE, [0.1], [0], level=95)
    with pytest.raises(ParamsError, match="groups must be at least 1"):
        hosmer_lemeshow([0, 1], [0.1, 0.2], groups=0)
    with pytest.raises(DataError, match="must lie between 0 and 1 without gaps"):
        ONE.assign([0.1, np.nan])
    with pytest.raises(DataError, match="has no rows"):
        make_scale([])
    with pytest.raises(DataError, match="outcome is unknown"):
        grade_table(ONE, [0.1, 0.2], [0, np.nan])
    with pytest.raises(DataError, match="one length above 0"):
        hosmer_lemeshow([0, 1], [0.1])
    with pytest.raises(DataError, match="exactly 0 or 1"):
        hosmer_lemeshow([0, 1], [0.0, 0.5])
    with pytest.raises(DataError, match="too few for a fitted model"):
        hosmer_lemeshow([0, 1, 0], [0.5, 0.5, 0.5], fitted=True)
    with pytest.raises(DataError, match="grade D isn't on the scale"):
        migration(["A"], ["D"], ["A", "B"])
    with pytest.raises(DataError, match="the same customers; got 2 and 1"):
        migration(["A", "A"], ["A"], ["A"])
    with pytest.raises(DataError, match="matrix is empty"):
        migration_summary(migration([], [], ["A", "B"]))
    with pytest.raises(DataError, match="not all zero"):
        herfindahl([0, 0])
