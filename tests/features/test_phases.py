"""Phases: each by its rule, in the written order, and safe against season."""

from datetime import date, timedelta

import pytest

from afraz.features.phases import PHASES, phases

AS_OF = date(2024, 12, 1)


def _every(step: int, start: date, end: date) -> list[str]:
    count = (end - start).days // step
    return [(start + timedelta(days=step * i)).isoformat() for i in range(count)]


def _phase(tables, definition="silence", as_of=AS_OF) -> dict[str, str]:
    rows = phases(tables, [as_of], definition=definition).to_pandas()
    assert set(rows["phase"]) <= set(PHASES)
    return dict(zip(rows["customer_id"], rows["phase"], strict=True))


@pytest.mark.parametrize(
    ("recent_step", "expected"),
    [(1, "growing"), (3, "steady"), (4, "steady"), (6, "declining"), (12, "leaving")],
)  # fmt: skip
def test_the_phase_follows_the_same_months_of_the_year_before(bank, make_on, recent_step, expected):
    quarter = AS_OF - timedelta(days=90)
    days = _every(3, date(2022, 1, 1), quarter) + _every(recent_step, quarter, AS_OF)
    assert _phase(bank(make_on("a", *days))) == {"a": expected}


def test_a_season_that_comes_every_year_is_not_growth(bank, make_on):
    days = []
    for year in (2022, 2023, 2024):
        days += _every(6, date(year, 1, 1), date(year, 9, 1)) + _every(1, date(year, 9, 1), date(year, 12, 1))
    assert _phase(bank(make_on("a", *days))) == {"a": "steady"}


def test_a_difference_that_chance_explains_is_steady(bank, make_on):
    days = ["2022-01-01", "2023-10-01", "2023-10-05", "2024-10-01", "2024-10-02", "2024-10-03"]
    assert _phase(bank(make_on("a", *days))) == {"a": "steady"}


def test_gone_comes_before_new_and_new_before_growing(bank, make_on):
    customers = [{"customer_id": n, "joined_at": "2024-07-01"} for n in ("new", "gone")]
    rows = make_on("new", "2024-07-02", *_every(1, date(2024, 10, 1), AS_OF)) + make_on("gone", "2024-07-02")
    assert _phase(bank(rows, customers=customers)) == {"new": "new", "gone": "gone"}


def test_gone_means_closed_accounts_under_the_closure_definition(bank, make_on):
    rows = make_on("closed", "2024-11-20") + make_on("silent", "2024-01-02")
    accounts = [
        {"account_id": n, "customer_id": n, "opened_at": "2020-01-01", "closed_at": c}
        for n, c in (("closed", "2024-11-25"), ("silent", None))
    ]
    got = _phase(bank(rows, accounts=accounts), "closure")
    assert got["closed"] == "gone"
    assert got["silent"] != "gone"


def test_a_closure_still_ahead_does_not_count(bank, make_on):
    accounts = [{"account_id": "1", "customer_id": "a", "opened_at": "2020-01-01", "closed_at": "2024-12-01"}]
    assert _phase(bank(make_on("a", "2024-11-20"), accounts=accounts), "closure")["a"] != "gone"
