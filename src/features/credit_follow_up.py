"""Granted credit with what the model said of it and what became of it."""

import pandas as pd

from .. import catalog
from ..errors import NotApplicable


def followed_credit(cohorts: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Load applications, month-end states and closings.

    Parameters
    ----------
    cohorts : str
        Period of granting by which loans are followed, as pandas spells it (``Q``, ``M``, ``Y``).

    Returns
    -------
    applications : DataFrame
        ``loan_id, granted, granted_at, defaulted_at, closed_at, passed, at_random, override_reason, label,
        default_probability, grade, cohort`` (missing where not granted).
    month_ends : DataFrame
        ``loan_id, month_end, days_past_due``; empty where the source has none.
    closings : DataFrame
        ``loan_id, closed_at``.

    Raises
    ------
    NotApplicable
        If the source has no loans, or the credit model was fitted on a ready table.
    """
    reason = catalog.reason_not_applicable("credit_metrics")
    if reason is not None:
        raise NotApplicable(reason)
    if catalog.load("credit_metrics")["ready_table"]:
        raise NotApplicable("the credit model was fitted on a ready table, which says nothing of granted loans")
    said = catalog.load("credit_applicants")[["loan_id", "default_probability", "label", "grade"]]
    rows = catalog.load("application_outcomes").merge(said, on="loan_id").rename(columns={"default_at": "defaulted_at"})
    rows["cohort"] = rows["granted_at"].dt.to_period(cohorts).astype(str).where(rows["granted_at"].notna())
    # a default that the source dates after the closing of its loan is not the loan's any more
    rows["defaulted_at"] = rows["defaulted_at"].where(~(rows["defaulted_at"] > rows["closed_at"]))
    granted = rows.loc[rows["granted"], ["loan_id", "closed_at"]]
    months = pd.DataFrame({"loan_id": [], "month_end": pd.to_datetime([]), "days_past_due": []})
    if catalog.path("loan_months").exists():
        months = catalog.scan("loan_months").select("loan_id", "month_end", "days_past_due").to_pandas()
        months = months[months["loan_id"].isin(granted["loan_id"])]
    return rows, months, granted[granted["closed_at"].notna()]
