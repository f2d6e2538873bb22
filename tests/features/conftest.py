"""Small banks with known answers, and one random bank for comparisons."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from afraz.data.schemas import CHANNELS, KINDS, TABLES

ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us"), "date": pa.date32(), "money": pa.decimal128(18, 2),
    "integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(),
}  # fmt: skip
Tables = dict[str, ir.Table]


def _plain(value: Any, type: str) -> Any:
    if isinstance(value, str) and type == "timestamp":
        return datetime.fromisoformat(value)
    if isinstance(value, str) and type == "date":
        return date.fromisoformat(value)
    return Decimal(str(value)) if type == "money" and value is not None else value


def canonical(name: str, rows: Sequence[dict[str, Any]]) -> ir.Table:
    """Spell rows as the canonical table, columns that are left out as missing."""
    columns = TABLES[name].columns
    arrays = {c.name: pa.array([_plain(r.get(c.name), c.type) for r in rows], ARROW[c.type]) for c in columns}
    return ibis.memtable(pa.table(arrays))


@pytest.fixture
def bank() -> Callable[..., Tables]:
    """Make a bank from rows; customers not given are those of the transactions, joined in 2020."""

    def make(transactions: Sequence[dict[str, Any]] = (), **more: Sequence[dict[str, Any]]) -> Tables:
        numbered = [
            {"transaction_id": str(i), "amount": -10, "kind": "purchase", "channel": "pos", **row}
            for i, row in enumerate(transactions)
        ]
        names = sorted({r["customer_id"] for r in numbered})
        more.setdefault("customers", [{"customer_id": n, "joined_at": "2020-01-01"} for n in names])
        return {"transactions": canonical("transactions", numbered), **{n: canonical(n, r) for n, r in more.items()}}

    return make


def on(customer: str, *days: str, **more: Any) -> list[dict[str, Any]]:
    """Book a transaction at noon of each day."""
    return [{"customer_id": customer, "booked_at": f"{d}T12:00:00", **more} for d in days]


@pytest.fixture(scope="session")
def make_on() -> Callable[..., list[dict[str, Any]]]:
    return on


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a random bank of 80 customers and two and a half years, many records late, some moments at midnight."""
    rng = np.random.default_rng(11)
    n, customers = 16_000, 80
    who = np.sort(rng.integers(0, customers, n))
    start = pd.Timestamp("2022-06-01")
    seconds = rng.integers(0, 900 * 86400, n)
    seconds[::50] -= seconds[::50] % 86400
    booked = start + pd.to_timedelta(seconds, unit="s")
    late = np.where(rng.random(n) < 0.9, rng.random(n) * 86400, rng.random(n) * 40 * 86400).round()
    known = pd.Series(booked + pd.to_timedelta(late, unit="s")).where(rng.random(n) > 0.05)
    kind = rng.integers(0, len(KINDS), n)
    sign = np.where(np.isin(kind, [2, 3, 5, 7, 9]), 1, -1)
    amount = pd.Series(np.round(rng.lognormal(4, 1.3, n) * sign, 2))
    categories = np.array([f"category {i}" for i in range(9)])
    names = [f"C{i:03d}" for i in range(customers)]
    frame = pd.DataFrame({
        "transaction_id": np.arange(n).astype(str), "customer_id": np.array(names)[who],
        "account_id": np.char.add("A", who.astype(str)), "booked_at": booked, "amount": amount,
        "margin": np.round(rng.normal(1, 4, n), 2), "kind": np.array(KINDS)[kind],
        "channel": np.array(CHANNELS)[rng.integers(0, len(CHANNELS), n)],
        "category": pd.Series(categories[rng.integers(0, 9, n)]).where(kind == 0), "branch_id": None, "known_at": known,
    })  # fmt: skip
    folder = tmp_path_factory.mktemp("bank")
    _write(folder, "transactions", frame)
    _write(folder, "customers", pd.DataFrame({
        "customer_id": names, "birth_date": [date(1950 + i % 50, 1 + i % 12, 5) for i in range(customers)],
        "gender": "female", "education": np.array(["school", "college"])[np.arange(customers) % 2],
        "region_id": np.array(["R1", "R2"])[np.arange(customers) % 2], "joined_at": start - timedelta(days=100),
        "marketing_consent": np.arange(customers) % 3 == 0,
    }))  # fmt: skip
    _write(folder, "regions", pd.DataFrame({
        "region_id": ["R1", "R2"], "name": ["North", "South"], "population": [10, 20], "urban_share": [0.5, 0.7],
        "average_income": [1000.0, 2000.0], "unemployment_rate": [0.05, 0.1]}))  # fmt: skip
    closed = pd.Series(start + pd.to_timedelta(rng.integers(300, 1500, customers), unit="D"))
    _write(folder, "accounts", pd.DataFrame({
        "account_id": [f"A{i}" for i in range(customers)], "customer_id": names, "product": "current",
        "opened_at": start - timedelta(days=100), "closed_at": closed.where(closed < pd.Timestamp("2024-11-01")),
    }))  # fmt: skip
    m = 900
    _write(folder, "contacts", pd.DataFrame({
        "contact_id": np.arange(m).astype(str), "customer_id": np.array(names)[rng.integers(0, customers, m)],
        "started_at": start + pd.to_timedelta(rng.integers(0, 900 * 86400, m), unit="s"), "direction": "inbound",
        "channel": "phone", "topic": np.array(["card", "loan", "fee"])[rng.integers(0, 3, m)],
        "wait_seconds": rng.random(m) * 300, "duration_seconds": rng.random(m) * 900,
        "resolved": rng.random(m) > 0.3, "satisfaction": rng.integers(1, 6, m)}))  # fmt: skip
    answered = rng.integers(0, 900 * 86400, 120)
    _write(folder, "surveys", pd.DataFrame({
        "survey_id": [f"S{i:03d}" for i in range(120)], "customer_id": np.array(names)[rng.integers(0, customers, 120)],
        "answered_at": start + pd.to_timedelta(answered, unit="s"), "nps": rng.integers(0, 11, 120),
        "satisfaction": rng.integers(1, 6, 120), "price_sensitivity": rng.random(120).round(2),
        "wants": np.array(["security", "return;security"])[np.arange(120) % 2],
        "known_at": start + pd.to_timedelta(answered + 9 * 86400, unit="s")}))  # fmt: skip
    assigned = start + pd.to_timedelta(np.repeat([200, 500], customers), unit="D")
    late = pd.Series(assigned + pd.to_timedelta(rng.integers(1, 60, 2 * customers), unit="D"))
    _write(folder, "treatments", pd.DataFrame({
        "campaign_id": np.repeat(["P1", "P2"], customers), "customer_id": names * 2, "assigned_at": assigned,
        "arm": np.array(["control", "offer"])[rng.integers(0, 2, 2 * customers)], "propensity": 0.5,
        "responded_at": late.where(rng.random(2 * customers) < 0.3)}))  # fmt: skip
    _write(folder, "campaigns", pd.DataFrame({
        "campaign_id": ["P1", "P2"], "channel": ["call", "sms"], "offer": "offer",
        "starts_at": start + pd.to_timedelta([200, 500], unit="D")}))  # fmt: skip
    return folder


def _write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    columns = {}
    for column in TABLES[name].columns:
        values = frame[column.name] if column.name in frame else pd.Series([None] * len(frame))
        array = pa.array(values, from_pandas=True) if column.type != "date" else pa.array(list(values))
        columns[column.name] = array.cast(ARROW[column.type])
    # small row groups, so that DuckDB's threads share even this file
    pq.write_table(pa.table(columns), folder / f"{name}.parquet", row_group_size=1000)


def open_bank(folder: Path, backend: Any) -> Tables:
    """Open a folder of canonical tables."""
    return {p.stem: backend.read_parquet(p) for p in sorted(folder.glob("*.parquet"))}


@pytest.fixture
def random_bank(random_folder: Path) -> Tables:
    return open_bank(random_folder, ibis.duckdb.connect())


RANDOM_DATES = [date(2023, 3, 1), date(2023, 11, 17), date(2024, 6, 1), date(2024, 10, 1)]


@pytest.fixture(scope="session")
def random_dates() -> list[date]:
    return list(RANDOM_DATES)
