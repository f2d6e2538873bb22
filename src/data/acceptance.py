"""Which rows of the sources are accepted: cast, checked, appended, and one row per key.

Tables are built in the order in which they refer to one another, so that a reference is held against accepted keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from ..errors import DataError
from .quality import RAW, Limits, cast_rows, first_broken, is_fault
from .schemas import TABLES, Table
from .sources.identity import identify
from .sources.staging import Delivery, Staged, Workspace, quoted

MERGED = ("customers", "regions")
# A table comes after those that it refers to.
ORDER = ("regions", "customers", "campaigns", "accounts", "loans", "transactions", "loan_months", "recoveries",
         "contacts", "treatments", "surveys")  # fmt: skip


@dataclass(frozen=True)
class Built:
    """One canonical table in the workspace: accepted rows, and rejected ones (source_no, source_line, rule)."""

    accepted: str
    rejected: str
    staged: list[tuple[int, Staged]]
    counts: dict[str, int]


def build(
    space: Workspace, deliveries: list[Delivery], observed_until: date, max_amount: float, notes: list[str]
) -> dict[str, Built]:
    built: dict[str, Built] = {}
    for name in ORDER:
        staged = [(no, s) for no, d in enumerate(deliveries) for s in d.staged if s.table == name]
        rows = sum(s.rows for _, s in staged)
        if rows == 0:
            _note_absent(TABLES[name], bool(staged), notes)
            if not staged:
                continue
        parts = []
        for part, (no, s) in enumerate(staged):
            delivery = deliveries[no]
            limits = Limits(observed_until, max(delivery.covers_until or observed_until, observed_until), max_amount)
            parts.append(_checked(space, s, part, delivery, limits, built))
        built[name] = _assemble(space, TABLES[name], staged, parts)
    return built


def _note_absent(table: Table, empty: bool, notes: list[str]) -> None:
    state = "is empty" if empty else "is in no source"
    if table.mandatory:
        raise DataError(f"the table {table.name} {state}, but it is mandatory: add it to a source in params/ingest.yaml"
                        f"{' (or set derive_customers: true)' if table.name == 'customers' else ''}")  # fmt: skip
    notes.append(f"{table.name} {state}: what needs it is not applicable")


def _checked(
    space: Workspace, staged: Staged, part: int, delivery: Delivery, limits: Limits, built: Mapping[str, Built]
) -> str:
    """Cast and check the rows of one source; the result has ``part``, ``source_line``, the columns and ``rule``."""
    table = TABLES[staged.table]
    frame = identify(space, space.open(staged.relation).drop("raw"), table, delivery)
    owner = "customer_id" not in frame.columns and "account_id" in frame.columns and "accounts" in built
    if owner and table.name != "accounts":
        frame = _owned(frame, space.open(built["accounts"].accepted))
    lacking = [c.name for c in table.columns if c.required and c.name not in frame.columns]
    if lacking:
        raise DataError(f"source {staged.source}: {table.name} has no {lacking[0]}, which is required: map a column to "
                        f"it; found: {', '.join(c for c in frame.columns if c != 'source_line')}")  # fmt: skip
    rows = cast_rows(frame, table)
    references = {
        c.name: space.open(built[c.references].accepted)[TABLES[c.references].key[0]]
        for c in table.columns
        if c.references and c.references in built and RAW + c.name in rows.columns
    }
    checked = rows.select(
        source_line=rows["source_line"],
        part=ibis.literal(part, "int32"),
        rule=first_broken(rows, table, limits, references),
        **{name: rows[name] for name in table.names},
    )
    return space.table("checked", ibis.to_sql(checked, dialect="duckdb"))


def _owned(frame: ir.Table, accounts: ir.Table) -> ir.Table:
    """Give rows that name only an account the customer who owns it."""
    owners = accounts.select(owned_account=accounts["account_id"], customer_id=accounts["customer_id"])
    account = frame["account_id"].cast("string").strip()
    return frame.left_join(owners, account == owners["owned_account"]).drop("owned_account")


def _assemble(space: Workspace, table: Table, staged: list[tuple[int, Staged]], parts: list[str]) -> Built:
    """Append the parts, settle repeated keys and count."""
    every = space.view("every", " UNION ALL BY NAME ".join(f"SELECT * FROM {p}" for p in parts))
    losers = _repeated(space, table, every)
    columns = ", ".join(quoted(c) for c in table.names)
    sound = f"SELECT part, source_line, {columns} FROM {every} e WHERE rule IS NULL"
    if losers:
        sound += f" AND NOT EXISTS (SELECT 1 FROM {losers} l WHERE l.part = e.part AND l.source_line = e.source_line)"
    kept = space.view("kept", sound)
    malformed = [f"SELECT {part} AS part, source_line, rule FROM {s.malformed}"
                 for part, (_, s) in enumerate(staged) if s.malformed]  # fmt: skip
    repeated = [f"SELECT part, source_line, 'key_repeated' AS rule FROM {losers}"] if losers else []
    faulty = [f"SELECT part, source_line, rule FROM {every} WHERE rule IS NOT NULL"]
    rejected = space.table("rejected", " UNION ALL ".join(faulty + repeated + malformed))
    accepted = space.view(f"accepted_{table.name}", _merged(table, kept) if table.name in MERGED and len(parts) > 1
                          else f"SELECT {columns} FROM {kept}")  # fmt: skip
    counts = {
        "read": sum(s.rows for _, s in staged),
        "accepted": space.number(f"SELECT count(*) FROM {kept}"),
        "rejected": space.number(f"SELECT count(*) FROM {rejected}"),
        "outside": sum(n for rule, n in space.run(f"SELECT rule, count(*) FROM {rejected} GROUP BY rule")
                       if not is_fault(rule)),
        "written": space.number(f"SELECT count(*) FROM {accepted}"),
    }  # fmt: skip
    return Built(accepted, rejected, staged, counts)


def _repeated(space: Workspace, table: Table, every: str) -> str | None:
    """Find the sound rows whose key an earlier sound row has; the keys that occur once never reach the sort."""
    within = ["part"] if table.name in MERGED else []
    keys = ", ".join(map(quoted, [*table.key, *within]))
    twice = space.table("twice", f"SELECT {keys} FROM {every} WHERE rule IS NULL GROUP BY ALL HAVING count(*) > 1")
    if space.number(f"SELECT count(*) FROM {twice}") == 0:
        return None
    return space.table(
        "losers",
        f"SELECT part, source_line FROM (SELECT part, source_line, row_number() OVER (PARTITION BY {keys} "
        f"ORDER BY part, source_line) AS place FROM {every} JOIN {twice} USING ({keys}) WHERE rule IS NULL) "
        f"WHERE place > 1",
    )


def _merged(table: Table, kept: str) -> str:
    """One row per key: each attribute from the first source that has it; a birth after joining is then unknown."""
    key = quoted(table.key[0])
    first = "arg_min({0}, part) FILTER ({0} IS NOT NULL) AS {0}"
    inner = ", ".join([key, *(first.format(quoted(c)) for c in table.names if c != table.key[0])])
    select = ", ".join(quoted(c) for c in table.names)
    merged = f"SELECT {select} FROM (SELECT {inner} FROM {kept} GROUP BY {key})"
    if table.name == "customers":
        known = "CASE WHEN birth_date > joined_at THEN NULL ELSE birth_date END AS birth_date"
        merged = f"SELECT * REPLACE ({known}) FROM ({merged})"
    return merged
