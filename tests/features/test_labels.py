"""Labels: leaving dates under both definitions, risk, censoring, lead-time months, growth, revenue."""

from datetime import date, timedelta

import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.features.labels import churn_labels, departures, label_counts

UNTIL = date(2025, 1, 1)


def _labels(tables, as_of, **more) -> pd.DataFrame:
    more = {"definition": "closure", "observed_until": UNTIL, **more}
    return churn_labels(tables, as_of, **more).to_pandas().set_index(["customer_id", "as_of"]).sort_index()


def _days(first: str, count: int, step: int = 5) -> list[str]:
    start = date.fromisoformat(first)
    return [(start + timedelta(days=step * i)).isoformat() for i in range(count)]


def _account(name, opened="2020-01-01", closed=None, number=""):
    return {"account_id": name + number, "customer_id": name, "opened_at": opened, "closed_at": closed}


def test_closure_within_each_horizon_and_disjoint_months(bank, make_on):
    closed = {"first": "2024-06-01", "edge": "2024-07-01", "second": "2024-07-15", "third": "2024-08-29",
              "later": "2024-08-30", "stays": None}  # fmt: skip
    accounts = [_account(n, closed=c) for n, c in closed.items()]
    tables = bank([r for n in closed for r in make_on(n, "2024-05-20")], accounts=accounts)
    got = _labels(tables, [date(2024, 6, 1)]).droplevel("as_of")
    assert got["leaves_30"].to_dict() == {"first": 1, "edge": 0, "second": 0, "third": 0, "later": 0, "stays": 0}
    assert got["leaves_60"].to_dict() == {"first": 1, "edge": 1, "second": 1, "third": 0, "later": 0, "stays": 0}
    assert got["leaves_90"].to_dict() == {"first": 1, "edge": 1, "second": 1, "third": 1, "later": 0, "stays": 0}
    months = got["leaves_month"].dropna().astype(int).to_dict()
    assert months == {"first": 1, "edge": 2, "second": 2, "third": 3}
    assert got["at_risk"].all()
    assert not got["censored"].any()


def test_one_account_kept_is_not_leaving(bank, make_on):
    accounts = [_account("a", closed="2024-06-10", number="1"), _account("a", number="2")]
    got = _labels(bank(make_on("a", "2024-05-20"), accounts=accounts), [date(2024, 6, 1)])
    assert got["leaves_90"].tolist() == [0]


def test_a_customer_who_returns_departs_twice(bank):
    accounts = [_account("a", closed="2021-05-01", number="1"),
                _account("a", opened="2023-01-01", closed="2024-07-01", number="2")]  # fmt: skip
    got = departures(bank(accounts=accounts, customers=[{"customer_id": "a"}])).order_by("left_at").to_pandas()
    assert got["left_at"].dt.strftime("%Y-%m-%d").tolist() == ["2021-05-01", "2024-07-01"]


def test_silence_dates_leaving_at_the_last_transaction_the_customer_caused(bank, make_on):
    rows = [
        *make_on("quiet", "2024-05-20"),
        *make_on("quiet", *_days("2024-06-05", 12, 10), kind="fee"),
        *make_on("quiet", "2024-07-01", channel="automatic"),
        *make_on("leaves", "2024-05-20", "2024-07-10"),
        *make_on("pauses", "2024-05-20", "2024-08-17"),
        *make_on("stays", *_days("2024-05-20", 40)),
    ]
    got = _labels(bank(rows), [date(2024, 6, 1)], definition="silence", silent_days=90).droplevel("as_of")
    assert got["leaves_30"].to_dict() == {"leaves": 0, "pauses": 0, "quiet": 1, "stays": 0}
    assert got["leaves_60"].to_dict() == {"leaves": 1, "pauses": 0, "quiet": 1, "stays": 0}
    assert got["leaves_90"].to_dict() == {"leaves": 1, "pauses": 1, "quiet": 1, "stays": 0}
    assert got["leaves_month"].dropna().to_dict() == {"leaves": 2, "pauses": 3, "quiet": 1}


def test_only_customers_active_in_the_silent_days_before_are_at_risk(bank, make_on):
    rows = make_on("edge", "2024-03-03") + make_on("old", "2024-03-02") + make_on("fee", "2024-05-20", kind="fee")
    rows += make_on("closed", "2024-05-20")
    accounts = [_account(n, closed="2024-05-25" if n == "closed" else None) for n in ("edge", "old", "fee", "closed")]
    got = _labels(bank(rows, accounts=accounts), [date(2024, 6, 1)]).droplevel("as_of")
    assert got["at_risk"].to_dict() == {"edge": True, "old": False, "fee": False, "closed": False}
    assert got["leaves_90"].isna().to_dict() == {"edge": False, "old": True, "fee": True, "closed": True}


def test_labels_that_need_more_data_than_there_is_are_censored_and_counted(bank, make_on):
    tables = bank(make_on("a", *_days("2024-01-01", 73)), accounts=[_account("a")])
    dates = [date(2024, 10, 3), date(2024, 10, 4), date(2024, 12, 2), date(2024, 12, 3)]
    got = _labels(tables, dates)
    assert got["censored"].tolist() == [False, True, True, True]
    assert got["leaves_90"].isna().tolist() == [False, True, True, True]
    assert got["leaves_30"].isna().tolist() == [False, False, False, True]
    assert got["grows_90"].isna().tolist() == [False, True, True, True]
    labels = churn_labels(tables, dates, definition="closure", observed_until=UNTIL)
    assert label_counts(labels).to_pandas()["censored"].tolist() == [0, 1, 1, 1]


def test_silence_needs_the_silent_days_too(bank, make_on):
    tables = bank(make_on("a", *_days("2024-01-01", 73)))
    got = _labels(tables, [date(2024, 7, 5), date(2024, 7, 6)], definition="silence")
    assert got["censored"].tolist() == [False, True]


def test_a_record_that_arrives_late_puts_nobody_at_risk_before(bank, make_on):
    tables = bank(make_on("a", "2024-05-20", known_at="2024-06-10T00:00:00"), accounts=[_account("a")])
    got = _labels(tables, [date(2024, 6, 1), date(2024, 6, 15)])
    assert got["at_risk"].tolist() == [False, True]


def test_grows_90_is_the_phase_ninety_days_later(bank, make_on):
    grower = [*_days("2023-01-01", 110, 5), *_days("2024-07-01", 70, 2)]
    rows = make_on("grows", *grower) + make_on("steady", *_days("2023-01-01", 140, 5))
    got = _labels(bank(rows, accounts=[_account("grows"), _account("steady")]), [date(2024, 6, 25)]).droplevel("as_of")
    assert got["phase"].to_dict() == {"grows": "steady", "steady": "steady"}
    assert got["grows_90"].to_dict() == {"grows": 1, "steady": 0}


def test_revenue_is_margin_of_the_last_year_and_turnover_where_there_is_none(bank, make_on):
    rows = make_on("a", "2023-05-31", "2024-01-01", "2024-05-31", "2024-06-01", amount=-100)
    accounts = [_account("a")]
    turnover = _labels(bank(rows, accounts=accounts), [date(2024, 6, 1)])
    earned = _labels(bank([{**r, "margin": 1.25} for r in rows], accounts=accounts), [date(2024, 6, 1)])
    assert turnover["revenue_12m"].tolist() == [200.0]
    assert earned["revenue_12m"].tolist() == [2.5]


def test_closure_without_accounts_is_refused(bank, make_on):
    with pytest.raises(DataError, match="closure definition needs the table accounts"):
        _labels(bank(make_on("a", "2024-05-20")), [date(2024, 6, 1)])


def test_horizons_must_increase(bank, make_on):
    with pytest.raises(ParamsError, match="horizons are increasing"):
        _labels(bank(make_on("a", "2024-05-20")), [date(2024, 6, 1)], definition="silence", horizons=(90, 30))


def test_labels_are_the_same_with_one_thread_and_with_two(random_folder, random_dates):
    import ibis

    frames = []
    for threads in (1, 2):
        backend = ibis.duckdb.connect(threads=threads)
        tables = {p.stem: backend.read_parquet(p) for p in sorted(random_folder.glob("*.parquet"))}
        frames.append(_labels(tables, random_dates, observed_until=date(2024, 11, 1)))
    pd.testing.assert_frame_equal(frames[0], frames[1], check_exact=True)
    assert frames[0]["leaves_90"].sum() > 0
