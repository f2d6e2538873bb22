"""The sql source: tables or queries of any database that SQLAlchemy reaches, read in chunks as text.

The URL comes from an environment variable and is never logged, kept or shown; a password is masked in errors.
"""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from ...errors import DataError, nearest
from .database import cause_of, open_engine, place_of, read_url
from .derived import derive_customers
from .mapping import expected_columns, map_columns, refuse_missing, source_columns
from .settings import SqlSettings, SqlTable
from .staging import LINE, Delivery, Staged, Workspace, quoted


def stage(space: Workspace, settings: SqlSettings) -> Delivery:
    """Copy every table or query that the settings name into the workspace.

    Raises
    ------
    ParamsError
        If the environment variable is not set or holds no URL.
    DataError
        If the database does not answer, or refuses a table or query.
    """
    who = f"source {settings.label}"
    url = read_url(settings.url_env, who)
    delivery = Delivery(settings.label)
    engine = open_engine(url, who)
    try:
        with engine.connect() as connection:
            for table, one in settings.tables.items():
                delivery.staged.append(_stage_table(space, connection, table, one, settings))
                delivery.files[one.table or f"query for {table}"] = delivery.staged[-1].rows
    except sa.exc.OperationalError as error:
        raise DataError(
            f"{who}: the database at {place_of(url)} does not answer: {cause_of(error, url)}.\n"
            f"Start it, or correct ${settings.url_env}."
        ) from None
    except sa.exc.SQLAlchemyError as error:
        raise DataError(f"{who}: the database refuses: {cause_of(error, url)}.\n"
                        f"Correct the table, query or schema in params/ingest.yaml.") from None  # fmt: skip
    finally:
        engine.dispose()
    if settings.derive_customers:
        derive_customers(space, delivery)
    return delivery


def _stage_table(
    space: Workspace, connection: sa.Connection, table: str, one: SqlTable, settings: SqlSettings
) -> Staged:
    place = f"source {settings.label}: {one.table or f'the query for {table}'}"
    statement: Any = _select(connection, table, one, place) if one.table else sa.text(one.query)
    streamed = connection.execution_options(stream_results=True, yield_per=settings.chunk_rows)
    arrived = space.fresh("arrived")
    with streamed.execute(statement) as result:
        columns = list(result.keys())
        refuse_missing(place, expected_columns(table, one), columns)
        space.run(f"CREATE TABLE {arrived} ({', '.join(f'{quoted(c)} VARCHAR' for c in columns)})")
        for rows in result.partitions(settings.chunk_rows):
            space.ibis.con.register("chunk", _as_text_table(columns, rows))
            space.run(f"INSERT INTO {arrived} SELECT * FROM chunk")
            space.ibis.con.unregister("chunk")
    order = ", ".join(quoted(c) for c in columns)
    # A database returns rows in any order; numbering them by content makes equal content equal again.
    numbered = space.table("sql", f"SELECT row_number() OVER (ORDER BY {order}) AS {LINE}, * FROM {arrived}")
    space.run(f"DROP TABLE {arrived}")
    view = map_columns(space, numbered, table, one, columns, settings.label)
    return Staged(table, settings.label, view, space.number(f"SELECT count(*) FROM {numbered}"))


def _select(connection: sa.Connection, table: str, one: SqlTable, place: str) -> sa.Select[Any]:
    """Select the columns that are used, identifiers quoted, so that a name cannot become SQL."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(one.table, schema=one.schema_name):
        known = inspector.get_table_names(schema=one.schema_name) + inspector.get_view_names(schema=one.schema_name)
        raise DataError(f"{place} is not in the database: {nearest(one.table, known) if known else 'it has no tables'}")
    available = [c["name"] for c in inspector.get_columns(one.table, schema=one.schema_name)]
    refuse_missing(place, expected_columns(table, one), available)
    used = set(source_columns(table, one, available).values()) | ({one.sign.column} if one.sign else set())
    names: list[sa.ColumnClause[Any]] = [sa.column(sa.sql.quoted_name(c, quote=True)) for c in available if c in used]
    schema = sa.sql.quoted_name(one.schema_name, quote=True) if one.schema_name else None
    return sa.select(*names).select_from(sa.table(sa.sql.quoted_name(one.table, quote=True), schema=schema))


def _as_text_table(columns: list[str], rows: Any) -> pa.Table:
    by_column = zip(*rows, strict=True)
    arrays = [pa.array([_as_text(v) for v in values], pa.string()) for values in by_column]
    return pa.Table.from_arrays(arrays, names=columns)


def _as_text(value: Any) -> str | None:
    """Spell a value of a driver so that the casts of ingest read it back exactly."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return naive.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    return str(value)
