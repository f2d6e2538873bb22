"""Items: what customers hold, use and ask for, counted one by one; the raw material of needs and habits.

Which items exist depends on the source (a shop has other categories than a bank), so they are rows, not columns.
"""

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from .activity import uses
from .feature import KEY
from .inputs import before, dates, usable

BLOCKS = {
    "category": "purchases in the category",
    "kind": "transactions of the kind that the customer caused",
    "channel": "transactions that the customer caused through the channel",
    "daypart": "transactions that the customer caused in that part of the day (UTC)",
    "product": "open accounts of the product",
    "want": "survey answers that named it as wanted",
}
SEPARATOR = ";"
# Parts of the day: the hour at which each ends, and how it is said.
DAYPARTS = {
    "early": (9, "early in the day"),
    "morning": (12, "in the morning"),
    "midday": (14, "at midday"),
    "afternoon": (17, "in the afternoon"),
    "evening": (20, "in the evening"),
    "late": (24, "late in the day"),
}
_OF_TRANSACTIONS = ("category", "kind", "channel", "daypart")


def build_items(tables: dict[str, ir.Table], as_of: Sequence[date], *, window_days: int = 1095) -> ir.Table:
    """Count the items of every customer as they were known at each date.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``transactions`` (category, kind, channel, booked_at), ``accounts`` (product), ``surveys`` (wants); see
        ``BLOCKS``. What is absent gives no items.
    as_of : sequence of date
        Dates; only what was known by a date counts.
    window_days : int
        How far back purchases and answers count.

    Returns
    -------
    ir.Table
        customer_id, as_of, ``item`` (``block:name``), ``uses`` (whole, at least 1); lazy, not ordered.
    """
    parts = []
    transactions = tables["transactions"].mutate(daypart=_daypart)
    for block in _OF_TRANSACTIONS:
        if block in transactions.columns:
            used = uses(transactions, as_of, window_days, block, by_customer=block != "category")
            parts.append(used.select(*KEY, item=ibis.literal(f"{block}:") + used[block], uses=used.uses.cast("int64")))
    if "accounts" in tables and "product" in tables["accounts"].columns:
        parts.append(_held(tables["accounts"], as_of))
    if "surveys" in tables and "wants" in tables["surveys"].columns:
        parts.append(_wanted(tables["surveys"], as_of, window_days))
    if not parts:
        schema = {"customer_id": "string", "as_of": "date", "item": "string", "uses": "int64"}
        return ibis.memtable(pd.DataFrame(columns=list(schema)), schema=schema)
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _daypart(transactions: ir.Table) -> ir.StringValue:
    """Part of the day; missing at the stroke of midnight: there stand bookings of which a source knows the day only."""
    at = transactions.booked_at
    parts = [(at.hour() < end, name) for name, (end, _) in DAYPARTS.items()]
    return ibis.cases((at == at.truncate("D"), ibis.null("string")), *parts)


def _held(accounts: ir.Table, as_of: Sequence[date]) -> ir.Table:
    rows = accounts.filter(accounts["product"].notnull()).cross_join(dates(as_of))
    rows = rows.filter(before(rows, rows.opened_at) & (rows.closed_at.isnull() | ~before(rows, rows.closed_at)))
    held = rows.group_by(*KEY, "product").aggregate(uses=rows.count())
    return held.select(*KEY, item=ibis.literal("product:") + held["product"], uses=held.uses)


def _wanted(surveys: ir.Table, as_of: Sequence[date], window_days: int) -> ir.Table:
    rows = surveys.filter(surveys.wants.notnull()).cross_join(dates(as_of))
    rows = rows.filter(usable(rows, "answered_at"))
    rows = rows.filter(rows.as_of.delta(rows.answered_at.date(), unit="day") <= window_days)
    named = rows.select(*KEY, want=rows.wants.split(SEPARATOR).unnest())
    named = named.mutate(want=named.want.strip())
    named = named.filter(named.want != "")
    counted = named.group_by(*KEY, "want").aggregate(uses=named.count())
    return counted.select(*KEY, item=ibis.literal("want:") + counted.want, uses=counted.uses)


def counted_items(items: ir.Table) -> pd.DataFrame:
    """Tell how many rows each item has, and how often it was used in all of them.

    Returns
    -------
    DataFrame
        Index ``item``, in order of name; ``rows``, ``uses``.
    """
    counted = items.group_by("item").aggregate(rows=items.count(), uses=items.uses.sum())
    return counted.order_by("item").to_pandas().set_index("item")


def spread_items(items: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Put items beside the rows of a feature table: one column per item, 0 where it is not used.

    A customer who never said what is wanted has missing ``want:`` columns: silence is not a want of nothing.

    Parameters
    ----------
    items : DataFrame
        customer_id, as_of, item, uses.
    rows : DataFrame
        customer_id and as_of, in any order.

    Returns
    -------
    DataFrame
        The index of ``rows``; columns ``block:name`` in order of name, float64.

    Examples
    --------
    >>> items = pd.DataFrame({"customer_id": ["a", "a", "b"], "as_of": pd.Timestamp("2026-01-01"),
    ...                       "item": ["product:loan", "want:return", "product:loan"], "uses": [1, 2, 1]})
    >>> rows = pd.DataFrame({"customer_id": ["b", "a"], "as_of": pd.Timestamp("2026-01-01")})
    >>> spread_items(items, rows)
       product:loan  want:return
    0           1.0          NaN
    1           1.0          2.0
    """
    keys = pd.MultiIndex.from_frame(rows[list(KEY)].assign(as_of=pd.to_datetime(rows["as_of"])))
    table = items.assign(as_of=pd.to_datetime(items["as_of"]))
    wide = table.pivot(index=list(KEY), columns="item", values="uses").reindex(keys)
    wide = wide.set_axis(rows.index).rename_axis(columns=None).astype("float64")
    wants = [name for name in wide if str(name).startswith("want:")]
    silent = wide[wants].isna().all(axis=1)
    wide = wide.fillna(0.0)
    wide.loc[silent, wants] = float("nan")
    return wide
