"""Tables as they would have looked at a date: what lay ahead taken away, or replaced by something else.

The schema says which moment makes each value known; the leak audit builds features from tables treated this way.
"""

from collections.abc import Callable
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from ..data.schemas import TABLES, Column, Table

Treatment = Callable[[ir.Value], ir.Value]


def untouchable(schema: Table) -> set[str]:
    """Name the columns that tell which row it is: key, references, and the moments that date it."""
    references = {c.name for c in schema.columns if c.references is not None and not c.undated}
    return {*schema.key, *references, "customer_id", schema.event_time or "", "known_at"}


def altered(value: ir.Value, shift: timedelta) -> ir.Value:
    """Replace a value by another one of its type; missing stays missing.

    Examples
    --------
    >>> ibis.memtable({"x": [1.0]}).mutate(x=lambda t: altered(t.x, timedelta(days=3))).to_pandas().x.tolist()
    [8.0]
    """
    kind = value.type()
    if kind.is_boolean():
        return ~value
    if kind.is_timestamp():
        return value + ibis.interval(days=shift.days)
    if kind.is_date():
        return (value + ibis.interval(days=shift.days)).cast("date")
    if kind.is_numeric():
        return (11 - value * 3).cast(kind)
    return value.cast("string") + "~"


def _ahead(rows: ir.Table, schema: Table, as_of: date) -> ir.BooleanValue | None:
    """Tell which rows lie ahead of as_of: the event does, or the record reached the bank later."""
    if schema.event_time is None or schema.event_time not in rows.columns:
        return None
    moment = ibis.literal(as_of).cast("timestamp")
    event = rows[schema.event_time]
    ahead = event >= moment
    if "known_at" in rows.columns:
        ahead |= rows.known_at > moment
    return ibis.coalesce(ahead, False)


def _unknown(rows: ir.Table, schema: Table, column: Column, as_of: date) -> ir.BooleanValue | None:
    """Tell in which rows a value isn't known yet although the row is."""
    names = [n for n in column.known_by if n in rows.columns]
    if not names and column.lag_days and schema.event_time in rows.columns:
        names = [str(schema.event_time)]
    if not names:
        return None
    known = ibis.coalesce(*(rows[n] for n in names)) + ibis.interval(days=column.lag_days)
    return ibis.coalesce(known >= ibis.literal(as_of).cast("timestamp"), True)


def blinded(name: str, rows: ir.Table, as_of: date) -> ir.Table:
    """Take away every row and every value that lay ahead of as_of.

    Parameters
    ----------
    name : str
        Of the canonical table; tables that the schema doesn't know, and undated ones, stay as they are.
    rows : ir.Table
        Its rows.
    as_of : date
        Events before its midnight, known by it, stay.
    """
    if name not in TABLES:
        return rows
    schema = TABLES[name]
    ahead = _ahead(rows, schema, as_of)
    if ahead is not None:
        rows = rows.filter(~ahead)
    fixed, values = untouchable(schema), {}
    for column in schema.columns:
        if column.name in rows.columns and column.name not in fixed:
            unknown = _unknown(rows, schema, column, as_of)
            if unknown is not None:
                value = rows[column.name]
                values[column.name] = ibis.ifelse(unknown, ibis.null(value.type()), value)
    return rows.mutate(**values) if values else rows


def disturbed(name: str, rows: ir.Table, as_of: date, shift: timedelta) -> ir.Table:
    """Replace every row and every value that lay ahead of as_of by something else that lies ahead of it.

    Moments move later by ``shift``; numbers, flags and names change. Who did it stays.
    """
    if name not in TABLES:
        return rows
    schema = TABLES[name]
    ahead = _ahead(rows, schema, as_of)
    fixed, values = untouchable(schema), {}
    for column in schema.columns:
        if column.name not in rows.columns:
            continue
        value = rows[column.name]
        when = None if column.name in fixed else _unknown(rows, schema, column, as_of)
        if column.name not in fixed and ahead is not None:
            when = ahead if when is None else when | ahead
        if column.name in (schema.event_time, "known_at") and ahead is not None:
            when = value >= ibis.literal(as_of).cast("timestamp")
        if when is not None:
            values[column.name] = ibis.ifelse(when, altered(value, shift), value)
    return rows.mutate(**values) if values else rows
