"""Repayment features by hand: one applicant, known bookings, known loans."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from afraz.features.table import build_features

DAY = "2024-07-01"


def _features(tables, day: str = DAY, customer: str = "a") -> pd.Series:
    pairs = ibis.memtable({"customer_id": [customer], "as_of": [date.fromisoformat(day)]})
    return build_features(tables, pairs, families=["repayment"]).to_pandas().iloc[0]


def _salary(day: str, amount: float, customer: str = "a") -> dict:
    return {"customer_id": customer, "booked_at": f"{day}T03:00:00", "amount": amount, "kind": "salary"}


def _interest(day: str, amount: float) -> dict:
    return {"customer_id": "a", "booked_at": f"{day}T03:00:00", "amount": amount, "kind": "interest"}


def test_overdraft_interest_counts_and_interest_earned_does_not(bank):
    tables = bank([_interest("2024-06-28", -5), _interest("2024-05-28", 0.4), _interest("2024-02-28", -2)])
    row = _features(tables)
    assert row["overdrawn_months_90d"] == 1
    assert row["overdrawn_months_365d"] == 2
    assert row["days_since_overdraft_180d"] == 3
    assert np.isnan(_features(bank([_interest("2024-05-28", 0.4)]))["days_since_overdraft_180d"])


def test_income_is_measured_per_month_of_known_history(bank):
    tables = bank([_salary("2024-04-25", 2000), _salary("2024-05-25", 2400), _salary("2024-06-25", 1600)])
    row = _features(tables)
    months = 67 / (365 / 12)
    assert row["monthly_salary"] == pytest.approx(2000)
    assert row["monthly_inflow"] == pytest.approx(6000 / months)
    assert row["salary_months_share"] == 1.0  # three salaries in a little over two months
    assert row["salary_variation_365d"] == pytest.approx(400 / 2000)


def test_months_of_net_outflow_are_counted(bank, make_on):
    rows = [
        _salary("2024-06-20", 1000),
        *make_on("a", "2024-05-20", amount=-300),
        *make_on("a", "2024-04-20", amount=-5),
    ]
    row = _features(bank(rows))
    assert row["negative_months_365d"] == pytest.approx(2 / 3)
    assert row["worst_month_of_inflow"] == pytest.approx(300 / (1000 / (72 / (365 / 12))))


LOANS = [
    {"loan_id": "1", "customer_id": "a", "applied_at": "2023-01-10T10:00:00", "granted_at": "2023-01-12T10:00:00",
     "amount": 1000, "monthly_payment": 90, "decision": "granted", "defaulted_at": "2024-06-20T01:00:00"},
    {"loan_id": "2", "customer_id": "a", "applied_at": "2024-03-10T10:00:00", "amount": 500, "decision": "declined"},
    {"loan_id": "3", "customer_id": "a", "applied_at": "2024-07-01T10:00:00", "granted_at": "2024-07-03T10:00:00",
     "amount": 700, "monthly_payment": 60, "decision": "granted"},
    {"loan_id": "4", "customer_id": "b", "applied_at": "2023-01-10T10:00:00", "granted_at": "2023-01-12T10:00:00",
     "amount": 9000, "monthly_payment": 900, "decision": "granted"},
]  # fmt: skip


def test_past_loans_are_the_applicants_own_and_known_by_the_day(bank, make_on):
    tables = bank(make_on("a", "2023-06-01") + make_on("b", "2023-06-01"), loans=LOANS)
    row = _features(tables)
    assert (row["loans_granted_365d"], row["open_loans"], row["applications_365d"], row["declined_365d"]) == (
        0,
        1,
        1,
        1,
    )
    assert _features(tables, "2024-01-12")["loans_granted_365d"] == 1
    assert row["defaults_365d"] == 1
    assert row["instalments"] == 90
    assert _features(tables, "2024-06-20")["defaults_365d"] == 0  # at one o'clock that night; not known at its midnight
    later = _features(tables, "2024-07-04")
    assert (later["loans_granted_365d"], later["instalments"]) == (1, 150)


def test_arrears_are_those_of_month_ends_that_were_known(bank, make_on):
    months = [
        {"loan_id": "1", "month_end": "2024-04-30", "balance": 500, "days_past_due": 0, "known_at": "2024-04-30"},
        {"loan_id": "1", "month_end": "2024-05-31", "balance": 450, "days_past_due": 32, "known_at": "2024-05-31"},
        {"loan_id": "1", "month_end": "2024-06-30", "balance": 450, "days_past_due": 62, "known_at": "2024-07-02"},
        {"loan_id": "4", "month_end": "2024-05-31", "balance": 8000, "days_past_due": 90, "known_at": "2024-05-31"},
    ]
    tables = bank(make_on("a", "2023-06-01") + make_on("b", "2023-06-01"), loans=LOANS, loan_months=months)
    row = _features(tables)
    assert row["longest_arrears_365d"] == 32
    assert row["late_months_share_365d"] == pytest.approx(1 / 2)
    assert row["owed"] == 450
    assert _features(tables, "2024-07-02")["longest_arrears_365d"] == 62


def test_the_card_is_measured_against_its_limit(bank):
    accounts = [
        {"account_id": "card", "customer_id": "a", "product": "credit_card", "opened_at": "2023-01-01",
         "credit_limit": 1000},
        {"account_id": "main", "customer_id": "a", "product": "current", "opened_at": "2023-01-01"},
    ]  # fmt: skip
    spent = [
        {"customer_id": "a", "account_id": account, "booked_at": f"{day}T12:00:00", "amount": -amount}
        for account, day, amount in (
            ("card", "2024-06-20", 250),
            ("card", "2024-05-10", 50),
            ("main", "2024-06-21", 900),
        )
    ]
    row = _features(bank(spent, accounts=accounts))
    assert row["card_utilisation_30d"] == pytest.approx(0.25)
    assert row["card_utilisation_90d"] == pytest.approx(0.1)
    assert "card_utilisation_30d" not in _features(bank(spent)).index
