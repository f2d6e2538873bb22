"""What was in use on a day, who said so and why: from the ledger alone."""

from datetime import UTC, date, datetime, time

from ..errors import GateError, ParamsError
from .entries import chosen_entries
from .ledger import MOVES, Decision, ledger
from .standing import champion


def moment(text: str) -> datetime:
    """Read an ISO date (its end) or time; without a zone it is UTC.

    Raises
    ------
    ParamsError
        For a text that is neither.

    Examples
    --------
    >>> moment("2026-03-01").isoformat(), moment("2026-03-01T08:00+01:00").isoformat()
    ('2026-03-01T23:59:59.999999+00:00', '2026-03-01T07:00:00+00:00')
    """
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ParamsError(f"{text!r} is no ISO date or time: write 2026-03-01 or 2026-03-01T08:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def champion_on(model: str, as_of: str) -> Decision:
    """The move that made the champion of a day (at its end) or moment.

    Raises
    ------
    GateError
        If the model had none then.
    """
    chosen_entries([model])
    return _champion_on(model, ledger().decisions(model), as_of)


def _champion_on(model: str, lines: list[Decision], as_of: str) -> Decision:
    found = champion(lines, moment(as_of).isoformat(timespec="microseconds"))
    if found is None:
        first = next((d.at[:16] for d in lines if d.action in MOVES), None)
        known = f"its first was named {first} UTC" if first else "the ledger knows none at all"
        raise GateError(f"{model} had no champion on {as_of}: {known}")
    return found


def in_use(model: str, as_of: str) -> list[str]:
    """Tell what was in use on a day, in lines: the version at its end, and the moves of that day."""
    chosen_entries([model])
    lines = ledger().decisions(model)
    found = _champion_on(model, lines, as_of)
    said = [f"{model} on {as_of}: version {found.version}, digest {found.digest}", f"  {_told(found)}"]
    same_day = [d for d in lines if d.action in MOVES and d.at[:10] == as_of and d != found]
    return said + [f"  earlier that day: version {d.version}, {_told(d)}" for d in same_day]


def _told(line: Decision) -> str:
    note = f": {line.note}" if line.note else ""
    failed = f", although it failed {line.evidence['failed']}" if line.evidence.get("failed") else ""
    what = line.action.replace("_", " ")
    return f"{what} since {line.at[:16].replace('T', ' ')} UTC by {line.who}{failed}{note} (ledger line {line.number})"
