"""From the columns of an operational system to canonical columns: names, codes, numbers, dates and signs."""

from pathlib import Path

from ...errors import DataError, nearest
from ..schemas import TABLES, Column
from .settings import ColumnMapping
from .staging import LINE, Workspace, quoted, raw_json, text


def source_columns(table: str, mapping: ColumnMapping, available: list[str]) -> dict[str, str]:
    """Say which source column feeds which canonical column.

    Columns named in ``mapping.columns`` come from there; others from a source column with the canonical name.
    """
    found = {c: c for c in TABLES[table].names if c in available and c not in mapping.constants}
    return found | dict(mapping.columns)


def expected_columns(table: str, mapping: ColumnMapping) -> list[str]:
    """Source columns without which the table cannot be read: the mapped ones and the required canonical ones."""
    given = set(mapping.columns) | set(mapping.constants)
    optional = set(synthesised_key(table))
    if "account_id" in TABLES[table].names:
        optional.add("customer_id")
    own = [c.name for c in TABLES[table].columns if c.required and c.name not in given | optional]
    sign = [mapping.sign.column] if mapping.sign else []
    return list(dict.fromkeys([*mapping.columns.values(), *own, *sign]))


def synthesised_key(table: str) -> tuple[str, ...]:
    """Keys of events that may be made up from the row's place: events have no identity that anything refers to.

    Examples
    --------
    >>> synthesised_key("transactions"), synthesised_key("accounts")
    (('transaction_id',), ())
    """
    return TABLES[table].key if table in ("transactions", "contacts", "surveys") else ()


def refuse_missing(place: str, expected: list[str], available: list[str]) -> None:
    """Refuse a source table that lacks a column.

    Raises
    ------
    DataError
        With the nearest column that it has.
    """
    for name in expected:
        if name not in available:
            raise DataError(f"{place} lacks the column {name!r}: {nearest(name, available)}.\n"
                            f"Correct `columns` of this table in params/ingest.yaml, or the source.")  # fmt: skip


def map_columns(
    space: Workspace, relation: str, table: str, mapping: ColumnMapping, columns: list[str], row_stem: str
) -> str:
    """Make the view of canonical columns over a staged relation.

    Parameters
    ----------
    relation : str
        With ``__line`` and the source's ``columns``.
    row_stem : str
        Stem of synthesised row ids: ``<row_stem>-<line>``. The same file gives the same ids again.
    """
    types = space.types(relation)
    selected = [f"{LINE} AS source_line", f"{raw_json(columns)} AS raw"]
    for name, source in source_columns(table, mapping, columns).items():
        value = _value(TABLES[table].column(name), quoted(source), types[source] == "VARCHAR", mapping)
        if name == "amount" and mapping.sign:
            value = _signed(value, mapping)
        selected.append(f"{value} AS {quoted(name)}")
    selected += [f"{text(_plain(value))} AS {quoted(name)}" for name, value in mapping.constants.items()]
    made = {*source_columns(table, mapping, columns), *mapping.constants}
    line = f"CAST({LINE} AS VARCHAR)"
    selected += [
        f"{text(row_stem)} || '-' || lpad({line}, CAST(greatest(9, length({line})) AS INTEGER), '0') AS {quoted(key)}"
        for key in synthesised_key(table)
        if key not in made
    ]
    return space.view(table, f"SELECT {', '.join(selected)} FROM {quoted(relation)}")


def _value(column: Column, source: str, is_text: bool, mapping: ColumnMapping) -> str:
    """SQL for one canonical value, as text wherever the source has text; what cannot be read stays as it is."""
    value = source
    if mapping.nulls:
        listed = ", ".join(text(v) for v in mapping.nulls)
        value = f"CASE WHEN trim(CAST({source} AS VARCHAR)) IN ({listed}) THEN NULL ELSE {source} END"
    if column.name in mapping.codes:
        arms = " ".join(f"WHEN {text(k)} THEN {text(v)}" for k, v in mapping.codes[column.name].items())
        return f"CASE trim(CAST({value} AS VARCHAR)) {arms} ELSE CAST({value} AS VARCHAR) END"
    if not is_text:
        return _dated_number(column, value, mapping)
    if column.type in ("money", "float", "integer"):
        return _number(value, mapping)
    if column.type in ("date", "timestamp"):
        return _date(column, value, mapping)
    return value


def _number(value: str, mapping: ColumnMapping) -> str:
    """Undo the thousands separator where it stands between groups of three, then the decimal comma.

    With a decimal comma, a point is no decimal mark: ``1.5`` is exchanged into ``1,5`` and so stays unreadable, which
    a rule reports, instead of becoming a wrong number.
    """
    if mapping.thousands:
        mark, point = (_regex(m) for m in (mapping.thousands, mapping.decimal))
        grouped = f"^\\s*[-+]?\\d{{1,3}}({mark}\\d{{3}})+({point}\\d*)?\\s*$"
        value = f"CASE WHEN regexp_matches({value}, {text(grouped)}) " \
                f"THEN replace({value}, {text(mapping.thousands)}, '') ELSE {value} END"  # fmt: skip
    return value if mapping.decimal == "." else f"translate({value}, ',.', '.,')"


def _regex(mark: str) -> str:
    return "\\" + mark if mark in ".,'" else mark


def _date(column: Column, value: str, mapping: ColumnMapping) -> str:
    form = _format(column, mapping)
    if not form:
        return value
    return f"coalesce(CAST(try_strptime(trim({value}), {text(form)}) AS VARCHAR), {value})"


def _dated_number(column: Column, value: str, mapping: ColumnMapping) -> str:
    """A date that a Parquet file or a database holds as a number such as 19970101."""
    if column.type in ("date", "timestamp") and _format(column, mapping):
        return _date(column, f"CAST({value} AS VARCHAR)", mapping)
    return value


def _format(column: Column, mapping: ColumnMapping) -> str | None:
    form = mapping.date_format
    return form.get(column.name) if isinstance(form, dict) else form


def _signed(value: str, mapping: ColumnMapping) -> str:
    """An amount with the sign that another column gives; text that is no number stays, so that a rule names it."""
    assert mapping.sign
    code = f"trim(CAST({quoted(mapping.sign.column)} AS VARCHAR))"
    plus, minus = (", ".join(text(v) for v in values) for values in (mapping.sign.positive, mapping.sign.negative))
    bare = f"ltrim(trim(CAST({value} AS VARCHAR)), '+-')"
    return (
        f"CASE WHEN TRY_CAST({value} AS DOUBLE) IS NULL THEN CAST({value} AS VARCHAR) "
        f"WHEN {code} IN ({plus or 'NULL'}) THEN {bare} WHEN {code} IN ({minus or 'NULL'}) THEN '-' || {bare} END"
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def stem_of(source: str, file: Path, several: bool) -> str:
    """Stem of the row ids of a file: the source's name, with the file's where a table has several files.

    Examples
    --------
    >>> stem_of("shop", Path("2024-01.csv.gz"), several=True)
    'shop-2024-01'
    """
    return f"{source}-{file.name.split('.')[0]}" if several else source
