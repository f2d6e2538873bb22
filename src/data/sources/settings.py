"""What a source may be told: strict settings, one class per kind, checked before anything is read."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ...errors import ParamsError, nearest
from ..schemas import TABLES


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomerMap(_Strict):
    """A CSV (comma, header) or Parquet file that says which customer an id of this source is."""

    path: str
    source_id: str = "source_id"
    customer_id: str = "customer_id"


class SourceSettings(_Strict):
    """Settings that every kind of source takes.

    Parameters
    ----------
    kind : str
        ``demo``, ``files``, ``sql`` or ``berka``.
    name : str
        How reports call this source; also the stem of synthesised row ids. Default: the kind.
    prefix : str
        Put before every id of this source except ``region_id``, where two systems use the same numbers for different
        things.
    customer_map : CustomerMap
        Ids found in this file become the mapped ``customer_id`` (without prefix); all others keep their own.
    covers_until : date
        The first day that the delivery itself no longer covers. Rows dated from ``observed_until`` up to it are
        outside the asked period, which is no error; later ones lie in the future, which is. Default:
        ``observed_until``.
    """

    kind: str
    name: str = ""
    prefix: str = ""
    customer_map: CustomerMap | None = None
    covers_until: date | None = None

    @property
    def label(self) -> str:
        return self.name or self.kind


class ColumnMapping(_Strict):
    """How the columns of one source table become canonical columns."""

    columns: dict[str, str] = Field(default_factory=dict)
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str | int | float | bool | date] = Field(default_factory=dict)
    nulls: tuple[str, ...] = ()
    date_format: str | dict[str, str] | None = None
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    sign: "Sign | None" = None

    @field_validator("codes", mode="before")
    @classmethod
    def _codes_are_text(cls, value: Any) -> Any:
        """YAML reads ``1: purchase`` and ``yes: granted`` as numbers and booleans; a code is text."""
        if not isinstance(value, Mapping):
            return value
        return {
            column: {_as_text(code): _as_text(meaning) for code, meaning in table.items()}
            if isinstance(table, Mapping)
            else table
            for column, table in value.items()
        }


class Sign(_Strict):
    """Amounts without a sign take it from a column; a value in neither list leaves the amount missing (a reject)."""

    column: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


class FileTable(ColumnMapping):
    """One file (or several that match a pattern with ``*``) that becomes one canonical table."""

    path: str
    delimiter: str = ""
    quote: str = '"'
    encoding: str = "utf-8"
    names: tuple[str, ...] = ()


class SqlTable(ColumnMapping):
    """One table or query of a database that becomes one canonical table."""

    table: str = ""
    schema_name: str | None = Field(default=None, alias="schema")
    query: str = ""


class DemoSettings(SourceSettings):
    path: str


class BerkaSettings(SourceSettings):
    path: str


class FilesSettings(SourceSettings):
    """``tables`` maps a canonical table to its file; paths are relative to ``path``."""

    path: str = "."
    tables: dict[str, FileTable]
    derive_customers: bool = False


class SqlSettings(SourceSettings):
    """``url_env`` names the environment variable that holds the SQLAlchemy URL; the URL itself is never kept."""

    url_env: str
    tables: dict[str, SqlTable]
    chunk_rows: int = Field(default=50_000, ge=1)
    derive_customers: bool = False


KINDS: dict[str, type[SourceSettings]] = {
    "demo": DemoSettings,
    "files": FilesSettings,
    "sql": SqlSettings,
    "berka": BerkaSettings,
}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse(settings: Mapping[str, Any]) -> SourceSettings:
    """Check the settings of one source.

    Raises
    ------
    ParamsError
        For an unknown kind, an unknown or missing key (with the nearest known one), a wrong type, an unknown canonical
        table or column.

    Examples
    --------
    >>> parse({"kind": "demo", "path": "data/source/demo"}).label
    'demo'
    >>> parse({"kind": "demos", "path": "x"})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: a source's kind is one of berka, demo, files, sql; arrived 'demos': did you mean demo?
    >>> parse({"kind": "demo", "pth": "x"})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: source demo: unknown setting 'pth': did you mean path?
    """
    kind = settings.get("kind")
    if kind not in KINDS:
        raise ParamsError(f"a source's kind is one of {', '.join(sorted(KINDS))}; arrived {kind!r}"
                          f"{': ' + nearest(str(kind), KINDS) if kind else ''}")  # fmt: skip
    label = settings.get("name") or kind
    try:
        parsed = KINDS[kind].model_validate(dict(settings))
    except ValidationError as error:
        raise ParamsError(f"source {label}: {_first_fault(error, KINDS[kind])}") from None
    _check_names(label, getattr(parsed, "tables", {}))
    return parsed


def _first_fault(error: ValidationError, settings: type[BaseModel]) -> str:
    """Say the most telling fault: an unknown key explains a missing one."""
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    where = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        known = _fields_at(settings, where[:-1])
        inside = f" in {'.'.join(where[:-1])}" if where[:-1] else ""
        return f"unknown setting {where[-1]!r}{inside}: {nearest(where[-1], known)}"
    if fault["type"] == "missing":
        return f"setting {'.'.join(where)} is missing"
    return f"setting {'.'.join(where)}: {fault['msg'].lower()}; arrived {fault['input']!r}"


def _fields_at(settings: type[BaseModel], where: list[str]) -> list[str]:
    model: type[BaseModel] = settings
    if where[:1] == ["tables"]:
        model = SqlTable if settings is SqlSettings else FileTable
    if where[-1:] == ["sign"]:
        model = Sign
    if where[-1:] == ["customer_map"]:
        model = CustomerMap
    return [field.alias or name for name, field in model.model_fields.items()]


def _check_names(label: str, tables: Mapping[str, ColumnMapping]) -> None:
    """Refuse canonical tables and columns that don't exist, and a table without a place to read from."""
    for name, table in tables.items():
        if name not in TABLES:
            raise ParamsError(f"source {label}: no canonical table {name!r}: {nearest(name, TABLES)}")
        formats = table.date_format if isinstance(table.date_format, dict) else {}
        for setting, columns in (("columns", table.columns), ("codes", table.codes), ("constants", table.constants),
                                 ("date_format", formats)):  # fmt: skip
            for column in columns:
                if column not in TABLES[name].names:
                    raise ParamsError(f"source {label}: {name}.{setting} names {column!r}, which is no column of the "
                                      f"canonical table: {nearest(column, TABLES[name].names)}")  # fmt: skip
        twice = sorted(set(table.columns) & set(table.constants))
        if twice:
            raise ParamsError(f"source {label}: {name}.{twice[0]} stands in both columns and constants: keep one")
        if isinstance(table, SqlTable) and bool(table.table) == bool(table.query):
            raise ParamsError(f"source {label}: {name} needs either `table` or `query`")
