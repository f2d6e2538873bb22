"""The phase of a customer's life with the bank, at any date, from what was known by then."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from .activity import INITIATED, LAST_INITIATED, Measure, summarise
from .feature import KEY
from .inputs import before, dates
from .windows import EDGES

Definition = Literal["closure", "silence"]
PHASES = ("new", "growing", "steady", "declining", "leaving", "gone")
NEW_DAYS = 180
GROWN, SHRUNK, COLLAPSED = 1.2, 0.8, 0.4
SURE = 1.28
"""A difference of two counts is real when it exceeds this many standard deviations (one-sided 10 %, Poisson)."""


def open_accounts(tables: dict[str, ir.Table], as_of: Sequence[date]) -> ir.Table:
    """Count the accounts that are open at each date: customer_id, as_of, open (0 where all are closed)."""
    accounts = tables["accounts"].cross_join(dates(as_of))
    accounts = accounts.filter(before(accounts, accounts.opened_at))
    still = accounts.closed_at.isnull() | ~before(accounts, accounts.closed_at)
    return accounts.group_by(*KEY).aggregate(open=accounts.count(where=still))


def recent_activity(transactions: ir.Table, as_of: Sequence[date]) -> ir.Table:
    """Count customer-initiated transactions in the windows that phases compare.

    Returns
    -------
    ir.Table
        customer_id, as_of, ``now`` (last 90 days), ``prior`` (the 90 before), ``year_ago`` (the same 90 days a year
        earlier), ``last_initiated`` and ``first_day`` (dates).
    """
    first = Measure("first_day", lambda rows: rows.day.min(), "min")
    rows = summarise(transactions, as_of, [INITIATED, LAST_INITIATED, first])
    windows = {
        name: ibis.coalesce(rows.initiated.sum(where=rows.band.between(low, high)), 0)
        for name, low, high in (("now", 0, EDGES.index(90) - 1), ("prior", 2, 2), ("year_ago", 4, 4))
    }
    return rows.group_by(*KEY).aggregate(
        **windows, last_initiated=rows.last_initiated.max(), first_day=rows.first_day.min()
    )


def phases(
    tables: dict[str, ir.Table], as_of: Sequence[date], *, definition: Definition, silent_days: int = 90
) -> ir.Table:
    """Tell the phase of every customer who has joined by a date.

    The phases exclude one another; the first that fits holds:

    1. **gone**: all accounts are closed (closure), or the last customer-initiated transaction is ``silent_days`` or
       more days back, or there never was one (silence).
    2. **new**: joined less than 180 days before.
    3. **leaving**: customer-initiated transactions of the last 90 days are at most .4 times those of the reference.
    4. **declining**: at most .8 times. 5. **growing**: at least 1.2 times. 6. **steady**: all others.

    The reference is the same 90 days a year earlier, so that season does not look like growth; for customers whose
    history (first known booking) is shorter than 455 days it is the 90 days before. For 3 to 5 the difference must
    also be larger than chance makes it: more than 1.28 times √(now + reference), as for two Poisson counts.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers``, ``transactions``; ``accounts`` for the closure definition.
    as_of : sequence of date
        Dates; only what was known by a date is used for it.
    definition : {"closure", "silence"}
        What it means to be gone.
    silent_days : int
        For the silence definition.

    Returns
    -------
    ir.Table
        customer_id, as_of, ``phase`` (text), ``last_initiated`` (date), ``closed`` (boolean: all accounts closed).
    """
    customers = tables["customers"]
    joined_at = customers.joined_at if "joined_at" in customers.columns else ibis.null("timestamp")
    rows = customers.select("customer_id", joined_at=joined_at).cross_join(dates(as_of))
    rows = rows.filter(rows.joined_at.isnull() | before(rows, rows.joined_at))
    rows = rows.left_join(recent_activity(tables["transactions"], as_of), list(KEY))
    rows = rows.drop("customer_id_right", "as_of_right")
    if "accounts" in tables:
        rows = rows.left_join(open_accounts(tables, as_of), list(KEY)).drop("customer_id_right", "as_of_right")
    else:
        rows = rows.mutate(open=ibis.null("int64"))
    rows = rows.filter(rows.joined_at.notnull() | rows.first_day.notnull() | rows.open.notnull())
    now, year_ago, prior = (ibis.coalesce(rows[n], 0) for n in ("now", "year_ago", "prior"))
    history = rows.as_of.delta(rows.first_day, unit="day")
    tenure = rows.as_of.delta(ibis.coalesce(rows.joined_at.date(), rows.first_day), unit="day")
    reference = ibis.ifelse(history >= EDGES[-1], year_ago, prior)
    sure = (now - reference).abs() > SURE * (now + reference).cast("float64").sqrt()
    silent = rows.last_initiated.isnull() | (rows.as_of.delta(rows.last_initiated, unit="day") > silent_days)
    closed = ibis.coalesce(rows.open == 0, False)
    phase = ibis.cases(
        (closed if definition == "closure" else silent, "gone"),
        (tenure < NEW_DAYS, "new"),
        (sure & (now <= COLLAPSED * reference), "leaving"),
        (sure & (now <= SHRUNK * reference), "declining"),
        (sure & (now >= GROWN * reference), "growing"),
        else_="steady",
    )
    return rows.select(*KEY, phase=phase, last_initiated=rows.last_initiated, closed=closed)
