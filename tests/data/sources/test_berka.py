"""The berka source: a small folder with every trap, and the published data where they are."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from afraz.data.ingest import IngestReport, ingest
from afraz.data.sources.berka_balance import reconcile
from afraz.errors import DataError

DISTRICT = ";".join(f"A{i}" for i in range(1, 17)) + "\n"
SMALL = {
    "account.csv": '"account_id";"district_id";"frequency";"date"\n7;1;"POPLATEK MESICNE";930101\n8;2;"";970101\n',
    "client.asc": '"client_id";"birth_number";"district_id"\n1;"706213";1\n2;"010204";2\n3;400101;1\n4;"450204";1\n',
    "disp.csv": '"disp_id";"client_id";"account_id";"type"\n11;1;7;"OWNER"\n12;2;7;"DISPONENT"\n13;3;8;"OWNER"\n',
    "order.csv": '"order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"\n1;7;"YZ";"8";2452.00;"SIPO"\n',
    "loan.csv": '"loan_id";"account_id";"date";"amount";"duration";"payments";"status"\n'
    + '5;7;930705;96396;12;8033.00;"B"\n',
    "card.csv": '"card_id";"disp_id";"type";"issued"\n9;11;"gold";931107 00:00:00\n',
    "district.csv": DISTRICT
    + '1;"Praha";"Prague";1204953;0;0;0;1;1;100.0;12541;0.29;0.43;167;85677;99107\n'
    + '2;"Jesenik";"north";42821;4;13;5;1;3;48.4;8173;?;7.01;124;?;1358\n',
    "trans_head.asc": '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";'
    '"k_symbol";"bank";"account"\n'
    '1;7;930101;"PRIJEM";"VKLAD";700.00;700.00;"";;\n'
    '2;7;930110;"VYBER";"VYBER";100.00;600.00;" ";;\n'
    '3;7;930131;"PRIJEM";"";10.20;610.20;"UROK";;\n'
    '4;7;930131;"VYDAJ";"VYBER";14.60;595.60;"SLUZBY";;\n'
    '5;7;930201;"VYDAJ";"PREVOD NA UCET";95.00;500.60;"SIPO";"YZ";8\n'
    '6;7;930202;"NECO";"VKLAD";1.00;501.60;"";;\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "berka"
    place.mkdir()
    for name, content in SMALL.items():
        (place / name).write_text(content.replace("\n", "\r\n"))
    return place


def run(folder: Path, observed_until: date = date(1994, 3, 31), share: float = 1) -> IngestReport:
    settings = [{"kind": "berka", "path": str(folder)}]
    place = folder.parent
    return ingest(settings, place / "c", place / "r", observed_until=observed_until, max_reject_share=share)


def test_birth_numbers_give_date_and_gender(folder: Path) -> None:
    run(folder, date(1999, 1, 1))
    people = pd.read_parquet(folder.parent / "c" / "customers.parquet").set_index("customer_id")
    assert people["gender"].to_dict() == {"1": "female", "2": "male", "3": "male", "4": "male"}
    assert [str(b)[:10] for b in people["birth_date"]] == ["1970-12-13", "1901-02-04", "1940-01-01", "1945-02-04"]


def test_people_who_may_only_use_an_account_are_customers_without_accounts(folder: Path) -> None:
    run(folder, date(1999, 1, 1))
    people = pd.read_parquet(folder.parent / "c" / "customers.parquet").set_index("customer_id")
    accounts = pd.read_parquet(folder.parent / "c" / "accounts.parquet").set_index("account_id")
    assert accounts["customer_id"].to_dict() == {"7": "1", "card-9": "1", "8": "3"}
    assert accounts["product"].to_dict() == {"7": "current", "card-9": "credit_card", "8": "current"}
    assert people.loc["2", "joined_at"] == people.loc["1", "joined_at"] == pd.Timestamp("1993-01-01")
    assert pd.isna(people.loc["4", "joined_at"])


def test_signs_and_codes_are_translated_and_unknown_ones_rejected(folder: Path) -> None:
    run(folder)
    booked = pd.read_parquet(folder.parent / "c" / "transactions.parquet").set_index("transaction_id")
    assert booked["amount"].to_dict() == {
        "1": Decimal(700), "2": Decimal(-100), "3": Decimal("10.20"), "4": Decimal("-14.60"), "5": Decimal(-95)
    }  # fmt: skip
    assert list(booked.sort_index()["kind"]) == ["cash_deposit", "cash_withdrawal", "interest", "fee", "transfer_out"]
    assert booked.loc["5", "category"] == "household"
    assert booked.loc["2", "category"] is None or pd.isna(booked.loc["2", "category"])
    rejected = pd.read_parquet(folder.parent / "r" / "transactions.parquet")
    assert list(rejected["rule"]) == ["amount_missing"]
    assert '"type":"NECO"' in rejected["raw"].iloc[0]


def test_a_question_mark_in_a_district_is_a_missing_value(folder: Path) -> None:
    (folder / "district.csv").write_text(SMALL["district.csv"].replace(";8173;?;7.01;", ";8173;?;?;"))
    run(folder)
    regions = pd.read_parquet(folder.parent / "c" / "regions.parquet").set_index("region_id")
    assert pd.isna(regions.loc["2", "unemployment_rate"])
    assert regions.loc["1", "unemployment_rate"] == pytest.approx(0.0043)


def test_loans_are_granted_and_their_later_status_is_left_out(folder: Path) -> None:
    run(folder)
    loan = pd.read_parquet(folder.parent / "c" / "loans.parquet").iloc[0]
    assert (loan["decision"], loan["term_months"], loan["granted_at"]) == ("granted", 12, pd.Timestamp("1993-07-05"))
    assert pd.isna(loan["defaulted_at"])
    assert pd.isna(loan["closed_at"])


def test_rows_after_the_asked_period_are_rejected_but_are_no_fault(folder: Path) -> None:
    (folder / "trans_head.asc").write_text(
        SMALL["trans_head.asc"].replace("930202", "930203").replace("NECO", "PRIJEM")
    )
    report = run(folder, date(1993, 2, 1), share=0)
    assert report.counts["transactions"] | {"written": 0} == {
        "read": 6, "accepted": 4, "rejected": 2, "outside": 2, "written": 0
    }  # fmt: skip
    assert set(report.causes()["rule"]) == {
        "booked_at_outside_period", "opened_at_outside_period", "joined_at_outside_period", "applied_at_outside_period"
    }  # fmt: skip
    assert any("transactions cover 1993-01-01 to 1993-02-03 (an excerpt" in note for note in report.notes)


def test_the_running_balance_is_held_against_the_stated_one(folder: Path) -> None:
    found = reconcile(folder, date(1993, 2, 2))
    assert found == {
        "accounts": 1,
        "rows": 5,
        "account_days": 4,
        "exact": 4,
        "reconciled": 4,
        "largest_difference": 0.0,
    }
    (folder / "trans_head.asc").write_text(SMALL["trans_head.asc"].replace(";100.00;600.00;", ";101.00;600.00;"))
    found = reconcile(folder, date(1993, 2, 2))
    assert (found["exact"], found["reconciled"], found["largest_difference"]) == (1, 1, 1.0)


def test_a_missing_file_and_a_lost_link_are_errors(folder: Path) -> None:
    (folder / "disp.csv").write_text(SMALL["disp.csv"] + "14;4\n")
    with pytest.raises(DataError, match=r"disp.csv has lines that are no rows: mend line 5 first"):
        run(folder)
    (folder / "disp.csv").unlink()
    with pytest.raises(DataError, match=r"no disp\.asc or disp\.csv"):
        run(folder)


def test_compressed_files_are_read(folder: Path) -> None:
    content = (folder / "trans_head.asc").read_bytes()
    (folder / "trans_head.asc").unlink()
    (folder / "trans.asc.gz").write_bytes(gzip.compress(content))
    assert run(folder).counts["transactions"]["accepted"] == 5


def test_the_published_data_keep_their_counts_and_add_up(public_data: Path, tmp_path: Path) -> None:
    settings = [{"kind": "berka", "path": str(public_data / "berka")}]
    report = ingest(settings, tmp_path / "c", tmp_path / "r", observed_until=date(1994, 3, 31))
    files = {name.split("/")[1].split(".")[0]: rows for name, rows in report.files.items()}
    assert files == {"account": 4500, "client": 5369, "disp": 5369, "order": 6471, "loan": 682, "card": 892,
                     "district": 77, "trans_head": 49102}  # fmt: skip
    assert report.counts["transactions"] == {
        "read": 49102, "accepted": 46997, "rejected": 2105, "outside": 2105, "written": 46997
    }  # fmt: skip
    accounts = pd.read_parquet(tmp_path / "c" / "accounts.parquet")
    assert (accounts["product"] == "current").sum() == 1229
    assert all(rule.endswith("outside_period") for rule in report.causes()["rule"])


def test_the_published_tables_are_accepted_whole_over_their_whole_period(public_data: Path, tmp_path: Path) -> None:
    settings = [{"kind": "berka", "path": str(public_data / "berka")}]
    report = ingest(settings, tmp_path / "c", tmp_path / "r", observed_until=date(1999, 1, 1), max_reject_share=0)
    accepted = {table: n["accepted"] for table, n in report.counts.items()}
    assert accepted == {"regions": 77, "customers": 5369, "accounts": 4500 + 892, "loans": 682, "transactions": 49102}
    people = pd.read_parquet(tmp_path / "c" / "customers.parquet")
    assert (people["gender"] == "female").sum() == 2645


def test_the_published_balances_reconcile_up_to_the_cut(public_data: Path) -> None:
    found = reconcile(public_data / "berka", date(1994, 3, 31))
    assert (found["accounts"], found["rows"], found["account_days"]) == (1229, 46997, 38821)
    assert found["reconciled"] == found["account_days"]
