"""Bad rows, planted by rule beside the good ones: copies of real rows with a fresh key and one thing wrong.

Good rows are never touched: a reader who refuses every planted row is left with the clean bank. Exact duplicates follow
their original.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...datasets import CATALOG
from .columns import ids

SHARE = 0.007
FUTURE_DAYS = 40 * 365
LATE_BIRTH_DAYS = 400
BAD_TEXT = ("caf\u00c3\u00a9", "\ufffd\ufffd", "x\x07y")  # mojibake, replacement characters, a control byte

Change = Callable[[pa.Table, np.random.Generator], dict[str, pa.Array]]


def _text(value: str, rows: int) -> pa.Array:
    return pa.array([value] * rows)


def _shifted(column: pa.ChunkedArray, days: int) -> pa.Array:
    return pc.add(column, pa.scalar(days * 86_400_000_000, pa.duration("us")))


def _set(name: str, *values: object) -> Change:
    def change(table: pa.Table, rng: np.random.Generator) -> dict[str, pa.Array]:
        picks = rng.integers(0, len(values), table.num_rows)
        return {name: pa.array([values[i] for i in picks])}

    return change


def _stranger(name: str, prefix: str) -> Change:
    """Refer to somebody who doesn't exist, a different one in each row, so that no key is repeated."""

    def change(table: pa.Table, rng: np.random.Generator) -> dict[str, pa.Array]:
        return {name: ids(prefix, rng.permutation(9_000_000)[: table.num_rows], 7)}

    return change


def _future(*names: str) -> Change:
    """Move dates so far that they are later than the end of the data."""

    def change(table: pa.Table, rng: np.random.Generator) -> dict[str, pa.Array]:
        return {name: _shifted(table[name], FUTURE_DAYS) for name in names}

    return change


def _after(name: str, other: str, days: int) -> Change:
    def change(table: pa.Table, rng: np.random.Generator) -> dict[str, pa.Array]:
        moved = _shifted(pc.cast(table[other], pa.timestamp("us")), days)
        return {name: pc.cast(moved, table.schema.field(name).type, safe=False)}

    return change


def _bad_text(name: str) -> Change:
    return _set(name, *BAD_TEXT)


RULES: dict[str, dict[str, Change]] = {
    "customers": {
        "duplicate_key": lambda t, r: {},
        "orphan_region": _set("region_id", "R99"),
        "born_after_joining": _after("birth_date", "joined_at", LATE_BIRTH_DAYS),
        "future_event": _future("joined_at"),
        "wrong_encoding": _bad_text("occupation"),
    },
    "accounts": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _set("customer_id", "C99999999"),
        "closed_before_opened": _after("closed_at", "opened_at", -30),
        "future_event": _future("opened_at", "closed_at"),
        "absurd_amount": _set("credit_limit", 1e15, -1e15),
        "non_finite_amount": _set("credit_limit", np.inf, -np.inf),
    },
    "transactions": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _set("customer_id", "C99999999"),
        "orphan_account": _set("account_id", "A999999999"),
        "future_event": _future("booked_at", "known_at"),
        "absurd_amount": _set("amount", 1e14, -1e15),
        "non_finite_amount": _set("amount", np.inf, -np.inf, np.nan),
        "wrong_encoding": _bad_text("category"),
    },
    "contacts": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _set("customer_id", "C99999999"),
        "future_event": _future("started_at", "known_at"),
        "non_finite_amount": _set("duration_seconds", np.inf, -np.inf),
        "wrong_encoding": _bad_text("topic"),
    },
    "loans": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _set("customer_id", "C99999999"),
        "future_event": _future("applied_at", "granted_at", "defaulted_at", "closed_at"),
        "absurd_amount": _set("amount", 1e15),
        "non_finite_amount": _set("amount", np.inf, np.nan),
        "wrong_encoding": _bad_text("purpose"),
    },
    "loan_months": {
        "duplicate_key": lambda t, r: {},
        "orphan_loan": _stranger("loan_id", "L9"),
        "future_event": _future("month_end", "known_at"),
    },
    "recoveries": {
        "duplicate_key": lambda t, r: {},
        "orphan_loan": _stranger("loan_id", "L9"),
        "future_event": _future("received_at", "known_at"),
    },
    "treatments": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _stranger("customer_id", "C9"),
    },
    "surveys": {
        "duplicate_key": lambda t, r: {},
        "orphan_customer": _set("customer_id", "C99999999"),
        "future_event": _future("answered_at", "known_at"),
        "wrong_encoding": _bad_text("wants"),
    },
}


class Dirt:
    """Makes bad rows for the tables of a bank and keeps account of them."""

    def __init__(self, share: float = SHARE) -> None:
        self.share = share
        self._made: dict[str, int] = {}

    def spoil(self, rng: np.random.Generator, name: str, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Give bad copies of about ``share`` of the rows, and the rule that each breaks (table, key, rule)."""
        rules = RULES.get(name, {})
        count = rng.binomial(table.num_rows, self.share) if rules else 0
        rows = rng.choice(table.num_rows, count, replace=False) if count else np.empty(0, np.int64)
        which = rng.integers(0, max(len(rules), 1), count)
        parts, notes = [table.slice(0, 0)], [_notes(name, table.slice(0, 0), "")]
        for code, (rule, change) in enumerate(rules.items()):
            bad = table.take(pa.array(np.sort(rows[which == code])))
            if bad.num_rows == 0:
                continue
            bad = self._with_fresh_key(name, bad, rule)
            for column, values in change(bad, rng).items():
                place, kind = bad.schema.get_field_index(column), table.schema.field(column).type
                bad = bad.set_column(place, table.schema.field(column), _as(values, kind))
            parts.append(bad)
            notes.append(_notes(name, bad, rule))
        return _recoded(pa.concat_tables([_plain(p) for p in parts]), table.schema), pa.concat_tables(notes)

    def _with_fresh_key(self, name: str, bad: pa.Table, rule: str) -> pa.Table:
        key = CATALOG[name].key
        if rule == "duplicate_key" or len(key) > 1:
            return bad
        first = self._made.get(name, 0)
        self._made[name] = first + bad.num_rows
        letter = bad[key[0]][0].as_py()[0]
        fresh = ids(f"{letter}X", first + np.arange(bad.num_rows), 7)
        return bad.set_column(bad.schema.get_field_index(key[0]), bad.schema.field(key[0]), fresh)


def _as(values: pa.Array, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return values.dictionary_encode() if pa.types.is_dictionary(kind) else pc.cast(values, kind)


def _plain(table: pa.Table) -> pa.Table:
    for place, spot in enumerate(table.schema):
        if pa.types.is_dictionary(spot.type):
            table = table.set_column(place, spot.name, pc.cast(table[spot.name], pa.string()))
    return table


def _recoded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give text columns the dictionary type that the good rows have."""
    table = table.combine_chunks()
    for place, spot in enumerate(schema):
        if pa.types.is_dictionary(spot.type):
            table = table.set_column(place, spot, table[spot.name].combine_chunks().dictionary_encode())
    return table.cast(schema)


def _notes(name: str, bad: pa.Table, rule: str) -> pa.Table:
    keys = [pc.cast(bad[k], pa.string()) for k in CATALOG[name].key]
    key = pc.binary_join_element_wise(*keys, "|") if len(keys) > 1 else keys[0]
    return pa.table({"table": _text(name, bad.num_rows).cast(pa.string()), "key": key,
                     "rule": _text(rule, bad.num_rows).cast(pa.string())})  # fmt: skip
