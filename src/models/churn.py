"""Who will leave within 30, 60 and 90 days, and who is growing: one call from a flat table to a calibrated model.

One head is learnt on the longest horizon, which has the most leavers; each horizon has its own calibration curve of the
same margin, and the curves never cross.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from . import calibration, candidates, gbm, leak_screen, metrics, retention, splits
from .artifact import Artifact
from .candidates import Candidate, Training
from .churn_settings import ChurnSettings
from .encoding import FoldEncoder
from .flat_table import FlatTable, need, read_flat

Array = NDArray[np.float64]
Positions = NDArray[np.int64]

SAMPLE_ROWS = 500

__all__ = ["ChurnResult", "ChurnSettings", "CrossValidation", "cross_validate", "fit_churn"]


@dataclass(frozen=True)
class ChurnResult:
    """A fitted model with its evidence; ``predictions`` are those of the test part."""

    model: Artifact
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    tables: dict[str, pd.DataFrame]
    sample: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Measures on the test part: one row each, ``value, low, high``."""
        measured = {n: m for n, m in self.metrics["test"].items() if isinstance(m, dict)}
        return pd.DataFrame(measured).T


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions of the whole procedure, tuning included; one column of ``predictions`` per repeat."""

    predictions: pd.DataFrame
    roc_auc: dict[str, float]
    by_repeat: list[float]
    chosen: list[str]


@dataclass(frozen=True)
class _Learned:
    artifact: Artifact
    leave: Candidate
    training: Training
    encoder: FoldEncoder
    trials: pd.DataFrame
    evidence: dict[str, Any] = field(default_factory=dict)


def fit_churn(
    table: pd.DataFrame, settings: ChurnSettings | None = None, *, storage: Path | None = None
) -> ChurnResult:
    """Fit, tune, choose, calibrate and test a churn model.

    Parameters
    ----------
    table : DataFrame
        One row per customer (and ``as_of`` date). Every column that the settings don't name is a feature.
    settings : ChurnSettings
    storage : Path, optional
        Folder for the tuning journal; None: tuning is not resumable.

    Returns
    -------
    ChurnResult
        ``metrics["test"]`` has each measure with an interval that resamples customers.

    Raises
    ------
    DataError
        If the table can't be learnt from; the message says what to do.
    """
    settings = settings or ChurnSettings()
    flat, counts, settings = _read(table, settings)
    train, test, split = _split(flat, settings)
    learned = _learn(flat, train, settings, storage)
    predictions = _predict(learned.artifact, flat, test, settings)
    found: dict[str, Any] = {
        "population": {**counts, "train_rows": len(train), "test_rows": len(test), **split},
        "notes": flat.notes,
        **learned.evidence,
        **_tested(flat, test, predictions, settings),
        "suspected_leaks": _screen(learned, settings),
    }
    curves, tables = _evidence_tables(flat, test, predictions, learned, settings)
    sample = _sample(flat, test[:SAMPLE_ROWS], predictions.head(SAMPLE_ROWS), learned.artifact)
    return ChurnResult(learned.artifact, metrics.finite(found), predictions, curves, tables, sample)


def cross_validate(
    table: pd.DataFrame, settings: ChurnSettings | None = None, *, folds: int = 5, repeats: int = 1, seed: int = 7
) -> CrossValidation:
    """Predict every row by a model that has seen nothing of its customer, tuning and encoding included.

    For tables without dates, where published results are cross-validated.

    Parameters
    ----------
    folds, repeats : int
        Each repeat deals the customers anew.

    Returns
    -------
    CrossValidation
        ``roc_auc`` is the mean over the repeats of the AUC of all rows, with an interval that resamples customers.
    """
    settings = settings or ChurnSettings()
    flat, _, settings = _read(table, settings)
    output = list(flat.labels)[-1]
    label, columns, chosen = flat.labels[output], {}, []
    for repeat in range(repeats):
        of_row = splits.assign_folds(label, folds, seed + repeat, flat.groups)
        predicted = np.full(len(flat), np.nan)
        for k in range(folds):
            learned = _learn(flat, np.flatnonzero(of_row != k), settings, None)
            rows = np.flatnonzero(of_row == k)
            predicted[rows] = learned.artifact.predict(flat.features.iloc[rows])[output].to_numpy()
            chosen.append(learned.leave.name)
        columns[f"repeat_{repeat}"] = predicted
    by_repeat = [
        metrics.bootstrap(label, p, flat.groups, names=("roc_auc",), n=settings.bootstrap, seed=seed)["roc_auc"]
        for p in columns.values()
    ]  # the same resamples in every repeat, so their ends may be averaged
    mean = {end: float(np.mean([found[end] for found in by_repeat])) for end in ("value", "low", "high")}
    frame = pd.DataFrame({"row": flat.position, "label": label, **columns}).sort_values("row").reset_index(drop=True)
    return CrossValidation(frame, mean, [found["value"] for found in by_repeat], chosen)


def _sample(flat: FlatTable, rows: Positions, predictions: pd.DataFrame, artifact: Artifact) -> pd.DataFrame:
    """Rows as scoring will meet them, with what the model said of them: the checks try the saved model on these."""
    outputs = [o["name"] for o in artifact.spec["outputs"]]
    features = flat.features.iloc[rows].reset_index(drop=True)
    said = predictions[outputs].reset_index(drop=True)
    return pd.concat([pd.Series(range(len(features)), name="row"), features, said], axis=1)


def _read(table: pd.DataFrame, settings: ChurnSettings) -> tuple[FlatTable, dict[str, int], ChurnSettings]:
    """Keep the rows that can be learnt from, and count the others."""
    defaults: dict[str, None] = {}
    for name in ("id", "as_of"):
        if getattr(settings, name) not in table.columns and name not in settings.model_fields_set:
            defaults[name] = None  # a ready table needs neither; one that was named must be there
    settings = settings.model_copy(update=defaults)
    counts = {"rows": len(table), "not_at_risk": 0, "censored": 0}
    if settings.label is not None:
        extras: list[str] = []
    else:
        for column in settings.labels.values():
            need(table, column, "label")
        extras = [settings.at_risk, settings.censored, settings.month, settings.phase, settings.grows, settings.revenue]
        at_risk = _flag(table, settings.at_risk, True)
        censored = _flag(table, settings.censored, False)
        counts["not_at_risk"], counts["censored"] = int((~at_risk).sum()), int((at_risk & censored).sum())
        kept = table[at_risk & ~censored]
        if len(table) and not len(kept):
            raise DataError(
                f"no row is left to learn from: {counts['not_at_risk']:,} not at risk, {counts['censored']:,} "
                "censored; take earlier as_of dates, whose outcome windows are over"
            )
        table = kept
    flat = read_flat(
        table, settings.labels, id=settings.id, as_of=settings.as_of, extras=extras, drop=settings.drop,
        soft=settings.soft_label,
    )  # fmt: skip
    return flat, {**counts, "used": len(flat)}, settings


def _flag(table: pd.DataFrame, name: str, absent: bool) -> NDArray[np.bool_]:
    if name not in table.columns:
        return np.full(len(table), absent)
    return np.asarray(table[name].fillna(False).to_numpy(dtype=bool))


def _split(flat: FlatTable, settings: ChurnSettings) -> tuple[Positions, Positions, dict[str, Any]]:
    """Take the last dates as the test; without dates, a part of the customers."""
    if flat.as_of is not None and flat.as_of.nunique() > 1:
        cut = splits.out_of_time(
            flat.as_of, outcome_days=settings.outcome_days or settings.horizons[-1], test_dates=settings.test_dates
        )
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


def _learn(flat: FlatTable, rows: Positions, settings: ChurnSettings, storage: Path | None) -> _Learned:
    """Fit every candidate, choose, calibrate; add the growing head where its label is known."""
    output = list(flat.labels)[-1]
    label = flat.labels[output][rows]
    if label.sum() < settings.min_events:
        raise DataError(
            f"label {settings.labels[output]!r} has {label.sum():.0f} leavers in {len(rows):,} training rows, "
            f"{settings.min_events} are needed: add rows or dates, or take a longer horizon"
        )
    training = Training.of(flat.features.iloc[rows], label, flat.groups[rows], settings)
    encoder = training.encoder()
    fitted, trials = [], pd.DataFrame()
    evidence: dict[str, Any] = {}
    for name in settings.candidates:
        if name == "logistic":
            fitted.append(candidates.fit_logistic(training, encoder, settings))
            continue
        if name == "blend":
            fitted.append(candidates.blend(fitted, training))
            continue
        tuned, comparison = candidates.tune_lightgbm(training, settings, storage)
        trials = tuned.trials
        pruned = int((trials["state"] == "pruned").sum())
        evidence["tuning"] = {"best": tuned.best, "loss": tuned.best_value, "trials": len(trials), "pruned": pruned}
        evidence["tuning"] |= {"study": tuned.study, **comparison}
        fitted.append(candidates.fit_lightgbm(training, encoder, comparison["parameters"], settings))
    leave, evidence["candidates"] = candidates.choose(fitted, training, settings)
    labels = {name: values[rows] for name, values in flat.labels.items()}
    curves, evidence["calibration_method"] = calibration.fit_curves(leave.margin, labels, training.fold)
    heads, boosters = leave.heads("leave"), leave.boosters("leave")
    outputs = [_output(name, "leave", curve) for name, curve in curves.items()]
    grown = _fit_growing(flat, rows, training, encoder, fitted, settings)
    if grown is not None:
        grow, curve = grown
        heads += grow.heads("grow")
        boosters |= grow.boosters("grow")
        outputs.append(_output("grow_90", "grow", curve))
    spec = {"format": 1, "model": "churn", "features": _features(encoder), "heads": heads, "outputs": outputs}
    return _Learned(Artifact(spec, boosters), leave, training, encoder, trials, evidence)


def _fit_growing(
    flat: FlatTable, rows: Positions, training: Training, encoder: FoldEncoder, fitted: list[Candidate],
    settings: ChurnSettings,
) -> tuple[Candidate, calibration.Curve] | None:  # fmt: skip
    """Learn the growing phase with the parameters found for leaving; on rows where it is known."""
    if settings.label is not None or settings.grows not in flat.extras.columns:
        return None
    grows = pd.to_numeric(flat.extras[settings.grows]).to_numpy(dtype=float, na_value=np.nan)[rows]
    known = ~np.isnan(grows)
    if min(np.sum(grows[known]), np.sum(1 - grows[known])) < settings.min_events:
        return None
    other = dataclasses.replace(training, label=grows).part(known)
    trees = next((c for c in fitted if c.name == "lightgbm"), None)
    if trees is None:
        part, candidate = other, candidates.fit_logistic(other, encoder, settings)
    else:
        free = settings.model_copy(update={"monotone": {}})  # the hints are about leaving
        part = other.at_most(settings.tuning_rows, settings.seed)
        candidate = candidates.fit_lightgbm(other, encoder, trees.detail["parameters"], free, part)
    return candidate, calibration.choose(candidate.margin, part.label, part.fold)[0]


def _output(name: str, head: str, curve: calibration.Curve) -> dict[str, Any]:
    return {
        "name": name,
        "head": head,
        "knots_margin": curve.knots_margin.tolist(),
        "knots_log_odds": curve.knots_log_odds.tolist(),
    }


def _features(encoder: FoldEncoder) -> list[dict[str, Any]]:
    x, out = encoder.matrix(), encoder.features()
    for feature, column in zip(out, x.T, strict=True):
        seen = column[~np.isnan(column)]
        feature["reference"] = float(np.median(seen)) if len(seen) else None
    return out


def _predict(artifact: Artifact, flat: FlatTable, rows: Positions, settings: ChurnSettings) -> pd.DataFrame:
    features = flat.features.iloc[rows]
    label = flat.labels[list(flat.labels)[-1]][rows]
    frame = pd.DataFrame(index=features.index)
    frame[settings.id or "row"] = flat.position[rows] if flat.id is None else flat.id.iloc[rows]
    if flat.as_of is not None:
        frame[settings.as_of] = flat.as_of.iloc[rows]
    frame["label"] = label if settings.soft_label else label.astype(int)
    frame["margin"] = artifact.margins(features)["leave"]
    return pd.concat([frame, artifact.predict(features)], axis=1).reset_index(drop=True)


def _tested(flat: FlatTable, test: Positions, predictions: pd.DataFrame, settings: ChurnSettings) -> dict[str, Any]:
    groups, out = flat.groups[test], {}
    outputs = {name: values[test] for name, values in flat.labels.items()}
    if "grow_90" in predictions:
        outputs["grow_90"] = pd.to_numeric(flat.extras[settings.grows]).to_numpy(dtype=float, na_value=np.nan)[test]
    for name, label in outputs.items():
        known = ~np.isnan(label)
        p = predictions[name].to_numpy()[known]
        found = metrics.bootstrap(label[known], p, groups[known], n=settings.bootstrap, seed=settings.seed)
        out[name] = {
            **found,
            **calibration.recalibration(label[known], calibration.logit(p), groups[known]),
            "rows": int(known.sum()),
            "events": float(label[known].sum()),
            "customers": len(np.unique(groups[known])),
        }
    return {"test": out[list(flat.labels)[-1]], "test_by_output": out}


def _screen(learned: _Learned, settings: ChurnSettings) -> list[dict[str, Any]]:
    sample = learned.training.sample(min(20_000, settings.tuning_rows), settings.seed)
    encoder = sample.encoder()
    parameters = gbm.lightgbm_parameters({"learning_rate": 0.1}, seed=settings.seed)
    return leak_screen.suspected_leaks(
        encoder.matrix(), sample.label, sample.fold, encoder.names, parameters,
        auc=settings.leak_auc, share=settings.leak_share, top=settings.leak_features,
    )  # fmt: skip


def _evidence_tables(
    flat: FlatTable, test: Positions, predictions: pd.DataFrame, learned: _Learned, settings: ChurnSettings
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    names = list(flat.labels)
    label, p = flat.labels[names[-1]][test], predictions[names[-1]].to_numpy()
    dates = None if flat.as_of is None else flat.as_of.iloc[test].reset_index(drop=True)
    extras = flat.extras.iloc[test].reset_index(drop=True)
    reliable = [
        calibration.reliability(flat.labels[n][test], predictions[n].to_numpy()).assign(output=n) for n in names
    ]
    curves = {"calibration": pd.concat(reliable, ignore_index=True), "gains": retention.cumulative_gains(label, p)}
    tables = {"trials": learned.trials, "features": _importance(learned)}
    if learned.trials.size:
        curves["tuning"] = learned.trials[["trial", "best_so_far"]]
    if settings.month in extras:
        tables["lead_time"] = retention.lead_time(p, extras[settings.month], dates)
        curves["lead_time"] = tables["lead_time"]
    if settings.revenue in extras:
        tables["revenue_at_stake"] = retention.revenue_at_stake(p, extras[settings.revenue], label, dates)
    if settings.phase in extras:
        observed = pd.DataFrame({name: flat.labels[name][test] for name in names})
        if "grow_90" in predictions:
            observed["grow_90"] = pd.to_numeric(extras[settings.grows]).to_numpy(dtype=float, na_value=np.nan)
        tables["phases"] = retention.phases(extras[settings.phase], predictions[list(observed)], observed)
    return curves, tables


def _importance(learned: _Learned) -> pd.DataFrame:
    """What the leave head uses, and how often each feature is missing in training."""
    frame = pd.DataFrame({"feature": learned.encoder.names, "importance": learned.leave.importance()})
    frame["missing"] = learned.training.features.isna().mean().to_numpy()
    return frame.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)
