"""CDNOW: published purchase models reproduced, and a LightGBM forecast held against BG/NBD on all customers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afraz.models.metrics import resamples
from afraz.models.splits import folds
from afraz.models.value.bg_nbd import fit_bg_nbd
from afraz.models.likelihood import Fit
from afraz.models.value.gamma_gamma import fit_gamma_gamma
from afraz.models.value.pareto_nbd import fit_pareto_nbd
from afraz.models.value.purchase_history import purchase_history, purchases_between
from afraz.models.value.tracking import expected_tracking

Array = NDArray[np.float64]

END, UNTIL, WEEKS = "1997-09-30", "1998-06-30", 39.0
# LightGBM learns from the first two thirds of the calibration what happened in its last third
INNER_END, INNER_WEEKS = "1997-06-30", 92 / 7
NAMES = {"value": "dollar_value"}
# Fixed before the first look at the hold-out; only the number of rounds is chosen, inside the calibration
LEARNER = {
    "objective": "poisson", "metric": "poisson", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50,
    "feature_fraction": 0.7, "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 3.0,
    "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
}  # fmt: skip


def cdnow(data: Path, seed: int = 7, resampled: int = 500) -> dict[str, Any]:
    """Run all of it on the folder of the public data sets.

    ``bg_nbd``, ``pareto_nbd`` and ``gamma_gamma`` are of the 1/10 sample, as published; ``master`` holds the forecasts
    of 39 weeks for all customers against one another.
    """
    orders = read_orders(data / "cdnow" / "cdnow_sample.csv.gz")
    return {
        **published(orders),
        "master": contest(read_orders(data / "cdnow" / "cdnow_master.csv.gz"), seed, resampled),
    }


def read_orders(file: Path) -> pd.DataFrame:
    orders = pd.read_csv(file, dtype={"customer_id": str})
    return orders.assign(date=pd.to_datetime(orders["date"].astype(str), format="%Y%m%d"))


def history_at(orders: pd.DataFrame, end: str) -> pd.DataFrame:
    return purchase_history(orders[orders["date"] <= end], end, **NAMES)


def published(orders: pd.DataFrame) -> dict[str, Any]:
    history = history_at(orders, END)
    later = purchases_between(orders, history["customer_id"], END, UNTIL, **NAMES)["purchases"].to_numpy()
    repeats = int(history["frequency"].sum() + later.sum())
    found: dict[str, Any] = {}
    for name, fit in (("bg_nbd", fit_bg_nbd(history)), ("pareto_nbd", fit_pareto_nbd(history))):
        forecast = fit.model.expected_purchases(history, WEEKS)
        total = float(expected_tracking(fit.model, history["T"], [WEEKS])[0])
        found[name] = {
            **spelled(fit), "repeats_week_78": total, "cumulative_error_week_78": total / repeats - 1,
            "holdout_forecast": forecast.sum(), "holdout_error": forecast.sum() / later.sum() - 1,
            "correlation": np.corrcoef(forecast, later)[0, 1],
        }  # fmt: skip
    again = history[history["frequency"] > 0]
    found["gamma_gamma"] = {
        **spelled(fit_gamma_gamma(history)),
        "correlation_of_frequency_and_value": again["frequency"].corr(again["monetary_value"]),
    }
    observed = {"repeats_week_78": repeats, "holdout_purchases": int(later.sum()), "customers": len(history)}
    return {**found, "observed": observed}


def spelled(fit: Fit) -> dict[str, Any]:
    errors = {f"{name}_standard_error": value for name, value in fit.standard_errors.items()}
    return {**fit.params, **errors, "log_likelihood": fit.log_likelihood, "converged": fit.converged, "n": fit.n}


def contest(orders: pd.DataFrame, seed: int, resampled: int) -> dict[str, Any]:
    """Forecast weeks 40 to 78 of all customers at week 39, and measure every forecast on the same resamples."""
    now, inner = history_at(orders, END), history_at(orders, INNER_END)
    y = purchases_between(orders, now["customer_id"], END, UNTIL, **NAMES)["purchases"].to_numpy(float)
    y_inner = purchases_between(orders, inner["customer_id"], INNER_END, END, **NAMES)["purchases"].to_numpy(float)
    x, x_inner = features(orders, now, END), features(orders, inner, INNER_END)
    fit, fit_inner = fit_bg_nbd(now).checked(), fit_bg_nbd(inner).checked()
    expected = fit.model.expected_purchases(now, WEEKS)
    expected_inner = fit_inner.model.expected_purchases(inner, INNER_WEEKS)
    # What LightGBM says of 13 weeks from a state at week 39 is brought to 39 weeks from that state
    longer = expected.sum() / fit.model.expected_purchases(now, INNER_WEEKS).sum()
    first_scale = expected.sum() / expected_inner.sum()  # counts twice that customers leave between the two dates
    log_inner = np.log(expected_inner)
    learned, rounds = learn(x_inner, y_inner, seed)
    beside, rounds_beside = learn(x_inner, y_inner, seed, log_inner)
    timed = [name for name in x if not name.endswith(("_value", "_discs"))]
    unpaid = learn(x_inner[timed], y_inner, seed, log_inner)[0]
    seen = np.empty(len(y))
    for train, test in folds(np.minimum(y, 1), 5, seed):
        seen[test] = learn(x.iloc[train], y[train], seed)[0](x.iloc[test])
    forecasts = {
        "bg_nbd": expected,
        "pareto_nbd": fit_pareto_nbd(now).checked().model.expected_purchases(now, WEEKS),
        "lightgbm": learned(x) * longer,
        "lightgbm_first_scale": learned(x) * first_scale,
        "lightgbm_on_bg_nbd": beside(x) * expected,
        "lightgbm_on_bg_nbd_without_spend": unpaid(x[timed]) * expected,
        "lightgbm_seen_holdout": seen,
    }
    others = range(seed + 1, seed + 5)
    by_seed = {
        "lightgbm": [learn(x_inner, y_inner, s)[0](x) * longer for s in others],
        "lightgbm_on_bg_nbd": [learn(x_inner, y_inner, s, log_inner)[0](x) * expected for s in others],
    }
    drawn = resamples(np.arange(len(y)), np.random.default_rng(seed), resampled)
    measured = {name: measures(y, forecast, drawn) for name, forecast in forecasts.items()}
    reference = measured["bg_nbd"]
    return {
        **{name: with_intervals(values) for name, values in measured.items()},
        "difference": {
            name: with_intervals(gaps(values, reference)) for name, values in measured.items() if name != "bg_nbd"
        },
        "other_seeds": {
            name: [{k: float(v[0]) for k, v in measures(y, forecast, drawn[:0]).items()} for forecast in found]
            for name, found in by_seed.items()
        },
        "all_zero": {"mean_absolute_error": y.mean(), "rmse": np.sqrt((y**2).mean())},
        "squared_error_of_ten": float(np.sort((y - expected) ** 2)[-10:].sum() / ((y - expected) ** 2).sum()),
        "customers": len(y), "purchases": int(y.sum()), "bought_again": float((y > 0).mean()),
        "inner": {"purchases": int(y_inner.sum()), "bg_nbd_forecast": expected_inner.sum(), "scale": longer,
                  "first_scale": first_scale,
                  "rounds": rounds, "rounds_on_bg_nbd": rounds_beside},
        "bg_nbd_fit": spelled(fit), "bg_nbd_inner_fit": spelled(fit_inner),
    }  # fmt: skip


def features(orders: pd.DataFrame, history: pd.DataFrame, end: str) -> pd.DataFrame:
    """Describe each customer at ``end`` by what means the same at both dates; money and discs BG/NBD does not have."""
    known = orders[orders["date"] <= end]
    days = known.groupby(["customer_id", "date"], as_index=False)[["dollar_value", "number_of_cds"]].sum()
    days["ago"] = (pd.Timestamp(end) - days["date"]).dt.days / 7
    who = history["customer_id"]
    by = days.groupby("customer_id")
    first, last = (getattr(by[["dollar_value", "number_of_cds"]], of)().reindex(who) for of in ("first", "last"))
    x, t_x, age = (history[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    table = {
        "frequency": x, "rate": x / age, "silence": age - t_x, "recency_share": t_x / age,
        "silence_over_interval": (age - t_x) * x / np.where(t_x > 0, t_x, np.nan),
        "mean_repeat_value": history["monetary_value"].to_numpy(), "mean_value": by["dollar_value"].mean().reindex(who),
        "mean_discs": by["number_of_cds"].mean().reindex(who), "first_value": first["dollar_value"],
        "first_discs": first["number_of_cds"], "last_value": last["dollar_value"],
    }  # fmt: skip
    for weeks in (4, 8, 13):
        table[f"purchases_{weeks}_weeks"] = (
            days[days["ago"] < weeks].groupby("customer_id").size().reindex(who).fillna(0)
        )
    return pd.DataFrame({name: np.asarray(values, float) for name, values in table.items()})


def learn(
    x: pd.DataFrame, y: Array, seed: int, log_exposure: Array | None = None
) -> tuple[Callable[[pd.DataFrame], Array], int]:
    """Fit Poisson trees; with an exposure they learn by how much it is off. Rounds by five folds of customers."""
    made = lgb.Dataset(x, y, init_score=log_exposure, params={"verbosity": -1}, free_raw_data=False)
    settings = {**LEARNER, "seed": seed}
    cut = folds(np.minimum(y, 1), 5, seed)
    curve = lgb.cv(settings, made, 600, folds=cut, callbacks=[lgb.early_stopping(50, verbose=False)])
    rounds = len(curve["valid poisson-mean"])
    booster = lgb.train(settings, made, rounds)
    return lambda table: np.asarray(booster.predict(table), float), rounds


def measures(y: Array, forecast: Array, drawn: Array) -> dict[str, Array]:
    """Measure on all customers, then on every resample; (1 + resamples,) each."""
    off = np.where(y > 0, y * np.log(np.maximum(y, 1) / forecast), 0.0) - (y - forecast)
    columns = np.stack(
        [2 * off, (y - forecast) ** 2, y, forecast, y * y, forecast**2, y * forecast, abs(y - forecast)], 1
    )
    weight = np.vstack([np.ones(len(y)), drawn])
    deviance, square, m, f, mm, ff, mf, absolute = (weight @ columns / weight.sum(axis=1, keepdims=True)).T
    level = m / f  # at the true total the deviance tells who buys, not how much is bought in all
    return {
        "poisson_deviance": deviance,
        "poisson_deviance_at_true_total": deviance - 2 * m * np.log(level) + 2 * (m - f),
        "rmse": np.sqrt(square), "total_error": f / m - 1,
        "correlation": (mf - m * f) / np.sqrt((mm - m * m) * (ff - f * f)), "mean_absolute_error": absolute,
    }  # fmt: skip


def gaps(values: dict[str, Array], reference: dict[str, Array]) -> dict[str, Array]:
    """Forecast minus reference; of the total error, how much further from 0 it lies."""
    size = {name: np.abs if name == "total_error" else np.asarray for name in values}
    return {name: size[name](values[name]) - size[name](reference[name]) for name in values}


def with_intervals(values: dict[str, Array]) -> dict[str, float]:
    found = {}
    for name, value in values.items():
        low, high = np.quantile(value[1:], [0.025, 0.975])
        found |= {name: float(value[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found
