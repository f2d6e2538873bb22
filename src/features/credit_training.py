"""What the credit model learns from: applications with their outcomes, or a ready table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..models.credit.development import History
from ..params import load_params
from .training import ready_table

SIGNED = ("repayment", "application")  # families whose signs speak of default
MONTHS, SEEN = "months_watched", "default_seen"


def credit_training(
    ready: Mapping[str, Any], use_signs: bool, history_days: int, min_events: int, follow_up_until: str | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load applications with their outcomes and say which columns are what.

    Parameters
    ----------
    ready : mapping
        As for :func:`.training.churn_training`; empty for the applications stage.
    use_signs : bool
        Hold inputs to the signs of the dictionary (applications stage only).
    history_days : int
        Applications of the first days of the data are left out: nothing was known of the applicants yet.
    min_events : int
        With fewer bad outcomes credit is not applicable to this source (a ready table is refused by the fit instead).
    follow_up_until : str, optional
        ISO date. Tell also how long each granted loan was watched until then, and whether it came to be in default
        (applications stage only); None: the outcome of the window is all that is learned from.

    Returns
    -------
    table : DataFrame
        Every application; ``cohort`` is the quarter of applying.
    columns : dict
        Settings for :class:`afraz.models.credit.fit.CreditSettings`.

    Raises
    ------
    NotApplicable
        If the source has no loans, or too few bad outcomes.
    """
    if ready:
        table, columns = ready_table(ready)
        return table, {**columns, "customer": None}
    if not catalog.path("application_features").exists():
        raise NotApplicable("there are no applications for loans in this source, and no ready table is named")
    outcomes = catalog.load("application_outcomes")
    table = catalog.load("application_features").merge(outcomes, on=["loan_id", "customer_id", "as_of"])
    when = pd.to_datetime(table["as_of"])
    table = table.assign(as_of=when, cohort=when.dt.to_period("Q").astype(str))
    table = table[when >= when.min() + pd.Timedelta(days=history_days)].reset_index(drop=True)
    bad = int(table["defaults"].fillna(0).sum())
    if bad < min_events:
        raise NotApplicable(
            f"{bad} bad outcomes, at least {min_events} are needed ({min_events - bad} more): wait for windows to end, "
            "or widen the definition of default in params/applications.yaml"
        )
    aside = [c for c in outcomes.columns if c not in ("loan_id", "customer_id", "as_of", "defaults")]
    protected = [c for c in ("gender", "age_years") if c in table]
    columns = {"outcomes": [*(c for c in aside if c not in protected and c in table), "cohort"], "protected": protected}
    if follow_up_until is not None:
        table, columns = followed(table, pd.Timestamp(follow_up_until)), {**columns, "duration": MONTHS, "seen": SEEN}
    if use_signs:
        dictionary = catalog.load("application_dictionary")
        signed = dictionary[(dictionary["sign"] != 0) & dictionary["family"].isin(SIGNED)]
        columns["monotone"] = {n: int(sign) for n, sign in signed.set_index("name")["sign"].items() if n in table}
    return table, columns


def followed(table: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Say how long each granted loan was watched, and whether it was seen to default.

    Parameters
    ----------
    table : DataFrame
        ``granted_at, default_at, closed_at`` (missing: not granted, no default, not closed).

    Returns
    -------
    DataFrame
        The table with ``months_watched`` (from granting to the default, the closing or ``until``, whichever came first)
        and ``default_seen`` (0 or 1); both are missing for loans that were not granted before ``until``.

    Examples
    --------
    >>> loans = pd.DataFrame({"granted_at": pd.to_datetime(["2025-01-01", "2025-01-01", "2025-07-01", None]),
    ...                       "default_at": pd.to_datetime([None, "2025-04-01", "2026-04-01", None]),
    ...                       "closed_at": pd.to_datetime(["2025-07-01", None, None, None])})
    >>> followed(loans, pd.Timestamp("2026-01-01"))[["months_watched", "default_seen"]].round(1)
       months_watched  default_seen
    0             5.9           0.0
    1             3.0           1.0
    2             6.0           0.0
    3             NaN           NaN
    """
    start, default, closed = (pd.to_datetime(table[name]) for name in ("granted_at", "default_at", "closed_at"))
    ends = pd.concat([default, closed], axis=1).assign(until=until).min(axis=1)
    seen = (default <= ends).astype(float) * (default < until)
    watched = start < until
    months = (ends - start) / pd.Timedelta(days=365.25 / 12)
    return table.assign(**{MONTHS: months.where(watched), SEEN: seen.astype(float).where(watched)})


def credit_history(ready: bool) -> History | None:
    """Load what became of granted loans; a ready table has no such history."""
    if ready:
        return None
    window = load_params("applications", catalog.root())["window_months"]
    return History(catalog.load("defaults"), catalog.load("recovered"), catalog.load("arrears"), window)
