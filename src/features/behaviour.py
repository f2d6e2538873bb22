"""Behaviour: how often, through which channels, for what, and at what rhythm the customer acts."""

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from ..data.schemas import CHANNELS
from .activity import SHARED_KINDS, categories
from .family import Family
from .feature import Feature, change, days_since, deviation, features_of, share
from .inputs import Inputs
from .pairwise import categories_pairs
from .value import on_last_year, trend

_KINDS = {
    "purchase": "purchases", "cash_withdrawal": "cash withdrawals", "cash_deposit": "cash deposits",
    "transfer_in": "incoming transfers", "transfer_out": "outgoing transfers", "refund": "refunds",
}  # fmt: skip
_CHANNELS = {
    "pos": "the card in shops", "atm": "cash machines", "internet": "internet banking", "mobile": "the mobile app",
    "branch": "the branch", "phone": "the phone", "automatic": "automatic bookings",
}  # fmt: skip
_DIGITAL = ("internet", "mobile")
INGREDIENTS = (
    *(f"rows_{w}" for w in ("30", "90", "365")),
    *(f"initiated_{w}" for w in ("30", "90", "180", "365", "90_180", "365_455")),
    *(f"kind_{k}_{w}" for k in _KINDS for w in ("30", "90", "365", "90_180", "365_455")),
    *(f"initiated_{k}_90" for k in SHARED_KINDS),
    *(f"channel_{c}_{w}" for c in CHANNELS for w in ("90", "365")),
    "first_day_ever", "last_initiated_ever",
)  # fmt: skip
DAYS = (*(f"days_{w}" for w in ("30", "90", "365", "90_180", "365_455")), "gaps_365", "gap_sum_365", "gap_squares_365")


_feature = features_of("behaviour")


def _trends(name: str, subject: str, ingredient: str) -> tuple[Feature, Feature]:
    return (
        _feature(f"{name}_trend_90d", f"{subject}: last 90 days against the 90 before, (a−b)/(a+b)", "−1 to 1",
                 "90 and the 90 days before", lambda t: trend(t, ingredient),
                 f"makes fewer {subject} than in the three months before",
                 f"makes more {subject} than in the three months before", -1),
        _feature(f"{name}_on_last_year_90d",
                 f"{subject}: last 90 days against the same 90 days a year earlier, (a−b)/(a+b)", "−1 to 1",
                 "90 days and the same days a year earlier", lambda t: on_last_year(t, ingredient),
                 f"makes fewer {subject} than in the same months of last year",
                 f"makes more {subject} than in the same months of last year", -1),
    )  # fmt: skip


def entropy(parts: list[ir.NumericValue]) -> ir.FloatingValue:
    """Shannon entropy (nats) of counts; missing if all are zero. One expression of fixed order: no float aggregate."""
    total: ir.NumericValue = ibis.literal(0)
    terms: ir.FloatingValue = ibis.literal(0.0)
    for part in parts:
        total = total + part
        terms = terms + ibis.ifelse(part > 0, part * ibis.greatest(part, 1).cast("float64").ln(), 0.0)
    whole = total.cast("float64").nullif(0)
    return whole.ln() - terms / whole


def _digital(rows: ir.Table, window: int) -> ir.FloatingValue:
    used = rows[f"channel_{_DIGITAL[0]}_{window}"] + rows[f"channel_{_DIGITAL[1]}_{window}"]
    return share(used, rows[f"initiated_{window}"])


def _mean_gap(rows: ir.Table) -> ir.FloatingValue:
    return share(rows.gap_sum_365, rows.gaps_365)


FEATURES: tuple[Feature, ...] = (
    *(_feature(f"transactions_{w}d", "bookings of any kind", "count", f"{w} days", lambda t, w=w: t[f"rows_{w}"],
               "has few bookings", "has many bookings", -1) for w in (30, 90, 365)),
    *(_feature(f"initiated_{w}d", "transactions the customer caused (no fee, interest or automatic booking)",
               "count", f"{w} days", lambda t, w=w: t[f"initiated_{w}"], "uses the accounts little",
               "uses the accounts much", -1) for w in (30, 90, 180, 365)),
    *_trends("initiated", "transactions", "initiated"),
    _feature("initiated_month_on_usual", "transactions: last 30 days against a usual month of the year, (a−b)/(a+b)",
             "−1 to 1", "30 against 365 days",
             lambda t: change(t.initiated_30 * ibis.least(ibis.greatest(_known(t), 30), 365), t.initiated_365 * 30),
             "was less active last month than usual", "was more active last month than usual", -1),
    *(_feature(f"initiated_surprise_{w}d", "transactions against what the rest of the last year lets expect, in "
               "standard deviations (square roots: Anscombe 1948)", "deviations", f"{w} against 365 days",
               lambda t, w=w: _surprise(t, w), "was less active lately than chance explains",
               "was more active lately than chance explains", -1) for w in (30, 90)),
    *(_feature(f"active_days_{w}d", "days with a transaction the customer caused", "days", f"{w} days",
               lambda t, w=w: t[f"days_{w}"], "is active on few days", "is active on many days", -1)
      for w in (30, 90, 365)),
    _feature("active_days_trend_90d", "active days: last 90 days against the 90 before, (a−b)/(a+b)", "−1 to 1",
             "90 and the 90 days before", lambda t: trend(t, "days"),
             "is active on fewer days than in the three months before",
             "is active on more days than in the three months before", -1),
    _feature("active_days_on_last_year_90d", "active days: last 90 days against the same days a year earlier",
             "−1 to 1", "90 days and the same days a year earlier", lambda t: on_last_year(t, "days"),
             "is active on fewer days than in the same months of last year",
             "is active on more days than in the same months of last year", -1),
    _feature("mean_gap_365d", "average time between active days", "days", "365 days", _mean_gap,
             "comes often", "comes seldom", 1),
    _feature("gap_deviation_365d", "standard deviation of the time between active days", "days", "365 days",
             lambda t: deviation(t.gaps_365, t.gap_sum_365, t.gap_squares_365), "comes at a steady rhythm",
             "comes at an uneven rhythm"),
    _feature("silence_over_usual_gap", "days since the last active day divided by the average gap", "ratio",
             "365 days", lambda t: share(days_since(t, t.last_initiated_ever), _mean_gap(t).cast("float64")),
             "was here as recently as usual", "has been silent for longer than usual", 1),
    *(_feature(f"{kind}s_90d", subject, "count", "90 days", lambda t, k=kind: t[f"kind_{k}_90"], f"makes few {subject}",
               f"makes many {subject}", 0, "transactions.kind") for kind, subject in _KINDS.items()),
    *(f for kind in ("purchase", "cash_withdrawal", "transfer_out", "transfer_in")
      for f in _trends(f"{kind}s", _KINDS[kind], f"kind_{kind}")),
    *(_feature(f"{kind}_share_90d", f"share of {_KINDS[kind]} in all transactions the customer caused", "share",
               "90 days", lambda t, k=kind: share(t[f"initiated_{k}_90"], t.initiated_90),
               f"makes few {_KINDS[kind]}", f"makes mostly {_KINDS[kind]}", 0, "transactions.kind")
      for kind in SHARED_KINDS),
    _feature("kind_entropy_90d", "how evenly kinds of transaction are used (Shannon entropy)", "nats", "90 days",
             lambda t: entropy([t[f"kind_{k}_90"] for k in _KINDS]), "uses the accounts for one thing",
             "uses the accounts for many things", -1, "transactions.kind"),
    *(_feature(f"channel_{channel}_share_90d", f"share of {subject} in all bookings", "share", "90 days",
               lambda t, c=channel: share(t[f"channel_{c}_90"], t.rows_90), f"makes little use of {subject}",
               f"makes much use of {subject}", 0, "transactions.channel") for channel, subject in _CHANNELS.items()),
    _feature("digital_share_90d", "share of internet and mobile in transactions the customer caused", "share",
             "90 days", lambda t: _digital(t, 90), "seldom acts online", "acts mostly online", 0,
             "transactions.channel"),
    _feature("digital_share_change", "share of internet and mobile: 90 days minus 365 days", "−1 to 1",
             "90 against 365 days", lambda t: _digital(t, 90) - _digital(t, 365), "acts less online than usual",
             "acts more online than usual", 0, "transactions.channel"),
    *(_feature(f"channel_entropy_{w}d", "how evenly channels are used (Shannon entropy)", "nats", f"{w} days",
               lambda t, w=w: entropy([t[f"channel_{c}_{w}"] for c in CHANNELS]), "uses one channel",
               "uses many channels", -1, "transactions.channel") for w in (90, 365)),
    _feature("categories_180d", "different purchase categories", "count", "180 days",
             lambda t: ibis.coalesce(t.categories, 0), "buys in few categories", "buys in many categories", -1,
             "transactions.category"),
    _feature("category_entropy_180d", "how evenly purchase categories are used (Shannon entropy)", "nats", "180 days",
             lambda t: t.category_entropy, "buys mostly in one category", "buys evenly across categories", 0,
             "transactions.category"),
)  # fmt: skip


def _surprise(rows: ir.Table, window: int) -> ir.FloatingValue:
    """2(√(n + 3/8) − √(e + 3/8)): about standard normal where counts are Poisson with mean e."""
    recent = rows[f"initiated_{window}"]
    rest = (ibis.least(_known(rows), 365) - window).clip(lower=30)
    expected = (rows.initiated_365 - recent) / rest * window
    surprise = ((recent + 0.375).cast("float64").sqrt() - (expected + 0.375).cast("float64").sqrt()) * 2
    return ibis.ifelse(_known(rows) >= 2 * window, surprise, ibis.null("float64"))


def _known(rows: ir.Table) -> ir.IntegerValue:
    return ibis.coalesce(days_since(rows, rows.first_day_ever), 30)


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give the number and evenness of purchase categories."""
    transactions = inputs.tables["transactions"]
    if inputs.pairs is None:
        yield categories(transactions, inputs.as_of)
    else:
        yield categories_pairs(transactions, inputs.pairs)


FAMILY = Family("behaviour", FEATURES, activity=INGREDIENTS, days=DAYS, ingredients=ingredients)
