"""Follow-up: simulated credit with known rates, and the shortcuts that would flatter it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from afraz.errors import DataError, ParamsError
from afraz.models.credit import follow_up as fu


def granted(seed: int = 0, n: int = 6000, hazard: float = 0.01) -> pd.DataFrame:
    """Draw loans over two years with a constant hazard of default per month."""
    rng = np.random.default_rng(seed)
    at = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, n), "D")
    wait = rng.exponential(1 / hazard, n) * 30.44
    defaulted = pd.Series(at + pd.to_timedelta(np.minimum(wait, 3000), "D"))
    return pd.DataFrame({
        "granted_at": at, "defaulted_at": defaulted.where(wait < 720), "closed_at": pd.Series([pd.NaT] * n)
    })  # fmt: skip


def test_a_curve_follows_the_known_hazard_and_does_not_bend_down_at_its_end() -> None:
    loans = granted()
    as_of = pd.Timestamp("2025-01-01")
    known = loans.assign(defaulted_at=loans["defaulted_at"].where(loans["defaulted_at"] < as_of))
    table = fu.vintage_curves(known, as_of=as_of)
    expected = 1 - np.exp(-0.01 * table["months_on_book"])
    assert (table["defaulted_share"] - expected).abs().max() < 0.03
    assert table.groupby("cohort")["defaulted_share"].apply(lambda s: s.is_monotonic_increasing).all()
    longest = table.groupby("cohort")["months_on_book"].max()
    assert longest.to_dict() == {
        "2023Q1": 21, "2023Q2": 18, "2023Q3": 15, "2023Q4": 12, "2024Q1": 9, "2024Q2": 6, "2024Q3": 3,
    }  # fmt: skip


def test_a_point_that_is_shown_never_changes() -> None:
    loans = granted(1, 500)
    early, late = (fu.vintage_curves(loans, as_of=d) for d in ("2024-07-10", "2025-06-10"))
    both = early.merge(late, on=["cohort", "months_on_book"], suffixes=("", "_late"), validate="one_to_one")
    assert len(both) == len(early) < len(late)
    assert (both["defaulted_share"] == both["defaulted_share_late"]).all()
    assert (both["loans"] == both["loans_late"]).all()


def test_repaid_loans_stay_in_the_denominator_and_applications_do_not_enter() -> None:
    loans = pd.DataFrame({
        "granted_at": pd.to_datetime(["2024-01-05", "2024-01-05", None]),
        "defaulted_at": pd.to_datetime(["2024-04-20", None, None]),
        "closed_at": pd.to_datetime([None, "2024-02-01", None]),
    })  # fmt: skip
    table = fu.vintage_curves(loans, as_of="2025-01-01", by="M", longest=4)
    assert table["loans"].tolist() == [2] * 4
    assert table["defaulted_share"].tolist() == [0, 0, 0, 0.5]
    assert table["cohort"].unique().tolist() == ["2024-01"]


def test_impossible_dates_and_periods_are_refused() -> None:
    loans = granted(1, 50)
    loans.loc[0, "defaulted_at"] = pd.Timestamp("2020-01-01")
    with pytest.raises(DataError, match="1 in default before they were granted or after they were closed"):
        fu.vintage_curves(loans, as_of="2025-01-01")
    closed = granted(1, 50).assign(closed_at=pd.Timestamp("2022-12-31"), defaulted_at=pd.Timestamp("2026-01-01"))
    with pytest.raises(DataError, match="50 in default before"):
        fu.vintage_curves(closed, as_of="2025-01-01")
    with pytest.raises(DataError, match="missing closed_at"):
        fu.vintage_curves(loans.drop(columns="closed_at"), as_of="2025-01-01")
    with pytest.raises(ParamsError, match="by is a period such as Q, M or Y, got 'fortnight'"):
        fu.vintage_curves(granted(1, 50), as_of="2025-01-01", by="fortnight")


def test_before_anything_is_over_there_is_no_curve() -> None:
    table = fu.vintage_curves(granted(1, 50), as_of="2023-04-15")
    assert table.columns.tolist() == ["cohort", "months_on_book", "loans", "defaulted_share"]
    assert len(table) == 0


def months(rows: list[tuple[str, str, float | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["loan_id", "month_end", "days_past_due"])
    return frame.assign(month_end=pd.to_datetime(frame["month_end"]))


def counted(table: pd.DataFrame) -> dict[tuple[str, str], int]:
    some = table[table["transitions"] > 0]
    return {(a, b): int(n) for a, b, n in zip(some["from_bucket"], some["to_bucket"], some["transitions"], strict=True)}


def test_a_known_chain_gives_its_rates_back() -> None:
    chain = np.array(
        [
            [0.95, 0.05, 0, 0, 0],
            [0.5, 0.2, 0.3, 0, 0],
            [0.2, 0.1, 0.2, 0.5, 0],
            [0.1, 0, 0.1, 0.1, 0.7],
            [0, 0, 0, 0, 1.0],
        ]
    )
    days = np.array([0, 10, 45, 75, 120])
    rng, state = np.random.default_rng(0), np.zeros(3000, int)
    ends, parts = pd.date_range("2023-01-31", periods=24, freq="ME"), []
    for end in ends:
        parts.append(pd.DataFrame({"loan_id": np.arange(3000), "month_end": end, "days_past_due": days[state]}))
        state = (rng.random((3000, 1)) < chain.cumsum(axis=1)[state]).argmax(axis=1)
    table = fu.roll_rates(pd.concat(parts).sample(frac=1, random_state=0))
    found = table.pivot(index="from_bucket", columns="to_bucket", values="share")
    assert table["transitions"].sum() == 3000 * 23
    found = found.loc[list(fu.BUCKETS), list(fu.BUCKETS)].to_numpy()
    assert np.abs(found - chain).max() < 0.04
    assert found.sum(axis=1) == pytest.approx(np.ones(5))


def test_the_edges_of_the_buckets() -> None:
    days = [0, 1, 29, 30, 59, 60, 89, 90, 400, 0]
    ends = pd.date_range("2024-01-31", periods=10, freq="ME").astype(str)
    found = counted(fu.roll_rates(months([("a", e, d) for e, d in zip(ends, days, strict=True)])))
    assert found == {
        ("0", "1-29"): 1, ("1-29", "1-29"): 1, ("1-29", "30-59"): 1, ("30-59", "30-59"): 1, ("30-59", "60-89"): 1,
        ("60-89", "60-89"): 1, ("60-89", "90+"): 1, ("90+", "90+"): 1, ("90+", "0"): 1,
    }  # fmt: skip


def test_a_gap_is_no_transition_nor_is_the_step_from_one_loan_to_the_next() -> None:
    frame = months([
        ("a", "2024-01-31", 0), ("a", "2024-03-31", 35), ("a", "2024-04-30", 65),
        ("b", "2024-01-31", 0), ("b", "2024-02-29", None), ("b", "2024-03-31", 0), ("b", "2024-12-31", 0),
        ("c", "2025-01-31", 5),
    ])  # fmt: skip
    assert counted(fu.roll_rates(frame)) == {("30-59", "60-89"): 1}


def test_closed_loans_leave_only_where_their_closing_follows() -> None:
    frame = months([
        ("same month", "2024-01-31", 0), ("next month", "2024-01-31", 10), ("much later", "2024-01-31", 0),
        ("still reported", "2024-01-31", 0), ("still reported", "2024-02-29", 0), ("open", "2024-01-31", 95),
    ])  # fmt: skip
    closings = pd.DataFrame({
        "loan_id": ["same month", "next month", "much later", "still reported", "open", "elsewhere"],
        "closed_at": pd.to_datetime(["2024-01-31", "2024-02-10", "2024-06-01", "2024-02-05", None, "2024-02-01"]),
    })  # fmt: skip
    found = counted(fu.roll_rates(frame, closings))
    assert found == {("0", "closed"): 2, ("0", "0"): 1, ("1-29", "closed"): 1}
    assert counted(fu.roll_rates(frame)) == {("0", "0"): 1}


def test_a_bucket_that_nobody_leaves_has_no_share() -> None:
    table = fu.roll_rates(months([("a", "2024-01-31", 0), ("a", "2024-02-29", 0)]))
    assert len(table) == 25
    assert table.loc[table["from_bucket"] != "0", "share"].isna().all()
    assert table.loc[table["from_bucket"] == "0", "share"].sum() == 1


def test_a_month_that_is_told_twice_is_refused() -> None:
    twice = months([("a", "2024-01-31", 0), ("a", "2024-01-15", -3)])
    with pytest.raises(DataError, match="1 repeat a loan's month and 1 have negative days_past_due"):
        fu.roll_rates(twice)
    with pytest.raises(DataError, match="month_end: expected a date in every row, 1 have none"):
        fu.roll_rates(twice.assign(month_end=[pd.Timestamp("2024-01-31"), pd.NaT]))


def graded(seed: int = 0, n: int = 4000, factor: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    grade = rng.choice(["A", "B", "C"], n)
    p = pd.Series(grade).map({"A": 0.02, "B": 0.08, "C": 0.2}).to_numpy()
    return pd.DataFrame({
        "grade": grade, "cohort": rng.choice(["2024Q1", "2024Q2"], n), "default_probability": p,
        "label": (rng.random(n) < p * factor).astype(float),
    })  # fmt: skip


def test_the_jeffreys_interval_is_the_published_one() -> None:
    # Brown, Cai and DasGupta (2001), table A.1, n = 7 (the table alters the limits next to 0 and n, which are left out)
    assert fu.jeffreys_interval(2, 7) == pytest.approx((0.065, 0.648), abs=0.0006)
    assert fu.jeffreys_interval(3, 7) == pytest.approx((0.139, 0.766), abs=0.0006)
    assert fu.jeffreys_interval(0, 7) == (0.0, pytest.approx(beta.ppf(0.975, 0.5, 7.5)))
    assert fu.jeffreys_interval(7, 7) == (pytest.approx(beta.ppf(0.025, 7.5, 0.5)), 1.0)
    low, high = fu.jeffreys_interval(30, 400, 0.9)
    assert (low, high) == pytest.approx(beta.ppf([0.05, 0.95], 30.5, 370.5))


def test_a_level_that_is_too_low_is_found_and_a_calibrated_one_is_left_alone() -> None:
    fine = pd.concat([fu.realised_against_predicted(graded(seed)) for seed in range(20)])
    assert (fine["verdict"] == "as expected").mean() > 0.9
    low = fu.realised_against_predicted(graded(1, factor=1.6), by=("grade",)).set_index("grade")
    assert low.loc[["B", "C"], "verdict"].tolist() == ["more defaults than expected"] * 2
    assert low.loc["C", "expected"] == pytest.approx(0.2)
    high = fu.realised_against_predicted(graded(1, factor=0.5), by=["grade"]).set_index("grade")
    assert high.loc["C", "verdict"] == "fewer defaults than expected"


def test_unfinished_windows_are_counted_and_do_not_dilute() -> None:
    frame = graded()
    frame.loc[frame["cohort"] == "2024Q2", "label"] = np.nan
    table = fu.realised_against_predicted(frame)
    assert table["rows"].sum() + table["unfinished"].sum() == len(frame)
    late = table[table["cohort"] == "2024Q2"]
    assert (late["verdict"] == "no finished window").all()
    assert late[["expected", "realised", "low", "high"]].isna().all(axis=None)
    whole = fu.realised_against_predicted(frame, by=["grade"]).set_index("grade")
    first = table[table["cohort"] == "2024Q1"].set_index("grade")
    assert whole["realised"].to_dict() == first["realised"].to_dict()


def test_rows_without_a_grade_are_kept_as_one_of_their_own() -> None:
    frame = graded(n=300)
    frame.loc[:9, "grade"] = None
    table = fu.realised_against_predicted(frame, by=["grade"])
    assert table["rows"].sum() == 300
    assert table.loc[table["grade"].isna(), "rows"].tolist() == [10]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match="label: expected 1 for a default, 0 or missing, 1 rows"):
        fu.realised_against_predicted(graded(n=10).assign(label=[2.0] + [0.0] * 9))
    with pytest.raises(DataError, match="10 probabilities are not"):
        fu.realised_against_predicted(graded(n=10).assign(default_probability=7.0))
    with pytest.raises(DataError, match="missing branch"):
        fu.realised_against_predicted(graded(n=10), by=["branch"])


@given(st.integers(0, 200), st.integers(0, 200))
def test_an_interval_holds_the_rate_that_was_seen(bads: int, good: int) -> None:
    low, high = fu.jeffreys_interval(bads, bads + good)
    if bads + good:
        assert 0 <= low <= bads / (bads + good) <= high <= 1
    else:
        assert np.isnan([low, high]).all()


def overridden(seed: int = 0, n: int = 20_000) -> pd.DataFrame:
    """Overrides for a relationship default as the model says, those on request of a branch twice as often."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 12, n)
    passed = rng.random(n) < 1.1 - 2.5 * p
    by_lot = ~passed & (rng.random(n) < 0.05)
    override = ~passed & ~by_lot & (rng.random(n) < 0.25)
    branch = override & (rng.random(n) < 0.5)
    granted_ = passed | by_lot | override
    bad = rng.random(n) < np.where(branch, np.minimum(2 * p, 1), p)
    reason = pd.Series(np.where(branch, "branch_request", "relationship")).where(override)
    return pd.DataFrame({
        "passed": passed, "granted": granted_, "at_random": by_lot, "override_reason": reason,
        "label": np.where(granted_, bad.astype(float), np.nan), "default_probability": p,
    })  # fmt: skip


def test_overrides_that_know_less_than_the_model_are_found_and_the_others_are_not() -> None:
    frame = overridden()
    table = fu.override_rates(frame).set_index("reason")
    assert table.index.tolist() == ["branch_request", "relationship", "all"]
    assert table.loc["branch_request", "difference_low"] > 0.05
    assert table.loc["relationship", "difference_low"] < 0 < table.loc["relationship", "difference_high"]
    assert table.loc["all", "overrides"] == table["overrides"].iloc[:2].sum()
    assert table.loc["all", "share"] == pytest.approx(table.loc["all", "overrides"] / len(frame))
    # planted fault: all approved loans, of lower risk, would make every override look bad
    everybody = frame.loc[frame["passed"], "label"].mean()
    assert table.loc["relationship", "comparable_rate"] > everybody + 0.02


def test_random_grants_are_no_overrides_and_a_missing_reason_is_named() -> None:
    frame = overridden(1, 3000)
    override = frame["granted"] & ~frame["passed"] & ~frame["at_random"]
    table = fu.override_rates(frame.assign(override_reason=None)).set_index("reason")
    assert table.index.tolist() == ["not given", "all"]
    assert table.loc["not given", "overrides"] == override.sum()
    assert table.loc["not given", "known"] == override.sum()


def test_unknown_outcomes_give_no_rate_but_are_counted() -> None:
    frame = overridden(1, 3000)
    frame.loc[frame["override_reason"] == "relationship", "label"] = np.nan
    row = fu.override_rates(frame).set_index("reason").loc["relationship"]
    assert row["overrides"] > 90
    assert row["known"] == 0
    assert row[["default_rate", "low", "comparable_rate", "difference_low"]].isna().all()


def test_without_an_approved_loan_of_equal_risk_there_is_no_comparison() -> None:
    frame = overridden(1, 3000)
    frame["passed"] &= frame["default_probability"] < 0.1
    frame["granted"] = frame["passed"] | (frame["default_probability"] > 0.3)
    frame["label"] = frame["label"].fillna(0).where(frame["granted"])
    row = fu.override_rates(frame).set_index("reason").loc["all"]
    assert row["overrides"] > 10
    assert row["default_rate"] >= 0
    assert np.isnan(row["comparable_rate"])


def test_without_overrides_there_is_one_empty_row() -> None:
    frame = overridden(1, 300)
    table = fu.override_rates(frame[frame["passed"]])
    assert table[["reason", "overrides", "known"]].to_numpy().tolist() == [["all", 0, 0]]


def test_contradictions_in_applications_are_counted() -> None:
    frame = overridden(1, 300)
    with pytest.raises(DataError, match=r"[1-9]\d* labelled but not granted, 0 without"):
        fu.override_rates(frame.assign(label=1.0))
    with pytest.raises(DataError, match="0 labelled but not granted, 300 without a default_probability"):
        fu.override_rates(frame.assign(default_probability=np.nan))
    with pytest.raises(ParamsError, match="bands is a whole number from 1 on, got 0"):
        fu.override_rates(frame, bands=0)
