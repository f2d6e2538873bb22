"""Support: contacts with the bank, how they went, and whether they were settled."""

from collections.abc import Callable, Iterator

import ibis
import ibis.expr.types as ir

from ..data.schemas import TABLES
from .family import Family
from .feature import KEY, Feature, Sign, days_since, share
from .inputs import Inputs, before, days_back, usable

_OPTIONAL = {
    "direction": "string", "channel": "string", "topic": "string", "wait_seconds": "float64",
    "duration_seconds": "float64", "resolved": "boolean", "satisfaction": "int64",
}  # fmt: skip


def _feature(
    name: str,
    meaning: str,
    unit: str,
    window: str,
    how: Callable[..., ir.Value],
    low: str,
    high: str,
    sign: Sign = 0,
    *needs: str,
) -> Feature:
    required = ("contacts", *(f"contacts.{n}" for n in needs))
    return Feature(name, "support", meaning, unit, window, how, low, high, sign, needs=required)


def _count(column: str) -> Callable[..., ir.Value]:
    return lambda t: ibis.coalesce(t[column], 0)


FEATURES: tuple[Feature, ...] = (
    *(_feature(f"contacts_{w}d", "contacts with the bank", "count", f"{w} days", _count(f"contacts_{w}"),
               "had few contacts with the bank", "had many contacts with the bank") for w in (30, 90, 365)),
    _feature("inbound_contacts_90d", "contacts that the customer began", "count", "90 days", _count("inbound_90"),
             "contacted the bank seldom", "contacted the bank often", 0, "direction"),
    *(_feature(f"unresolved_{w}d", "contacts that were not settled (known a day after the contact)", "count",
               f"{w} days", _count(f"unresolved_{w}"), "has no open matter", "had a matter that was not settled", 1,
               "resolved") for w in (30, 90, 365)),
    _feature("unresolved_share_365d", "share of contacts not settled", "share", "365 days",
             lambda t: share(t.unresolved_365, t.judged_365), "had matters settled", "often had matters left open", 1,
             "resolved"),
    _feature("days_since_last_contact", "days since the last contact", "days", "whole past",
             lambda t: days_since(t, t.last_contact), "was in contact recently", "hasn't been in contact for long"),
    _feature("days_since_last_unresolved", "days since the last contact that was not settled", "days", "whole past",
             lambda t: days_since(t, t.last_unresolved), "had an unsettled matter recently",
             "had an unsettled matter only long ago", -1, "resolved"),
    *(_feature(f"mean_wait_{w}d", "average waiting time", "seconds", f"{w} days",
               lambda t, w=w: share(t[f"wait_{w}"], t[f"waits_{w}"]), "waited briefly", "had to wait long", 1,
               "wait_seconds") for w in (90, 365)),
    _feature("longest_wait_365d", "longest waiting time", "seconds", "365 days", lambda t: t.longest_wait_365,
             "never waited long", "had to wait long once", 1, "wait_seconds"),
    _feature("mean_duration_365d", "average length of a contact", "seconds", "365 days",
             lambda t: share(t.duration_365, t.durations_365), "had brief contacts", "had long contacts", 0,
             "duration_seconds"),
    *(_feature(f"mean_satisfaction_{w}d", "average satisfaction given (1 to 5)", "points", f"{w} days",
               lambda t, w=w: share(t[f"satisfaction_{w}"], t[f"ratings_{w}"]), "was dissatisfied", "was satisfied", -1,
               "satisfaction") for w in (90, 365)),
    _feature("lowest_satisfaction_365d", "lowest satisfaction given (1 to 5)", "points", "365 days",
             lambda t: t.lowest_satisfaction_365, "was dissatisfied at least once", "was never dissatisfied", -1,
             "satisfaction"),
    _feature("topics_365d", "different topics of contacts", "count", "365 days", _count("topics_365"),
             "contacts about one topic", "contacts about many topics", 0, "topic"),
)  # fmt: skip


def contacts_at(inputs: Inputs) -> ir.Table:
    """Sum contacts up as they were known at each as_of date.

    ``resolved`` and ``satisfaction`` count only once the lag after the contact that the schema states has passed.
    Seconds are summed as whole numbers.

    Returns
    -------
    ir.Table
        customer_id, as_of, and the ingredients of the family.
    """
    contacts = inputs.tables["contacts"]
    absent = {n: ibis.null(t) for n, t in _OPTIONAL.items() if n not in contacts.columns}
    rows = contacts.mutate(**absent) if absent else contacts
    rows = inputs.at(rows)
    rows = rows.filter(usable(rows, "started_at"))
    lag = TABLES["contacts"].column("resolved").lag_days
    judged = before(rows, rows.started_at + ibis.interval(days=lag))
    rows = rows.mutate(
        age=days_back(rows, rows.started_at),
        is_judged=judged & rows.resolved.notnull(),
        open=judged & ~ibis.coalesce(rows.resolved, True),
        rating=ibis.ifelse(judged, rows.satisfaction, ibis.null("int64")),
        wait=rows.wait_seconds.round().cast("int64"),
        duration=rows.duration_seconds.round().cast("int64"),
    )
    recent = {w: rows.age <= w for w in (30, 90, 365)}
    return rows.group_by(*KEY).aggregate(
        **{f"contacts_{w}": rows.count(where=recent[w]) for w in recent},
        **{f"unresolved_{w}": rows.count(where=recent[w] & rows.open) for w in recent},
        inbound_90=rows.count(where=recent[90] & (rows.direction == "inbound")),
        judged_365=rows.count(where=recent[365] & rows.is_judged),
        last_contact=rows.started_at.max().date(),
        last_unresolved=rows.started_at.max(where=rows.open).date(),
        **{f"wait_{w}": rows.wait.sum(where=recent[w]) for w in (90, 365)},
        **{f"waits_{w}": rows.wait.count(where=recent[w]) for w in (90, 365)},
        longest_wait_365=rows.wait.max(where=recent[365]),
        duration_365=rows.duration.sum(where=recent[365]),
        durations_365=rows.duration.count(where=recent[365]),
        **{f"satisfaction_{w}": rows.rating.sum(where=recent[w]) for w in (90, 365)},
        **{f"ratings_{w}": rows.rating.count(where=recent[w]) for w in (90, 365)},
        lowest_satisfaction_365=rows.rating.min(where=recent[365]),
        topics_365=rows.topic.nunique(where=recent[365]),
    )


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give the contacts summed up; nothing where there is no table of contacts."""
    if "contacts" in inputs.tables:
        yield contacts_at(inputs)


FAMILY = Family("support", FEATURES, ingredients=ingredients)
