"""The sql source on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from afraz.data.ingest import ingest
from afraz.data.sources.database import masked, read_url
from afraz.errors import DataError, ParamsError

ENV = "AFRAZ_TEST_DATABASE_URL"
CUSTOMERS = 'bank."Kunden; DROP TABLE x"'
SETTINGS: dict[str, Any] = {
    "kind": "sql", "name": "core", "url_env": ENV, "chunk_rows": 2,
    "tables": {
        "customers": {"table": "Kunden; DROP TABLE x", "schema": "bank",
                      "columns": {"customer_id": 'nr "alt"', "joined_at": "seit", "marketing_consent": "werbung"}},
        "transactions": {"query": 'SELECT id, kunde, wann, betrag, art FROM bank.buchungen WHERE betrag <> 0',
                         "columns": {"transaction_id": "id", "customer_id": "kunde", "booked_at": "wann",
                                     "amount": "betrag", "kind": "art"},
                         "codes": {"kind": {"K": "purchase", "G": "salary"}}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def server(postgres: Any) -> Iterator[Any]:
    engine = sa.create_engine(_url(postgres))
    with engine.begin() as connection:
        for statement in (
            "CREATE SCHEMA bank",
            f'CREATE TABLE {CUSTOMERS} ("nr ""alt""" int, seit timestamptz, werbung boolean, foto bytea)',
            f"INSERT INTO {CUSTOMERS} VALUES (1, '2020-01-01 01:00+02', true, NULL), (2, NULL, false, 'x')",
            "CREATE TABLE bank.buchungen (id int, kunde int, wann timestamp, betrag numeric(20,4), art text)",
            "INSERT INTO bank.buchungen SELECT i, 1 + i % 2, timestamp '2024-01-01' + i * interval '1 hour', "
            "12.345 + i, CASE WHEN i = 4 THEN 'Z' ELSE 'K' END FROM generate_series(1, 5) i",
            "INSERT INTO bank.buchungen VALUES (6, 1, '2024-02-01', 'NaN', 'K'), (7, 1, '2024-02-01', 0, 'K')",
        ):
            connection.execute(sa.text(statement))
    yield postgres
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA bank CASCADE"))
    engine.dispose()


def _url(server: Any) -> str:
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def run(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(ENV, server.get_uri())

    def go(settings: dict[str, Any] = SETTINGS) -> Any:
        return ingest([settings], tmp_path / "c", tmp_path / "r", observed_until=date(2024, 7, 1), max_reject_share=1)

    return go


def test_tables_and_queries_are_read_in_chunks_with_exact_values(run: Any, tmp_path: Path) -> None:
    report = run()
    customers = pd.read_parquet(tmp_path / "c" / "customers.parquet")
    assert customers["joined_at"].iloc[0] == pd.Timestamp("2019-12-31 23:00")
    assert list(customers["marketing_consent"]) == [True, False]
    booked = pd.read_parquet(tmp_path / "c" / "transactions.parquet").set_index("transaction_id")
    assert booked["amount"].to_dict() == {
        "1": Decimal("13.35"), "2": Decimal("14.35"), "3": Decimal("15.35"), "5": Decimal("17.35")
    }  # fmt: skip
    causes = report.causes().set_index("rule")["rows"].to_dict()
    assert causes == {"kind_unknown_code": 1, "amount_not_finite": 1}
    assert report.counts["transactions"]["read"] == 6


def test_neither_url_nor_user_is_written_anywhere(run: Any, tmp_path: Path, server: Any) -> None:
    run()
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"postgresql" not in written
    assert server.get_uri().split("host=")[1].encode() not in written


def test_the_same_rows_in_another_order_give_the_same_bytes(run: Any, tmp_path: Path) -> None:
    run()
    first = (
        (tmp_path / "c" / "transactions.parquet").read_bytes(),
        (tmp_path / "r" / "transactions.parquet").read_bytes(),
    )
    query = SETTINGS["tables"]["transactions"]["query"] + " ORDER BY id DESC"
    tables = SETTINGS["tables"] | {"transactions": SETTINGS["tables"]["transactions"] | {"query": query}}
    run(SETTINGS | {"tables": tables})
    assert first == (
        (tmp_path / "c" / "transactions.parquet").read_bytes(),
        (tmp_path / "r" / "transactions.parquet").read_bytes(),
    )


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("customers", {"table": "kunden", "schema": "bank"}, "kunden is not in the database: known: Kunden"),
        ("customers", {"columns": {"customer_id": "nr"}}, "lacks the column 'nr'"),
        ("transactions", {"query": "SELECT * FROM gone"}, 'database refuses: relation "gone" does not exist'),
        (
            "transactions",
            {"query": "SELECT id FROM bank.buchungen"},
            "the query for transactions lacks the column 'kunde'",
        ),
    ],
)
def test_a_missing_table_or_column_is_named(run: Any, table: str, change: dict[str, Any], message: str) -> None:
    tables = SETTINGS["tables"] | {table: SETTINGS["tables"][table] | change}
    with pytest.raises(DataError, match=message):
        run(SETTINGS | {"tables": tables})


def test_a_database_that_is_down_is_a_short_error_without_the_password(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV, "postgresql://reader:s3cret@127.0.0.1:1/bank")
    with pytest.raises(DataError, match=r"source core: the database at 127.0.0.1:1/bank does not answer") as caught:
        run()
    message = str(caught.value)
    assert "s3cret" not in message
    assert len(message.splitlines()) == 2
    assert f"correct ${ENV}" in message


def test_an_unset_variable_and_a_text_that_is_no_url_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    with pytest.raises(ParamsError, match=f"environment variable {ENV} is not set"):
        read_url(ENV, "source core")
    monkeypatch.setenv(ENV, "no url, s3cret")
    with pytest.raises(ParamsError, match="is no SQLAlchemy URL") as caught:
        read_url(ENV, "source core")
    assert "s3cret" not in str(caught.value)


def test_passwords_are_masked_wherever_they_stand() -> None:
    url = sa.make_url("postgresql://u:a%40b@h/d?sslpassword=xyz1")
    assert masked("a@b or xyz1 or d", url) == "*** or *** or d"
