"""The workspace in which sources are staged: one DuckDB database on disk, so that size is bounded by the disk."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

# Number of the line in a relation of source columns; a name that no source column is likely to have.
LINE = "__line"


@dataclass(frozen=True)
class Staged:
    """Rows of one source for one canonical table, not yet cast or checked.

    Attributes
    ----------
    table, source : str
        The canonical table, and the name of the source.
    relation : str
        A view in the workspace: ``source_line`` (line of the file, or number of the row; starts at 1), ``raw`` (the
        source's own row as JSON text) and the canonical columns that the source has, as they arrived.
    rows : int
        Rows read, counted where they came from and including those that could not be split into columns.
    malformed : str, optional
        A table of those lines: ``source_line``, ``rule``, ``raw``.
    """

    table: str
    source: str
    relation: str
    rows: int
    malformed: str | None = None


@dataclass
class Delivery:
    """All that one source delivers, with what a reader should know about it.

    ``files`` counts the rows of every file or table that was read, used or not.
    """

    name: str
    staged: list[Staged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    covers_until: date | None = None
    prefix: str = ""
    customer_map: str | None = None


class Workspace:
    """A DuckDB database in a temporary folder, with names that don't clash."""

    error = duckdb.Error

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.folder = folder
        self.ibis = ibis.duckdb.connect(folder / "workspace.duckdb", temp_directory=str(folder / "spill"))
        self._count = 0
        if threads:
            self.run(f"SET threads = {int(threads)}")

    def run(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and fetch its rows."""
        return self.ibis.con.execute(sql, values).fetchall()

    def number(self, sql: str) -> int:
        """Fetch one count."""
        return int(self.run(sql)[0][0])

    def fresh(self, stem: str) -> str:
        """Name a new relation."""
        self._count += 1
        return f"{stem}_{self._count}"

    def view(self, stem: str, select: str) -> str:
        name = self.fresh(stem)
        self.run(f"CREATE VIEW {quoted(name)} AS {select}")
        return name

    def table(self, stem: str, select: str) -> str:
        name = self.fresh(stem)
        self.run(f"CREATE TABLE {quoted(name)} AS {select}")
        return name

    def open(self, relation: str) -> ir.Table:
        return self.ibis.table(relation)

    def types(self, relation: str) -> dict[str, str]:
        """Columns of a relation with DuckDB's names of their types."""
        return {row[0]: row[1] for row in self.run(f"DESCRIBE {quoted(relation)}")}


@contextmanager
def workspace(beside: Path, threads: int | None = None) -> Iterator[Workspace]:
    """Open a workspace in a temporary folder on the disk of ``beside``; it is gone afterwards."""
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".ingest-", dir=beside) as folder:
        space = Workspace(Path(folder), threads)
        try:
            yield space
        finally:
            space.ibis.disconnect()


def quoted(identifier: str) -> str:
    """Quote an identifier for SQL.

    Examples
    --------
    >>> quoted('net "amount"')
    '"net ""amount\"""'
    """
    return '"' + identifier.replace('"', '""') + '"'


def text(value: object) -> str:
    """Spell a value as an SQL text literal.

    Examples
    --------
    >>> text("d'Or")
    "'d''Or'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def raw_json(columns: list[str]) -> str:
    """SQL for a source row as JSON text; computed only for the rows that are rejected."""
    fields = ", ".join(f"{text(c)}, {quoted(c)}" for c in columns)
    return f"CAST(json_object({fields}) AS VARCHAR)"
