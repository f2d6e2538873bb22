from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afraz.errors import ParamsError
from afraz.monitoring.drift import (
    LEAP_DAY,
    MONTH,
    NO_YEAR,
    OUR_DOING,
    SEASON,
    DriftTerms,
    drift_by_month,
    judge,
    surprises,
)
from afraz.monitoring.profile import Profile
from afraz.monitoring.unusual import surprise

NAMES = [f"f{i}" for i in range(40)]


def months(count: int, *, rows: int = 3000, seed: int = 0, start: str = "2023-07-01") -> dict[pd.Timestamp, Any]:
    """Months of many features: f0 swings with the season, f1 grows, the others are quiet."""
    rng, found = np.random.default_rng(seed), {}
    for i, month in enumerate(pd.date_range(start, periods=count, freq="MS")):
        table = pd.DataFrame(rng.normal(size=(rows, len(NAMES))), columns=NAMES)
        table["f0"] += 0.8 * (month.month == 12) + 0.3 * np.sin(2 * np.pi * month.month / 12)
        table["f1"] += 0.04 * i
        table["home"] = rng.choice(["own", "rent"], rows, p=[0.6, 0.4])
        found[month] = table
    return found


def profiled(tables: dict[pd.Timestamp, pd.DataFrame]) -> Profile:
    first = next(iter(tables.values()))
    kept = Profile.of(first, list(first))
    for month, table in tables.items():
        kept.add(month, table)
    return kept


@pytest.fixture(scope="module")
def quiet() -> dict[pd.Timestamp, pd.DataFrame]:
    return months(42)


def test_24_quiet_months_with_a_season_and_a_trend_raise_no_alarm(quiet: dict[pd.Timestamp, pd.DataFrame]) -> None:
    found = drift_by_month(profiled(quiet), DriftTerms())
    judged = found[found["held_against"] == SEASON]
    assert judged["as_of"].nunique() == 24
    assert not found["alarm"].any()


def test_a_shift_of_a_third_of_the_customers_is_found_in_its_month_and_named() -> None:
    rows, rng = 10_000, np.random.default_rng(1)
    tables = months(30, rows=rows)
    last = max(tables)
    kept, quiet = profiled(tables), drift_by_month(profiled(tables), DriftTerms())
    assert not quiet["alarm"].any()
    named = []
    for feature in NAMES[2:22]:
        moved = tables[last].assign(**{feature: tables[last][feature] + 0.3 * (rng.random(rows) < 0.3)})
        counts = {**kept.counts[feature], last: kept.cells[feature].count(moved[feature])}
        found = drift_by_month(Profile(kept.cells, kept.rows, {**kept.counts, feature: counts}), DriftTerms())
        named.append(found.loc[found["alarm"], ["as_of", "feature"]].values.tolist() == [[last, feature]])
    assert sum(named) >= 16  # of 20: no fewer than now; study 006 says what other banks give


def test_a_shift_of_a_feature_that_swings_with_the_season_is_found() -> None:
    tables = months(20)
    last = max(tables)
    found = drift_by_month(profiled({**tables, last: tables[last].assign(f0=tables[last]["f0"] + 0.2)}), DriftTerms())
    alarms = found[found["alarm"]]
    assert alarms[["as_of", "feature"]].values.tolist() == [[last, "f0"]]
    assert 0.1 < alarms["shift"].iloc[0] < 0.3


def test_a_level_of_text_that_grows_and_one_never_seen_are_found() -> None:
    tables = months(20)
    last = max(tables)
    homes = np.where(np.arange(3000) % 10 == 0, "boat", tables[last]["home"])
    found = drift_by_month(profiled({**tables, last: tables[last].assign(home=homes)}), DriftTerms())
    assert found.loc[found["alarm"], "feature"].tolist() == ["home"]
    assert np.isnan(found.loc[found["alarm"], "shift"]).all()


def test_without_a_year_the_month_before_is_held_against_and_only_noted() -> None:
    tables = months(12)
    last = max(tables)
    found = drift_by_month(profiled({**tables, last: tables[last].assign(f7=tables[last]["f7"] + 0.5)}), DriftTerms())
    noted = found[found["noted"]]
    assert (last, "f7") in set(zip(noted["as_of"], noted["feature"], strict=True))
    assert set(noted["held_against"]) == {MONTH}
    assert set(noted["remark"]) == {NO_YEAR}
    assert not found["alarm"].any()


def test_a_shift_that_stays_alarms_once_and_not_again_a_year_later() -> None:
    tables = months(37)
    since = sorted(tables)[23]
    moved = {m: t.assign(f7=t["f7"] + 0.4) if m >= since else t for m, t in tables.items()}
    found = drift_by_month(profiled(moved), DriftTerms())
    assert found.loc[found["alarm"], ["as_of", "feature"]].values.tolist() == [[since, "f7"]]
    echo = found[(found["feature"] == "f7") & (found["remark"].str.contains("a year ago"))]
    assert since + pd.DateOffset(years=1) in set(echo["as_of"])


def test_the_banks_own_doing_is_noted() -> None:
    tables = months(20)
    last = max(tables)
    kept = profiled({**tables, last: tables[last].assign(f7=tables[last]["f7"] + 1.0)})
    found = drift_by_month(kept, DriftTerms(own_doing=("f7",)))
    noted = found[found["noted"] & (found["as_of"] == last)]
    assert noted[["feature", "remark"]].values.tolist() == [["f7", OUR_DOING]]
    assert not found["alarm"].any()


def test_more_features_need_more_evidence() -> None:
    tables = months(20)
    last = max(tables)
    found = surprises(profiled({**tables, last: tables[last].assign(f7=tables[last]["f7"] + 0.15)}), DriftTerms())
    alone = judge(found[found["feature"] == "f7"], DriftTerms())
    among = judge(found, DriftTerms())
    one, many = (t.loc[(t["as_of"] == last) & (t["feature"] == "f7"), "p_adjusted"].item() for t in (alone, among))
    assert many == pytest.approx(len(NAMES) * one + one)


def test_a_month_without_rows_is_not_judged_and_the_next_are_not_held_against_it() -> None:
    tables = months(21)
    empty = sorted(tables)[-2]
    found = drift_by_month(profiled({**tables, empty: tables[empty].head(0)}), DriftTerms())
    late = found[found["as_of"] >= empty]
    assert late["p"].isna().all()
    assert late["remark"].str.contains("no rows").all()
    assert not found["alarm"].any()


def test_a_clock_is_not_judged() -> None:
    tables = {m: t.assign(history_days=30.0 * i) for i, (m, t) in enumerate(months(20).items())}
    kept = Profile.of(pd.concat(list(tables.values())[:12]), list(tables[min(tables)]))
    for month, table in tables.items():
        kept.add(month, table)
    found = drift_by_month(kept, DriftTerms())
    clock = found[(found["feature"] == "history_days") & (found["as_of"] == max(tables))].iloc[0]
    assert "moves by itself" in clock["remark"]
    assert not clock["alarm"]


def test_months_that_vary_more_than_chance_are_given_more_room() -> None:
    rng = np.random.default_rng(3)
    steady = np.tile([500, 500, 500, 500, 0], (20, 1)).astype(np.int64)
    restless = steady.copy()
    for i in range(19):
        step = rng.integers(-60, 60)
        restless[i] += np.array([-step, 0, 0, step, 0])
    for counts in (steady, restless):
        counts[19] = [420, 500, 500, 580, 0]
    assert surprise(steady, 19, 12).p < surprise(restless, 19, 12).p / 100


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 400), min_size=4, max_size=4), min_size=20, max_size=20))
def test_any_counts_give_a_probability_or_a_reason(counts: list[list[int]]) -> None:
    found = surprise(np.array(counts, np.int64), 19, 12)
    assert bool(found.why_not) != bool(0 <= found.p <= 1)
    if not found.why_not:
        assert found.psi >= 0


def test_the_months_after_a_leap_day_are_only_noted() -> None:
    tables = months(22)  # the last is 2025-04-01: a year before, its windows held the leap day
    last = max(tables)
    found = drift_by_month(profiled({**tables, last: tables[last].assign(f7=tables[last]["f7"] + 0.5)}), DriftTerms())
    noted = found[found["noted"] & (found["as_of"] == last)]
    assert noted[["feature", "remark"]].values.tolist() == [["f7", LEAP_DAY]]
    assert not found["alarm"].any()


def test_terms_out_of_range_are_refused() -> None:
    with pytest.raises(ParamsError, match="^drift term level: input should be less than 1, got 2$"):
        DriftTerms(level=2)
    with pytest.raises(ParamsError, match="window >= least >= 2 expected; got window 2, least 6"):
        DriftTerms(window=2)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"bins": 0}, "bins: input should be greater than or equal to 2, got 0"),
        ({"least": 1}, "least: input should be greater than or equal to 2, got 1"),
        ({"least_psi": -0.1}, "least_psi: input should be greater than or equal to 0, got -0.1"),
        ({"level": "x"}, "level: input should be a valid number, unable to parse string as a number, got 'x'"),
        ({"own_doing": "offers"}, "own_doing: input should be a valid tuple, got 'offers'"),
    ],
)  # fmt: skip
def test_each_term_has_its_bounds_and_its_line(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=f"^drift term {said}$"):
        DriftTerms(**stated)
