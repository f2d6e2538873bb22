"""Candidates: the simple one wins unless the difference is real."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ArtifactError
from afraz.models import candidates
from afraz.models.artifact import Artifact, load_artifact, save_artifact
from afraz.models.candidates import Candidate, Training
from afraz.models.churn_settings import ChurnSettings
from afraz.models.explain import explain

SETTINGS = ChurnSettings(n_trials=2, folds=3, max_rounds=60, patience=10, bootstrap=50, tuning_rows=2000)


def _training(shape: str) -> Training:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(1500, 3)), columns=list("abc"))
    signal = x["a"] + x["b"] if shape == "straight" else 3.0 * (x["a"] * x["b"] > 0) - 1.5
    label = (rng.random(1500) < 1 / (1 + np.exp(1 - signal))).astype(float)
    return Training.of(x, label, np.arange(1500) // 3, SETTINGS)


@pytest.mark.parametrize(("shape", "winner"), [("straight", "logistic"), ("interaction", "lightgbm")])
def test_the_simple_candidate_wins_unless_the_other_is_better(shape: str, winner: str) -> None:
    training = _training(shape)
    encoder = training.encoder()
    fitted = [
        candidates.fit_logistic(training, encoder, SETTINGS),
        candidates.fit_lightgbm(training, encoder, {}, SETTINGS),
    ]
    chosen, evidence = candidates.choose(fitted, training, SETTINGS)
    assert chosen.name == evidence["chosen"] == winner
    difference = evidence["lightgbm"]["roc_auc_minus_logistic"]
    assert (difference["low"] > 0) == (winner == "lightgbm")


def test_equal_candidates_leave_the_first() -> None:
    training = _training("straight")
    margin = training.features["a"].to_numpy()
    pair = [Candidate(name, {}, None, margin) for name in ("simple", "fancy")]
    assert candidates.choose(pair, training, SETTINGS)[0].name == "simple"


def test_margins_are_out_of_fold() -> None:
    rng = np.random.default_rng(1)
    noise = pd.DataFrame(rng.normal(size=(900, 8)), columns=list("abcdefgh"))
    label = (rng.random(900) < 0.2).astype(float)
    training = Training.of(noise, label, np.arange(900), SETTINGS)
    encoder = training.encoder()
    for candidate in (
        candidates.fit_logistic(training, encoder, SETTINGS),
        candidates.fit_lightgbm(training, encoder, {}, SETTINGS),
    ):
        leaver, stayer = candidate.margin[label == 1].mean(), candidate.margin[label == 0].mean()
        assert abs(leaver - stayer) < 0.1, candidate.name


def test_a_blend_of_a_straight_and_a_bent_half_wins_and_scores_in_a_model_as_in_training(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(3000, 10)), columns=list("abcdefghij"))
    z = x[list("abcdef")].sum(axis=1) / 2 + 1.5 * (x["g"] * x["h"] > 0) - 2
    label = (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(float)
    training = Training.of(x, label, np.arange(3000), SETTINGS)
    encoder = training.encoder()
    parts = [
        candidates.fit_logistic(training, encoder, SETTINGS),
        candidates.fit_lightgbm(training, encoder, {}, SETTINGS),
    ]
    both = candidates.blend(parts, training, encoder)
    chosen, _ = candidates.choose([*parts, both], training, SETTINGS)
    assert chosen.name == "blend"
    assert sum(both.head["weights"]) == pytest.approx(1)
    assert both.importance().sum() == pytest.approx(1)
    spec = {"format": 1, "model": "toy", "features": encoder.features(), "heads": both.heads("leave")}
    model = Artifact({**spec, "outputs": [{"name": "leave", "head": "leave"}]}, both.boosters("leave"))
    margins = model.margins(x)
    weights = both.head["weights"]
    expected = weights[0] * margins["leave_logistic"] + weights[1] * margins["leave_lightgbm"]
    assert margins["leave"] == pytest.approx(expected)
    told = explain(model, model.matrix(x[:50]))
    assert told.engine == "linear+woodelf"
    assert told.additivity_error < 1e-4
    loaded = load_artifact(save_artifact(model, tmp_path / "model"))
    assert (loaded.margins(x)["leave"] == margins["leave"]).all()


def test_a_blend_of_heads_that_are_not_there_is_refused() -> None:
    spec = {"format": 1, "model": "toy", "features": [{"name": "a", "type": "double"}],
            "heads": [{"name": "leave", "kind": "blend", "parts": ["gone"], "weights": [1.0]}],
            "outputs": [{"name": "leave", "head": "leave"}]}  # fmt: skip
    with pytest.raises(ArtifactError, match="blend 'leave' has part 'gone', which is no linear or lightgbm head"):
        Artifact(spec, {})


def test_a_useless_part_gets_no_weight() -> None:
    training = _training("straight")
    good = Candidate("good", {}, None, training.features["a"].to_numpy())
    against = Candidate("against", {}, None, -training.features["b"].to_numpy())
    encoder = training.encoder()
    assert candidates.blend([good, against], training, encoder).head["weights"] == [1.0, 0.0]
    assert candidates.blend([good, against], training, encoder, equal=True).head["weights"] == [0.5, 0.5]


def test_an_average_is_taken_unless_it_is_worse_for_certain_but_a_stack_must_be_better_for_certain() -> None:
    training = _training("straight")
    rng = np.random.default_rng(2)
    signal = training.features["a"].to_numpy() + training.features["b"].to_numpy()
    plain = Candidate("plain", {}, None, signal + rng.normal(size=len(signal)))
    doubtful, worse = (
        Candidate("blend", {}, None, signal + rng.normal(scale=spread, size=len(signal)), parts=(plain, plain))
        for spread in (1, 4)
    )
    average = SETTINGS.model_copy(update={"equal_weights": True})
    for candidate, settings, chosen in (
        (doubtful, average, "blend"), (doubtful, SETTINGS, "plain"),
        (worse, average, "plain"), (worse, SETTINGS, "plain"),
    ):  # fmt: skip
        assert candidates.choose([plain, candidate], training, settings)[0].name == chosen


def test_a_sample_keeps_whole_customers() -> None:
    sample = _training("straight").at_most(500, seed=1)
    assert 400 < len(sample.label) < 600
    assert (np.unique(sample.groups, return_counts=True)[1] == 3).all()


def test_parameters_that_are_set_are_not_searched() -> None:
    settings = SETTINGS.model_copy(update={"lightgbm": {"num_leaves": 7}})
    assert "num_leaves" not in candidates.search_space(settings)
    found, evidence = candidates.tune_lightgbm(_training("straight"), settings, None)
    assert "num_leaves" not in found.best
    assert evidence["parameters"]["num_leaves"] == 7
    assert evidence["taken"] in {"tuned", "default"}
