"""A feature: its dictionary row together with the expression that computes it, so that neither exists alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir

KEY = ("customer_id", "as_of")
ATTRIBUTES = ("gender", "branch_id")
"""Recorded of the customer, to describe, find and segment people by; no input of a score."""

Sign = Literal[-1, 0, 1]


@dataclass(frozen=True)
class Feature:
    """One feature and how it is told to people.

    Attributes
    ----------
    name, family, meaning, unit, window : str
        ``window`` says which time before as_of counts ("90 days", "whole past", "at as_of").
    how : callable
        From the ingredients of the family (a table) to the value.
    type : {"double", "text"}
        As the model sees it.
    sign : {-1, 0, 1}
        Hint for leaving (in the families repayment and application: for default): 1 if it should become likelier as
        the value grows, -1 if less likely, 0 if unknown.
    low, high : str
        Plain words that follow "this customer …" when a low or a high value is a reason for a score.
    needs : tuple of str
        Optional tables, or columns as ``table.column``, without which the feature is not applicable.
    """

    name: str
    family: str
    meaning: str
    unit: str
    window: str
    how: Callable[..., ir.Value] = field(repr=False, compare=False)
    low: str
    high: str
    sign: Sign = 0
    type: Literal["double", "text"] = "double"
    needs: tuple[str, ...] = ()

    def missing(self, tables: dict[str, ir.Table]) -> str | None:
        """Say which table or column is not there, if one is.

        Examples
        --------
        >>> feature = Feature("x", "support", "", "", "", lambda t: t.x, "", "", needs=("contacts", "customers.gender"))
        >>> customers = ibis.table({"customer_id": "string"}, name="customers")
        >>> feature.missing({"customers": customers})
        'no table contacts'
        >>> feature.missing({"customers": customers, "contacts": customers})
        'no column customers.gender'
        """
        for need in self.needs:
            table, _, column = need.partition(".")
            if table not in tables:
                return f"no table {table}"
            if column and column not in tables[table].columns:
                return f"no column {need}"
        return None


def features_of(family: str) -> Callable[..., Feature]:
    """Make the short constructor of one family: everything about a feature in a line or two.

    Returns
    -------
    callable
        ``(name, meaning, unit, window, how, low, high, sign=0, *needs) -> Feature``

    Examples
    --------
    >>> make = features_of("support")
    >>> make("contacts_90d", "contacts", "count", "90 days", lambda t: t.n, "few", "many", 1, "contacts").needs
    ('contacts',)
    """

    def make(
        name: str, meaning: str, unit: str, window: str, how: Callable[..., ir.Value], low: str, high: str,
        sign: Sign = 0, *needs: str,
    ) -> Feature:  # fmt: skip
        return Feature(name, family, meaning, unit, window, how, low, high, sign, needs=needs)

    return make


def share(part: ir.NumericValue, whole: ir.NumericValue) -> ir.FloatingValue:
    """Divide; missing where the whole is zero."""
    return part.cast("float64") / whole.cast("float64").nullif(0)


def change(now: ir.NumericValue, before: ir.NumericValue) -> ir.FloatingValue:
    """Compare two amounts on a scale from -1 (all gone) over 0 (equal) to 1 (all new): (a − b) / (a + b)."""
    return share(now - before, now + before)


def deviation(count: ir.NumericValue, total: ir.NumericValue, squares: ir.NumericValue) -> ir.FloatingValue:
    """Standard deviation (n − 1) from exact sums; missing below two values."""
    n, s = count.cast("float64"), total.cast("float64")
    spread = ibis.greatest(squares.cast("float64") - s * s / n.nullif(0), 0.0)
    return ibis.ifelse(count >= 2, (spread / (n - 1).nullif(0)).sqrt(), ibis.null("float64"))


def days_since(rows: ir.Table, day: ir.DateValue) -> ir.IntegerValue:
    """Days from a date to as_of; the day before as_of is 1."""
    return rows.as_of.delta(day, unit="day")
