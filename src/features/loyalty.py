"""Loyalty: how broadly and how regularly the customer relies on this bank."""

import ibis
import ibis.expr.types as ir

from ..data.schemas import CHANNELS
from .family import Family
from .feature import Feature, change, days_since, deviation, features_of, share

INGREDIENTS = (
    *(f"rows_{w}" for w in ("90", "365")),
    *(f"initiated_{w}" for w in ("30", "90", "365")),
    *(f"kind_salary_{w}" for w in ("30", "90", "180", "365")),
    *(f"channel_{c}_90" for c in CHANNELS),
    "channel_automatic_90_180", "kind_loan_payment_90", "kind_transfer_in_90", "first_day_ever",
)  # fmt: skip
DAYS = ("days_90", "days_365", "days_365_455", "gaps_365", "gap_sum_365", "gap_squares_365")


_feature = features_of("loyalty")


def _used(rows: ir.Table) -> ir.IntegerValue:
    used: ir.IntegerValue = ibis.literal(0)
    for channel in CHANNELS:
        used = used + (rows[f"channel_{channel}_90"] > 0).cast("int64")
    return used


def _observed(rows: ir.Table) -> ir.IntegerValue:
    return ibis.least(ibis.greatest(ibis.coalesce(days_since(rows, rows.first_day_ever), 1), 1), 365)


FEATURES: tuple[Feature, ...] = (
    _feature("channels_used_90d", "different channels used", "count", "90 days", _used, "uses few channels",
             "uses many channels", -1, "transactions.channel"),
    _feature("main_channel_share_90d", "share of the most used channel", "share", "90 days",
             lambda t: share(ibis.greatest(*[t[f"channel_{c}_90"] for c in CHANNELS]), t.rows_90),
             "spreads over several channels", "relies on one channel", 0, "transactions.channel"),
    _feature("active_day_share_365d", "share of days with a transaction the customer caused", "share",
             "365 days or since the first booking", lambda t: share(t.days_365, _observed(t)),
             "is here seldom", "is here nearly every day", -1),
    _feature("rhythm_change_90d", "active days: the last 90 days against a usual quarter of the last year, (a−b)/(a+b)",
             "−1 to 1", "90 against 365 days", lambda t: change(t.days_90 * _observed(t), t.days_365 * 90),
             "comes less often than usual", "comes more often than usual", -1),
    _feature("gap_variation_365d", "standard deviation of the time between active days divided by its average",
             "ratio", "365 days", lambda t: share(deviation(t.gaps_365, t.gap_sum_365, t.gap_squares_365),
                                                  share(t.gap_sum_365, t.gaps_365)),
             "comes at a regular rhythm", "comes irregularly", 1),
    *(_feature(f"salaries_{w}d", "salary payments received", "count", f"{w} days",
               lambda t, w=w: t[f"kind_salary_{w}"], "received few or no salaries here", "receives the salary here", -1,
               "transactions.kind") for w in (30, 90, 180, 365)),
    _feature("salary_regularity_365d", "salary payments per 30 days, at most 1", "share",
             "365 days or since the first booking", lambda t: share(t.kind_salary_365 * 30, _observed(t)).clip(upper=1),
             "seldom receives a salary here", "receives a salary here every month", -1, "transactions.kind"),
    _feature("salary_missing_90d", "salary payments that a usual quarter of the last year had and this one lacks",
             "count", "90 against 365 days",
             lambda t: t.kind_salary_365 * 90 / _observed(t) - t.kind_salary_90, "receives the salary as usual",
             "no longer receives the salary here", 1, "transactions.kind"),
    _feature("automatic_bookings_90d", "automatic bookings, among them standing orders", "count", "90 days",
             lambda t: t.channel_automatic_90, "has few automatic bookings", "has many automatic bookings", -1,
             "transactions.channel"),
    _feature("automatic_change_90d", "automatic bookings: last 90 days against the 90 before, (a−b)/(a+b)", "−1 to 1",
             "90 and the 90 days before", lambda t: change(t.channel_automatic_90, t.channel_automatic_90_180),
             "has fewer automatic bookings than before", "has more automatic bookings than before", -1,
             "transactions.channel"),
)  # fmt: skip


FAMILY = Family("loyalty", FEATURES, activity=INGREDIENTS, days=DAYS)
