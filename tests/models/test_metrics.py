"""Measures against scikit-learn, by hand, and for speed."""

import time

import numpy as np
import pytest
from sklearn import metrics as sk

from afraz.models import metrics


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(1, 8, 3000), 2)  # rounded: many ties
    return (rng.random(3000) < p).astype(float), np.clip(p, 0.001, 0.999)


def test_measures_equal_those_of_scikit_learn_with_ties(scored: tuple[np.ndarray, np.ndarray]) -> None:
    y, p = scored
    found = metrics.measure(y, p)
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p))
    assert found["gini"] == pytest.approx(2 * sk.roc_auc_score(y, p) - 1)
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(y, p))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, p))
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, p))


def test_the_textbook_curve_of_ten_customers_has_the_area_counted_by_hand() -> None:
    # T. Fawcett (2006), An introduction to ROC analysis, figure 3: the first ten instances of his table
    label = [1, 1, 0, 1, 1, 1, 0, 0, 1, 0]
    score = [0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53, 0.52, 0.51, 0.505]
    below = 4 + 4 + 3 + 3 + 3 + 1  # non-events ranked below each event
    assert metrics.measure(label, score, ("roc_auc",))["roc_auc"] == pytest.approx(below / 24)


def test_soft_labels_count_each_row_as_both_classes() -> None:
    p, s = np.array([0.9, 0.2, 0.5, 0.1]), np.array([0.8, 0.3, 0.3, 0.2])
    doubled = sk.roc_auc_score(np.repeat([1, 0], 4), np.tile(s, 2), sample_weight=np.concatenate([p, 1 - p]))
    assert metrics.soft_roc_auc(p, s) == pytest.approx(doubled)


def test_soft_auc_of_the_truth_equals_the_mean_auc_of_many_draws() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 9, 4000)
    drawn = [sk.roc_auc_score(rng.random(4000) < p, p) for _ in range(30)]
    assert metrics.soft_roc_auc(p, p) == pytest.approx(np.mean(drawn), abs=0.005)


def test_lift_counts_the_best_tenth_and_shares_ties_on_its_edge() -> None:
    assert metrics.measure([1] * 2 + [0] * 18, np.arange(20)[::-1], ("lift_at_10pct",))["lift_at_10pct"] == 10
    assert metrics.measure([1] * 2 + [0] * 18, np.zeros(20), ("lift_at_10pct",))["lift_at_10pct"] == pytest.approx(1)


def test_calibration_error_finds_a_planted_gap_and_spares_the_innocent() -> None:
    p = np.repeat([0.1, 0.3], 500)
    label = np.concatenate([np.arange(500) < 50, np.arange(500) < 150]).astype(float)
    rng = np.random.default_rng(0).permutation(1000)
    p, label = p[rng], label[rng]
    exact = metrics.measure(p, p, ("calibration_error", "observed_over_expected"))
    assert exact == {"calibration_error": 0.0, "observed_over_expected": 1.0}
    shifted = metrics.measure(p, p - 0.05, ("calibration_error", "observed_over_expected_top_decile"))
    assert shifted["calibration_error"] == pytest.approx(0.05)
    assert shifted["observed_over_expected_top_decile"] == pytest.approx(0.3 / 0.25)


def test_intervals_resample_customers_not_rows(scored: tuple[np.ndarray, np.ndarray]) -> None:
    y, p = (part[:300] for part in scored)
    rows = metrics.bootstrap(np.tile(y, 12), np.tile(p, 12), names=("roc_auc",))["roc_auc"]
    customers = metrics.bootstrap(np.tile(y, 12), np.tile(p, 12), np.tile(np.arange(300), 12), names=("roc_auc",))
    single = metrics.bootstrap(y, p, names=("roc_auc",))["roc_auc"]
    wide = customers["roc_auc"]["high"] - customers["roc_auc"]["low"]
    assert wide == pytest.approx(single["high"] - single["low"], rel=0.05)
    assert wide > 2.5 * (rows["high"] - rows["low"])


def test_a_resampled_measure_equals_the_measure_of_the_repeated_rows(scored: tuple[np.ndarray, np.ndarray]) -> None:
    y, p = (part[:200] for part in scored)
    weight = np.random.default_rng(1).integers(0, 4, 200)
    ranked = metrics.Ranked.of(y, p)
    repeated = metrics.measure(np.repeat(y, weight), np.repeat(p, weight))
    for name in ("roc_auc", "average_precision", "brier", "log_loss", "lift_at_10pct"):
        weighted = metrics.MEASURES[name](ranked, weight[None, ranked.order].astype(float))[0]
        assert weighted == pytest.approx(repeated[name]), name


def test_a_real_difference_is_told_from_noise() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(2 - truth))).astype(float)
    noisy, noisy_too = (truth + rng.normal(size=4000) for _ in range(2))
    assert metrics.paired_difference(y, truth, noisy)["low"] > 0
    even = metrics.paired_difference(y, noisy, noisy_too)
    assert even["low"] < 0 < even["high"]


def test_intervals_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = [0.0, 1.0] * 30, list(np.linspace(0.1, 0.9, 60))
    whole = metrics.bootstrap(y, p, n=20)
    monkeypatch.setattr(metrics, "BLOCK", 100)
    for name, found in metrics.bootstrap(y, p, n=20).items():
        assert found == pytest.approx(whole[name], rel=1e-12), name


def test_two_hundred_resamples_of_twenty_thousand_rows_stay_fast() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    start = time.process_time()
    metrics.bootstrap((rng.random(20_000) < p).astype(float), p, rng.integers(0, 5000, 20_000), names=("roc_auc",))
    assert time.process_time() - start < 2


def test_nan_is_spelled_as_none_for_json() -> None:
    one_class = metrics.measure([0.0, 0.0], [0.1, 0.2], ("roc_auc", "brier"))
    assert metrics.finite({"test": one_class}) == {"test": {"roc_auc": None, "brier": pytest.approx(0.025)}}


def test_the_interval_of_a_calibration_error_holds_the_measured_value() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.01, 0.2, 900)
    label = (rng.random(900) < p).astype(float)
    for seed in range(5):
        found = metrics.bootstrap(label, p, n=40, seed=seed)
        for name, m in found.items():
            assert m["low"] <= m["value"] <= m["high"], name
        assert found["calibration_error"]["low"] >= 0
