"""Summaries of transactions: what counts as caused by the customer, gaps, categories, names of windows."""

from datetime import date

import numpy as np
import pytest

from afraz.errors import ParamsError
from afraz.features.activity import active_days, categories, initiated, summarise, wide

AS_OF = [date(2024, 6, 1)]


def test_fees_interest_and_automatic_bookings_are_not_caused_by_the_customer(bank, make_on):
    rows = [
        *make_on("a", "2024-05-01"),
        *make_on("a", "2024-05-02", kind="fee"),
        *make_on("a", "2024-05-03", kind="interest"),
        *make_on("a", "2024-05-04", channel="automatic"),
        *make_on("a", "2024-05-05", kind=None, channel=None),
    ]
    transactions = bank(rows)["transactions"]
    got = transactions.mutate(caused=initiated(transactions)).order_by("booked_at").to_pandas()
    assert got["caused"].tolist() == [True, False, False, False, True]


def test_bands_hold_what_lies_between_their_edges(bank, make_on):
    rows = make_on("a", "2024-06-01", "2024-05-31", "2024-05-02", "2024-05-01", "2024-03-03", "2024-03-02")
    rows += make_on("a", "2022-01-01")
    got = summarise(bank(rows)["transactions"], AS_OF).order_by("band").to_pandas()
    assert dict(zip(got["band"], got["rows"], strict=True)) == {0: 2, 1: 2, 2: 1, 5: 1}


def test_gaps_are_counted_between_days_and_belong_to_the_band_they_end_in(bank, make_on):
    rows = make_on("a", "2024-02-01", "2024-04-20", "2024-05-10", "2024-05-10", "2024-05-13")
    got = active_days(bank(rows)["transactions"], AS_OF).order_by("band").to_pandas()
    assert dict(zip(got["band"], got["gap_sum"], strict=True)) == {0: 23, 1: 79, 2: 0}
    assert dict(zip(got["band"], got["gap_squares"], strict=True)) == {0: 20**2 + 3**2, 1: 79**2, 2: 0}
    assert got["days"].sum() == 4


def test_a_gap_that_ends_in_the_last_two_days_is_not_settled_yet(bank, make_on):
    rows = make_on("a", "2024-05-01", "2024-05-30", "2024-05-31")
    got = active_days(bank(rows)["transactions"], AS_OF).to_pandas()
    assert got["gap_sum"].sum() == 29


def test_categories_are_counted_with_their_entropy(bank, make_on):
    rows = [
        *make_on("a", "2024-05-01", "2024-05-02", category="food"),
        *make_on("a", "2024-05-03", "2024-05-04", category="travel"),
        *make_on("a", "2023-05-03", category="long ago"),
        *make_on("b", "2024-05-03", category="food"),
    ]
    got = categories(bank(rows)["transactions"], AS_OF).order_by("customer_id").to_pandas()
    assert got["categories"].tolist() == [2, 1]
    np.testing.assert_allclose(got["category_entropy"], [np.log(2), 0], atol=1e-9)


def test_a_name_without_a_window_is_refused(bank, make_on):
    summary = summarise(bank(make_on("a", "2024-05-01"))["transactions"], AS_OF)
    with pytest.raises(ParamsError, match="'initiated' names no window"):
        wide(summary, ["initiated"])
