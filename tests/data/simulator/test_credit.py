"""Tests of loans."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from afraz.data.simulator.accounts import customer_names
from afraz.data.simulator.columns import NEVER
from afraz.data.simulator.credit import (
    CORRELATION,
    Loans,
    annuity,
    credit_truth,
    draw_loans,
    loan_account_table,
    loan_table,
    stressed,
)
from afraz.data.simulator.economy import stream
from afraz.data.simulator.liquidity import draw_strain


@pytest.fixture
def loans(lives) -> Loans:
    strain = draw_strain(stream(5, 0, "strain"), lives.people)
    return draw_loans(stream(5, 0, "credit"), lives.people, strain, lives.panel, lives.economy, lives.when)


def test_the_common_factor_keeps_the_mean_and_gives_the_joint_default_of_vasicek():
    factor, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    p = stressed(np.full(60, 0.06), factor)
    assert weight @ p == pytest.approx(0.06, rel=1e-6)
    threshold = norm.ppf(0.06)
    joint = multivariate_normal([0, 0], [[1, CORRELATION], [CORRELATION, 1]]).cdf([threshold, threshold])
    assert weight @ p**2 == pytest.approx(joint, rel=1e-3)


def test_an_annuity_repays_the_loan():
    payment = annuity(np.array([1000.0]), np.array([12]))[0]
    owed = 1000.0
    for _ in range(12):
        owed = owed * (1 + 0.14 / 12) - payment
    assert owed == pytest.approx(0, abs=1e-8)


def test_only_granted_loans_are_paid_out_default_or_close(loans: Loans):
    for moment in (loans.granted_at, loans.defaulted_at, loans.closed_at):
        assert (moment[~loans.granted] == NEVER).all()
    assert (loans.granted_at[loans.granted] > loans.applied_at[loans.granted]).all()


def test_a_default_comes_at_least_ninety_days_after_the_loan(loans: Loans):
    hit = loans.defaulted_at != NEVER
    assert hit.any()
    assert (loans.default_month[hit] - loans.month[hit] >= 3).all()


def test_loans_end_when_the_customer_leaves(lives, loans: Loans):
    left = lives.when.closed_at[loans.customer]
    gone = loans.granted & (left != NEVER)
    assert (loans.closed_at[gone] <= left[gone]).all()


def test_tables_have_a_row_per_application_and_an_account_per_granted_loan(lives, loans: Loans):
    names = customer_names(len(lives.people), 0)
    assert loan_table(loans, names, 0).num_rows == len(loans.customer)
    assert loan_account_table(loans, names, 0).num_rows == loans.granted.sum()
    truth = credit_truth(loans, lives.people, 0).to_pandas()
    assert truth["default_probability"].between(0, 1).all()
