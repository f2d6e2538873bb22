"""Labels of credit: which granted loan came to be so many days past due within so many months. It looks ahead."""

from datetime import date

import ibis
import ibis.expr.types as ir

from ..errors import DataError, ParamsError
from .applications import applications

DATED_BY_SOURCE = 90
"""Days past due that ``loans.defaulted_at`` dates; other limits are looked up in ``loan_months``."""
_OPTIONAL = {
    "granted_at": "timestamp", "defaulted_at": "timestamp", "closed_at": "timestamp", "decision": "string",
    "override_reason": "string", "granted_at_random": "boolean",
}  # fmt: skip


def default_dates(tables: dict[str, ir.Table], days_past_due: int) -> ir.Table:
    """Date the first default of every loan that had one: loan_id, ``default_at``.

    From ``loans.defaulted_at`` where the source fills it and the limit is the one that it dates, else from month ends.

    Raises
    ------
    DataError
        If the limit is not the one that the source dates and there are no month-end states to look it up in.
    """
    loans = tables["loans"]
    dated = "defaulted_at" in loans.columns and int(loans.defaulted_at.count().execute()) > 0
    if days_past_due == DATED_BY_SOURCE and (dated or "loan_months" not in tables) and "defaulted_at" in loans.columns:
        return loans.filter(loans.defaulted_at.notnull()).select("loan_id", default_at="defaulted_at")
    if "loan_months" not in tables:
        raise DataError(
            f"days_past_due {days_past_due} needs the table loan_months: loans.defaulted_at dates {DATED_BY_SOURCE}"
        )
    months = tables["loan_months"]
    late = months.filter(months.days_past_due >= days_past_due)
    return late.group_by("loan_id").aggregate(default_at=late.month_end.min())


def default_labels(
    tables: dict[str, ir.Table], *, days_past_due: int = 90, window_months: int = 12, observed_until: date
) -> ir.Table:
    """Label every application with what became of it.

    **Default**: the loan is ``days_past_due`` days past due for the first time less than ``window_months`` months after
    it was granted. ``defaults`` is 1 or 0 for granted loans whose window lies within the data (``window_ends`` not
    after ``observed_until``), missing for others: for loans that were not granted, and for those whose window has not
    ended (``unfinished``; they are counted, not guessed, even where the default has come already: those who default
    early would be over-represented). A loan that is repaid or closed before the window ends without having been in
    default counts as good: the bank lost nothing.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers``, ``loans`` and, where the limit is not 90 days, ``loan_months``.
    days_past_due, window_months : int
    observed_until : date
        The first moment that the data don't cover.

    Returns
    -------
    ir.Table
        loan_id, customer_id, as_of, granted (bool), granted_at, closed_at, default_at, defaults (int64 or missing),
        unfinished (bool), window_ends (date), decision, override_reason, at_random (bool), passed (bool: the old
        policy's own verdict, before overrides and random grants), amount (double).

    Raises
    ------
    DataError
        If a default is dated before its loan was granted.
    ParamsError
        For a limit or window below 1.

    Examples
    --------
    >>> default_labels({}, days_past_due=0, observed_until=date(2026, 1, 1))
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: days_past_due and window_months are whole numbers from 1 on, got 0 and 12
    """
    if days_past_due < 1 or window_months < 1:
        raise ParamsError(
            f"days_past_due and window_months are whole numbers from 1 on, got {days_past_due} and {window_months}"
        )
    rows = applications(tables)
    absent = {name: ibis.null(kind) for name, kind in _OPTIONAL.items() if name not in rows.columns}
    rows = rows.mutate(**absent) if absent else rows
    rows = rows.left_join(default_dates(tables, days_past_due), "loan_id").drop("loan_id_right")
    early = int(rows.filter(rows.default_at < rows.granted_at).count().execute())
    if early:
        raise DataError(
            f"{early:,} loans are in default before they were granted: expected granted_at ≤ default, check both dates "
            "in the source"
        )
    ends = (rows.granted_at + ibis.interval(months=window_months)).date()
    rows = rows.mutate(window_ends=ends, granted=rows.granted_at.notnull())
    rows = rows.mutate(unfinished=rows.granted & (rows.window_ends > ibis.literal(observed_until)))
    bad = rows.default_at.notnull() & (rows.default_at.date() < rows.window_ends)
    known = rows.granted & ~rows.unfinished
    overridden = rows.override_reason.notnull()
    at_random = ibis.coalesce(rows.granted_at_random, False)
    return rows.select(
        "loan_id", "customer_id", "as_of", "granted", "granted_at", "closed_at", "default_at",
        defaults=ibis.ifelse(known, ibis.coalesce(bad, False).cast("int64"), ibis.null("int64")),
        unfinished=ibis.coalesce(rows.unfinished, False), window_ends=rows.window_ends, decision=rows.decision,
        override_reason=rows.override_reason, at_random=at_random,
        passed=(ibis.coalesce(rows.decision, "granted") != "declined") & ~overridden & ~at_random,
        amount=rows.amount.cast("float64"),
    )  # fmt: skip


def personal(labels: ir.Table, tables: dict[str, ir.Table]) -> ir.Table:
    """Put gender and age at the application beside the outcomes: for checks of fairness, not as inputs.

    Returns
    -------
    ir.Table
        The labels with ``gender`` (text) and ``age_years`` (double), missing where the source has neither.
    """
    customers = tables["customers"]
    gender = customers.gender if "gender" in customers.columns else ibis.null("string")
    born = customers.birth_date if "birth_date" in customers.columns else ibis.null("date")
    rows = labels.left_join(customers.select("customer_id", gender=gender, born=born), "customer_id")
    age = rows.as_of.delta(rows.born, unit="day").cast("float64") / 365.25
    return rows.mutate(age_years=age).drop("customer_id_right", "born")


def label_counts(labels: ir.Table) -> ir.Table:
    """Count applications by quarter: all, granted, unfinished among them, labelled, defaults."""
    rows = labels.mutate(quarter=labels.as_of.truncate("Q"))
    return (
        rows.group_by("quarter")
        .aggregate(
            applications=rows.count(),
            granted=rows.granted.sum(),
            unfinished=rows.unfinished.sum(),
            labelled=rows.defaults.count(),
            defaults=rows.defaults.sum(),
        )
        .order_by("quarter")
    )
