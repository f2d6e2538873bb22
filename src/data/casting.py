"""From values as they arrived to exact canonical types; what cannot be read becomes missing, never an error."""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from .schemas import DataType

TYPES: dict[DataType, dt.DataType] = {
    "string": dt.string,
    "timestamp": dt.Timestamp(scale=6),
    "date": dt.date,
    "money": dt.Decimal(18, 2),
    "integer": dt.int64,
    "float": dt.float64,
    "boolean": dt.boolean,
}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_OFFSET = r":[0-9.]+ *([-+][0-9]{2}|[A-Za-z]{2})"
_LARGEST_EXACT = 2.0**53


def tidy(value: ir.Value) -> ir.Value:
    """Take the white space around a text away; a blank text is nothing. Other types stay as they are.

    Examples
    --------
    >>> tidy(ibis.literal(" a b ")).execute()
    'a b'
    """
    if not value.type().is_string():
        return value
    # Looking first is four times cheaper than stripping every value.
    return ibis.cases((value.re_search(r"^\s|\s$"), value.strip()), else_=value).nullif("")


def as_number(value: ir.Value) -> ir.FloatingValue:
    """Read a double from a tidy value; missing where it is no number. Infinities and NaN stay, for a rule to name."""
    if value.type().is_numeric():
        return value.cast("float64")
    return value.cast("string").try_cast("float64")


def as_type(value: ir.Value, logical: DataType) -> ir.Value:
    """Read a tidy value as a canonical type; missing where that is impossible.

    Parameters
    ----------
    value : ibis value
        From :func:`tidy`: text, or any type that a file or database may hold.
    logical : str
        A logical type of :mod:`afraz.data.schemas`.

    Examples
    --------
    >>> as_type(ibis.literal("12.345"), "money").execute()
    Decimal('12.35')
    >>> as_type(ibis.literal("2024-03-01 01:30:00+02:00"), "timestamp").execute()
    Timestamp('2024-02-29 23:30:00')
    >>> as_type(ibis.literal("twelve"), "integer").execute() is None
    True
    """
    casts = {
        "string": _as_string,
        "timestamp": _as_timestamp,
        "date": lambda v: _as_timestamp(v).cast("date"),
        "money": _as_money,
        "integer": _as_integer,
        "float": lambda v: _finite(as_number(v)),
        "boolean": _as_boolean,
    }
    return casts[logical](value)


def _as_string(value: ir.Value) -> ir.Value:
    """Spell; an id that a file holds as a double loses its ``.0``."""
    if value.type().is_floating():
        whole = value == value.floor()
        return ibis.cases((whole, value.try_cast("int64").cast("string")), else_=value.cast("string"))
    return value.cast("string")


def _as_timestamp(value: ir.Value) -> ir.Value:
    """Read a moment in UTC; a text with an offset is moved by it, one without is UTC already."""
    kind = value.type()
    if kind.is_timestamp() or kind.is_date():
        return value.cast(TYPES["timestamp"])
    spelled = value.cast("string")
    # The zoned cast costs thirty times the plain one, which would drop an offset without a word.
    zoned = spelled.try_cast(dt.Timestamp(timezone="UTC")).cast(TYPES["timestamp"])
    return ibis.cases((spelled.re_search(_OFFSET), zoned), else_=spelled.try_cast(TYPES["timestamp"]))


def _finite(number: ir.FloatingValue) -> ir.Value:
    return ibis.cases((number.isnan() | number.isinf(), ibis.null("float64")), else_=number)


def _as_money(value: ir.Value) -> ir.Value:
    return value.try_cast(TYPES["money"])


def _as_integer(value: ir.Value) -> ir.Value:
    if value.type().is_integer():
        return value.try_cast("int64")
    number = as_number(value)
    whole = (number == number.floor()) & (number.abs() < _LARGEST_EXACT)
    return ibis.cases((whole, number.try_cast("int64")), else_=ibis.null("int64"))


def _as_boolean(value: ir.Value) -> ir.Value:
    if value.type().is_boolean():
        return value
    spelled = value.cast("int64").cast("string") if value.type().is_numeric() else value.cast("string").lower()
    return ibis.cases((spelled.isin(_TRUE), True), (spelled.isin(_FALSE), False), else_=ibis.null("boolean"))
