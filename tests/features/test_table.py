"""The feature table: who has a row, equality with the literal pandas version, independence, equal bytes."""

import hashlib
import importlib.util
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.features.table import FAMILIES, MONTHLY, build_features, not_applicable

BASELINE = Path(__file__).parents[1] / "baselines" / "pandas_features.py"


def _baseline():
    spec = importlib.util.spec_from_file_location("pandas_features", BASELINE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _frame(tables, as_of, **more) -> pd.DataFrame:
    frame = build_features(tables, as_of, **more).to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return frame.set_index(["customer_id", "as_of"]).sort_index()


def test_features_equal_those_of_the_literal_pandas_version(random_bank, random_folder, random_dates):
    tables = {n: t for n, t in random_bank.items() if n != "accounts"}
    ours = _frame(tables, random_dates)
    module = _baseline()
    theirs = module.pandas_features(module.read_transactions(random_folder / "transactions.parquet"), random_dates)
    theirs["as_of"] = pd.to_datetime(theirs["as_of"])
    theirs = theirs.set_index(["customer_id", "as_of"]).sort_index()
    pd.testing.assert_index_equal(ours.index, theirs.index, exact=False)
    assert len(theirs.columns) > 100
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name].astype(float), rtol=1e-9, atol=1e-6, err_msg=name)


def test_features_at_a_date_do_not_depend_on_the_other_dates(random_bank, random_dates):
    together = _frame(random_bank, random_dates)
    for day in random_dates[1:3]:
        alone = _frame(random_bank, [day])
        pd.testing.assert_frame_equal(alone, together.loc[(slice(None), pd.Timestamp(day)), :])


def test_features_have_the_same_bytes_with_one_thread_and_with_two(random_folder, random_dates, tmp_path):
    digests = []
    for threads in (1, 2):
        backend = ibis.duckdb.connect(threads=threads)
        tables = {p.stem: backend.read_parquet(p) for p in sorted(random_folder.glob("*.parquet"))}
        frame = build_features(tables, random_dates).to_pandas().sort_values(["customer_id", "as_of"])
        frame.to_parquet(tmp_path / f"{threads}.parquet", index=False)
        digests.append(hashlib.sha256((tmp_path / f"{threads}.parquet").read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_row_known_late_counts_only_from_then_on(bank, make_on):
    tables = bank([
        *make_on("a", "2024-02-20"),
        *make_on("a", "2024-02-25", known_at="2024-03-10T00:00:00"),
        *make_on("a", "2024-03-20"),
    ])  # fmt: skip
    days = [date(2024, 3, 1), date(2024, 3, 9), date(2024, 3, 10), date(2024, 4, 1)]
    features = _frame(tables, days)
    assert features["initiated_90d"].tolist() == [1, 1, 2, 3]
    assert features["days_since_last_initiated"].tolist() == [10, 18, 14, 12]


def test_a_transaction_at_the_midnight_of_as_of_does_not_count_yet(bank):
    midnight = {"customer_id": "a", "booked_at": "2024-03-01T00:00:00"}
    before = {"customer_id": "a", "booked_at": "2024-02-29T23:59:59.999999", "known_at": "2024-03-01T00:00:00"}
    assert _frame(bank([midnight, before]), [date(2024, 3, 1)])["initiated_30d"].tolist() == [1]


def test_a_customer_without_transactions_gets_zero_counts_and_missing_recency(bank, make_on):
    tables = bank(make_on("a", "2024-01-05"), customers=[
        {"customer_id": "a", "joined_at": "2023-01-01"}, {"customer_id": "b", "joined_at": "2023-01-01"}],
        accounts=[{"account_id": x, "customer_id": x, "opened_at": "2023-01-01"} for x in "ab"])  # fmt: skip
    row = _frame(tables, [date(2024, 2, 1)]).loc["b"].iloc[0]
    assert row["initiated_90d"] == 0
    assert row["products_held"] == 1
    assert np.isnan(row["days_since_last_initiated"])
    assert np.isnan(row["spending_of_income_90d"])


def test_only_customers_who_joined_and_have_not_gone_have_a_row(bank, make_on):
    names = ["here", "gone", "half", "future", "back"]
    accounts = [
        {"account_id": "1", "customer_id": "here", "opened_at": "2022-01-01"},
        {"account_id": "2", "customer_id": "gone", "opened_at": "2022-01-01", "closed_at": "2023-05-01"},
        {"account_id": "3", "customer_id": "half", "opened_at": "2022-01-01", "closed_at": "2023-05-01"},
        {"account_id": "4", "customer_id": "half", "opened_at": "2022-01-01", "closed_at": "2024-05-01"},
        {"account_id": "5", "customer_id": "future", "opened_at": "2024-03-01"},
        {"account_id": "6", "customer_id": "back", "opened_at": "2022-01-01", "closed_at": "2023-05-01"},
        {"account_id": "7", "customer_id": "back", "opened_at": "2023-09-01"},
    ]
    customers = [
        {"customer_id": n, "joined_at": "2024-03-01" if n == "future" else "2022-01-01"} for n in names
    ]  # fmt: skip
    rows = [r for n in names if n != "future" for r in make_on(n, "2023-02-01")]
    tables = bank(rows, customers=customers, accounts=accounts)
    at = _frame(tables, [date(2024, 1, 1)], families=["lifecycle"]).index.get_level_values("customer_id").tolist()
    assert at == ["back", "half", "here"]


def test_without_accounts_a_customer_needs_a_usable_transaction(bank, make_on):
    tables = bank(make_on("a", "2023-02-01") + make_on("b", "2024-02-01"))
    at = _frame(tables, [date(2024, 1, 1)], families=["value"]).index.get_level_values("customer_id").tolist()
    assert at == ["a"]


def test_absent_tables_make_their_features_not_applicable_and_leave_the_others(bank, make_on):
    tables = bank(make_on("a", "2024-01-05"))
    missing = not_applicable(tables)
    columns = set(build_features(tables, [date(2024, 2, 1)]).columns)
    assert missing["contacts_90d"] == "no table contacts"
    assert missing["products_held"] == "no table accounts"
    assert missing["region_population"] == "no table regions"
    assert "initiated_90d" not in missing
    assert not columns & set(missing)
    every = {f.name for name in MONTHLY for f in FAMILIES[name].features}
    assert columns == (every - set(missing)) | {"customer_id", "as_of"}


def test_columns_a_source_lacks_are_taken_as_missing(bank, make_on):
    tables = bank(make_on("a", "2024-01-05", "2024-01-09"))
    tables["transactions"] = tables["transactions"].select("transaction_id", "customer_id", "booked_at", "amount")
    tables["customers"] = tables["customers"].select("customer_id")
    row = _frame(tables, [date(2024, 2, 1)]).iloc[0]
    assert row["initiated_90d"] == 2
    assert row["spending_90d"] == 20
    assert "margin_90d" not in row.index


def test_a_missing_mandatory_table_is_named():
    with pytest.raises(DataError, match="table transactions"):
        build_features({"customers": ibis.table({"customer_id": "string"}, name="c")}, [date(2024, 1, 1)])


def test_an_unknown_family_is_refused_with_the_nearest_one(bank, make_on):
    with pytest.raises(ParamsError, match="did you mean value"):
        build_features(bank(make_on("a", "2024-01-05")), [date(2024, 2, 1)], families=["values"])
