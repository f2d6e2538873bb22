"""Lists of customers who are left alone: complaints, disputes, deaths, a court; each with a reason and maybe an end."""

import datetime as dt
from pathlib import Path

import pandas as pd

from ..errors import DataError, nearest

COLUMNS = ("customer_id", "reason", "expires_at")


def read_exclusions(file: Path) -> pd.DataFrame:
    """Read a list from a CSV file with the columns ``customer_id, reason`` and, if it ends, ``expires_at``.

    Raises
    ------
    DataError
        If the file is absent, or as :func:`checked_exclusions`.
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(f"no exclusion list at {file}: expected a CSV file with {', '.join(COLUMNS)}")
    try:
        rows = pd.read_csv(file, dtype=str, skipinitialspace=True, encoding="utf-8-sig", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as wrong:
        raise DataError(f"{file.name} is not readable as CSV: {' '.join(str(wrong).split())}") from None
    return checked_exclusions(rows, file.name)


def checked_exclusions(rows: pd.DataFrame, name: str = "exclusions") -> pd.DataFrame:
    """Check a list: a wrong row stops everything, since overlooking it would mean calling someone who must not be.

    Returns
    -------
    DataFrame
        ``customer_id, reason`` (text), ``expires_at`` (the first day on which the row no longer holds, or missing).

    Raises
    ------
    DataError
        For a missing or unknown column, or a row without customer, without reason or with an unreadable date.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["C1", "C2"], "reason": ["dispute", "complaint"],
    ...                      "expires_at": ["", "2026-08-01"]})
    >>> checked_exclusions(rows)["expires_at"].dt.strftime("%d.%m.%Y").tolist()
    [nan, '01.08.2026']
    >>> checked_exclusions(rows.assign(expires_at="soon"))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: exclusions, row 1: expires_at 'soon' is no date: write it as 2026-07-01
    """
    absent = [column for column in COLUMNS[:2] if column not in rows]
    if absent:
        raise DataError(f"{name} lacks the column {absent[0]!r}: it needs {', '.join(COLUMNS[:2])}")
    unknown = [str(column) for column in rows if column not in COLUMNS]
    if unknown:  # an end under another name would be overlooked, and the row would hold for ever
        raise DataError(f"{name} has the unknown column {unknown[0]!r}: {nearest(unknown[0], COLUMNS)}")
    ids, reasons = (rows[c].astype("str").where(rows[c].notna(), "").str.strip() for c in COLUMNS[:2])
    for column, texts in (("customer_id", ids), ("reason", reasons)):
        empty = texts.eq("").to_numpy().nonzero()[0]
        if len(empty):
            raise DataError(f"{name}, row {empty[0] + 1}: {column} is empty: every row names a customer and a reason")
    stated = rows["expires_at"] if "expires_at" in rows else pd.Series(None, index=rows.index, dtype=object)
    stated = stated.mask(stated.astype("str").str.strip().eq(""))
    ends = pd.to_datetime(stated, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
    wrong = (ends.isna() & stated.notna()).to_numpy().nonzero()[0]
    if len(wrong):
        raise DataError(
            f"{name}, row {wrong[0] + 1}: expires_at {str(stated.iloc[wrong[0]])!r} is no date: write it as 2026-07-01"
        )
    return pd.DataFrame({"customer_id": ids, "reason": reasons, "expires_at": ends.dt.as_unit("us")})


def excluded_on(exclusions: pd.DataFrame, as_of: dt.date) -> pd.Series:
    """Say in words why customers are excluded on a day; of several reasons the one that holds longest.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["C1", "C2"], "reason": ["dispute", "complaint"],
    ...                      "expires_at": ["2026-07-02", "2026-07-01"]})
    >>> excluded_on(checked_exclusions(rows), dt.date(2026, 7, 1)).to_dict()
    {'C1': 'excluded until 2026-07-02: dispute'}
    """
    holds = exclusions[exclusions["expires_at"].isna() | (exclusions["expires_at"] > pd.Timestamp(as_of))]
    holds = holds.sort_values("expires_at", ascending=False, na_position="first", kind="stable")
    holds = holds.drop_duplicates("customer_id")
    until = holds["expires_at"].dt.strftime("excluded until %Y-%m-%d: ").fillna("excluded: ")
    return pd.Series((until + holds["reason"]).to_numpy(), index=holds["customer_id"].to_numpy(), dtype=object)
