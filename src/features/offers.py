"""Offers that campaigns have tried: through which channel, at what cost, and what a response was worth."""

from datetime import date

import ibis
import pandas as pd

from .. import catalog
from ..errors import NotApplicable

NONE = ("control", "placebo", "support_call")


def tried_offers(as_of: date, without: tuple[str, ...] = NONE) -> pd.DataFrame:
    """List offer and channel of every campaign that began before a date; of several, the costs of the last.

    What was never tried is not offered: nothing was learned of it.

    Parameters
    ----------
    without : offers that are worth nothing by themselves

    Returns
    -------
    DataFrame
        ``offer, channel, campaigns, contact_cost, offer_cost, response_value`` (mean of what responses to any offer
        were worth, as known at the date), ordered by offer and channel.

    Raises
    ------
    NotApplicable
        If the source has no campaigns, or none before the date.
    """
    if not (catalog.path("campaigns").exists() and catalog.path("treatments").exists()):
        raise NotApplicable("there are no campaigns in this source: nothing was tried")
    begun = catalog.scan("campaigns")
    begun = begun.filter(begun.starts_at < ibis.literal(as_of).cast("timestamp"), ~begun.offer.isin(list(without)))
    listed = begun.order_by("starts_at", "campaign_id").to_pandas()
    if listed.empty:
        raise NotApplicable(f"no campaign with an offer began before {as_of}")
    rows = catalog.scan("treatments")
    known = rows.filter(
        rows.responded_at < ibis.literal(as_of).cast("timestamp"), rows.arm.notin(["control", *without])
    )
    known = known.semi_join(begun, "campaign_id")
    worth = known.aggregate(cents=(known.response_value * 100).cast("int64").sum(), n=known.response_value.count())
    found = worth.to_pandas().iloc[0]
    value = float(found["cents"]) / 100 / float(found["n"]) if found["n"] else 0.0
    for cost in ("contact_cost", "offer_cost"):
        listed[cost] = pd.to_numeric(listed.get(cost, pd.Series(0.0, listed.index))).astype(float).fillna(0.0)
    grouped = listed.groupby(["offer", "channel"], sort=True)
    out = grouped[["contact_cost", "offer_cost"]].last().assign(campaigns=grouped.size(), response_value=value)
    return out.reset_index()[["offer", "channel", "campaigns", "contact_cost", "offer_cost", "response_value"]]
