"""One customer base out of several systems: prefixes keep equal numbers apart, a map brings equal people together."""

import ibis.expr.types as ir

from ..schemas import Table
from .staging import Delivery, Workspace

# Regions are public numbers that all systems share.
_SHARED = ("region_id",)


def identify(space: Workspace, frame: ir.Table, table: Table, delivery: Delivery) -> ir.Table:
    """Rewrite the ids of a staged table: mapped customers get their common id, all other ids the source's prefix.

    Parameters
    ----------
    frame : ibis table
        Canonical columns as they arrived.
    delivery : Delivery
        With ``prefix`` and ``customer_map`` (a relation of ``source_id`` and ``common_id``, or None).
    """
    ids = [c.name for c in table.columns if c.name in table.key or c.references]
    ids = [c for c in ids if c in frame.columns and c not in _SHARED and table.column(c).type == "string"]
    spelled = {c: frame[c].cast("string").strip().nullif("") for c in ids}
    if not delivery.prefix and not delivery.customer_map:
        return frame
    own = {c: delivery.prefix + value for c, value in spelled.items()} if delivery.prefix else spelled
    if not delivery.customer_map or "customer_id" not in ids:
        return frame.mutate(**own)
    known = space.open(delivery.customer_map)
    joined = frame.left_join(known, spelled["customer_id"] == known["source_id"])
    renamed = joined.mutate(**{c: value for c, value in own.items() if c != "customer_id"})
    prefixed = delivery.prefix + joined["customer_id"].cast("string").strip().nullif("")
    return renamed.mutate(customer_id=joined["common_id"].coalesce(prefixed)).drop("source_id", "common_id")
