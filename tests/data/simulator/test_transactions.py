"""Tests of bookings."""

import numpy as np
import pandas as pd
import pytest

from afraz.data.simulator.accounts import customer_names, draw_accounts
from afraz.data.simulator.economy import stream
from afraz.data.simulator.transactions import (
    Bookings,
    day_weights,
    discretionary,
    lateness,
    monthly_fee,
    regular,
    transaction_table,
)


@pytest.fixture(scope="module")
def booked(lives) -> pd.DataFrame:
    accounts = draw_accounts(stream(5, 0, "accounts"), lives.people, lives.panel, lives.economy, lives.when)
    rng, places = stream(5, 0, "transactions"), slice(0, 1_500)
    rows = Bookings.concat([
        discretionary(rng, lives.people, lives.panel, lives.economy, accounts, places, day_weights(lives.economy)),
        regular(rng, lives.people, lives.panel, lives.economy, accounts, places, np.ones(lives.panel.customer.shape)),
    ])  # fmt: skip
    names = customer_names(len(lives.people), 0)
    return transaction_table(rng, rows, lives.people, lives.economy, accounts, names, 0, 0).to_pandas()


def test_rows_are_ordered_by_customer_and_time(booked: pd.DataFrame):
    ordered = booked.astype({"customer_id": str}).sort_values(["customer_id", "booked_at"], kind="stable")
    assert ordered.index.is_monotonic_increasing


def test_signs_follow_the_kind(booked: pd.DataFrame):
    out = booked["kind"].isin(["purchase", "cash_withdrawal", "transfer_out", "fee"])
    assert (booked.loc[out, "amount"] <= 0).all()
    assert (booked.loc[~out, "amount"] >= 0).all()


def test_only_purchases_and_refunds_have_a_category_and_only_branches_a_branch(booked: pd.DataFrame):
    assert (booked["category"].notna() == booked["kind"].isin(["purchase", "refund"])).all()
    assert (booked["branch_id"].notna() == (booked["channel"] == "branch")).all()


def test_no_salary_outside_the_paydays_and_at_most_one_a_month(booked: pd.DataFrame):
    salary = booked[booked["kind"] == "salary"].astype({"customer_id": str})
    assert salary["booked_at"].dt.day.between(24, 28).all()
    assert salary.groupby(["customer_id", salary["booked_at"].dt.to_period("M")]).size().max() == 1


def test_leaving_customers_transfer_money_out(lives, booked: pd.DataFrame):
    share = (booked["kind"] == "transfer_out").groupby(booked["customer_id"].astype(str)).mean()
    left = lives.when.closed_month < 10**6
    gone = [f"C{i:08d}" for i in np.flatnonzero(left)]
    assert share[share.index.isin(gone)].mean() > 1.5 * share[~share.index.isin(gone)].mean()


def test_nothing_becomes_known_before_it_happens_or_after_the_data(lives, booked: pd.DataFrame):
    assert (booked["known_at"] >= booked["booked_at"]).all()
    assert (booked["known_at"] < pd.Timestamp(lives.economy.starts[-1])).all()


def test_lateness_has_its_shares():
    late = lateness(stream(1, 0, "late"), 100_000)
    assert (late < 86_400).mean() == pytest.approx(0.95, abs=0.005)
    assert (late >= 30 * 86_400).mean() == pytest.approx(0.01, abs=0.002)


def test_fees_grow_with_the_trait():
    assert monthly_fee(np.array([1.0]))[0] > 1.5 * monthly_fee(np.array([0.0]))[0]
