"""The value of customers: margins of the coming periods, the next purchase and product, in one model."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import metrics, over_time
from ..artifact import Artifact
from .amount import USUAL, amount_measures, fit_amount
from .chances import Chances, fit_chances, measured_chances
from .cohorts import margin_cohorts
from .forecast import Forecast, fit_forecast, measured
from .inputs import Inputs
from .margin_curve import level_error, total_interval
from .next_purchase import BLOCK, Timing, fit_habit, fit_timing, what_rivals, when_measures
from .settings import ValueSettings
from .tiers import investment_tiers, net_value, wrong_tiers

Array = NDArray[np.float64]
BUY_DAYS = 30
SEEN_DAYS = 90  # so long a next purchase was looked for
OPEN_DAYS = 180
SAMPLE_ROWS = 500


@dataclass(frozen=True)
class ValueResult:
    """A fitted model with its evidence; ``predictions`` are those of the last cohort of the longest horizon."""

    model: Artifact
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    sample: pd.DataFrame


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
        Mean margin of a customer in the quarters before the test, oldest first: how much the level of a year swings
        (:func:`.margin_curve.level_error`).

    Returns
    -------
    ValueResult

    Raises
    ------
    DataError
        If no cohort has a finished window, or too few customers.
    """
    settings = settings or ValueSettings()
    settings = settings.model_copy(update={"drop": [*settings.drop, *(str(c) for c in table if ":" in str(c))]})
    rows = table.assign(**{str(settings.as_of): pd.to_datetime(table[str(settings.as_of)])})
    inputs = Inputs.learn(rows, settings)
    found: dict[str, Any] = {"level": settings.level, "test": {}, "candidates": {}}
    forecasts, predictions, test, ends = [], pd.DataFrame(), rows.head(0), []
    for horizon, days in settings.horizons.items():  # from short to long: predictions are of the last
        past, test = margin_cohorts(rows, horizon, days, str(settings.as_of))
        trial = fit_forecast(past, horizon, inputs, settings)
        score = trial.ranker.predict(inputs.matrix(test))
        predictions = _predicted(trial, score, test, settings)
        found["candidates"][horizon] = trial.evidence
        found["test"][horizon] = {
            **measured(trial, score, predictions["realised"].to_numpy(), settings),
            "total": _total(trial, score, predictions, quarters, settings),
            "cohort": str(test[settings.as_of].iloc[0].date()),
            "learned_from": sorted({str(date.date()) for date in past[settings.as_of]}),
        }
        same = settings.model_copy(update={"candidates": [trial.ranker.name]})  # what was measured is handed over
        forecasts.append(fit_forecast(pd.concat([past, test]), horizon, inputs, same))
        ends.append(_end(test, days, settings))
    if settings.last_year in test:
        found["baseline"] = _lead(score, test, horizon, settings)
    found["drift"], drifted = _drift(trial, past, score, test, inputs)
    questions, extra, found["next_purchase"] = _next_purchase(rows, inputs, settings)
    model = _artifact(inputs, forecasts, questions, extra, settings)
    ends += [_end(question.past, SEEN_DAYS if question.name.startswith("buys_") else OPEN_DAYS, settings)
             for question in questions]  # fmt: skip
    model = model.learned_until(max(ends))
    part = test[inputs.names].head(SAMPLE_ROWS).reset_index(drop=True)
    sample = pd.concat([part.rename_axis("row").reset_index()[["row"]], part, model.predict(part)], axis=1)
    tables = {"wrong_tiers": _regret(predictions, test, settings), **drifted}
    return ValueResult(model, metrics.finite(found), predictions, tables, sample)


def _end(rows: pd.DataFrame, days: int, settings: ValueSettings) -> pd.Timestamp:
    """When the outcome of the last of these rows was known."""
    return pd.Timestamp(rows[settings.as_of].max()) + pd.Timedelta(days=days)


def _lead(score: Array, test: pd.DataFrame, horizon: str, settings: ValueSettings) -> dict[str, Any]:
    """Measure by how much the forecast ranks better than the margin of the last year, on the cohort not seen."""
    last, margin = (test[name].to_numpy(dtype=float, na_value=np.nan) for name in (settings.last_year, horizon))
    known = np.where(np.isnan(last), np.nanmedian(last), last)
    draw = partial(metrics.interval_of, groups=np.arange(len(test)), n=settings.bootstrap, seed=settings.seed)
    return {
        "what": f"{settings.last_year} alone, high values first",
        "measure": "rank_correlation",
        "rows": len(test),
        "baseline": draw(lambda r: metrics.rank_correlation(known[r], margin[r])),
        "lead": draw(lambda r: metrics.rank_correlation(score[r], margin[r])
                     - metrics.rank_correlation(known[r], margin[r])),
    }  # fmt: skip


def _drift(
    trial: Forecast, past: pd.DataFrame, score: Array, test: pd.DataFrame, inputs: Inputs
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Compare the customers of the last cohort with those learned from, by score and inputs."""
    before = past[inputs.names].assign(score=trial.ranker.predict(inputs.matrix(past)))
    return over_time.drift(before, test[inputs.names].assign(score=score), inputs.names, "score")


def _predicted(trial: Forecast, score: Array, last: pd.DataFrame, settings: ValueSettings) -> pd.DataFrame:
    low, high = trial.curve.interval(score)
    name = f"expected_{trial.horizon}"
    return pd.DataFrame({
        str(settings.id): last[settings.id], str(settings.as_of): last[settings.as_of],
        "realised": last[trial.horizon].astype(float), name: trial.curve.expected(score), f"{name}_low": low,
        f"{name}_high": high,
    })  # fmt: skip


def _total(
    trial: Forecast, score: Array, predictions: pd.DataFrame, quarters: Array | None, settings: ValueSettings
) -> dict[str, float]:
    error, degrees = (0.0, 1) if quarters is None else level_error(quarters)
    found = total_interval(
        trial.curve.expected(score), trial.curve.deviation(score), error, degrees, settings.level, seed=settings.seed
    )
    realised = float(predictions["realised"].sum())
    covered = float(found["low"] <= realised <= found["high"])
    return {**found, "level_error": error, "realised": realised, "covered": covered}


def _regret(predictions: pd.DataFrame, test: pd.DataFrame, settings: ValueSettings) -> pd.DataFrame:
    stated, realised = (
        net_value(predictions[name].to_numpy(dtype=float), test, settings.cost_per_contact)
        for name in (f"expected_{list(settings.horizons)[-1]}", "realised")
    )
    return wrong_tiers(investment_tiers(stated, settings.high_share), realised, settings.high_share)


def _next_purchase(
    rows: pd.DataFrame, inputs: Inputs, settings: ValueSettings
) -> tuple[list[Chances], dict[str, Any], dict[str, Any]]:
    """Answer what can be answered of the next purchase from this table; the rest says why not."""
    questions: list[Chances] = []
    extra: dict[str, Any] = {}
    measures: dict[str, Any] = {}
    if "next_purchase_days" in rows:
        known = rows[rows["observed_days"] >= SEEN_DAYS]
        buys = np.asarray(known["next_purchase_days"] < BUY_DAYS, dtype=np.float64)
        again = fit_chances(f"buys_{BUY_DAYS}", known, buys, SEEN_DAYS, inputs, settings)
        if isinstance(again, Chances):
            questions.append(again)
            measures[again.name] = measured_chances(again, "constant rate", _at_a_constant_rate(again.last), settings)
            extra = _when_what_how_much(again, measures, settings)
        else:
            measures[f"buys_{BUY_DAYS}"] = {"not_applicable": again}
    for label in sorted(str(c) for c in rows if str(c).startswith("opened_")):
        known, name = rows[rows[label].notna()], f"opens_{label.removeprefix('opened_')}"
        asked = fit_chances(name, known, known[label].to_numpy(dtype=float), OPEN_DAYS, inputs, settings)
        if isinstance(asked, Chances):
            questions.append(asked)
            everybody = np.full(len(asked.last), float(asked.past["_label"].mean()))
            measures[name] = measured_chances(asked, "popularity", everybody, settings)
        else:
            measures[name] = {"not_applicable": asked}
    return questions, extra, measures


def _at_a_constant_rate(rows: pd.DataFrame) -> Array:
    """Probability of a purchase within ``BUY_DAYS`` if active days came at last year's rate; monthly if unknown."""
    days = rows["active_days_365d"].to_numpy(dtype=float) if "active_days_365d" in rows else np.full(len(rows), 12.0)
    return np.asarray(-np.expm1(-BUY_DAYS * days.clip(0.5) / 365))


def _when_what_how_much(again: Chances, measures: dict[str, Any], settings: ValueSettings) -> dict[str, Any]:
    """Fit what follows from the probability of buying again, on the same cohorts."""
    past, last = again.past, again.last
    waited, observed = (past[c].to_numpy(dtype=float) for c in ("next_purchase_days", "observed_days"))
    near = np.minimum(observed, 2.0 * SEEN_DAYS)
    timing = fit_timing(again.crossed(), np.where(waited < near, waited, np.nan), near, BUY_DAYS)
    waited, observed = (last[c].to_numpy(dtype=float) for c in ("next_purchase_days", "observed_days"))
    rate = when_measures(Timing(BUY_DAYS, 1.0), _at_a_constant_rate(last), waited, observed, settings.level)
    measures["when"] = {
        "weibull_shape": timing.shape,
        **when_measures(timing, again.predict(last), waited, observed, settings.level),
        "rival": {"constant rate": rate},
    }
    extra: dict[str, Any] = {"timing": dataclasses.asdict(timing)}
    items = [str(c) for c in past if str(c).startswith(BLOCK)]
    if items and past["next_category"].notna().any():
        habit = fit_habit(past[items], past["next_category"])
        measures["what"] = what_rivals(habit, last[items], last["next_category"])
        extra["habit"] = dataclasses.asdict(habit)
    if USUAL in past:
        spent = past["next_amount"].to_numpy(dtype=float)
        amount = fit_amount(past[USUAL].to_numpy(dtype=float), spent)
        if isinstance(amount, str):
            measures["how_much"] = {"not_applicable": amount}
        else:
            measures["how_much"] = amount_measures(amount, last, float(np.nanmedian(spent)))
            extra["amount"] = dataclasses.asdict(amount)
    return extra


def _artifact(
    inputs: Inputs, forecasts: list[Forecast], questions: list[Chances], extra: dict[str, Any], settings: ValueSettings
) -> Artifact:
    heads: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    boosters: dict[str, Any] = {}
    for forecast in reversed(forecasts):  # the longest horizon is the headline
        heads += forecast.ranker.heads(forecast.horizon)
        boosters |= forecast.ranker.named_boosters(forecast.horizon)
        outputs += forecast.outputs()
    for question in questions:
        heads += question.heads()
        boosters |= question.boosters()
        outputs.append(question.output())
    deviations = {f.horizon: {"score": f.curve.score.tolist(), "spread": f.curve.spread.tolist()} for f in forecasts}
    spec = {"format": 1, "model": "value", "features": inputs.spec, "heads": heads, "outputs": outputs,
            "deviations": deviations, "level": settings.level, "next_purchase": extra}  # fmt: skip
    return Artifact(spec, boosters)
