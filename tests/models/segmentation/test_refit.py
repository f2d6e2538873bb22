"""A refit keeps what a segmentation is made of, and what it moved is told apart from what customers did."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from afraz.errors import NotApplicable, ParamsError
from afraz.models.segmentation.refit import refit, refit_causes
from afraz.models.segmentation.segmentation import SegmentationSettings, fit_segmentation

SETTINGS = SegmentationSettings(
    lenses={
        "value": {"kind": "tiers", "columns": {"margin": "margin"}},
        "behaviour": {"kind": "clusters", "numbers": ["spending", "visits"], "counts": ["category"]},
        "places": {"kind": "clusters", "numbers": ["east", "north"]},
        "absent": {"kind": "clusters", "numbers": ["not_there"]},
        "loyalty": {"kind": "rules", "columns": {"silence": "recency", "gaps": "recency"}},
    },
    bootstrap=3, nulls=3, sample_rows=800, starts=2, clusters=(2, 3),
)  # fmt: skip
DATES = pd.to_datetime(["2026-05-01", "2026-06-01", "2026-07-01"])


def _customers(n: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group, place = rng.integers(0, 3, n), rng.integers(0, 3, n)
    taste = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]])
    bought = np.array([rng.multinomial(40, taste[g]) for g in group])
    return pd.DataFrame({
        "customer_id": [f"C{i:05d}" for i in range(n)], "margin": rng.lognormal(3, 1, n),
        "spending": np.exp(rng.normal(3 + group, 0.5)), "visits": rng.poisson(4 + 5 * (group == 1)).astype(float),
        "recency": rng.integers(1, 200, n).astype(float),
        "east": rng.normal(8.0 * (place == 1), 1.0), "north": rng.normal(8.0 * (place == 2), 1.0),
        **{f"category:{c}": bought[:, j].astype(float) for j, c in enumerate(("food", "books", "travel"))},
    })  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return fit_segmentation(_customers(), SETTINGS).model


def _months(change) -> pd.DataFrame:
    """Two months before and one after a change; every month customers vary a little."""
    rng, parts = np.random.default_rng(1), []
    for i, date in enumerate(DATES):
        month = _customers()
        numbers = ["spending", "margin"]
        month[numbers] *= np.exp(rng.normal(0, 0.05, (len(month), 2)))
        parts.append((change(month) if i == 2 else month).assign(as_of=date))
    return pd.concat(parts).sample(frac=1, random_state=2)


def _why(model, change):
    months = _months(change)
    new = refit(model, months[months["as_of"] == DATES[2]], SETTINGS)
    found = refit_causes(new, months, SETTINGS, every=1, rows=1500, resamples=19)
    t = found.table
    parts = t["size_before"] + t["customers_moved"] + t["refit_moved"] + t["joined"] - t["gone"]
    assert parts.equals(t["size_after"])
    return found


def test_a_refit_to_the_same_customers_changes_next_to_nothing(model):
    table = _customers()
    new = refit(model, table.set_index("customer_id"), SETTINGS)
    assert [lens["kind"] for lens in new.spec["lenses"]] == [lens["kind"] for lens in model.spec["lenses"]]
    assert {lens["name"]: lens["kind"] for lens in new.spec["lenses"]}["absent"] == "none"
    for lens in ("value", "behaviour", "places", "loyalty"):
        assert (new.predict(table)[lens] == model.predict(table)[lens]).mean() > 0.99
    names = [[segment["name"] for segment in lens.get("segments", [])] for lens in new.spec["lenses"]]
    assert sorted(map(sorted, names)) == sorted(
        sorted(segment["name"] for segment in lens.get("segments", [])) for lens in model.spec["lenses"]
    )
    assert refit(model, table, SETTINGS).spec == new.spec


def test_a_lens_with_too_few_customers_stays_as_it_is(model):
    new = {lens["name"]: lens for lens in refit(model, _customers().head(15), SETTINGS).spec["lenses"]}
    old = {lens["name"]: lens for lens in model.spec["lenses"]}
    assert new["places"] == old["places"]
    assert new["value"] != old["value"]


def test_a_refit_finds_the_groups_of_other_customers(model):
    table = _customers().assign(spending=lambda t: 3 * t["spending"])
    new = refit(model, table, SETTINGS)
    assert adjusted_rand_score(new.predict(table)["behaviour"], model.predict(_customers())["behaviour"]) > 0.9


def test_months_without_a_change_move_neither_cut_points_nor_centroids(model):
    found = _why(model, lambda month: month)
    assert found.refit.set_index("lens")["cause"].to_dict() == {
        "value": "cut-point", "behaviour": "centroid", "places": "centroid",
    }  # fmt: skip
    assert not found.refit["significant"].any()
    assert set(found.table["lens"]) == {"value", "behaviour", "places", "loyalty"}


def test_a_moved_cut_point_is_not_taken_for_a_centroid(model):
    found = _why(model, lambda month: month.assign(margin=1.5 * month["margin"])).refit.set_index("lens")
    assert found["significant"].to_dict() == {"value": True, "behaviour": False, "places": False}


def test_a_moved_centroid_is_found_in_its_lens(model):
    found = _why(model, lambda month: month.assign(spending=6 * month["spending"])).refit.set_index("lens")
    assert found["significant"].to_dict() == {"value": False, "behaviour": True, "places": False}


def test_customers_who_moved_are_counted_as_such_and_hardly_move_the_centroid(model):
    def moved(month: pd.DataFrame) -> pd.DataFrame:
        who = (month["east"] > 4) & (month.index < 300)
        return month.assign(
            east=month["east"].where(~who, month["north"]), north=month["north"].where(~who, month["east"])
        )

    month, found = _customers(), _why(model, moved)
    table = found.table.query("lens == 'places'")
    who = int(((month["east"] > 4) & (month.index < 300)).sum())
    assert sorted(table["customers_moved"]) == [-who, 0, who]
    assert table["refit_moved"].abs().max() < who / 10
    assert found.refit.set_index("lens").loc["places", "reassigned"] < 0.01
    assert not found.refit.set_index("lens").loc[["value", "behaviour"], "significant"].any()


def test_one_date_and_too_few_resamples_are_refused(model):
    months = _months(lambda month: month)
    with pytest.raises(ParamsError, match="refit_resamples of at least 19"):
        refit_causes(model, months, SETTINGS, every=1, rows=500, resamples=9)
    with pytest.raises(ParamsError, match="refit_every of at least 1"):
        refit_causes(model, months, SETTINGS, every=0, rows=500, resamples=19)
    with pytest.raises(NotApplicable, match="at least two dates"):
        refit_causes(model, months[months["as_of"] == DATES[0]], SETTINGS, every=1, rows=500, resamples=19)


def test_results_do_not_depend_on_how_many_fits_run_at_once(model):
    months = _months(lambda month: month)
    alone, many = (SETTINGS.model_copy(update={"threads": threads}) for threads in (1, 3))
    assert fit_segmentation(_customers(), alone).model.spec == fit_segmentation(_customers(), many).model.spec
    one, other = (refit_causes(model, months, told, every=1, rows=500, resamples=19) for told in (alone, many))
    pd.testing.assert_frame_equal(one.refit, other.refit, check_exact=True)
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
