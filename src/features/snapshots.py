"""The dates at which customers are looked at: firsts of months, back from ``as_of``."""

from datetime import date

from ..errors import ParamsError


def snapshot_dates(as_of: date, count: int) -> list[date]:
    """List ``count`` dates, a month apart, the last of them ``as_of``.

    Raises
    ------
    ParamsError
        If ``as_of`` lies after the 28th, which not every month has, or ``count`` is below 1.

    Examples
    --------
    >>> [d.isoformat() for d in snapshot_dates(date(2026, 2, 1), 3)]
    ['2025-12-01', '2026-01-01', '2026-02-01']
    >>> snapshot_dates(date(2026, 1, 31), 3)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: as_of 2026-01-31: several monthly snapshots need a day that every month has (1 to 28)
    """
    if count < 1:
        raise ParamsError(f"snapshots: expected at least 1, got {count}")
    if count > 1 and as_of.day > 28:
        raise ParamsError(f"as_of {as_of}: several monthly snapshots need a day that every month has (1 to 28)")
    months = as_of.year * 12 + as_of.month - 1
    return [date(m // 12, m % 12 + 1, as_of.day) for m in range(months - count + 1, months + 1)]
