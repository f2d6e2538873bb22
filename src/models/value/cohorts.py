"""Cohorts: customers at one as_of date, whose outcome windows lie so far apart that nothing is learned from twice."""

from typing import Any

import pandas as pd

from ...errors import DataError


def apart(dates: list[Any], days: int, *, same_season: bool = False) -> list[Any]:
    """Choose dates, from the last one back, that lie at least ``days`` days apart.

    Parameters
    ----------
    dates : list of Timestamp
        In any order.
    same_season : bool
        Only whole years before the last.

    Examples
    --------
    >>> quarters = list(pd.date_range("2024-01-01", "2025-07-01", freq="QS"))
    >>> [str(d.date()) for d in apart(quarters, 181)]
    ['2025-07-01', '2025-01-01', '2024-07-01', '2024-01-01']
    >>> [str(d.date()) for d in apart(quarters, 181, same_season=True)]
    ['2025-07-01', '2024-07-01']
    """
    ordered = sorted(dates, reverse=True)
    kept = ordered[:1]
    for date in ordered[1:]:
        whole_years = (date.month, date.day) == (ordered[0].month, ordered[0].day)
        if (kept[-1] - date).days >= days and (whole_years or not same_season):
            kept.append(date)
    return kept


def past_and_last(rows: pd.DataFrame, as_of: str, dates: list[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part rows into the earlier of some dates and the last of them."""
    parts = rows[rows[as_of].isin(dates[1:])], rows[rows[as_of] == dates[0]]
    return parts[0].reset_index(drop=True), parts[1].reset_index(drop=True)


def margin_cohorts(rows: pd.DataFrame, horizon: str, days: int, as_of: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows whose window is over: earlier cohorts, and the last one.

    No window reaches into the last cohort's. Cohorts of the same season (whole years before the last) are taken where
    there are any, others where not.

    Raises
    ------
    DataError
        If there are fewer than two such cohorts.
    """
    labelled = rows[rows[horizon].notna()]
    dates = list(labelled[as_of].unique())
    kept = apart(dates, days, same_season=True)
    kept = kept if len(kept) > 1 else apart(dates, days)
    if len(kept) < 2:
        raise DataError(
            f"{horizon}: {len(kept)} cohorts with a finished window of {days} days, two that do not overlap are "
            "needed: raise snapshots in params/features.yaml, or use data of a longer time"
        )
    return past_and_last(labelled, as_of, kept)
