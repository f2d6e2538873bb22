"""Calls by the hour."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.support.arrivals import (
    METHODS,
    backtest,
    choose_method,
    count_hours,
    fit_profile,
    flag_outliers,
    poisson_floor,
    wape,
)

GROUPS = {"working days": (0, 1, 2, 3, 4), "Saturday": (5,), "Sunday": (6,)}
MONDAY = pd.Timestamp("2026-01-05")


def weeks(n: int, seed: int = 1, most: float = 40.0) -> pd.DataFrame:
    """Hours of n weeks: open from 8 to 18, Saturday until 13, Sunday closed; Monday is busiest."""
    rng = np.random.default_rng(seed)
    hours = count_hours(pd.Series(pd.to_datetime([])), MONDAY, MONDAY + pd.Timedelta(weeks=n))
    level = np.array([1.3, 1.0, 1.0, 0.9, 0.8, 0.5, 0.0])[hours["weekday"]]
    is_open = (hours["hour"] >= 8) & (hours["hour"] < np.where(hours["weekday"] == 5, 13, 18))
    rate = most * level * is_open * (1 + 0.5 * np.sin(hours["hour"]))
    return hours.assign(calls=rng.poisson(rate), rate=rate)


def test_every_call_is_in_one_hour_and_empty_hours_are_there() -> None:
    moments = pd.Series(
        pd.to_datetime(["2026-01-05 00:00", "2026-01-05 23:59", "2026-01-12 00:00", "2026-01-04 23:00"])
    )
    found = count_hours(moments, MONDAY, MONDAY + pd.Timedelta(weeks=1))
    assert len(found) == 168
    assert found["calls"].sum() == 2, "the third begins the next week, the fourth ended the last"


def test_a_planted_outlier_is_flagged_and_its_neighbours_are_not() -> None:
    hours = weeks(2)
    at = hours.index[(hours["weekday"] == 2) & (hours["hour"] == 11)][0]
    hours.loc[at, "calls"] = 400
    flagged = flag_outliers(hours, GROUPS)
    assert flagged[flagged].index.tolist() == [at]
    assert not flag_outliers(weeks(8, seed=3), GROUPS).any()


def test_an_outlier_is_left_out_of_what_is_usual_but_copied_by_copying() -> None:
    hours = weeks(1)
    at = (hours["weekday"] == 2) & (hours["hour"] == 11)
    hours.loc[at, "calls"] = 900
    flagged = flag_outliers(hours, GROUPS)
    for method in METHODS:
        said = fit_profile(hours, method, GROUPS, flagged).calls[2, 11]
        assert (said == 900) if method == "copy_week" else (said < 100), method


def test_pooling_like_days_beats_copying_the_week_and_comes_near_the_floor() -> None:
    hours = weeks(10)
    table, found = backtest(hours, GROUPS, 4)
    assert found["wape"] < found["copy_week_wape"] - 0.03
    assert found["wape"] < found["poisson_floor"] + 0.04
    assert found["method"] in {"weekday_mean", "level_and_shape"}, "days of a group differ in level"
    assert table["method"].tolist() == list(METHODS)


def test_the_week_measured_is_never_looked_at() -> None:
    hours = weeks(6)
    late = hours["day"] >= hours["day"].max() - pd.Timedelta(days=6)
    changed = hours.assign(calls=hours["calls"].where(~late, 1_000))
    one, other = (backtest(h, GROUPS, 4)[0].set_index("method")["deviance_choice"] for h in (hours, changed))
    pd.testing.assert_series_equal(one, other)


def test_methods_are_compared_without_the_day_that_they_foretell() -> None:
    hours = weeks(1)
    days = list(hours.loc[hours["weekday"] < 5, "day"].unique())
    found = choose_method(hours, GROUPS, days, ("group_mean", "group_median"))
    assert set(found["method"]) == {"group_mean", "group_median"}
    assert found["wape"].is_monotonic_increasing
    by_hand = []
    for day in days:
        rest = hours[(hours["day"] != day) & (hours["weekday"] < 5)]
        by_hand.append(
            np.abs(hours[hours["day"] == day].set_index("hour")["calls"] - rest.groupby("hour")["calls"].mean())
        )
    total = hours.loc[hours["day"].isin(days), "calls"].sum()
    mean = found.set_index("method").loc["group_mean", "wape"]
    assert mean == pytest.approx(sum(part.sum() for part in by_hand) / total)


def test_the_floor_is_what_known_rates_leave() -> None:
    rng = np.random.default_rng(8)
    for rate in (0.3, 2.5, 40.0):
        seen = rng.poisson(rate, 200_000)
        best = min(wape(seen, np.full(len(seen), guess)) for guess in np.arange(0, 2 * rate + 2, 1.0))
        assert poisson_floor(np.full(5, rate)) == pytest.approx(best, rel=0.02)


def test_what_cannot_be_foretold_is_refused() -> None:
    with pytest.raises(ParamsError, match="name each of 0 .Monday. to 6 once"):
        fit_profile(weeks(1), "group_mean", {"working days": (0, 1, 2, 3, 4)})
    with pytest.raises(
        ParamsError, match="unknown method 'group_mode' of the hourly forecast: did you mean group_mean?"
    ):
        fit_profile(weeks(1), "group_mode", GROUPS)
    with pytest.raises(DataError, match="no day of Saturday, Sunday"):
        fit_profile(weeks(1)[lambda t: t["weekday"] < 5], "group_mean", GROUPS)
    with pytest.raises(DataError, match="a backtest of 4 weeks needs 2 at least, and a week before"):
        backtest(weeks(4), GROUPS, 4)
