"""Will a loan that is granted be in default within the outcome window? One call from applications to a rated model.

Learned from granted loans; what the declined would have done is the business of :mod:`.reject_inference`. The label
says what happened within the window, and everything is measured and calibrated by it. Where it is known how long each
loan was watched, the order of loans is learned from more than that (:mod:`..watched`): from loans whose window has not
ended, and from defaults after it. The last months are the test; then the chosen candidate learns from all loans, since
bad ones are few, and that model is handed over with its cross-fitted predictions.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, ParamsError, nearest
from .. import calibration, learning, metrics
from ..artifact import Artifact
from ..flat_table import FlatTable, need, read_flat
from ..learning import CrossValidation, Learned, calibrated_output, learn, measured_on, scored_sample
from ..scorecard import Scorecard
from ..watched import Watched
from .settings import CreditSettings

Array = NDArray[np.float64]
Positions = NDArray[np.int64]

HEAD, OUTPUT, POINTS = "default", "default_probability", "points"
SAMPLE_ROWS = 500

__all__ = ["CreditResult", "CreditSettings", "cross_validate", "fit_credit", "rated", "said_of"]


@dataclass(frozen=True)
class CreditResult:
    """A fitted model with its evidence.

    Attributes
    ----------
    model : Artifact
        Outputs ``default_probability`` and ``points``.
    metrics : dict
        ``candidates`` and ``tuning`` are those of the choice, made without the test; ``refit`` has its own of the model
        that is handed over, and ``calibration_method`` speaks of that model.
    predictions : DataFrame
        The test part as seen by a model that had not learned from it: label, margin, default_probability, points.
    cross_fitted : DataFrame
        All rows with an outcome, each predicted by the handed-over model's procedure without its fold (``fold``).
    unfinished : DataFrame
        The same of rows that the model learned from though their window has not ended: ``label`` is missing.
    inputs : DataFrame
        What the candidates learned from, in the order of ``cross_fitted``.
    scorecard : Scorecard or None
        The fitted scorecard, whether it was chosen or not; None where it is no candidate.
    id : str
        Name of the column that identifies a row: that of the settings, or ``row``.
    """

    model: Artifact
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    cross_fitted: pd.DataFrame
    unfinished: pd.DataFrame
    inputs: pd.DataFrame
    scorecard: Scorecard | None
    tables: dict[str, pd.DataFrame]
    curves: dict[str, pd.DataFrame]
    sample: pd.DataFrame
    id: str

    def choice(self) -> pd.DataFrame:
        """Set the candidates side by side: out-of-fold ROC AUC, and the difference to the winner before it."""
        rows = []
        for name, found in self.metrics["candidates"].items():
            if name == "chosen":
                continue
            against = next((k for k in found if k.startswith("roc_auc_minus_")), None)
            gap = found[against] if against else {}
            rows.append({
                "candidate": name, "chosen": name == self.metrics["candidates"]["chosen"],
                **{f"roc_auc {end}".removesuffix(" value"): found["roc_auc"][end] for end in ("value", "low", "high")},
                "against": (against or "").removeprefix("roc_auc_minus_"), "difference": gap.get("value"),
                "difference low": gap.get("low"), "difference high": gap.get("high"),
            })  # fmt: skip
        return pd.DataFrame(rows)

    def dated_inputs(self) -> pd.DataFrame:
        """Give the inputs with the date of each application as ``as_of``, where the table has dates."""
        if "as_of" not in self.cross_fitted:
            return self.inputs
        return self.inputs.assign(as_of=self.cross_fitted["as_of"].to_numpy())

    def summary(self) -> pd.DataFrame:
        """Measures on the test part: one row each, ``value, low, high``."""
        return pd.DataFrame(metrics.with_intervals(self.metrics["test"])).T


def fit_credit(
    table: pd.DataFrame, settings: CreditSettings | None = None, *, storage: Path | None = None
) -> CreditResult:
    """Fit, choose, calibrate and test a credit model.

    Parameters
    ----------
    table : DataFrame
        One row per application. Rows whose label is missing have no outcome: they are counted and left out. Every
        column that the settings don't name is an input.
    settings : CreditSettings
    storage : Path, optional
        Folder for the tuning journal; None: tuning is not resumable.

    Returns
    -------
    CreditResult
        ``metrics["test"]`` has each measure with an interval that resamples customers.

    Raises
    ------
    DataError
        If the table can't be learnt from (too few bad outcomes, one class, no input left); the message says what to do.
    ParamsError
        If a variable that the settings force, forbid or bin is no column.
    """
    settings = settings or CreditSettings()
    flat, watched, counts, settings = _read(table, settings)
    output = list(flat.labels)[-1]
    train, test, said = _split(flat, watched, settings)
    learned = learn(flat, train, output, settings, storage, watched)
    tested_model, _ = _model(learned, settings)
    predictions = _predict(tested_model, flat, test, settings)
    final = _refitted(learned, flat, watched, settings, storage) if settings.refit else learned
    model, curve = _model(final, settings)
    told = _cross_fitted(final, curve, flat, np.arange(len(flat)) if settings.refit else train, settings)
    known = final.training.known
    cross_fitted = told[known].reset_index(drop=True)
    label, p = predictions["label"].to_numpy(float), predictions[OUTPUT].to_numpy()
    everything = cross_fitted["label"].to_numpy(float), cross_fitted[OUTPUT].to_numpy()
    found: dict[str, Any] = {
        "population": {**counts, "train_rows": len(train), "test_rows": len(test), **said},
        "notes": flat.notes,
        **learned.evidence,
        "calibration_method": final.evidence["calibration_method"],
        "test": measured_on(label, p, flat.groups[test], settings),
        "cross_validated": measured_on(*everything, cross_fitted["group"].to_numpy(), settings),
        "suspected_leaks": learned.suspected_leaks(settings),
        "refit": {
            "on_all_outcomes": settings.refit,
            "rows": len(cross_fitted),
            "chosen": final.chosen.name,
            **(final.evidence if settings.refit else {}),
        },
    }
    tables, curves = _evidence(learned, final, predictions, cross_fitted, settings)
    sample = scored_sample(
        flat, test[:SAMPLE_ROWS], _predict(model, flat, test[:SAMPLE_ROWS], settings), model
    )  # as the handed-over model says
    return CreditResult(
        model, metrics.finite(found), predictions, cross_fitted, told[~known].reset_index(drop=True),
        final.training.features[known].reset_index(drop=True), _scorecard(final, learned), tables, curves, sample,
        settings.id or "row",
    )  # fmt: skip


def cross_validate(
    table: pd.DataFrame, settings: CreditSettings | None = None, *, folds: int = 10, repeats: int = 1, seed: int = 7
) -> CrossValidation:
    """Predict every row by a model that has seen nothing of its customer: binning, tuning and choice are inside.

    It learns from labels alone.

    Returns
    -------
    CrossValidation
    """
    settings = (settings or CreditSettings()).model_copy(update={"duration": None, "seen": None})
    flat, _, _, settings = _read(table, settings)
    output = list(flat.labels)[-1]

    def fit(rows: Positions) -> tuple[str, Any]:
        learned = learn(flat, rows, output, settings, None)
        model, _ = _model(learned, settings)
        return learned.chosen.name, lambda features: model.predict(features)[OUTPUT].to_numpy()

    return learning.cross_validate(flat, settings, fit, folds=folds, repeats=repeats, seed=seed)


def said_of(result: CreditResult, table: pd.DataFrame) -> pd.DataFrame:
    """Say of every application, with or without an outcome, how likely its default is.

    Where the model has learned from that very row, the cross-fitted probability is taken.

    Parameters
    ----------
    table : DataFrame (n, …)
        With the model's inputs and, unless rows are their own ids, the id.

    Returns
    -------
    DataFrame (n, 3)
        ``default_probability``, ``points``, ``label`` (missing where there is no outcome); the index of ``table``.
    """
    said = result.model.predict(table)[[OUTPUT, POINTS]]
    key = pd.Series(np.arange(len(table)), index=table.index) if result.id == "row" else table[result.id]
    seen = pd.concat([result.cross_fitted, result.unfinished]).set_index(result.id)
    learned = key.map(seen[OUTPUT]).to_numpy(dtype=float)
    said[OUTPUT] = np.where(np.isnan(learned), said[OUTPUT].to_numpy(), learned)
    said["label"] = key.map(seen["label"]).to_numpy(dtype=float)
    return said


def rated(model: Artifact, rating: dict[str, Any]) -> Artifact:
    """Put what goes with the score (grades, loss given default, cut-off …) into the model's spec, as ``rating``."""
    return Artifact({**model.spec, "rating": rating}, model.boosters)


def _read(
    table: pd.DataFrame, settings: CreditSettings
) -> tuple[FlatTable, Watched | None, dict[str, int], CreditSettings]:
    """Keep the rows with an outcome, and those that were watched though it is open; count the others."""
    absent = {
        name: None for name in ("id", "as_of", "customer")
        if getattr(settings, name) not in table.columns and name not in settings.model_fields_set
    }  # fmt: skip
    settings = settings.model_copy(update=absent)  # a ready table needs none of them; one that was named must be there
    label = need(table, settings.label or "", "label")
    if settings.customer is not None:
        need(table, settings.customer, "customer")  # else the column that was meant would be looked at as an input
    for name in (*settings.force, *settings.forbid, *settings.bins, *settings.allow_protected):
        if name not in table.columns:
            raise ParamsError(f"credit settings name the variable {name!r}: {nearest(name, map(str, table.columns))}")
    repeated = int(table[settings.id].duplicated().sum()) if settings.id in table.columns else 0
    if repeated:
        raise DataError(
            f"{repeated:,} rows repeat {settings.id!r}: expected one row per application; if it names the customer, "
            "say so in customer"
        )
    known = label.notna().to_numpy() if settings.outcomes else np.ones(len(table), bool)
    counts = {"rows": len(table), "without_outcome": int((~known).sum())}
    if len(table) and not known.any():
        raise DataError(f"no row has an outcome: {settings.label!r} is missing in all {len(table):,} rows")
    kept, followed = known, [name for name in (settings.duration, settings.seen) if name is not None]
    if followed:
        months, default = (need(table, name, "follow-up").astype("float64") for name in followed)
        kept, table = known | months.notna().to_numpy(), table.assign(**{str(settings.label): label.fillna(default)})
    gone = [name for name in (*settings.no_inputs, *settings.forbid) if name in table.columns and name not in followed]
    flat = read_flat(
        table[kept], {OUTPUT: str(settings.label)}, id=settings.id, as_of=settings.as_of, extras=followed,
        drop=[*settings.drop, *gone], soft=settings.soft_label, event=settings.event, group=settings.customer,
    )  # fmt: skip
    for name in (*settings.force, *settings.bins):
        if name not in flat.features.columns:
            raise ParamsError(
                f"credit settings force or bin {name!r}, which is no input: it is forbidden, protected, an outcome or "
                "dropped, or has one value only; take it out of one of them"
            )
    flat = replace(flat, position=np.flatnonzero(kept)[flat.position])  # places in the table that was given
    told = known[flat.position]
    bad = round(float(flat.labels[OUTPUT][told].sum()))
    if bad < settings.min_events:
        raise DataError(settings.too_few(bad, int(told.sum())))
    counts |= {"used": int(told.sum()), "bad": bad}
    if not followed:
        return flat, None, counts, settings
    duration, seen = (flat.extras[name].to_numpy(dtype=float) for name in followed)
    watched = Watched.of(duration, seen, told)
    counts |= {"unfinished": int((~told).sum()), "bad_unfinished": int(watched.event[~told].sum()),
               "bad_later": int(watched.event[told].sum()) - bad}  # fmt: skip
    return flat, watched, counts, settings


def _split(
    flat: FlatTable, watched: Watched | None, settings: CreditSettings
) -> tuple[Positions, Positions, dict[str, Any]]:
    """Take the applications of the last days as the test, their customers out of training; without dates, at random.

    Outcome windows of training and test overlap: with windows of a year, purging would leave the youngest year of
    outcomes unused. What is kept apart are the customers, so no loan's own outcome is seen in a later application.
    """
    if flat.as_of is None or flat.as_of.nunique() < 2:
        return learning.split(flat, settings, 1)
    known = np.ones(len(flat), bool) if watched is None else watched.known
    last = flat.as_of[known].max()
    young = (flat.as_of > last - pd.Timedelta(days=settings.test_days)).to_numpy()
    in_test = young & known
    mine = np.isin(flat.groups, flat.groups[in_test])
    train, test = np.flatnonzero(~mine & ~young), np.flatnonzero(in_test)
    if not len(train):
        first = flat.as_of[known].min()
        raise DataError(
            f"no row is left to learn from: outcomes reach from {first:%Y-%m-%d} to {last:%Y-%m-%d} and the last "
            f"{settings.test_days} days are the test; give more applications or fewer test_days"
        )
    said = {
        "split": "out of time, customers apart; outcome windows overlap",
        "left_out_rows": int((mine & ~young).sum()),
        "train_from": f"{flat.as_of.iloc[train].min():%Y-%m-%d}",
        "train_to": f"{flat.as_of.iloc[train].max():%Y-%m-%d}",
        "test_from": f"{flat.as_of.iloc[test].min():%Y-%m-%d}",
        "test_to": f"{last:%Y-%m-%d}",
    }
    return train, test, said


def _refitted(
    learned: Learned, flat: FlatTable, watched: Watched | None, settings: CreditSettings, storage: Path | None
) -> Learned:
    """Let the chosen candidate, and what it is made of, learn from all loans; it isn't chosen a second time."""
    parts = [part.name for part in learned.chosen.parts]
    alone = settings.model_copy(update={"candidates": [*parts, learned.chosen.name]})
    again = learn(flat, np.arange(len(flat)), list(flat.labels)[-1], alone, storage, watched)
    again.evidence["candidates"]["chosen"] = learned.chosen.name
    return replace(again, chosen=again.fitted[-1])


def _model(learned: Learned, settings: CreditSettings) -> tuple[Artifact, calibration.Curve]:
    """Calibrate the chosen candidate; points are those of the scorecard itself, of others those of the probability."""
    candidate, data = learned.chosen, learned.training
    known = data.known
    curve, learned.evidence["calibration_method"] = calibration.choose(
        candidate.margin[known], data.label[known], data.fold[known]
    )
    scaling = {name: value for name, value in settings.scaling.spelled().items() if name in ("factor", "offset")}
    points = {"name": POINTS, "head": HEAD, "link": "points", **scaling}
    if candidate.scorecard is None:
        points |= {key: value for key, value in calibrated_output(POINTS, HEAD, curve).items() if "knots" in key}
    spec = {
        "format": 1, "model": "credit", "features": learned.features(), "heads": candidate.heads(HEAD),
        "outputs": [calibrated_output(OUTPUT, HEAD, curve), points],
    }  # fmt: skip
    return Artifact(spec, candidate.boosters(HEAD)), curve


def _predict(model: Artifact, flat: FlatTable, rows: Positions, settings: CreditSettings) -> pd.DataFrame:
    features = flat.features.iloc[rows]
    frame = _named(flat, rows, settings)
    frame["margin"] = model.margins(features)[HEAD]
    return pd.concat([frame, model.predict(features).reset_index(drop=True)], axis=1)


def _named(flat: FlatTable, rows: Positions, settings: CreditSettings) -> pd.DataFrame:
    """Say of each row which application it is, whose, when, and what became of it."""
    frame = pd.DataFrame({"group": flat.groups[rows]})
    frame[settings.id or "row"] = (flat.position if flat.id is None else flat.id.to_numpy())[rows]
    if flat.as_of is not None:
        frame["as_of"] = flat.as_of.iloc[rows].to_numpy()
    frame["label"] = flat.labels[OUTPUT][rows]
    return frame


def _cross_fitted(
    learned: Learned, curve: calibration.Curve, flat: FlatTable, rows: Positions, settings: CreditSettings
) -> pd.DataFrame:
    """Predictions of each row without its fold; the calibration, too, is fitted without it."""
    frame, known = _named(flat, rows, settings), learned.training.known
    frame["label"] = frame["label"].where(known)
    margin, fold, label = learned.chosen.margin, learned.training.fold, learned.training.label
    probability = np.empty(len(frame))
    fit = calibration.beta if curve.method == "beta" else calibration.platt
    for k in range(int(fold.max()) + 1):
        inside, outside = (fold != k) & known, fold == k
        probability[outside] = fit(margin[inside], label[inside]).probability(margin[outside])
    return frame.assign(fold=fold, margin=margin, **{OUTPUT: probability})


def _scorecard(*fits: Learned) -> Scorecard | None:
    """Find the scorecard, of the first fit that has one."""
    return next((c.scorecard for fit in fits for c in fit.fitted if c.scorecard is not None), None)


def _evidence(
    learned: Learned, final: Learned, predictions: pd.DataFrame, cross_fitted: pd.DataFrame, settings: CreditSettings
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    parts = {"test": predictions, "cross-fitted": cross_fitted}
    reliable = [
        calibration.reliability(part["label"].to_numpy(float), part[OUTPUT].to_numpy()).assign(output=name)
        for name, part in parts.items()
    ]
    curves = {"calibration": pd.concat(reliable, ignore_index=True)}
    tables = {"trials": learned.trials, "features": final.importance()}
    if learned.trials.size:
        curves["tuning"] = learned.trials[["trial", "best_so_far"]]
    card = _scorecard(final, learned)
    if card is not None:
        tables |= {"scorecard": card.points_table(), "selection": card.selection}
    return tables, curves
