"""Drift and quality part by part: what moved is found, what stayed is not."""

import numpy as np
import pandas as pd

from afraz.models import over_time


def _population(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": rng.normal(size=rows) + shift, "noise": rng.normal(size=rows)})
    frame["purpose"] = rng.choice(["car", "house"], rows)
    return frame.assign(p=1 / (1 + np.exp(2 + frame["income"])))


def test_a_population_that_moved_is_seen_by_input_and_segment_and_one_that_stayed_is_not() -> None:
    before = _population(3000, 0)
    still, tables = over_time.drift(before, _population(3000, 1), ["income", "noise"], "p", "purpose")
    assert still["psi_score"] < 3 * still["psi_by_chance"] < 0.1
    assert still["shifted_inputs"] == 0
    assert set(tables["psi_by_segment"]["segment"]) >= {"car", "house"}
    moved, tables = over_time.drift(before, _population(3000, 1, shift=1.0), ["income", "noise"], "p")
    assert moved["psi_score"] > 0.25
    assert moved["shifted_inputs"] == 1
    assert "psi_by_segment" not in tables


def test_the_month_in_which_a_score_stops_ranking_is_seen_and_its_neighbour_and_small_parts_are_not_blamed() -> None:
    rng = np.random.default_rng(0)
    month = np.repeat(["2026-01", "2026-02"], 2000)
    score = rng.normal(size=4000)
    works = month == "2026-01"
    label = (np.where(works, score, 0) + rng.normal(size=4000) > 1.5).astype(float)
    segment = np.where(np.arange(4000) % 400 == 0, "tiny", None)
    found = over_time.quality_by_part(label, score, np.arange(4000), {"month": month, "segment": segment}, n=50)
    rows = found.set_index("part")
    assert rows.loc["2026-01", "low"] > 0.75
    assert rows.loc["2026-02", "low"] < 0.5 < rows.loc["2026-02", "high"]
    assert rows.loc["tiny", "rows"] == 10
    assert np.isnan(rows.loc["tiny", "roc_auc"])


def test_a_sample_keeps_the_order_of_rows_and_is_all_of_few() -> None:
    rows = np.arange(100, 200)
    assert over_time.sample_of(rows, 0).tolist() == rows.tolist()
    some = over_time.sample_of(rows, 0, 10)
    assert len(some) == 10
    assert (np.diff(some) > 0).all()
