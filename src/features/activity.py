"""Transactions summed up per customer, as_of date and band: the one scan from which most families are computed.

A row counts at an as_of date when it was booked before it and known by it. Rows that reach the bank late become
usable at a later as_of than their booking date suggests; the position of the first as_of date at which a row may be
used is therefore part of the grouping, and the result is exactly that of filtering the table once for every date.

Amounts are summed as whole cents, carried as doubles: sums of whole numbers are exact below 2⁵³ (90 trillion currency
units), so the result doesn't depend on the order of rows or threads, and DuckDB adds them in half the time that its
128-bit sums of integers take. Squares, which could grow beyond that, are summed as decimals.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from ..data.schemas import CHANNELS, KINDS
from ..errors import ParamsError
from .windows import EDGES, Calendar, bands_between, ceiling

SETTLE_DAYS = 2
"""Gaps are measured between days whose records arrived within this many days, up to this many days before as_of:
the past they describe can no longer change when a late record arrives."""

CATEGORY_DAYS = 180
SHARED_KINDS = ("purchase", "cash_withdrawal", "transfer_out")
"""Kinds whose share in what the customer caused is a feature: a standing order is a transfer, but no such one."""
_SCALE = 1_000_000_000


@dataclass(frozen=True)
class Measure:
    """One column of the summary: a count or a sum of cents, or the latest or largest value."""

    name: str
    how: Callable[[ir.Table], ir.Value]
    combine: str = "sum"


def _cents(money: ir.DecimalColumn) -> ir.FloatingColumn:
    """Whole cents, exact: the multiplication is one of decimals."""
    return (money * 100).cast("int64").cast("float64")


def _square(cents: ir.FloatingColumn) -> ir.DecimalColumn:
    exact = cents.cast("decimal(18, 0)")
    return exact * exact


def initiated(rows: ir.Table) -> ir.BooleanValue:
    """Tell whether the customer caused a transaction: not a fee, not interest, not an automatic booking."""
    kind, channel = ibis.coalesce(rows.kind, ""), ibis.coalesce(rows.channel, "")
    return ~kind.isin(["fee", "interest"]) & (channel != "automatic")


def _count(name: str, where: Callable[[ir.Table], ir.BooleanValue]) -> Measure:
    return Measure(name, lambda rows: ibis.ifelse(where(rows), 1, ibis.null("int8")).count().cast("float64"))


def _total(name: str, where: Callable[[ir.Table], ir.BooleanValue], sign: int = 1) -> Measure:
    return Measure(name, lambda rows: ibis.ifelse(where(rows), rows.cents * sign, 0.0).sum())


def _latest(name: str, where: Callable[[ir.Table], ir.BooleanValue]) -> Measure:
    return Measure(name, lambda rows: rows.day.max(where=where(rows)), "max")


def _is(kind: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda rows: rows.kind == kind


def _caused(kind: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda rows: rows.by_customer & (rows.kind == kind)


def _via(channel: str) -> Callable[[ir.Table], ir.BooleanValue]:
    return lambda rows: rows.channel == channel


INITIATED = _count("initiated", lambda rows: rows.by_customer)
LAST_INITIATED = _latest("last_initiated", lambda rows: rows.by_customer)
OUTGOING = _total("initiated_outflow", lambda rows: rows.by_customer & (rows.cents < 0), -1)
MARGIN = Measure("margin", lambda rows: _cents(rows.margin).sum())
MARGIN_ROWS = Measure("margin_rows", lambda rows: rows.margin.count().cast("float64"))

MEASURES: tuple[Measure, ...] = (
    Measure("rows", lambda rows: rows.count().cast("float64")),
    INITIATED,
    *(_count(f"kind_{kind}", _is(kind)) for kind in KINDS),
    *(_count(f"initiated_{kind}", _caused(kind)) for kind in SHARED_KINDS),
    *(_count(f"channel_{channel}", _via(channel)) for channel in CHANNELS),
    _total("inflow", lambda rows: rows.cents > 0),
    _total("outflow", lambda rows: rows.cents < 0, -1),
    OUTGOING,
    *(_total(f"{kind}_amount", _is(kind), sign) for kind, sign in (
        ("purchase", -1), ("cash_withdrawal", -1), ("transfer_in", 1), ("transfer_out", -1), ("salary", 1),
        ("fee", -1), ("interest", 1), ("loan_payment", -1))),
    MARGIN,
    MARGIN_ROWS,
    Measure("purchase_squares", lambda rows: _square(ibis.ifelse(rows.kind == "purchase", rows.cents, 0.0)).sum()),
    Measure("largest_purchase", lambda rows: (-rows.cents).max(where=rows.kind == "purchase"), "max"),
    Measure("first_day", lambda rows: rows.day.min(), "min"),
    Measure("last_day", lambda rows: rows.day.max(), "max"),
    LAST_INITIATED,
    _latest("last_purchase", _is("purchase")),
    _latest("last_salary", _is("salary")),
    _latest("last_inflow", lambda rows: rows.cents > 0),
)  # fmt: skip


def _complete(transactions: ir.Table) -> ir.Table:
    """Add the optional columns that a source left out, as missing values."""
    types = {"margin": "decimal(18, 2)", "kind": "string", "channel": "string", "category": "string"}
    absent = {n: ibis.null(t) for n, t in types.items() if n not in transactions.columns}
    return transactions.mutate(**absent) if absent else transactions


def as_summed(transactions: ir.Table) -> ir.Table:
    """Add what measures take: ``day``, ``cents`` and ``by_customer``; optional columns are there afterwards."""
    rows = _complete(transactions)
    if "known_at" not in rows.columns:
        rows = rows.mutate(known_at=rows.booked_at)
    return rows.mutate(day=rows.booked_at.date(), cents=_cents(rows.amount), by_customer=initiated(rows))


def usable_rows(transactions: ir.Table, calendar: Calendar) -> ir.Table:
    """Give every transaction its cell and the position of the first as_of date at which it may be used.

    Parameters
    ----------
    transactions : ir.Table
        Canonical transactions.
    calendar : Calendar
        Of the as_of dates.

    Returns
    -------
    ir.Table
        The rows that are usable at some as_of date, with ``day`` (date of booking), ``known_on`` (date: the first
        midnight at which the row is known), ``cell`` and ``ready`` added.
    """
    rows = _complete(transactions)
    end = ibis.literal(calendar.last)
    rows = rows.filter(rows.booked_at < end.cast("timestamp"))
    has_known_at = "known_at" in rows.columns
    day = rows.booked_at.date()
    known_on = ceiling(ibis.coalesce(rows.known_at, rows.booked_at)) if has_known_at else ceiling(rows.booked_at)
    rows = rows.mutate(day=day, known_on=known_on)
    before_first = ibis.literal(calendar.first - timedelta(days=1))
    rows = rows.mutate(cell_day=ibis.greatest(rows.day, before_first).cast("date"))
    days = calendar.days()
    rows = rows.join(days.select(cell_day="day", cell="cell", after="after"), "cell_day")
    if not has_known_at:
        return rows.mutate(ready=rows.after)
    rows = rows.filter(rows.known_on <= end)
    rows = rows.mutate(known_day=ibis.greatest(rows.known_on, before_first).cast("date"))
    rows = rows.join(days.select(known_day="day", from_="from_"), "known_day")
    return rows.mutate(ready=ibis.greatest(rows.after, rows.from_))


def _combined(cells: ir.Table, calendar: Calendar, how: dict[str, str], *, older: bool = True) -> ir.Table:
    """Add the cells up to customer × as_of × band, each cell only where its rows are usable."""
    placed = cells.join(calendar.cells(older=older), "cell")
    placed = placed.filter(placed.position >= placed.ready)
    return placed.group_by("customer_id", "as_of", "band").aggregate(
        **{name: getattr(placed[name], combine)() for name, combine in how.items()}
    )


def summarise(
    transactions: ir.Table,
    as_of: Sequence[date],
    measures: Sequence[Measure] = MEASURES,
    edges: tuple[int, ...] = EDGES,
) -> ir.Table:
    """Sum transactions up per customer, as_of date and band.

    Parameters
    ----------
    transactions : ir.Table
        Canonical transactions; ``margin``, ``kind``, ``channel``, ``category`` and ``known_at`` may be absent.
    as_of : sequence of date
        Rows booked before the midnight of a date and known by it count.
    measures : sequence of Measure
        What to compute.
    edges : tuple of int
        Days before as_of at which bands begin.

    Returns
    -------
    ir.Table
        One row per customer_id × as_of × band with at least one usable row; one column per measure.
    """
    calendar = Calendar(as_of, edges)
    rows = usable_rows(transactions, calendar)
    rows = rows.mutate(cents=_cents(rows.amount), by_customer=initiated(rows))
    cells = rows.group_by("customer_id", "cell", "ready").aggregate(**{m.name: m.how(rows) for m in measures})
    return _combined(cells, calendar, {m.name: m.combine for m in measures})


def active_days(transactions: ir.Table, as_of: Sequence[date]) -> ir.Table:
    """Count days with customer-initiated transactions, and the gaps between them, per customer, as_of and band.

    A gap belongs to the band in which it ends; what lies before the oldest window is left out. Gaps are measured
    between days whose records arrived within ``SETTLE_DAYS`` and that lie that long before as_of, so that a late
    record changes no gap already measured.

    Returns
    -------
    ir.Table
        customer_id, as_of, band, ``days``, and for gaps in days ``gaps``, ``gap_sum``, ``gap_squares``.
    """
    calendar = Calendar(as_of)
    rows = usable_rows(transactions, calendar)
    rows = rows.filter(initiated(rows))
    timely_day = ibis.ifelse(rows.known_on.delta(rows.day, unit="day") <= SETTLE_DAYS, rows.day, ibis.null("date"))
    # all days before the oldest window share a cell_day: of those only the last matters, as the start of a gap
    by_day = rows.group_by("customer_id", "cell_day").aggregate(
        cell=rows.cell.max(), ready=rows.ready.min(), day=timely_day.max()
    )
    days = by_day.group_by("customer_id", "cell", "ready").aggregate(
        days=by_day.count(), gaps=ibis.literal(0), gap_sum=ibis.literal(0), gap_squares=ibis.literal(0)
    )
    timely = by_day.filter(by_day.day.notnull())
    previous = timely.day.lag().over(group_by="customer_id", order_by="day")
    timely = timely.mutate(gap=timely.day.delta(previous, unit="day"))
    timely = timely.filter(timely.gap.notnull())
    settled = calendar.days(earlier=SETTLE_DAYS - 1).select("day", cell="cell", ready="after")
    placed = timely.select("customer_id", "day", "gap").join(settled, "day")
    gaps = placed.group_by("customer_id", "cell", "ready").aggregate(
        days=ibis.literal(0), gaps=placed.count(), gap_sum=placed.gap.sum(), gap_squares=(placed.gap * placed.gap).sum()
    )
    schema = dict.fromkeys(("days", "gaps", "gap_sum", "gap_squares"), "float64")
    both = ibis.union(days.cast(schema), gaps.cast(schema))
    return _combined(both, calendar, dict.fromkeys(schema, "sum"), older=False)


def categories(transactions: ir.Table, as_of: Sequence[date]) -> ir.Table:
    """Count the purchase categories of the last ``CATEGORY_DAYS`` days and measure how evenly they are used.

    Returns
    -------
    ir.Table
        customer_id, as_of, ``categories`` (int) and ``category_entropy`` (double, nats; Shannon 1948).

    Notes
    -----
    With n = Σ nᵢ, entropy is ln n − Σ nᵢ ln nᵢ / n. The terms are summed as whole billionths: a sum of floats
    would depend on the order of rows.
    """
    return entropy_of_counts(uses(transactions, as_of, CATEGORY_DAYS, "category"))


def uses(
    transactions: ir.Table, as_of: Sequence[date], days: int, column: str, *, by_customer: bool = False
) -> ir.Table:
    """Count how often each value of a column was used in the last ``days`` days.

    Parameters
    ----------
    by_customer : bool
        Count only what the customer caused.

    Returns
    -------
    ir.Table
        customer_id, as_of, the column, ``uses``.
    """
    calendar = Calendar(as_of, (0, days))
    rows = usable_rows(transactions, calendar)
    rows = rows.filter(rows[column].notnull() & (rows.booked_at >= ibis.literal(calendar.first).cast("timestamp")))
    if by_customer:
        rows = rows.filter(initiated(rows))
    cells = rows.group_by("customer_id", "cell", "ready", column).aggregate(uses=rows.count())
    placed = cells.join(calendar.cells(older=False), "cell")
    placed = placed.filter(placed.position >= placed.ready)
    return placed.group_by("customer_id", "as_of", column).aggregate(uses=placed.uses.sum())


def entropy_of_counts(uses: ir.Table) -> ir.Table:
    """Count categories and measure how evenly they are used, from ``uses`` by customer_id, as_of and category."""
    term = (uses.uses * uses.uses.cast("double").ln() * _SCALE).round().cast("int64")
    summed = uses.group_by("customer_id", "as_of").aggregate(
        categories=uses.count(), uses=uses.uses.sum(), terms=term.sum()
    )
    entropy = summed.uses.cast("double").ln() - summed.terms.cast("double") / _SCALE / summed.uses
    return summed.select("customer_id", "as_of", "categories", category_entropy=entropy)


def wide(summary: ir.Table, wanted: Sequence[str]) -> ir.Table:
    """Spread a summary out: one row per customer × as_of, one column per measure and window.

    Parameters
    ----------
    summary : ir.Table
        From :func:`summarise` or :func:`active_days`.
    wanted : sequence of str
        ``measure_30`` is the last 30 days, ``measure_90_180`` the 90 days before the last 90, ``measure_ever`` the
        whole past; the latest, first and largest values go by the measure's name with ``_ever`` or a window as well.

    Raises
    ------
    ParamsError
        If a name doesn't end in a window.
    """
    how = {m.name: m.combine for m in MEASURES}
    columns = {}
    for name in wanted:
        match = re.fullmatch(r"(\w+?)_(?:(\d+)_)?(\d+|ever)", name)
        if match is None:
            raise ParamsError(f"{name!r} names no window: end it with _30, _90_180 or _ever")
        measure, start, end = match.groups()
        value, combine = summary[measure], how.get(measure, "sum")
        if end != "ever":
            bands = bands_between(int(start or 0), int(end))
            # not a filtered aggregate: DuckDB takes five times as long for that
            other = 0 if combine == "sum" else ibis.null(value.type())
            value = ibis.ifelse(summary.band.between(bands[0], bands[-1]), value, other)
        columns[name] = getattr(value, combine)()
    return summary.group_by("customer_id", "as_of").aggregate(**columns)
