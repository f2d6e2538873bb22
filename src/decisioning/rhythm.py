"""When to reach a customer: day of the week and hour by channel, from the customer's own bookings and contacts.

Shares of days and of hours are the customer's counts with pseudo-counts of the whole population, so that little data
leans on everybody and much data on itself. Day and hour are estimated apart: few customers fill a table of both.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainc

from ..errors import ParamsError
from ..features.activity import initiated
from ..features.inputs import seen_by

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOMENTS = ("customer_id", "source", "day", "hour", "events")


@dataclass(frozen=True)
class Opening:
    """When a channel may be used, and what tells that a customer is at it.

    Attributes
    ----------
    days : sequence of int
        0 is Monday.
    first_hour, last_hour : int
        Contacts begin from the first hour on and before the last.
    sources : sequence of str
        Channels of transactions and of contacts that count as evidence.

    Raises
    ------
    ParamsError
        For days or hours that do not exist, or no source.

    Examples
    --------
    >>> Opening(days=(0, 1, 2, 3, 4, 5), first_hour=9, last_hour=20, sources=("phone", "mobile")).cells()
    ((0, 1, 2, 3, 4, 5), (9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19))
    >>> Opening(days=(0, 7), first_hour=9, last_hour=20, sources=("phone",))
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: opening: days are 0 (Monday) to 6 (Sunday), each once, not [0, 7]
    """

    days: Sequence[int]
    first_hour: int
    last_hour: int
    sources: Sequence[str]

    def __post_init__(self) -> None:
        if not self.days or len(set(self.days)) < len(self.days) or not set(self.days) <= set(range(7)):
            raise ParamsError(f"opening: days are 0 (Monday) to 6 (Sunday), each once, not {list(self.days)}")
        if not 0 <= self.first_hour < self.last_hour <= 24:
            raise ParamsError(f"opening: expected 0 <= first_hour < last_hour <= 24, not {self.first_hour} and "
                              f"{self.last_hour}")  # fmt: skip
        if not self.sources:
            raise ParamsError("opening: sources is empty: name the channels that tell when a customer is there")

    def cells(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Open days and open hours."""
        return tuple(sorted(self.days)), tuple(range(self.first_hour, self.last_hour))


OPENINGS: dict[str, Opening] = {
    "call": Opening(range(6), 9, 20, ("phone", "mobile", "internet")),
    "sms": Opening(range(7), 9, 21, ("mobile", "pos")),
    "email": Opening(range(7), 7, 22, ("email", "web", "internet", "mobile")),
    "branch": Opening(range(5), 9, 16, ("branch", "atm")),
}


def openings(settings: Mapping[str, Mapping[str, object]] | None) -> dict[str, Opening]:
    """Read opening hours by channel from parameters; those of channels that are not named stay as they are.

    Examples
    --------
    >>> openings({"call": {"days": [0, 1], "first_hour": 10, "last_hour": 12, "sources": ["phone"]}})["call"].first_hour
    10
    >>> openings({"call": {"dais": [0, 1]}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: opening of 'call': expected days, first_hour, last_hour, sources; got dais
    """
    found = dict(OPENINGS)
    names = list(Opening.__dataclass_fields__)
    for channel, values in (settings or {}).items():
        if set(values) != set(names):
            raise ParamsError(f"opening of {channel!r}: expected {', '.join(names)}; got {', '.join(values)}")
        found[channel] = Opening(**values)  # type: ignore[arg-type]
    return found


def moments(
    tables: Mapping[str, ir.Table], as_of: dt.date, days: int = 365, utc_offset_minutes: int = 0
) -> pd.DataFrame:
    """Count bookings that the customer caused, and inbound contacts, by channel, day of the week and hour.

    Parameters
    ----------
    tables : mapping
        Canonical tables; ``contacts`` may be absent.
    days : int
        How far back.
    utc_offset_minutes : int
        Tables are in UTC, opening hours in local time.

    Returns
    -------
    DataFrame
        ``customer_id, source, day, hour, events``, ordered.
    """
    events = [tables["transactions"].filter(initiated).rename(at="booked_at")]
    if "contacts" in tables:
        events.append(tables["contacts"].filter(lambda t: t.direction == "inbound").rename(at="started_at"))
    start = ibis.literal(as_of - dt.timedelta(days=days)).cast("timestamp")
    counted = []
    for rows in events:
        known = rows.filter(seen_by(rows, "at", as_of), rows.at >= start, rows.channel.notnull())
        local = known.at + ibis.interval(minutes=utc_offset_minutes)
        cells = known.select("customer_id", source=known.channel, day=local.day_of_week.index(), hour=local.hour())
        by = cells.group_by(["customer_id", "source", "day", "hour"])
        counted.append(by.agg(events=ibis._.count()))
    every = ibis.union(*counted) if len(counted) > 1 else counted[0]
    keys = list(MOMENTS[:-1])
    return every.group_by(keys).agg(events=ibis._.events.sum()).order_by(keys).to_pandas()


def best_times(
    seen: pd.DataFrame, customer_ids: pd.Series, opened: Mapping[str, Opening], pseudo_count: float = 20.0
) -> pd.DataFrame:
    """Choose day and hour for every customer and channel, within its opening hours.

    Parameters
    ----------
    seen : DataFrame
        From :func:`moments`.
    customer_ids : Series
        Whom to choose for; without events of their own they get the population's best time.
    pseudo_count : float
        So many events of the population are added to a customer's own.

    Returns
    -------
    DataFrame
        ``customer_id, channel, day`` (0 is Monday), ``hour, events`` (own ones within the opening hours),
        ``confidence``: probability that the customer's share of that day, and of that hour, is above that of an
        average open one (posterior, both multiplied).

    Raises
    ------
    ParamsError
        If ``pseudo_count`` is not positive.

    Examples
    --------
    >>> seen = pd.DataFrame({"customer_id": ["C1"] * 2, "source": "phone", "day": [1, 6], "hour": [18, 10],
    ...                      "events": [30, 99]})
    >>> opened = {"call": Opening(range(6), 9, 20, ("phone",))}
    >>> best_times(seen, pd.Series(["C1"]), opened)[["day", "hour", "events"]].to_dict("records")
    [{'day': 1, 'hour': 18, 'events': 30}]
    """
    if not pseudo_count > 0:
        raise ParamsError(f"rhythm: pseudo_count is a positive number, not {pseudo_count}")
    ids = pd.Index(customer_ids.sort_values(kind="stable"), name="customer_id")
    placed = seen.assign(row=ids.get_indexer(pd.Index(seen["customer_id"])))  # -1: not asked for
    parts = []
    for channel, opening in opened.items():
        open_days, open_hours = opening.cells()
        inside = placed[
            placed["source"].isin(list(opening.sources))
            & placed["day"].isin(open_days)
            & placed["hour"].isin(open_hours)
        ]
        day, day_sure = _best(inside, len(ids), "day", open_days, pseudo_count)
        hour, hour_sure = _best(inside, len(ids), "hour", open_hours, pseudo_count)
        asked = inside[inside["row"] >= 0]
        own = np.bincount(asked["row"], asked["events"], len(ids)).astype(np.int64)
        parts.append(pd.DataFrame({
            "customer_id": ids, "channel": channel, "day": day, "hour": hour, "events": own,
            "confidence": (day_sure * hour_sure).round(4),
        }))  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=["customer_id", "channel", "day", "hour", "events", "confidence"])
    return pd.concat(parts).sort_values(["customer_id", "channel"], kind="stable", ignore_index=True)


def _best(
    seen: pd.DataFrame, customers: int, what: str, cells: Sequence[int], pseudo_count: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the cell with the largest smoothed share; of equal ones the population's, then the earlier."""
    total = seen.groupby(what)["events"].sum().reindex(pd.Index(cells), fill_value=0).to_numpy(dtype=float)
    population = (total + 1) / (total + 1).sum()
    asked = seen[seen["row"] >= 0]
    place = asked["row"].to_numpy() * len(cells) + np.searchsorted(cells, asked[what])
    counts = np.bincount(place, asked["events"], customers * len(cells)).reshape(customers, len(cells))
    weights = counts + pseudo_count * population
    best = weights.argmax(axis=1)
    a, whole = weights[np.arange(customers), best], weights.sum(axis=1)
    if len(cells) == 1:
        return np.full(customers, cells[0]), np.ones(customers)
    sure = 1 - betainc(a, whole - a, 1 / len(cells))
    return np.asarray(cells, dtype=np.int64)[best], np.asarray(sure)
