"""Customers of a source that has only transactions: each id that occurs is a customer since its first booking."""

from ...errors import DataError
from .staging import Delivery, Staged, Workspace, quoted


def derive_customers(space: Workspace, delivery: Delivery) -> None:
    """Add the customers that a source's transactions name to its delivery.

    The moment of joining is the first readable booking. Where another source already has the customer, its attributes
    win if it stands first in the list of sources.

    Raises
    ------
    DataError
        If the source has no transactions with a customer_id.
    """
    parts = [s.relation for s in delivery.staged if s.table == "transactions"]
    if not parts or any("customer_id" not in space.types(part) for part in parts):
        raise DataError(f"source {delivery.name}: derive_customers needs transactions with a customer_id: add them to "
                        f"`tables`, or take derive_customers out")  # fmt: skip
    rows = " UNION ALL ".join(
        f"SELECT trim(CAST(customer_id AS VARCHAR)) AS customer_id, "
        f"TRY_CAST(CAST(booked_at AS VARCHAR) AS TIMESTAMP) AS booked_at FROM {quoted(part)}"
        for part in parts
    )
    customers = space.table(
        "derived",
        f"SELECT row_number() OVER (ORDER BY customer_id) AS source_line, customer_id, min(booked_at) AS joined_at "
        f"FROM ({rows}) WHERE customer_id <> '' AND booked_at IS NOT NULL GROUP BY customer_id",
    )
    view = space.view("customers", f"SELECT *, CAST(json_object('customer_id', customer_id) AS VARCHAR) AS raw "
                                   f"FROM {quoted(customers)}")  # fmt: skip
    count = space.number(f"SELECT count(*) FROM {quoted(customers)}")
    delivery.staged.append(Staged("customers", delivery.name, view, count))
    delivery.notes.append(f"{delivery.name}: {count:,} customers derived from transactions; they joined with the first")
