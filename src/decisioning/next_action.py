"""Look one customer up for a desk: only that row is read, and nothing is loaded but Python's own library."""

import datetime as dt
import difflib
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..errors import DataError

COLUMNS = {
    "customer_id": "TEXT", "as_of": "TEXT", "value_rank": "REAL", "tier": "TEXT", "leaving_risk": "REAL",
    "routing_priority": "INTEGER", "next_offer": "TEXT", "channel": "TEXT", "contact_on": "TEXT", "reason": "TEXT",
    "expires_at": "TEXT", "nothing_because": "TEXT",
}  # fmt: skip
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM desk WHERE customer_id = ?"  # noqa: S608 our own names
_NEIGHBOURS = (
    "SELECT customer_id FROM desk WHERE customer_id <= ? ORDER BY customer_id DESC LIMIT 3",
    "SELECT customer_id FROM desk WHERE customer_id >= ? ORDER BY customer_id LIMIT 3",
)


@dataclass(frozen=True)
class NextAction:
    """What a desk is told of a customer; dates are ISO text, what is unknown is None."""

    customer_id: str
    as_of: str
    value_rank: float | None
    tier: str | None
    leaving_risk: float | None
    routing_priority: int
    next_offer: str | None
    channel: str | None
    contact_on: str | None
    reason: str | None
    expires_at: str | None
    nothing_because: str | None


class Desk:
    """An open index of :func:`afraz.decisioning.desk.write_index`; keep it open to answer many calls.

    Raises
    ------
    DataError
        If the file is absent or is no such index.
    """

    def __init__(self, place: Path) -> None:
        place = Path(place).resolve()
        if not place.exists():
            raise DataError(f"no desk index at {place.name}: run `dvc repro decide` first")
        # never changed in place, a new one is renamed over it: no locks are needed
        self._connection = sqlite3.connect(f"{place.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            self._connection.execute(_SELECT, ("",)).fetchone()
        except sqlite3.DatabaseError as wrong:
            self._connection.close()
            raise DataError(f"{place.name} is no desk index ({wrong}): run `dvc repro decide` again") from None

    def __enter__(self) -> "Desk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def next_action(self, customer_id: str, today: dt.date | None = None) -> NextAction:
        """Say what to do for a customer; an offer that ended before ``today`` is no longer made.

        Raises
        ------
        DataError
            For an unknown customer, with the known ids that come nearest.
        """
        row = self._connection.execute(_SELECT, (customer_id.strip(),)).fetchone()
        if row is None:
            near = self.nearest(customer_id)
            hint = f"did you mean {' or '.join(near)}?" if near else "nobody is on the desk table"
            raise DataError(f"no customer {customer_id!r} on the desk table: {hint} A customer who joined later is on "
                            "the next one (`dvc repro decide`).")  # fmt: skip
        found = NextAction(*row)
        if today is not None and found.expires_at is not None and today.isoformat() >= found.expires_at:
            ended = f"the offer {found.next_offer} ended on {found.expires_at}"
            facts = dict(zip(COLUMNS, row, strict=True)) | {
                "next_offer": None, "channel": None, "contact_on": None, "reason": None, "expires_at": None,
                "nothing_because": ended,
            }  # fmt: skip
            return NextAction(**facts)
        return found

    def nearest(self, customer_id: str, at_most: int = 3) -> list[str]:
        """Find known ids like this one, from their neighbours in the order of the index: nothing is scanned."""
        text = customer_id.strip()
        guesses = [text, text.upper()]
        first = self._connection.execute(_NEIGHBOURS[1], ("",)).fetchone()
        shape = re.fullmatch(r"(\D*)(\d+)", first[0]) if first else None
        digits = re.search(r"\d+", text)
        if shape and digits:  # 16336 or c16336 for C00016336
            guesses.insert(0, shape[1] + digits[0].lstrip("0").zfill(len(shape[2])))
        known: dict[str, None] = {}
        for guess in guesses:
            for question in _NEIGHBOURS:
                known |= {row[0]: None for row in self._connection.execute(question, (guess,))}
        exact = [guess for guess in guesses if guess in known]
        if exact:
            return exact[:1]
        spelled = {one.upper(): one for one in known}
        return [spelled[one] for one in difflib.get_close_matches(guesses[0].upper(), spelled, n=at_most, cutoff=0.0)]
