"""Does the berka source add up? Signed amounts against the balances that the bank stated."""

import tempfile
from datetime import date
from pathlib import Path

from .berka import read_table
from .staging import quoted, workspace

_RECONCILE = """
WITH bookings AS (
  SELECT account_id, date, CAST(balance AS DECIMAL(18, 2)) AS balance, CAST(amount AS DECIMAL(18, 2)) AS size,
    CASE type WHEN 'PRIJEM' THEN size ELSE -size END AS signed,
    CAST(coalesce(k_symbol, '') IN ('UROK', 'SANKC. UROK') OR size <> floor(size) AS INTEGER) AS rounded
  FROM {relation} {until}),
days AS (
  SELECT account_id, date, sum(signed) AS moved, sum(rounded) AS rounded, list(balance) AS stated, count(*) AS n
  FROM bookings GROUP BY ALL),
running AS (
  SELECT n, stated, sum(moved) OVER past AS total, 0.05 * (1 + sum(rounded) OVER past) AS hidden, account_id
  FROM days WINDOW past AS (PARTITION BY account_id ORDER BY date)),
differences AS (
  SELECT *, list_min(list_transform(stated, lambda balance: abs(balance - total))) AS difference FROM running)
SELECT count(DISTINCT account_id), sum(n), count(*), count(*) FILTER (difference = 0),
  count(*) FILTER (difference <= hidden), max(difference)
FROM differences
"""


def reconcile(folder: Path, before: date | None = None) -> dict[str, float]:
    """Hold signed amounts against the stated balances: per account and day, a stated balance is the running sum.

    Bookings of one day have no order, so the sum at the end of the day must equal one of the balances of that day.
    Amounts and balances are published rounded to 0.10 crowns: each interest booking or broken amount so far, and the
    balance itself, may hide up to 0.05. A day is reconciled if the difference lies within that.

    Parameters
    ----------
    folder : Path
        The published folder; its transactions must start with each account's first booking, as those of both the
        complete table and its head do.
    before : date, optional
        Use days before this one, where the last day of an excerpt is cut off.

    Returns
    -------
    dict
        ``accounts``, ``rows``, ``account_days``, ``exact`` and ``reconciled`` (days), ``largest_difference`` (crowns).
    """
    with workspace(Path(tempfile.gettempdir())) as space:
        _, relation, _, _ = read_table(space, folder, "trans")
        until = f"WHERE date < '{before:%y%m%d}'" if before else ""
        (found,) = space.run(_RECONCILE.format(relation=quoted(relation), until=until))
    accounts, rows, days, exact, reconciled, largest = found
    return {"accounts": int(accounts), "rows": int(rows), "account_days": int(days), "exact": int(exact),
            "reconciled": int(reconciled), "largest_difference": float(largest)}  # fmt: skip
