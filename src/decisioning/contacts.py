"""The contact list: whom to contact first, when, with what, why and until when; and who is withheld from it."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..data.schemas import CONTROL
from ..errors import DataError
from .rhythm import DAYS
from .strips import DECIDED, EXPLORATION, HOLDOUT, STRIP

NEEDED = ("customer_id", "offer", "channel", "week", "net_value", *STRIP)
OPTIONAL = ("value_at_stake", "expected_uplift")
PLACES = ("branch_id", "region_id")


def campaign_ids(offers: pd.Series, as_of: dt.date, explored: pd.Series | None = None) -> pd.Series:
    """Name the campaign of each row: one per offer and round, and another where the offer was drawn by lot.

    Examples
    --------
    >>> campaign_ids(pd.Series(["card", "card"]), dt.date(2026, 7, 1), explored=pd.Series([False, True])).tolist()
    ['2026-07-01-card', '2026-07-01-exploration-card']
    """
    names = offers.astype("str")
    return f"{as_of:%Y-%m-%d}-" + (names if explored is None else names.mask(explored, f"{EXPLORATION}-" + names))


def contact_list(
    rows: pd.DataFrame, customers: pd.DataFrame, strips: pd.DataFrame, as_of: dt.date, *,
    times: pd.DataFrame | None = None, valid_days: int = 14, reasons: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Turn what was decided and what was drawn into the list that people work through.

    Parameters
    ----------
    rows : DataFrame
        ``customer_id, offer, channel, week`` (1 is the seven days from ``as_of``), ``net_value, strip, arm, propensity,
        option_propensity``: control groups, decided and explored rows, one below the other. ``value_at_stake,
        expected_uplift, campaign_id`` (where missing: :func:`campaign_ids`) and ``expires_at`` (of the offer) may be
        there.
    customers : DataFrame
        Canonical customers: where they belong (``branch_id, region_id``).
    strips : DataFrame
        From :func:`afraz.decisioning.strips.set_apart`: nobody of the holdout may be on the list.
    times : DataFrame, optional
        From :func:`afraz.decisioning.rhythm.best_times`; without it, or for a channel without hours, any time of the
        week.
    valid_days : int
        A contact not made by so many days after its own is not made at all; earlier where the offer ends earlier.
    reasons : sequence of str
        Columns of ``rows`` that say in words why.

    Returns
    -------
    contacts : DataFrame
        One row per customer to contact, ordered by week, channel and ``priority``: 1 is the largest ``net_value``
        within week and channel.
    withheld : DataFrame
        The same columns but the priority: control groups. They must not be contacted, and their outcomes are measured
        like the others'.

    Raises
    ------
    DataError
        For a missing column, a week before the first, a contact after its offer's end, a repeated customer within a
        campaign, a customer of the holdout, or an explored customer who is also decided on.
    """
    _check(rows, strips, reasons)
    table = rows.copy()
    named = campaign_ids(table["offer"], as_of, table["strip"].eq(EXPLORATION))
    table["campaign_id"] = table["campaign_id"].fillna(named) if "campaign_id" in table else named
    repeated = int(table.duplicated(["campaign_id", "customer_id"]).sum())
    if repeated:
        raise DataError(f"{repeated} rows repeat customer and campaign: a customer gets a campaign once")
    for name in OPTIONAL:
        table[name] = table.get(name, np.nan)
    table = _placed(_timed(table, times, as_of), customers)
    table["expires_at"] = _expiry(table, valid_days)
    held = table["arm"].eq(CONTROL)
    late = int((~held & (table["expires_at"] <= table["contact_on"])).sum())
    if late:
        raise DataError(f"{late} contacts would be made after their offer ends: plan them in an earlier week")
    table.loc[held, ["day", "hour", "contact_on", "time_confidence", "expires_at"]] = None
    ordered = table.sort_values(["week", "channel", "net_value", "customer_id"], ascending=[True, True, False, True],
                                kind="stable", na_position="last")  # fmt: skip
    columns = [
        "customer_id", "offer", "channel", "week", "day", "hour", "contact_on", "time_confidence", *PLACES, "net_value",
        *OPTIONAL, *reasons, "expires_at", "campaign_id", *STRIP,
    ]  # fmt: skip
    held = ordered["arm"].eq(CONTROL)
    contacts, rest = ordered.loc[~held, columns], ordered.loc[held, columns]
    assert len(contacts) + len(rest) == len(rows), "every row is either contacted or withheld"
    contacts.insert(0, "priority", contacts.groupby(["week", "channel"]).cumcount() + 1)
    return contacts.reset_index(drop=True), rest.reset_index(drop=True)


def _check(rows: pd.DataFrame, strips: pd.DataFrame, reasons: Sequence[str]) -> None:
    absent = [name for name in (*NEEDED, *reasons) if name not in rows]
    if absent:
        raise DataError(f"the rows for a contact list lack {absent[0]!r}: they need {', '.join((*NEEDED, *reasons))}")
    wrong = rows["week"].isna() | (rows["week"] < 1) | (rows["week"] % 1 != 0)
    if wrong.any():
        raise DataError(f"{int(wrong.sum())} rows have no week of 1, 2, …: take them from plan and explore")
    strip = rows["customer_id"].map(strips.set_index("customer_id")["strip"])
    held = int(strip.eq(HOLDOUT).sum())
    if held:
        raise DataError(f"{held} rows are of customers in the holdout, who get no campaign: leave them out before "
                        "anything is decided")  # fmt: skip
    expected = np.where(strip.eq(EXPLORATION), rows["strip"].eq(EXPLORATION), rows["strip"].isin([CONTROL, DECIDED]))
    if not expected.all():
        raise DataError(f"{int((~expected).sum())} rows have another strip than their customer was drawn into: decide "
                        "on customers of the strip 'decided' only")  # fmt: skip


def _timed(table: pd.DataFrame, times: pd.DataFrame | None, as_of: dt.date) -> pd.DataFrame:
    if times is None:
        times = pd.DataFrame({"customer_id": [], "channel": [], "day": [], "hour": [], "confidence": []})
    chosen = times[["customer_id", "channel", "day", "hour", "confidence"]].rename(
        columns={"confidence": "time_confidence"}
    )
    timed = table.merge(chosen, how="left", on=["customer_id", "channel"], validate="m:1")
    start = pd.Timestamp(as_of) + pd.to_timedelta(7 * (timed["week"].fillna(1).astype(int) - 1), unit="D")
    offset = (timed["day"].astype(float) - start.dt.day_of_week) % 7
    timed["contact_on"] = (start + pd.to_timedelta(offset.fillna(0), unit="D")).dt.as_unit("us")
    timed["any_day"] = timed["day"].isna()
    timed["day"] = timed["day"].map(dict(enumerate(DAYS)))
    timed["hour"] = timed["hour"].astype("Int64")
    timed["time_confidence"] = timed["time_confidence"].astype(float)
    timed["week"] = timed["week"].astype("Int64")
    return timed


def _placed(table: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    where = customers[["customer_id", *(p for p in PLACES if p in customers)]]
    placed = table.drop(columns=[p for p in PLACES if p in table]).merge(where, how="left", on="customer_id")
    for name in PLACES:
        placed[name] = placed.get(name)
    return placed


def _expiry(table: pd.DataFrame, valid_days: int) -> pd.Series:
    """The first day on which it is too late: after the contact's own day, or its week where the day is open."""
    until = table["contact_on"] + pd.to_timedelta(valid_days + 6 * table["any_day"].astype(int), unit="D")
    if "expires_at" in table:
        until = until.where(table["expires_at"].isna() | (table["expires_at"] > until), table["expires_at"])
    return until.dt.as_unit("us")
