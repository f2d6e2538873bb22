"""The feature table: families joined, one row per customer and as_of date."""

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from ..errors import DataError, ParamsError, nearest
from . import attitude, behaviour, campaigns, geography, lifecycle, loyalty, repayment, support, value
from .activity import active_days, summarise, wide
from .family import Family
from .feature import KEY
from .inputs import Inputs
from .pairwise import active_days_pairs, summarise_pairs
from .population import customers_at
from .windows import ordered_dates

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (value, behaviour, loyalty, geography, lifecycle, support, attitude, repayment, campaigns)
}
BY_EVENT = ("repayment", "campaigns")  # made for applications and for assignments, not for every month
MONTHLY = tuple(name for name in FAMILIES if name not in BY_EVENT)
MANDATORY = ("customers", "transactions")


def not_applicable(tables: dict[str, ir.Table], families: Sequence[str] | None = None) -> dict[str, str]:
    """Say which features can't be computed from these tables, and why.

    Examples
    --------
    >>> import ibis
    >>> rows = ibis.table({"customer_id": "string"}, name="rows")
    >>> not_applicable({"customers": rows, "transactions": rows}, ["support"])["contacts_90d"]
    'no table contacts'
    """
    chosen = families or MONTHLY
    reasons = {f.name: f.missing(tables) for name in chosen for f in FAMILIES[name].features}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def build_features(
    tables: dict[str, ir.Table], as_of: Sequence[date] | ir.Table, *, families: Sequence[str] | None = None
) -> ir.Table:
    """Build the feature table.

    Parameters
    ----------
    tables : dict of str to ir.Table
        Canonical tables; ``customers`` and ``transactions`` are mandatory, features of absent tables are left out
        (:func:`not_applicable` names them).
    as_of : sequence of date, or ir.Table
        Every customer at each date; or a table of customer_id and as_of (each pair once): these only. Rows with an
        event time before the midnight of a date, and known by it, are used. A customer's features at one date don't
        depend on what else is asked for.
    families : sequence of str, optional
        Which families; by default those of monthly looks (``MONTHLY``).

    Returns
    -------
    ir.Table
        customer_id, as_of (date), one double or string column per feature; lazy, not ordered. Customers who hadn't
        joined or had gone by a date have no row for it.

    Raises
    ------
    DataError
        A mandatory table is missing.
    ParamsError
        No as_of date, a repeated one, or an unknown family.

    Examples
    --------
    >>> build_features({}, [date(2024, 1, 1)])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: features need the table customers: run the ingest stage, or map it in params/ingest.yaml
    """
    for name in MANDATORY:
        if name not in tables:
            raise DataError(f"features need the table {name}: run the ingest stage, or map it in params/ingest.yaml")
    for family in families or ():
        if family not in FAMILIES:
            raise ParamsError(f"unknown feature family {family!r}: {nearest(family, FAMILIES)}")
    pairs = as_of if isinstance(as_of, ir.Table) else None
    inputs = Inputs(tables, [] if isinstance(as_of, ir.Table) else ordered_dates(as_of), pairs)
    chosen = [FAMILIES[name] for name in families or MONTHLY]
    rows = _ingredients(chosen, inputs)
    values = {
        f.name: f.how(rows).cast("float64" if f.type == "double" else "string")
        for family in chosen
        for f in family.features
        if f.missing(tables) is None
    }
    return rows.select(*KEY, **values)


def _ingredients(families: Sequence[Family], inputs: Inputs) -> ir.Table:
    """Join what the families need to the customers of each date: zero where a sum found nothing."""
    transactions = inputs.tables["transactions"]
    activity = list(dict.fromkeys(name for family in families for name in family.activity))
    days = list(dict.fromkeys(name for family in families for name in family.days))
    parts, active = [], None
    if activity:
        active = wide(_summary(transactions, inputs), activity)
        parts.append(active)
    if days:
        parts.append(wide(_days(transactions, inputs), days))
    parts.extend(own for family in families for own in family.ingredients(inputs))
    grid = rows = customers_at(inputs.tables, inputs.as_of, active) if inputs.pairs is None else inputs.pairs
    for i, part in enumerate(parts):
        rows = rows.left_join(part, [k for k in KEY if k in part.columns], rname=f"{{name}}_{i}")
    columns = [*grid.columns, *(c for part in parts for c in part.columns if c not in KEY)]
    counted = {name for name in (*activity, *days) if not name.startswith(("first_", "last_", "largest_"))}
    return rows.select(**{c: ibis.coalesce(rows[c], 0) if c in counted else rows[c] for c in columns})


def _summary(transactions: ir.Table, inputs: Inputs) -> ir.Table:
    if inputs.pairs is None:
        return summarise(transactions, inputs.as_of)
    return summarise_pairs(transactions, inputs.pairs)


def _days(transactions: ir.Table, inputs: Inputs) -> ir.Table:
    if inputs.pairs is None:
        return active_days(transactions, inputs.as_of)
    return active_days_pairs(transactions, inputs.pairs)
