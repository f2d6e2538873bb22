"""Lists as files and in databases: nothing runs, sending twice changes nothing, names cannot become SQL."""

import re
import sqlite3
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from afraz.decisioning.export import Sent, send, write_lists
from afraz.errors import DataError, ParamsError
from afraz.scoring.export import write_table

ENV = "AFRAZ_TEST_LIST_URL"
TABLE = 'lists "; DROP TABLE x'


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame({
        "campaign_id": ["P/1", "P/1", "P2"], "customer_id": ["C1", "C2", "C1"], "week": pd.array([1, None, 2], "Int64"),
        'net "value"': [1.5, -2.0, np.nan], "cost": [Decimal("1.10"), None, Decimal("-2.00")],
        "reason_1": ["=HYPERLINK(1)", "fees, many", None],
        "expires_at": pd.to_datetime(["2026-07-15", None, "2026-08-01"]),
        "urgent": [True, False, True],
    })  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fresh place for lists in a real database; the URL stands in the environment only."""
    url = f"sqlite:///{tmp_path / 'lists.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres").get_uri()).replace("postgresql://", "postgresql+psycopg://")
    monkeypatch.setenv(ENV, url)
    engine = sa.create_engine(url)
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.text('DROP TABLE IF EXISTS "lists ""; DROP TABLE x"'))
    engine.dispose()


def _read(engine: sa.Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(sa.text('SELECT * FROM "lists ""; DROP TABLE x" ORDER BY 1, 2'))
        return [dict(row) for row in found.mappings()]


def test_a_list_is_sent_twice_and_stands_there_once(rows: pd.DataFrame, database: sa.Engine) -> None:
    assert send(rows, ENV, TABLE) == Sent(3, 0)
    first = _read(database)
    assert send(rows.iloc[::-1], ENV, TABLE) == Sent(3, 0)
    assert _read(database) == first
    assert first[0]["reason_1"] == "=HYPERLINK(1)"  # a database gets what was given
    assert [row["week"] for row in first] == [1, None, 2]
    assert [row['net "value"'] for row in first] == [1.5, -2.0, None]
    assert [None if row["cost"] is None else Decimal(str(row["cost"])) for row in first] == [
        Decimal("1.1"), None, Decimal(-2),
    ]  # fmt: skip
    assert str(first[0]["expires_at"]).startswith("2026-07-15 00:00")


def test_a_later_list_updates_its_rows_and_says_what_is_left_over(rows: pd.DataFrame, database: sa.Engine) -> None:
    send(rows, ENV, TABLE)
    later = rows.assign(reason_1="new").iloc[:1]
    assert send(later, ENV, TABLE) == Sent(1, 1)  # C2 is no longer in P/1, P2 is another campaign
    assert [row["reason_1"] for row in _read(database)] == ["new", "fees, many", None]


def test_another_database_gets_the_same_by_deleting_and_inserting(
    rows: pd.DataFrame, database: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(database.dialect), "name", "other")
    send(rows, ENV, TABLE)
    send(rows.assign(reason_1="new").iloc[:1], ENV, TABLE)
    monkeypatch.undo()
    assert [row["reason_1"] for row in _read(database)] == ["new", "fees, many", None]


def test_a_failing_list_changes_nothing(rows: pd.DataFrame, database: sa.Engine) -> None:
    send(rows.iloc[:1], ENV, TABLE)
    with database.begin() as connection:
        connection.execute(sa.text('CREATE UNIQUE INDEX one_reason ON "lists ""; DROP TABLE x" (reason_1)'))
    before = _read(database)
    with pytest.raises(DataError, match="Nothing was written"):
        send(rows.assign(reason_1="same"), ENV, TABLE)
    assert _read(database) == before


def test_a_table_that_does_not_fit_is_refused(rows: pd.DataFrame, database: sa.Engine) -> None:
    send(rows.drop(columns="urgent"), ENV, TABLE)
    with pytest.raises(DataError, match="has no column 'urgent'"):
        send(rows, ENV, TABLE)
    with database.begin() as connection:
        connection.execute(sa.text('DROP TABLE "lists ""; DROP TABLE x"'))
        connection.execute(sa.text('CREATE TABLE "lists ""; DROP TABLE x" (campaign_id text, customer_id text)'))
    with pytest.raises(DataError, match="no primary key or unique constraint on campaign_id, customer_id"):
        send(rows[["campaign_id", "customer_id"]], ENV, TABLE)


def test_a_faulty_key_is_refused_before_anything_is_sent(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    with pytest.raises(DataError, match="1 rows repeat the key"):
        send(pd.concat([rows, rows.head(1)]), ENV, TABLE)
    with pytest.raises(DataError, match="rows without campaign_id or customer_id"):
        send(rows.assign(customer_id=[None, "C2", "C1"]), ENV, TABLE)
    with pytest.raises(DataError, match="lacks 'customer_id'"):
        send(rows.drop(columns="customer_id"), ENV, TABLE)
    with pytest.raises(ParamsError, match=f"environment variable {ENV} is not set"):
        send(rows, ENV, TABLE)


def test_a_database_that_is_down_is_named_without_its_password(
    rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV, "postgresql://writer:s3cret@127.0.0.1:1/bank")
    with pytest.raises(DataError, match="the database at 127.0.0.1:1/bank does not answer") as caught:
        send(rows, ENV, TABLE)
    assert "s3cret" not in str(caught.value)


def _cells(workbook: Path) -> tuple[list[list[str]], str]:
    """Texts of the first worksheet as a spreadsheet shows them, and the worksheet's XML."""
    with zipfile.ZipFile(workbook) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        shared = ["".join(item.itertext()) for item in ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))]
    found = []
    for row in re.findall(r"<row.*?</row>", sheet):
        cells = re.findall(r'<c [^>]*?(?:t="(\w+)")?><v>([^<]*)</v></c>', row)
        found.append([shared[int(value)] if kind == "s" else value for kind, value in cells])
    return found, sheet


def test_a_workbook_per_campaign_runs_nothing_and_keeps_numbers(rows: pd.DataFrame, tmp_path: Path) -> None:
    files = write_lists(rows, tmp_path)
    assert [f.name for f in files] == ["P_1.xlsx", "P2.xlsx"]
    cells, sheet = _cells(tmp_path / "P_1.xlsx")
    assert cells[0][:3] == ["campaign_id", "customer_id", "week"]
    assert "'=HYPERLINK(1)" in cells[1]
    assert "-2" in cells[2]
    assert "<f>" not in sheet
    assert len(cells) == 3
    again = write_table(rows[rows["campaign_id"].eq("P/1")], tmp_path / "again.xlsx")
    assert again.read_bytes() == (tmp_path / "P_1.xlsx").read_bytes()
    with zipfile.ZipFile(again) as parts:
        assert b"2000-01-01T00:00:00Z" in parts.read("docProps/core.xml")  # not the clock
    assert sorted(p.name for p in tmp_path.iterdir()) == ["P2.xlsx", "P_1.xlsx", "again.xlsx"]


def test_files_that_would_hide_rows_are_refused(rows: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 rows have no reason_1"):
        write_lists(rows, tmp_path, by="reason_1")
    with pytest.raises(DataError, match="the same file name"):
        write_lists(rows.assign(campaign_id=["a/b", "a b", "c"]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_neighbour_of_a_list_in_sqlite_is_untouched(rows: pd.DataFrame, tmp_path: Path, monkeypatch) -> None:
    with sqlite3.connect(tmp_path / "lists.db") as connection:
        connection.execute("CREATE TABLE x (n int)")
        connection.execute("INSERT INTO x VALUES (1)")
    connection.close()
    monkeypatch.setenv(ENV, f"sqlite:///{tmp_path / 'lists.db'}")
    send(rows, ENV, TABLE)
    with sqlite3.connect(tmp_path / "lists.db") as connection:
        assert connection.execute("SELECT count(*) FROM x").fetchone() == (1,)
    connection.close()
