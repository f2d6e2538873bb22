"""When loans default: curves of simulated loans whose hazard is known."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.errors import DataError, ParamsError
from afraz.models.credit import term_structure

HAZARD = np.concatenate([np.linspace(0.002, 0.012, 12), np.linspace(0.012, 0.004, 24)])
KNOWN = 1 - np.cumprod(np.append(1.0, 1 - HAZARD))


@pytest.fixture(scope="module")
def loans() -> tuple[np.ndarray, np.ndarray]:
    """60,000 loans with a known hazard, half of them lost from sight at random, between 0 and 36 months."""
    rng = np.random.default_rng(4)
    u = rng.random(60_000)
    month = np.searchsorted(KNOWN[1:], u, side="right") + 1.0
    month[u >= KNOWN[-1]] = np.nan
    seen = np.where(rng.random(60_000) < 0.5, 36.0, rng.uniform(0, 36, 60_000).round())
    at = np.where(month <= seen, month, np.nan)
    return at, np.where(np.isnan(at), seen, at)


def test_the_curve_of_known_hazards_is_found_though_loans_are_lost_from_sight(loans: tuple[np.ndarray, ...]) -> None:
    shape = term_structure.fit_term_structure(*loans, window=12, longest=36)
    assert shape.observed == 36
    assert np.abs(np.array(shape.cumulated) - KNOWN).max() < 0.006
    # planted fault: to take the lost ones for good loans bends the curve down
    assert (~np.isnan(loans[0])).mean() < KNOWN[-1] - 0.04


def test_a_month_seen_in_part_counts_in_part() -> None:
    rng = np.random.default_rng(1)
    time = rng.exponential(1 / 0.05, 40_000)  # a constant hazard: 1 − exp(−.05) a month
    seen = rng.uniform(0, 12, 40_000)
    at = np.where(time <= seen, time, np.nan)
    shape = term_structure.fit_term_structure(at, np.fmin(at, seen), window=6, longest=12)
    expected = 1 - np.exp(-0.05 * np.arange(13))
    assert np.abs(np.array(shape.cumulated)[:11] - expected[:11]).max() < 0.01


def test_the_next_window_of_alike_loans_is_the_share_that_defaults(loans: tuple[np.ndarray, ...]) -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    ages = np.array([0.0, 6.0, 18.0, 24.0])
    found = shape.next_window(np.full(4, KNOWN[12]), ages, np.full(4, 60.0))
    a = ages.astype(int)
    assert found == pytest.approx((KNOWN[a + 12] - KNOWN[a]) / (1 - KNOWN[a]))
    fitted = term_structure.fit_term_structure(*loans, longest=36).next_window(
        np.full(4, KNOWN[12]), ages, np.full(4, 60.0)
    )
    assert fitted == pytest.approx(found, abs=0.006)


def test_a_loan_about_to_end_has_less_time_to_default() -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    p = np.full(4, 0.1)
    found = shape.next_window(p, np.full(4, 12.0), np.array([12.0, 6.0, 0.5, 0.0]))
    assert (np.diff(found) < 0).all()
    assert found[-1] == 0
    assert found[0] == shape.next_window([0.1], [12.0], [40.0])[0]


def test_at_the_grant_the_probability_is_the_one_of_the_application() -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    p = np.array([0.0, 0.03, 0.4, 1.0])
    assert shape.next_window(p, np.zeros(4), np.full(4, 36.0)) == pytest.approx(p)


@given(st.floats(0, 1), st.floats(0, 24), st.floats(0, 60))
def test_the_next_window_is_a_probability_that_rises_with_that_of_the_application(
    p: float, age: float, left: float
) -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    low, high = shape.next_window([p / 2, p], [age] * 2, [left] * 2)
    assert 0 <= low <= high <= 1


def test_loans_that_are_repaid_early_cannot_default_later() -> None:
    rng = np.random.default_rng(2)
    n, default, repay = 60_000, 0.004, 0.02  # constant monthly hazards
    first, second = rng.exponential(1 / default, n), rng.exponential(1 / repay, n)
    end = np.minimum(second, 48.0)
    at = np.where(first < end, first, np.nan)
    seen = np.fmin(at, end)
    shape = term_structure.fit_term_structure(at, seen, repaid_early=np.isnan(at) & (second < 48), longest=48)
    assert np.array(shape.staying)[[12, 24]] == pytest.approx(np.exp([-0.24, -0.48]), abs=0.02)
    within = float((at <= 12).mean())  # of the application: defaults before repaying within the window
    alive = seen > 12
    realised = float((at[alive] <= 24).mean())
    assert shape.next_window([within], [12.0], [36.0])[0] == pytest.approx(realised, abs=0.003)
    # planted fault: a curve that knows of no early repayment lets loans default that are gone
    blind = term_structure.fit_term_structure(at, seen, longest=48)
    assert blind.next_window([blind.cumulated[12]], [12.0], [36.0])[0] > 1.08 * realised


def test_a_loan_that_is_not_late_cannot_default_at_once() -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    found = shape.next_window(np.full(3, KNOWN[12]), np.full(3, 6.0), np.full(3, 60.0), [0.0, 3.0, 12.0])
    expected = (KNOWN[18] - KNOWN[9]) / (1 - KNOWN[9])  # alike loans, given that none defaults until month 9
    assert found[1] == pytest.approx(expected)
    assert found[0] > found[1] > found[2] == 0


def test_where_no_loan_has_been_seen_the_last_hazards_are_carried_on() -> None:
    at = np.array([3.0, *[np.nan] * 99])
    shape = term_structure.fit_term_structure(at, np.where(np.isnan(at), 6.0, 3.0), window=6, longest=12)
    assert shape.observed == 6
    assert shape.cumulated[6] == pytest.approx(0.01)
    assert shape.cumulated[12] == pytest.approx(0.02, abs=0.0005)


def test_loans_that_cannot_give_a_curve_are_refused() -> None:
    with pytest.raises(DataError, match="1 loans default before the grant or after months_observed"):
        term_structure.fit_term_structure([5.0, np.nan], [4.0, 20.0])
    with pytest.raises(DataError, match="loans seen for 12 months, got 1 defaults and 5 months"):
        term_structure.fit_term_structure([1.0, np.nan], [1.0, 5.0])
    with pytest.raises(DataError, match="got 0 defaults and 60 months"):
        term_structure.fit_term_structure([np.nan], [70.0])
    with pytest.raises(ParamsError, match="expected 1 ≤ window ≤ longest, got window 12 and longest 6"):
        term_structure.fit_term_structure([1.0], [1.0], longest=6)


def test_ages_beyond_the_curve_are_refused_unless_the_loan_is_over() -> None:
    shape = term_structure.TermStructure(12, 36, tuple(KNOWN))
    with pytest.raises(DataError, match="1 loans reach 37 months on book, the curve ends at 36"):
        shape.next_window([0.1, 0.1], [25.0, 50.0], [12.0, 0.0])
    assert shape.next_window([0.1], [50.0], [0.0]).tolist() == [0.0]


def test_a_curve_survives_json() -> None:
    early = [False, True, False, False]
    shape = term_structure.fit_term_structure(
        [1, np.nan, np.nan, 2], [1, 1, 3, 2], repaid_early=early, window=2, longest=3
    )
    assert shape.staying[1] == pytest.approx(3 / 4)
    assert term_structure.TermStructure.from_dict(json.loads(json.dumps(shape.to_dict()))) == shape
