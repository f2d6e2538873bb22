"""Ingest: source rows in, canonical tables and rejects out. Every row read is accepted or rejected; none is lost.

Several sources make one customer base. Rows of events are appended. Where two sources have the same ``customer_id``
(or ``region_id``), after prefixes and the customer map, their rows become one: each attribute comes from the first
source in the list that has a value. A key that occurs twice within one source, or in another table, is a duplicate:
the first row by order of sources and lines is kept.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from ..catalog import to_json
from ..errors import DataError, ParamsError
from .acceptance import Built, build
from .quality import is_fault
from .schemas import TABLES, Table
from .sources.registry import stage
from .sources.staging import Delivery, Staged, Workspace, quoted, text, workspace
from .validation import validate

_ROW_GROUP = 122_880


@dataclass(frozen=True)
class IngestReport:
    """What became of every row read.

    Attributes
    ----------
    counts : dict
        Per table ``read``, ``accepted``, ``rejected``, ``outside`` (the rejected that merely lie outside the asked
        period) and ``written`` (fewer than accepted where rows of two sources became one).
    reasons : list of (table, rule, source, rows)
    files : dict
        Rows of every file or database table that was read, as ``source/file``.
    notes : list of str
    """

    counts: dict[str, dict[str, int]]
    reasons: list[tuple[str, str, str, int]]
    files: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for table, n in self.counts.items():
            assert n["read"] == n["accepted"] + n["rejected"], f"{table}: rows were lost: {n}"

    def table(self) -> pd.DataFrame:
        """One row per table: read, accepted, rejected, outside, share (of faults among the rows read), written."""
        rows = [
            {"table": table, "read": n["read"], "accepted": n["accepted"], "rejected": n["rejected"],
             "outside": n["outside"], "share": self.share(table), "written": n["written"]}
            for table, n in self.counts.items()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["table", "read", "accepted", "rejected", "outside", "share", "written"])

    def causes(self) -> pd.DataFrame:
        """One row per table, rule and source: how many rows were rejected, most first."""
        frame = pd.DataFrame(self.reasons, columns=["table", "rule", "source", "rows"])
        return frame.sort_values(["rows", "table", "rule", "source"], ascending=[False, True, True, True],
                                 ignore_index=True)  # fmt: skip

    def share(self, table: str) -> float:
        """Share of faulty rows among the rows of a table that lie in the asked period."""
        n = self.counts[table]
        return (n["rejected"] - n["outside"]) / max(n["read"] - n["outside"], 1)


def ingest(
    sources: Sequence[Mapping[str, Any]],
    canonical: Path,
    rejects: Path,
    *,
    observed_until: date,
    max_reject_share: float = 0.02,
    max_amount: float = 1e9,
    threads: int | None = None,
) -> IngestReport:
    """Turn sources into canonical tables.

    Parameters
    ----------
    sources : sequence of mappings
        Settings of each source (:mod:`afraz.data.sources.settings`); their order is their precedence.
    canonical, rejects : Path
        Folders to write to. Tables of an earlier ingest are replaced.
    observed_until : date
        The first moment that the data don't cover; later rows are rejected.
    max_reject_share : float
        Share of faulty rows of any table above which nothing canonical is written.
    max_amount : float
        Amounts of money beyond this, either way, are rejected as absurd.
    threads : int, optional
        Threads of DuckDB; the bytes written don't depend on it.

    Raises
    ------
    ParamsError
        For settings that are unknown, ill-typed or point to an unset environment variable.
    DataError
        If a source is missing or unreadable, a mandatory table is missing or empty, or too many rows are faulty; in
        the last case the rejects are written.
    """
    if not sources:
        raise ParamsError("ingest has no source: name at least one in params/ingest.yaml, for instance kind: demo")
    if not 0 <= max_reject_share <= 1:
        raise ParamsError(f"max_reject_share is a share from 0 to 1; arrived {max_reject_share}")
    with _damage_as_error(), workspace(canonical.parent, threads) as space:
        deliveries = [stage(space, settings) for settings in sources]
        _refuse_same_names(deliveries)
        notes = [note for delivery in deliveries for note in delivery.notes]
        built = build(space, deliveries, observed_until, max_amount, notes)
        files = {f"{d.name}/{file}": rows for d in deliveries for file, rows in d.files.items()}
        report = IngestReport({t: b.counts for t, b in built.items()}, _reasons(space, built), files, notes)
        _write_rejects(space, built, rejects)
        _refuse_faults(report, max_reject_share, rejects)
        _write_canonical(space, built, canonical, observed_until, report)
    return report


@contextmanager
def _damage_as_error() -> Iterator[None]:
    """Say in one line what stopped DuckDB: a damaged file, a full disk, too little memory."""
    try:
        yield
    except duckdb.Error as error:
        raise DataError(f"ingest stopped: {str(error).splitlines()[0]}.\nLook for a damaged source file, a full disk "
                        f"or too little memory; nothing canonical was written.") from error  # fmt: skip


def _reasons(space: Workspace, built: Mapping[str, Built]) -> list[tuple[str, str, str, int]]:
    reasons: dict[tuple[str, str, str], int] = {}
    for table, b in built.items():
        for part, rule, n in space.run(f"SELECT part, rule, count(*) FROM {b.rejected} GROUP BY ALL ORDER BY ALL"):
            cause = (table, rule, b.staged[part][1].source)
            reasons[cause] = reasons.get(cause, 0) + n
    return [(*cause, n) for cause, n in reasons.items()]


def _write_rejects(space: Workspace, built: Mapping[str, Built], folder: Path) -> None:
    """Write each table's rejects: rule, source, line, the values as text as they arrived, and the whole source row."""
    _fresh_folder(folder)
    for name, b in built.items():
        if b.counts["rejected"] == 0:
            continue
        parts = [_rejected_rows(space, TABLES[name], b, part, s) for part, (_, s) in enumerate(b.staged)]
        union = " UNION ALL BY NAME ".join(parts)
        select = ", ".join(["rule", "source", "source_line", *map(quoted, TABLES[name].names), "raw"])
        _copy(space, f"SELECT {select} FROM ({union}) ORDER BY part, source_line, rule", folder / f"{name}.parquet")


def _rejected_rows(space: Workspace, table: Table, b: Built, part: int, staged: Staged) -> str:
    arrived = space.types(staged.relation)
    values = ", ".join(
        f"{f's.{quoted(c)}::VARCHAR' if c in arrived else 'NULL::VARCHAR'} AS {quoted(c)}" for c in table.names
    )
    head = f"r.rule, {text(staged.source)} AS source, r.source_line, {part} AS part"
    rows = (f"SELECT {head}, {values}, s.raw FROM {quoted(staged.relation)} s JOIN "
            f"(FROM {b.rejected} WHERE part = {part}) r ON s.source_line = r.source_line")  # fmt: skip
    if staged.malformed:
        rows += f" UNION ALL BY NAME SELECT {head}, r.raw FROM (SELECT *, {part} AS part FROM {staged.malformed}) r"
    return rows


def _refuse_faults(report: IngestReport, max_reject_share: float, rejects: Path) -> None:
    bad = [table for table in report.counts if report.share(table) > max_reject_share]
    if not bad:
        return
    causes = report.causes()
    faults = causes[causes["rule"].map(is_fault) & causes["table"].isin(bad)].head(12)
    shares = ", ".join(f"{table} {report.share(table):.1%}" for table in bad)
    raise DataError(
        f"too many faulty rows ({shares}; max_reject_share is {max_reject_share:.1%}): mend the source or its settings "
        f"by these causes; the rows are in {rejects}\n{faults.to_string(index=False)}"
    )


def _write_canonical(
    space: Workspace, built: Mapping[str, Built], folder: Path, observed_until: date, report: IngestReport
) -> None:
    _fresh_folder(folder)
    coverage: dict[str, Any] = {}
    for name, b in built.items():
        if b.counts["written"] == 0:
            continue
        table = TABLES[name]
        validate(space.open(b.accepted), name)
        order = ", ".join(map(quoted, _order(table)))
        _copy(space, f"SELECT * FROM {b.accepted} ORDER BY {order}", folder / f"{name}.parquet")
        coverage[name] = {"rows": b.counts["written"], **_period(space, table, b.accepted)}
    coverage |= {"observed_until": observed_until.isoformat(), "notes": report.notes, "files": report.files}
    (folder / "coverage.json").write_text(to_json(coverage), "utf-8")


def _order(table: Table) -> list[str]:
    """Events of a customer lie together, in the order of time; everything else is in the order of its key."""
    if "customer_id" in table.names and table.event_time and table.key != ("customer_id",):
        return list(dict.fromkeys(["customer_id", table.event_time, *table.key]))
    return list(table.key)


def _period(space: Workspace, table: Table, relation: str) -> dict[str, str | None]:
    if table.event_time is None:
        return {"first": None, "last": None}
    ((first, last),) = space.run(f"SELECT min({table.event_time}), max({table.event_time}) FROM {relation}")
    return {"first": _iso(first), "last": _iso(last)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(sep=" ") if moment else None


def _copy(space: Workspace, select: str, place: Path) -> None:
    """Write Parquet in the order of the select, whole or not at all."""
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    space.run(f"COPY ({select}) TO {text(partial)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})")
    os.replace(partial, place)


def _fresh_folder(folder: Path) -> None:
    """Make the folder and take the tables of an earlier ingest out of it; other files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        (folder / f"{name}.parquet").unlink(missing_ok=True)
    (folder / "coverage.json").unlink(missing_ok=True)


def _refuse_same_names(deliveries: list[Delivery]) -> None:
    names = [d.name for d in deliveries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParamsError(f"two sources are called {twice[0]!r}: give each its own `name`")
