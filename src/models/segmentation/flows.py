"""Who moves between segments: matrices, and flows month by month."""

import itertools

import numpy as np
import pandas as pd

from ...errors import DataError, NotApplicable

KEY = ("customer_id", "as_of")
JOINED, GONE = "(joined)", "(gone)"


def by_date(assigned: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.DataFrame]]:
    """Part a table of segments by its dates, in their order.

    Raises
    ------
    DataError
        If a customer has two rows at one date.
    NotApplicable
        With fewer than two dates: nothing can have moved.
    """
    repeats = int(assigned.duplicated(list(KEY)).sum())
    if repeats:
        raise DataError(f"{repeats} rows repeat a customer at a date: segments need one row per customer_id and as_of")
    when = pd.to_datetime(assigned["as_of"])
    dates = sorted(when.unique())
    if len(dates) < 2:
        raise NotApplicable(f"migration needs at least two dates, got {len(dates)}")
    return [(date, assigned[when == date]) for date in dates]


def migration_matrix(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """Count customers by the segment they were in and the one they are in.

    Parameters
    ----------
    before, after : Series
        Segment by customer (index); customers may be in one of them only.

    Returns
    -------
    DataFrame
        Rows: from, the last one ``(joined)``; columns: to, the last one ``(gone)``. Every customer counts once.

    Examples
    --------
    >>> before = pd.Series({"a": "high", "b": "high", "c": "low"})
    >>> migration_matrix(before, pd.Series({"a": "high", "b": "low", "d": "low"}))
    to        high  low  (gone)
    from
    high         1    1       0
    low          0    0       1
    (joined)     0    1       0
    """
    segments = sorted({*before.dropna(), *after.dropna()})
    both = pd.DataFrame({"from": before, "to": after})
    both["from"] = both["from"].fillna(JOINED)
    both["to"] = both["to"].fillna(GONE)
    counts = both.groupby(["from", "to"]).size().unstack(fill_value=0)
    counts = counts.reindex(index=[*segments, JOINED], columns=[*segments, GONE], fill_value=0)
    return counts.rename_axis("from").rename_axis(columns="to")


def flows(assigned: pd.DataFrame, lens: str) -> pd.DataFrame:
    """Follow every segment of a lens from date to date.

    Parameters
    ----------
    assigned : DataFrame
        customer_id, as_of and the column ``lens``; in any order.

    Returns
    -------
    DataFrame
        One row per date (from the second on) and segment: ``size``, ``share``, ``entered`` and ``left`` (from and to
        other segments), ``joined`` and ``gone`` (new and lost customers), ``net``. Sizes add up:
        ``size = size before + entered - left + joined - gone``.

    Raises
    ------
    DataError, NotApplicable
        See :func:`by_date`.
    """
    numbered = assigned[[*KEY, lens]].assign(customer_id=pd.factorize(assigned["customer_id"])[0])  # fast to join by
    months = [(date, part.set_index("customer_id")[lens]) for date, part in by_date(numbered)]
    segments = sorted(assigned[lens].dropna().unique())
    rows = []
    for (_, before), (later, after) in itertools.pairwise(months):
        matrix = migration_matrix(before, after)
        matrix = matrix.reindex(index=[*segments, JOINED], columns=[*segments, GONE], fill_value=0)
        inner = matrix.loc[segments, segments].to_numpy()
        stayed = np.diag(inner)
        sizes = matrix[segments].to_numpy().sum(axis=0)
        rows.append(pd.DataFrame({
            "as_of": later, "segment": segments, "size": sizes, "share": sizes / max(sizes.sum(), 1),
            "entered": inner.sum(axis=0) - stayed, "left": inner.sum(axis=1) - stayed,
            "joined": matrix.loc[JOINED, segments].to_numpy(), "gone": matrix.loc[segments, GONE].to_numpy(),
        }))  # fmt: skip
    table = pd.concat(rows, ignore_index=True)
    table["net"] = table["entered"] - table["left"] + table["joined"] - table["gone"]
    return table
