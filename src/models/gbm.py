"""Gradient-boosted trees by LightGBM, deterministic, shallow, with early stopping at one round for all folds.

The objective is cross entropy, which for labels of 0 and 1 is the usual log loss and also takes probabilities: the same
learner can be fitted to known probabilities.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ..errors import ParamsError, nearest

Array = NDArray[np.float64]
Report = Callable[[int, float], None]

# What never varies. Deterministic needs one histogram layout: by columns, since by rows every tree first copies its
# share of them, which for sparse inputs takes as long as to grow it. Trees are at most 6 deep so that they can be read
# and explained exactly.
FIXED: dict[str, Any] = {
    "objective": "cross_entropy",
    "metric": "cross_entropy",
    "boosting": "gbdt",
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
    "bagging_freq": 1,
    "monotone_constraints_method": "intermediate",
    "verbosity": -1,
}
DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.08,
    "num_leaves": 15,
    "max_depth": 5,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "lambda_l2": 3.0,
    "path_smooth": 10.0,
}
# Narrow on purpose: twenty trials find a good corner of it.
SPACE: dict[str, dict[str, Any]] = {
    "num_leaves": {"type": "int", "low": 4, "high": 40, "log": True},
    "max_depth": {"type": "int", "low": 2, "high": 6},
    "min_data_in_leaf": {"type": "int", "low": 10, "high": 200, "log": True},
    "feature_fraction": {"type": "float", "low": 0.2, "high": 1.0},
    "bagging_fraction": {"type": "float", "low": 0.5, "high": 0.95},
    "lambda_l2": {"type": "float", "low": 0.1, "high": 50.0, "log": True},
    "path_smooth": {"type": "float", "low": 0.0, "high": 50.0},
}
DATASET = {
    "max_bin": 127,
    "feature_pre_filter": False,
    "verbosity": -1,
    "force_col_wise": True,
    "deterministic": True,
    "num_threads": 1,
}
REFUSED = {
    "zero_as_missing": "it loses the difference between nothing and unknown",
    "categorical_feature": "text is encoded by levels",
    "linear_tree": "its explanations are not exact",
}


def lightgbm_parameters(
    chosen: Mapping[str, Any],
    *,
    seed: int,
    threads: int = 1,
    names: Sequence[str] = (),
    monotone: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Complete chosen parameters with those that never vary.

    Parameters
    ----------
    chosen : mapping
        Overrides ``DEFAULTS``; only parameters named there.
    names : feature names, in the order of the matrix
    monotone : feature → −1 (falling) or 1 (rising) margin

    Raises
    ------
    ParamsError
        For a parameter that is unknown or refused, or a monotone feature that is not there.

    Examples
    --------
    >>> lightgbm_parameters({"num_leaves": 7}, seed=1, names=["a", "b"], monotone={"b": -1})["monotone_constraints"]
    [0, -1]
    >>> lightgbm_parameters({"zero_as_missing": True}, seed=1)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: zero_as_missing is refused: it loses the difference between nothing and unknown
    """
    for name in chosen:
        if name in REFUSED:
            raise ParamsError(f"{name} is refused: {REFUSED[name]}")
        if name not in DEFAULTS:
            raise ParamsError(f"unknown LightGBM parameter {name!r}: {nearest(name, DEFAULTS)}")
    out = {**FIXED, **DEFAULTS, **chosen, "seed": seed, "num_threads": threads}
    if monotone:
        for name, sign in monotone.items():
            if sign not in (-1, 0, 1):
                raise ParamsError(f"monotone {name!r}: expected -1, 0 or 1, got {sign!r}")
        out["monotone_constraints"] = [int(monotone.get(name, 0)) for name in names]
    if not any(out.get("monotone_constraints", [])):
        out.pop("monotone_constraints", None)
        out.pop("monotone_constraints_method")
    return out


def dataset(
    x: Array, y: Array, names: Sequence[str], reference: lgb.Dataset | None = None, weight: Array | None = None
) -> lgb.Dataset:
    """Bin a matrix once, for any number of trainings; names that LightGBM can't spell become ``Column_j``."""
    plain = all(re.fullmatch(r"[A-Za-z0-9_.\- ]+", name) for name in names)
    spelled = [name.replace(" ", "_") for name in names] if plain else [f"Column_{j}" for j in range(len(names))]
    made = lgb.Dataset(
        x, label=y, weight=weight, feature_name=spelled, params=dict(DATASET), reference=reference, free_raw_data=True
    )
    return made.construct()


def train(data: lgb.Dataset, parameters: Mapping[str, Any], rounds: int) -> lgb.Booster:
    """Train a fixed number of rounds."""
    return lgb.train(dict(parameters), data, num_boost_round=rounds)


@dataclass(frozen=True)
class Fold:
    """A binned training part with its binned and its plain validation part."""

    train: lgb.Dataset
    valid: lgb.Dataset
    x_valid: Array
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class CrossFit:
    """Boosters of all folds, stopped at the round that is best for the folds together."""

    loss: float
    rounds: int
    boosters: list[lgb.Booster]

    def margins(self, folds: Sequence[Fold], n: int) -> Array:
        """Out-of-fold margins in log-odds; shape (n,)."""
        out = np.full(n, np.nan)
        for fold, booster in zip(folds, self.boosters, strict=True):
            out[fold.rows] = booster.predict(fold.x_valid, raw_score=True, num_iteration=self.rounds)
        return out


def cross_fit(
    folds: Sequence[Fold],
    parameters: Mapping[str, Any],
    *,
    max_rounds: int,
    patience: int,
    workers: int = 1,
    report: Report | None = None,
) -> CrossFit:
    """Train on every fold with early stopping, and choose one number of rounds for all.

    Parameters
    ----------
    workers : int
        Folds that are trained at once, each on one thread. LightGBM's own threads wait for one another after every
        split: on small data, or beside other work, they cost more than they bring. The result doesn't depend on it.
    report : callable, optional
        Told after each fold: the fold, and the mean over the folds so far of the best validation loss. It may raise to
        stop a trial that doesn't look promising.
    """
    boosters: list[lgb.Booster] = []
    curves: list[Array] = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(folds), workers):
            batch = folds[start : start + workers]
            for booster, curve in pool.map(lambda fold: _stopped(fold, parameters, max_rounds, patience), batch):
                boosters.append(booster)
                curves.append(curve)
            for k in range(start, start + len(batch)):
                if report is not None:
                    report(k, float(np.mean([seen.min() for seen in curves[: k + 1]])))
    weights = np.array([len(fold.rows) for fold in folds], float)
    shared = np.average([c[: min(map(len, curves))] for c in curves], axis=0, weights=weights)
    return CrossFit(loss=float(shared.min()), rounds=int(shared.argmin()) + 1, boosters=boosters)


def _stopped(fold: Fold, parameters: Mapping[str, Any], max_rounds: int, patience: int) -> tuple[lgb.Booster, Array]:
    seen: dict[str, dict[str, list[float]]] = {}
    booster = lgb.train(
        dict(parameters),
        fold.train,
        num_boost_round=max_rounds,
        valid_sets=[fold.valid],
        valid_names=["valid"],
        callbacks=[lgb.record_evaluation(seen), lgb.early_stopping(patience, verbose=False)],
    )
    return booster, np.asarray(seen["valid"]["cross_entropy"])
