"""Candidates for one label, held against one another on the same folds: the simple one wins unless one is better."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import encoding, gbm, linear, metrics, splits, tuning
from .churn_settings import ChurnSettings
from .encoding import FoldEncoder

Array = NDArray[np.float64]
Folds = NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """A fitted head with its out-of-fold margins; ``detail`` says how it was fitted."""

    name: str
    head: dict[str, Any]
    booster: lgb.Booster | None
    margin: Array
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """The training part of a table: features, label, customers, folds."""

    features: pd.DataFrame
    label: Array
    groups: NDArray[np.int64]
    fold: Folds

    @classmethod
    def of(cls, features: pd.DataFrame, label: Array, groups: NDArray[np.int64], settings: ChurnSettings) -> "Training":
        fold = splits.assign_folds(label, settings.folds, settings.seed, groups)
        return cls(features.reset_index(drop=True), label, groups, fold)

    def encoder(self) -> FoldEncoder:
        per_customer = len(self.groups) / len(np.unique(self.groups))
        return FoldEncoder(self.features, self.label, self.fold, per_customer)

    def sample(self, rows: int, seed: int) -> "Training":
        """Keep whole customers, about ``rows`` rows."""
        if len(self.label) <= rows:
            return self
        names = np.unique(self.groups)
        share = rows / len(self.label)
        drawn = np.random.default_rng(seed).permutation(names)[: max(1, round(share * len(names)))]
        keep = np.isin(self.groups, drawn)
        return Training(
            self.features[keep].reset_index(drop=True), self.label[keep], self.groups[keep], self.fold[keep]
        )

    def digest(self) -> str:
        """Name the data by their content."""
        whole = hashlib.sha256()
        whole.update("\0".join(map(str, self.features.columns)).encode())
        whole.update(pd.util.hash_pandas_object(self.features, index=False).to_numpy().tobytes())
        for part in (self.label, self.groups, self.fold):
            whole.update(np.ascontiguousarray(part).tobytes())
        return whole.hexdigest()


def fold_data(training: Training, encoder: FoldEncoder) -> list[gbm.Fold]:
    """Encode and bin the training and validation part of every fold."""
    out = []
    for k in range(encoder.n_folds):
        x = encoder.matrix(held_out=k)
        inside, rows = training.fold != k, np.flatnonzero(training.fold == k)
        train = gbm.dataset(x[inside], training.label[inside], encoder.names)
        valid = gbm.dataset(x[rows], training.label[rows], encoder.names, reference=train)
        out.append(gbm.Fold(train, valid, x[rows], rows))
    return out


def search_space(settings: ChurnSettings) -> dict[str, dict[str, Any]]:
    """Apply the changes of the settings; what is set is not searched."""
    space = {**gbm.SPACE, **settings.space}
    gbm.lightgbm_parameters(dict.fromkeys([*settings.space, *settings.lightgbm]), seed=0)  # names are checked
    return {name: entry for name, entry in space.items() if name not in settings.lightgbm}


def tune_lightgbm(training: Training, settings: ChurnSettings, storage: Path | None) -> tuning.Tuning:
    """Search on a sample of customers, with pruning across folds."""
    sample = training.sample(settings.tuning_rows, settings.seed)
    encoder = sample.encoder()
    folds = fold_data(sample, encoder)
    space = search_space(settings)
    fixed = {"learning_rate": settings.tuning_learning_rate, **settings.lightgbm}
    if "learning_rate" in settings.space:
        fixed.pop("learning_rate")

    def objective(chosen: dict[str, Any], report: tuning.Report) -> float:
        parameters = _parameters({**fixed, **chosen}, encoder.names, settings)
        return gbm.cross_fit(
            folds, parameters, max_rounds=settings.max_rounds, patience=max(10, settings.patience // 2),
            workers=settings.threads, report=report,
        ).loss  # fmt: skip

    code = hashlib.sha256()
    for module in (encoding, gbm, splits, tuning):
        code.update(Path(str(module.__file__)).read_bytes())
    name = tuning.study_name(
        sample.digest(), space, fixed, settings.monotone, settings.max_rounds, settings.patience, settings.seed,
        code.hexdigest(), lgb.__version__,
    )  # fmt: skip
    return tuning.tune(
        objective, space, n_trials=settings.n_trials, seed=settings.seed, name=name, folder=storage, first=gbm.DEFAULTS
    )


def _parameters(chosen: Mapping[str, Any], names: Sequence[str], settings: ChurnSettings) -> dict[str, Any]:
    return gbm.lightgbm_parameters(chosen, seed=settings.seed, names=names, monotone=settings.monotone)


def fit_lightgbm(
    training: Training, encoder: FoldEncoder, chosen: Mapping[str, Any], settings: ChurnSettings
) -> Candidate:
    """Cross-fit with given parameters, then train on everything for as many rounds as the folds liked best."""
    parameters = _parameters({**chosen, **settings.lightgbm}, encoder.names, settings)
    folds = fold_data(training, encoder)
    crossed = gbm.cross_fit(
        folds, parameters, max_rounds=settings.max_rounds, patience=settings.patience, workers=settings.threads
    )
    margin = crossed.margins(folds, len(training.label))
    data = gbm.dataset(encoder.matrix(), training.label, encoder.names)
    booster = gbm.train(data, parameters, crossed.rounds)
    used = {name: parameters[name] for name in gbm.DEFAULTS}
    return Candidate("lightgbm", {"kind": "lightgbm"}, booster, margin, {"rounds": crossed.rounds, "parameters": used})


def fit_logistic(training: Training, encoder: FoldEncoder, settings: ChurnSettings) -> Candidate:
    """Choose the penalty on a sample, cross-fit, and fit on everything."""
    sample = training.sample(settings.tuning_rows // 2, settings.seed)
    penalty, losses = linear.choose_penalty(sample.encoder().matrix(), sample.label, sample.fold)
    penalty *= len(training.label) / len(sample.label)  # the same weight beside the likelihood of all rows
    margin = np.full(len(training.label), np.nan)
    for k in range(encoder.n_folds):
        x = encoder.matrix(held_out=k)
        inside, rows = training.fold != k, training.fold == k
        margin[rows] = linear.linear_margin(linear.fit_logistic(x[inside], training.label[inside], penalty), x[rows])
    head = linear.fit_logistic(encoder.matrix(), training.label, penalty)
    return Candidate("logistic", head, None, margin, {"penalty": penalty, "log_loss_by_penalty": losses})


def choose(
    candidates: Sequence[Candidate], training: Training, settings: ChurnSettings
) -> tuple[Candidate, dict[str, Any]]:
    """Take the simplest candidate that no later one beats for certain.

    Returns
    -------
    winner : Candidate
    evidence : dict
        Out-of-fold measures of each, and its difference to the winner before it, by paired bootstrap of customers.
    """
    winner, evidence = candidates[0], {}
    for candidate in candidates:
        found = metrics.bootstrap(
            training.label,
            candidate.margin,
            training.groups,
            names=("roc_auc",),
            n=settings.bootstrap,
            seed=settings.seed,
        )
        evidence[candidate.name] = {**found, **candidate.detail}
        if candidate is winner:
            continue
        difference = metrics.paired_difference(
            training.label, candidate.margin, winner.margin, training.groups, n=settings.bootstrap, seed=settings.seed
        )
        evidence[candidate.name][f"roc_auc_minus_{winner.name}"] = difference
        if difference["low"] > 0:
            winner = candidate
    return winner, {"chosen": winner.name, **evidence}
