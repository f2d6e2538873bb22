"""Labels of churn and growth: who was at risk at as_of, who left after it, and when. Only this module looks ahead."""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from ..errors import DataError, ParamsError
from .activity import MARGIN, MARGIN_ROWS, OUTGOING, initiated, summarise
from .feature import KEY
from .inputs import dates
from .phases import Definition, phases
from .windows import ordered_dates

GROWTH_DAYS = 90


def departures(tables: dict[str, ir.Table]) -> ir.Table:
    """Date the departures under the closure definition: moments at which the last open account closes.

    A customer who comes back later and leaves again departs twice.

    Returns
    -------
    ir.Table
        customer_id, ``left_at`` (timestamp).
    """
    accounts = tables["accounts"].select("customer_id", "opened_at", "closed_at")
    closings = accounts.filter(accounts.closed_at.notnull()).select("customer_id", left_at="closed_at").distinct()
    both = closings.join(accounts, "customer_id")
    open_then = (both.opened_at <= both.left_at) & (both.closed_at.isnull() | (both.closed_at > both.left_at))
    counted = both.group_by("customer_id", "left_at").aggregate(open=both.count(where=open_then))
    return counted.filter(counted.open == 0).select("customer_id", "left_at")


def silences(transactions: ir.Table, silent_days: int, observed_until: date) -> ir.Table:
    """Date the departures under the silence definition.

    Returns
    -------
    ir.Table
        customer_id, ``left_at``: a customer-initiated transaction that no other follows within ``silent_days`` days,
        where that much time was observed.
    """
    end = ibis.literal(observed_until).cast("timestamp")
    span = ibis.interval(days=silent_days)
    absent = {n: ibis.null("string") for n in ("kind", "channel") if n not in transactions.columns}
    rows = transactions.mutate(**absent) if absent else transactions
    rows = rows.filter(initiated(rows) & (rows.booked_at < end)).select("customer_id", "booked_at").distinct()
    following = rows.booked_at.lead().over(group_by="customer_id", order_by="booked_at")
    rows = rows.mutate(following=ibis.coalesce(following, end))
    return rows.filter(rows.following - span >= rows.booked_at).select("customer_id", left_at="booked_at")


def revenue(transactions: ir.Table, as_of: Sequence[date]) -> ir.Table:
    """Sum the margin of the 365 days before as_of, or what the customer paid where no margin is recorded."""
    rows = summarise(transactions, as_of, [MARGIN, MARGIN_ROWS, OUTGOING], edges=(0, 365))
    rows = rows.filter(rows.band == 0)
    has_margin = rows.margin_rows.sum().over(ibis.window()) > 0
    cents = ibis.ifelse(has_margin, ibis.coalesce(rows.margin, 0), ibis.coalesce(rows.initiated_outflow, 0))
    return rows.select(*KEY, revenue_12m=cents.cast("float64") / 100)


def outcome_days(definition: Definition, silent_days: int, horizons: Sequence[int]) -> int:
    """How many days after as_of the longest label needs before it is known: training must end so long before a test.

    Examples
    --------
    >>> outcome_days("closure", 90, [30, 60, 90]), outcome_days("silence", 90, [30, 60, 90])
    (90, 180)
    """
    return max(horizons) + (silent_days if definition == "silence" else 0)


def _check(tables: dict[str, ir.Table], definition: str, horizons: Sequence[int], silent_days: int) -> None:
    if definition not in ("closure", "silence"):
        raise ParamsError(f"definition is closure or silence, not {definition!r}: see params/features.yaml")
    if definition == "closure" and "accounts" not in tables:
        raise DataError("the closure definition needs the table accounts: map it, or set definition: silence")
    if not horizons or min(horizons) < 1 or list(horizons) != sorted(set(horizons)):
        raise ParamsError(f"horizons are increasing numbers of days, such as 30, 60, 90; not {list(horizons)}")
    if silent_days < 1:
        raise ParamsError(f"silent_days is a number of days from 1 on, not {silent_days}")


def churn_labels(
    tables: dict[str, ir.Table],
    as_of: Sequence[date],
    *,
    definition: Definition,
    silent_days: int = 90,
    horizons: Sequence[int] = (30, 60, 90),
    observed_until: date,
) -> ir.Table:
    """Label customers at as_of dates with what happened after them.

    **Leaving date.** Under ``closure`` (contractual) it is the moment at which the customer's last open account
    closes. Under ``silence`` (non-contractual) it is the last customer-initiated transaction that is followed by
    ``silent_days`` days without another. Customer-initiated is every transaction but fees, interest and bookings of
    the channel *automatic*.

    **At risk** are customers who, as known at as_of, had a customer-initiated transaction in the ``silent_days`` days
    before it and whose accounts weren't all closed.

    **leaves_h** is 1 if the leaving date lies before as_of + h days. Under closure it lies at or after as_of; under
    silence it may lie up to ``silent_days`` days before it: the silence has begun then but isn't complete, so nobody
    can know yet. ``leaves_month`` is the number of the horizon within which the customer leaves first (1, 2, 3), the
    buckets of the lead-time curve; they are disjoint.

    **Censored.** ``leaves_h`` needs h days (closure) or h + ``silent_days`` days (silence) of data after as_of,
    otherwise it is missing. ``censored`` says that the longest horizon is incomplete; :func:`label_counts` counts.

    **Growing.** ``phase`` is the phase at as_of (:func:`afraz.features.phases.phases`); ``grows_90`` is 1 if the phase
    90 days later is *growing*, missing where these days weren't observed.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers``, ``transactions``, and ``accounts`` for closure.
    as_of : sequence of date
        Dates.
    definition : {"closure", "silence"}
        Which leaving date.
    silent_days : int
        K above.
    horizons : sequence of int
        Days, increasing.
    observed_until : date
        The first moment that the data don't cover.

    Returns
    -------
    ir.Table
        One row per customer who joined before as_of: customer_id, as_of, at_risk and censored (boolean),
        leaves_<h> (int64; missing when not at risk or not observed), leaves_month (int64), phase (text),
        grows_<90> (int64; missing when not at risk or not observed), revenue_12m (double: margin, or turnover where
        no margin is recorded, of the 365 days before as_of).

    Raises
    ------
    DataError
        Closure without accounts.
    ParamsError
        Unknown definition, horizons that don't increase, or no as_of date.

    Examples
    --------
    >>> churn_labels({}, [date(2024, 1, 1)], definition="closing", observed_until=date(2025, 1, 1))
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: definition is closure or silence, not 'closing': see params/features.yaml
    """
    _check(tables, definition, horizons, silent_days)
    known = ordered_dates(as_of)
    later = [d + timedelta(days=GROWTH_DAYS) for d in known]
    needed = sorted({*known, *(d for d in later if d <= observed_until)})
    both = phases(tables, needed, definition=definition, silent_days=silent_days)
    ahead = ibis.interval(days=GROWTH_DAYS)
    then = ibis.window(group_by="customer_id", order_by="as_of", range=(ahead, ahead))
    rows = both.mutate(phase_later=both.phase.first().over(then))
    rows = rows.filter(rows.as_of.isin(known))
    active = ibis.coalesce(rows.as_of.delta(rows.last_initiated, unit="day") <= silent_days, False)
    rows = rows.mutate(at_risk=active & ~rows.closed).drop("last_initiated", "closed")

    rows = rows.left_join(_leaving(tables, known, definition, silent_days, observed_until), list(KEY))
    rows = rows.drop("customer_id_right", "as_of_right")
    rows = rows.left_join(revenue(tables["transactions"], known), list(KEY)).drop("customer_id_right", "as_of_right")

    wait = silent_days if definition == "silence" else 0
    leaves = {}
    for h in horizons:
        observed = rows.as_of <= observed_until - timedelta(days=h + wait)
        gone = ibis.coalesce(rows.leaves_after < h, False)
        leaves[h] = ibis.ifelse(rows.at_risk & observed, gone.cast("int64"), ibis.null("int64"))
    first = ibis.cases(
        *((leaves[h] == 1, ibis.literal(i + 1, "int64")) for i, h in enumerate(horizons)), else_=ibis.null("int64")
    )
    grows = ibis.ifelse(
        rows.at_risk & (rows.as_of <= observed_until - timedelta(days=GROWTH_DAYS)),
        ibis.coalesce(rows.phase_later == "growing", False).cast("int64"),
        ibis.null("int64"),
    )
    return rows.select(
        *KEY, "at_risk", censored=rows.as_of > observed_until - timedelta(days=horizons[-1] + wait),
        **{f"leaves_{h}": value for h, value in leaves.items()}, leaves_month=first, phase=rows.phase,
        **{f"grows_{GROWTH_DAYS}": grows}, revenue_12m=ibis.coalesce(rows.revenue_12m, 0.0),
    )  # fmt: skip


def _leaving(
    tables: dict[str, ir.Table], as_of: Sequence[date], definition: str, silent_days: int, observed_until: date
) -> ir.Table:
    """Give ``leaves_after``: days from as_of to the leaving date, 0 on the first day, negative before it."""
    if definition == "closure":
        left, earliest = departures(tables), 0
        left = left.filter(left.left_at < ibis.literal(observed_until).cast("timestamp"))
    else:
        left, earliest = silences(tables["transactions"], silent_days, observed_until), -silent_days
    both = left.cross_join(dates(as_of))
    both = both.mutate(days=-both.as_of.delta(both.left_at.date(), unit="day"))
    both = both.filter(both.days >= earliest)
    return both.group_by(*KEY).aggregate(leaves_after=both.days.min())


def label_counts(labels: ir.Table) -> ir.Table:
    """Count rows by as_of: all, at risk, censored among them, and leaving within each horizon."""
    leaves = {c: labels[c].sum() for c in labels.columns if c.startswith("leaves_") and c != "leaves_month"}
    return (
        labels.group_by("as_of")
        .aggregate(
            customers=labels.count(),
            at_risk=labels.count(where=labels.at_risk),
            censored=labels.count(where=labels.at_risk & labels.censored),
            **leaves,
        )
        .order_by("as_of")
    )
