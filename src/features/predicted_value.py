"""Predicted value: the margin of the coming year, from the rows of one date and nothing after them.

The value model learns from outcomes, so for past months it would tell what it has seen come. This is fitted anew at
every as_of date, to that date's features alone, and is therefore the same for a past month, for the last one and at
scoring: expected days with a purchase (BG/NBD) times what such a day is expected to bring (credibility).

**A window is no whole history.** Features count the days of the last 365, so time begins for everybody with the window,
or on joining if later; every active day since is a purchase of BG/NBD, and everybody is taken to be there at the start.
Someone who had left before the window is one who has not bought in it, whom BG/NBD calls present, at a low rate. A
customer of ten years is known no better than one of one. Rates and chances to leave are those of the customers of the
date, who have stayed so far; that accounts will be closed is not in it: it ranks, and its total is somewhat too high.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..models.value.bg_nbd import fit_bg_nbd
from ..models.value.credibility import fit_credibility
from ..models.value.nbd import fit_nbd

Array = NDArray[np.float64]

NAME = "predicted_value"
MADE_OF = (
    "tenure_days", "history_days", "days_since_last_initiated", "active_days_90d", "active_days_365d", "margin_90d",
    "margin_365d",
)  # fmt: skip
"""Features that it takes; the leak audit rebuilds them, and nothing else enters."""
YEAR = 365


def with_predicted_value(rows: pd.DataFrame) -> pd.DataFrame:
    """Add ``predicted_value`` to a feature table, fitted to each date on its own.

    Parameters
    ----------
    rows : DataFrame
        as_of and ``MADE_OF``, all customers of each date.

    Returns
    -------
    DataFrame
        The rows as they are, and the column, in currency to the cent; without it where the source lacks what it is
        made of.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "as_of": pd.Timestamp("2026-01-01"), "tenure_days": [900, 900, 30], "history_days": [900, 900, 30],
    ...     "days_since_last_initiated": [2, 60, 2], "active_days_90d": [15, 3, 5], "active_days_365d": [60, 24, 5],
    ...     "margin_90d": [30.0, 6.0, 10.0], "margin_365d": [120.0, 48.0, 10.0]})
    >>> with_predicted_value(rows)["predicted_value"].tolist()
    [116.07, 53.61, 101.28]
    >>> "predicted_value" in with_predicted_value(rows.drop(columns="margin_365d"))
    False
    """
    if any(name not in rows for name in MADE_OF):
        return rows
    found = pd.Series(np.nan, index=rows.index, name=NAME)
    for _, here in rows.groupby("as_of"):
        found[here.index] = predicted_value(here)
    return rows.assign(**{NAME: found})


def predicted_value(rows: pd.DataFrame) -> Array:
    """Predict the margin of the 365 days from as_of on, for the customers of one date.

    A customer without a purchase, or without a recorded margin, is expected to bring what a purchase brings on average.

    Returns
    -------
    (n,) in currency to the cent; missing where neither joining nor a booking is known, and for everybody where nobody
    has bought or no margin is recorded
    """
    x = {name: rows[name].to_numpy(dtype=float, na_value=np.nan) for name in MADE_OF}
    value = np.full(len(rows), np.nan)
    known = ~np.isnan(x["tenure_days"])
    bought = x["active_days_365d"] > 0
    if not (known & bought & ~np.isnan(x["margin_365d"])).any():
        return value
    days = expected_days(window_histories(rows[known]))
    recent = np.column_stack([x["margin_90d"], x["margin_365d"] - x["margin_90d"]])
    count = np.column_stack([x["active_days_90d"], x["active_days_365d"] - x["active_days_90d"]])
    a_day = fit_credibility(recent, count).expected(x["margin_365d"], x["active_days_365d"])
    value[known] = days * a_day[known]
    return value.round(2) + 0.0  # no negative zero


def window_histories(rows: pd.DataFrame) -> pd.DataFrame:
    """Histories that begin with the window of a year, or on joining, or with the data, whichever is latest.

    Returns
    -------
    DataFrame
        ``frequency`` (active days), ``recency`` (to the middle of the last one) and ``T``, in days from the start.

    Examples
    --------
    >>> window_histories(pd.DataFrame({"tenure_days": [900, 30, 30], "history_days": [900, 30, np.nan],
    ...     "active_days_365d": [60, 5, 0], "days_since_last_initiated": [1, 30, np.nan]}))
       frequency  recency      T
    0       60.0    364.5  365.0
    1        5.0      0.5   30.0
    2        0.0      0.0   30.0
    """
    count = rows["active_days_365d"].to_numpy(dtype=float)
    since = rows["days_since_last_initiated"].to_numpy(dtype=float)
    window = np.fmin(YEAR, np.nanmax(rows["history_days"].to_numpy(dtype=float), initial=1.0))
    again = count > 0
    age = np.fmax(np.fmin(rows["tenure_days"].to_numpy(dtype=float), window), np.where(again, since, 1.0))
    recency = np.where(again, age - since + 0.5, 0.0)
    return pd.DataFrame({"frequency": count, "recency": recency, "T": age}, index=rows.index)


def expected_days(history: pd.DataFrame) -> Array:
    """Days with a purchase in the coming year, by the model that describes the histories best (Akaike 1974).

    One rate for all, NBD (rates differ), or BG/NBD (customers leave, too). Where chances to leave hardly differ, as at
    a bank, only the ratio of a and b is identified: such a fit has no standard errors, but what it expects is the same
    all along the ridge. Likelihood, not convergence, therefore decides.

    Returns
    -------
    (n,) from 0 on

    Examples
    --------
    >>> expected_days(pd.DataFrame({"frequency": [5, 5], "recency": [49.0, 49.0], "T": [50.0, 50.0]}))
    array([36.5, 36.5])
    """
    purchases, time = history["frequency"].sum(), history["T"].sum()
    best = purchases * (np.log(purchases / time) - 1) - 1
    days = np.full(len(history), purchases / time * YEAR)
    for fit in (fit_nbd, fit_bg_nbd):
        found = fit(history)
        score = found.log_likelihood - len(found.params)
        if score > best:
            best, days = score, found.model.expected_purchases(history, YEAR)
    return days
