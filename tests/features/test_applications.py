"""Applications: what they state, what was known of the applicant, and that nothing later is."""

from datetime import date

import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.features.applications import FEATURES, build_applications, known_at_application
from afraz.features.audit import leak_audit


def _salaries(customer: str = "a") -> list[dict]:
    days = pd.date_range("2023-07-25", "2024-06-25", freq="MS") + pd.Timedelta(days=24)
    return [
        {"customer_id": customer, "booked_at": f"{d:%Y-%m-%d}T03:00:00", "amount": 2000, "kind": "salary"} for d in days
    ]


def _loan(number: str, day: str, **more) -> dict:
    stated = {"amount": 6000, "term_months": 24, "monthly_payment": 300, "purpose": "car", "decision": "granted"}
    return {"loan_id": number, "customer_id": "a", "applied_at": f"{day}T10:00:00", **stated, **more}


def test_an_application_is_held_against_the_income(bank):
    tables = bank(_salaries(), loans=[_loan("1", "2024-07-01", collateral_value=3000), _loan("2", "2024-07-01")])
    rows = build_applications(tables, ["repayment"]).to_pandas().set_index("loan_id")
    assert len(rows) == 2  # two of one day are two applications
    assert rows.loc["1", "amount_of_income"] == pytest.approx(3.0)
    assert rows.loc["1", "instalment_of_income"] == pytest.approx(0.15)
    assert rows.loc["1", "collateral_share"] == 0.5
    assert rows.loc["2", "collateral_share"] == 0.0
    assert rows.loc["1", "purpose"] == "car"


def test_running_loans_add_to_the_debt_service(bank):
    earlier = _loan("0", "2024-01-10", granted_at="2024-01-12T10:00:00", monthly_payment=100)
    rows = build_applications(bank(_salaries(), loans=[earlier, _loan("1", "2024-07-01")]), ["repayment"])
    assert rows.to_pandas().set_index("loan_id").loc["1", "debt_service"] == pytest.approx(400 / 2000)


def test_what_a_source_lacks_is_left_out(bank):
    tables = bank(_salaries(), loans=[_loan("1", "2024-07-01")])
    tables["loans"] = tables["loans"].select("loan_id", "customer_id", "applied_at", "amount")
    columns = build_applications(tables, ["repayment"]).columns
    assert "loan_amount" in columns
    assert not {"purpose", "term_months", "debt_service"} & set(columns)


def test_every_feature_of_the_application_is_known_when_it_is_made():
    assert all(known_at_application(f) for f in FEATURES)


def test_without_loans_or_repayment_it_is_said_what_is_missing(bank, make_on):
    with pytest.raises(DataError, match="table loans"):
        build_applications(bank(make_on("a", "2024-01-01")), ["repayment"])
    with pytest.raises(DataError, match="must include repayment"):
        build_applications(bank(_salaries(), loans=[_loan("1", "2024-07-01")]), ["value"])


@pytest.fixture
def lenders(bank):
    """Twenty applicants, one of whom defaulted after the audited day."""
    people = [f"c{i:02d}" for i in range(20)]
    rows = [r for p in people for r in _salaries(p)]
    loans = [
        {**_loan(str(i), "2024-03-20"), "customer_id": p, "granted_at": "2024-03-22T10:00:00",
         "defaulted_at": "2024-06-20T10:00:00" if i % 2 else None}
        for i, p in enumerate(people)
    ]  # fmt: skip
    return bank(rows, loans=loans)


def test_the_audit_passes_what_was_known_and_names_what_was_not(lenders):
    def honest(tables, _):
        return build_applications(tables, ["repayment"])

    def leaking(tables, _):
        later = tables["loans"].select("loan_id", seen_later=tables["loans"].defaulted_at.notnull().cast("float64"))
        return honest(tables, _).left_join(later, "loan_id").drop("loan_id_right")

    days, more = [date(2024, 4, 1)], {"sample": 20, "window_days": 31}
    assert leak_audit(lenders, days, honest, **more).passed
    found = leak_audit(lenders, days, leaking, **more)
    assert {f["feature"] for f in found.findings} == {"seen_later"}


def test_an_audit_that_would_see_no_application_says_so(lenders):
    with pytest.raises(DataError, match="found no row"):
        leak_audit(lenders, [date(2023, 9, 1)], lambda t, _: build_applications(t, ["repayment"]), window_days=31)
