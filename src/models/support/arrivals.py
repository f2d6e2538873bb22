"""Calls by hour of the week: what is usual, which hours are not, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson

from ...errors import DataError, ParamsError, nearest
from .gamma_poisson import poisson_deviance

Array = NDArray[np.float64]

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
METHODS = ("copy_week", "weekday_mean", "group_mean", "group_median", "level_and_shape")
OUTLIER = 10.0  # robust deviations: wide, because the median deviation of a handful of days is a rough unit
HOURS = 24
LEAST_RATE = 0.01  # calls an hour: an hour without any so far is not one that never has any
PARTS = ("choice", "test")


def count_hours(moments: pd.Series, start: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Count the calls of every hour from start to until; hours without any have 0.

    Returns
    -------
    DataFrame
        ``day, weekday`` (0: Monday), ``hour, calls``, in the order of time.

    Examples
    --------
    >>> when = pd.Series(pd.to_datetime(["2026-01-05 10:10", "2026-01-05 10:50", "2026-01-06 09:00"]))
    >>> found = count_hours(when, pd.Timestamp("2026-01-05"), pd.Timestamp("2026-01-07"))
    >>> len(found), int(found["calls"].sum()), found.query("calls > 1")[["weekday", "hour"]].values.tolist()
    (48, 3, [[0, 10]])
    """
    days = pd.date_range(start.normalize(), until - pd.Timedelta(microseconds=1), freq="D")
    if not len(days):
        raise DataError(f"calls by the hour need a period of at least a day, got {start} to {until}")
    inside = moments[(moments >= days[0]) & (moments < days[-1] + pd.Timedelta(days=1))]
    cell = (inside.dt.normalize() - days[0]).dt.days.to_numpy() * HOURS + inside.dt.hour.to_numpy()
    calls = np.bincount(cell.astype(int), minlength=len(days) * HOURS)
    day = np.repeat(days, HOURS)
    return pd.DataFrame({"day": day, "weekday": np.repeat(days.day_of_week, HOURS),
                         "hour": np.tile(np.arange(HOURS), len(days)), "calls": calls})  # fmt: skip


def flag_outliers(hours: pd.DataFrame, groups: Mapping[str, Sequence[int]], limit: float = OUTLIER) -> pd.Series:
    """Tell which hours lie far beyond the same hour of like days; they are flagged and stay where they are.

    The median of the hour over the days of the group is usual, and its root (Poisson), or the median deviation where
    that is larger, is the unit. An hour of which a group has fewer than three days is never flagged: nothing is usual.

    Parameters
    ----------
    hours : DataFrame
        Of :func:`count_hours`.
    groups : mapping
        Name → weekdays that are alike.

    Examples
    --------
    >>> hours = count_hours(pd.Series(pd.to_datetime(["2026-01-07 10:30"] * 60)), pd.Timestamp("2026-01-05"),
    ...                     pd.Timestamp("2026-01-10"))
    >>> alike = {"working days": [0, 1, 2, 3, 4], "weekend": [5, 6]}
    >>> hours[flag_outliers(hours, alike)][["weekday", "hour", "calls"]].values.tolist()
    [[2, 10, 60]]
    """
    group = hours["weekday"].map(_group_of(groups))
    by = hours["calls"].groupby([group, hours["hour"]])
    usual = by.transform("median")
    away = (hours["calls"] - usual).abs()
    unit = np.maximum(1.4826 * away.groupby([group, hours["hour"]]).transform("median"), np.sqrt(usual + 1))
    return (away > limit * unit) & (by.transform("size") >= 3)


def _group_of(groups: Mapping[str, Sequence[int]]) -> dict[int, str]:
    found = {int(day): name for name, days in groups.items() for day in days}
    if sorted(found) != list(range(7)) or sum(map(len, groups.values())) != 7:
        raise ParamsError(f"groups of weekdays name each of 0 (Monday) to 6 once, got {dict(groups)}")
    return found


@dataclass(frozen=True)
class Profile:
    """Expected calls of every hour of the week; shape (7, 24)."""

    method: str
    calls: Array

    def table(self) -> pd.DataFrame:
        """Give ``weekday, day, hour, calls``, one row per hour of the week."""
        weekday, hour = np.divmod(np.arange(7 * HOURS), HOURS)
        return pd.DataFrame({"weekday": weekday, "day": np.array(DAY_NAMES)[weekday], "hour": hour,
                             "calls": self.calls.ravel()})  # fmt: skip

    def predict(self, hours: pd.DataFrame) -> Array:
        """Give the expected calls of ``weekday`` and ``hour``."""
        return np.asarray(self.calls[hours["weekday"].to_numpy(int), hours["hour"].to_numpy(int)])


def fit_profile(
    hours: pd.DataFrame, method: str, groups: Mapping[str, Sequence[int]], flagged: pd.Series | None = None
) -> Profile:
    """Learn what is usual in an hour of the week.

    Parameters
    ----------
    hours : DataFrame
        Of :func:`count_hours`; whole days.
    method : str
        ``copy_week``: the last day of each weekday, as it was. ``weekday_mean``: the mean of each weekday's days.
        ``group_mean``, ``group_median``: of all days of the weekday's group. ``level_and_shape``: the group's shape of
        a day at the level of the weekday, which is drawn towards the group's.
    groups : mapping
        Name → weekdays that are alike.
    flagged : Series of bool, optional
        Hours that no method but ``copy_week`` learns from.

    Raises
    ------
    ParamsError
        For an unknown method or groups that don't name every weekday once.
    DataError
        Where a group has no day.
    """
    if method not in METHODS:
        raise ParamsError(f"unknown method {method!r} of the hourly forecast: {nearest(method, METHODS)}")
    named = _group_of(groups)
    absent = sorted({named[d] for d in range(7)} - {named[d] for d in hours["weekday"].unique()})
    if absent:
        raise DataError(f"the hourly forecast has no day of {', '.join(absent)}: give a longer period")
    if method == "copy_week":
        latest = hours.groupby("weekday")["day"].transform("max") == hours["day"]
        return Profile(method, _filled(hours[latest], named))
    rows = hours if flagged is None else hours[~flagged]
    if method == "weekday_mean":
        return Profile(method, _filled(rows, named))
    alike = _by_group(rows, named, "median" if method == "group_median" else "mean")
    if method != "level_and_shape":
        return Profile(method, alike)
    return Profile(method, alike * _levels(rows, alike)[:, None])


def _filled(rows: pd.DataFrame, named: Mapping[int, str]) -> Array:
    """Mean by weekday and hour; where there is none, that of the group."""
    own = rows.groupby(["weekday", "hour"])["calls"].mean().unstack().reindex(index=range(7), columns=range(HOURS))
    cells = own.to_numpy(float)
    return np.where(np.isnan(cells), _by_group(rows, named, "mean"), cells)


def _by_group(rows: pd.DataFrame, named: Mapping[int, str], how: str) -> Array:
    group = rows["weekday"].map(named)
    found = rows["calls"].groupby([group, rows["hour"]]).agg(how).unstack()
    return found.loc[[named[d] for d in range(7)]].reindex(columns=range(HOURS)).fillna(0.0).to_numpy(float)


def _levels(rows: pd.DataFrame, alike: Array) -> Array:
    """Level of each weekday against its group, drawn to 1 by what days of one weekday differ among themselves.

    The usual day counts as much as one day of the weekday itself where days vary as they do between weekdays.
    """
    expected = pd.Series(alike[rows["weekday"].to_numpy(int), rows["hour"].to_numpy(int)], index=rows.index)
    daily = pd.DataFrame({"weekday": rows["weekday"], "day": rows["day"], "calls": rows["calls"], "e": expected})
    daily = daily.groupby(["weekday", "day"])[["calls", "e"]].sum().reset_index()
    ratio = daily["calls"] / daily["e"].clip(lower=1e-9)
    level = np.ones(7)
    for weekday in daily["weekday"].unique():
        mine = ratio[daily["weekday"] == weekday]
        level[int(weekday)] = (mine.sum() + 1) / (len(mine) + 1)
    return level


def wape(seen: Array, said: Array) -> float:
    """Give the sum of absolute errors as a share of what was seen.

    Examples
    --------
    >>> wape(np.array([10.0, 0.0, 30.0]), np.array([12.0, 1.0, 29.0]))
    0.1
    """
    return float(np.abs(np.asarray(seen, float) - np.asarray(said, float)).sum() / max(float(np.sum(seen)), 1e-9))


def poisson_floor(rates: Array) -> float:
    """Give the WAPE that is left where every rate is known, its median is foretold, and calls come by chance.

    Examples
    --------
    >>> round(poisson_floor(np.full(10, 100.0)), 3), poisson_floor(np.array([0.1]))
    (0.08, 1.0)
    """
    rate = np.asarray(rates, float)
    middle = poisson.median(rate)
    deviation = rate - middle + 2 * (middle * poisson.cdf(middle, rate) - rate * poisson.cdf(middle - 1, rate))
    return float(deviation.sum() / max(rate.sum(), 1e-9))


def choose_method(
    hours: pd.DataFrame, groups: Mapping[str, Sequence[int]], days: Sequence[pd.Timestamp],
    methods: Sequence[str] = METHODS,
) -> pd.DataFrame:  # fmt: skip
    """Compare methods on days that each in turn are left out; outliers are flagged without the day.

    Returns
    -------
    DataFrame
        ``method, wape``, the best first; a method that cannot do without the day has NaN.
    """
    seen, said = [], {name: [] for name in methods}  # type: ignore[var-annotated]
    for day in days:
        rest, mine = hours[hours["day"] != day], hours[hours["day"] == day]
        flagged = flag_outliers(rest, groups)
        seen.append(mine["calls"].to_numpy(float))
        for name in methods:
            said[name].append(fit_profile(rest, name, groups, flagged).predict(mine))
    truth = np.concatenate(seen)
    found = [(name, wape(truth, np.concatenate(parts))) for name, parts in said.items()]
    return pd.DataFrame(found, columns=["method", "wape"]).sort_values("wape", kind="stable", ignore_index=True)


def backtest(
    hours: pd.DataFrame, groups: Mapping[str, Sequence[int]], weeks: int, methods: Sequence[str] = METHODS
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Forecast each of the last weeks from what lay before it: choose on the earlier half, measure on the later.

    Chosen is by Poisson deviance, whose best answer is the rate; of few calls an hour the least absolute error is that
    of the median, which leaves out a good part of the calls.

    Returns
    -------
    table : DataFrame
        ``method, deviance_choice, deviance_test, wape_choice, wape_test, level_test`` (observed over expected).
    measures : dict
        ``method`` (chosen on the first half), ``wape``, ``copy_week_wape``, ``poisson_floor`` of the second half, and
        ``weeks`` measured.
    """
    last = hours["day"].max() + pd.Timedelta(days=1)
    starts = [last - pd.Timedelta(days=7 * k) for k in range(weeks, 0, -1)]
    if weeks < 2 or starts[0] - hours["day"].min() < pd.Timedelta(days=7):
        raise DataError(f"a backtest of {weeks} weeks needs 2 at least, and a week before the first of them")
    told, floor = [], []
    for k, start in enumerate(starts):
        past = hours[hours["day"] < start]
        week = hours[(hours["day"] >= start) & (hours["day"] < start + pd.Timedelta(days=7))]
        flagged, seen = flag_outliers(past, groups), week["calls"].to_numpy(float)
        part = "test" if k >= weeks // 2 else "choice"
        for name in methods:
            said = fit_profile(past, name, groups, flagged).predict(week)
            told.append((name, part, poisson_deviance(seen, np.maximum(said, LEAST_RATE)).mean(),
                         np.abs(seen - said).sum(), seen.sum(), said.sum()))  # fmt: skip
            if part == "test" and name == "weekday_mean":
                floor.append(said)
    names = ["method", "part", "deviance", "error", "seen", "said"]
    found = pd.DataFrame(told, columns=names).groupby(["method", "part"]).sum().unstack()
    table = pd.DataFrame({
        **{f"deviance_{part}": found["deviance", part] / weeks * 2 for part in PARTS},
        **{f"wape_{part}": found["error", part] / found["seen", part].clip(lower=1) for part in PARTS},
        "level_test": found["seen", "test"] / found["said", "test"].clip(lower=1e-9),
    }).reindex(list(methods)).reset_index()  # fmt: skip
    best = str(table.sort_values("deviance_choice", kind="stable")["method"].iloc[0])
    measured = table.set_index("method")["wape_test"]
    return table, {
        "method": best, "wape": float(measured[best]), "copy_week_wape": float(measured.get("copy_week", np.nan)),
        "poisson_floor": poisson_floor(np.concatenate(floor)) if floor else np.nan, "weeks": weeks - weeks // 2,
    }  # fmt: skip
