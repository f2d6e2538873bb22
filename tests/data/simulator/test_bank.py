"""Tests of the whole simulation: bytes, chunks, canonical columns."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from afraz.data.schemas import TABLES
from afraz.data.simulator.bank import simulate


def small(folder: Path, **more: object) -> dict[str, bytes]:
    arguments = {"customers": 300, "months": 14, "seed": 2, "end": date(2026, 7, 1)} | more
    simulate(folder / "source", folder / "truth", **arguments)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


def test_equal_arguments_give_equal_bytes_and_another_seed_others(tmp_path: Path):
    first, second = small(tmp_path / "a"), small(tmp_path / "b")
    assert first == second
    other = small(tmp_path / "c", seed=3)
    assert other["source/transactions.parquet"] != first["source/transactions.parquet"]


def test_every_table_has_the_canonical_columns(tmp_path: Path):
    small(tmp_path)
    for name, table in TABLES.items():
        known = [c for c in table.names if (name, c) != ("treatments", "agent_id")]  # its campaigns name no agent
        assert pq.read_schema(tmp_path / "source" / f"{name}.parquet").names == known


def test_chunks_give_a_bank_of_the_same_kind_with_keys_that_are_unique(tmp_path: Path):
    rows = simulate(tmp_path / "s", tmp_path / "t", customers=300, months=14, seed=2, chunk_customers=100, dirt=False)
    customers = pq.read_table(tmp_path / "s" / "customers.parquet")["customer_id"].to_pylist()
    assert len(set(customers)) == len(customers)
    owners = pq.read_table(tmp_path / "s" / "transactions.parquet", columns=["customer_id"])["customer_id"].to_pylist()
    assert owners == sorted(owners)
    assert rows["rows"]["customers"] == pytest.approx(300 * (1 + 14 * 0.0175), rel=0.1)


def test_the_first_chunk_does_not_depend_on_the_others(tmp_path: Path):
    for name, size in (("one", 100), ("two", 200)):
        simulate(tmp_path / name, tmp_path / f"{name}_t", customers=size, months=8, seed=2, chunk_customers=100,
                 dirt=False)  # fmt: skip
    one, two = (pq.read_table(tmp_path / n / "accounts.parquet").to_pylist() for n in ("one", "two"))
    assert two[: len(one) // 2] == one[: len(one) // 2]


def test_without_dirt_no_row_is_listed(tmp_path: Path):
    small(tmp_path, dirt=False)
    assert pq.read_table(tmp_path / "truth" / "dirt.parquet").num_rows == 0
