"""The value of customers: margins of the coming periods, the next purchase and product, in one model."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError
from .. import calibration, candidates, metrics, splits
from ..artifact import Artifact
from ..candidates import Candidate
from .forecast import Cohorts, Forecast, fit_forecast, measured
from .inputs import Inputs
from .margin_curve import level_error, total_interval
from .next_purchase import (
    BLOCK,
    Habit,
    Timing,
    fit_habit,
    fit_timing,
    what_rivals,
    when_measures,
)
from .settings import ValueSettings
from .tiers import investment_tiers, net_value, wrong_tiers

Array = NDArray[np.float64]
BUY_DAYS = 30
LEAST_OPENINGS = 50


@dataclass(frozen=True)
class ValueResult:
    """A fitted model with its evidence; ``predictions`` are those of the last cohort of the longest horizon."""

    model: Artifact
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    sample: pd.DataFrame


@dataclass(frozen=True)
class Chances:
    """A binary question of the next purchase: the chosen candidate, its calibration, and its measures on the test."""

    name: str
    chosen: Candidate
    curve: calibration.Curve
    inputs: Inputs
    evidence: dict[str, Any]


def fit_value(
    table: pd.DataFrame, settings: ValueSettings | None = None, *, quarters: Array | None = None
) -> ValueResult:
    """Fit everything that is known of the coming value of customers, and measure it on cohorts not seen.

    Parameters
    ----------
    table : DataFrame
        One row per customer and as_of: features, columns ``category:…`` (purchases counted), and the labels of
        :func:`afraz.features.value_labels.value_labels`.
    settings : ValueSettings
    quarters : ndarray, optional
        Mean margin of a customer in past quarters, oldest first: how much the level of a year swings
        (:func:`.margin_curve.level_error`). Those that end by the test date count for the test.

    Returns
    -------
    ValueResult

    Raises
    ------
    DataError
        If no cohort has a finished window, or too few customers.
    """
    settings = settings or ValueSettings()
    items = [str(c) for c in table if str(c).startswith(BLOCK)]
    settings = settings.model_copy(update={"drop": [*settings.drop, *(str(c) for c in table if ":" in str(c))]})
    rows = table.assign(**{str(settings.as_of): pd.to_datetime(table[str(settings.as_of)])})
    inputs = Inputs.learn(rows, settings)
    found: dict[str, Any] = {"level": settings.level, "test": {}, "candidates": {}}
    forecasts, predictions, test = [], pd.DataFrame(), rows.head(0)
    for horizon, days in settings.horizons.items():
        past, last = cohorts_of(rows, horizon, days, settings)
        trial = fit_forecast(past, horizon, inputs, settings)
        score = trial.ranker.predict(inputs.matrix(last))
        margin = last[horizon].to_numpy(dtype=float)
        measures = measured(trial, score, margin, settings)
        measures["total"] = _total(trial, score, margin, quarters, last, settings)
        measures["cohort"] = str(last[settings.as_of].iloc[0].date())
        measures["learned_from"] = sorted({str(d.date()) for d in past[settings.as_of]})
        found["test"][horizon], found["candidates"][horizon] = measures, trial.evidence
        test, predictions = last, _predicted(trial, score, last, horizon, settings)
        final = fit_forecast(pd.concat([past, last]), horizon, inputs, settings)
        forecasts.append(dataclasses.replace(final, ranker=final.ranker))
    longest = list(settings.horizons)[-1]
    tables = {"wrong_tiers": _regret(predictions, longest, test)}
    questions, extra = _next_purchase(rows, items, inputs, settings)
    found["next_purchase"] = extra.pop("measures")
    model = _artifact(inputs, forecasts, questions, extra)
    sample = _sample(model, test, inputs)
    return ValueResult(model, metrics.finite(found), predictions, tables, sample)


def cohorts_of(
    rows: pd.DataFrame, horizon: str, days: int, settings: ValueSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows whose window is over: earlier cohorts, and the last one.

    Windows don't overlap, so that a customer's year is learned from once, and none reaches into the last cohort's.
    Cohorts of the same season (whole years before the last) are taken where there are any, others where not.

    Raises
    ------
    DataError
        If there are fewer than two such cohorts.
    """
    labelled = rows[rows[horizon].notna()]
    dates = sorted(labelled[settings.as_of].unique(), reverse=True)
    kept = _apart(dates, days, same_season=True)
    kept = kept if len(kept) > 1 else _apart(dates, days, same_season=False)
    if len(kept) < 2:
        raise DataError(
            f"{horizon}: {len(kept)} cohorts with a finished window of {days} days, two that do not overlap are "
            "needed: raise snapshots in params/features.yaml, or use data of a longer time"
        )
    part = labelled[settings.as_of].isin(kept[1:])
    return labelled[part].reset_index(drop=True), labelled[labelled[settings.as_of] == kept[0]].reset_index(drop=True)


def _apart(dates: list[Any], days: int, *, same_season: bool) -> list[Any]:
    kept = dates[:1]
    for date in dates[1:]:
        apart = (kept[-1] - date).days >= days
        if apart and (not same_season or (date.month, date.day) == (dates[0].month, dates[0].day)):
            kept.append(date)
    return kept


def _total(
    trial: Forecast, score: Array, margin: Array, quarters: Array | None, last: pd.DataFrame, settings: ValueSettings
) -> dict[str, Any]:
    error, degrees = (0.0, 1) if quarters is None else level_error(quarters)
    expected = trial.curve.expected(score)
    found: dict[str, Any] = total_interval(
        expected, trial.curve.deviation(score), error, degrees, settings.level, seed=settings.seed
    )
    realised = float(margin.sum())
    return {
        **found,
        "level_error": error,
        "realised": realised,
        "covered": float(found["low"] <= realised <= found["high"]),
    }


def _predicted(
    trial: Forecast, score: Array, last: pd.DataFrame, horizon: str, settings: ValueSettings
) -> pd.DataFrame:
    low, high = trial.curve.interval(score)
    return pd.DataFrame({
        str(settings.id): last[settings.id], str(settings.as_of): last[settings.as_of], "realised": last[horizon],
        f"expected_{horizon}": trial.curve.expected(score), f"expected_{horizon}_low": low,
        f"expected_{horizon}_high": high,
    })  # fmt: skip


def _regret(predictions: pd.DataFrame, horizon: str, test: pd.DataFrame, cost: float = 5.0) -> pd.DataFrame:
    contacts = test["contacts_365d"].to_numpy(dtype=float) if "contacts_365d" in test else np.zeros(len(test))
    stated = investment_tiers(net_value(predictions[f"expected_{horizon}"].to_numpy(), contacts, cost))
    return wrong_tiers(stated, net_value(predictions["realised"].to_numpy(dtype=float), contacts, cost))


def _next_purchase(
    rows: pd.DataFrame, items: list[str], inputs: Inputs, settings: ValueSettings
) -> tuple[list[Chances], dict[str, Any]]:
    """Answer what can be answered of the next purchase from this table; the rest says why not."""
    found: dict[str, Any] = {"measures": {}}
    questions: list[Chances] = []
    measures = found["measures"]
    if "next_purchase_days" in rows:
        known = rows[rows["observed_days"] >= 3 * BUY_DAYS]
        buys = (known["next_purchase_days"] < BUY_DAYS).astype(float)
        again = _question(f"buys_{BUY_DAYS}", known, buys, 3 * BUY_DAYS, inputs, settings, measures, "rate")
        if again is not None:
            questions.append(again)
            found |= _when_and_what(known, items, again, inputs, settings, measures)
    for label in sorted(str(c) for c in rows if str(c).startswith("opened_")):
        known = rows[rows[label].notna()]
        name = f"opens_{label.removeprefix('opened_').removesuffix('_180d')}"
        asked = _question(name, known, known[label].astype(float), 180, inputs, settings, measures, "popularity")
        if asked is not None:
            questions.append(asked)
    return questions, found


def _spaced(rows: pd.DataFrame, days: int, settings: ValueSettings, most: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    dates = sorted(rows[settings.as_of].unique(), reverse=True)
    kept = dates[:1]
    for date in dates[1:]:
        if (kept[-1] - date).days >= days and len(kept) <= most:
            kept.append(date)
    return rows[rows[settings.as_of].isin(kept[1:])], rows[rows[settings.as_of] == kept[0]]


def _question(
    name: str, rows: pd.DataFrame, label: pd.Series, days: int, inputs: Inputs, settings: ValueSettings,
    measures: dict[str, Any], rival: str,
) -> Chances | None:  # fmt: skip
    """Fit a probability on cohorts whose windows don't overlap, and measure it on the last against its rival."""
    if rows.empty:
        measures[name] = {"not_applicable": "nobody could have: everybody has it, or no window is over"}
        return None
    past, last = _spaced(rows.assign(_label=label), days, settings)
    y, y_last = past["_label"].to_numpy(dtype=float), last["_label"].to_numpy(dtype=float)
    events = int(min(y.sum(), len(y) - y.sum()))
    if events < LEAST_OPENINGS or y_last.sum() in (0, len(y_last)):
        measures[name] = {
            "not_applicable": f"{events} of the rarer outcome in {len(y):,} rows, {LEAST_OPENINGS} needed"
        }
        return None
    groups = pd.factorize(past[settings.id])[0].astype(np.int64)
    frame = pd.DataFrame(inputs.matrix(past), columns=inputs.names)
    fold = splits.assign_folds(y, settings.folds, settings.seed, groups)
    training = candidates.Training(frame, y, groups, fold, np.arange(len(y)))
    encoder = training.encoder()
    tuned = settings.model_copy(update={"max_rounds": 300, "bootstrap": 100, "tuning_rows": 8000})
    fitted = [
        candidates.fit_logistic(training, encoder, tuned),
        candidates.fit_lightgbm(training, encoder, {}, tuned),
    ]
    chosen, evidence = candidates.choose(fitted, training, tuned)
    curve, _ = calibration.choose(chosen.margin, y, fold)
    spec = {"format": 1, "model": name, "features": [{"name": n, "type": "double"} for n in inputs.names],
            "heads": chosen.heads(name), "outputs": [_output(name, curve)]}  # fmt: skip
    x_last = pd.DataFrame(inputs.matrix(last), columns=inputs.names)
    p = Artifact(spec, chosen.boosters(name)).predict(x_last)[name].to_numpy()
    who = pd.factorize(last[settings.id])[0].astype(np.int64)
    measures[name] = {
        **metrics.bootstrap(y_last, p, who, names=("roc_auc", "log_loss", "observed_over_expected"), n=100,
                            seed=settings.seed),
        "rival": {rival: _rival(rival, past, y, last, y_last, who, settings)},
        "chosen": chosen.name, "base_rate": float(y_last.mean()),
        "cohort": str(last[settings.as_of].iloc[0].date()),
    }  # fmt: skip
    return Chances(name, chosen, curve, inputs, evidence)


def _rival(
    rival: str, past: pd.DataFrame, y: Array, last: pd.DataFrame, y_last: Array, who: NDArray[np.int64],
    settings: ValueSettings,
) -> dict[str, Any]:  # fmt: skip
    """Measure the rival: a constant rate from last year's purchases, or everybody's share."""
    if rival == "rate" and "active_days_365d" in last:
        p = -np.expm1(-BUY_DAYS * last["active_days_365d"].to_numpy(dtype=float).clip(0.5) / 365)
    else:
        p = np.full(len(last), float(y.mean()))
    return metrics.bootstrap(y_last, p, who, names=("roc_auc", "log_loss"), n=100, seed=settings.seed)


def _when_and_what(
    known: pd.DataFrame, items: list[str], again: Chances, inputs: Inputs, settings: ValueSettings,
    measures: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    past, last = _spaced(known, 3 * BUY_DAYS, settings)
    crossed = calibration.sigmoid(again.curve.log_odds(again.chosen.margin))
    waited, observed = (past[c].to_numpy(dtype=float) for c in ("next_purchase_days", "observed_days"))
    near = np.minimum(observed, 180.0)
    timing = fit_timing(crossed, np.where(waited < near, waited, np.nan), near, BUY_DAYS)
    p = _said(again, last, inputs)
    waited, observed = (last[c].to_numpy(dtype=float) for c in ("next_purchase_days", "observed_days"))
    measures["when"] = {
        "weibull_shape": timing.shape, **when_measures(timing, p, waited, observed, settings.level),
        "rival": {"rate": when_measures(Timing(BUY_DAYS, 1.0), _rate(last), waited, observed, settings.level)},
    }  # fmt: skip
    found: dict[str, Any] = {"timing": dataclasses.asdict(timing)}
    if items and known["next_category"].notna().any():
        habit = fit_habit(past[items], past["next_category"])
        measures["what"] = what_rivals(habit, last[items], last["next_category"])
        found["habit"] = dataclasses.asdict(habit)
    amount = _how_much(past, last, measures)
    return {**found, **({"amount": amount} if amount else {})}


def _rate(rows: pd.DataFrame) -> Array:
    days = rows["active_days_365d"].to_numpy(dtype=float) if "active_days_365d" in rows else np.full(len(rows), 12.0)
    return np.asarray(-np.expm1(-BUY_DAYS * days.clip(0.5) / 365))


def _how_much(past: pd.DataFrame, last: pd.DataFrame, measures: dict[str, Any]) -> dict[str, float] | None:
    """Lean a customer's usual purchase towards everybody's, on the logarithmic scale, and undo the logarithm's bias."""
    usual = "mean_purchase_365d"
    if usual not in past:
        measures["how_much"] = {"not_applicable": f"no feature {usual}"}
        return None

    def logs(rows: pd.DataFrame) -> tuple[Array, Array]:
        y = np.log(rows["next_amount"].to_numpy(dtype=float).clip(0.01))
        x = np.log(rows[usual].to_numpy(dtype=float).clip(0.01))
        ok = np.isfinite(y)
        centre = float(np.nanmedian(x))
        return np.where(np.isnan(x[ok]), centre, x[ok]), y[ok]

    x, y = logs(past)
    if len(y) < LEAST_OPENINGS:
        measures["how_much"] = {"not_applicable": f"{len(y)} next purchases have an amount"}
        return None
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / max(float(((x - x.mean()) ** 2).sum()), 1e-12))
    intercept = float(y.mean() - slope * x.mean())
    smear = float(np.exp(y - intercept - slope * x).mean())  # Duan, JASA 78, 1983, 605-610
    x_last, y_last = logs(last)
    said = intercept + slope * x_last
    measures["how_much"] = {
        "mean_absolute_error_of_log": float(np.abs(y_last - said).mean()),
        "total_error": float((np.exp(said) * smear).sum() / np.exp(y_last).sum() - 1),
        "rival": {
            "usual_purchase": {"mean_absolute_error_of_log": float(np.abs(y_last - x_last).mean())},
            "popularity": {"mean_absolute_error_of_log": float(np.abs(y_last - np.median(y)).mean())},
        },
    }
    return {"intercept": intercept, "slope": slope, "smear": smear, "usual": float(np.exp(np.median(x)))}


def _said(again: Chances, rows: pd.DataFrame, inputs: Inputs) -> Array:
    spec = {"format": 1, "model": again.name, "features": [{"name": n, "type": "double"} for n in inputs.names],
            "heads": again.chosen.heads(again.name), "outputs": [_output(again.name, again.curve)]}  # fmt: skip
    frame = pd.DataFrame(inputs.matrix(rows), columns=inputs.names)
    return Artifact(spec, again.chosen.boosters(again.name)).predict(frame)[again.name].to_numpy()


def _output(name: str, curve: calibration.Curve) -> dict[str, Any]:
    from ..learning import calibrated_output

    return calibrated_output(name, name, curve)


def _artifact(inputs: Inputs, forecasts: list[Forecast], questions: list[Chances], extra: dict[str, Any]) -> Artifact:
    heads: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    boosters: dict[str, Any] = {}
    for forecast in reversed(forecasts):  # the longest horizon is the headline
        heads += forecast.ranker.heads(forecast.horizon)
        boosters |= forecast.ranker.named_boosters(forecast.horizon)
        outputs += forecast.outputs()
    for question in questions:
        heads += question.chosen.heads(question.name)
        boosters |= question.chosen.boosters(question.name)
        outputs.append(_output(question.name, question.curve))
    deviations = {
        f.horizon: {"score": [float(v) for v in f.curve.score], "spread": [float(v) for v in f.curve.spread]}
        for f in forecasts
    }
    spec = {"format": 1, "model": "value", "features": inputs.spec, "heads": heads, "outputs": outputs,
            "deviations": deviations, "next_purchase": extra}  # fmt: skip
    return Artifact(spec, boosters)


def _sample(model: Artifact, rows: pd.DataFrame, inputs: Inputs, most: int = 500) -> pd.DataFrame:
    part = rows[inputs.names].head(most).reset_index(drop=True)
    return pd.concat([pd.DataFrame({"row": np.arange(len(part))}), part, model.predict(part)], axis=1)


__all__ = ["Cohorts", "Habit", "ValueResult", "ValueSettings", "fit_value"]
