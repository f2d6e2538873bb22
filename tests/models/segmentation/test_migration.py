"""Quiet months stay quiet, planted moves are found in the right segment, and the right cause is named."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.segmentation.migration import causes, net_movement

SEGMENTS = np.array(["a", "b", "c", "d"])


def _month(rng: np.random.Generator, n: int, flicker: float = 0.1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers near the borders flicker between two segments, as likely one way as the other; in two lenses."""
    before, after = {}, {}
    for lens in ("value", "needs"):
        home = rng.integers(0, 4, n)
        unsteady = rng.random(n) < 2 * flicker
        other = np.where(rng.random((2, n)) < 0.5, home, (home + 1) % 4)
        first, second = np.where(unsteady, other, home)
        before[lens], after[lens] = SEGMENTS[first], SEGMENTS[second]
    return pd.DataFrame(before), pd.DataFrame(after)


def test_of_two_hundred_quiet_months_at_most_one_in_twenty_raises_an_alarm_in_a_lens():
    rng = np.random.default_rng(11)
    alarms = [net_movement(*_month(rng, 2000)).groupby("lens")["significant"].any() for _ in range(200)]
    assert pd.DataFrame(alarms).sum().max() <= 10


@pytest.mark.parametrize("n", [2000, 10_000])
def test_a_shift_of_three_points_is_found_in_the_right_segments(n):
    rng = np.random.default_rng(12)
    found = innocent = 0
    for _ in range(50):
        before, after = _month(rng, n)
        stays = np.flatnonzero((before["value"] == "a") & (after["value"] == "a"))
        after.loc[rng.choice(stays, int(0.03 * n), replace=False), "value"] = "c"
        table = net_movement(before, after).set_index(["lens", "segment"])
        hit = table.loc[("value", "a"), "significant"] and table.loc[("value", "c"), "significant"]
        found += bool(hit) and table.loc[("value", "a"), "net"] < 0 < table.loc[("value", "c"), "net"]
        innocent += bool(table.loc["needs"]["significant"].any())
    assert found >= 40
    assert innocent <= 5


def test_customers_of_one_date_only_are_left_out():
    before, after = pd.DataFrame({"value": ["a", "b"]}, index=[1, 2]), pd.DataFrame({"value": ["b", "b"]}, index=[2, 3])
    assert net_movement(before, after)["entered"].tolist() == [0]
    with pytest.raises(DataError, match="no customer"):
        net_movement(before, after.set_axis([8, 9]))


def _thirds(rows: pd.DataFrame):
    """Fit a lens of cut-points (value) and one of centroids (place): two thirds by quantile, two means of x."""
    cuts = rows["margin"].quantile([1 / 3, 2 / 3]).to_numpy()
    middle = rows["x"].mean()
    centres = np.array([rows["x"][rows["x"] <= middle].mean(), rows["x"][rows["x"] > middle].mean()])

    def assign(table: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({
            "value": np.array(["low", "medium", "high"])[np.searchsorted(cuts, table["margin"])],
            "place": np.array(["left", "right"])[np.abs(table["x"].to_numpy()[:, None] - centres).argmin(axis=1)],
        }, index=table.index)  # fmt: skip

    return assign


def _customers(rng: np.random.Generator, n: int = 3000) -> pd.DataFrame:
    x = rng.normal(size=n) + np.where(rng.random(n) < 0.5, -2.0, 2.0)
    return pd.DataFrame({"margin": rng.lognormal(3, 1, n), "x": x})


KINDS = {"value": "cut-point", "place": "centroid"}


def _causes(before, after, new=None):
    old = _thirds(before)
    return causes(old, new or _thirds(after), before, after, refit=_thirds, kinds=KINDS, resamples=39)


def test_moved_customers_are_not_taken_for_a_moved_model():
    rng = np.random.default_rng(4)
    before = _customers(rng)
    after = before.copy()
    after.loc[:299, "x"] *= -1
    found = _causes(before, after, new=_thirds(before))
    assert not found.refit["significant"].any()
    assert found.refit["reassigned"].max() == 0
    moved = found.table[found.table["lens"] == "place"]
    assert (moved["refit_moved"] == 0).all()
    total = moved["size_before"] + moved["customers_moved"] + moved["refit_moved"] + moved["joined"] - moved["gone"]
    assert (total == moved["size_after"]).all()


def test_a_moved_cut_point_and_a_moved_centroid_are_told_apart():
    rng = np.random.default_rng(5)
    before = _customers(rng)
    dearer = before.assign(margin=before["margin"] * 1.5)
    found = _causes(before, dearer).refit.set_index("lens")
    assert found.loc["value", "significant"]
    assert not found.loc["place", "significant"]
    shifted = before.assign(x=before["x"] + 1.0)
    found = _causes(before, shifted).refit.set_index("lens")
    assert found.loc["place", "significant"]
    assert not found.loc["value", "significant"]


def test_of_quiet_refits_at_most_one_in_twenty_counts_as_a_change():
    rng, alarms = np.random.default_rng(8), []
    for _ in range(60):
        home = _customers(rng, 400)
        months = [
            pd.DataFrame({
                "margin": home["margin"] * np.exp(rng.normal(0, 0.5, 400)), "x": home["x"] + rng.normal(0, 0.5, 400)
            }) for _ in range(2)
        ]  # fmt: skip
        found = causes(_thirds(months[0]), _thirds(months[1]), *months, refit=_thirds, kinds=KINDS)
        alarms.append(found.refit.set_index("lens")["significant"])
    assert pd.DataFrame(alarms).sum().max() <= 3


def test_what_joins_goes_and_moves_adds_up_to_the_new_size():
    rng = np.random.default_rng(6)
    before = _customers(rng)
    after = pd.concat([before.iloc[200:] * 1.2, _customers(rng, 500).set_axis(range(5000, 5500))])
    found = _causes(before, after)
    t = found.table
    assert (
        t["size_before"] + t["customers_moved"] + t["refit_moved"] + t["joined"] - t["gone"] == t["size_after"]
    ).all()
    assert t["joined"].sum() == 1000  # 500 customers in each of two lenses
    assert any("cut-point" in line for line in found.in_words())
