"""Encoding: texts become shrunk rates that don't hand a row its own label."""

import numpy as np
import pandas as pd
import pytest

from afraz.models import encoding, splits
from afraz.models.artifact import Artifact


def test_a_rare_text_does_not_tell_its_own_label() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(2000) < 0.3).astype(float)
    frame = pd.DataFrame({"street": rng.integers(0, 700, 2000).astype(str)})
    code = encoding.FoldEncoder(frame, label, splits.assign_folds(label, 5, 0)).matrix()[:, 0]
    assert np.corrcoef(code, label)[0, 1] < 0.05


def test_a_text_that_matters_keeps_its_rates_and_noise_collapses() -> None:
    rng = np.random.default_rng(1)
    plan, noise = rng.choice(["a", "b"], 4000), rng.choice(list("pqrstuvw"), 4000)
    label = (rng.random(4000) < np.where(plan == "a", 0.4, 0.1)).astype(float)
    frame = pd.DataFrame({"plan": plan, "noise": noise})
    features = encoding.FoldEncoder(frame, label, splits.assign_folds(label, 5, 0)).features()
    assert features[0]["levels"]["a"] == pytest.approx(0.4, abs=0.03)
    assert features[0]["levels"]["b"] == pytest.approx(0.1, abs=0.03)
    assert np.ptp(list(features[1]["levels"].values())) < 0.02


def test_repeated_rows_of_a_customer_do_not_count_as_evidence() -> None:
    sums, counts = np.array([30.0, 10.0, 20.0, 22.0]), np.array([100.0, 100.0, 100.0, 100.0])
    once, _ = encoding.shrunk_rates(sums, counts)
    repeated, _ = encoding.shrunk_rates(sums, counts, rows_per_customer=10)
    assert np.ptp(once) > np.ptp(repeated)


def test_a_held_out_fold_is_encoded_without_its_labels() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"plan": rng.choice(list("abc"), 300)})
    label = (rng.random(300) < 0.3).astype(float)
    fold = splits.assign_folds(label, 3, 0)
    before = encoding.FoldEncoder(frame, label, fold).matrix(held_out=1)
    changed = np.where(fold == 1, 1 - label, label)
    assert (encoding.FoldEncoder(frame, changed, fold).matrix(held_out=1) == before).all()


def test_the_model_encodes_missing_unseen_and_known_texts_as_learnt() -> None:
    frame = pd.DataFrame({"plan": ["a"] * 60 + ["b"] * 40 + [None] * 50, "n": pd.array([1, None] * 75, dtype="Int64")})
    label = np.array([1.0] * 50 + [0.0] * 60 + [1.0] * 40)
    features = encoding.FoldEncoder(frame, label, np.arange(150) % 3).features()
    head = {
        "name": "leave",
        "kind": "linear",
        "intercept": 0.0,
        "coefficients": [1.0, 0.0],
        "means": [0, 0],
        "scales": [1, 1],
    }
    spec = {
        "format": 1,
        "model": "toy",
        "features": features,
        "heads": [head],
        "outputs": [{"name": "leave", "head": "leave"}],
    }
    x = Artifact(spec, {}).matrix(pd.DataFrame({"plan": ["a", None, "new"], "n": [True, False, None]}))
    plan = features[0]
    assert x[:, 0].tolist() == [plan["levels"]["a"], plan["missing"], plan["other"]]
    assert x[:2, 1].tolist() == [1.0, 0.0]
    assert np.isnan(x[2, 1])


def test_numbers_pass_unchanged_and_missing_stays_missing() -> None:
    frame = pd.DataFrame({"x": [1.5, np.nan, 3.0], "b": [True, False, True]})
    x = encoding.FoldEncoder(frame, np.array([0.0, 1.0, 0.0]), np.array([0, 1, 2])).matrix()
    assert x[0].tolist() == [1.5, 1.0]
    assert np.isnan(x[1, 0])
