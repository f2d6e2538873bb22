"""The leak audit: no feature may change when what lay ahead of as_of is taken away or altered.

It doesn't read code: it rebuilds the features of a sample of customers from tables without, and with other, rows and
values dated after as_of, and compares. Values without a date (a region that may be overwritten when somebody moves)
can't be judged that way; features that use them are reported unless a parameter waives the column with a reason.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ..data.schemas import TABLES
from ..errors import DataError, ParamsError, nearest
from .blinding import altered, blinded, disturbed
from .feature import KEY
from .windows import ordered_dates

Build = Callable[[dict[str, ir.Table], list[date]], ir.Table]
ROWS = "(which customers have a row)"


@dataclass(frozen=True)
class AuditReport:
    """What was audited and what was found.

    Attributes
    ----------
    findings : list of dict
        ``feature``, ``kind`` (removed, altered: it looks ahead; undated: it uses a value that may be overwritten),
        ``where`` (the as_of date, or the column), ``customers`` (how many of the sample differ).
    waived : list of dict
        ``column``, ``reason`` and ``features``: undated columns that a parameter waives.
    ahead : dict
        Per as_of date, how many rows of the sample lay ahead of it: an audit without any shows nothing.
    """

    customers: int
    as_of: list[str]
    features: int
    findings: list[dict[str, Any]] = field(default_factory=list)
    waived: list[dict[str, Any]] = field(default_factory=list)
    ahead: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True if nothing was found."""
        return not self.findings

    def joined(self, other: "AuditReport") -> "AuditReport":
        """Put the audits of two builds on the same customers and dates together."""
        return replace(
            self, features=self.features + other.features, findings=[*self.findings, *other.findings],
            waived=[*self.waived, *other.waived],
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """One row per finding, then one per waived column: feature, kind, where, customers, reason."""
        rows = [{**f, "reason": ""} for f in self.findings]
        rows += [
            {"feature": ", ".join(w["features"]), "kind": "waived", "where": w["column"], "reason": w["reason"]}
            for w in self.waived
        ]
        return pd.DataFrame(rows, columns=["feature", "kind", "where", "customers", "reason"])

    def stop_on_leaks(self) -> None:
        """Stop the stage, naming the features, unless nothing was found.

        Raises
        ------
        DataError
            If a feature looks ahead or uses an undated value that is not waived.

        Examples
        --------
        >>> AuditReport(1, [], 1, [{"feature": "spent", "kind": "removed"}]).stop_on_leaks()
        Traceback (most recent call last):
        ...
        afraz.errors.DataError: leak audit: spent (removed): these features know the future, or a value that ...
        """
        if not self.passed:
            found = sorted({f"{f['feature']} ({f['kind']})" for f in self.findings})
            raise DataError(
                f"leak audit: {', '.join(found[:8])}: these features know the future, or a value that may be "
                "overwritten: mend them, or waive undated columns with a reason in params/features.yaml"
            )

    def to_dict(self) -> dict[str, Any]:
        """Spell the report as plain values."""
        return {"passed": self.passed, **asdict(self)}


class _Bench:
    """A private database in which the tables of a sample can be replaced under a feature table built once.

    Building the expression costs more than running it on a sample, so it is built and compiled once.
    """

    def __init__(self, tables: dict[str, ir.Table], customers: list[str]) -> None:
        self.backend = ibis.duckdb.connect()
        chosen = ibis.memtable({"customer_id": customers}, schema={"customer_id": "string"})
        sample = {}
        for name, table in tables.items():
            rows = table.semi_join(chosen, "customer_id") if "customer_id" in table.columns else table
            sample[name] = rows.to_pyarrow()
        self.original, self.current = sample, dict(sample)
        for name, rows in sample.items():
            self.backend.con.register(f"original_{name}", rows)
            self.backend.con.register(name, rows)
        self.tables = {name: self.backend.table(name) for name in sample}

    def source(self, name: str) -> ir.Table:
        return self.backend.table(f"original_{name}")

    def build(self, build: Build, as_of: list[date]) -> pd.DataFrame:
        self.expression = build(self.tables, as_of)
        first = self.backend.to_pyarrow(self.expression)
        self.sql = str(ibis.to_sql(self.expression, dialect="duckdb"))
        for name in self.tables:
            self.replace(name, self.original[name].slice(0, 0))
        if len(self.run()):
            raise DataError("the leak audit needs a build that is lazy: return an expression over the tables given")
        self.restore()
        return _keyed(first)

    def replace(self, name: str, rows: pa.Table) -> None:
        self.current[name] = rows
        self.backend.con.register(name, rows)

    def lost(self) -> int:
        return sum(len(self.original[name]) - len(rows) for name, rows in self.current.items())

    def restore(self) -> None:
        for name, rows in self.original.items():
            self.replace(name, rows)

    def run(self) -> pd.DataFrame:
        return _keyed(self.backend.con.sql(self.sql).to_arrow_table())


def _keyed(rows: pa.Table) -> pd.DataFrame:
    frame = rows.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return frame.set_index([*(c for c in ("loan_id", "item") if c in frame), *KEY]).sort_index()


def _differences(expected: pd.DataFrame, got: pd.DataFrame) -> dict[str, int]:
    """Count the customers for whom each feature differs; exact, as the aggregates are."""
    found: dict[str, int] = {}
    other = expected.index.symmetric_difference(got.index)
    if len(other):
        found[ROWS] = len(other)
        both = expected.index.intersection(got.index)
        expected, got = expected.loc[both], got.loc[both]
    numbers = expected.select_dtypes("number").columns
    left, right = expected[numbers].to_numpy(float), got[numbers].to_numpy(float)
    counts = ((left != right) & ~(np.isnan(left) & np.isnan(right))).sum(axis=0)
    found |= {name: int(count) for name, count in zip(numbers, counts, strict=True) if count}
    for name in expected.columns.difference(numbers):
        one, two = expected[name].to_numpy(object), got[name].to_numpy(object)
        count = int(((one != two) & ~(pd.isna(one) & pd.isna(two))).sum())
        if count:
            found[name] = count
    return found


def _undated(tables: dict[str, ir.Table]) -> Iterator[tuple[str, str]]:
    for name, table in tables.items():
        if name in TABLES:
            for column in TABLES[name].columns:
                if column.undated and column.name in table.columns:
                    yield name, column.name


def _check_waivers(waived: dict[str, str]) -> None:
    known = {f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.undated}
    known |= {column.split(".")[0] for column in known}
    for column, reason in waived.items():
        if column not in known:
            raise ParamsError(f"leak audit: {column!r} is no undated column or table: {nearest(column, known)}")
        if not str(reason).strip():
            raise ParamsError(f"leak audit: the waiver of {column} needs a reason, not an empty text")


def spread(as_of: Sequence[date], count: int = 3) -> list[date]:
    """Choose dates evenly from first to last.

    Examples
    --------
    >>> [d.month for d in spread([date(2024, m, 1) for m in range(1, 12)])]
    [1, 6, 11]
    """
    dates = ordered_dates(as_of)
    places = np.unique(np.linspace(0, len(dates) - 1, min(count, len(dates))).round().astype(int))
    return [dates[i] for i in places]


def leak_audit(
    tables: dict[str, ir.Table],
    as_of: Sequence[date],
    build: Build,
    *,
    sample: int = 200,
    seed: int = 7,
    waived: dict[str, str] | None = None,
    window_days: int = 0,
) -> AuditReport:
    """Audit the features of a sample of customers.

    Parameters
    ----------
    tables : dict of str to ir.Table
        Canonical tables.
    as_of : sequence of date
        Dates of the feature table; up to three, evenly spread, are audited. Choose dates with data after them.
    build : callable
        ``build(tables, as_of)`` returns the feature table, lazily: customer_id, as_of, features.
    sample : int
        Customers.
    seed : int
        Chooses them, and how far moments are shifted.
    waived : dict of str to str
        Undated columns (``customers.region_id``) or tables (``regions``) that may be used, and why.
    window_days : int
        0 where customers have a row at the very date. For applications, which fall on any day, the rows of so many
        days before the date: their features must not know what came after it either.

    Returns
    -------
    AuditReport
        Its ``findings`` name every feature that looks ahead or uses an undated value.

    Raises
    ------
    ParamsError
        A waiver names no undated column, or gives no reason.
    DataError
        No customers, or a build that isn't lazy.

    Examples
    --------
    >>> leak_audit({}, [date(2024, 1, 1)], lambda tables, as_of: None, waived={"customers.regio_id": "fixed"})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: leak audit: 'customers.regio_id' is no undated column or table: ...
    """
    waived = waived or {}
    _check_waivers(waived)
    rng = np.random.default_rng(seed)
    chosen = _customers(tables, sample, rng)
    bench, dates = _Bench(tables, chosen), spread(as_of)
    expected = bench.build(build, dates)
    if not any(len(_rows_of(expected, day, window_days)) for day in dates):
        raise DataError(f"the leak audit found no row at {dates[0]} to {dates[-1]}: take more customers or other dates")
    shift = timedelta(days=int(rng.integers(40, 80)))
    report = AuditReport(len(chosen), [d.isoformat() for d in dates], expected.shape[1])
    for day in dates:
        at = _rows_of(expected, day, window_days)
        for kind in ("removed", "altered"):
            for name in bench.tables:
                rows = bench.source(name)
                changed = blinded(name, rows, day) if kind == "removed" else disturbed(name, rows, day, shift)
                bench.replace(name, changed.to_pyarrow())
            if kind == "removed":
                report.ahead[day.isoformat()] = bench.lost()
            got = _rows_of(bench.run(), day, window_days)
            for feature, count in _differences(at, got).items():
                where = day.isoformat()
                report.findings.append({"feature": feature, "kind": kind, "where": where, "customers": count})
        bench.restore()
    for table in sorted(set(tables) - set(TABLES)):  # no schema dates it: no feature may hang on it
        bench.replace(table, bench.original[table].slice(0, 0))
        for feature, count in _differences(expected, bench.run()).items():
            report.findings.append({"feature": feature, "kind": "undated", "where": table, "customers": count})
        bench.restore()
    for table, column in _undated(tables):
        if bench.original[table][column].null_count == len(bench.original[table]):
            continue
        rows = bench.source(table)
        bench.replace(table, rows.mutate(**{column: altered(rows[column], shift)}).to_pyarrow())
        found = _differences(expected, bench.run())
        bench.restore()
        where = f"{table}.{column}"
        reason = waived.get(where, waived.get(table))
        if found and reason:
            report.waived.append({"column": where, "reason": reason, "features": sorted(found)})
        elif found:
            report.findings.extend(
                {"feature": f, "kind": "undated", "where": where, "customers": n} for f, n in found.items()
            )
    return report


def _rows_of(frame: pd.DataFrame, day: date, window_days: int) -> pd.DataFrame:
    when = frame.index.get_level_values("as_of")
    end = pd.Timestamp(day)
    return frame[when == end if not window_days else (when < end) & (when >= end - pd.Timedelta(days=window_days))]


def _customers(tables: dict[str, ir.Table], sample: int, rng: np.random.Generator) -> list[str]:
    if "customers" not in tables:
        raise DataError("the leak audit needs the table customers: run the ingest stage first")
    names = np.sort(tables["customers"].customer_id.to_pyarrow().to_numpy(zero_copy_only=False).astype(str))
    if not len(names):
        raise DataError("the leak audit found no customers: check the ingest stage's report")
    return sorted(rng.choice(names, min(sample, len(names)), replace=False).tolist())
