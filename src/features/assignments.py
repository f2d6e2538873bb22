"""Assignments: who was drawn for which campaign, offered what or left as control, and what was known of them then."""

from collections.abc import Callable, Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ..data.schemas import CONTROL
from ..errors import DataError, NotApplicable
from .inputs import before
from .table import build_features

KEY = ("campaign_id", "customer_id")
_TREATMENTS = {
    "arm": "string", "propensity": "float64", "delivered_at": "timestamp", "responded_at": "timestamp",
    "response_value": "decimal(18, 2)",
}  # fmt: skip
_CAMPAIGNS = {
    "offer": "string", "channel": "string", "contact_cost": "decimal(18, 2)", "offer_cost": "decimal(18, 2)",
    "response_window_days": "int64",
}  # fmt: skip


def drawn(tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    """Restrict the table of customers to those who were ever drawn for a campaign.

    Raises
    ------
    NotApplicable
        If there are no campaigns or nobody was assigned to one: promotion is no business of this source.
    """
    for name in ("treatments", "campaigns"):
        if name not in tables:
            raise NotApplicable(f"there is no table of {name}: map it in params/ingest.yaml, or use a ready table")
    if not int(tables["treatments"].count().execute()):
        raise NotApplicable("nobody was ever assigned to a campaign: the table of treatments is empty")
    return {**tables, "customers": tables["customers"].semi_join(tables["treatments"], "customer_id")}


def assignments(tables: dict[str, ir.Table]) -> ir.Table:
    """List the assignments of customers who are known, beside their campaign.

    Returns
    -------
    ir.Table
        The columns of ``treatments``, of ``campaigns`` those about offer, channel, costs and window (missing where the
        source has none), and ``as_of``: the day of the assignment. What is known at its midnight is what counts.

    Raises
    ------
    DataError
        If a table is absent.
    """
    for name in ("treatments", "campaigns"):
        if name not in tables:
            raise DataError(f"assignments need the table {name}: map it in params/ingest.yaml, or use a ready table")
    assigned, calendar = _complete(tables["treatments"], _TREATMENTS), _complete(tables["campaigns"], _CAMPAIGNS)
    rows = assigned.semi_join(tables["customers"], "customer_id")
    rows = rows.join(calendar.select("campaign_id", *_CAMPAIGNS), "campaign_id")
    return rows.mutate(as_of=rows.assigned_at.date())


def _complete(table: ir.Table, columns: dict[str, str]) -> ir.Table:
    absent = {name: ibis.null(kind) for name, kind in columns.items() if name not in table.columns}
    return table.mutate(**absent) if absent else table


def campaign_kinds(
    tables: dict[str, ir.Table], *, placebo_offers: Sequence[str] = (), service_offers: Sequence[str] = ()
) -> ir.Table:
    """Tell how each campaign was drawn: what may be learned from it depends on that.

    **placebo** and **service** campaigns are named by their offer: nothing worth having was offered (both groups get
    the same: an A/A test), or help that nobody responds to. Of the others, campaigns with no control group, or with
    nothing but one, are **uncontrolled**; those in which the probability of an arm is unknown for somebody are
    **undocumented**; those in which it differs between customers **targeted**; the rest are **randomised**.

    Returns
    -------
    ir.Table
        campaign_id, kind; campaigns with at least one assignment.
    """
    rows = assignments(tables)
    arms = rows.group_by("campaign_id", "offer", "arm").aggregate(
        unknown=rows.propensity.isnull().any(), least=rows.propensity.min(), most=rows.propensity.max()
    )
    found = arms.group_by("campaign_id", "offer").aggregate(
        control=(arms.arm == CONTROL).any(), treated=(arms.arm != CONTROL).any(), unknown=arms.unknown.any(),
        varies=(arms.least < arms.most).any(),
    )  # fmt: skip
    kind = ibis.cases(
        (found.offer.isin(list(placebo_offers)), "placebo"),
        (found.offer.isin(list(service_offers)), "service"),
        (~(ibis.coalesce(found.control, False) & ibis.coalesce(found.treated, False)), "uncontrolled"),
        (found.unknown, "undocumented"),
        (found.varies, "targeted"),
        else_="randomised",
    )
    return found.select("campaign_id", kind=kind)


def build_assignments(tables: dict[str, ir.Table], families: Sequence[str]) -> ir.Table:
    """Build the features of every assignment.

    Parameters
    ----------
    tables : dict of str to ir.Table
        Canonical tables; ``customers``, ``transactions``, ``campaigns`` and ``treatments`` are needed.
    families : sequence of str
        Feature families.

    Returns
    -------
    ir.Table
        campaign_id, customer_id, as_of (day of the assignment), arm, offer, channel, propensity, one column per
        feature. Features use what was known at the midnight at which that day began: not the assignment itself.
        Customers who had gone by then have a row all the same: they were assigned.

    Raises
    ------
    DataError
        If a table is absent.

    Examples
    --------
    >>> build_assignments({}, ["campaigns"])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: assignments need the table treatments: map it in params/ingest.yaml, or use a ready table
    """
    rows = assignments(tables)
    base = build_features(tables, rows.select("customer_id", "as_of").distinct(), families=families)
    columns = [c for c in base.columns if c not in ("customer_id", "as_of")]
    own = rows.select(*KEY, "as_of", "arm", "offer", "channel", "propensity")
    return own.left_join(base, ["customer_id", "as_of"]).select(*own.columns, *columns)


def with_kinds(rows: ir.Table, kinds: ir.Table) -> ir.Table:
    """Put the kind of campaign beside each assignment, after its channel."""
    columns = list(rows.columns)
    place = columns.index("channel") + 1
    return rows.join(kinds, "campaign_id").select(*columns[:place], "kind", *columns[place:])


def audited(days: pa.Table, families: Sequence[str]) -> Callable[[dict[str, ir.Table], list[date]], ir.Table]:
    """Make the builder that the leak audit calls with tables and dates.

    Who was assigned when (``days``, of :func:`days_drawn`) is held fixed, so that the audit can take everything from
    the midnight on away: the assignment itself is what the features must know nothing of.
    """
    pairs = ibis.memtable(days, schema={"customer_id": "string", "as_of": "date"})

    def build(tables: dict[str, ir.Table], as_of: list[date]) -> ir.Table:
        known = tables["customers"].select("customer_id", "joined_at")
        rows = pairs.filter(pairs.as_of.isin(as_of)).join(known, "customer_id")
        rows = rows.filter(rows.joined_at.isnull() | before(rows, rows.joined_at))
        return build_features(tables, rows.select("customer_id", "as_of"), families=families)

    return build


def days_drawn(tables: dict[str, ir.Table]) -> pa.Table:
    """List who was assigned on which day: customer_id, as_of, each pair once, ordered."""
    rows = assignments(tables).select("customer_id", "as_of").distinct()
    return rows.order_by("as_of", "customer_id").to_pyarrow()
