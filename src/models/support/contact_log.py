"""Contacts made fit to count: what cannot be is named, counted and left out, never mended."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import DataError

NEEDED = ("customer_id", "started_at")
OPTIONAL = ("channel", "topic", "agent_id", "wait_seconds", "duration_seconds", "resolved", "satisfaction")
REPEAT_DAYS = 7


@dataclass(frozen=True)
class ContactLog:
    """Contacts in the order of customer and time, and the rows that were left out.

    Attributes
    ----------
    rows : DataFrame
        ``customer_id, started_at, known_at``, the optional columns (missing throughout where the source has none),
        ``abandoned`` (waited, and met nobody) and ``repeat`` (follows an unresolved one within a week).
    faults : DataFrame
        ``fault, rows, example``: every kind of fault once, with its number, 0 included.
    """

    rows: pd.DataFrame
    faults: pd.DataFrame

    @property
    def refused(self) -> int:
        """Rows that were left out."""
        return int(self.faults["rows"].sum())


def read_contacts(contacts: pd.DataFrame, until: pd.Timestamp | None = None) -> ContactLog:
    """Leave out contacts that cannot have been as they are recorded.

    Parameters
    ----------
    contacts : DataFrame
        ``customer_id, started_at`` and any of ``OPTIONAL``; ``ended_at``, where there is one, is held against the
        start. Outbound contacts (``direction``) are the bank's own doing and left aside, without being a fault.
    until : Timestamp, optional
        The first moment that the data do not cover.

    Returns
    -------
    ContactLog

    Raises
    ------
    DataError
        Where a needed column is missing.

    Examples
    --------
    >>> when = pd.to_datetime(["2026-01-05 10:00", "2026-01-05 11:00", "2026-01-06 10:00"])
    >>> calls = pd.DataFrame({"customer_id": ["a", "a", "b"], "started_at": when, "duration_seconds": [60, -5, 30]})
    >>> log = read_contacts(calls)
    >>> len(log.rows), log.refused, log.faults.query("rows > 0")["fault"].item()
    (2, 1, 'ends before it starts')
    >>> read_contacts(calls.drop(columns="started_at"))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: contacts: expected columns customer_id, started_at, missing started_at
    """
    absent = [name for name in NEEDED if name not in contacts.columns]
    if absent:
        raise DataError(f"contacts: expected columns {', '.join(NEEDED)}, missing {', '.join(absent)}")
    rows = contacts.reset_index(drop=True)
    if "direction" in rows.columns:
        rows = rows[rows["direction"].fillna("inbound") == "inbound"].reset_index(drop=True)
    rows = rows.assign(**{name: np.nan for name in OPTIONAL if name not in rows.columns})
    rows["started_at"] = pd.to_datetime(rows["started_at"])
    for name in ("wait_seconds", "duration_seconds", "satisfaction"):
        rows[name] = pd.to_numeric(rows[name]).astype(float)
    backwards = rows["duration_seconds"] < 0
    if "ended_at" in rows.columns:
        backwards |= pd.to_datetime(rows["ended_at"]) < rows["started_at"]
    faults = {
        "has no customer": rows["customer_id"].isna(),
        "has no time": rows["started_at"].isna(),
        "lies after the end of the data": rows["started_at"] >= until if until is not None else rows.index < 0,
        "ends before it starts": backwards,
        "waits less than no time": rows["wait_seconds"] < 0,
    }
    left = pd.Series(True, index=rows.index)
    told = []
    for name, broken in faults.items():
        first = left & broken  # a row counts for the first fault that it has
        told.append((name, int(first.sum()), _example(rows, first)))
        left &= ~first
    kept = rows.loc[left].sort_values(["customer_id", "started_at"], kind="stable", ignore_index=True)
    met_nobody = kept["duration_seconds"].isna() & kept["agent_id"].isna()
    kept["abandoned"] = kept["wait_seconds"].notna() & met_nobody
    known = kept["known_at"] if "known_at" in kept.columns else kept["started_at"]
    kept["known_at"] = pd.to_datetime(known).fillna(kept["started_at"])
    kept["repeat"] = repeats(kept)
    columns = ["customer_id", "started_at", "known_at", *OPTIONAL, "abandoned", "repeat"]
    return ContactLog(kept[columns], pd.DataFrame(told, columns=["fault", "rows", "example"]))


def _example(rows: pd.DataFrame, broken: pd.Series) -> str:
    if not broken.any():
        return ""
    at = int(np.argmax(broken.to_numpy()))
    return str(rows["contact_id"].iloc[at]) if "contact_id" in rows.columns else f"row {at}"


def gaps(rows: pd.DataFrame, until: pd.Timestamp, present_until: pd.Series | None = None) -> pd.DataFrame:
    """Give the days from each contact to the customer's next one, censored where none came yet.

    Parameters
    ----------
    rows : DataFrame
        Of :func:`read_contacts`.
    until : Timestamp
        The first moment that the data do not cover.
    present_until : Series, optional
        Customer → the moment of leaving; missing: still there. Nobody contacts a bank that they have left.

    Returns
    -------
    DataFrame
        The rows with ``days`` and ``came_back`` (bool).

    Examples
    --------
    >>> when = pd.to_datetime(["2026-01-05", "2026-01-08", "2026-01-06"])
    >>> log = read_contacts(pd.DataFrame({"customer_id": ["a", "a", "b"], "started_at": when}))
    >>> gaps(log.rows, pd.Timestamp("2026-02-01"))[["days", "came_back"]].values.tolist()
    [[3.0, True], [24.0, False], [26.0, False]]
    """
    following = rows.groupby("customer_id")["started_at"].shift(-1)
    end = pd.Series(until, index=rows.index)
    if present_until is not None:
        left = pd.to_datetime(present_until.reindex(rows["customer_id"])).set_axis(rows.index)
        end = end.where(left.isna() | (left > until), left)
    ends = following.fillna(end)
    days = (ends - rows["started_at"]).dt.total_seconds() / 86_400
    return rows.assign(days=days.clip(lower=0), came_back=following.notna())


def per_month(rows: pd.DataFrame, start: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Count the contacts of every month from start to until; months without any have 0.

    Examples
    --------
    >>> when = pd.to_datetime(["2026-01-05", "2026-03-08"])
    >>> log = read_contacts(pd.DataFrame({"customer_id": ["a", "b"], "started_at": when}))
    >>> per_month(log.rows, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-04-01"))["contacts"].tolist()
    [1, 0, 1]
    """
    months = pd.period_range(start, until - pd.Timedelta(microseconds=1), freq="M")
    when = rows["started_at"].dt.to_period("M")
    counted = rows.groupby(when)["customer_id"].agg(["size", "nunique"]).reindex(months, fill_value=0)
    unsettled = (rows["resolved"] == False).groupby(when).sum().reindex(months, fill_value=0)  # noqa: E712
    return pd.DataFrame({
        "month": months.astype(str), "contacts": counted["size"].to_numpy(), "customers": counted["nunique"].to_numpy(),
        "unresolved": unsettled.to_numpy(),
    })  # fmt: skip


def repeats(rows: pd.DataFrame, days: int = REPEAT_DAYS) -> pd.Series:
    """Tell which contacts follow an unresolved one of the same customer within some days."""
    before = rows.groupby("customer_id")[["started_at", "resolved"]].shift()
    soon = rows["started_at"] - before["started_at"] <= pd.Timedelta(days=days)
    return soon & (before["resolved"] == False)  # noqa: E712
