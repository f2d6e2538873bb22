"""The campaigns of a round as source data: who responds to them is held against rows of ``campaigns`` later."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..data.schemas import TABLES
from .limits import Limits

COSTS = ["contact_cost", "offer_cost"]


def round_campaigns(
    contacts: pd.DataFrame, withheld: pd.DataFrame, offers: pd.DataFrame, as_of: dt.date,
    limits: Mapping[str, Any] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Spell the campaigns of a round as rows of the canonical table.

    Offer and channel are stated where a campaign has a single one: of several, none is the campaign's. Costs are means
    over the customers for whom an offer was planned, control included.

    Parameters
    ----------
    contacts, withheld : of :func:`.contacts.contact_list`
    offers : DataFrame
        ``offer, channel, contact_cost, offer_cost``, one row per offer and channel.
    limits : fields of :class:`.limits.Limits`
        ``response_window_days`` is the window that the round counts on.

    Returns
    -------
    DataFrame
        The columns of ``campaigns``, one row each, ordered by campaign; ``ends_at`` is when its last contact expires.

    Examples
    --------
    >>> rows = pd.DataFrame({"campaign_id": "2026-07-01-card", "offer": "card", "channel": ["call", "email"],
    ...                      "expires_at": pd.Timestamp("2026-07-20")})
    >>> offers = rows[["offer", "channel"]].assign(contact_cost=[4.0, 0.1], offer_cost=5)
    >>> found = round_campaigns(rows, rows.head(0), offers, dt.date(2026, 7, 1))
    >>> found[["campaign_id", "name", "offer", "contact_cost", "offer_cost"]].to_numpy().tolist()
    [['2026-07-01-card', 'card, round of 2026-07-01', 'card', 2.05, 5.0]]
    >>> found["channel"].isna().all()
    np.True_
    """
    named = ["campaign_id", "offer", "channel"]
    rows = pd.concat([contacts[named], withheld[named]], ignore_index=True)
    rows = rows.merge(offers[["offer", "channel", *COSTS]], on=["offer", "channel"], how="left", validate="many_to_one")
    by = rows.groupby("campaign_id", sort=True)
    found = by[["offer", "channel"]].agg(_single).join(by[COSTS].mean().round(2))
    kind = found["offer"].fillna("several offers")
    found = found.assign(
        name=kind.astype("str") + f", round of {as_of}", starts_at=pd.Timestamp(as_of),
        ends_at=contacts.groupby("campaign_id")["expires_at"].max(),
        response_window_days=Limits(**(limits or {})).response_window_days,
    )  # fmt: skip
    return found.reset_index()[TABLES["campaigns"].names]


def _single(values: pd.Series) -> object:
    given = values.dropna().unique()
    return given[0] if len(given) == 1 else None
