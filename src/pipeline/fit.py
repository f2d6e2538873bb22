"""Fit a model on a ready table from the command line."""

from dataclasses import dataclass
from pathlib import Path

from .. import catalog
from ..data.flat import read_flat_table
from ..errors import ParamsError, nearest
from ..models.churn import ChurnSettings, cross_validate, fit_churn

MODELS = ("churn",)


@dataclass(frozen=True)
class FittedTable:
    """``measures`` by name with value, low and high; ``notes`` in words; ``folder`` of the saved model."""

    measures: dict[str, dict[str, float]]
    notes: list[str]
    folder: Path


def fit_table(
    model: str,
    table: Path,
    label: str,
    *,
    id_column: str | None = None,
    date_column: str | None = None,
    drop: list[str] | None = None,
    delimiter: str | None = None,
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
    named = [c for c in (label, id_column, date_column, *(drop or [])) if c]
    frame = read_flat_table(table, delimiter, named, drop or ())
    settings = ChurnSettings(
        id=id_column, as_of=date_column, label=label, drop=drop or [], n_trials=n_trials, folds=max(3, folds), seed=seed
    )
    result = fit_churn(frame, settings, storage=catalog.studies())
    measures = {n: m for n, m in result.metrics["test"].items() if isinstance(m, dict)}
    notes = [f"split: {result.metrics['population']['split']}", *map(str, result.metrics["notes"])]
    if date_column is None:
        whole = cross_validate(frame, settings, folds=folds, seed=seed)
        measures = {f"roc_auc ({folds}-fold)": whole.roc_auc, **measures}
    folder = out or catalog.studies().parent / "fit" / f"{model}-{table.name.split('.')[0]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    result.model.save(folder)
    suspects = ", ".join(str(s["feature"]) for s in result.metrics["suspected_leaks"])
    if suspects:
        notes.append(f"suspected leakage, look at where they come from: {suspects}")
    return FittedTable(measures, notes, folder)
