"""Offers that campaigns have tried: through which channel, at what cost, and what a response was worth."""

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from .. import catalog
from ..data.schemas import CONTROL
from ..errors import NotApplicable

WORTHLESS = ("placebo", "service")  # kinds of campaigns that offer nothing worth having


def tried_offers(as_of: date) -> pd.DataFrame:
    """List offer and channel of every campaign that began before a date; of several, the costs of the last.

    What was never tried is not offered: nothing was learned of it. Nor are offers that are worth nothing by themselves,
    which the assignments stage tells by the kind of their campaign.

    Returns
    -------
    DataFrame
        ``offer, channel, campaigns, contact_cost, offer_cost, response_value`` (:func:`response_worth` at the date, 0
        where nobody has responded), ordered by offer and channel.

    Raises
    ------
    NotApplicable
        If the source has no campaigns, or none before the date.
    """
    if not (catalog.path("campaigns").exists() and catalog.path("treatments").exists()):
        raise NotApplicable("there are no campaigns in this source: nothing was tried")
    begun = _worth_having(catalog.scan("campaigns"))
    begun = begun.filter(begun.starts_at < ibis.literal(as_of).cast("timestamp"))
    listed = begun.order_by("starts_at", "campaign_id").to_pandas()
    if listed.empty:
        raise NotApplicable(f"no campaign with an offer began before {as_of}")
    for cost in ("contact_cost", "offer_cost"):
        listed[cost] = pd.to_numeric(listed.get(cost, pd.Series(0.0, listed.index))).astype(float).fillna(0.0)
    grouped = listed.groupby(["offer", "channel"], sort=True)
    value = response_worth(as_of) or 0.0
    out = grouped[["contact_cost", "offer_cost"]].last().assign(campaigns=grouped.size(), response_value=value)
    return out.reset_index()[["offer", "channel", "campaigns", "contact_cost", "offer_cost", "response_value"]]


def response_worth(before: date | None = None) -> float | None:
    """Mean worth of responses to offers worth having, of those that came before a date or of all; None without any."""
    rows = _worth_having(catalog.scan("treatments"))
    known = rows.filter(rows.responded_at.notnull(), rows.arm != CONTROL)
    if before is not None:
        known = known.filter(known.responded_at < ibis.literal(before).cast("timestamp"))
    worth = known.aggregate(cents=(known.response_value * 100).cast("int64").sum(), n=known.response_value.count())
    found = worth.to_pandas().iloc[0]
    return float(found["cents"]) / 100 / float(found["n"]) if found["n"] else None


def _worth_having(rows: ir.Table) -> ir.Table:
    """Leave out campaigns whose kind says that they offer nothing."""
    if not catalog.path("assignment_features").exists():
        return rows
    assigned = catalog.scan("assignment_features")
    nothing = assigned.filter(assigned.kind.isin(WORTHLESS)).select("campaign_id").distinct()
    return rows.anti_join(nothing, "campaign_id")
