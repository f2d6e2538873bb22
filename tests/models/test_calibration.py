"""Calibration: planted distortions are found, straight lines stay straight, horizons never cross."""

import numpy as np
import pytest

from afraz.models import calibration
from afraz.models.calibration import Curve, sigmoid


@pytest.fixture(scope="module")
def margin() -> np.ndarray:
    return np.random.default_rng(0).normal(-2.5, 1.5, 20_000)


def _draw(p: np.ndarray, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(p)) < p).astype(float)


FOLD = np.arange(20_000) % 5


def test_recalibration_reads_off_the_planted_line(margin: np.ndarray) -> None:
    intercept, slope = calibration.recalibrate(_draw(sigmoid(0.4 + 0.6 * margin)), margin)
    assert intercept == pytest.approx(0.4, abs=0.1)
    assert slope == pytest.approx(0.6, abs=0.04)


def test_a_straight_distortion_keeps_the_simple_line(margin: np.ndarray) -> None:
    p = sigmoid(0.4 + 0.6 * margin)
    curve, evidence = calibration.choose(margin, _draw(p), FOLD)
    assert evidence["method"] == curve.method == "platt"
    assert np.abs(curve.probability(margin) - p).mean() < 0.005


def test_a_bent_distortion_gets_the_bent_curve(margin: np.ndarray) -> None:
    p = sigmoid(-1.0 - 0.3 * np.logaddexp(0, -2.5 - margin) + 2.0 * np.logaddexp(0, margin + 2.5))
    label = _draw(p)
    curve, evidence = calibration.choose(margin, label, FOLD)
    assert evidence["method"] == "beta"
    line = calibration.platt(margin, label)
    gap = np.abs(curve.probability(margin) - p).mean()
    assert gap < 0.5 * np.abs(line.probability(margin) - p).mean()


def test_a_curve_keeps_the_ranking_even_of_a_useless_margin(margin: np.ndarray) -> None:
    label = _draw(np.full(20_000, 0.1))
    for fit in (calibration.platt, calibration.beta):
        steps = np.diff(fit(-margin, label).log_odds(np.sort(-margin)))
        assert (steps > 0).all()


def test_known_probabilities_calibrate_exactly(margin: np.ndarray) -> None:
    p = sigmoid(0.3 + 0.8 * margin)
    assert calibration.platt(margin, p).probability(margin) == pytest.approx(p, abs=1e-6)


def test_horizons_never_fall_from_short_to_long(margin: np.ndarray) -> None:
    steep, flat = _draw(sigmoid(-0.5 + 1.4 * margin), 2), _draw(sigmoid(0.1 + 0.7 * margin), 3)
    curves, _ = calibration.fit_curves(margin, {"leave_30": steep, "leave_90": flat}, FOLD)
    wide = np.linspace(-30, 30, 5001)
    short, long = curves["leave_30"], curves["leave_90"]
    assert (short.log_odds(wide) <= long.log_odds(wide) + 1e-12).all()
    assert (np.diff(short.knots_log_odds) >= 0).all()
    inside = (margin > -6) & (margin < 0)
    alone = calibration.platt(margin, steep).probability(margin[inside])
    assert short.probability(margin[inside]) == pytest.approx(alone, abs=1e-6), "only the crossing is touched"


def test_curves_that_do_not_cross_are_left_alone() -> None:
    low = Curve("platt", np.array([0.0, 1.0]), np.array([-2.0, -1.0]))
    high = Curve("platt", np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    same = calibration.never_crossing([low, high])
    assert same[0].knots_log_odds.tolist() == [-2.0, -1.0]
    assert same[1].knots_log_odds.tolist() == [0.0, 1.0]


def test_reliability_bins_have_equal_mass_and_hold_the_truth() -> None:
    p = np.repeat([0.1, 0.5], 1000)
    label = np.concatenate([np.arange(1000) % 10 == 0, np.arange(1000) % 2 == 0]).astype(float)
    table = calibration.reliability(label, p, bins=4)
    assert table["rows"].tolist() == [500] * 4
    assert table["observed"].tolist() == [0.1, 0.1, 0.5, 0.5]
    assert ((table["low"] < table["observed"]) & (table["observed"] < table["high"])).all()
