"""Quiet months stay quiet even while customers drift; a planted shift is found in the right segment."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from afraz.models.holm import holm
from afraz.models.segmentation.history import months_flagged
from afraz.models.segmentation.unusual import BEFORE, CHANCE, against_usual, surprise

SEGMENTS = 4


def _months(rng, repeats, months, n, *, drift=0.0, noise=0.0):
    """Crossings of a ring of segments, about 2.5 % of customers over each border each way.

    ``drift``: how much more go one way than the other, over one border; ``noise``: how much a month moves each border.
    """
    shape = (repeats, months, SEGMENTS)
    ahead = n * 0.025 / 2 * np.exp(noise * rng.normal(size=shape)) * (1 + drift * (np.arange(SEGMENTS) == 0))
    forth, back = rng.poisson(ahead), rng.poisson(n * 0.025 / 2 * np.exp(noise * rng.normal(size=shape)))
    entered, left = np.roll(forth, 1, axis=2) + back, forth + np.roll(back, 1, axis=2)
    return entered.astype(float), left.astype(float), np.full(shape[:2], float(n))


def _significant(found) -> np.ndarray:
    return np.array([holm(p) < 0.05 for p in found.p])


def _shifted(n, months, drift, noise) -> np.ndarray:
    """In the last month 3 % of the customers move from the second segment to the fourth."""
    entered, left, customers = _months(np.random.default_rng(22), 500, months + 1, n, drift=drift, noise=noise)
    left[:, -1, 1] += 0.03 * n
    entered[:, -1, 3] += 0.03 * n
    return _significant(surprise(entered, left, customers))


@pytest.mark.parametrize(("drift", "noise"), [(0, 0), (1.0, 0), (0, 0.3), (1.0, 0.3)])
@pytest.mark.parametrize("months", [6, 12])
def test_at_most_one_in_twenty_quiet_months_raises_an_alarm(months, drift, noise):
    rng = np.random.default_rng(21)
    alarms = _significant(surprise(*_months(rng, 1000, months + 1, 2000, drift=drift, noise=noise))).any(axis=1).sum()
    print(f"{alarms} of 1,000: {binomtest(int(alarms), 1000).proportion_ci(0.95)}")
    assert alarms <= binom.ppf(0.99, 1000, 0.05)


@pytest.mark.parametrize(("n", "months", "drift", "noise"), [
    (2000, 8, 0, 0), (2000, 12, 0, 0), (2000, 12, 1.0, 0), (2000, 12, 1.0, 0.1), (10_000, 6, 1.0, 0),
    (10_000, 12, 0, 0.2),
])  # fmt: skip
def test_a_shift_of_three_points_is_found_in_the_right_segments(n, months, drift, noise):
    flagged = _shifted(n, months, drift, noise)
    found = int((flagged[:, 1] & flagged[:, 3]).sum())
    print(f"power {found / 500:.2f}, {binomtest(found, 500).proportion_ci(0.95)}")
    assert binomtest(found, 500).proportion_ci(0.95).low >= 0.8
    assert flagged[:, [0, 2]].any(axis=1).mean() <= 0.1


def test_where_quiet_months_vary_by_a_point_three_points_are_not_often_unusual():
    flagged = _shifted(2000, 12, 1.0, 0.3)
    found = int((flagged[:, 1] & flagged[:, 3]).sum())
    print(f"power {found / 500:.2f}, {binomtest(found, 500).proportion_ci(0.95)}")
    assert 0.05 < found / 500 < 0.5


def _movement(rng, months, lenses=("value", "needs", "loyalty"), drift=1.0) -> pd.DataFrame:
    parts = []
    for lens in lenses:
        entered, left, _ = (part[0] for part in _months(rng, 1, months, 2000, drift=drift, noise=0.1))
        for i, date in enumerate(pd.date_range("2000-01-01", periods=months, freq="MS")):
            parts.append(pd.DataFrame({
                "as_of": date, "lens": lens, "segment": list("abcd"), "customers": 2000, "entered": entered[i],
                "left": left[i], "net_share": (entered[i] - left[i]) / 2000, "p": 0.0, "p_adjusted": 0.0,
                "significant": True,
            }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_of_two_hundred_drifting_months_at_most_one_in_twenty_is_flagged_in_any_of_the_lenses():
    counts = months_flagged(against_usual(_movement(np.random.default_rng(23), 206)))
    assert counts["months"] == 200
    assert counts["any"] <= 10
    assert max(counts[lens] for lens in ("value", "needs", "loyalty")) <= binom.ppf(0.99, 200, 0.05)


def test_early_months_keep_the_test_against_chance_and_say_so():
    movement = _movement(np.random.default_rng(24), 9, ("value",))
    found = against_usual(movement)
    early = found["as_of"] < pd.Timestamp("2000-07-01")
    assert set(found.loc[early, "held_against"]) == {CHANCE}
    assert found.loc[early, "usual"].isna().all()
    assert set(found.loc[~early, "held_against"]) == {BEFORE}
    assert found["net_share"].equals(movement["net_share"])
    counts = months_flagged(found)
    assert counts["by_chance_alone"] == {"value": 6, "any": 6, "months": 6}
    assert (counts["months"], counts["any"]) == (3, 0)


def test_a_flagged_month_lies_outside_its_interval_and_the_drift_is_what_is_usual():
    movement = _movement(np.random.default_rng(25), 14, ("value",))
    last = movement["as_of"] == movement["as_of"].max()
    movement.loc[last & (movement["segment"] == "b"), "left"] += 80
    found = against_usual(movement.assign(net_share=(movement["entered"] - movement["left"]) / 2000))
    row = found[last].set_index("segment")
    assert row["significant"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
    assert row.loc["b", "net_share"] < row.loc["b", "low"]
    assert row.loc["a", "usual"] < -0.005  # where the drift leaves from
    assert row.loc["b", "usual"] > 0.005


def test_a_change_that_stays_is_an_alarm_when_it_comes_and_not_for_ever():
    movement = _movement(np.random.default_rng(26), 40, ("value",), drift=0.0)
    later = (movement["as_of"] >= pd.Timestamp("2001-09-01")) & (movement["segment"] == "a")
    movement.loc[later, "entered"] += 60
    found = against_usual(movement.assign(net_share=(movement["entered"] - movement["left"]) / 2000))
    flagged = found[found["significant"] & (found["held_against"] == BEFORE) & (found["segment"] == "a")]
    assert flagged["as_of"].min() == pd.Timestamp("2001-09-01")
    assert len(flagged) <= 3


def test_a_segment_without_crossings_is_not_surprised_by_a_single_customer():
    nobody = np.zeros((13, 1))
    one = nobody.copy()
    one[-1] = 1
    assert surprise(one, nobody, np.full(13, 2000.0)).p[0] == 1
    assert surprise(80 * one, nobody, np.full(13, 2000.0)).p[0] < 1e-6
