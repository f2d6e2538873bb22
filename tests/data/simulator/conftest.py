"""Banks for the tests of the simulator, each simulated once: a clean one of the default size, a small dirty one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from afraz.data.simulator.accounts import Timeline, timeline
from afraz.data.simulator.bank import simulate
from afraz.data.simulator.campaigns import Assignments, Campaign, CampaignBook, draw_campaigns
from afraz.data.simulator.economy import Economy, draw_economy, stream
from afraz.data.simulator.lifecycle import Panel, simulate_lives
from afraz.data.simulator.population import People


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


@dataclass
class Lives:
    """A small chunk of a bank before it is spelled as tables."""

    economy: Economy
    campaigns: list[Campaign]
    people: People
    panel: Panel
    assigned: Assignments
    when: Timeline


@pytest.fixture(scope="session")
def lives() -> Lives:
    """Simulate 1,500 places for 24 months."""
    economy = draw_economy(5, 24, date(2026, 7, 1))
    campaigns = draw_campaigns(5, economy, 1_500)
    book = CampaignBook(stream(5, 0, "campaigns"), campaigns, 1_500, 1_500)
    people, panel, assigned = simulate_lives(stream(5, 0, "lives"), 1_500, economy, book)
    assert assigned is not None
    return Lives(economy, campaigns, people, panel, assigned, timeline(stream(5, 0, "when"), people, panel, economy))
