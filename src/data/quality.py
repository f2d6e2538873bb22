"""Row rules: what makes a row of a source table unusable. The first broken rule names the reject.

Tolerated on purpose: bookings before the opening or after the closing of their account (operational systems stamp the
two on different clocks) and a closing in the future (a contract may end on a known day).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir

from .casting import TYPES, as_number, as_type, tidy
from .schemas import Column, Table

Rule = tuple[str, ir.BooleanValue]

RAW = "arrived_"
EARLIEST = datetime(1900, 1, 1)
OLDEST_YEARS = 120

# U+FFFD stands for bytes that no encoding explained; control characters (C0 without tab and line ends, and C1) come
# from binary content; the pairs are what UTF-8 becomes when it is read as latin-1 or cp1252.
_CONTROL = "[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x7F\u0080-\u009f\ufffd]"
_MISREAD = "[\u00c2-\u00c5\u00d0-\u00db][\u00a0-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ€›]|â€"
_BAD_CHARACTERS = f"{_CONTROL}|{_MISREAD}"

_RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("contacts", "satisfaction"): (1, 5),
    ("contacts", "wait_seconds"): (0, 86_400 * 30),
    ("contacts", "duration_seconds"): (0, 86_400 * 30),
    ("surveys", "nps"): (0, 10),
    ("surveys", "satisfaction"): (1, 5),
    ("treatments", "propensity"): (0, 1),
    ("regions", "urban_share"): (0, 1),
    ("regions", "unemployment_rate"): (0, 1),
    ("regions", "population"): (0, 10_000_000_000),
    ("loans", "term_months"): (1, 1200),
    ("loan_months", "days_past_due"): (0, 36_500),
}
_ORDERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "accounts": (("opened_at", "closed_at", "closed_before_opened"),),
    "loans": (
        ("applied_at", "granted_at", "granted_before_applied"),
        ("applied_at", "closed_at", "closed_before_applied"),
        ("applied_at", "defaulted_at", "defaulted_before_applied"),
        ("granted_at", "defaulted_at", "defaulted_before_granted"),
    ),
    "campaigns": (("starts_at", "ends_at", "ended_before_started"),),
    "treatments": (
        ("assigned_at", "delivered_at", "delivered_before_assigned"),
        ("assigned_at", "reached_at", "reached_before_assigned"),
        ("assigned_at", "responded_at", "responded_before_assigned"),
    ),
}
OUTSIDE_PERIOD = "outside_period"


@dataclass(frozen=True)
class Limits:
    """What rows are held against.

    Attributes
    ----------
    observed_until : date
        The first moment that the data don't cover.
    covers_until : date
        The first day after the delivery itself; rows between the two are outside the asked period, which is no fault.
    max_amount : float
        Amounts of money beyond this, either way, are absurd.
    """

    observed_until: date
    covers_until: date
    max_amount: float


def cast_rows(frame: ir.Table, table: Table) -> ir.Table:
    """Give every canonical column its exact type, beside the values as they arrived.

    Returns
    -------
    ibis table
        ``source_line``, the canonical columns (absent ones all missing), and ``arrived_<column>`` (without
        white space around) for those that the source has.
    """
    arrived: dict[str, ir.Value] = {"source_line": frame["source_line"]}
    for column in table.columns:
        if column.name in frame.columns:
            arrived[RAW + column.name] = tidy(frame[column.name])
    rows = frame.select(**arrived)
    return rows.mutate(**{
        c.name: as_type(rows[RAW + c.name], c.type) if RAW + c.name in arrived else ibis.null(TYPES[c.type])
        for c in table.columns
    })  # fmt: skip


def first_broken(rows: ir.Table, table: Table, limits: Limits, references: Mapping[str, ir.Column]) -> ir.StringValue:
    """Name the first rule that a row breaks; missing for a sound row. All rules run in one pass.

    Parameters
    ----------
    rows : ibis table
        From :func:`cast_rows`.
    references : mapping
        Accepted keys by the name of the column that refers to them; columns without an entry are not checked.
    """
    rules = [
        *_missing(rows, table),
        *(rule for c in table.columns if RAW + c.name in rows.columns for rule in _unreadable(rows, table, c, limits)),
        *_impossible(rows, table, limits),
        *((f"{name}_unknown", _given_but_not_in(rows[name], keys)) for name, keys in references.items()),
    ]
    arms = [(broken.fill_null(False), name) for name, broken in rules]
    return ibis.cases(*arms, else_=ibis.null("string"))


def is_fault(rule: str) -> bool:
    """Tell a fault of the data from a row that merely lies outside the asked period.

    Examples
    --------
    >>> is_fault("amount_not_a_number"), is_fault("booked_at_outside_period")
    (True, False)
    """
    return not rule.endswith(OUTSIDE_PERIOD)


def _missing(rows: ir.Table, table: Table) -> list[Rule]:
    arrived = {c.name: RAW + c.name if RAW + c.name in rows.columns else c.name for c in table.columns}
    return [(f"{c.name}_missing", rows[arrived[c.name]].isnull()) for c in table.columns if c.required]


def _unreadable(rows: ir.Table, table: Table, column: Column, limits: Limits) -> list[Rule]:
    """Rules about one value: its type, its characters, its size, its code list."""
    name, value, arrived = column.name, rows[column.name], rows[RAW + column.name]
    lost = arrived.notnull() & value.isnull()
    if column.type in ("timestamp", "date"):
        return [(f"{name}_not_a_date", lost)]
    if column.type == "boolean":
        return [(f"{name}_not_a_boolean", lost)]
    if column.type == "string":
        if column.values:
            return [(f"{name}_unknown_code", value.notin(column.values))]
        if not arrived.type().is_string():
            return []
        return [(f"{name}_bad_characters", value.re_search(_BAD_CHARACTERS))]
    number = as_number(arrived)
    rules: list[Rule] = [(f"{name}_not_a_number", arrived.notnull() & number.isnull())]
    if not arrived.type().is_integer():
        rules.append((f"{name}_not_finite", number.isnan() | number.isinf()))
    if column.type == "money":
        rules.append((f"{name}_absurd", (number.abs() > limits.max_amount) | lost))
    if column.type == "integer":
        rules.append((f"{name}_not_a_whole_number", lost))
    if (table.name, name) in _RANGES:
        low, high = _RANGES[table.name, name]
        rules.append((f"{name}_out_of_range", (value < low) | (value > high)))
    return rules


def _impossible(rows: ir.Table, table: Table, limits: Limits) -> list[Rule]:
    """Rules about the dates of a row."""
    rules: list[Rule] = []
    if table.name == "customers":
        oldest = limits.observed_until - timedelta(days=round(OLDEST_YEARS * 365.25))
        born, joined = rows["birth_date"], rows["joined_at"].date()
        rules += [("birth_date_implausible", (born < oldest) | (born >= limits.observed_until)),
                  ("born_after_joining", born > joined)]  # fmt: skip
    rules += [(rule, _before(rows[later], rows[earlier])) for earlier, later, rule in _ORDERS.get(table.name, ())]
    if table.event_time is None:
        return rules
    event = rows[table.event_time]
    observed, covered = (datetime(d.year, d.month, d.day) for d in (limits.observed_until, limits.covers_until))
    rules.append((f"{table.event_time}_implausible", event < EARLIEST))
    if "known_at" in table.names:
        rules.append(("known_before_event", _before(rows["known_at"], event)))
    rules.append((f"{table.event_time}_in_the_future", event >= max(observed, covered)))
    rules.append((f"{table.event_time}_{OUTSIDE_PERIOD}", event >= observed))
    return rules


def _before(moment: ir.TimestampValue, reference: ir.TimestampValue) -> ir.BooleanValue:
    """Tell whether a moment lies before another; a date without time of the same day does not."""
    whole_day = (moment == moment.truncate("D")) & (moment.date() == reference.date())
    return (moment < reference) & ~whole_day


def _given_but_not_in(value: ir.Column, keys: ir.Column) -> ir.BooleanValue:
    return value.notnull() & ~value.isin(keys).fill_null(False)
