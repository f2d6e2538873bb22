"""Labels of value and of the next purchase: what a customer brought after as_of, and what came next."""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from ..errors import ParamsError
from .activity import initiated
from .feature import KEY
from .inputs import dates
from .population import customers_at
from .windows import ordered_dates

HALF_YEAR, YEAR = 181, 365  # the shorter half: six months are over, whichever they are
MARGINS = {"margin_6m": HALF_YEAR, "margin_12m": YEAR}


def value_labels(
    tables: dict[str, ir.Table], as_of: Sequence[date], *, observed_until: date, product_days: int = 180
) -> ir.Table:
    """Label customers at as_of dates with what they brought and did after them.

    **margin_6m, margin_12m**: what the bank earned in the 181 and 365 days from as_of on, 0 for a customer without a
    booking; missing where the window is not over. Without a recorded margin: what the customer paid (transactions of
    their own with a negative amount).

    **Next purchase**: the first day from as_of on with a purchase (where no kind is recorded: with a payment of the
    customer's own). ``next_purchase_days`` counts from as_of (0 the same day) and is missing where none was observed;
    ``observed_days`` says how long one could have been. ``next_amount`` is the sum of that day's purchases,
    ``next_category`` the category with the largest part of it (the first in order of name among equals).

    **opened_<product>**: 1 if an account of the product was opened within ``product_days`` days, missing where one is
    held already at as_of or the window is not over.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers``, ``transactions``, and ``accounts`` for products.
    as_of : sequence of date
        Dates.
    observed_until : date
        The first moment that the data do not cover.
    product_days : int
        Window for products.

    Returns
    -------
    ir.Table
        One row per customer who is there at as_of: customer_id, as_of and the labels; lazy, not ordered.

    Raises
    ------
    ParamsError
        For a window below one day, or no date.

    Examples
    --------
    >>> value_labels({}, [date(2024, 1, 1)], observed_until=date(2025, 1, 1), product_days=0)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: product_days is a number of days from 1 on, not 0
    """
    if product_days < 1:
        raise ParamsError(f"product_days is a number of days from 1 on, not {product_days}")
    known = ordered_dates(as_of)
    rows = customers_at(tables, known)
    parts = [
        _margins(tables["transactions"], known, observed_until),
        _next(tables["transactions"], known, observed_until),
    ]
    names = [[*MARGINS], ["next_purchase_days", "next_amount", "next_category"]]
    if "accounts" in tables and "product" in tables["accounts"].columns:
        opened, products = _opened(tables["accounts"], known, observed_until, product_days)
        parts.append(opened)
        names.append([f"opened_{product}" for product in products])
    for i, part in enumerate(parts):
        rows = rows.left_join(part, list(KEY), rname=f"{{name}}_{i}")
    over = {name: rows.as_of <= observed_until - timedelta(days=days) for name, days in MARGINS.items()}
    margins = {
        name: ibis.ifelse(over[name], ibis.coalesce(rows[name], 0.0) / 100, ibis.null("float64")) for name in MARGINS
    }
    opened = {
        name: ibis.ifelse(
            (rows.as_of <= observed_until - timedelta(days=product_days)) & ~ibis.coalesce(rows[f"held_{name}"], False),
            ibis.coalesce(rows[name], False).cast("float64"), ibis.null("float64"),
        )
        for name in (names[2] if len(names) > 2 else [])
    }  # fmt: skip
    return rows.select(
        *KEY, **margins, observed_days=-rows.as_of.delta(ibis.literal(observed_until), unit="day"),
        next_purchase_days=rows.next_purchase_days, next_amount=rows.next_amount / 100,
        next_category=rows.next_category, **opened,
    )  # fmt: skip


def _after(transactions: ir.Table, as_of: list[date], observed_until: date) -> ir.Table:
    """Put customer-days with their sums beside each date that they follow within a year."""
    absent = {n: ibis.null(t) for n, t in {"margin": "decimal(18, 2)", "kind": "string", "channel": "string",
                                           "category": "string"}.items() if n not in transactions.columns}  # fmt: skip
    rows = transactions.mutate(**absent) if absent else transactions
    rows = rows.filter(
        (rows.booked_at >= ibis.literal(as_of[0]).cast("timestamp"))
        & (rows.booked_at < ibis.literal(observed_until).cast("timestamp"))
    )
    return rows.mutate(day=rows.booked_at.date(), cents=(rows.amount * 100).cast("int64").cast("float64"))


def _margins(transactions: ir.Table, as_of: list[date], observed_until: date) -> ir.Table:
    rows = _after(transactions, as_of, observed_until)
    has_margin = "margin" in transactions.columns
    earned = (rows.margin * 100).cast("int64").cast("float64") if has_margin else ibis.ifelse(
        initiated(rows) & (rows.cents < 0), -rows.cents, 0.0
    )  # fmt: skip
    daily = rows.group_by("customer_id", "day").aggregate(earned=earned.sum())
    placed = daily.cross_join(dates(as_of))
    age = -placed.as_of.delta(placed.day, unit="day")
    placed = placed.mutate(age=age).filter((age >= 0) & (age < YEAR))
    return placed.group_by(*KEY).aggregate(
        **{name: ibis.ifelse(placed.age < days, placed.earned, 0.0).sum() for name, days in MARGINS.items()}
    )


def _next(transactions: ir.Table, as_of: list[date], observed_until: date) -> ir.Table:
    rows = _after(transactions, as_of, observed_until)
    bought = rows["kind"] == "purchase" if "kind" in transactions.columns else initiated(rows) & (rows.cents < 0)
    rows = rows.filter(bought & (rows.cents < 0))
    days = rows.group_by("customer_id", "day").aggregate(spent=(-rows.cents).sum())
    placed = days.cross_join(dates(as_of))
    placed = placed.filter(placed.day >= placed.as_of)
    first = placed.group_by(*KEY).aggregate(day=placed.day.min())
    first = first.join(days, ["customer_id", "day"])
    parts = rows.filter(rows.category.notnull()).group_by("customer_id", "day", "category").aggregate(
        part=(-rows.cents).sum()
    )  # fmt: skip
    turn = ibis.row_number().over(group_by=["customer_id", "day"], order_by=[ibis.desc(parts.part), parts.category])
    top = parts.mutate(turn=turn)
    top = top.filter(top["turn"] == 0).select("customer_id", "day", next_category="category")
    first = first.left_join(top, ["customer_id", "day"], rname="{name}_top")
    return first.select(
        *KEY, next_purchase_days=-first.as_of.delta(first.day, unit="day"), next_amount=first.spent,
        next_category=first.next_category,
    )  # fmt: skip


def _opened(accounts: ir.Table, as_of: list[date], observed_until: date, days: int) -> tuple[ir.Table, list[str]]:
    products = sorted(accounts.filter(accounts["product"].notnull())["product"].to_pyarrow().unique().to_pylist())
    rows = accounts.filter(accounts["product"].notnull()).cross_join(dates(as_of))
    midnight = rows.as_of.cast("timestamp")
    held = (rows.opened_at < midnight) & (rows.closed_at.isnull() | (rows.closed_at >= midnight))
    end = (rows.as_of + ibis.interval(days=days)).cast("timestamp")
    opens = (rows.opened_at >= midnight) & (rows.opened_at < end) & (
        rows.opened_at < ibis.literal(observed_until).cast("timestamp")
    )  # fmt: skip
    found = rows.group_by(*KEY).aggregate(
        **{f"held_opened_{p}": (held & (rows["product"] == p)).any() for p in products},
        **{f"opened_{p}": (opens & (rows["product"] == p)).any() for p in products},
    )
    return found, products
