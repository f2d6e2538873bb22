"""What every family gets: the tables and the dates, and how a row is judged usable at a date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from .windows import ordered_dates


def dates(as_of: Sequence[date]) -> ir.Table:
    """Put the as_of dates into a table of one column."""
    return ibis.memtable({"as_of": ordered_dates(as_of)}, schema={"as_of": "date"})


def before(rows: ir.Table, moment: ir.TimestampValue) -> ir.BooleanValue:
    """Tell whether a moment lies before the midnight at which as_of begins."""
    return moment < rows.as_of.cast("timestamp")


def days_back(rows: ir.Table, moment: ir.TimestampValue) -> ir.IntegerValue:
    """Count the midnights from a moment to as_of: 1 for the day before as_of, so ``<= 30`` are the last 30 days."""
    return rows.as_of.delta(moment.date(), unit="day")


def usable(rows: ir.Table, event: str) -> ir.BooleanValue:
    """Tell whether a row is usable at ``as_of``: it happened before, and was known by then."""
    return before(rows, rows[event]) & (_known(rows, event) <= rows.as_of.cast("timestamp"))


def seen_by(rows: ir.Table, event: str, day: date) -> ir.BooleanValue:
    """Tell whether a row happened before the midnight at which a day begins, and was known by then."""
    midnight = ibis.literal(day).cast("timestamp")
    return (rows[event] < midnight) & (_known(rows, event) <= midnight)


def _known(rows: ir.Table, event: str) -> ir.TimestampValue:
    """When a row became known: with the event, where the source doesn't say."""
    return ibis.coalesce(rows.known_at, rows[event]) if "known_at" in rows.columns else rows[event]


@dataclass(frozen=True)
class Inputs:
    """Everything from which a family takes its own ingredients.

    Attributes
    ----------
    tables : dict of str to ir.Table
        Canonical tables; optional ones may be absent.
    as_of : list of date
        Sorted; empty where ``pairs`` are given.
    pairs : ir.Table, optional
        customer_id and as_of: only these are wanted, instead of every customer at every date.
    """

    tables: dict[str, ir.Table]
    as_of: list[date]
    pairs: ir.Table | None = None

    def at(self, rows: ir.Table) -> ir.Table:
        """Put every row of a customer beside each of the dates at which it is looked at."""
        return rows.cross_join(dates(self.as_of)) if self.pairs is None else rows.join(self.pairs, "customer_id")
