"""Measures of uplift: equal to scikit-uplift's, right in worked examples, blind to what they must not see."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

with warnings.catch_warnings():
    # the oracle imports an API that scikit-learn 1.10 removes
    warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn")
    from sklift.metrics import qini_auc_score, uplift_at_k, uplift_auc_score

from afraz.errors import DataError
from afraz.models.promotion.curves import (
    bootstrap_uplift,
    calibration_by_decile,
    gains_table,
    measure_uplift,
)

from .trials import simulate

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(autouse=True)
def the_oracle_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Function stable_cumsum is deprecated", category=FutureWarning)
        yield


def drawn(seed: int, share: float = 0.5, levels: int | None = None) -> Drawn:
    """Outcomes, treatments and scores; with few ``levels`` most scores are tied."""
    rng = np.random.default_rng(seed)
    n = 400
    t, s = (rng.random(n) < share).astype(int), rng.random(n)
    y = (rng.random(n) < 0.2 + 0.5 * t * s).astype(int)
    return y, t, s if levels is None else np.floor(s * levels)


@pytest.mark.parametrize("levels", [None, 50, 4, 1])
@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_areas_are_those_of_scikit_uplift_ties_included(seed: int, share: float, levels: int | None) -> None:
    y, t, s = drawn(seed, share, levels)
    found = measure_uplift(y, t, s, ("qini_auc", "auuc"))
    assert found["qini_auc"] == pytest.approx(qini_auc_score(y, s, t), abs=1e-12)
    assert found["auuc"] == pytest.approx(uplift_auc_score(y, s, t), abs=1e-12)


def test_areas_are_those_of_scikit_uplift_where_most_respond_without_the_offer() -> None:
    rng = np.random.default_rng(4)
    t, s = rng.integers(0, 2, 300), rng.random(300)
    y = (rng.random(300) < np.where(t == 1, 0.95, 0.8)).astype(int)  # the other branch of the perfect uplift curve
    found = measure_uplift(y, t, s, ("qini_auc", "auuc"))
    assert found["qini_auc"] == pytest.approx(qini_auc_score(y, s, t), abs=1e-12)
    assert found["auuc"] == pytest.approx(uplift_auc_score(y, s, t), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_uplift_of_the_first_customers_is_that_of_scikit_uplift(seed: int) -> None:
    y, t, s = drawn(seed)
    found = measure_uplift(y, t, s)
    assert found["uplift_at_10pct"] == pytest.approx(uplift_at_k(y, s, t, strategy="overall", k=40), abs=1e-12)
    assert found["uplift_at_30pct"] == pytest.approx(uplift_at_k(y, s, t, strategy="overall", k=120), abs=1e-12)


def test_ties_that_end_at_the_edge_are_cut_like_distinct_scores() -> None:
    y, t, s = drawn(7)
    tied = np.argsort(np.argsort(-s)) // 40  # ten groups of 40: the edges of 10 and 30 % lie between groups
    found = measure_uplift(y, t, -tied)
    assert found["uplift_at_30pct"] == pytest.approx(uplift_at_k(y, -tied, t, strategy="overall", k=120), abs=1e-12)


def test_the_order_of_rows_with_equal_scores_does_not_matter() -> None:
    y, t, s = drawn(8, levels=5)
    turned = np.lexsort((y, t))  # a stable sort of this would list treated responders last
    assert measure_uplift(y, t, s) == pytest.approx(measure_uplift(y[turned], t[turned], s[turned]), abs=1e-12)


def test_a_constant_score_is_a_random_list() -> None:
    y, t, _ = drawn(9)
    found = measure_uplift(y, t, np.full(len(y), 3.0))
    overall = y[t == 1].mean() - y[t == 0].mean()
    assert found["qini_auc"] == found["auuc"] == 0
    assert found["uplift_at_10pct"] == pytest.approx(overall)
    assert found["uplift_at_30pct"] == pytest.approx(overall)
    assert found["treated_share_gap"] == pytest.approx(0, abs=1e-12)


def test_the_perfect_order_has_area_one_and_its_reverse_is_below_random() -> None:
    y, t, _ = drawn(10)
    best = (y * t - y * (1 - t)).astype(float)
    assert measure_uplift(y, t, best, ("qini_auc",))["qini_auc"] == pytest.approx(1)
    assert measure_uplift(y, t, -best, ("qini_auc",))["qini_auc"] < 0


def test_a_score_that_knows_who_was_treated_is_told_by_the_share() -> None:
    y, t, s = drawn(11)
    assert measure_uplift(y, t, t + 0.1 * s)["treated_share_gap"] == pytest.approx(1 - t.mean(), abs=1e-12)
    assert abs(measure_uplift(y, t, s)["treated_share_gap"]) < 0.1


def test_nobody_or_everybody_treated_and_missing_scores_are_refused() -> None:
    y, t, s = drawn(12)
    with pytest.raises(DataError, match="nobody of 400 customers was treated"):
        measure_uplift(y, np.zeros(400), s)
    with pytest.raises(DataError, match="everybody of 400 customers was treated"):
        measure_uplift(y, np.ones(400), s)
    s[:3] = np.nan
    with pytest.raises(DataError, match="3 scores are missing: score every customer first"):
        measure_uplift(y, t, s)


def test_the_bootstrap_tells_a_good_score_from_a_useless_one_and_pairs_it_with_its_rival() -> None:
    trial = simulate(2000, seed=1)
    rng = np.random.default_rng(0)
    scores = {"truth": trial.effect, "useless": rng.random(2000)}
    found = bootstrap_uplift(trial.outcome, trial.treated, scores, np.arange(2000), rival="useless", n=60)
    table = found.set_index(["score", "measure"])
    for name in ("qini_auc", "auuc", "uplift_at_10pct", "uplift_at_30pct"):
        assert table.loc[("truth", name), "over_rival_low"] > 0
        assert table.loc[("useless", name), ["over_rival", "over_rival_low", "over_rival_high"]].tolist() == [0, 0, 0]
    useless = table.loc[("useless", "qini_auc")]
    assert useless["low"] < 0 < useless["high"]
    at = table.loc[("truth", "uplift_at_30pct")]
    assert at["low"] < 0.4 < at["high"], "everybody among the first 30 % gains 0.4"
    alone = measure_uplift(trial.outcome, trial.treated, trial.effect)
    assert {name: table.loc[("truth", name), "value"] for name in alone} == pytest.approx(alone)


def test_several_rows_of_a_customer_widen_the_intervals() -> None:
    trial = simulate(300, seed=2)
    four = np.tile(np.arange(300), 4)
    said = [
        bootstrap_uplift(np.tile(trial.outcome, 4), np.tile(trial.treated, 4), {"s": np.tile(trial.x[:, 1], 4)}, groups,
                         names=("uplift_at_30pct",), n=100).iloc[0]
        for groups in (four, np.arange(1200))
    ]  # fmt: skip
    width = [one["high"] - one["low"] for one in said]
    assert width[0] > 1.6 * width[1], "four copies know as much as one: twice the width of four times the customers"


def test_weights_undo_an_assignment_that_follows_the_score() -> None:
    trial = simulate(20_000, seed=3, varying=True)
    got = np.where(trial.treated == 1, trial.propensity, 1 - trial.propensity)
    said = {}
    for name, weight in (("weighed", 1 / got), ("plain", None)):
        said[name] = bootstrap_uplift(trial.outcome, trial.treated, {"base": trial.x[:, 0]}, np.arange(20_000),
                                      weight=weight, n=20).set_index("measure")["value"]  # fmt: skip
    first = trial.x[:, 0] >= np.quantile(trial.x[:, 0], 0.7)
    assert said["weighed"]["uplift_at_30pct"] == pytest.approx(trial.effect[first].mean(), abs=0.04)
    assert abs(said["weighed"]["treated_share_gap"]) < 0.03
    assert said["plain"]["treated_share_gap"] > 0.2


def test_the_gains_table_begins_at_nothing_and_ends_at_the_mean_effect() -> None:
    y, t, s = drawn(13)
    table = gains_table(y, t, {"good": s, "bad": -s}, np.ones(len(y)))
    by = table.set_index(["score", "share_of_customers"])["gained_per_customer"]
    overall = y[t == 1].mean() - y[t == 0].mean()
    for name in ("good", "bad"):
        assert by[name, 0.0] == 0
        assert by[name, 1.0] == pytest.approx(overall)
    assert by["good", 0.5] > overall / 2 > by["bad", 0.5]
    first = np.argsort(-s)[:200]
    gap = y[first][t[first] == 1].mean() - y[first][t[first] == 0].mean()
    assert by["good", 0.5] == pytest.approx(gap / 2)


def test_calibration_finds_a_prediction_twice_too_large_and_leaves_a_right_one_alone() -> None:
    rng = np.random.default_rng(14)
    truth = rng.normal(0.1, 0.1, 20_000)
    effect = truth + rng.normal(0, 0.5, 20_000)
    right = calibration_by_decile(effect, truth, np.arange(20_000))
    wrong = calibration_by_decile(effect, 2 * truth, np.arange(20_000))
    assert right["decile"].tolist() == list(range(1, 11))
    assert right["customers"].eq(2000).all()
    assert right["predicted"].is_monotonic_decreasing
    assert right["predicted"].between(right["low"], right["high"]).sum() >= 8
    assert wrong["predicted"].between(wrong["low"], wrong["high"]).sum() <= 3


def test_calibration_counts_copies_of_a_customer_once() -> None:
    rng = np.random.default_rng(15)
    effect, predicted = rng.normal(size=500), rng.random(500)
    one = calibration_by_decile(effect, predicted, np.arange(500), 2)
    four = calibration_by_decile(np.repeat(effect, 4), np.repeat(predicted, 4), np.repeat(np.arange(500), 4), 2)
    np.testing.assert_allclose(four["high"] - four["low"], one["high"] - one["low"])


def test_lists_of_several_models_are_cut_within_folds() -> None:
    y, t, s = drawn(16)
    fold = np.arange(400) % 4
    groups = np.arange(400)
    shifted = bootstrap_uplift(y, t, {"plain": s, "moved": s + 10 * fold}, groups, fold=fold, n=20).set_index("measure")
    plain, moved = (shifted[shifted["score"] == name].drop(columns="score") for name in ("plain", "moved"))
    assert plain.equals(moved), "levels of folds do not matter"
    alone = bootstrap_uplift(y, t, {"plain": s}, groups, fold=np.zeros(400, dtype=int), n=20)
    assert alone.equals(bootstrap_uplift(y, t, {"plain": s}, groups, n=20)), "one fold is a list as any"


def test_the_first_share_of_each_fold_counts_ties_in_proportion() -> None:
    y, t, _ = drawn(17)
    fold = np.arange(400) % 2
    level = np.where(fold == 0, np.arange(400) < 200, np.arange(400) < 360).astype(float)  # a half, and nine of ten
    found = bootstrap_uplift(y, t, {"level": level}, np.arange(400), fold=fold, names=("uplift_at_30pct",), n=2)
    weight = level * np.where(fold == 0, 0.6, 0.3 / 0.9)  # three of ten in either
    treated, control = weight * t, weight * (1 - t)
    by_hand = (y * treated).sum() / treated.sum() - (y * control).sum() / control.sum()
    assert found["value"].iloc[0] == pytest.approx(by_hand)
