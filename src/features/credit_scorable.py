"""What credit scoring looks at as of a date: applications of the months before it, and the loans that are running."""

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from .. import catalog
from ..errors import DataError, NotApplicable
from .inputs import seen_by

MONTH = 365.25 / 12


def _tables() -> dict[str, ir.Table]:
    if not catalog.path("application_features").exists():
        raise NotApplicable("there are no applications for loans in this source")
    return catalog.canonical_tables()


def _moment(day: date) -> ir.TimestampValue:
    return ibis.literal(day).cast("timestamp")


def applications_to_score(as_of: date, days: int = 365) -> pd.DataFrame:
    """Applications of the ``days`` before a date, with what was known of the applicants when they applied.

    Returns
    -------
    DataFrame
        Features with ``loan_id, customer_id, applied_on, amount, decision`` (missing where it was not taken yet).

    Raises
    ------
    NotApplicable
        If the source has no loans.
    DataError
        If nobody applied in these days.
    """
    loans = _tables()["loans"]
    recent = loans.filter((loans.applied_at < _moment(as_of)) & (loans.applied_at >= _moment(as_of - timedelta(days))))
    taken = recent.granted_at.isnull() | (recent.granted_at < _moment(as_of))
    decision = ibis.ifelse(taken, recent.decision, ibis.null("string"))
    asked = recent.select("loan_id", amount=recent.amount.cast("float64"), decision=decision).to_pandas()
    rows = catalog.load("application_features").merge(asked, on="loan_id").rename(columns={"as_of": "applied_on"})
    if rows.empty:
        raise DataError(f"nobody applied for a loan in the {days} days before {as_of}: take a date within the data")
    return with_collateral(rows)


def running_loans(as_of: date) -> pd.DataFrame:
    """Loans that are running at a date, with the features of their application.

    Returns
    -------
    DataFrame
        Features with ``loan_id, customer_id, applied_on, granted_at, age_months, remaining_months, balance,
        days_past_due`` (of the last month's end that was known), ``in_default`` (bool: 90 days past due then, or dated
        as a default and not back to 0 since).

    Raises
    ------
    NotApplicable
        If the source has no loans, or no month-end states.
    """
    tables = _tables()
    if "loan_months" not in tables:
        raise NotApplicable("there is no table loan_months: the book's balances are taken from it")
    loans, months = tables["loans"], tables["loan_months"]
    end = _moment(as_of)
    open_ = loans.filter((loans.granted_at < end) & (loans.closed_at.isnull() | (loans.closed_at >= end)))
    seen = months.filter(seen_by(months, "month_end", as_of))
    last = seen.group_by("loan_id").aggregate(
        balance=seen.balance.argmax(seen.month_end).cast("float64"),
        days_past_due=seen.days_past_due.argmax(seen.month_end).cast("float64"),
    )
    columns = {n: open_[n] if n in open_.columns else ibis.null(t)
               for n, t in (("term_months", "int64"), ("defaulted_at", "timestamp"))}  # fmt: skip
    rows = open_.select("loan_id", "granted_at", "amount", term=columns["term_months"], bad_at=columns["defaulted_at"])
    frame = rows.left_join(last, "loan_id").drop("loan_id_right").to_pandas()
    age = (pd.Timestamp(as_of) - frame["granted_at"]).dt.total_seconds() / 86_400 / MONTH
    frame["age_months"] = age
    frame["remaining_months"] = (frame.pop("term").fillna(60) - age).clip(lower=0)
    frame["balance"] = frame["balance"].fillna(frame.pop("amount").astype(float))  # granted after the last month's end
    frame["days_past_due"] = frame["days_past_due"].fillna(0.0)
    dated = frame.pop("bad_at") < pd.Timestamp(as_of)
    frame["in_default"] = (frame["days_past_due"] >= 90) | (dated & (frame["days_past_due"] > 0))
    features = catalog.load("application_features").rename(columns={"as_of": "applied_on"})
    return with_collateral(features.merge(frame, on="loan_id"))


def with_collateral(rows: pd.DataFrame) -> pd.DataFrame:
    """Say whether the application offers collateral, as the loss given default asks."""
    share = rows["collateral_share"] if "collateral_share" in rows else pd.Series(np.zeros(len(rows)), rows.index)
    return rows.assign(has_collateral=share.fillna(0) > 0)
