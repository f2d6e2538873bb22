"""The leak audit: it passes the real features, and names a planted leak without naming its neighbours."""

from datetime import date

import ibis
import pytest

from afraz.errors import DataError, ParamsError
from afraz.features.audit import ROWS, leak_audit
from afraz.features.table import build_features

WAIVED = {
    "regions": "figures are published yearly", "customers.region_id": "kept from joining",
    "customers.education": "kept from joining",
}  # fmt: skip


def _audit(tables, as_of, build, waived=WAIVED, **more):
    return leak_audit(tables, as_of, build, sample=40, seed=5, waived=waived, **more)


def _named(report) -> set[str]:
    return {f["feature"] for f in report.findings}


def test_the_features_pass(random_bank, random_dates):
    report = _audit(random_bank, random_dates, build_features)
    assert report.findings == []
    assert report.passed
    assert report.to_dict()["passed"] is True
    assert min(report.ahead.values()) > 0
    assert "region_population" in report.waived[0]["features"] or len(report.waived) > 3


def _planted(expression):
    def build(tables, as_of):
        table = build_features(tables, as_of, families=["value", "lifecycle"])
        return expression(table, tables)

    return build


def _by_customer(table, other):
    return table.left_join(other, "customer_id").drop("customer_id_right")


def test_a_feature_from_a_closing_date_ahead_is_named_and_its_neighbours_are_not(random_bank, random_dates):
    def leak(table, tables):
        accounts = tables["accounts"]
        closing = accounts.group_by("customer_id").aggregate(will_close=accounts.closed_at.notnull().max())
        return _by_customer(table, closing)

    report = _audit(random_bank, random_dates, _planted(leak))
    assert _named(report) == {"will_close"}
    assert {f["kind"] for f in report.findings} == {"removed"}
    assert not report.passed


def test_a_feature_from_later_rows_is_named(random_bank, random_dates):
    def leak(table, tables):
        rows = tables["transactions"]
        total = rows.group_by("customer_id").aggregate(all_amounts=rows.amount.sum().cast("float64"))
        return _by_customer(table, total)

    report = _audit(random_bank, random_dates, _planted(leak))
    assert _named(report) == {"all_amounts"}
    assert {f["kind"] for f in report.findings} == {"removed", "altered"}


def test_a_feature_that_ignores_when_records_arrived_is_named(random_bank, random_dates):
    def leak(table, tables):
        rows = tables["transactions"].join(table.select("customer_id", "as_of"), "customer_id")
        rows = rows.filter(rows.booked_at < rows.as_of.cast("timestamp"))
        early = rows.group_by("customer_id", "as_of").aggregate(booked_before=rows.count())
        return table.left_join(early, ["customer_id", "as_of"]).drop("customer_id_right", "as_of_right")

    assert _named(_audit(random_bank, random_dates, _planted(leak))) == {"booked_before"}


def test_a_feature_from_an_answer_given_after_the_contact_is_named(bank, make_on):
    contacts = [{"contact_id": str(i), "customer_id": "a", "started_at": f"2024-05-{i}T20:00:00", "resolved": False,
                 "satisfaction": 1} for i in (20, 31)]  # fmt: skip
    tables = bank(make_on("a", "2024-05-01", "2024-06-05"), contacts=contacts)

    def leak(table, tables):
        rows = tables["contacts"].filter(lambda t: t.started_at < ibis.timestamp("2024-06-01"))
        answered = rows.group_by("customer_id").aggregate(unanswered=rows.count(where=~rows.resolved))
        return _by_customer(table, answered)

    def build(tables, as_of):
        return leak(build_features(tables, as_of, families=["support"]), tables)

    report = _audit(tables, [date(2024, 6, 1)], build)
    assert _named(report) == {"unanswered"}


def test_rows_that_depend_on_the_future_are_found(random_bank, random_dates):
    def leak(table, tables):
        staying = tables["accounts"].filter(lambda t: t.closed_at.isnull())
        return table.semi_join(staying, "customer_id")

    assert ROWS in _named(_audit(random_bank, random_dates, _planted(leak)))


def test_an_undated_attribute_is_reported_unless_waived_with_a_reason(random_bank, random_dates):
    waived = {k: v for k, v in WAIVED.items() if k != "customers.education"}
    report = _audit(random_bank, random_dates[:1], build_features, waived)
    assert _named(report) == {"education"}
    assert report.findings[0]["kind"] == "undated"
    assert report.findings[0]["where"] == "customers.education"


def test_a_feature_from_a_table_that_no_schema_dates_is_named(random_bank, random_dates):
    customers = random_bank["customers"].customer_id.to_pandas()
    orders = ibis.memtable({"customer_id": customers.tolist(), "standing_orders": [1.0] * len(customers)})

    def build(tables, as_of):
        return (
            build_features(tables, as_of, families=["value"])
            .left_join(tables["orders"], "customer_id")
            .drop("customer_id_right")
        )

    report = _audit({**random_bank, "orders": orders}, random_dates[:1], build, WAIVED)
    assert _named(report) == {"standing_orders"}
    assert {(f["kind"], f["where"]) for f in report.findings} == {("undated", "orders")}


def test_a_waiver_without_a_reason_is_refused(random_bank, random_dates):
    with pytest.raises(ParamsError, match=r"customers\.gender needs a reason"):
        _audit(random_bank, random_dates, build_features, {"customers.gender": " "})


def test_an_eager_build_is_refused_since_its_data_cannot_be_replaced(random_bank, random_dates):
    def eager(tables, as_of):
        return ibis.memtable(build_features(tables, as_of, families=["support"]).to_pyarrow())

    with pytest.raises(DataError, match="a build that is lazy"):
        _audit(random_bank, random_dates, eager)


def test_the_sample_depends_on_the_seed_only(random_bank):
    waived = {**WAIVED}

    def support(tables, as_of):
        return build_features(tables, as_of, families=["support"])

    first = leak_audit(random_bank, [date(2024, 6, 1)], support, sample=10, seed=1, waived=waived)
    again = leak_audit(random_bank, [date(2024, 6, 1)], support, sample=10, seed=1, waived=waived)
    assert first == again
    assert first.customers == 10
