"""Cut-offs: profit by hand, the break-even probability, swap sets, and refusals instead of divisions by zero."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.errors import DataError, ParamsError
from afraz.models.credit.cutoff import Economics, approve, cutoff_table, recommended_cutoff, swap_set

DEAL = Economics(margin=0.1, loss_given_default=0.6, cost_per_application=0.002)
risks = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def book() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 9, 5000)
    amount = rng.integers(1, 40, 5000) * 1000.0
    old = p + rng.normal(0, 0.05, 5000) < 0.12
    label = np.where(old, rng.random(5000) < p, np.nan)
    return pd.DataFrame({"p": p, "amount": amount, "old": old, "label": label})


def test_profit_is_the_sum_of_margins_and_losses_counted_by_hand() -> None:
    deal = Economics(margin=0.2, loss_given_default=0.5, cost_per_application=3)
    table = cutoff_table([0.1, 0.3, 0.5], amount=[1000, 500, 2000], economics=deal, steps=3).set_index("cutoff")
    first = 1000 * (0.9 * 0.2 - 0.1 * 0.5)  # 130
    second = 500 * (0.7 * 0.2 - 0.3 * 0.5)  # −5
    third = 2000 * (0.5 * 0.2 - 0.5 * 0.5)  # −300
    found = table.loc[[0.1, 0.3, 0.5], "expected_profit"].tolist()
    assert found == pytest.approx([first - 9, first + second - 9, first + second + third - 9])
    assert table.index.tolist() == pytest.approx([0.1, 0.2 / 0.7, 0.3, 0.5])
    assert table["approved"].tolist() == [1, 1, 2, 3]


def test_the_best_cutoff_is_the_break_even_probability_of_equal_economics(book: pd.DataFrame) -> None:
    table = cutoff_table(book["p"], amount=book["amount"], economics=DEAL, steps=50)
    best = recommended_cutoff(table)
    assert best["cutoff"] == pytest.approx(0.1 / 0.7)
    assert best["expected_profit"] == table["expected_profit"].max()
    for other in (best["cutoff"] * 0.9, best["cutoff"] * 1.1):
        now = book["p"] <= other
        earned = (book["amount"] * ((1 - book["p"]) * 0.1 - book["p"] * 0.6))[now].sum() - 0.002 * len(book)
        assert earned < best["expected_profit"]


@given(risks)
def test_no_cutoff_of_any_portfolio_beats_the_break_even(p: list[float]) -> None:
    table = cutoff_table(p, economics=DEAL)
    at = table.loc[table["cutoff"] == DEAL.break_even, "expected_profit"].iloc[0]
    assert (table["expected_profit"] <= at + 1e-12).all()
    assert table["approval_rate"].is_monotonic_increasing
    assert table["approval_rate"].iloc[-1] == pytest.approx(1)


def test_a_dearer_default_lowers_the_cutoff_and_a_wider_margin_raises_it() -> None:
    assert Economics(0.1, 0.8).break_even < Economics(0.1, 0.6).break_even < Economics(0.15, 0.6).break_even


def test_a_cutoff_that_approves_nobody_has_no_bad_rate_and_costs_the_applications() -> None:
    p = [0.3, 0.4, 0.5]
    row = cutoff_table(p, economics=DEAL, label=[1, 0, None], old_decision=[True, True, False], steps=3).iloc[0]
    assert row["cutoff"] == DEAL.break_even
    assert (row["approved"], row["approval_rate"]) == (0, 0)
    assert row[["bad_rate_expected", "bad_rate_observed", "swap_in_bad_rate"]].isna().all()
    assert row["expected_profit"] == pytest.approx(-0.006)
    assert row["swap_out"] == 2


def test_a_portfolio_that_loses_at_every_cutoff_gets_no_recommendation() -> None:
    with pytest.raises(DataError, match="no cut-off pays: the best is to approve nobody at 0.1429"):
        recommended_cutoff(cutoff_table([0.3, 0.4], economics=DEAL))


def test_a_cutoff_below_everyone_is_refused_with_advice_that_works() -> None:
    p = [0.0123456789, 0.5]
    with pytest.raises(ParamsError, match="approves nobody: the lowest default probability is 0.0123457") as caught:
        approve(p, 0.01)
    advice = float(str(caught.value).rsplit(" ", 1)[1])
    assert approve(p, advice).tolist() == [True, False]


def test_those_on_the_line_are_approved_by_the_table_and_by_the_decision() -> None:
    p = [0.1, 0.1, 0.2]
    assert approve(p, 0.1).tolist() == [True, True, False]
    table = cutoff_table(p, economics=DEAL, steps=3).set_index("cutoff")
    assert table.loc[0.1, "approved"] == approve(p, 0.1).sum()


def test_observed_rates_look_at_known_labels_alone(book: pd.DataFrame) -> None:
    table = cutoff_table(book["p"], economics=DEAL, label=book["label"], old_decision=book["old"])
    last = table.iloc[-1]
    assert last["bad_rate_observed"] == pytest.approx(book["label"].mean())
    assert last["bad_rate_observed"] < last["bad_rate_expected"]  # the old rule granted to the better ones
    assert cutoff_table(book["p"], economics=DEAL)["bad_rate_observed"].isna().all()


def test_swaps_count_those_who_change_sides(book: pd.DataFrame) -> None:
    table = cutoff_table(book["p"], economics=DEAL, old_decision=book["old"])
    row = table.iloc[7]
    now, old = book["p"] <= row["cutoff"], book["old"]
    assert row["swap_in"] == (now & ~old).sum() > 0
    assert row["swap_out"] == (old & ~now).sum() > 0
    assert row["swap_in_bad_rate"] == pytest.approx(book["p"][now & ~old].mean())
    assert row["swap_in_bad_rate"] < row["swap_out_bad_rate"]
    without = cutoff_table(book["p"], economics=DEAL)
    assert without[["swap_in", "swap_in_bad_rate", "swap_out", "swap_out_bad_rate"]].isna().all(axis=None)


def test_a_weight_counts_an_application_as_often_as_it_says(book: pd.DataFrame) -> None:
    part = book.head(200)
    weight = np.random.default_rng(1).integers(1, 4, 200)
    doubled = part.loc[part.index.repeat(weight)]
    given_ = cutoff_table(
        part["p"], amount=part["amount"], economics=DEAL, old_decision=part["old"], label=part["label"], weight=weight
    ).set_index("cutoff")
    repeated = cutoff_table(
        doubled["p"], amount=doubled["amount"], economics=DEAL, old_decision=doubled["old"], label=doubled["label"]
    ).set_index("cutoff")
    shared = given_.index.intersection(repeated.index)
    assert len(shared) > 2
    pd.testing.assert_frame_equal(given_.loc[shared], repeated.loc[shared])


def test_equal_probabilities_are_never_parted() -> None:
    table = cutoff_table([0.1] * 9 + [0.9], economics=DEAL, steps=10)
    assert table["approval_rate"].tolist() == pytest.approx([0.9, 0.9, 1.0])


def test_the_swap_set_holds_every_application_once(book: pd.DataFrame) -> None:
    new = book["p"] < 0.1
    found = swap_set(book["old"], new, book["p"], book["label"]).set_index("set")
    assert found.index.tolist() == ["approved by both", "swap in", "swap out", "refused by both"]
    assert found["rows"].sum() == len(book)
    assert found["share"].sum() == pytest.approx(1)
    assert found.loc["swap in", "bad_rate_expected"] < found.loc["swap out", "bad_rate_expected"]
    kept = book[book["old"] & new]
    assert found.loc["approved by both", "bad_rate_observed"] == pytest.approx(kept["label"].mean())
    assert found["rows_observed"].tolist() == [len(kept), 0, (book["old"] & ~new).sum(), 0]
    assert found.loc[["swap in", "refused by both"], "bad_rate_observed"].isna().all()


def test_equal_decisions_swap_nobody() -> None:
    found = swap_set([True, False], [True, False], [0.1, 0.2])
    assert found["rows"].tolist() == [1, 0, 0, 1]
    assert found["bad_rate_expected"].isna().tolist() == [False, True, True, False]


def test_what_cannot_be_decided_is_refused_with_a_reason() -> None:
    with pytest.raises(ParamsError, match="shares above 0 and not above 1; got 10 and 60"):
        Economics(margin=10, loss_given_default=60)
    with pytest.raises(ParamsError, match="cost_per_application must be 0 or more"):
        Economics(0.1, 0.5, -1)
    with pytest.raises(ParamsError, match="between 0 and 1; got 5"):
        approve([0.1], 5)
    with pytest.raises(ParamsError, match="steps must be at least 1"):
        cutoff_table([0.1], economics=DEAL, steps=0)
    with pytest.raises(DataError, match="without gaps"):
        approve([0.1, np.nan], 0.2)
    with pytest.raises(DataError, match="amount must be a number of 0 or more for each of 2"):
        cutoff_table([0.1, 0.2], economics=DEAL, amount=[100, -1])
    with pytest.raises(DataError, match="weight must be a number"):
        cutoff_table([0.1, 0.2], economics=DEAL, weight=[0, 0])
    with pytest.raises(DataError, match=r"label must be 0 .good., 1 .bad. or missing"):
        cutoff_table([0.1, 0.2], economics=DEAL, label=[0, 2])
    with pytest.raises(DataError, match="old_decision must be true"):
        cutoff_table([0.1, 0.2], economics=DEAL, old_decision=[True, None])
    with pytest.raises(DataError, match="new_decision must be true"):
        swap_set([True, False], ["yes", "no"], [0.1, 0.2])
