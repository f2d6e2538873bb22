"""What credit scoring looks at: the applications of the last months, and the loans that run."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.features.credit_scorable import applications_to_score, running_loans, with_collateral

AS_OF = date(2026, 1, 1)


def _loan(number: str, applied: str, granted: str | None = None, **more) -> dict:
    row = {"loan_id": number, "customer_id": f"c{number}", "applied_at": f"{applied}T10:00:00", "amount": 1000,
           "term_months": 24, "decision": "granted" if granted else "declined"}  # fmt: skip
    return {**row, **({"granted_at": f"{granted}T10:00:00"} if granted else {}), **more}


@pytest.fixture
def source(workspace: Path, bank: Callable) -> Callable[..., None]:
    """Write loans and month ends as ingest does, and features of every application."""

    def write(loans: list[dict], months: list[dict] | None = None, collateral: dict[str, float] | None = None) -> None:
        tables = bank(loans=loans, **({} if months is None else {"loan_months": months}))
        folder = catalog.target("canonical")
        folder.mkdir(parents=True)
        for name in ("loans", "loan_months"):
            if name in tables:
                tables[name].to_parquet(folder / f"{name}.parquet")
        features = pd.DataFrame({
            "loan_id": [r["loan_id"] for r in loans], "customer_id": [r["customer_id"] for r in loans],
            "as_of": pd.to_datetime([r["applied_at"][:10] for r in loans]), "income": 100.0,
        })  # fmt: skip
        if collateral is not None:
            features["collateral_share"] = features["loan_id"].map(collateral)
        catalog.save("application_features", features)

    return write


def test_the_applications_of_the_days_before_are_scored(source: Callable) -> None:
    source([
        _loan("old", "2025-06-30"), _loan("first", "2025-07-05"), _loan("last", "2025-12-31", "2025-12-31"),
        _loan("today", "2026-01-01"),
    ])  # fmt: skip
    rows = applications_to_score(AS_OF, days=180).set_index("loan_id")
    assert sorted(rows.index) == ["first", "last"]
    assert rows["decision"].to_dict() == {"first": "declined", "last": "granted"}
    assert rows["amount"].tolist() == [1000.0, 1000.0]
    assert f"{rows.loc['last', 'applied_on']:%Y-%m-%d}" == "2025-12-31"
    assert "as_of" not in rows


def test_a_decision_that_was_taken_later_is_not_known(source: Callable) -> None:
    source([_loan("waiting", "2025-12-30", "2026-01-03"), _loan("done", "2025-12-30", "2025-12-31")])
    rows = applications_to_score(AS_OF).set_index("loan_id")
    assert pd.isna(rows.loc["waiting", "decision"])
    assert rows.loc["done", "decision"] == "granted"


def test_days_without_an_application_are_refused(source: Callable) -> None:
    source([_loan("1", "2024-01-05")])
    with pytest.raises(DataError, match="nobody applied for a loan in the 30 days before 2026-01-01"):
        applications_to_score(AS_OF, days=30)


def test_without_applications_or_month_ends_credit_does_not_apply(workspace: Path, source: Callable) -> None:
    with pytest.raises(NotApplicable, match="there are no applications for loans in this source"):
        applications_to_score(AS_OF)
    source([_loan("1", "2025-01-05", "2025-01-10")])
    with pytest.raises(NotApplicable, match="there is no table loan_months"):
        running_loans(AS_OF)


def _month(number: str, day: str, balance: float, late: int = 0, **more) -> dict:
    return {"loan_id": number, "month_end": day, "balance": balance, "days_past_due": late, **more}


def test_loans_that_run_at_the_date_are_those_granted_before_and_not_closed(source: Callable) -> None:
    source([
        _loan("runs", "2025-01-05", "2025-01-10"), _loan("declined", "2025-01-05"),
        _loan("later", "2025-12-30", "2026-01-02"),
        _loan("repaid", "2025-01-05", "2025-01-10", closed_at="2025-12-31T09:00:00"),
        _loan("closes_later", "2025-01-05", "2025-01-10", closed_at="2026-03-01T09:00:00"),
    ], [_month("runs", "2025-12-31", 600)])  # fmt: skip
    assert sorted(running_loans(AS_OF)["loan_id"]) == ["closes_later", "runs"]


def test_balance_and_arrears_are_those_of_the_last_months_end_that_was_known(source: Callable) -> None:
    source([_loan("1", "2025-01-05", "2025-01-01"), _loan("new", "2025-12-20", "2025-12-28")], [
        _month("1", "2025-10-31", 800), _month("1", "2025-11-30", 700, 31),
        _month("1", "2025-12-31", 600, 62, known_at="2026-01-04T00:00:00"), _month("1", "2026-01-31", 500),
    ])  # fmt: skip
    rows = running_loans(AS_OF).set_index("loan_id")
    assert rows.loc["1", ["balance", "days_past_due"]].tolist() == [700.0, 31.0]
    assert rows.loc["new", ["balance", "days_past_due"]].tolist() == [1000.0, 0.0], "it owes what it was granted"
    age = (365 - 10 / 24) * 12 / 365.25  # granted at ten o'clock
    assert rows.loc["1", "age_months"] == pytest.approx(age)
    assert rows.loc["1", "remaining_months"] == pytest.approx(24 - age)


def test_a_loan_past_its_term_has_no_months_left(source: Callable) -> None:
    source([_loan("1", "2023-01-05", "2023-01-10")], [_month("1", "2025-12-31", 50, 20)])
    assert running_loans(AS_OF)["remaining_months"].tolist() == [0.0]


def test_loans_in_default_are_those_ninety_days_late_or_dated_and_not_back(source: Callable) -> None:
    def granted(number: str, **more: str) -> dict:
        return _loan(number, "2025-01-05", "2025-01-10", **more)

    source([
        granted("late"), granted("not_yet"), granted("dated", defaulted_at="2025-09-01T00:00:00"),
        granted("back", defaulted_at="2025-09-01T00:00:00"), granted("to_come", defaulted_at="2026-02-01T00:00:00"),
    ], [
        _month("late", "2025-12-31", 1, 90), _month("not_yet", "2025-12-31", 1, 89),
        _month("dated", "2025-12-31", 1, 5), _month("back", "2025-12-31", 1, 0),
        _month("to_come", "2025-12-31", 1, 61),
    ])  # fmt: skip
    found = running_loans(AS_OF).set_index("loan_id")["in_default"]
    assert found.to_dict() == {"late": True, "not_yet": False, "dated": True, "back": False, "to_come": False}


def test_collateral_is_told_from_its_share(source: Callable) -> None:
    source([_loan("house", "2025-12-01"), _loan("none", "2025-12-01"), _loan("unknown", "2025-12-01")],
           collateral={"house": 0.8, "none": 0.0})  # fmt: skip
    rows = applications_to_score(AS_OF).set_index("loan_id")
    assert rows["has_collateral"].to_dict() == {"house": True, "none": False, "unknown": False}
    assert with_collateral(pd.DataFrame({"income": [1.0]}))["has_collateral"].tolist() == [False]
