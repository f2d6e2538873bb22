"""Campaigns: what a customer was offered so far, through which channel, how it was met, and how much contact there was.

Made for assignments to campaigns: effects fade as offers repeat, and pressure drives some customers away. The family
``attitude`` counts offers and answers of the last months; here stands what it leaves out. Assignments to a control
group are no offers, and tell all the more: who acts without an offer needs none.
"""

from collections.abc import Callable, Iterator

import ibis
import ibis.expr.types as ir

from ..data.schemas import CONTROL
from .family import Family
from .feature import KEY, Feature, days_since, features_of, share
from .inputs import Inputs, before, days_back, usable

CHANNELS = {
    "call": ("call", "phone"), "email": ("email",), "message": ("sms", "push", "chat"), "letter": ("letter", "post"),
}  # fmt: skip
PRESSURE_DAYS = (30, 90)
_OPTIONAL = {
    "arm": "string", "delivered_at": "timestamp", "reached_at": "timestamp", "responded_at": "timestamp",
    "response_value": "decimal(18, 2)",
}  # fmt: skip
_feature = features_of("campaigns")
_ARM, _RESPONDED = "treatments.arm", "treatments.responded_at"


def _count(column: str) -> Callable[..., ir.Value]:
    return lambda t: ibis.coalesce(t[column], 0)


FEATURES: tuple[Feature, ...] = (
    _feature("offers_so_far", "offers assigned in campaigns so far (control groups do not count)", "count",
             "whole past", _count("offered"), "was offered little so far", "was offered much so far", 0, _ARM),
    _feature("days_since_last_offer", "days since the last offer was assigned", "days", "whole past",
             lambda t: days_since(t, t.last_offered), "was made an offer recently", "was made an offer only long ago",
             0, _ARM),
    _feature("days_since_last_response", "days since an offer was last taken up", "days", "whole past",
             lambda t: days_since(t, t.last_answered), "took up an offer recently", "took up an offer only long ago", 0,
             _ARM, _RESPONDED),
    _feature("mean_response_value", "average value of the responses so far, with and without an offer", "currency",
             "whole past", lambda t: share(t.answered_cents, t.answers_valued) / 100,
             "responded with small amounts", "responded with large amounts", 0, _RESPONDED,
             "treatments.response_value"),
    _feature("offers_reached_share", "share of the offers sent out that reached the customer", "share", "whole past",
             lambda t: share(t.offers_reached, t.offers_sent), "is seldom reached by offers",
             "is mostly reached by offers", 0, _ARM, "treatments.delivered_at", "treatments.reached_at"),
    _feature("controls_so_far", "campaigns in whose control group the customer was", "count", "whole past",
             _count("controls"), "was seldom in a control group", "was often in a control group", 0, _ARM),
    _feature("control_response_share", "share of these campaigns in which the customer acted without an offer",
             "share", "whole past", lambda t: share(ibis.coalesce(t.control_answers, 0), ibis.coalesce(t.controls, 0)),
             "does not act without an offer", "acts without an offer", 0, _ARM, _RESPONDED),
    *(_feature(f"offers_by_{name}_365d", f"offers assigned in campaigns by {name}", "count", "365 days",
               _count(f"offered_{name}"), f"was made few offers by {name}", f"was made many offers by {name}", 0,
               _ARM, "campaigns.channel") for name in CHANNELS),
    *(_feature(f"contact_pressure_{w}d", "offers assigned and contacts begun by the bank", "count", f"{w} days",
               lambda t, w=w: ibis.coalesce(t[f"offered_{w}"], 0) + ibis.coalesce(t[f"outbound_{w}"], 0),
               "was left alone lately", "was contacted often lately", 0, _ARM, "contacts.direction")
      for w in PRESSURE_DAYS),
)  # fmt: skip


def offers_at(inputs: Inputs) -> ir.Table:
    """Sum up assignments made before each as_of date, and what had come of them by then.

    Returns
    -------
    ir.Table
        customer_id, as_of, and the ingredients of the family.
    """
    treatments = inputs.tables["treatments"]
    absent = {n: ibis.null(t) for n, t in _OPTIONAL.items() if n not in treatments.columns}
    rows = inputs.at(treatments.mutate(**absent) if absent else treatments)
    rows = rows.filter(usable(rows, "assigned_at"))

    def by_then(moment: str) -> ir.BooleanValue:
        return rows[moment].notnull() & before(rows, rows[moment])

    offer = ibis.coalesce(rows.arm, CONTROL) != CONTROL
    cents = (rows.response_value * 100).cast("int64")
    rows = rows.mutate(
        offer=offer, control=rows.arm == CONTROL, answered=by_then("responded_at"), cents=cents,
        sent=offer & by_then("delivered_at"), reached=offer & by_then("reached_at"),
        age=days_back(rows, rows.assigned_at),
    )  # fmt: skip
    return rows.group_by(*KEY).aggregate(
        offered=rows.count(where=rows.offer),
        **{f"offered_{w}": rows.count(where=rows.offer & (rows.age <= w)) for w in PRESSURE_DAYS},
        last_offered=rows.assigned_at.max(where=rows.offer).date(),
        last_answered=rows.responded_at.max(where=rows.offer & rows.answered).date(),
        answered_cents=rows.cents.sum(where=rows.answered),
        answers_valued=rows.cents.count(where=rows.answered),
        offers_sent=rows.count(where=rows.sent),
        offers_reached=rows.count(where=rows.sent & rows.reached),
        controls=rows.count(where=rows.control),
        control_answers=rows.count(where=rows.control & rows.answered),
    )


def channels_at(inputs: Inputs) -> ir.Table:
    """Count the offers of a year by the channel of their campaign: customer_id, as_of, offered_<channel>.

    A campaign that has not begun by as_of doesn't count: its channel is known from its beginning.
    """
    campaigns = inputs.tables["campaigns"].select("campaign_id", "channel", "starts_at")
    treatments = inputs.tables["treatments"].select("campaign_id", "customer_id", "assigned_at", "arm")
    rows = inputs.at(treatments.join(campaigns, "campaign_id"))
    rows = rows.filter(usable(rows, "assigned_at") & before(rows, rows.starts_at))
    rows = rows.filter((ibis.coalesce(rows.arm, CONTROL) != CONTROL) & (days_back(rows, rows.assigned_at) <= 365))
    return rows.group_by(*KEY).aggregate(
        **{f"offered_{name}": rows.count(where=rows.channel.isin(spelled)) for name, spelled in CHANNELS.items()}
    )


def outbound_at(inputs: Inputs) -> ir.Table:
    """Count the contacts that the bank began: customer_id, as_of, outbound_<days>."""
    contacts = inputs.tables["contacts"]
    rows = inputs.at(contacts.filter(contacts.direction == "outbound"))
    rows = rows.filter(usable(rows, "started_at"))
    age = days_back(rows, rows.started_at)
    return rows.group_by(*KEY).aggregate(**{f"outbound_{w}": rows.count(where=age <= w) for w in PRESSURE_DAYS})


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give what the tables that are there can tell."""
    columns = {f"{name}.{column}" for name, table in inputs.tables.items() for column in table.columns}
    if "treatments" in inputs.tables:
        yield offers_at(inputs)
        if {_ARM, "campaigns.channel"} <= columns:
            yield channels_at(inputs)
        if "contacts.direction" in columns:
            yield outbound_at(inputs)


FAMILY = Family("campaigns", FEATURES, ingredients=ingredients)
