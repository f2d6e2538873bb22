"""Defaulted loans: exposure, cure, collateral; arrears; what came back."""

from datetime import date

import pandas as pd

from afraz.features.workouts import arrears_outcomes, defaulted_loans, recoveries_of

END = date(2026, 1, 1)


def _loan(number: str, defaulted: str | None = None, **more) -> dict:
    row = {"loan_id": number, "customer_id": "a", "applied_at": "2024-01-05T10:00:00", "amount": 1000,
           "granted_at": "2024-01-10T10:00:00", "decision": "granted"}  # fmt: skip
    return {**row, **({"defaulted_at": f"{defaulted}T10:00:00"} if defaulted else {}), **more}


def _month(number: str, day: str, balance: float, late: int = 0) -> dict:
    return {"loan_id": number, "month_end": day, "balance": balance, "days_past_due": late}


def _defaults(bank, make_on, loans, months, **more) -> pd.DataFrame:
    tables = bank(make_on("a", "2024-01-01"), loans=loans, loan_months=months)
    return defaulted_loans(tables, observed_until=END, **more).to_pandas().set_index("loan_id")


def test_only_loans_in_default_before_the_end_are_listed(bank, make_on):
    loans = [_loan("bad", "2024-08-10"), _loan("good"), _loan("later", "2026-01-01"), _loan("just", "2025-12-31")]
    found = _defaults(bank, make_on, loans, [_month("bad", "2024-08-31", 700, 110)])
    assert sorted(found.index) == ["bad", "just"]
    assert found["customer_id"].tolist() == ["a", "a"]
    assert pd.isna(found.loc["just", "exposure"]), "no month's end of it was seen"


def test_the_exposure_is_the_balance_at_the_months_end_after_the_default_or_else_the_last_before(bank, make_on):
    months = [
        _month("seen", "2024-07-31", 800, 60), _month("seen", "2024-08-31", 700, 110),
        _month("seen", "2024-09-30", 600, 140), _month("gone", "2024-06-30", 900, 30),
        _month("gone", "2024-07-31", 850, 60),
    ]  # fmt: skip
    found = _defaults(bank, make_on, [_loan("seen", "2024-08-10"), _loan("gone", "2024-08-10")], months)
    assert found["exposure"].to_dict() == {"seen": 700.0, "gone": 850.0}


def test_month_ends_from_the_end_of_the_data_on_are_not_looked_at(bank, make_on):
    months = [_month("1", "2025-11-30", 400, 85), _month("1", "2026-01-31", 300, 0)]
    found = _defaults(bank, make_on, [_loan("1", "2025-12-05")], months)
    assert found.loc["1", "exposure"] == 400.0


def test_a_months_end_that_became_known_after_the_end_tells_nothing(bank, make_on):
    late = _month("1", "2025-12-31", 300, 0) | {"known_at": "2026-01-01T00:00:01"}
    months = [_month("1", "2025-08-31", 400, 95), _month("1", "2025-11-30", 350, 120), late]
    found = _defaults(bank, make_on, [_loan("1", "2025-08-20")], months)
    assert pd.isna(found.loc["1", "cured_at"])
    in_time = [*months[:2], late | {"known_at": "2026-01-01T00:00:00"}]
    found = _defaults(bank, make_on, [_loan("1", "2025-08-20")], in_time)
    assert f"{found.loc['1', 'cured_at']:%Y-%m-%d}" == "2025-12-31"


def test_a_default_is_cured_by_a_clean_months_end_ninety_days_after_it_and_not_before(bank, make_on):
    months = [
        *(_month("cured", f"2024-{m:02d}-28", 500, late) for m, late in ((8, 110), (9, 0), (11, 30), (12, 0))),
        *(_month("early", f"2024-{m:02d}-28", 500, late) for m, late in ((8, 110), (9, 0), (10, 0), (12, 40))),
        _month("cured", "2025-01-28", 500, 0),
    ]
    found = _defaults(bank, make_on, [_loan("cured", "2024-08-10"), _loan("early", "2024-08-10")], months)
    assert f"{found.loc['cured', 'cured_at']:%Y-%m-%d}" == "2024-12-28"
    assert pd.isna(found.loc["early", "cured_at"])


def test_collateral_and_closing_are_told_and_a_collateral_worth_nothing_is_none(bank, make_on):
    loans = [
        _loan("house", "2024-08-10", collateral_value=5000, closed_at="2025-03-01"),
        _loan("nothing", "2024-08-10", collateral_value=0),
        _loan("plain", "2024-08-10"),
    ]
    found = _defaults(bank, make_on, loans, [_month("house", "2024-08-31", 700, 110)])
    assert found["has_collateral"].to_dict() == {"house": True, "nothing": False, "plain": False}
    assert found["closed_at"].notna().to_dict() == {"house": True, "nothing": False, "plain": False}


def test_another_limit_dates_the_default_by_month_ends(bank, make_on):
    months = [_month("1", "2024-05-31", 900, 35), _month("1", "2024-06-30", 880, 65)]
    found = _defaults(bank, make_on, [_loan("1")], months, days_past_due=60)
    assert f"{found.loc['1', 'defaulted_at']:%Y-%m-%d}" == "2024-06-30"
    assert found.loc["1", "exposure"] == 880.0


def test_without_month_ends_there_are_no_workouts_to_learn_from(bank, make_on):
    loan = {"loan_id": "1", "customer_id": "a", "applied_at": "2024-01-05", "granted_at": "2024-01-08", "amount": 1000,
            "defaulted_at": "2024-06-01"}  # fmt: skip
    tables = bank(make_on("a", "2024-01-01"), loans=[loan])
    assert len(defaulted_loans(tables, observed_until=date(2026, 1, 1)).to_pandas()) == 0
    assert len(arrears_outcomes(tables, observed_until=date(2026, 1, 1)).to_pandas()) == 0


def test_arrears_are_followed_for_a_whole_window_until_the_default(bank, make_on):
    months = [
        *(_month("bad", f"2024-{m:02d}-28", 900, late) for m, late in ((5, 0), (6, 29), (7, 59), (8, 89), (9, 120))),
        *(_month("good", f"2024-{m:02d}-28", 900, late) for m, late in ((5, 0), (7, 30), (8, 60), (9, 0))),
        _month("good", "2025-01-28", 800, 45),  # its window has not ended
    ]
    tables = bank(
        make_on("a", "2024-01-01"), loans=[_loan("bad", "2024-09-15"), _loan("good")], loan_months=months
    )  # fmt: skip
    found = arrears_outcomes(tables, observed_until=END).to_pandas().set_index("bucket")
    assert found["loans"].to_dict() == {"0": 3, "1-29": 1, "30-59": 2, "60-89": 2}
    assert found["defaults"].to_dict() == {"0": 1, "1-29": 1, "30-59": 1, "60-89": 1}


def test_a_default_after_the_window_is_none_of_it(bank, make_on):
    months = [_month("1", "2024-05-28", 900, 10), _month("1", "2024-06-28", 900, 40)]
    tables = bank(make_on("a", "2024-01-01"), loans=[_loan("1", "2024-09-01")], loan_months=months)
    short = arrears_outcomes(tables, window_months=3, observed_until=END).to_pandas().set_index("bucket")
    assert short["defaults"].to_dict() == {"1-29": 0, "30-59": 1}


def test_recoveries_of_one_moment_are_one_and_those_not_known_yet_none(bank, make_on):
    rows = [
        {"loan_id": "1", "received_at": "2025-02-01T10:00:00", "amount": 100.10},
        {"loan_id": "1", "received_at": "2025-02-01T10:00:00", "amount": 50.05, "known_at": "2025-02-03T00:00:00"},
        {"loan_id": "1", "received_at": "2025-03-01T10:00:00", "amount": 10},
        {"loan_id": "1", "received_at": "2025-12-31T10:00:00", "amount": 7, "known_at": "2026-01-02T00:00:00"},
        {"loan_id": "1", "received_at": "2026-01-01T00:00:00", "amount": 9},
    ]
    tables = bank(make_on("a", "2024-01-01"), loans=[_loan("1", "2024-08-10")], recoveries=rows)
    found = recoveries_of(tables, observed_until=END).to_pandas().sort_values("received_at")
    assert found["amount"].tolist() == [150.15, 10.0]


def test_without_recoveries_there_is_an_empty_table_of_the_same_columns(bank, make_on):
    tables = bank(make_on("a", "2024-01-01"), loans=[_loan("1", "2024-08-10")])
    none = recoveries_of(tables, observed_until=END).to_pandas()
    tables = bank(
        make_on("a", "2024-01-01"), loans=[_loan("1")],
        recoveries=[{"loan_id": "1", "received_at": "2025-02-01", "amount": 1}],
    )  # fmt: skip
    some = recoveries_of(tables, observed_until=END).to_pandas()
    assert none.empty
    pd.testing.assert_frame_equal(none, some.iloc[:0], check_index_type=False)


def test_arrears_are_counted_from_month_ends_known_by_the_end(bank, make_on):
    months = [_month("1", "2024-06-30", 900, 10), _month("1", "2024-07-31", 900, 40) | {"known_at": "2026-02-01"}]
    tables = bank(make_on("a", "2024-01-01"), loans=[_loan("1", "2024-09-10")], loan_months=months)
    found = arrears_outcomes(tables, observed_until=END).to_pandas()
    assert found.set_index("bucket")["loans"].to_dict() == {"1-29": 1}
