"""Who will leave within 30, 60 and 90 days, and who is growing: one call from a flat table to a calibrated model.

One head is learnt on the longest horizon, which has the most leavers; each horizon has its own calibration curve of the
same margin, and the curves never cross.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from . import calibration, candidates, learning, metrics, over_time, retention
from .artifact import Artifact
from .candidates import Candidate
from .churn_settings import ChurnSettings
from .flat_table import FlatTable, need, read_flat
from .learning import CrossValidation, Learned, calibrated_output, learn, measured_on, scored_sample, split

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
        return pd.DataFrame(metrics.with_intervals(self.metrics["test"])).T


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
    train, test, said = split(flat, settings, settings.outcome_days or settings.horizons[-1])
    learned = learn(flat, train, list(flat.labels)[-1], settings, storage)
    artifact, calibrated = _model(flat, train, learned, settings)
    if flat.as_of is not None:
        artifact = artifact.learned_until(flat.as_of.iloc[train].max(), settings.outcome_days or settings.horizons[-1])
    predictions = _predict(artifact, flat, test, settings)
    found: dict[str, Any] = {
        "population": {**counts, "train_rows": len(train), "test_rows": len(test), **said},
        "notes": flat.notes,
        **learned.evidence,
        "calibration_method": calibrated,
        **_tested(flat, test, predictions, settings),
        "suspected_leaks": learned.suspected_leaks(settings),
    }
    curves, tables = _evidence_tables(flat, test, predictions, learned, settings)
    segment = settings.phase if settings.phase in flat.extras else None
    later, held = over_time.against_later_rows(
        artifact, flat, train, test, list(flat.labels)[-1], segment=segment, n=settings.bootstrap, seed=settings.seed
    )
    found |= later
    tables |= held
    sample = scored_sample(flat, test[:SAMPLE_ROWS], predictions.head(SAMPLE_ROWS), artifact)
    return ChurnResult(artifact, metrics.finite(found), predictions, curves, tables, sample)


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

    def fit(rows: Positions) -> tuple[str, Any]:
        learned = learn(flat, rows, output, settings, None)
        artifact, _ = _model(flat, rows, learned, settings)
        return learned.chosen.name, lambda features: artifact.predict(features)[output].to_numpy()

    return learning.cross_validate(flat, settings, fit, folds=folds, repeats=repeats, seed=seed)


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
        soft=settings.soft_label, event=settings.event,
    )  # fmt: skip
    return flat, {**counts, "used": len(flat)}, settings


def _flag(table: pd.DataFrame, name: str, absent: bool) -> NDArray[np.bool_]:
    if name not in table.columns:
        return np.full(len(table), absent)
    return np.asarray(table[name].fillna(False).to_numpy(dtype=bool))


def _model(
    flat: FlatTable, rows: Positions, learned: Learned, settings: ChurnSettings
) -> tuple[Artifact, dict[str, Any]]:
    """Calibrate the chosen candidate for every horizon; add the growing head where its label is known."""
    leave = learned.chosen
    labels = {name: values[rows] for name, values in flat.labels.items()}
    curves, evidence = calibration.fit_curves(leave.margin, labels, learned.training.fold)
    heads, boosters = leave.heads("leave"), leave.boosters("leave")
    outputs = [calibrated_output(name, "leave", curve) for name, curve in curves.items()]
    grown = _fit_growing(flat, rows, learned, settings)
    if grown is not None:
        grow, curve = grown
        heads += grow.heads("grow")
        boosters |= grow.boosters("grow")
        outputs.append(calibrated_output("grow_90", "grow", curve))
    spec = {"format": 1, "model": "churn", "features": learned.features(), "heads": heads, "outputs": outputs}
    return Artifact(spec, boosters), evidence


def _fit_growing(
    flat: FlatTable, rows: Positions, learned: Learned, settings: ChurnSettings
) -> tuple[Candidate, calibration.Curve] | None:
    """Learn the growing phase with the parameters found for leaving; on rows where it is known."""
    if settings.label is not None or settings.grows not in flat.extras.columns:
        return None
    grows = pd.to_numeric(flat.extras[settings.grows]).to_numpy(dtype=float, na_value=np.nan)[rows]
    known = ~np.isnan(grows)
    if min(np.sum(grows[known]), np.sum(1 - grows[known])) < settings.min_events:
        return None
    encoder = learned.encoder
    other = dataclasses.replace(learned.training, label=grows).part(known)
    trees = next((c for c in learned.fitted if c.name == "lightgbm"), None)
    if trees is None:
        part, candidate = other, candidates.fit_logistic(other, encoder, settings)
    else:
        free = settings.model_copy(update={"monotone": {}})  # the hints are about leaving
        part = other.at_most(settings.tuning_rows, settings.seed)
        candidate = candidates.fit_lightgbm(other, encoder, trees.detail["parameters"], free, part)
    return candidate, calibration.choose(candidate.margin, part.label, part.fold)[0]


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
        out[name] = measured_on(label[known], p, groups[known], settings)
    return {"test": out[list(flat.labels)[-1]], "test_by_output": out}


def _evidence_tables(
    flat: FlatTable, test: Positions, predictions: pd.DataFrame, learned: Learned, settings: ChurnSettings
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    names = list(flat.labels)
    label, p = flat.labels[names[-1]][test], predictions[names[-1]].to_numpy()
    dates = None if flat.as_of is None else flat.as_of.iloc[test].reset_index(drop=True)
    extras = flat.extras.iloc[test].reset_index(drop=True)
    reliable = [
        calibration.reliability(flat.labels[n][test], predictions[n].to_numpy()).assign(output=n) for n in names
    ]
    curves = {"calibration": pd.concat(reliable, ignore_index=True), "gains": retention.cumulative_gains(label, p)}
    tables = {"trials": learned.trials, "features": learned.importance()}
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
