"""One bank for all band tests: clean, of the default size, simulated once."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from afraz.data.simulator.bank import simulate


def _connect(folder: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    for place, prefix in ((folder / "source", ""), (folder / "truth", "truth_")):
        for file in sorted(place.glob("*.parquet")):
            con.execute(f"create view {prefix}{file.stem} as from '{file}'")
    return con


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a bank of 10,000 customers and 36 months, without dirt; ``closures`` says who left when."""
    folder = tmp_path_factory.mktemp("bank")
    simulate(folder / "source", folder / "truth", customers=10_000, seed=7, dirt=False)
    with _connect(folder) as con:
        con.execute("""create table closures as
            select customer_id, max(closed_at) as closed_at from accounts where product = 'current' group by 1""")
        yield con


@pytest.fixture(scope="session")
def dirty_bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a small bank with dirt."""
    folder = tmp_path_factory.mktemp("dirty_bank")
    simulate(folder / "source", folder / "truth", customers=1_500, seed=3, dirt=True)
    with _connect(folder) as con:
        yield con
