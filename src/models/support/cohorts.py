"""Customers at dates: the contacts that lie before each date, and those that come after it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

YEAR = 365


def cohort_table(
    rows: pd.DataFrame, present: pd.DataFrame, joined: pd.Series, start: pd.Timestamp, until: pd.Timestamp,
    horizons: Sequence[int] = (30, 90),
) -> pd.DataFrame:  # fmt: skip
    """Count contacts before and after each date.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`.contact_log.read_contacts`. What was not known yet at a date (``known_at``) is not in its past.
    present : DataFrame
        ``customer_id, as_of`` and anything else, which is kept.
    joined : Series
        Customer → when the customer joined; missing: before the data begin.
    start, until : Timestamp
        The first moment that the contacts cover, and the first that they don't.
    horizons : sequence of int
        Days ahead.

    Returns
    -------
    DataFrame
        ``present`` with ``contacts`` in ``exposure`` days since start or joining, ``contacts_year`` in
        ``exposure_year`` of the last 365 days, ``repeats_year`` (of them, after an unresolved one within a week) and
        ``next_<days>`` (missing where the window is not over; 0 for a customer who leaves without a contact).

    Examples
    --------
    >>> from .contact_log import read_contacts
    >>> when = pd.to_datetime(["2026-01-05", "2026-01-20", "2026-02-03"])
    >>> log = read_contacts(pd.DataFrame({"customer_id": ["a", "a", "a"], "started_at": when}))
    >>> at = pd.DataFrame({"customer_id": ["a", "b"], "as_of": pd.Timestamp("2026-02-01")})
    >>> found = cohort_table(log.rows, at, pd.Series(dtype="datetime64[us]"), pd.Timestamp("2026-01-01"),
    ...                      pd.Timestamp("2026-03-15"))
    >>> found[["contacts", "exposure", "next_30", "next_90"]].values.tolist()
    [[2.0, 31.0, 1.0, nan], [0.0, 31.0, 0.0, nan]]
    """
    names = pd.Index(present["customer_id"].unique())
    who = names.get_indexer(pd.Index(rows["customer_id"]))
    ours = rows.loc[who >= 0]
    who = who[who >= 0]
    at, known, again = ours["started_at"].to_numpy(), ours["known_at"].to_numpy(), ours["repeat"].to_numpy(bool)
    since = pd.to_datetime(joined.reindex(names)).fillna(start)
    begun = since.where(since > start, start).to_numpy()
    parts = []
    for day, part in present.groupby("as_of", sort=True):
        moment = pd.Timestamp(str(day))
        place = names.get_indexer(pd.Index(part["customer_id"]))
        year = moment - pd.Timedelta(days=YEAR)
        before = (at < moment) & (known <= moment)
        last = before & (at >= year)
        exposure = ((moment - pd.DatetimeIndex(begun[place])).total_seconds() / 86_400).to_numpy(float).clip(min=0)
        counted = {
            "contacts": _count(who, before, place), "exposure": exposure, "contacts_year": _count(who, last, place),
            "exposure_year": np.minimum(exposure, YEAR), "repeats_year": _count(who, last & again, place),
        }  # fmt: skip
        for days in horizons:
            end = moment + pd.Timedelta(days=days)
            after = _count(who, (at >= moment) & (at < end), place)
            counted[f"next_{days}"] = after if end <= until else np.full(len(part), np.nan)
        parts.append(part.assign(**counted))
    return pd.concat(parts, ignore_index=True)


def _count(who: NDArray[np.intp], chosen: NDArray[np.bool_], place: NDArray[np.intp]) -> NDArray[np.float64]:
    most = int(max(who.max(initial=0), place.max(initial=0))) + 1
    return np.bincount(who[chosen], minlength=most)[place].astype(float)


def items(rows: pd.DataFrame, present: pd.DataFrame, columns: Sequence[str] = ("topic", "channel")) -> pd.DataFrame:
    """Count the contacts of the year before each date by topic and channel.

    Returns
    -------
    DataFrame
        Rows as in ``present``; columns ``<column>:<item>``, in the order of their names.
    """
    names = pd.Index(present["customer_id"].unique())
    who = names.get_indexer(pd.Index(rows["customer_id"]))
    found: dict[str, NDArray[np.float64]] = {}
    for column in columns:
        code, levels = pd.factorize(rows[column], sort=True)
        for k, level in enumerate(levels):
            mine = (code == k) & (who >= 0)
            found[f"{column}:{level}"] = _by_date(who[mine], rows.loc[mine], present, names)
    return pd.DataFrame(found, index=present.index)


def _by_date(
    who: NDArray[np.intp], rows: pd.DataFrame, present: pd.DataFrame, names: pd.Index
) -> NDArray[np.float64]:  # fmt: skip
    out = np.zeros(len(present))
    at, known = rows["started_at"].to_numpy(), rows["known_at"].to_numpy()
    for day, place in present.groupby("as_of", sort=True).indices.items():
        moment = pd.Timestamp(str(day))
        year = (at < moment) & (known <= moment) & (at >= moment - pd.Timedelta(days=YEAR))
        out[place] = _count(who, year, names.get_indexer(pd.Index(present["customer_id"].iloc[place])))
    return out
