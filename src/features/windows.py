"""Time windows before each as_of date, cut into cells, so that one scan of an event table serves all dates at once.

Every window of every as_of date begins and ends at midnight. All these midnights together cut the calendar into
*cells*; rows are summed up per customer and cell once, and each as_of date then adds up the cells that it needs.
Cells are grouped into *bands* by age: 0–30, 30–90, 90–180, 180–365, 365–455 days before as_of, and older.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from ..errors import ParamsError

EDGES = (0, 30, 90, 180, 365, 455)
OLDER = len(EDGES) - 1
_DAY = timedelta(days=1)


def bands_between(start: int, end: int) -> tuple[int, ...]:
    """Name the bands that make up the window from ``start`` to ``end`` days before as_of.

    Raises
    ------
    ParamsError
        If the window does not begin and end at an edge.

    Examples
    --------
    >>> bands_between(0, 90)
    (0, 1)
    >>> bands_between(365, 455)
    (4,)
    >>> bands_between(0, 45)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: a window runs between two of 0, 30, 90, 180, 365, 455 days before as_of, not 0–45
    """
    if start not in EDGES or end not in EDGES or start >= end:
        edges = ", ".join(map(str, EDGES))
        raise ParamsError(f"a window runs between two of {edges} days before as_of, not {start}–{end}")
    return tuple(range(EDGES.index(start), EDGES.index(end)))


def ordered_dates(as_of: Sequence[date]) -> list[date]:
    """Sort the as_of dates and refuse none at all, repeated ones, and anything that is not a plain date.

    Examples
    --------
    >>> ordered_dates([date(2024, 3, 1), date(2024, 2, 1)])
    [datetime.date(2024, 2, 1), datetime.date(2024, 3, 1)]
    >>> ordered_dates([])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: expected at least one as_of date, got none: check as_of in params/common.yaml
    """
    if not as_of:
        raise ParamsError("expected at least one as_of date, got none: check as_of in params/common.yaml")
    plain = [d.date() if hasattr(d, "date") else d for d in as_of]
    wrong = [d for d in plain if not isinstance(d, date)]
    if wrong:
        raise ParamsError(f"as_of takes dates, got {wrong[0]!r}: write it as YYYY-MM-DD")
    if len(set(plain)) < len(plain):
        raise ParamsError("as_of names a date twice: give every date once")
    return sorted(plain)


class Calendar:
    """The cells that a list of as_of dates induces.

    Parameters
    ----------
    as_of : sequence of date
        Dates, each standing for the midnight at its start.
    edges : tuple of int
        Days before as_of at which a band begins; the last one opens the band of everything older.

    Examples
    --------
    >>> calendar = Calendar([date(2024, 3, 1)], edges=(0, 30, 90))
    >>> calendar.boundaries[0], calendar.boundaries[-1]
    (datetime.date(2023, 12, 2), datetime.date(2024, 3, 1))
    >>> calendar.cells().to_pandas()[["cell", "band"]].values.tolist()
    [[0, 2], [1, 1], [2, 0]]
    """

    def __init__(self, as_of: Sequence[date], edges: tuple[int, ...] = EDGES) -> None:
        self.as_of = ordered_dates(as_of)
        self.edges = edges
        self.boundaries = sorted({d - timedelta(days=e) for d in self.as_of for e in edges})
        self.first = self.boundaries[0]
        self.last = self.as_of[-1]

    def days(self, *, earlier: int = 0) -> ir.Table:
        """Tell for every day its cell, the first as_of after it, and the first as_of not before it.

        Parameters
        ----------
        earlier : int
            Name each day this many days earlier: a day then stands for what is settled so many days after it.

        Returns
        -------
        ir.Table
            ``day`` (date), ``cell`` (int; all days before the first boundary share cell 0 and are represented by the
            day before that boundary), ``after`` and ``from_`` (int: position among the sorted as_of dates).
        """
        rows: dict[str, list[object]] = {"day": [], "cell": [], "after": [], "from_": []}
        day, cell, after, from_ = self.first - _DAY, 0, 0, 0
        while day <= self.last:
            while cell < len(self.boundaries) and self.boundaries[cell] <= day:
                cell += 1
            while after < len(self.as_of) and self.as_of[after] <= day:
                after += 1
            while from_ < len(self.as_of) and self.as_of[from_] < day:
                from_ += 1
            for name, value in zip(rows, (day - earlier * _DAY, cell, after, from_), strict=True):
                rows[name].append(value)
            day += _DAY
        return ibis.memtable(rows, schema={"day": "date", "cell": "int32", "after": "int32", "from_": "int32"})

    def cells(self, *, older: bool = True) -> ir.Table:
        """Tell for every cell and as_of date after it the band in which the cell lies.

        Parameters
        ----------
        older : bool
            Also give the cells before the last edge.

        Returns
        -------
        ir.Table
            ``cell`` (int), ``position`` (int, of the as_of date), ``as_of`` (date), ``band`` (int).
        """
        rows: dict[str, list[object]] = {"cell": [], "position": [], "as_of": [], "band": []}
        starts = [self.first - _DAY, *self.boundaries]
        for position, as_of in enumerate(self.as_of):
            limits = [as_of - timedelta(days=e) for e in self.edges]
            for cell, start in enumerate(starts):
                if start >= as_of:
                    break
                band = sum(start < limit for limit in limits) - 1
                if older or band < len(self.edges) - 1:
                    for name, value in zip(rows, (cell, position, as_of, band), strict=True):
                        rows[name].append(value)
        schema = {"cell": "int32", "position": "int32", "as_of": "date", "band": "int32"}
        return ibis.memtable(rows, schema=schema)


def ceiling(moment: ir.TimestampValue) -> ir.DateValue:
    """Give the first midnight at or after a moment, as a date."""
    return (moment + ibis.interval(hours=24) - ibis.interval(microseconds=1)).date()
