"""What tests of sources and ingest share: a workspace, and ingest of text files written on the spot."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afraz.data.ingest import IngestReport, ingest
from afraz.data.sources.staging import Workspace, workspace

CUSTOMERS = "customer_id,birth_date,joined_at\nC1,1980-01-01,2020-01-01\nC2,1990-06-30,2021-05-01\n"
TRANSACTIONS = (
    "transaction_id,customer_id,booked_at,amount,kind\n"
    "T1,C1,2024-01-05 10:00:00,-12.50,purchase\n"
    "T2,C2,2024-02-05 11:00:00,100.00,salary\n"
)


class Bank:
    """A folder of CSV files, and what ingest makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: dict[str, str | bytes] = {"customers": CUSTOMERS, "transactions": TRANSACTIONS}
        self.settings: dict[str, dict[str, Any]] = {}

    def source(self, **more: Any) -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        tables = {}
        for name, content in self.texts.items():
            raw = content if isinstance(content, bytes) else content.encode()
            (self.folder / f"{name}.csv").write_bytes(raw)
            tables[name] = {"path": f"{name}.csv", **self.settings.get(name, {})}
        return {"kind": "files", "path": str(self.folder), "tables": tables, **more}

    def ingest(self, *others: dict[str, Any], source: dict[str, Any] | None = None, **more: Any) -> IngestReport:
        settings = {"observed_until": date(2024, 7, 1), "max_reject_share": 1.0} | more
        own = self.source(**(source or {}))
        return ingest([own, *others], self.folder / "canonical", self.folder / "rejects", **settings)

    def accepted(self, table: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "canonical" / f"{table}.parquet")

    def rejected(self, table: str) -> pd.DataFrame:
        place = self.folder / "rejects" / f"{table}.parquet"
        return pd.read_parquet(place) if place.exists() else pd.DataFrame({"rule": [], "source_line": []})

    def rules(self, table: str) -> dict[int, str]:
        """Source line → rule."""
        rejected = self.rejected(table)
        return dict(zip(rejected["source_line"].astype(int), rejected["rule"], strict=True))


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "bank")


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with workspace(tmp_path) as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file into the temporary folder."""

    def put(name: str, content: str | bytes) -> Path:
        place = tmp_path / name
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    return put
