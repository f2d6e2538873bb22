"""The files source: columns, codes, numbers, dates and signs of operational systems."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from afraz.data.ingest import ingest
from afraz.errors import DataError, ParamsError

if TYPE_CHECKING:
    from conftest import Bank


def test_columns_codes_constants_and_nulls_are_translated(bank: "Bank") -> None:
    bank.texts["transactions"] = "nr;kunde;tag;wert;art\n7;C1;05.01.2024;-1.234,50;K\n8;C2;06.01.2024;9,5;?\n"
    bank.settings["transactions"] = {
        "columns": {"transaction_id": "nr", "customer_id": "kunde", "booked_at": "tag", "amount": "wert",
                    "kind": "art"},
        "codes": {"kind": {"K": "purchase"}}, "constants": {"channel": "pos"}, "nulls": ["?"],
        "delimiter": ";", "decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y",
    }  # fmt: skip
    bank.ingest()
    found = bank.accepted("transactions").set_index("transaction_id")
    assert found["amount"].to_dict() == {"7": Decimal("-1234.50"), "8": Decimal("9.50")}
    assert found["kind"].fillna("-").to_dict() == {"7": "purchase", "8": "-"}
    assert set(found["channel"]) == {"pos"}
    assert found.loc["7", "booked_at"] == pd.Timestamp("2024-01-05")


def test_a_point_is_no_decimal_mark_where_a_comma_is(bank: "Bank") -> None:
    bank.texts["transactions"] = "customer_id;booked_at;amount\nC1;2024-01-01;1.5\nC1;2024-01-02;1,5\n"
    bank.settings["transactions"] = {"delimiter": ";", "decimal": ","}
    bank.ingest()
    assert bank.rules("transactions") == {2: "amount_not_a_number"}
    assert list(bank.accepted("transactions")["amount"]) == [Decimal("1.50")]


def test_a_thousands_mark_in_the_wrong_place_is_not_dropped(bank: "Bank") -> None:
    bank.texts["transactions"] = 'customer_id,booked_at,amount\nC1,2024-01-01,"1,5"\nC1,2024-01-02,"1,500"\n'
    bank.settings["transactions"] = {"thousands": ","}
    bank.ingest()
    assert bank.rules("transactions") == {2: "amount_not_a_number"}
    assert list(bank.accepted("transactions")["amount"]) == [Decimal("1500.00")]


def test_the_sign_comes_from_a_column_and_an_unknown_sign_is_rejected(bank: "Bank") -> None:
    bank.texts["transactions"] = (
        "customer_id,booked_at,amount,dir\nC1,2024-01-01,5,D\nC1,2024-01-02,6,C\nC1,2024-01-03,7,X\nC1,2024-01-04,z,D\n"
    )
    bank.settings["transactions"] = {"sign": {"column": "dir", "positive": ["C"], "negative": ["D"]}}
    bank.ingest()
    assert list(bank.accepted("transactions")["amount"]) == [Decimal(-5), Decimal(6)]
    assert bank.rules("transactions") == {4: "amount_missing", 5: "amount_not_a_number"}


def test_row_ids_are_made_up_the_same_way_every_time(bank: "Bank") -> None:
    bank.texts["transactions"] = "customer_id,booked_at,amount\nC1,2024-01-01,5\nC1,2024-01-01,5\n"
    bank.ingest(source={"name": "shop"})
    first = list(bank.accepted("transactions")["transaction_id"])
    bank.ingest(source={"name": "shop"})
    assert first == list(bank.accepted("transactions")["transaction_id"]) == ["shop-000000002", "shop-000000003"]


def test_customers_are_derived_from_transactions(bank: "Bank") -> None:
    del bank.texts["customers"]
    report = bank.ingest(source={"derive_customers": True})
    customers = bank.accepted("customers").set_index("customer_id")
    assert customers["joined_at"].to_dict() == {
        "C1": pd.Timestamp("2024-01-05 10:00:00"),
        "C2": pd.Timestamp("2024-02-05 11:00:00"),
    }
    assert any("2 customers derived" in note for note in report.notes)


def test_a_pattern_reads_several_files_and_keeps_made_up_ids_apart(bank: "Bank") -> None:
    source = bank.source()
    for month in ("01", "02"):
        (bank.folder / f"t-{month}.csv").write_text(f"customer_id,booked_at,amount\nC1,2024-{month}-01,5\n")
    source["tables"]["transactions"]["path"] = "t-*.csv"
    ingest(
        [source], bank.folder / "canonical", bank.folder / "rejects", observed_until=pd.Timestamp("2024-07-01").date()
    )
    assert list(bank.accepted("transactions")["transaction_id"]) == ["files-t-01-000000002", "files-t-02-000000002"]


def test_parquet_files_with_native_types_are_read(bank: "Bank") -> None:
    source = bank.source()
    frame = pd.DataFrame({"customer_id": [1.0, 2.0], "day": [20240105, 20240106], "amount": [1.005, 2.5]})
    frame.to_parquet(bank.folder / "t.parquet")
    source["tables"]["transactions"] = {"path": "t.parquet", "columns": {"booked_at": "day"}, "date_format": "%Y%m%d"}
    source["tables"]["customers"]["path"] = "c.csv"
    (bank.folder / "c.csv").write_text("customer_id\n1\n2\n")
    ingest(
        [source], bank.folder / "canonical", bank.folder / "rejects", observed_until=pd.Timestamp("2024-07-01").date()
    )
    found = bank.accepted("transactions")
    assert list(found["customer_id"]) == ["1", "2"]
    assert list(found["booked_at"]) == [pd.Timestamp("2024-01-05"), pd.Timestamp("2024-01-06")]


def test_lines_that_are_no_rows_are_rejects_with_their_text(bank: "Bank") -> None:
    bank.texts["transactions"] = "customer_id,booked_at,amount\nC1,2024-01-01\nC1,2024-01-02,5\n"
    report = bank.ingest()
    rejected = bank.rejected("transactions")
    assert list(rejected["raw"]) == ["C1,2024-01-01"]
    assert bank.rules("transactions") == {2: "line_has_too_few_fields"}
    assert report.counts["transactions"]["read"] == 2


def test_a_missing_required_column_names_the_table_and_the_nearest_column(bank: "Bank") -> None:
    bank.texts["transactions"] = "customer_id,booked,amount\nC1,2024-01-01,5\n"
    with pytest.raises(DataError, match=r"lacks the column 'booked_at' \(did you mean booked\?\)"):
        bank.ingest()


def test_a_missing_file_and_a_pattern_without_match_are_refused(bank: "Bank") -> None:
    bank.settings["transactions"] = {"path": "gone.csv"}
    with pytest.raises(DataError, match=r"gone\.csv is not there"):
        bank.ingest()
    bank.settings["transactions"] = {"path": "gone-*.csv"}
    with pytest.raises(DataError, match="no file matches"):
        bank.ingest()


def test_a_file_that_is_no_parquet_is_refused(bank: "Bank", tmp_path: Path) -> None:
    bank.source()
    (bank.folder / "t.parquet").write_text("no parquet")
    bank.settings["transactions"] = {"path": "t.parquet"}
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        bank.ingest()


def test_deriving_customers_without_transactions_is_refused(bank: "Bank") -> None:
    del bank.texts["transactions"]
    with pytest.raises(DataError, match="derive_customers needs transactions"):
        bank.ingest(source={"derive_customers": True})


def test_unknown_settings_are_refused_with_the_nearest_one(bank: "Bank") -> None:
    bank.settings["transactions"] = {"delimeter": ";"}
    with pytest.raises(
        ParamsError, match=r"unknown setting 'delimeter' in tables.transactions: did you mean delimiter\?"
    ):
        bank.ingest()
