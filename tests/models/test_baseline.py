"""The best single feature is found in its better direction, and a model's lead over it is real or none."""

import numpy as np

from afraz.models.baseline import best_single_feature, lead_over


def _rows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3000, 3))
    y = (-2.0 * x[:, 1] + x[:, 2] + rng.normal(size=3000) > 2).astype(float)
    x[rng.random(3000) < 0.1, 1] = np.nan
    return x, y


def test_the_feature_that_ranks_best_is_found_with_its_direction() -> None:
    x, y = _rows(0)
    best = best_single_feature(x, y, ["noise", "spend", "visits"])
    assert (best.name, best.sign) == ("spend", -1.0)


def test_missing_values_stand_at_the_end_where_they_rank_better() -> None:
    x, y = _rows(0)
    leaves = y == 1
    x[:, 1] = np.where(leaves, np.nan, np.abs(x[:, 1]))
    best = best_single_feature(x, y, ["noise", "spend", "visits"])
    assert (best.name, best.missing_first) == ("spend", True)
    assert best.score(x)[leaves].min() > np.max(best.score(x)[~leaves & ~np.isnan(x[:, 1])])


def test_two_features_lead_over_one_and_the_feature_itself_does_not() -> None:
    x, y = _rows(0)
    later, label = _rows(1)
    rival = best_single_feature(x, y, ["noise", "spend", "visits"])
    both = np.nan_to_num(-2.0 * later[:, 1]) + later[:, 2]
    found = lead_over(rival, later, label, both, np.arange(len(label)), n=50)
    assert found["lead"]["low"] > 0.02
    same = lead_over(rival, later, label, rival.score(later), np.arange(len(label)), n=50)
    assert same["lead"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert same["what"] == "spend alone, low values first"
