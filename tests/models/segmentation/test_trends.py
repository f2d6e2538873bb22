"""Trends are seen where they were planted, and intervals know that months resemble their neighbours."""

import numpy as np
import pytest
from scipy.stats import binom

from afraz.errors import NotApplicable
from afraz.models.segmentation.trends import slope, trends

from .conftest import DATES


def test_a_planted_trend_is_found_and_a_flat_one_is_unclear(assigned):
    found = trends(
        assigned.assign(noise=np.random.default_rng(5).normal(size=len(assigned))), "value", ["margin", "noise"]
    )
    found = found.set_index(["segment", "measure"])
    assert found.loc[("high", "size"), "trend"] == "rising"
    assert found.loc[("low", "size"), "trend"] == "falling"
    assert found.loc[("high", "margin"), "slope"] == pytest.approx(1.0)
    assert found.loc[("low", "noise"), "trend"] == "unclear"


@pytest.mark.parametrize("autocorrelation", [0.0, 0.5, 0.8])
def test_the_interval_holds_the_slope_of_a_series_that_remembers(autocorrelation):
    rng, place, held = np.random.default_rng(6), np.arange(25.0), 0
    for _ in range(60):
        shocks = rng.normal(size=125)
        for i in range(1, 125):
            shocks[i] += autocorrelation * shocks[i - 1]
        _, low, high = slope(place, 0.3 * place + shocks[-25:])
        held += low <= 0.3 <= high
    print(f"{held} of 60")
    assert held >= binom.ppf(0.01, 60, 0.95)


def test_of_random_walks_few_are_called_trends():
    rng, place = np.random.default_rng(7), np.arange(25.0)
    found = [slope(place, np.cumsum(rng.normal(size=25))) for _ in range(60)]
    called = sum(low > 0 or high < 0 for _, low, high in found)
    print(f"{called} of 60")
    assert called <= binom.ppf(0.99, 60, 0.2)


def test_gaps_and_units_leave_the_slope_as_it_is():
    rng, place = np.random.default_rng(8), np.arange(25.0)
    path = 2 * place + rng.normal(size=25)
    whole, scaled = slope(place, path), slope(place, 1e6 * path)
    assert np.allclose(scaled, 1e6 * np.array(whole), rtol=1e-6)
    kept = np.delete(np.arange(25), [3, 4, 11])
    assert slope(place[kept], path[kept])[0] == pytest.approx(whole[0], rel=0.02)


def test_too_few_dates_and_a_constant_have_no_trend(assigned):
    few = assigned[assigned["as_of"] < DATES[3]]
    assert trends(few, "value", [])["trend"].eq("unclear").all()
    assert trends(few, "value", [])["slope"].isna().all()
    same = trends(assigned.assign(margin=5.0), "value", ["margin"]).query("measure == 'margin'")
    assert same[["slope", "low", "high"]].eq(0).all(axis=None)
    with pytest.raises(NotApplicable, match="at least two dates"):
        trends(assigned[assigned["as_of"] == DATES[0]], "value", [])
