"""Small groups are planted: none is shown, none can be computed, and their large neighbours stay."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afraz.reports.site.campaigns import answers, branches_document, executed, share_of
from afraz.reports.site.listing import Listing
from afraz.reports.site.outlook import by_group, grades_of, retention_document
from afraz.reports.site.segments import periods, sizes
from afraz.reports.site.suppression import HIDDEN, marked, suppress


def table(*counts: int) -> pd.DataFrame:
    return pd.DataFrame({"segment": [f"s{n}" for n in range(len(counts))], "customers": counts, "margin": counts})


def test_a_single_small_group_takes_the_next_larger_one_with_it_so_that_the_total_does_not_tell_it() -> None:
    shown = suppress(table(500, 40, 300, 3), [], ["margin"])
    assert shown["hidden"].tolist() == [False, True, False, True]
    assert shown.loc[shown["hidden"], ["customers", "margin"]].isna().all(axis=None)
    assert shown["customers"].iloc[0] == 500


def test_two_small_groups_that_are_small_together_take_a_third() -> None:
    assert suppress(table(500, 40, 2, 3), [], [])["hidden"].tolist() == [False, True, True, True]
    assert suppress(table(500, 40, 6, 7), [], [])["hidden"].tolist() == [False, False, True, True]


def test_groups_of_ten_and_more_and_empty_ones_hide_nothing() -> None:
    assert not suppress(table(500, 10, 0), [], [])["hidden"].any()


def test_an_empty_group_is_no_cover_for_a_small_one() -> None:
    assert suppress(table(500, 0, 3), [], [])["hidden"].tolist() == [True, False, True]


def test_partitions_are_judged_apart() -> None:
    both = pd.concat([table(500, 3).assign(lens="a"), table(500, 30).assign(lens="b")], ignore_index=True)
    assert suppress(both, ["lens"], [])["hidden"].tolist() == [True, True, False, False]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_whoever_knows_the_total_learns_of_no_small_group(counts: list[int]) -> None:
    shown = suppress(table(*counts), [], [])
    hidden = shown["hidden"].to_numpy()
    left = sum(counts) - np.nansum(shown["customers"])
    assert not any(0 < n < 10 and not h for n, h in zip(counts, hidden, strict=True))
    people = [n for n in counts if n > 0]
    if hidden.any() and len(people) > 1:
        assert hidden.sum() >= 2
        assert left >= 10 or hidden.sum() == len(people)
    if not any(0 < n < 10 for n in counts):
        assert not hidden.any()


def test_what_is_hidden_says_so_in_every_measure() -> None:
    shown = marked(suppress(table(500, 40, 3), [], ["margin"]), ["customers", "margin"])
    assert shown["customers"].tolist() == [500, HIDDEN, HIDDEN]
    assert shown["margin"].tolist() == [500, HIDDEN, HIDDEN]


HISTORY = pd.DataFrame([
    {"lens": "value", "as_of": day, "segment": segment, "customers": n, "margin": 10.0 * n}
    for day, counts in {"2025-07-01": (100, 50, 30), "2026-06-01": (90, 4, 60), "2026-07-01": (100, 50, 33)}.items()
    for segment, n in zip(("high", "low", "none"), counts, strict=True)
])  # fmt: skip


def test_a_change_does_not_tell_a_number_that_was_hidden_then() -> None:
    found = sizes(HISTORY, 10).set_index("segment")
    assert found.loc["high", "since_month"] == pytest.approx(11.1)
    assert pd.isna(found.loc["low", "since_month"])
    assert pd.isna(found.loc["none", "since_month"])  # it covers for the small one
    assert found.loc["none", "since_year"] == pytest.approx(10.0)
    assert found["share"].sum() == pytest.approx(100, abs=0.2)


def test_a_period_with_a_small_group_hides_its_value_and_its_change_in_that_window_alone() -> None:
    rows = [
        {"lens": "value", "segment": s, "period": "week", "window": w, "customers": n, "bookings": 2 * n,
         "volume": 5.0 * n, "margin": 1.0 * n}
        for w, counts in {"now": (80, 20, 50), "before": (80, 5, 50), "year before": (40, 20, 25)}.items()
        for s, n in zip(("high", "low", "none"), counts, strict=True)
    ]  # fmt: skip
    found = periods(pd.DataFrame(rows), 10).set_index(["segment", "measure"])
    low = found.loc[("low", "volume")]
    assert low[["now", "before", "change", "year_before", "year_change"]].tolist() == [100, HIDDEN, HIDDEN, 100, 0]
    assert found.loc[("none", "volume"), "before"] == HIDDEN
    assert found.loc[("high", "volume"), "before"] == 400


def test_scores_of_few_hide_a_segment_that_is_large_enough_itself() -> None:
    customers = pd.DataFrame(
        {"customer_id": [f"C{n}" for n in range(75)], "value": ["a"] * 30 + ["b"] * 25 + ["c"] * 20}
    )
    churn = pd.DataFrame({"customer_id": [f"C{n}" for n in [*range(30), 30, 31, *range(55, 75)]], "leave_90": 0.5})
    found = by_group(customers, ["value"], None, churn, 10).set_index("segment")
    assert found.loc["a", "leavers_90"] == 15
    assert found.loc["b"].drop("lens").eq(HIDDEN).all()
    assert found.loc["c"].drop("lens").eq(HIDDEN).all()


def test_how_many_are_scored_is_not_shown_beside_how_many_there_are() -> None:
    customers = pd.DataFrame({"customer_id": [f"C{n}" for n in range(60)], "value": ["a"] * 30 + ["b"] * 30})
    churn = pd.DataFrame({"customer_id": [f"C{n}" for n in range(59)], "leave_90": 0.5, "phase": "steady"})
    groups = by_group(customers, ["value"], None, churn, 10)
    phases = by_group(churn[["customer_id", "phase"]], ["phase"], None, churn, 10)
    documents = [retention_document(groups, phases, "", as_of="2026-07-01", smallest=10)]
    documents += [branches_document(groups, None, None, {}, as_of="2026-07-01", smallest=10)]
    listings = [b for d in documents for s in d.sections for b in s.blocks if isinstance(b, Listing)]
    by_segment = [each for each in listings if each.file != "retention_phases"]
    assert len(by_segment) == 2
    assert not any("29" in row for each in by_segment for row in each.rows)
    assert by_segment[0].rows[0] == ("value", "a", "15")


def test_grades_and_answers_count_customers_and_not_rows() -> None:
    book = pd.DataFrame({"customer_id": ["A"] * 12 + [f"B{n}" for n in range(40)] + [f"D{n}" for n in range(30)],
                         "loan_id": range(82), "grade": ["G1"] * 12 + ["G2"] * 40 + ["G3"] * 30, "balance": 1.0,
                         "expected_loss": 0.1, "in_default": False})  # fmt: skip
    assert grades_of(book, 10)["customers"].tolist() == [HIDDEN, 40, HIDDEN]
    surveys = pd.DataFrame({"branch_id": book["grade"], "customer_id": book["customer_id"], "satisfaction": 4})
    assert answers(surveys, 10)["satisfaction"].tolist() == [HIDDEN, 4, HIDDEN]


def test_a_share_tells_neither_a_few_nor_all_but_a_few() -> None:
    assert share_of(pd.Series([3, 97, 50, 100]), pd.Series([100] * 4), 10).tolist() == [HIDDEN, HIDDEN, 50, 100]
    assert share_of(pd.Series([2103]), pd.Series([2104]), 10).tolist() == [100]  # a whole per cent is 21 customers


def test_execution_hides_a_row_of_few_with_all_its_shares() -> None:
    rows = pd.DataFrame({"branch_id": ["B1", "B2", "B3"], "assigned": [200, 100, 5], "delivered": [200, 80, 5],
                         "reached": [100, 50, 2], "responded": [20, 15, 1]})  # fmt: skip
    found = executed(rows, 10).set_index("branch_id")
    assert found.loc["B1"].tolist() == [200, 100, 50, 10]
    assert found.loc["B3"].eq(HIDDEN).all()
