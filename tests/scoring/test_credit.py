"""Rating applications and the book with a small scorecard whose every number is written here."""

import datetime as dt
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError, DataError
from afraz.models.artifact import Artifact, folder_digest, load_artifact, save_artifact
from afraz.models.credit.cutoff import Economics
from afraz.models.credit.fit import rated
from afraz.models.credit.grades import GradeScale
from afraz.models.credit.loss_given_default import LossGivenDefault, Segment
from afraz.models.credit.rating import DRAWS, Rating
from afraz.models.credit.term_structure import TermStructure
from afraz.models.scorecard import Scaling
from afraz.scoring.credit import rating_of, score_applications, score_book

AS_OF = dt.date(2026, 1, 1)
WORDS = pd.DataFrame({
    "name": ["late_months", "purpose"], "meaning": ["months with a late payment", "purpose of the loan"],
    "unit": ["count", "name"], "type": ["double", "text"], "low": ["paid on time", ""], "high": ["was late", ""],
})  # fmt: skip


def _segment(values: tuple[Any, ...], loss: float) -> Segment:
    return Segment(values, 50, 40, 5, loss, loss, loss, loss, loss)


RATING = Rating(
    GradeScale(("A", "B", "C"), (0.05, 0.2, 1.0)), Economics(margin=0.1, loss_given_default=0.45), cutoff=0.1,
    losses=LossGivenDefault(
        ("has_collateral",), 0.05, (_segment((False,), 0.6), _segment((True,), 0.2)), _segment((), 0.5),
        (0.5, 1.0), tuple(np.linspace(0.9, 1.1, DRAWS).tolist()),
    ),
    terms=TermStructure(12, 132, tuple(m / 200 for m in range(133))), arrears={"30-59": 0.4, "60-89": 0.7},
    levels=tuple(np.linspace(0.8, 1.2, DRAWS).tolist()),
)  # fmt: skip


def _model() -> Artifact:
    """Log-odds of bad: −3, a unit more from two late months on, half a unit more for a car."""
    head = {
        "name": "default", "kind": "scorecard", "intercept": -3.0, "coefficients": [-1.0, -1.0],
        "reference_terms": [0.2, 0.1], "scaling": Scaling().spelled(),
        "bins": [{"splits": [2.0], "woe": [0.0, -1.0], "missing": 0.0},
                 {"splits": [0.5], "woe": [-0.5, 0.0], "missing": 0.0}],
    }  # fmt: skip
    features = [
        {"name": "late_months", "type": "double", "reference": 0.0},
        {"name": "purpose", "type": "text", "levels": {"car": 0.0, "house": 1.0}, "missing": None, "other": 1.0},
    ]
    points = {k: v for k, v in Scaling().spelled().items() if k in ("factor", "offset")}
    outputs = [
        {"name": "default_probability", "head": "default", "knots_margin": [-9, 9], "knots_log_odds": [-9, 9]},
        {"name": "points", "head": "default", "link": "points", **points},
    ]
    return Artifact({"format": 1, "model": "credit", "features": features, "heads": [head], "outputs": outputs}, {})


def _p(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_artifact(rated(_model(), RATING.to_dict()), tmp_path_factory.mktemp("credit") / "model")


@pytest.fixture
def applications() -> pd.DataFrame:
    return pd.DataFrame({
        "loan_id": ["l3", "l1", "l2", "l4"], "customer_id": ["a", "b", "c", "d"],
        "applied_on": pd.Timestamp("2025-12-01"), "amount": [1000.0, 1000.0, 2000.0, 500.0],
        "decision": ["granted", "declined", None, "granted"], "late_months": [3.0, 0.0, 2.0, np.nan],
        "purpose": ["car", "house", "house", "car"], "has_collateral": [False, False, True, False],
    })  # fmt: skip


def test_applications_are_rated_as_worked_out_by_hand(folder: Path, applications: pd.DataFrame) -> None:
    scores, manifest = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS)
    scores = scores.set_index("loan_id")
    assert scores.index.tolist() == ["l1", "l2", "l3", "l4"]
    expected = {"l1": _p(-3), "l2": _p(-2), "l3": _p(-1.5), "l4": _p(-2.5)}
    assert scores["default_probability"].to_dict() == pytest.approx(expected)
    assert scores["points"].to_dict() == pytest.approx({
        n: 600 - 20 / math.log(2) * (math.log(p / (1 - p)) + math.log(50)) for n, p in expected.items()
    })  # fmt: skip
    assert scores["grade"].to_dict() == {"l1": "A", "l2": "B", "l3": "B", "l4": "B"}
    assert scores["loss_given_default"].to_dict() == {"l1": 0.6, "l2": 0.2, "l3": 0.6, "l4": 0.6}
    assert scores.loc["l2", "expected_loss"] == round(_p(-2) * 0.2 * 2000, 2)
    assert scores["risk_rank"].to_dict() == {"l3": 1, "l2": 2, "l4": 3, "l1": 4}
    assert manifest["rows"] == 4
    assert manifest["highest_risk_output"] == "default_probability"
    assert manifest["columns"] == ["loan_id", *scores.columns]


def test_what_lies_at_the_cutoff_is_approved_and_what_lies_above_is_not(
    applications: pd.DataFrame, tmp_path: Path
) -> None:
    at = load_artifact(save_artifact(_model(), tmp_path / "plain")).predict(applications)["default_probability"]
    exact = replace(RATING, cutoff=float(at.sort_values().iloc[1]))
    scores, manifest = score_applications(
        save_artifact(rated(_model(), exact.to_dict()), tmp_path / "model"), applications, as_of=AS_OF, dictionary=WORDS
    )
    assert manifest["cutoff"] == exact.cutoff
    assert scores.set_index("loan_id")["approved"].to_dict() == {"l1": True, "l2": False, "l3": False, "l4": True}


def test_an_applicant_is_told_where_points_were_lost(folder: Path, applications: pd.DataFrame) -> None:
    scores, manifest = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS)
    told = scores.set_index("loan_id")
    assert told.loc["l3", ["lost_1", "lost_2"]].tolist() == ["was late", "purpose of the loan: car"]
    assert told.loc["l2", "lost_1"] == "was late"
    assert told.loc["l1", "lost_1":"lost_4"].isna().all(), "nothing was lost"
    assert told.loc["l3", "reason_1"] == "was late"
    assert manifest["reasons_agree"]["first_agrees"] == 1.0


def test_reasons_of_a_blend_are_the_sum_of_its_parts_and_spare_the_untold(
    applications: pd.DataFrame, tmp_path: Path
) -> None:
    """The line knows the purpose only: 3 for a car, at half weight; the card gives the late months half a unit."""
    card = _model().spec
    line = {"name": "line", "kind": "linear", "intercept": -3.0, "coefficients": [0.0, -3.0], "means": [0.0, 0.5],
            "scales": [1.0, 1.0]}  # fmt: skip
    both = {"name": "default", "kind": "blend", "parts": ["card", "line"], "weights": [0.5, 0.5]}
    model = Artifact({**card, "heads": [both, {**card["heads"][0], "name": "card"}, line]}, {})
    folder = save_artifact(rated(model, {**RATING.to_dict(), "untold": ["gender"]}), tmp_path / "model")
    scores, manifest = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS)
    told = scores.set_index("loan_id")
    assert told.loc["l3", ["reason_1", "reason_2"]].tolist() == ["purpose of the loan: car", "was late"]
    assert told.loc["l2", "reason_1"] == "was late"
    assert "lost_1" not in told.columns, "only a scorecard has points to lose"
    assert "reasons_agree" not in manifest
    spared, _ = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS, untold=("purpose",))
    assert spared.set_index("loan_id").loc["l3", "reason_1"] == "was late"
    assert not spared.filter(regex="^reason_").isin(["purpose of the loan: car"]).any(axis=None)


def test_an_input_held_to_a_sign_is_told_in_that_direction_only(applications: pd.DataFrame, tmp_path: Path) -> None:
    spec = _model().spec
    usual = [{**spec["features"][0], "reference": 5.0}, spec["features"][1]]  # the median is above all of these
    for signs, said in (({}, "paid on time"), ({"late_months": 1}, "was late"), ({"gone": 1}, "paid on time")):
        model = rated(Artifact({**spec, "features": usual}, {}), {**RATING.to_dict(), "signs": signs})
        folder = save_artifact(model, tmp_path / f"model_{len(said)}_{len(signs)}")
        scores, _ = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS)
        assert scores.set_index("loan_id").loc["l3", "reason_1"] == said


def test_equal_runs_give_equal_scores_whatever_the_order_of_the_rows(folder: Path, applications: pd.DataFrame) -> None:
    one = score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS)
    two = score_applications(folder, applications.iloc[::-1], as_of=AS_OF, dictionary=WORDS)
    pd.testing.assert_frame_equal(one[0], two[0])
    assert one[1] == two[1]
    json.dumps(one[1], allow_nan=False)


def test_a_model_without_a_rating_or_that_was_altered_is_refused(
    folder: Path, applications: pd.DataFrame, tmp_path: Path
) -> None:
    plain = save_artifact(_model(), tmp_path / "model")
    with pytest.raises(ArtifactError, match="model 'credit' carries no rating: develop it with `dvc repro credit`"):
        score_applications(plain, applications, as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(ArtifactError, match="was altered: digest"):
        score_applications(folder, applications, as_of=AS_OF, dictionary=WORDS, model_digest="0" * 64)
    assert rating_of(load_artifact(folder, folder_digest(folder))) == RATING


def test_applications_that_cannot_be_scored_are_refused(folder: Path, applications: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="1 rows repeat a loan_id"):
        score_applications(folder, pd.concat([applications, applications[:1]]), as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(ArtifactError, match="missing: purpose; add them"):
        score_applications(folder, applications.drop(columns="purpose"), as_of=AS_OF, dictionary=WORDS)
    with pytest.raises(DataError, match="exposure: expected finite amounts from 0 on, 1 of 4 are missing"):
        score_applications(
            folder, applications.assign(amount=[1.0, None, 1.0, 1.0]), as_of=AS_OF, dictionary=WORDS
        )  # fmt: skip


@pytest.fixture
def running() -> pd.DataFrame:
    """Alike but for: on time, 40 days late, 60 days late, in default (120), back from it, no months left."""
    names = ["on_time", "late_40", "late_60", "default", "back", "over"]
    return pd.DataFrame({
        "loan_id": names, "customer_id": [f"c{i}" for i in range(6)], "applied_on": pd.Timestamp("2024-12-01"),
        "granted_at": pd.Timestamp("2024-12-05"), "late_months": 0.0, "purpose": "house", "has_collateral": False,
        "age_months": 12.0, "remaining_months": [24.0] * 5 + [0.0], "balance": 1000.0,
        "days_past_due": [0.0, 40.0, 60.0, 120.0, 0.0, 0.0], "in_default": [False, False, False, True, False, False],
    })  # fmt: skip


def test_a_loan_past_due_is_rated_at_least_as_its_bucket(folder: Path, running: pd.DataFrame) -> None:
    book = score_book(folder, running, as_of=AS_OF)[0].set_index("loan_id")
    assert book["application_probability"].tolist() == pytest.approx([_p(-3)] * 6)
    p = book["default_probability"]
    assert 0 < p["on_time"] < _p(-3), "a year without default speaks for the loan"
    assert (p["late_40"], p["late_60"], p["over"]) == (0.4, 0.7, 0.0)
    assert p["back"] == p["on_time"]
    assert book.loc["late_60", "grade"] == "C"
    assert book.loc["on_time", "grade"] == "A"


def test_loans_in_default_are_certain_and_count_apart(folder: Path, running: pd.DataFrame) -> None:
    book, manifest = score_book(folder, running, as_of=AS_OF)
    row = book.set_index("loan_id").loc["default"]
    assert (row["default_probability"], row["expected_loss"], row["grade"]) == (1.0, 600.0, "C")
    assert manifest["portfolio"]["in_default"] == {"loans": 1, "expected_loss": 600.0}
    assert manifest["portfolio"]["performing"]["loans"] == 5
    assert manifest["portfolio"]["performing"]["exposure"] == 5000.0


def test_the_expected_loss_of_the_book_adds_up_and_lies_in_its_interval(folder: Path, running: pd.DataFrame) -> None:
    book, manifest = score_book(folder, running, as_of=AS_OF)
    each = book["default_probability"] * book["loss_given_default"] * book["balance"]
    assert book["expected_loss"].tolist() == each.round(2).tolist()
    performing = manifest["portfolio"]["performing"]
    assert performing["expected_loss"] == pytest.approx(each[~book["in_default"]].sum())
    assert performing["low"] < performing["expected_loss"] < performing["high"]
    assert performing["rate"] == pytest.approx(performing["expected_loss"] / 5000)


def test_the_interval_says_what_it_covers_and_is_wider_for_it(
    folder: Path, running: pd.DataFrame, tmp_path: Path
) -> None:
    with_history = score_book(folder, running, as_of=AS_OF)[1]["portfolio"]["performing"]
    bare = Rating(RATING.scale, RATING.economics, 0.1, terms=RATING.terms, arrears=RATING.arrears)
    other = save_artifact(rated(_model(), bare.to_dict()), tmp_path / "model")
    without = score_book(other, running, as_of=AS_OF)[1]["portfolio"]["performing"]
    for uncertain in ("the level of default", "the level of losses"):
        assert uncertain in with_history["covers"].split("not:")[0]
        assert uncertain in without["covers"].split("not:")[1]
    widths = [(p["high"] - p["low"]) / p["expected_loss"] for p in (with_history, without)]
    assert widths[0] > widths[1]
    assert without["expected_loss"] == pytest.approx(with_history["expected_loss"] * 0.45 / 0.6)


def test_the_book_is_equal_for_equal_rows_and_its_manifest_has_no_time(folder: Path, running: pd.DataFrame) -> None:
    one = score_book(folder, running, as_of=AS_OF, seed=3)
    two = score_book(folder, running.sample(frac=1, random_state=1), as_of=AS_OF, seed=3)
    pd.testing.assert_frame_equal(one[0], two[0])
    assert one[1] == two[1]
    assert one[0]["loan_id"].is_monotonic_increasing
    json.dumps(one[1], allow_nan=False)
    assert one[1]["input_digest"] != score_book(folder, running.assign(balance=2.0), as_of=AS_OF)[1]["input_digest"]


def test_a_book_that_owes_nothing_loses_nothing(folder: Path, running: pd.DataFrame) -> None:
    book, said = score_book(folder, running.assign(balance=0.0), as_of=AS_OF)
    assert said["portfolio"]["performing"]["expected_loss"] == 0.0
    assert (book["expected_loss"] == 0).all()
