"""What goes with a score: probabilities of running loans, arrears, losses and their timing."""

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.errors import ParamsError
from afraz.models.credit.cutoff import Economics
from afraz.models.credit.grades import GradeScale
from afraz.models.credit.loss_given_default import LossGivenDefault, Segment
from afraz.models.credit.rating import (
    DRAWS,
    Lending,
    Rating,
    arrears_bucket,
    estimate_arrears,
    estimate_levels,
    estimate_losses,
    estimate_terms,
)
from afraz.models.credit.term_structure import TermStructure

SCALE = GradeScale(("A", "B", "C"), (0.05, 0.2, 1.0), ("by hand",))
DEAL = Economics(margin=0.1, loss_given_default=0.45, cost_per_application=5)
PLAIN = Rating(SCALE, DEAL, 0.18)
# one loan in a hundred a month, over two years
TERMS = TermStructure(12, 24, tuple(m / 100 for m in range(25)))
LATE = {"30-59": 0.4, "60-89": 0.7}
ZERO = np.zeros(4)


def _segment(values: tuple[Any, ...], loss: float) -> Segment:
    return Segment(values, 50, 40, 5, loss, loss, loss, loss - 0.1, loss + 0.1)


LOSSES = LossGivenDefault(
    ("has_collateral",), 0.05, (_segment((False,), 0.6), _segment((True,), 0.2)), _segment((), 0.5), (0.5, 1.0),
    (0.9, 1.1),
)  # fmt: skip
FULL = Rating(SCALE, DEAL, 0.18, LOSSES, TERMS, LATE, (0.8, 1.0, 1.3))


@pytest.mark.parametrize("rating", [PLAIN, FULL], ids=["plain", "full"])
def test_a_rating_survives_json(rating: Rating) -> None:
    assert Rating.from_dict(json.loads(json.dumps(rating.to_dict(), allow_nan=False))) == rating


def test_losses_are_looked_up_by_collateral_and_stated_where_there_is_no_history() -> None:
    loans = pd.DataFrame({"has_collateral": [True, False, None]})
    assert FULL.loss_given_default(loans).tolist() == [0.2, 0.6, 0.5]
    assert PLAIN.loss_given_default(loans).tolist() == [0.45] * 3


def test_a_running_loan_keeps_its_probability_where_nothing_else_is_known() -> None:
    p = np.array([0.02, 0.3])
    assert PLAIN.next_year(p, np.zeros(2), np.full(2, 24.0), np.array([0.0, 75.0])).tolist() == p.tolist()


def test_the_coming_year_of_a_loan_is_what_the_curve_leaves_of_its_probability() -> None:
    """At 24 % in the first year: twice the curve. A loan that is not late can't default within 90 days."""
    years = FULL.next_year(np.full(4, 0.24), np.array([0.0, 12.0, 12.0, 12.0]), np.array([36.0, 36.0, 6.0, 0.0]), ZERO)
    quiet = 90 * 12 / 365.25

    def left(begin: float, end: float) -> float:
        return 0.02 * (end - begin) / (1 - 0.02 * begin)

    assert years == pytest.approx([left(quiet, 12), left(12 + quiet, 24), left(12 + quiet, 18), 0])


def test_who_is_late_may_default_sooner_and_who_ends_within_the_quiet_months_may_not() -> None:
    on_time, late = FULL.next_year(np.full(2, 0.24), np.zeros(2), np.full(2, 2.0), np.array([0.0, 29.0]))
    assert on_time == 0.0
    assert late == 0.0, "61 days are two months"
    on_time, late = FULL.next_year(np.full(2, 0.24), np.zeros(2), np.full(2, 3.0), np.array([0.0, 29.0]))
    assert 0 < on_time < late


def test_loans_older_than_the_curve_are_rated_at_its_end() -> None:
    years = FULL.next_year(np.full(2, 0.2), np.array([12.0, 300.0]), np.full(2, 60.0), np.zeros(2))
    assert years[0] == years[1]


def test_a_loan_past_due_is_rated_at_least_as_its_bucket() -> None:
    late = np.array([0.0, 29.0, 30.0, 59.0, 60.0, 89.0])
    found = FULL.next_year(np.full(6, 0.1), np.zeros(6), np.full(6, 24.0), late)
    assert (found[:2] <= 0.1).all()
    assert found[2:].tolist() == [0.4, 0.4, 0.7, 0.7]
    risky = FULL.next_year(np.full(1, 0.9), np.zeros(1), np.full(1, 24.0), np.array([75.0]))
    assert risky[0] > 0.85, "being late makes nobody safer"


@given(
    p=st.floats(0, 1), age=st.floats(0, 200), remaining=st.floats(0, 200), late=st.integers(0, 89),
    later=st.integers(0, 89),
)  # fmt: skip
def test_more_days_past_due_never_lower_a_probability(
    p: float, age: float, remaining: float, late: int, later: int
) -> None:
    days = np.array([min(late, later), max(late, later)], float)
    less, more = FULL.next_year(np.full(2, p), np.full(2, age), np.full(2, remaining), days)
    assert 0 <= less <= more <= 1


def test_days_past_due_that_are_not_known_are_taken_for_none() -> None:
    assert arrears_bucket(np.array([np.nan, 1.0, 120.0])).tolist() == ["0", "1-29", "90+"]


def test_only_late_buckets_get_a_rate_and_it_is_the_posterior_mean() -> None:
    counted = pd.DataFrame(
        {"bucket": ["60-89", "0", "30-59", "90+"], "loans": [9, 1000, 0, 5], "defaults": [6, 1, 0, 5]}
    )
    assert estimate_arrears(counted) == {"60-89": 0.65, "30-59": 0.5}
    assert estimate_arrears(counted[counted["bucket"] == "0"]) == {}


def test_levels_scatter_around_observed_over_expected_and_few_quarters_have_none() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    p, group = np.full(n, 0.1), np.arange(n)
    label, cohort = (rng.random(n) < 0.15).astype(float), np.array([f"Q{i % 8}" for i in range(n)], object)
    levels = estimate_levels(label, p, group, cohort, seed=3)
    assert len(levels) == DRAWS
    assert np.mean(levels) == pytest.approx(label.mean() / 0.1, rel=0.03)
    assert estimate_levels(label, p, group, cohort, seed=3) == levels
    assert estimate_levels(label, p, group, np.array(["Q1", "Q2", "Q3"], object)[group % 3], seed=3) == ()


def _workouts(rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half of each exposure comes back after a month; the last loan owed nothing when it came into default."""
    names = [f"l{i}" for i in range(rows)]
    begun = pd.Timestamp("2024-01-15")
    defaults = pd.DataFrame({
        "loan_id": names, "customer_id": names, "defaulted_at": begun, "exposure": [100.0] * (rows - 1) + [0.0],
        "cured_at": pd.Series([pd.NaT] * rows, dtype="datetime64[us]"), "has_collateral": False,
    })  # fmt: skip
    recovered = pd.DataFrame({"loan_id": names, "received_at": begun + pd.Timedelta(days=35), "amount": 50.0})
    return defaults, recovered


def test_losses_are_estimated_from_workouts_and_loans_that_owed_nothing_are_left_out() -> None:
    losses, note = estimate_losses(*_workouts(60), Lending(workout_months=6), date(2026, 1, 1))
    assert note == ""
    assert losses is not None
    assert losses.overall.defaults == 59
    assert losses.overall.mean == pytest.approx(0.5)


def test_the_floor_holds_and_discounting_raises_the_loss() -> None:
    floored, _ = estimate_losses(*_workouts(60), Lending(workout_months=6, lgd_floor=0.65), date(2026, 1, 1))
    discounted, _ = estimate_losses(*_workouts(60), Lending(workout_months=6, discount_rate=0.2), date(2026, 1, 1))
    assert floored is not None
    assert discounted is not None
    assert floored.overall.floored == 0.65
    assert discounted.overall.mean == pytest.approx(1 - 0.5 / 1.2 ** (35 / 365.25))


def test_workouts_that_are_too_few_or_too_young_leave_the_stated_loss_with_a_note() -> None:
    losses, note = estimate_losses(*_workouts(10), Lending(), date(2026, 1, 1))
    assert losses is None
    assert note.startswith("the stated 45% is used: expected the worth of 30 observed defaults, got 9 of 9")
    losses, note = estimate_losses(*_workouts(60), Lending(workout_months=60), date(2026, 1, 1))
    assert losses is None
    assert "no workout has been observed in the last" in note


def _loans(rows: int = 400) -> pd.DataFrame:
    """One in four defaults at the end of its second month; nobody else leaves; two were never granted."""
    granted = pd.Series(pd.Timestamp("2024-01-01"), index=range(rows)).where(np.arange(rows) >= 2)
    default = (granted + pd.Timedelta(days=60)).where(np.arange(rows) % 4 == 3)
    return pd.DataFrame({"granted_at": granted, "default_at": default, "closed_at": pd.Series(pd.NaT, range(rows))})


def test_terms_are_those_of_granted_loans() -> None:
    terms = estimate_terms(_loans(), date(2026, 1, 1), 12)
    assert terms is not None
    assert terms.window == 12
    assert terms.cumulated[1] == 0.0
    assert terms.cumulated[2] == terms.cumulated[12] == pytest.approx(100 / 398)
    assert len(terms.cumulated) == 121


def test_loans_closed_after_the_date_are_seen_until_the_date_only() -> None:
    later, open_ = (
        estimate_terms(_loans().assign(closed_at=closed), date(2026, 1, 1), 12)
        for closed in (pd.Timestamp("2027-01-01"), pd.Series(pd.NaT, range(400), dtype="datetime64[us]"))
    )
    assert later is not None
    assert later == open_


def test_loans_that_are_closed_before_their_term_are_repaid_early_and_those_at_its_end_are_not() -> None:
    half = _loans()
    half["closed_at"] = (half["granted_at"] + pd.Timedelta(days=130)).where(np.arange(400) % 4 == 0)
    early = estimate_terms(half.assign(term_months=24), date(2026, 1, 1), 12)
    due = estimate_terms(half.assign(term_months=5), date(2026, 1, 1), 12)
    assert early is not None
    assert due is not None
    assert early.cumulated == due.cumulated
    assert early.staying[4] == 1.0
    assert early.staying[5] == pytest.approx(1 - 99 / 298)  # of those who had not defaulted, two never granted
    assert due.staying[12] == 1.0


def test_nothing_is_said_of_timing_where_nothing_can_be_seen() -> None:
    nobody = _loans().assign(default_at=pd.Series(pd.NaT, range(400), dtype="datetime64[us]"))
    assert estimate_terms(nobody, date(2026, 1, 1), 12) is None
    assert estimate_terms(_loans(), date(2024, 6, 1), 12) is None, "no loan was seen for a whole window"


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"lgd_flor": 0.1}, r"lending: unknown setting 'lgd_flor': did you mean lgd_floor\?"),
        ({"margin": "10%"}, "lending: margin: expected a number, got '10%'"),
        ({"margin": None}, "lending: margin: expected a number, got None"),
        ({"cutoff": True}, "lending: cutoff: expected a number, got True"),
    ],
)
def test_what_a_bank_states_is_read_strictly(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        Lending.of(stated)


def test_a_cutoff_may_be_left_to_the_model() -> None:
    assert Lending.of({"cutoff": None}).cutoff is None
    assert Lending.of({"cutoff": 0.2, "workout_months": 12}) == Lending(cutoff=0.2, workout_months=12)
