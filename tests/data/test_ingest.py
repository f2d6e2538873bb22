"""Ingest: every row read is accepted or rejected, and none is lost."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from afraz.data.ingest import IngestReport, ingest
from afraz.data.schemas import TABLES
from afraz.data.validation import schema
from afraz.errors import DataError, ParamsError

if TYPE_CHECKING:
    from conftest import Bank

ACCOUNTS = "account_id,customer_id,product,opened_at,closed_at\nA1,C1,current,2020-01-01,\nA2,C2,savings,2021-05-01,\n"


def test_sound_sources_become_canonical_tables_with_exact_types(bank: "Bank") -> None:
    bank.texts["accounts"] = ACCOUNTS
    report = bank.ingest(max_reject_share=0)
    assert report.table().set_index("table")["accepted"].to_dict() == {"customers": 2, "accounts": 2, "transactions": 2}
    arrow = pq.read_schema(bank.folder / "canonical" / "transactions.parquet")
    assert arrow.field("amount").type == pa.decimal128(18, 2)
    assert arrow.field("booked_at").type == pa.timestamp("us")
    assert arrow.names == TABLES["transactions"].names == list(schema("transactions").columns)
    assert report.causes().empty


def test_coverage_states_rows_period_and_what_is_absent(bank: "Bank") -> None:
    bank.ingest()
    coverage = json.loads((bank.folder / "canonical" / "coverage.json").read_text())
    assert coverage["transactions"] == {"rows": 2, "first": "2024-01-05 10:00:00", "last": "2024-02-05 11:00:00"}
    assert coverage["observed_until"] == "2024-07-01"
    assert "surveys is in no source: what needs it is not applicable" in coverage["notes"]
    assert "surveys" not in coverage
    assert coverage["files"] == {"files/customers.csv": 2, "files/transactions.csv": 2}


def test_rejects_keep_rule_source_line_values_and_the_whole_row(bank: "Bank") -> None:
    bank.texts["transactions"] += "T3,C1,2024-01-06,twelve,purchase\nT4,C9,2024-01-06,5,purchase\n"
    report = bank.ingest()
    rejected = bank.rejected("transactions")
    assert list(rejected.columns) == ["rule", "source", "source_line", *TABLES["transactions"].names, "raw"]
    assert bank.rules("transactions") == {4: "amount_not_a_number", 5: "customer_id_unknown"}
    assert list(rejected["amount"]) == ["twelve", "5"]
    assert json.loads(rejected["raw"].iloc[0])["amount"] == "twelve"
    assert report.causes()["rows"].to_list() == [1, 1]
    assert not bank.rejected("customers").size


def test_the_first_of_repeated_keys_is_kept_and_a_faulty_row_does_not_take_its_place(bank: "Bank") -> None:
    bank.texts["transactions"] = (
        "transaction_id,customer_id,booked_at,amount\n"
        "T1,C1,2024-01-01,x\nT1,C1,2024-01-02,2\nT1,C1,2024-01-03,3\nT2,C1,2024-01-04,4\n"
    )
    bank.ingest()
    assert list(bank.accepted("transactions")["amount"]) == [Decimal(2), Decimal(4)]
    assert bank.rules("transactions") == {2: "amount_not_a_number", 4: "key_repeated"}


def test_rows_of_rejected_customers_are_orphans(bank: "Bank") -> None:
    bank.texts["customers"] += "C3,2020-01-02,2020-01-01\n"
    bank.texts["accounts"] = ACCOUNTS + "A3,C3,current,2020-01-01,\n"
    bank.texts["transactions"] += "T3,C3,2024-01-06,5,purchase\nT4,C1,2024-01-06,5,purchase\n"
    bank.ingest()
    assert bank.rules("customers") == {4: "born_after_joining"}
    assert bank.rules("accounts") == {4: "customer_id_unknown"}
    assert bank.rules("transactions") == {4: "customer_id_unknown"}


def test_bookings_that_name_only_an_account_find_its_customer(bank: "Bank") -> None:
    bank.texts["accounts"] = ACCOUNTS
    bank.texts["transactions"] = "transaction_id,account_id,booked_at,amount\nT1,A2,2024-01-01,5\nT2,A9,2024-01-01,5\n"
    bank.ingest()
    assert list(bank.accepted("transactions")["customer_id"]) == ["C2"]
    assert bank.rules("transactions") == {3: "customer_id_missing"}


def test_too_many_faulty_rows_stop_the_stage_with_the_causes_and_keep_the_rejects(bank: "Bank") -> None:
    bank.ingest()
    bank.texts["transactions"] += "T3,C1,2024-01-06,twelve,purchase\n"
    with pytest.raises(DataError, match=r"transactions 33.3%; max_reject_share is 10.0%(?s:.*)amount_not_a_number"):
        bank.ingest(max_reject_share=0.1)
    assert bank.rules("transactions") == {4: "amount_not_a_number"}
    assert len(bank.accepted("transactions")) == 2, "the tables of the earlier ingest stay"
    bank.ingest(max_reject_share=0.34)


def test_two_sources_make_one_customer_base(bank: "Bank", tmp_path: Path) -> None:
    second = type(bank)(tmp_path / "second")
    second.texts = {
        "customers": "customer_id,gender,joined_at\nC1,female,2019-01-01\nC5,male,2019-01-01\nC5,male,2019-01-01\n",
        "transactions": "transaction_id,customer_id,booked_at,amount\nX1,C1,2024-03-01,7\nX2,C5,2024-03-01,8\n",
    }
    report = bank.ingest(second.source(name="second"))
    customers = bank.accepted("customers").set_index("customer_id")
    assert list(customers.index) == ["C1", "C2", "C5"]
    assert customers.loc["C1", "gender"] == "female"
    assert customers.loc["C1", "joined_at"] == pd.Timestamp("2020-01-01"), "the first source wins where it has a value"
    assert report.counts["customers"] == {"read": 5, "accepted": 4, "rejected": 1, "outside": 0, "written": 3}
    assert bank.rejected("customers")[["rule", "source", "source_line"]].to_numpy().tolist() == [
        ["key_repeated", "second", 4]
    ]
    assert sorted(bank.accepted("transactions")["transaction_id"]) == ["T1", "T2", "X1", "X2"]


def test_prefix_and_map_decide_who_is_the_same_customer(bank: "Bank", tmp_path: Path) -> None:
    second = type(bank)(tmp_path / "second")
    second.texts = {
        "customers": "customer_id,gender\n1,female\n2,male\n",
        "transactions": "transaction_id,customer_id,booked_at,amount\nT1,1,2024-03-01,7\nT2,2,2024-03-01,8\n",
    }
    source = second.source(name="second", prefix="s-", customer_map={"path": str(tmp_path / "map.csv")})
    (tmp_path / "map.csv").write_text("source_id,customer_id\n1,C1\n")
    bank.ingest(source)
    customers = bank.accepted("customers").set_index("customer_id")
    assert list(customers.index) == ["C1", "C2", "s-2"]
    assert customers.loc["C1", "gender"] == "female"
    booked = bank.accepted("transactions").set_index("transaction_id")["customer_id"].to_dict()
    assert booked == {"T1": "C1", "T2": "C2", "s-T1": "C1", "s-T2": "s-2"}
    (tmp_path / "map.csv").write_text("source_id,customer_id\n1,C1\n1,C2\n")
    with pytest.raises(DataError, match="maps the id '1' to two customers"):
        bank.ingest(source)


def test_a_merged_birth_after_joining_is_unknown(bank: "Bank", tmp_path: Path) -> None:
    bank.texts["customers"] = "customer_id,joined_at\nC1,1990-01-01\nC2,1990-01-01\n"
    second = type(bank)(tmp_path / "second")
    second.texts = {"customers": "customer_id,birth_date\nC1,1995-01-01\nC2,1960-01-01\n"}
    bank.ingest(second.source(name="second"))
    births = bank.accepted("customers").set_index("customer_id")["birth_date"]
    assert pd.isna(births["C1"])
    assert str(births["C2"])[:10] == "1960-01-01"


def test_a_delivery_longer_than_the_asked_period_is_no_fault(bank: "Bank") -> None:
    bank.texts["transactions"] += "T3,C1,2024-08-01,5,purchase\nT4,C1,2024-11-01,5,purchase\n"
    report = bank.ingest(source={"covers_until": "2024-10-01"})
    assert bank.rules("transactions") == {4: "booked_at_outside_period", 5: "booked_at_in_the_future"}
    assert report.counts["transactions"]["outside"] == 1
    assert report.share("transactions") == pytest.approx(1 / 3)


@pytest.mark.parametrize("table", ["customers", "transactions"])
def test_a_mandatory_table_that_is_missing_or_empty_is_refused(bank: "Bank", table: str) -> None:
    header = str(bank.texts[table]).splitlines()[0] + "\n"
    bank.texts[table] = header
    with pytest.raises(DataError, match=f"the table {table} is empty, but it is mandatory"):
        bank.ingest()
    del bank.texts[table]
    with pytest.raises(DataError, match=f"the table {table} is in no source, but it is mandatory"):
        bank.ingest()


def test_an_optional_table_without_rows_is_noted(bank: "Bank") -> None:
    bank.texts["surveys"] = "survey_id,customer_id,answered_at\n"
    report = bank.ingest(max_reject_share=0)
    assert "surveys is empty: what needs it is not applicable" in report.notes
    assert not (bank.folder / "canonical" / "surveys.parquet").exists()


def test_tables_of_an_earlier_ingest_do_not_linger(bank: "Bank") -> None:
    bank.texts["accounts"] = ACCOUNTS
    bank.ingest()
    del bank.texts["accounts"]
    bank.ingest()
    assert not (bank.folder / "canonical" / "accounts.parquet").exists()


def test_ingest_leaves_nothing_but_its_outputs_behind(bank: "Bank") -> None:
    bank.ingest()
    assert sorted(p.name for p in bank.folder.iterdir()) == [
        "canonical",
        "customers.csv",
        "rejects",
        "transactions.csv",
    ]
    assert sorted(p.name for p in (bank.folder / "canonical").iterdir()) == [
        "coverage.json", "customers.parquet", "transactions.parquet"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "more", "message"),
    [
        ([], {}, "ingest has no source"),
        (
            [{"kind": "demo", "path": "x"}],
            {"max_reject_share": 2},
            "max_reject_share is a share from 0 to 1; arrived 2",
        ),
        ([{"kind": "sap"}], {}, "a source's kind is one of"),
    ],
)
def test_parameters_are_checked_first(
    tmp_path: Path, sources: list[dict[str, Any]], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        ingest(sources, tmp_path / "c", tmp_path / "r", observed_until=date(2024, 1, 1), **more)


def test_two_sources_of_one_name_are_refused(bank: "Bank") -> None:
    with pytest.raises(ParamsError, match="two sources are called 'files'"):
        bank.ingest(bank.source())


def test_a_report_that_loses_rows_cannot_be_made() -> None:
    with pytest.raises(AssertionError, match="rows were lost"):
        IngestReport({"customers": {"read": 3, "accepted": 1, "rejected": 1, "outside": 0, "written": 1}}, [])


def demo_folder(folder: Path, rows: int = 300_000) -> Path:
    """A folder as the simulator writes it: loose types, rows in no helpful order, some dirty."""
    folder.mkdir()
    place = pd.Series(range(rows))
    pd.DataFrame({"customer_id": [f"C{i}" for i in range(500)], "joined_at": pd.Timestamp("2020-01-01")}).to_parquet(
        folder / "customers.parquet"
    )
    amount = (place * 7919 % 100_003) / 100 - 300.0
    amount[place % 997 == 0] = float("inf")
    pd.DataFrame(
        {
            "transaction_id": "T" + ((place * 104_729) % rows - (place % 1009 == 5)).astype(str),
            "customer_id": "C" + (place * 31 % 500).astype(str),
            "booked_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(place * 101 % 15_000_000, unit="s"),
            "amount": amount,
        }
    ).to_parquet(folder / "transactions.parquet", row_group_size=50_000)
    return folder


def test_the_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    source = {"kind": "demo", "path": str(demo_folder(tmp_path / "demo"))}
    digests = []
    for threads in (1, 2, 4):
        place = tmp_path / str(threads)
        report = ingest([source], place / "c", place / "r", observed_until=date(2024, 7, 1), threads=threads)
        files = sorted(p for p in place.rglob("*") if p.is_file())
        digests.append([(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files])
    assert digests[0] == digests[1] == digests[2]
    assert {rule for _, rule, _, _ in report.reasons} == {"amount_not_finite", "key_repeated"}


def test_transactions_lie_together_by_customer_in_the_order_of_time(tmp_path: Path) -> None:
    source = {"kind": "demo", "path": str(demo_folder(tmp_path / "demo", 5_000))}
    ingest([source], tmp_path / "c", tmp_path / "r", observed_until=date(2024, 7, 1))
    found = pd.read_parquet(tmp_path / "c" / "transactions.parquet")
    keys = ["customer_id", "booked_at", "transaction_id"]
    pd.testing.assert_frame_equal(found[keys], found[keys].sort_values(keys, ignore_index=True))


def test_cdnow_is_a_source_of_transactions_only(public_data: Path, tmp_path: Path) -> None:
    source = {
        "kind": "files", "name": "cdnow", "path": str(public_data / "cdnow"), "derive_customers": True,
        "tables": {"transactions": {
            "path": "cdnow_master.csv.gz", "columns": {"booked_at": "date", "amount": "dollar_value"},
            "date_format": "%Y%m%d", "constants": {"kind": "purchase", "channel": "internet"}}},
    }  # fmt: skip
    report = ingest([source], tmp_path / "c", tmp_path / "r", observed_until=date(1998, 7, 1), max_reject_share=0)
    assert {t: n["accepted"] for t, n in report.counts.items()} == {"customers": 23_570, "transactions": 69_659}
    booked = pd.read_parquet(tmp_path / "c" / "transactions.parquet")
    assert booked["amount"].sum() == Decimal("2500315.63")
    assert (booked["booked_at"].min(), booked["booked_at"].max()) == (
        pd.Timestamp("1997-01-01"),
        pd.Timestamp("1998-06-30"),
    )
    joined = pd.read_parquet(tmp_path / "c" / "customers.parquet")["joined_at"]
    assert joined.max() == pd.Timestamp("1997-03-25")


def test_a_damaged_parquet_file_is_a_short_error(tmp_path: Path) -> None:
    folder = demo_folder(tmp_path / "demo", 50_000)
    content = bytearray((folder / "transactions.parquet").read_bytes())
    content[1_000:60_000] = bytes(59_000)
    (folder / "transactions.parquet").write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"ingest stopped: .*\nLook for a damaged source file"):
        ingest([{"kind": "demo", "path": str(folder)}], tmp_path / "c", tmp_path / "r", observed_until=date(2024, 7, 1))
