"""Planted groups are found, noise gives none, and what was fitted is what is assigned."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from afraz.errors import DataError, NotApplicable, ParamsError
from afraz.models.segmentation.segmentation import SegmentationSettings, fit_segmentation

QUICK = {"bootstrap": 3, "nulls": 3, "sample_rows": 800, "starts": 2, "clusters": (2, 4)}


def customers(n: int = 1200, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Three groups that differ in two numbers and in what they buy; texts and surveys beside."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    taste = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]])
    bought = np.array([rng.multinomial(40, taste[g]) for g in group])
    nps = np.where(rng.random(n) < 0.5, 9 - 6 * (group == 0) + rng.normal(0, 1, n), np.nan)
    table = pd.DataFrame({
        "customer_id": [f"C{i:05d}" for i in range(n)],
        "spending": np.exp(rng.normal(3 + group, 0.5)), "visits": rng.poisson(4 + 5 * (group == 1)).astype(float),
        "margin": rng.normal(10, 20, n), "recency": rng.integers(1, 200, n).astype(float),
        "region": np.array(["north", "south"])[rng.integers(0, 2, n)],
        **{f"category:{c}": bought[:, j].astype(float) for j, c in enumerate(("food", "books", "travel"))},
        "nps": nps, "mood": np.where(np.isnan(nps), 6 - 3 * (group == 0), nps) + rng.normal(0, 1, n),
        **{f"noise_{j}": rng.normal(size=n) for j in range(3)},
    })  # fmt: skip
    return table, group


LENSES = {
    "value": {"kind": "tiers", "columns": {"recency": "recency", "margin": "margin"}, "lower_is_better": ["recency"]},
    "behaviour": {"kind": "clusters", "numbers": ["spending", "visits"], "counts": ["category"]},
    "noise": {"kind": "clusters", "numbers": ["noise_0", "noise_1", "noise_2"]},
    "absent": {"kind": "clusters", "numbers": ["not_there"]},
    "loyalty": {"kind": "rules", "columns": {"silence": "recency"}},
}


@pytest.fixture(scope="module")
def fitted():
    table, group = customers()
    return table, group, fit_segmentation(table, SegmentationSettings(lenses=LENSES, **QUICK))


def test_planted_groups_are_found_with_their_number(fitted):
    _, group, result = fitted
    assert result.metrics["lenses"]["behaviour"]["segments"] == 3
    assert adjusted_rand_score(group, result.assigned["behaviour"]) > 0.9
    assert result.metrics["lenses"]["behaviour"]["stability"] > 0.9


def test_noise_and_absent_columns_say_so_and_the_rest_runs(fitted):
    _, _, result = fitted
    assert "no structure" in result.metrics["lenses"]["noise"]["reason"]
    assert "not applicable" in result.metrics["lenses"]["absent"]["reason"]
    assert {"noise", "absent"}.isdisjoint(result.assigned.columns)


@pytest.mark.parametrize("shape", ["skewed", "correlated", "few values"])
def test_strange_noise_is_no_structure_either(shape):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1000, 3))
    if shape == "skewed":
        x = np.exp(x)
    if shape == "correlated":
        x[:, 1:] += 1.5 * x[:, :1]
    if shape == "few values":
        x = np.clip(np.rint(x), -2, 2)
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(customer_id=np.arange(1000), recency=1.0 + np.arange(1000))
    lenses = {"noise": {"kind": "clusters", "numbers": ["a", "b", "c"]}, "value": LENSES["value"]}
    result = fit_segmentation(table, SegmentationSettings(lenses=lenses, **QUICK))
    assert result.metrics["lenses"]["noise"]["kind"] == "none"


def test_a_customer_alone_gets_what_the_customer_gets_among_others(fitted):
    table, _, result = fitted
    everybody = result.model.predict(table)
    for row in (0, 7, 1199):
        pd.testing.assert_frame_equal(result.model.predict(table.iloc[[row]]), everybody.iloc[[row]])


def test_names_are_unique_and_profiles_describe_every_segment(fitted):
    _, _, result = fitted
    profile = result.tables["profile"]
    names = profile.groupby(["lens", "segment"])["name"].first().reset_index()
    assert not names.duplicated(["lens", "name"]).any()
    assert set(profile.loc[profile["lens"] == "behaviour", "segment"]) == {"behaviour_1", "behaviour_2", "behaviour_3"}


def test_equal_data_and_seed_give_an_equal_model(fitted):
    table, _, result = fitted
    again = fit_segmentation(table.sample(frac=1, random_state=3), SegmentationSettings(lenses=LENSES, **QUICK))
    assert again.model.spec == result.model.spec


def test_a_refit_keeps_the_ids_of_segments(fitted):
    table, _, result = fitted
    other, _ = customers(seed=9)
    lens = {"behaviour": LENSES["behaviour"]}
    again = fit_segmentation(other, SegmentationSettings(lenses=lens, **QUICK), previous=result.model)
    same = again.model.predict(table)["behaviour"].to_numpy() == result.assigned["behaviour"].to_numpy()
    assert same.mean() > 0.9


def test_the_silent_are_placed_by_what_is_known_of_them_with_the_warning():
    table, _ = customers()
    lens = {"kind": "clusters", "numbers": ["nps"], "answered": "nps", "known": ["mood"]}
    found = fit_segmentation(table, SegmentationSettings(lenses={"attitude": lens}, **QUICK))
    silence = found.metrics["lenses"]["attitude"]["silence"]
    assert 0 < silence["confidence_silent"] < 1
    silent = table["nps"].isna()
    spoken = found.assigned["attitude"][~silent]
    unhappy = table.loc[~silent, "nps"].groupby(spoken).mean().idxmin()
    placed = found.assigned["attitude"] == unhappy
    assert table.loc[silent & placed, "mood"].mean() < table.loc[silent & ~placed, "mood"].mean() - 1
    assert "not random" in silence["warning"]
    assert found.assigned["attitude"].notna().all()


def test_tiers_follow_deciles_and_rules_take_the_first_that_fits(fitted):
    table, _, result = fitted
    value = result.assigned["value"]
    assert abs((value == "high").mean() - 0.2) < 0.05
    assert table.loc[value == "high", "margin"].mean() > table.loc[value == "low", "margin"].mean()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: pd.concat([t, t.head(2)]), "2 rows repeat"),
        (lambda t: t.head(12), "at least 20"),
        (lambda t: t.assign(**{"category:food": -1.0}), "counts below 0"),
        (lambda t: t.drop(columns="customer_id"), "no column 'customer_id'"),
    ],
)
def test_wrong_tables_are_refused(change, said):
    table, _ = customers(300)
    with pytest.raises(DataError, match=said):
        fit_segmentation(change(table), SegmentationSettings(lenses={"behaviour": LENSES["behaviour"]}, **QUICK))


def test_constant_columns_are_left_out_and_nothing_at_all_is_not_applicable():
    table, _ = customers(300)
    flat = table.assign(spending=1.0, visits=2.0, **{f"category:{c}": 0.0 for c in ("food", "books", "travel")})
    with pytest.raises(NotApplicable, match="behaviour"):
        fit_segmentation(flat, SegmentationSettings(lenses={"behaviour": LENSES["behaviour"]}, **QUICK))
    with pytest.raises(ParamsError, match="unknown kind"):
        SegmentationSettings(lenses={"x": {"kind": "groups"}})


def test_lenses_can_be_looked_at_together():
    table, group = customers()
    parts = {
        "money": {"kind": "clusters", "numbers": ["spending"]},
        "taste": {"kind": "clusters", "counts": ["category"]},
    }
    both = {**parts, "both": {"kind": "clusters", "of": ["money", "taste"]}}
    found = fit_segmentation(table, SegmentationSettings(lenses=both, **QUICK))
    scores = {lens: adjusted_rand_score(group, found.assigned[lens]) for lens in both if lens in found.assigned}
    assert scores["both"] >= max(scores.values()) - 0.02
    assert scores["both"] > 0.9


def test_a_block_may_be_counted_and_have_its_themes_taken_as_well():
    table, group = customers()
    lens = {"kind": "clusters", "counts": ["category"], "themes": ["category"]}
    result = fit_segmentation(table, SegmentationSettings(lenses={"needs": lens}, **QUICK))
    assert adjusted_rand_score(group, result.assigned["needs"]) > 0.8
    assert not result.tables["profile"].duplicated(["lens", "segment", "what"]).any()


def test_what_only_describes_forms_no_segment_and_no_name_and_items_are_told_as_shares():
    table, _ = customers()
    plain = {"kind": "clusters", "numbers": ["spending", "visits"]}
    told = {**plain, "described": ["category", "region", "nothing_there"]}
    one, other = (fit_segmentation(table, SegmentationSettings(lenses={"a": lens}, **QUICK)) for lens in (plain, told))
    pd.testing.assert_frame_equal(one.assigned, other.assigned)
    assert one.model.spec == other.model.spec
    about = other.tables["profile"].set_index("what")
    assert {"category:food", "region = north", "spending"} <= set(about.index)
    first = about.loc["category:food"].iloc[0]
    inside = table[other.assigned["a"] == first["segment"]]
    bought = inside[["category:food", "category:books", "category:travel"]]
    assert first["inside"] == pytest.approx((bought["category:food"] / bought.sum(axis=1)).mean())


def test_the_silent_are_placed_by_texts_and_counts_as_well():
    table, group = customers()
    table["mark"] = np.where(group == 0, "x", "y")
    lens = {
        "kind": "clusters",
        "numbers": ["nps"],
        "answered": "nps",
        "known_texts": ["mark"],
        "known_counts": ["category"],
    }
    found = fit_segmentation(table, SegmentationSettings(lenses={"attitude": lens}, **QUICK))
    silent = table["nps"].isna()
    unhappy = table.loc[~silent, "nps"].groupby(found.assigned["attitude"][~silent]).mean().idxmin()
    placed = found.assigned["attitude"][silent] == unhappy
    assert (placed == (group[silent] == 0)).mean() > 0.8


def test_a_segmentation_of_a_month_knows_until_then(fitted):
    table, _, result = fitted
    assert "learned_until" not in result.model.spec  # no date, nothing to say
    dated = fit_segmentation(
        table.assign(as_of=pd.Timestamp("2026-07-01")), SegmentationSettings(lenses={"value": LENSES["value"]}, **QUICK)
    )
    assert dated.model.spec["learned_until"] == "2026-07-01"
