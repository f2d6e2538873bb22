"""Hand a list over: as a file for people (CSV, XLSX) or into a table of a database, where it may be sent again.

Files go through :mod:`afraz.scoring.export`, which neutralises what a spreadsheet would run; a database gets what was
given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..data.sources.database import cause_of, open_engine, place_of, read_url
from ..errors import DataError, nearest
from ..scoring.export import write_table

KEY = ("campaign_id", "customer_id")
BATCH = 5_000


@dataclass(frozen=True)
class Sent:
    """What a database got: rows of the list, and rows of the same campaigns there that the list no longer has."""

    rows: int
    left_over: int


def write_lists(rows: pd.DataFrame, folder: Path, by: str = "campaign_id", ending: str = ".xlsx") -> list[Path]:
    """Write one file per campaign, channel or branch, named after it; letters that no file name bears become ``_``.

    Raises
    ------
    DataError
        If a row has no value of ``by``, or two would share a file name.
    """
    if rows[by].isna().any():
        raise DataError(f"{int(rows[by].isna().sum())} rows have no {by}: they would be in no file; choose another")
    names = {value: "".join(c if c.isalnum() or c in "-_" else "_" for c in str(value)) for value in rows[by].unique()}
    if len(set(names.values())) < len(names):
        raise DataError(f"two values of {by} give the same file name: choose another column")
    return [write_table(rows[rows[by].eq(value)], Path(folder) / f"{names[value]}{ending}") for value in sorted(names)]


def send(rows: pd.DataFrame, url_env: str, table: str, schema: str | None = None, key: Sequence[str] = KEY) -> Sent:
    """Insert rows into a table or, where their key is there already, update them: sending twice changes nothing.

    Parameters
    ----------
    rows : DataFrame
        Columns are those of the table; one that does not exist yet is created with this key.
    url_env : str
        Environment variable with the SQLAlchemy URL.
    table, schema : str
        Quoted, so that a name cannot become SQL.
    key : sequence of str
        The first of it names the campaign.

    Returns
    -------
    Sent

    Raises
    ------
    ParamsError
        If the variable is not set or holds no URL.
    DataError
        If the key repeats or is missing, the table has other columns or another key, or the database does not answer.
    """
    _check_key(rows, key)
    url = read_url(url_env, "sending a list")
    engine = open_engine(url, "sending a list")
    try:
        with engine.begin() as connection:
            target = _target(connection, rows, table, schema, key)
            records = _records(rows)
            for start in range(0, len(records), BATCH):
                _upsert(connection, target, records[start : start + BATCH], key)
            campaigns = target.c[key[0]].in_(rows[key[0]].unique().tolist())
            there = connection.execute(sa.select(sa.func.count()).select_from(target).where(campaigns)).scalar_one()
    except sa.exc.OperationalError as error:
        raise DataError(f"sending a list: the database at {place_of(url)} does not answer: {cause_of(error, url)}.\n"
                        f"Start it, or correct ${url_env}.") from None  # fmt: skip
    except sa.exc.SQLAlchemyError as error:
        said = cause_of(error, url)
        raise DataError(
            f"sending a list: the database refuses: {said}.\n"
            f"Nothing was written: correct the table {table!r} or the user's rights."
        ) from None
    finally:
        engine.dispose()
    return Sent(len(rows), there - len(rows))


def _check_key(rows: pd.DataFrame, key: Sequence[str]) -> None:
    absent = [name for name in key if name not in rows]
    if absent:
        raise DataError(f"the list lacks {absent[0]!r}, which is part of its key {', '.join(key)}")
    if rows[list(key)].isna().any(axis=None):
        raise DataError(f"the list has rows without {' or '.join(key)}: each row needs its key")
    repeated = int(rows.duplicated(list(key)).sum())
    if repeated:
        raise DataError(f"{repeated} rows repeat the key {', '.join(key)}: a customer is once in a campaign")


def _target(
    connection: sa.Connection, rows: pd.DataFrame, table: str, schema: str | None, key: Sequence[str]
) -> sa.Table:
    """Describe the table; create it where it is absent, else see that its columns and its key are ours."""
    quoted = sa.sql.quoted_name(table, quote=True)
    place = sa.sql.quoted_name(schema, quote=True) if schema else None
    columns = [
        sa.Column(sa.sql.quoted_name(str(n), quote=True), _type(rows[n], n in key), primary_key=n in key) for n in rows
    ]
    described = sa.Table(quoted, sa.MetaData(), *columns, schema=place)
    inspector = sa.inspect(connection)
    if not inspector.has_table(table, schema=schema):
        described.create(connection)
        return described
    there = [c["name"] for c in inspector.get_columns(table, schema=schema)]
    unknown = [str(name) for name in rows if name not in there]
    if unknown:
        raise DataError(f"the table {table!r} has no column {unknown[0]!r} ({nearest(unknown[0], there)}): "
                        f"add it, or send to a new table")  # fmt: skip
    keys = [inspector.get_pk_constraint(table, schema=schema)["constrained_columns"]]
    keys += [unique["column_names"] for unique in inspector.get_unique_constraints(table, schema=schema)]
    if not any(set(found) == set(key) for found in keys):
        raise DataError(f"the table {table!r} has no primary key or unique constraint on {', '.join(key)}: add one, "
                        f"else rows would repeat")  # fmt: skip
    return described


def _type(column: pd.Series, in_key: bool) -> sa.types.TypeEngine[Any]:
    plain: list[tuple[Callable[[Any], bool], sa.types.TypeEngine[Any]]] = [
        (pd.api.types.is_bool_dtype, sa.Boolean()),
        (pd.api.types.is_integer_dtype, sa.BigInteger()),
        (pd.api.types.is_float_dtype, sa.Double()),
        (pd.api.types.is_datetime64_any_dtype, sa.DateTime()),
    ]
    for fits, kind in plain:
        if fits(column):
            return kind
    cells = set(column.dropna().map(type))
    objects: dict[type, sa.types.TypeEngine[Any]] = {Decimal: sa.Numeric(18, 2), date: sa.Date()}
    return objects.get(cells.pop() if len(cells) == 1 else str, sa.String(255) if in_key else sa.Text())


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    plain = {str(name): [_plain(cell) for cell in rows[name].tolist()] for name in rows}
    return [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def _plain(cell: Any) -> Any:
    """A cell as a driver knows it: None for what is missing, no scalars of pandas or NumPy."""
    if pd.isna(cell):
        return None
    if isinstance(cell, pd.Timestamp):
        return cell.to_pydatetime()
    return cell.item() if hasattr(cell, "item") else cell


def _upsert(connection: sa.Connection, target: sa.Table, records: list[dict[str, Any]], key: Sequence[str]) -> None:
    """Upsert in the words of the database; where it has none, delete the keys and insert, in the same transaction."""
    others = [c.name for c in target.columns if c.name not in key]
    dialect = connection.dialect.name
    if dialect in ("postgresql", "sqlite"):
        insert = (postgresql if dialect == "postgresql" else sqlite).insert(target)
        fresh = {name: insert.excluded[name] for name in others}
        connection.execute(
            insert.on_conflict_do_update(index_elements=list(key), set_=fresh)
            if others
            else insert.on_conflict_do_nothing(index_elements=list(key)),
            records,
        )
    else:
        delete = sa.delete(target).where(*(target.c[name] == sa.bindparam(f"key_{name}") for name in key))
        connection.execute(delete, [{f"key_{name}": row[name] for name in key} for row in records])
        connection.execute(sa.insert(target), records)
