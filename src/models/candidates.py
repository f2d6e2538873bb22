"""Candidates for one label, held against one another on the same folds: the simple one wins unless one is better."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from . import encoding, gbm, linear, metrics, splits, tuning
from .encoding import FoldEncoder
from .pyfunc_model import linear_margin
from .scorecard import Scorecard, fit_scorecard
from .settings import FitSettings
from .shared_inputs import shared_inputs
from .watched import Watched

Array = NDArray[np.float64]
Folds = NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """A fitted head with its out-of-fold margins.

    ``detail`` says how it was fitted, ``parts`` what a blend adds up, ``scorecard`` is the fitted one. ``inputs`` are
    the features as the head reads them, where that is not the encoder's way.
    """

    name: str
    head: dict[str, Any]
    booster: lgb.Booster | None
    margin: Array
    detail: dict[str, Any] = field(default_factory=dict)
    parts: tuple["Candidate", ...] = ()
    scorecard: Scorecard | None = None
    inputs: tuple[dict[str, Any], ...] = ()

    def heads(self, name: str) -> list[dict[str, Any]]:
        """Spell the candidate as heads of a model; the first is called ``name``."""
        if not self.parts:
            return [{"name": name, **self.head, **({} if self.booster is None else {"file": f"{name}.txt"})}]
        named = [f"{name}_{part.name}" for part in self.parts]
        inner = [head for part, own in zip(self.parts, named, strict=True) for head in part.heads(own)]
        return [{"name": name, **self.head, "parts": named}, *inner]

    def boosters(self, name: str) -> dict[str, lgb.Booster]:
        """Give the boosters of :meth:`heads`."""
        own = {} if self.booster is None else {name: self.booster}
        for part in self.parts:
            own |= part.boosters(f"{name}_{part.name}")
        return own

    def importance(self) -> Array:
        """Share of each feature: of the gain of trees, of the sizes of standardised coefficients; shape (features,).

        Of a scorecard: of its inputs, by the information value that their coefficients let count.
        """
        if self.scorecard is not None:
            ivs = [self.scorecard.binning.variables[feature["name"]].iv for feature in self.inputs]
            size = np.abs(self.head["coefficients"]) * ivs
            return np.asarray(size / max(float(size.sum()), 1e-300))
        if self.parts:
            shares = [w * part.importance() for w, part in zip(self.head["weights"], self.parts, strict=True)]
            return np.asarray(np.sum(shares, axis=0))
        size = np.abs(self.head["coefficients"]) if self.booster is None else self.booster.feature_importance("gain")
        return np.asarray(size / max(float(np.sum(size)), 1e-300))


@dataclass(frozen=True)
class Training:
    """The training part of a table: features, label, customers, folds, and the rows of its encoder's matrix.

    Candidates are fitted to ``target`` with ``weight``: the label itself, unless it is told how long rows were
    ``watched``. They are judged by the label, where it is ``known``.
    """

    features: pd.DataFrame
    label: Array
    groups: NDArray[np.int64]
    fold: Folds
    rows: NDArray[np.int64]
    watched: Watched | None = None

    @classmethod
    def of(
        cls, features: pd.DataFrame, label: Array, groups: NDArray[np.int64], settings: FitSettings,
        watched: Watched | None = None,
    ) -> "Training":  # fmt: skip
        fold = splits.assign_folds(label, settings.folds, settings.seed, groups)
        return cls(features.reset_index(drop=True), label, groups, fold, np.arange(len(label)), watched)

    @property
    def target(self) -> Array:
        return self.label if self.watched is None else self.watched.target

    @property
    def weight(self) -> Array | None:
        return None if self.watched is None else self.watched.weight

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.ones(len(self.label), bool) if self.watched is None else self.watched.known

    def encoder(self) -> FoldEncoder:
        per_customer = len(self.groups) / len(np.unique(self.groups))
        return FoldEncoder(self.features, self.label, self.fold, per_customer)

    def sample(self, rows: int, seed: int) -> "Training":
        """Keep whole customers, about ``rows`` rows, to be encoded anew."""
        if len(self.label) <= rows:
            return self
        kept = self.part(self._drawn(rows, seed))
        return dataclasses.replace(kept, rows=np.arange(len(kept.label)))

    def labelled(self) -> "Training":
        """Keep the rows whose label is known, to be encoded anew and fitted to the label alone."""
        if self.watched is None:
            return self
        kept = self.part(self.known)
        return dataclasses.replace(kept, rows=np.arange(len(kept.label)), watched=None)

    def part(self, keep: NDArray[np.bool_]) -> "Training":
        """Keep some rows; they stay rows of the same encoder."""
        features = self.features[keep].reset_index(drop=True)
        watched = None if self.watched is None else self.watched.part(keep)
        return Training(features, self.label[keep], self.groups[keep], self.fold[keep], self.rows[keep], watched)

    def at_most(self, rows: int, seed: int) -> "Training":
        """Keep whole customers, about ``rows`` rows, of the same encoder."""
        return self if len(self.label) <= rows else self.part(self._drawn(rows, seed))

    def _drawn(self, rows: int, seed: int) -> NDArray[np.bool_]:
        names = np.unique(self.groups)
        share = rows / len(self.label)
        drawn = np.random.default_rng(seed).permutation(names)[: max(1, round(share * len(names)))]
        return np.isin(self.groups, drawn)

    def digest(self) -> str:
        """Name the data by their content."""
        whole = hashlib.sha256()
        whole.update("\0".join(map(str, self.features.columns)).encode())
        whole.update(pd.util.hash_pandas_object(self.features, index=False).to_numpy().tobytes())
        seen = () if self.watched is None else (self.target, self.watched.weight)
        for part in (self.label, self.groups, self.fold, *seen):
            whole.update(np.ascontiguousarray(part).tobytes())
        return whole.hexdigest()


def fold_data(training: Training, encoder: FoldEncoder, threads: int) -> list[gbm.Fold]:
    """Encode and bin the training and validation part of every fold."""
    target, weight = training.target, training.weight

    def fold(k: int) -> gbm.Fold:
        x = encoder.matrix(held_out=k)[training.rows]
        inside, rows = training.fold != k, np.flatnonzero(training.fold == k)
        heavy, light = (None, None) if weight is None else (weight[inside], weight[rows])
        train = gbm.dataset(x[inside], target[inside], encoder.names, weight=heavy)
        valid = gbm.dataset(x[rows], target[rows], encoder.names, train, light)
        return gbm.Fold(train, valid, x[rows], rows)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(fold, range(encoder.n_folds)))


def search_space(settings: FitSettings) -> dict[str, dict[str, Any]]:
    """Apply the changes of the settings; what is set is not searched."""
    space = {**gbm.SPACE, **settings.space}
    gbm.lightgbm_parameters(dict.fromkeys([*settings.space, *settings.lightgbm]), seed=0)  # names are checked
    return {name: entry for name, entry in space.items() if name not in settings.lightgbm}


def tune_lightgbm(
    training: Training, settings: FitSettings, storage: Path | None
) -> tuple[tuning.Tuning, dict[str, Any]]:
    """Search on a sample of customers, with pruning across folds; then hold the winner against the defaults.

    The best of many trials looks better than it is. Its parameters are taken only where its log loss is lower than that
    of the defaults by more than the standard error of the difference between customers.

    Returns
    -------
    found : Tuning
    evidence : dict
        ``parameters`` to use, ``taken`` (``tuned`` or ``default``), the gain over the defaults and its standard error.
    """
    sample = training.sample(settings.tuning_rows, settings.seed)
    encoder = sample.encoder()
    folds = fold_data(sample, encoder, settings.threads)
    space = search_space(settings)
    first = {**gbm.DEFAULTS, **settings.lightgbm}
    fixed = {name: value for name, value in first.items() if name not in space}

    def crossed(chosen: Mapping[str, Any], report: tuning.Report | None = None) -> gbm.CrossFit:
        return gbm.cross_fit(
            folds, _parameters(chosen, encoder.names, settings), max_rounds=settings.max_rounds,
            patience=max(10, settings.patience // 2), workers=settings.threads, report=report,
        )  # fmt: skip

    code = hashlib.sha256()
    for module in (encoding, gbm, splits, tuning):
        code.update(Path(str(module.__file__)).read_bytes())
    name = tuning.study_name(
        sample.digest(), space, fixed, settings.monotone, settings.max_rounds, settings.patience, settings.seed,
        code.hexdigest(), lgb.__version__,
    )  # fmt: skip
    found = tuning.tune(
        lambda chosen, report: crossed({**fixed, **chosen}, report).loss,
        space, n_trials=settings.n_trials, seed=settings.seed, name=name, folder=storage, first=first,
    )  # fmt: skip
    tuned = {**fixed, **found.best}
    gain = [_row_losses(crossed(p).margins(folds, len(sample.label)), sample) for p in (first, tuned)]
    by_customer = np.bincount(np.unique(sample.groups, return_inverse=True)[1].ravel(), weights=gain[0] - gain[1])
    mean, error = by_customer.sum(), by_customer.std() * np.sqrt(len(by_customer))
    taken = "tuned" if mean > error else "default"
    evidence = {
        "parameters": tuned if taken == "tuned" else first,
        "taken": taken,
        "gain": float(mean / len(sample.label)),
        "gain_standard_error": float(error / len(sample.label)),
    }
    return found, evidence


def _row_losses(margin: Array, data: Training) -> Array:
    weight = 1.0 if data.weight is None else data.weight
    return np.asarray(weight * (np.logaddexp(0, margin) - data.target * margin))


def _parameters(chosen: Mapping[str, Any], names: Sequence[str], settings: FitSettings) -> dict[str, Any]:
    return gbm.lightgbm_parameters(chosen, seed=settings.seed, names=names, monotone=settings.monotone)


def fit_lightgbm(
    training: Training,
    encoder: FoldEncoder,
    chosen: Mapping[str, Any],
    settings: FitSettings,
    crossed_on: Training | None = None,
) -> Candidate:
    """Cross-fit with given parameters, then train on everything for as many rounds as the folds liked best.

    Parameters
    ----------
    crossed_on : Training, optional
        Part of the rows of the same encoder that is enough for the cross-fit; the margins are those of that part.
    """
    parameters = _parameters(chosen, encoder.names, settings)
    part = crossed_on or training
    folds = fold_data(part, encoder, settings.threads)
    crossed = gbm.cross_fit(
        folds, parameters, max_rounds=settings.max_rounds, patience=settings.patience, workers=settings.threads
    )
    margin = crossed.margins(folds, len(part.label))
    data = gbm.dataset(encoder.matrix()[training.rows], training.target, encoder.names, weight=training.weight)
    booster = gbm.train(data, parameters, crossed.rounds)
    used = {name: parameters[name] for name in gbm.DEFAULTS}
    return Candidate("lightgbm", {"kind": "lightgbm"}, booster, margin, {"rounds": crossed.rounds, "parameters": used})


def fit_logistic(training: Training, encoder: FoldEncoder, settings: FitSettings) -> Candidate:
    """Choose the penalty on a sample, cross-fit, and fit on everything."""
    told = settings.logistic()
    signs = [told.get("signs", {}).get(name, 0) for name in encoder.names]
    sample = training.at_most(settings.tuning_rows // 2, settings.seed)
    penalty, losses = linear.choose_penalty(
        encoder.matrix()[sample.rows], sample.target, sample.fold, told.get("penalties", linear.PENALTIES), signs,
        settings.threads, sample.weight,
    )  # fmt: skip
    penalty *= len(training.label) / len(sample.label)  # the same weight beside the likelihood of all rows
    margin = np.full(len(training.label), np.nan)
    target, weight = training.target, training.weight

    def fit(k: int | None) -> dict[str, Any]:
        """Fit without fold ``k``, and say its margins; None: fit on everything."""
        x = encoder.matrix(held_out=k)[training.rows]
        inside = np.ones(len(x), bool) if k is None else training.fold != k
        heavy = 1.0 if weight is None else weight[inside]
        head = linear.fit_logistic(x[inside], target[inside], penalty, signs, heavy)
        margin[~inside] = linear_margin(head, x[~inside])
        return head

    with linear.one_thread_each(settings.threads) as pool:
        head, *_ = pool.map(fit, [None, *range(encoder.n_folds)])
    return Candidate("logistic", head, None, margin, {"penalty": penalty, "log_loss_by_penalty": losses})


def fit_woe_scorecard(training: Training, settings: FitSettings) -> Candidate:
    """Cross-fit a scorecard, binning and choice of variables included, and fit it on everything."""
    signs = {name: sign for name, sign in settings.monotone.items() if name in training.features and sign}

    target, heavy = training.target, training.weight

    def fit(rows: NDArray[np.bool_]) -> Scorecard:
        frame, label = training.features[rows].reset_index(drop=True), target[rows]
        groups, weight = training.groups[rows], None if heavy is None else heavy[rows]
        if settings.soft_label or weight is not None:  # of probability p: p of a bad row and 1 − p of a good one
            frame, groups = pd.concat([frame, frame], ignore_index=True), np.concatenate([groups, groups])
            parts = np.concatenate([label, 1 - label]) * (1.0 if weight is None else np.tile(weight, 2))
            label, some = np.repeat([1.0, 0.0], len(label)), parts > 0
            frame, label, groups, weight = frame[some], label[some], groups[some], parts[some]
        return fit_scorecard(
            frame, label, weight=weight, groups=groups, signs=signs, seed=settings.seed, n_jobs=settings.threads,
            **settings.scorecard(),
        )  # fmt: skip

    whole = fit(np.ones(len(training.label), bool))
    margin = np.full(len(training.label), np.nan)
    for k in range(int(training.fold.max()) + 1):
        inside, rows = training.fold != k, training.fold == k
        card = fit(inside)
        margin[rows] = card.margin(training.features[rows])
    detail = {"variables": list(whole.variables)}
    return Candidate("scorecard", whole.head(), None, margin, detail, scorecard=whole, inputs=tuple(whole.features()))


def blend(parts: Sequence[Candidate], training: Training, encoder: FoldEncoder, equal: bool = False) -> Candidate:
    """Add up the margins of candidates, weighted by a logistic regression of the label on them (stacking), or alike.

    Lines and trees err in different places, so their sum ranks better than either where neither is far ahead. Weights
    are shares: two digits, none below zero. Where events are few, weights are mostly noise and the plain average is
    hard to beat (Clemen 1989, International Journal of Forecasting 5:559-583).

    Parameters
    ----------
    parts : candidates with out-of-fold margins of the same training rows
    encoder : that of the parts; a scorecard is spelled over its features, too
    equal : all parts count alike
    """
    shares = np.full(len(parts), 1 / len(parts)) if equal else _stacked(parts, training)
    margin = np.sum([share * part.margin for share, part in zip(shares, parts, strict=True)], axis=0)
    weights = [float(share) for share in shares]
    detail = {"weights": {part.name: weight for part, weight in zip(parts, weights, strict=True)}}
    together = tuple(part if part.scorecard is None else _over(encoder.features(), part) for part in parts)
    inputs = next((part.inputs for part in together if part.inputs), ())
    return Candidate("blend", {"kind": "blend", "weights": weights}, None, margin, detail, together, inputs=inputs)


def _over(features: list[dict[str, Any]], part: Candidate) -> Candidate:
    assert part.scorecard is not None
    inputs, head = shared_inputs(part.scorecard, features)
    return dataclasses.replace(part, head=head, inputs=tuple(inputs))


def _stacked(parts: Sequence[Candidate], training: Training) -> Array:
    known = training.known
    columns = np.column_stack([*(part.margin[known] for part in parts), np.ones(int(known.sum()))])
    with threadpool_limits(1, "blas"):
        slopes = linear.newton(columns, training.label[known], 1e-6)[:-1].clip(0)
    return np.round(slopes / slopes.sum(), 2) if slopes.sum() > 0 else np.full(len(parts), 1 / len(parts))


def choose(
    candidates: Sequence[Candidate], training: Training, settings: FitSettings
) -> tuple[Candidate, dict[str, Any]]:
    """Take the simplest candidate that no later one beats for certain.

    A blend of equal weights has fitted nothing beyond its parts, and averages of unlike models are known to rank better
    than one of them (Lessmann, Baesens, Seow and Thomas 2015, European Journal of Operational Research 247:124-136). So
    the burden of proof is turned round: it is taken unless it ranks worse for certain.

    Returns
    -------
    winner : Candidate
    evidence : dict
        Out-of-fold measures of each, and its difference to the winner before it, by paired bootstrap of customers.
    """
    winner, evidence, known = candidates[0], dict[str, Any](), training.known
    label, groups = training.label[known], training.groups[known]
    for candidate in candidates:
        margin = candidate.margin[known]
        found = metrics.bootstrap(label, margin, groups, names=("roc_auc",), n=settings.bootstrap, seed=settings.seed)
        evidence[candidate.name] = {**found, **candidate.detail}
        if candidate is winner:
            continue
        difference = metrics.paired_difference(
            label, margin, winner.margin[known], groups, n=settings.bootstrap, seed=settings.seed
        )
        evidence[candidate.name][f"roc_auc_minus_{winner.name}"] = difference
        average = bool(candidate.parts) and settings.equal_weights
        if difference["high" if average else "low"] > 0:
            winner = candidate
    return winner, {"chosen": winner.name, **evidence}
