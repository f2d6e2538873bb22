"""Defaulted loans and what came of them: exposure at default, cure, collateral. Input of the loss given default."""

from datetime import date

import ibis
import ibis.expr.types as ir

from .default_labels import default_dates
from .inputs import seen_by

CURE_DAYS = 90
"""A default is cured when a month's end at least so many days after it finds nothing past due."""


def defaulted_loans(tables: dict[str, ir.Table], *, days_past_due: int = 90, observed_until: date) -> ir.Table:
    """List granted loans that came into default before ``observed_until``.

    Returns
    -------
    ir.Table
        loan_id, customer_id, defaulted_at, ``exposure`` (balance at the first month's end at or after the default, or
        the last one before it; double), ``cured_at`` (missing: not cured), ``closed_at`` (missing: open),
        ``has_collateral`` (bool). Empty without month-end states, from which the exposure at default is taken: the
        stated loss given default is used then.
    """
    if "loan_months" not in tables:
        return _nothing(
            loan_id="string", customer_id="string", defaulted_at="timestamp", exposure="float64", cured_at="timestamp",
            closed_at="timestamp", has_collateral="boolean",
        )  # fmt: skip
    loans, months = tables["loans"], tables["loan_months"]
    collateral = loans.collateral_value if "collateral_value" in loans.columns else ibis.null("decimal(18, 2)")
    loans = loans.mutate(has_collateral=ibis.coalesce(collateral > 0, False))
    rows = loans.inner_join(default_dates(tables, days_past_due), "loan_id")
    rows = rows.filter(rows.default_at < ibis.literal(observed_until).cast("timestamp"))
    closed = rows.closed_at if "closed_at" in rows.columns else ibis.null("timestamp")
    rows = rows.select("loan_id", "customer_id", "has_collateral", defaulted_at="default_at", closed_at=closed)
    both = rows.select("loan_id", "defaulted_at").inner_join(months, "loan_id")
    both = both.filter(seen_by(both, "month_end", observed_until))
    after = both.month_end >= both.defaulted_at
    both = both.mutate(after=after, well=(both.month_end >= both.defaulted_at + ibis.interval(days=CURE_DAYS)))
    states = both.group_by("loan_id").aggregate(
        at_default=both.balance.argmin(both.month_end, where=both.after),
        before=both.balance.argmax(both.month_end, where=~both.after),
        cured_at=both.month_end.min(where=both.well & (both.days_past_due == 0)),
    )
    found = rows.left_join(states, "loan_id").drop("loan_id_right")
    exposure = ibis.coalesce(found.at_default, found.before).cast("float64")
    return found.select(
        "loan_id", "customer_id", "defaulted_at", exposure=exposure, cured_at=found.cured_at, closed_at=found.closed_at,
        has_collateral=found.has_collateral,
    )  # fmt: skip


def arrears_outcomes(
    tables: dict[str, ir.Table], *, days_past_due: int = 90, window_months: int = 12, observed_until: date
) -> ir.Table:
    """Count, by bucket of days past due at a month's end, how many loans came into default within the window.

    Month ends whose window is over count, of loans that had not been in default before.

    Returns
    -------
    ir.Table
        bucket (``0``, ``1-29``, ``30-59``, ``60-89``), loans, defaults.
    """
    if "loan_months" not in tables:
        return _nothing(bucket="string", loans="int64", defaults="int64")
    months = tables["loan_months"].left_join(default_dates(tables, days_past_due), "loan_id").drop("loan_id_right")
    end = ibis.literal(observed_until).cast("timestamp")
    span = ibis.interval(months=window_months)
    months = months.filter(
        seen_by(months, "month_end", observed_until)
        & (months.month_end + span <= end)
        & (months.default_at.isnull() | (months.default_at > months.month_end))
    )
    late = months.days_past_due
    bucket = ibis.cases((late <= 0, "0"), (late < 30, "1-29"), (late < 60, "30-59"), (late < 90, "60-89"), else_="90+")
    rows = months.mutate(bucket=bucket, bad=ibis.coalesce(months.default_at < months.month_end + span, False))
    return rows.group_by("bucket").aggregate(loans=rows.count(), defaults=rows.bad.sum().cast("int64"))


def _nothing(**schema: str) -> ir.Table:
    return ibis.memtable(ibis.schema(schema).to_pyarrow().empty_table(), schema=schema)


def recoveries_of(tables: dict[str, ir.Table], *, observed_until: date) -> ir.Table:
    """List what was received on defaulted loans and known by the end: loan_id, received_at, amount (double)."""
    if "recoveries" not in tables:
        none = tables["loans"].limit(0)
        return none.select("loan_id", received_at=none.applied_at, amount=none.amount.cast("float64"))
    rows = tables["recoveries"]
    rows = rows.filter(seen_by(rows, "received_at", observed_until))
    # several payments of one moment are one row
    return rows.group_by("loan_id", "received_at").aggregate(amount=rows.amount.sum().cast("float64"))
