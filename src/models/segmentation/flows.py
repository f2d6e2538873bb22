"""Who moves between segments: matrices, flows month by month, and the trend of each segment."""

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
    months = [(date, part.set_index("customer_id")[lens]) for date, part in by_date(assigned)]
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


def trends(assigned: pd.DataFrame, lens: str, measures: list[str]) -> pd.DataFrame:
    """Say how size, volume and score of each segment develop.

    The slope is the median of the slopes between all pairs of dates, its interval that of Sen (Journal of the American
    Statistical Association 63, 1968, 1379-1389) at 95 %: a single odd month, such as a December, hardly moves it. Dates
    are taken as independent; where a segment drifts slowly the interval is too narrow.

    Parameters
    ----------
    measures : list of str
        Columns whose mean per segment is followed beside its size.

    Returns
    -------
    DataFrame
        One row per segment and measure (``size`` first): ``first, last, slope, low, high`` (per date), ``trend``:
        rising, falling, or unclear where the interval holds 0 or there are fewer than four dates.

    Raises
    ------
    DataError, NotApplicable
        See :func:`by_date`.
    """
    dates = [date for date, _ in by_date(assigned)]
    grouped = assigned.assign(as_of=pd.to_datetime(assigned["as_of"])).groupby([lens, "as_of"])
    series = {"size": grouped.size().astype(float), **{name: grouped[name].mean() for name in measures}}
    rows = []
    for measure, values in series.items():
        table = values.unstack("as_of").reindex(columns=dates)
        if measure == "size":
            table = table.fillna(0.0)
        for segment, path in table.iterrows():
            rows.append({"segment": segment, "measure": measure, **_slope(path.to_numpy())})
    return pd.DataFrame(rows).sort_values(["segment"], kind="stable", ignore_index=True)


def _slope(path: np.ndarray) -> dict[str, float | str]:
    from scipy.stats import theilslopes

    place = np.flatnonzero(np.isfinite(path))
    if len(place) < 4:
        known = path[place]
        ends = (float(known[0]), float(known[-1])) if len(known) else (np.nan, np.nan)
        return {"first": ends[0], "last": ends[1], "slope": np.nan, "low": np.nan, "high": np.nan, "trend": "unclear"}
    slope, _, low, high = theilslopes(path[place], place, alpha=0.95)
    trend = "rising" if low > 0 else "falling" if high < 0 else "unclear"
    return {"first": float(path[place[0]]), "last": float(path[place[-1]]), "slope": float(slope), "low": float(low),
            "high": float(high), "trend": trend}  # fmt: skip
