"""Lifecycle: where the customer stands between joining and leaving, and which products are held."""

from collections.abc import Callable, Iterator

import ibis
import ibis.expr.types as ir

from ..data.schemas import PRODUCTS
from .family import Family
from .feature import KEY, Feature, days_since, features_of, share
from .inputs import Inputs, before, days_back

_LAST = {
    "initiated": "transaction the customer caused", "purchase": "purchase", "salary": "salary",
    "inflow": "inflow of money",
}  # fmt: skip
_HELD = {p: f"{p} account" if p in ("current", "savings") else p.replace("_", " ") for p in PRODUCTS}
INGREDIENTS = ("first_day_ever", "last_day_ever", *(f"last_{name}_ever" for name in _LAST))


_feature = features_of("lifecycle")


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _count(column: str) -> Callable[..., ir.Value]:
    return lambda t: ibis.coalesce(t[column], 0)


FEATURES: tuple[Feature, ...] = (
    _feature("tenure_days", "days since joining (or the first booking where joining is not recorded)", "days",
             "at as_of", lambda t: ibis.coalesce(days_since(t, t.joined_on), days_since(t, t.first_day_ever)),
             "joined recently", "has been a customer for long", -1),
    _feature("history_days", "days since the first known booking", "days", "whole past",
             lambda t: days_since(t, t.first_day_ever), "has a short history here", "has a long history here"),
    _feature("days_since_last_booking", "days since the last booking of any kind", "days", "whole past",
             lambda t: days_since(t, t.last_day_ever), "had bookings recently", "has had no booking for a while", 1),
    *(_feature(f"days_since_last_{name}", f"days since the last {subject}", "days", "whole past",
               lambda t, n=name: days_since(t, t[f"last_{n}_ever"]), f"had {_a(subject)} recently",
               f"has had no {subject} for a while", 1) for name, subject in _LAST.items()),
    _feature("products_held", "open accounts", "count", "at as_of", _count("held"), "has few accounts",
             "has several accounts", -1, "accounts"),
    _feature("product_breadth", "different products held", "count", "at as_of",
             lambda t: sum(((ibis.coalesce(t[f"held_{p}"], 0) > 0).cast("int64") for p in PRODUCTS), ibis.literal(0)),
             "holds few products", "holds many products", -1, "accounts.product"),
    *(_feature(f"holds_{product}", f"open accounts of product {product.replace('_', ' ')}", "count", "at as_of",
               _count(f"held_{product}"), f"holds no {held}", f"holds {_a(held)}", 0, "accounts.product")
      for product, held in _HELD.items()),
    *(_feature(f"accounts_opened_{w}d", "accounts opened", "count", f"{w} days", _count(f"opened_{w}"),
               "opened no account lately", "opened an account lately", -1, "accounts") for w in (90, 365)),
    *(_feature(f"accounts_closed_{w}d", "accounts closed", "count", f"{w} days", _count(f"closed_{w}"),
               "closed no account lately", "closed an account lately", 1, "accounts") for w in (90, 365)),
    _feature("accounts_closed_share", "share of the accounts ever opened that are closed", "share", "whole past",
             lambda t: share(ibis.coalesce(t.opened - t.held, 0), ibis.coalesce(t.opened, 0)),
             "kept the accounts", "closed part of the accounts", 1, "accounts"),
    _feature("days_since_last_opening", "days since an account was last opened", "days", "whole past",
             lambda t: days_since(t, t.last_opened), "opened an account not long ago",
             "has opened no account for long", 0, "accounts"),
    _feature("days_since_last_closing", "days since an account was last closed", "days", "whole past",
             lambda t: days_since(t, t.last_closed), "closed an account not long ago", "closed an account long ago",
             -1, "accounts"),
)  # fmt: skip


def accounts_at(inputs: Inputs) -> ir.Table:
    """Count accounts as they were known at each as_of date.

    An opening counts from the day after ``opened_at``, a closing only once ``closed_at`` lies before as_of.

    Returns
    -------
    ir.Table
        customer_id, as_of, held, opened, opened_90, opened_365, closed_90, closed_365, last_opened, last_closed,
        and held_<product>.
    """
    accounts = inputs.tables["accounts"]
    if "product" not in accounts.columns:
        accounts = accounts.mutate(product=ibis.null("string"))
    rows = inputs.at(accounts.select("customer_id", "product", "opened_at", "closed_at"))
    rows = rows.filter(before(rows, rows.opened_at))
    is_closed = rows.closed_at.notnull() & before(rows, rows.closed_at)
    rows = rows.mutate(is_open=~is_closed, left_on=ibis.ifelse(is_closed, rows.closed_at, ibis.null("timestamp")))
    return rows.group_by(*KEY).aggregate(
        held=rows.count(where=rows.is_open),
        opened=rows.count(),
        **{f"opened_{w}": rows.count(where=days_back(rows, rows.opened_at) <= w) for w in (90, 365)},
        **{f"closed_{w}": rows.count(where=days_back(rows, rows.left_on) <= w) for w in (90, 365)},
        last_opened=rows.opened_at.max().date(),
        last_closed=rows.left_on.max().date(),
        **{f"held_{p}": rows.count(where=rows.is_open & (rows["product"] == p)) for p in PRODUCTS},
    )


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give the date of joining and, where there are accounts, what was held when."""
    customers = inputs.tables["customers"]
    joined = customers.joined_at.date() if "joined_at" in customers.columns else ibis.null("date")
    yield customers.select("customer_id", joined_on=joined)
    if "accounts" in inputs.tables:
        yield accounts_at(inputs)


FAMILY = Family("lifecycle", FEATURES, activity=INGREDIENTS, ingredients=ingredients)
