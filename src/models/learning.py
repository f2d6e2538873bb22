"""Learn one label from a flat table: every candidate on the same folds, the choice between them, and what was found.

Shared by the models that give a probability; each of them decides what becomes of the chosen candidate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from . import calibration, candidates, gbm, leak_screen, metrics, splits
from .artifact import Artifact
from .candidates import Candidate, Training
from .encoding import FoldEncoder
from .flat_table import FlatTable
from .settings import FitSettings
from .watched import Watched

Array = NDArray[np.float64]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Learned:
    """Fitted candidates and the one that was chosen; ``evidence`` says why, ``trials`` how it was tuned."""

    chosen: Candidate
    fitted: list[Candidate]
    training: Training
    encoder: FoldEncoder
    trials: pd.DataFrame
    evidence: dict[str, Any] = field(default_factory=dict)

    def features(self) -> list[dict[str, Any]]:
        """Spell the inputs of the chosen candidate for a model folder, each with its usual value."""
        out = [dict(feature) for feature in self.chosen.inputs] or self.encoder.features()
        x = dict(zip(self.encoder.names, self.encoder.matrix().T, strict=True))
        for feature in out:
            seen = x[feature["name"]]
            seen = seen[~np.isnan(seen)]
            feature["reference"] = float(np.median(seen)) if len(seen) else None
        return out

    def importance(self) -> pd.DataFrame:
        """Tell what the chosen candidate uses, and how often each feature is missing in training."""
        used = [feature["name"] for feature in self.chosen.inputs] or self.encoder.names
        frame = pd.DataFrame({"feature": used, "importance": self.chosen.importance()})
        frame["missing"] = self.training.features[used].isna().mean().to_numpy()
        return frame.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)

    def suspected_leaks(self, settings: FitSettings) -> list[dict[str, Any]]:
        """Screen the features on a sample of the training rows: :mod:`.leak_screen`."""
        sample = self.training.labelled().sample(min(20_000, settings.tuning_rows), settings.seed)
        encoder = sample.encoder()
        parameters = gbm.lightgbm_parameters({"learning_rate": 0.1}, seed=settings.seed)
        return leak_screen.suspected_leaks(
            encoder.matrix(), sample.label, sample.fold, encoder.names, parameters,
            auc=settings.leak_auc, share=settings.leak_share, top=settings.leak_features,
        )  # fmt: skip


def split(flat: FlatTable, settings: FitSettings, outcome_days: int) -> tuple[Positions, Positions, dict[str, Any]]:
    """Take the last dates as the test; without dates, a part of the customers.

    Returns
    -------
    train, test : positions
    said : dict
        How it was split, from when to when, and how many rows were purged.
    """
    if flat.as_of is not None and flat.as_of.nunique() > 1:
        cut = splits.out_of_time(flat.as_of, outcome_days=outcome_days, test_dates=settings.test_dates)
        said = {
            "split": "out of time",
            "purged_rows": len(cut.purged),
            "train_from": f"{cut.train_dates[0]:%Y-%m-%d}",
            "train_to": f"{cut.train_dates[-1]:%Y-%m-%d}",
            "test_from": f"{cut.test_dates[0]:%Y-%m-%d}",
            "test_to": f"{cut.test_dates[-1]:%Y-%m-%d}",
        }
        return cut.train, cut.test, said
    label = flat.labels[list(flat.labels)[-1]]
    parts = max(2, round(1 / settings.test_share))
    of_row = splits.assign_folds(label, parts, settings.seed, flat.groups)
    return np.flatnonzero(of_row > 0), np.flatnonzero(of_row == 0), {"split": "customers at random", "purged_rows": 0}


def learn(
    flat: FlatTable, rows: Positions, output: str, settings: FitSettings, storage: Path | None,
    watched: Watched | None = None,
) -> Learned:  # fmt: skip
    """Fit every candidate on the rows and choose.

    Parameters
    ----------
    watched : Watched, optional
        How long each row of ``flat`` was watched; None: candidates are fitted to the label.

    Raises
    ------
    DataError
        If there are fewer events than ``min_events``.
    """
    label, seen = flat.labels[output][rows], None if watched is None else watched.part(rows)
    training = Training.of(flat.features.iloc[rows], label, flat.groups[rows], settings, seen)
    if (events := label[training.known].sum()) < settings.min_events:
        raise DataError(settings.too_few(round(events), int(training.known.sum())))
    encoder = training.encoder()
    fitted: list[Candidate] = []
    trials, evidence = pd.DataFrame(), dict[str, Any]()
    for name in settings.candidates:
        if name == "logistic":
            fitted.append(candidates.fit_logistic(training, encoder, settings))
        elif name == "blend":
            fitted.append(candidates.blend(fitted, training, encoder, settings.equal_weights))
        elif name == "scorecard":
            fitted.append(candidates.fit_woe_scorecard(training, settings))
        else:
            tuned, comparison = candidates.tune_lightgbm(training, settings, storage)
            trials = tuned.trials
            pruned = int((trials["state"] == "pruned").sum())
            evidence["tuning"] = {"best": tuned.best, "loss": tuned.best_value, "trials": len(trials), "pruned": pruned}
            evidence["tuning"] |= {"study": tuned.study, **comparison}
            fitted.append(candidates.fit_lightgbm(training, encoder, comparison["parameters"], settings))
    chosen, evidence["candidates"] = candidates.choose(fitted, training, settings)
    return Learned(chosen, fitted, training, encoder, trials, evidence)


def calibrated_output(name: str, head: str, curve: calibration.Curve) -> dict[str, Any]:
    """Spell an output of a model: a probability by a curve of a head's margin."""
    return {
        "name": name,
        "head": head,
        "knots_margin": curve.knots_margin.tolist(),
        "knots_log_odds": curve.knots_log_odds.tolist(),
    }


def scored_sample(flat: FlatTable, rows: Positions, predictions: pd.DataFrame, artifact: Artifact) -> pd.DataFrame:
    """Rows as scoring will meet them, with what the model said of them: the checks try the saved model on these."""
    outputs = [o["name"] for o in artifact.spec["outputs"]]
    features = flat.features.iloc[rows].reset_index(drop=True)
    said = predictions[outputs].reset_index(drop=True)
    return pd.concat([pd.Series(range(len(features)), name="row"), features, said], axis=1)


def measured_on(label: Array, probability: Array, groups: Positions, settings: FitSettings) -> dict[str, Any]:
    """Measure a probability on rows that were not learned from; intervals resample customers."""
    found = metrics.bootstrap(label, probability, groups, n=settings.bootstrap, seed=settings.seed)
    return {
        **found,
        **calibration.recalibration(label, calibration.logit(probability), groups),
        "rows": len(label),
        "events": float(label.sum()),
        "customers": len(np.unique(groups)),
    }


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions of the whole procedure, tuning included; one column of ``predictions`` per repeat.

    ``roc_auc`` is that of all rows, the mean over repeats; ``roc_auc_of_folds`` the mean of the folds' own AUCs, as
    most published results state it.
    """

    predictions: pd.DataFrame
    roc_auc: dict[str, float]
    by_repeat: list[float]
    chosen: list[str]
    roc_auc_of_folds: float


def cross_validate(
    flat: FlatTable,
    settings: FitSettings,
    fit: Callable[[Positions], tuple[str, Callable[[pd.DataFrame], Array]]],
    *,
    folds: int,
    repeats: int,
    seed: int,
) -> CrossValidation:
    """Predict every row by a model that has seen nothing of its customer.

    Parameters
    ----------
    fit : callable
        From the positions to learn from to the name of what was chosen and a function from features to probabilities.
    folds, repeats : int
        Each repeat deals the customers anew.
    """
    label, columns, chosen, of_folds = flat.labels[list(flat.labels)[-1]], {}, [], []
    for repeat in range(repeats):
        of_row = splits.assign_folds(label, folds, seed + repeat, flat.groups)
        predicted = np.full(len(flat), np.nan)
        for k in range(folds):
            name, predict = fit(np.flatnonzero(of_row != k))
            rows = np.flatnonzero(of_row == k)
            predicted[rows] = predict(flat.features.iloc[rows])
            of_folds.append(metrics.measure(label[rows], predicted[rows], ("roc_auc",))["roc_auc"])
            chosen.append(name)
        columns[f"repeat_{repeat}"] = predicted
    by_repeat = [
        metrics.bootstrap(label, p, flat.groups, names=("roc_auc",), n=settings.bootstrap, seed=seed)["roc_auc"]
        for p in columns.values()
    ]  # the same resamples in every repeat, so their ends may be averaged
    mean = {end: float(np.mean([found[end] for found in by_repeat])) for end in ("value", "low", "high")}
    frame = pd.DataFrame({"row": flat.position, "label": label, **columns}).sort_values("row").reset_index(drop=True)
    return CrossValidation(frame, mean, [found["value"] for found in by_repeat], chosen, float(np.nanmean(of_folds)))
