"""Rows that were watched for different times, and what candidates learn from them."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from afraz.models.candidates import Training, fit_lightgbm, fit_logistic, fit_woe_scorecard
from afraz.models.settings import FitSettings
from afraz.models.watched import Watched

Array = NDArray[np.float64]
SETTINGS = FitSettings(folds=3, bootstrap=20, max_rounds=60)


def _loans(seed: int, rows: int = 3000) -> tuple[pd.DataFrame, Array, Watched]:
    """Hazards in proportion to exp(a); half the rows are watched for less than the window of 12, others for longer."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
    default = rng.exponential(1 / (0.006 * np.exp(x["a"].to_numpy())))
    watched = np.where(np.arange(rows) % 2, rng.uniform(1, 12, rows), rng.uniform(12, 30, rows))
    event, known = (default < watched).astype(float), watched >= 12
    label = np.where(known, default < 12, event).astype(float)
    return x, label, Watched.of(np.minimum(default, watched), event, known)


def test_the_exposure_is_the_hazard_that_kaplan_and_meier_saw() -> None:
    # one of four at 1, one of two at 3 (the third left at 2): hazards -log(3/4) and -log(3/8)
    seen = Watched.of(np.array([1.0, 2, 3, 4]), np.array([1.0, 0, 1, 0]), np.array([True, False, True, True]))
    hazard = -np.log([3 / 4, 3 / 4, 3 / 8, 3 / 8])
    assert seen.exposure == pytest.approx(hazard / hazard[[0, 2, 3]].mean())
    assert seen.weight == pytest.approx(seen.event + seen.exposure)
    assert seen.target * seen.weight == pytest.approx(seen.event)
    part = seen.part(np.array([2, 0]))
    assert (part.exposure == seen.exposure[[2, 0]]).all()
    assert part.known.tolist() == [True, True]


def test_an_event_in_the_last_row_leaves_exposures_finite() -> None:
    seen = Watched.of(np.array([1.0, 2, 3]), np.array([1.0, 0, 1]), np.ones(3, bool))
    assert np.isfinite(seen.exposure).all()
    assert np.isfinite(seen.target).all()


def test_nothing_watched_and_nothing_seen_weighs_nothing() -> None:
    seen = Watched.of(np.array([0.5, 1.0, 2.0]), np.array([0.0, 1, 0]), np.array([False, True, True]))
    assert (seen.weight[0], seen.target[0]) == (0, 0)


@pytest.mark.parametrize("fit", [
    lambda data: fit_logistic(data, data.encoder(), SETTINGS),
    lambda data: fit_lightgbm(data, data.encoder(), {"learning_rate": 0.1, "num_leaves": 4}, SETTINGS),
    lambda data: fit_woe_scorecard(data, SETTINGS),
], ids=["logistic", "lightgbm", "scorecard"])  # fmt: skip
def test_candidates_come_closer_to_the_truth_by_all_that_was_seen(fit) -> None:  # type: ignore[no-untyped-def]
    found = []
    for seed in range(3):
        x, label, watched = _loans(seed)
        rows, known = np.arange(len(x)), watched.known
        more = Training.of(x, label, rows, SETTINGS, watched)
        less = Training.of(x[known], label[known], rows[known], SETTINGS)
        whole, part = fit(more).margin, np.full(len(x), np.nan)
        part[known] = fit(less).margin
        truth = x["a"].to_numpy()[known]
        found.append([np.corrcoef(margin[known], truth)[0, 1] for margin in (whole, part)])
    more_seen, less_seen = np.mean(found, axis=0)
    assert more_seen > less_seen > 0.5


def test_a_scorecard_counts_what_was_watched() -> None:
    x, label, watched = _loans(0)
    card = fit_woe_scorecard(Training.of(x, label, np.arange(len(x)), SETTINGS, watched), SETTINGS).scorecard
    assert card is not None
    table = card.points_table()
    assert table.groupby("variable")["count"].sum().to_numpy() == pytest.approx(watched.weight.sum())


def test_measures_look_at_known_labels_only() -> None:
    x, label, watched = _loans(1)
    data = Training.of(x, label, np.arange(len(x)), SETTINGS, watched)
    assert data.known.sum() == watched.known.sum() == len(data.labelled().label)
    assert data.labelled().watched is None
    assert (data.labelled().rows == np.arange(watched.known.sum())).all()
    small = data.part(np.arange(len(x)) < 100)
    assert small.watched is not None
    assert (small.watched.event == watched.event[:100]).all()
    assert data.digest() != Training.of(x, label, np.arange(len(x)), SETTINGS).digest()
