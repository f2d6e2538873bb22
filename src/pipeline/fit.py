"""Fit a model on a ready table from the command line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..data.flat import read_flat_table
from ..errors import ParamsError, nearest


@dataclass(frozen=True)
class FittedTable:
    """What was fitted.

    Attributes
    ----------
    measures : dict
        By name: value and, where there is an interval, low and high.
    notes : list of str
        In words.
    folder : Path
        The saved model.
    evidence : dict
        Kind of evidence → folder of CSV files.
    """

    measures: dict[str, dict[str, float]]
    notes: list[str]
    folder: Path
    evidence: dict[str, Path] = field(default_factory=dict)


def fit_table(
    model: str,
    table: Path,
    label: str,
    *,
    id_column: str | None = None,
    date_column: str | None = None,
    drop: list[str] | None = None,
    delimiter: str | None = None,
    event: str | None = None,
    protected: list[str] | None = None,
    n_trials: int = 20,
    folds: int = 5,
    seed: int = 7,
    out: Path | None = None,
) -> FittedTable:
    """Read a flat table, measure the whole procedure, and save a model that can score.

    With a date column the last dates are the test. Without one, every row is predicted by a model that has not seen its
    customer (cross-validation, tuning included), which is how published results are measured.

    Raises
    ------
    ParamsError
        For an unknown model.
    DataError
        If the table cannot be read or learned from.
    """
    if model not in MODELS:
        raise ParamsError(f"no model {model!r} for a ready table: {nearest(model, MODELS)}")
    dropped, guarded = drop or [], protected or []
    named = [c for c in (label, id_column, date_column, *dropped, *guarded) if c]
    frame = read_flat_table(table, delimiter, named, dropped)
    stated = {
        "id": id_column, "as_of": date_column, "label": label, "drop": dropped, "n_trials": n_trials,
        "folds": max(3, folds), "seed": seed,
    }  # fmt: skip
    folder = out or catalog.studies().parent / "fit" / f"{model}-{table.name.split('.')[0]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return MODELS[model](frame, stated, folder, folds=folds, event=event, protected=guarded)


def _churn(
    frame: pd.DataFrame, stated: dict[str, Any], folder: Path, *, folds: int, event: str | None, protected: list[str]
) -> FittedTable:
    from ..models.churn import ChurnSettings, cross_validate, fit_churn
    from ..models.metrics import with_intervals

    settings = ChurnSettings(**{**stated, "drop": [*stated["drop"], *protected]}, event=event)
    result = fit_churn(frame, settings, storage=catalog.studies())
    measures = with_intervals(result.metrics["test"])
    if settings.as_of is None:
        whole = cross_validate(frame, settings, folds=folds, seed=settings.seed)
        measures = {f"roc_auc ({folds}-fold)": whole.roc_auc, **measures}
    result.model.save(folder)
    return FittedTable(measures, _notes(result.metrics), folder)


def _credit(
    frame: pd.DataFrame, stated: dict[str, Any], folder: Path, *, folds: int, event: str | None, protected: list[str]
) -> FittedTable:
    from ..models.credit.development import develop
    from ..models.credit.fit import CreditSettings, cross_validate, fit_credit
    from ..models.metrics import with_intervals

    name = stated["id"]
    # a repeated id names customers, not applications
    owner = name if name is not None and frame[name].duplicated().any() else None
    stated = {**stated, "id": None if owner else name, "customer": owner}
    settings = CreditSettings(**stated, event=event, protected=protected)
    result = fit_credit(frame, settings, storage=catalog.studies())
    found = develop(result, frame, settings, {}, None, "", settings.seed)
    said = found.measured(result)
    measures = with_intervals(said["test"])
    for name in ("ks", "h_measure", "h_measure_prior_adjusted"):
        measures[name] = {"value": said["test"][name]}
    if settings.as_of is None:
        whole = cross_validate(frame, settings, folds=folds, seed=settings.seed)
        measures = {f"roc_auc ({folds}-fold)": whole.roc_auc, **measures}
    found.model.save(folder)
    tables = folder.with_name(f"{folder.name}-tables")
    tables.mkdir(exist_ok=True)
    for name, part in {**result.tables, **found.tables}.items():
        if len(part):
            part.to_csv(tables / f"{name}.csv", index=False)
    notes = [f"chosen: {result.metrics['candidates']['chosen']}", *_notes(result.metrics)]
    notes.append(f"cut-off {said['cutoff']['cutoff']:.4f} approves {said['cutoff']['approval_rate']:.1%}")
    return FittedTable(measures, notes, folder, {"validation pack": tables})


def _notes(metrics: dict[str, Any]) -> list[str]:
    notes = [f"split: {metrics['population']['split']}", *map(str, metrics["notes"])]
    suspects = ", ".join(str(s["feature"]) for s in metrics["suspected_leaks"])
    return [*notes, f"suspected leakage, look at where they come from: {suspects}"] if suspects else notes


MODELS: dict[str, Callable[..., FittedTable]] = {"churn": _churn, "credit": _credit}
