"""Transactions summed up for given pairs of customer and date (applications), each pair at a date of its own.

Monthly looks at every customer share a calendar (:mod:`.activity`); applications fall on any day, and there are few of
them: each customer's rows are joined to the customer's own dates. The results are the same, row for row.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from .activity import CATEGORY_DAYS, MEASURES, SETTLE_DAYS, Measure, as_summed, entropy_of_counts, initiated
from .feature import KEY
from .inputs import days_back, usable
from .windows import EDGES, ceiling


def band_of(age: ir.IntegerValue, edges: tuple[int, ...] = EDGES) -> ir.IntegerValue:
    """Place an age in days (1 is the day before as_of) into its band.

    Examples
    --------
    >>> rows = ibis.memtable({"age": [1, 30, 31, 455, 456]})
    >>> rows.mutate(band=band_of(rows.age)).order_by("age").to_pandas().band.tolist()
    [0, 0, 1, 4, 5]
    """
    return sum(((age > edge).cast("int32") for edge in edges[1:]), ibis.literal(0, "int32"))


def rows_before(transactions: ir.Table, pairs: ir.Table) -> ir.Table:
    """Give each pair the customer's transactions that were booked before its date and known by it.

    Returns
    -------
    ir.Table
        The columns of :func:`afraz.features.activity.as_summed`, with ``as_of`` and ``age`` (days).
    """
    rows = as_summed(transactions).join(pairs, "customer_id")
    rows = rows.filter(usable(rows, "booked_at"))
    return rows.mutate(age=days_back(rows, rows.booked_at))


def summarise_pairs(transactions: ir.Table, pairs: ir.Table, measures: Sequence[Measure] = MEASURES) -> ir.Table:
    """Sum transactions up by pair and band: :func:`afraz.features.activity.summarise` for pairs.

    Parameters
    ----------
    transactions : ir.Table
        Canonical transactions.
    pairs : ir.Table
        customer_id, as_of (date); each pair once.
    """
    rows = rows_before(transactions, pairs)
    rows = rows.mutate(band=band_of(rows.age))
    return rows.group_by(*KEY, "band").aggregate(**{m.name: m.how(rows) for m in measures})


def active_days_pairs(transactions: ir.Table, pairs: ir.Table) -> ir.Table:
    """Count active days and the gaps between them: :func:`afraz.features.activity.active_days` for pairs."""
    rows = as_summed(transactions)
    rows = rows.filter(initiated(rows))
    known_on = ceiling(ibis.coalesce(rows.known_at, rows.booked_at))
    rows = rows.mutate(
        known_on=known_on,
        timely_day=ibis.ifelse(known_on.delta(rows.day, unit="day") <= SETTLE_DAYS, rows.day, ibis.null("date")),
    )
    by_day = rows.group_by("customer_id", "day").aggregate(known_on=rows.known_on.min(), timely=rows.timely_day.max())
    placed = by_day.join(pairs, "customer_id")
    placed = placed.filter((placed.day < placed.as_of) & (placed.known_on <= placed.as_of))
    days = placed.mutate(band=band_of(placed.as_of.delta(placed.day, unit="day")))
    counted = days.group_by(*KEY, "band").aggregate(
        days=days.count(), gaps=ibis.literal(0), gap_sum=ibis.literal(0), gap_squares=ibis.literal(0)
    )
    timely = by_day.filter(by_day.timely.notnull())
    previous = timely.day.lag().over(group_by="customer_id", order_by="day")
    timely = timely.mutate(gap=timely.day.delta(previous, unit="day"))
    timely = timely.filter(timely.gap.notnull()).select("customer_id", "day", "gap").join(pairs, "customer_id")
    timely = timely.mutate(age=timely.as_of.delta(timely.day, unit="day"))
    timely = timely.filter(timely.age >= SETTLE_DAYS)
    timely = timely.mutate(band=band_of(timely.age - (SETTLE_DAYS - 1)))
    gaps = timely.group_by(*KEY, "band").aggregate(
        days=ibis.literal(0), gaps=timely.count(), gap_sum=timely.gap.sum(), gap_squares=(timely.gap * timely.gap).sum()
    )
    schema = dict.fromkeys(("days", "gaps", "gap_sum", "gap_squares"), "float64")
    both = ibis.union(counted.cast(schema), gaps.cast(schema))
    both = both.filter(both.band < len(EDGES) - 1)
    return both.group_by(*KEY, "band").aggregate(**{name: both[name].sum() for name in schema})


def categories_pairs(transactions: ir.Table, pairs: ir.Table) -> ir.Table:
    """Count purchase categories: :func:`afraz.features.activity.categories` for pairs."""
    rows = rows_before(transactions, pairs)
    rows = rows.filter(rows.category.notnull() & (rows.age <= CATEGORY_DAYS))
    return entropy_of_counts(rows.group_by(*KEY, "category").aggregate(uses=rows.count()))
