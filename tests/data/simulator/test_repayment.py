"""Tests of arrears, payments and recoveries."""

import numpy as np
import pandas as pd
import pytest

from afraz.data.simulator.columns import moments
from afraz.data.simulator.credit import Loans, draw_loans
from afraz.data.simulator.economy import stream
from afraz.data.simulator.liquidity import draw_strain
from afraz.data.simulator.repayment import balance_after, loan_months, payments, recoveries


@pytest.fixture
def loans(lives) -> Loans:
    strain = draw_strain(stream(5, 0, "strain"), lives.people)
    return draw_loans(stream(5, 0, "credit"), lives.people, strain, lives.panel, lives.economy, lives.when)


def test_balances_fall_to_zero():
    paid = balance_after(np.array([1000.0]), np.array([89.787]), np.array([12]))
    assert paid[0] == pytest.approx(0, abs=0.05)


def test_a_loan_has_one_row_a_month(lives, loans: Loans):
    table = loan_months(stream(5, 0, "x"), loans, lives.economy, 0).to_pandas()
    assert not table.duplicated(["loan_id", "month_end"]).any()
    assert (table["balance"] >= 0).all()


def test_cured_loans_return_to_no_arrears_and_others_do_not(lives, loans: Loans):
    table = loan_months(stream(5, 0, "x"), loans, lives.economy, 0).to_pandas()
    number = table["loan_id"].astype(str).str[1:].astype(int).to_numpy()
    month = table["month_end"].dt.to_period("M").astype("int64").to_numpy() - pd.Period("2024-07", "M").ordinal
    since = month - loans.default_month[number]
    defaulted = loans.default_month[number] >= 0
    days = table["days_past_due"].to_numpy()
    assert (days[defaulted & loans.cures[number] & (since >= 4)] < 90).all()
    assert (days[defaulted & ~loans.cures[number] & (since >= 0)] >= 90).all()


def test_nobody_in_arrears_pays(lives, loans: Loans):
    rows = payments(loans, lives.economy, 0, 10**9)
    assert (rows.amount < 0).all()
    none = payments(loans, lives.economy, 10**8, 10**9)
    assert len(none.customer) == 0


def test_recoveries_never_exceed_what_was_owed(lives, loans: Loans):
    table = recoveries(stream(5, 0, "x"), loans, lives.economy, 0).to_pandas()
    got = table.astype({"loan_id": str}).groupby("loan_id")["amount"].sum()
    for name, amount in got.items():
        assert amount <= loans.amount[int(name[1:])] + 1
    number = table["loan_id"].astype(str).str[1:].astype(int).to_numpy()
    assert (table["received_at"].to_numpy() > moments(loans.defaulted_at[number]).to_numpy(zero_copy_only=False)).all()
