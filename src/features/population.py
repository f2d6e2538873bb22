"""Who has a row at an as_of date: customers who joined before it and haven't gone."""

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from .activity import Measure, summarise
from .inputs import before, dates


def customers_at(tables: dict[str, ir.Table], as_of: Sequence[date], active: ir.Table | None = None) -> ir.Table:
    """List the customers of each as_of date.

    A customer belongs to a date when ``joined_at`` lies before it and, where there are accounts, not all accounts
    opened by then are closed. Where the table of accounts is absent, or ``joined_at`` is missing, the customer must
    have had a transaction (or, with accounts, an account) that was usable by then.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers`` and ``transactions``; ``accounts`` is optional.
    as_of : sequence of date
        Dates.
    active : ir.Table, optional
        A summary of the transactions by customer_id and as_of, where one is at hand; it saves a scan.

    Returns
    -------
    ir.Table
        customer_id, as_of.
    """
    customers = tables["customers"]
    joined_at = customers.joined_at if "joined_at" in customers.columns else ibis.null("timestamp")
    people = customers.select("customer_id", joined_at=joined_at).cross_join(dates(as_of))
    people = people.filter(people.joined_at.isnull() | before(people, people.joined_at))
    if active is None:
        active = summarise(tables["transactions"], as_of, [Measure("rows", lambda r: r.count())], edges=(0,))
    seen = active.select("customer_id", "as_of", has_rows=ibis.literal(True))
    if "accounts" not in tables:
        return people.semi_join(seen, ["customer_id", "as_of"]).select("customer_id", "as_of")
    accounts = tables["accounts"].cross_join(dates(as_of))
    accounts = accounts.filter(before(accounts, accounts.opened_at))
    still_open = accounts.closed_at.isnull() | ~before(accounts, accounts.closed_at)
    held = accounts.group_by("customer_id", "as_of").aggregate(open=accounts.count(where=still_open))
    rows = people.left_join(held, ["customer_id", "as_of"]).drop("customer_id_right", "as_of_right")
    rows = rows.left_join(seen, ["customer_id", "as_of"]).drop("customer_id_right", "as_of_right")
    present = rows.joined_at.notnull() | rows.open.notnull() | rows.has_rows.notnull()
    return rows.filter(present & (ibis.coalesce(rows.open, 1) > 0)).select("customer_id", "as_of")
