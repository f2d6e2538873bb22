"""Periods held against the one before and against the same a year earlier."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

NOW, BEFORE, YEAR_BEFORE = "now", "before", "year before"
STEPS = {
    "week": pd.DateOffset(days=7), "month": pd.DateOffset(months=1), "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}  # fmt: skip


@dataclass(frozen=True)
class Window:
    """``start`` belongs to it, ``end`` no longer."""

    period: str
    name: str
    start: pd.Timestamp
    end: pd.Timestamp


def windows(end: pd.Timestamp) -> list[Window]:
    """List the last week, month, quarter and year before ``end``, the ones before them and those a year earlier.

    The week of a year earlier began 52 weeks before: it has the same weekdays.

    Examples
    --------
    >>> [f"{w.period}, {w.name}: {w.start:%y-%m-%d}" for w in windows(pd.Timestamp("2026-07-01"))][:4]
    ['week, now: 26-06-24', 'week, before: 26-06-17', 'week, year before: 25-06-25', 'month, now: 26-06-01']
    """
    found = []
    for period, step in STEPS.items():
        start = end - step
        found += [Window(period, NOW, start, end), Window(period, BEFORE, start - step, start)]
        if period != "year":
            back = pd.DateOffset(weeks=52) if period == "week" else pd.DateOffset(years=1)
            found.append(Window(period, YEAR_BEFORE, start - back, end - back))
    return found


def change(now: pd.Series, before: pd.Series) -> pd.Series:
    """Change in per cent; missing where there was nothing before.

    Examples
    --------
    >>> change(pd.Series([110.0, 5.0]), pd.Series([100.0, 0.0])).round(6).tolist()
    [10.0, nan]
    """
    before = before.astype(float)
    return 100 * (now.astype(float) - before) / before.abs().where(before != 0)


def compared(table: pd.DataFrame, by: Sequence[str], measures: Sequence[str]) -> pd.DataFrame:
    """Lay the windows of a period side by side: one row per group, period and measure.

    Parameters
    ----------
    table : DataFrame
        ``by``, ``period, window, hidden`` and the measures, missing where hidden.

    Returns
    -------
    DataFrame
        ``by, period, measure, now, before, change, year_before, year_change`` (changes in per cent) and
        ``hidden_now, hidden_before, hidden_year_before``.
    """
    keys = [*by, "period", "measure"]
    long = table.melt([*by, "period", "window", "hidden"], list(measures), "measure", "value")
    order = long[keys].drop_duplicates()
    out = order
    for name in (NOW, BEFORE, YEAR_BEFORE):
        part = long.loc[long["window"] == name, [*keys, "value", "hidden"]]
        column = name.replace(" ", "_")
        out = out.merge(part.rename(columns={"value": column, "hidden": f"hidden_{column}"}), on=keys, how="left")
        out[f"hidden_{column}"] = out[f"hidden_{column}"].eq(True)
    out["change"] = change(out["now"], out["before"]).round(1)
    out["year_change"] = change(out["now"], out["year_before"]).round(1)
    return out.sort_values(keys[:-2], kind="stable", ignore_index=True)
