"""Default labels: definition, windows that have not ended, and dates that cannot be."""

from datetime import date

import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.features.default_labels import default_labels, label_counts


def _loan(number: str, granted: str | None, **more) -> dict:
    row = {"loan_id": number, "customer_id": "a", "applied_at": "2024-01-05T10:00:00", "amount": 1000,
           "decision": "granted" if granted else "declined"}  # fmt: skip
    return {**row, **({"granted_at": f"{granted}T10:00:00"} if granted else {}), **more}


def _labels(bank, make_on, loans, **more) -> pd.DataFrame:
    tables = bank(make_on("a", "2024-01-01"), loans=loans, **more.pop("tables", {}))
    return default_labels(tables, observed_until=date(2026, 1, 1), **more).to_pandas().set_index("loan_id")


def test_a_default_counts_within_the_window_only(bank, make_on):
    found = _labels(bank, make_on, [
        _loan("last_day", "2024-01-10", defaulted_at="2025-01-09T23:00:00"),
        _loan("a_day_late", "2024-01-10", defaulted_at="2025-01-10T01:00:00"),
        _loan("never", "2024-01-10"),
        _loan("repaid", "2024-01-10", closed_at="2024-06-01"),
        _loan("declined", None),
        _loan("running", "2025-01-10", defaulted_at="2025-06-01"),
    ])  # fmt: skip
    defaults = found["defaults"].astype("Int64")
    assert defaults.drop(["declined", "running"]).to_dict() == {"last_day": 1, "a_day_late": 0, "never": 0, "repaid": 0}
    assert defaults[["declined", "running"]].isna().all()
    assert found["unfinished"].to_dict() == {name: name == "running" for name in found.index}


def test_the_window_is_a_parameter(bank, make_on):
    loans = [_loan("1", "2024-01-10", defaulted_at="2024-09-01")]
    assert _labels(bank, make_on, loans, window_months=6)["defaults"].tolist() == [0]
    assert _labels(bank, make_on, loans, window_months=9)["defaults"].tolist() == [1]


def test_another_limit_is_looked_up_in_the_month_ends(bank, make_on):
    months = [
        {"loan_id": "1", "month_end": f"2024-0{m}-28", "balance": 1, "days_past_due": d}
        for m, d in ((2, 0), (3, 32), (4, 62), (5, 0))
    ]
    loans = [_loan("1", "2024-01-10")]
    found = _labels(bank, make_on, loans, days_past_due=60, tables={"loan_months": months})
    assert found["defaults"].tolist() == [1]
    assert f"{found['default_at'].iloc[0]:%Y-%m-%d}" == "2024-04-28"
    assert _labels(bank, make_on, loans, days_past_due=90, tables={"loan_months": months})["defaults"].tolist() == [0]
    with pytest.raises(DataError, match="needs the table loan_months"):
        _labels(bank, make_on, loans, days_past_due=60)


def test_the_old_policys_own_verdict_is_told_from_overrides_and_random_grants(bank, make_on):
    found = _labels(bank, make_on, [
        _loan("passed", "2024-01-10"),
        _loan("override", "2024-01-10", override_reason="relationship"),
        _loan("random", "2024-01-10", granted_at_random=True),
        _loan("declined", None),
    ])  # fmt: skip
    assert found["passed"].to_dict() == {"passed": True, "override": False, "random": False, "declined": False}
    assert found["at_random"].to_dict() == {"passed": False, "override": False, "random": True, "declined": False}


def test_outcomes_before_granting_are_refused(bank, make_on):
    with pytest.raises(DataError, match="1 loans are in default before they were granted"):
        _labels(bank, make_on, [_loan("1", "2024-02-10", defaulted_at="2024-02-01")])


def test_a_window_of_nothing_is_refused(bank, make_on):
    with pytest.raises(ParamsError, match="whole numbers from 1 on, got 90 and 0"):
        _labels(bank, make_on, [_loan("1", "2024-02-10")], window_months=0)


def test_counts_say_what_is_left_out(bank, make_on):
    tables = bank(make_on("a", "2024-01-01"), loans=[_loan("1", "2024-02-10", defaulted_at="2024-08-01"),
                                                     _loan("2", "2025-06-10"), _loan("3", None)])  # fmt: skip
    found = label_counts(default_labels(tables, observed_until=date(2026, 1, 1))).to_pandas().iloc[0]
    assert found.drop("quarter").to_dict() == {
        "applications": 3, "granted": 2, "unfinished": 1, "labelled": 1, "defaults": 1,
    }  # fmt: skip
