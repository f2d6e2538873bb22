"""The types of the canonical tables as pandera schemas (Ibis backend): the last check before a table is written."""

import ibis.expr.types as ir
import pandera.ibis as pa
from pandera.errors import SchemaError, SchemaErrors

from ..errors import DataError
from .casting import TYPES
from .schemas import TABLES


def schema(table: str) -> pa.DataFrameSchema:
    """Build the pandera schema of a canonical table: these columns, these types, required ones without gaps.

    Examples
    --------
    >>> sorted(schema("recoveries").columns)
    ['amount', 'known_at', 'loan_id', 'received_at']
    """
    columns = {c.name: pa.Column(TYPES[c.type], nullable=not c.required) for c in TABLES[table].columns}
    return pa.DataFrameSchema(columns, strict=True, name=table)


def validate(rows: ir.Table, table: str) -> ir.Table:
    """Refuse a table that is not canonical.

    Raises
    ------
    DataError
        Naming the table and the first broken expectation.

    Examples
    --------
    >>> import ibis
    >>> rows = ibis.memtable({"loan_id": ["L1"]})
    >>> validate(rows, "recoveries")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: recoveries is not canonical: column 'received_at' not found. Columns in table:...
    """
    try:
        return schema(table).validate(rows)
    except (SchemaError, SchemaErrors) as error:
        raise DataError(f"{table} is not canonical: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """What pandera says, without the schema that it repeats in full."""
    return str(error).splitlines()[0].split(" DataFrameSchema", maxsplit=1)[0]
