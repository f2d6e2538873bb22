"""What a desk sees of each customer: worth, risk, how urgent, the next offer, or why there is none."""

import datetime as dt
import os
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from .next_action import COLUMNS
from .strips import HOLDOUT

WITHHELD = "left without an offer for now, so that its effect can be measured"
NOT_CHOSEN = "no offer is worth its cost at present"
NOT_DECIDED = "no offer was decided"


def desk_table(
    customers: pd.DataFrame, as_of: dt.date, *, churn: pd.DataFrame | None = None, value: pd.DataFrame | None = None,
    contacts: pd.DataFrame | None = None, withheld: pd.DataFrame | None = None, strips: pd.DataFrame | None = None,
    judged: pd.DataFrame | None = None, risk_column: str = "leave_90", at_risk: float = 0.2,
) -> pd.DataFrame:  # fmt: skip
    """Bring together, one row per customer, what a desk needs.

    Parameters
    ----------
    customers : DataFrame
        Canonical customers.
    churn : DataFrame, optional
        ``customer_id`` and ``risk_column``: probability of leaving.
    value : DataFrame, optional
        ``customer_id, expected_margin_12m, tier``.
    contacts, withheld : DataFrame, optional
        From :func:`afraz.decisioning.contacts.contact_list`.
    strips : DataFrame, optional
        From :func:`afraz.decisioning.strips.set_apart`.
    judged : DataFrame, optional
        Options of :class:`afraz.decisioning.eligibility.Eligibility`.
    at_risk : float
        From this probability on a customer is taken for leaving.

    Returns
    -------
    DataFrame
        ``customer_id, as_of, value_rank`` (percentile, 100 is the most valuable), ``tier, leaving_risk,
        routing_priority`` (1: of high value and leaving, 2: one of both, 3: everybody else), ``next_offer, channel,
        contact_on, reason, expires_at``, and where there is no offer ``nothing_because``; ordered by customer.

    Raises
    ------
    DataError
        If a customer repeats.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": ["C1", "C2"]})
    >>> value = pd.DataFrame({"customer_id": ["C1", "C2"], "expected_margin_12m": [9.0, 5.0], "tier": ["high", "none"]})
    >>> desk = desk_table(customers, dt.date(2026, 7, 1), value=value)
    >>> desk[["customer_id", "value_rank", "routing_priority", "nothing_because"]].to_dict("records")[0]
    {'customer_id': 'C1', 'value_rank': 100.0, 'routing_priority': 2, 'nothing_because': 'no offer was decided'}
    """
    if customers["customer_id"].duplicated().any():
        raise DataError(f"desk: {int(customers['customer_id'].duplicated().sum())} customers repeat: one row for each")
    desk = customers[["customer_id"]].sort_values("customer_id", kind="stable", ignore_index=True)
    desk["as_of"] = pd.Timestamp(as_of).as_unit("us")
    ids = desk["customer_id"]
    desk["value_rank"] = _by(ids, value, "expected_margin_12m").astype(float).rank(pct=True).mul(100).round(1)
    desk["tier"] = _by(ids, value, "tier")
    desk["leaving_risk"] = _by(ids, churn, risk_column).astype(float).round(4)
    urgent = desk["tier"].eq("high").astype(int) + desk["leaving_risk"].ge(at_risk).astype(int)
    desk["routing_priority"] = 3 - urgent
    first = None
    if contacts is not None:
        first = contacts.sort_values(["contact_on", "priority", "campaign_id"], kind="stable")
        first = first.drop_duplicates("customer_id")
        reasons = [str(c) for c in first if str(c).startswith("reason")]
        first = first.assign(said=_joined(first, reasons))
    desk["next_offer"], desk["channel"] = _by(ids, first, "offer"), _by(ids, first, "channel")
    desk["contact_on"], desk["reason"] = _dates(_by(ids, first, "contact_on")), _by(ids, first, "said")
    desk["expires_at"] = _dates(_by(ids, first, "expires_at"))
    why = _why_nothing(ids, withheld, strips, judged)
    desk["nothing_because"] = why.where(desk["next_offer"].isna(), None)
    return desk[list(COLUMNS)]


def _by(ids: pd.Series, table: pd.DataFrame | None, column: str) -> pd.Series:
    """Look a column up by customer; all missing where the table is absent or empty."""
    if table is None or table.empty:
        return pd.Series(None, ids.index, dtype=object)
    return ids.map(table.set_index("customer_id")[column])


def _dates(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).dt.as_unit("us")


def _joined(rows: pd.DataFrame, columns: list[str]) -> pd.Series:
    words = pd.Series("", rows.index, dtype=object)
    for name in columns:
        more = rows[name].fillna("").astype("str")
        words = words + np.where(words.ne("") & more.ne(""), "; ", "") + more
    return words.mask(words.eq(""))


def _why_nothing(
    ids: pd.Series, withheld: pd.DataFrame | None, strips: pd.DataFrame | None, judged: pd.DataFrame | None
) -> pd.Series:
    why = pd.Series(NOT_DECIDED if judged is None else NOT_CHOSEN, ids.index, dtype=object)
    apart = [withheld["customer_id"]] if withheld is not None else []
    apart += [strips.loc[strips["strip"].eq(HOLDOUT), "customer_id"]] if strips is not None else []
    if apart:
        why = why.mask(ids.isin(pd.concat(apart)), WITHHELD)
    if judged is not None:
        possible = judged.groupby("customer_id")["eligible"].any()
        refused = judged[~judged["customer_id"].map(possible).astype(bool)]
        refused = refused.drop_duplicates(["customer_id", "reason"]).sort_values("customer_id", kind="stable")
        several = refused["customer_id"].duplicated(keep=False)
        words = refused[~several].set_index("customer_id")["reason"]
        words = pd.concat([words, refused[several].groupby("customer_id")["reason"].agg("; ".join)])
        why = why.mask(why.eq(NOT_CHOSEN) & ids.map(possible).isna(), NOT_DECIDED)
        why = ids.map(words).fillna(why)  # what stands against every offer comes first
    return why


def write_index(desk: pd.DataFrame, place: Path) -> Path:
    """Write the table as an SQLite file that finds one customer without reading the others; whole or not at all.

    SQLite, since it is part of Python and opens in a millisecond; Parquet needs a library that takes a quarter of a
    second to load.
    """
    place = Path(place)
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    rows = desk[list(COLUMNS)].sort_values("customer_id", kind="stable")
    cells = []
    for name in COLUMNS:
        column = rows[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.dt.strftime("%Y-%m-%d")
        cells.append(column.astype(object).where(column.notna(), None).tolist())
    fields = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    marks = ", ".join("?" * len(COLUMNS))
    connection = sqlite3.connect(partial)
    try:
        with connection:
            connection.execute(f"CREATE TABLE desk ({fields}, PRIMARY KEY (customer_id)) WITHOUT ROWID")
            connection.executemany(f"INSERT INTO desk VALUES ({marks})", zip(*cells, strict=True))  # noqa: S608 our own names
    finally:
        connection.close()
    os.replace(partial, place)
    return place
