"""How often a customer will contact the bank: simple rivals first, a model only where it is better for certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, ParamsError, nearest
from ..gbm import lightgbm_parameters
from ..metrics import rank_correlation
from ..splits import assign_folds
from .gamma_poisson import GammaPoisson, fit_gamma_poisson, poisson_deviance

Array = NDArray[np.float64]

CANDIDATES = ("constant", "last_year", "gamma_poisson", "lightgbm")
TREES: dict[str, Any] = {"num_leaves": 7, "max_depth": 3, "learning_rate": 0.06, "min_data_in_leaf": 200}
ROUNDS = 80
YEAR = 365
DECILES = 10


@dataclass(frozen=True)
class Forecaster:
    """A fitted forecast of contacts in so many days.

    ``slope`` and ``level`` turn the log of what the candidate says into what is observed: 1 and 0 say that nothing had
    to be mended.
    """

    candidate: str
    days: int
    rates: GammaPoisson
    constant: float
    features: tuple[str, ...] = ()
    booster: lgb.Booster | None = None
    level: float = 0.0
    slope: float = 1.0

    def predict(self, rows: pd.DataFrame) -> Array:
        """Give the expected contacts of rows with ``contacts, exposure, contacts_year, exposure_year`` and features."""
        return np.asarray(np.exp(self.level + self.slope * np.log(self.raw(rows))))

    def raw(self, rows: pd.DataFrame) -> Array:
        """Give what the candidate says before calibration."""
        usual = self.rates.rate(rows["contacts"], rows["exposure"]) * self.days
        if self.candidate == "constant":
            return np.full(len(rows), self.constant * self.days)
        if self.candidate == "last_year":
            seen = rows["contacts_year"] / rows["exposure_year"].clip(lower=1) * self.days
            return np.maximum(seen.to_numpy(float), 1e-3 * self.constant * self.days)
        if self.candidate == "gamma_poisson":
            return usual
        assert self.booster is not None
        bent = self.booster.predict(_matrix(rows, self.features), raw_score=True)
        return np.asarray(usual * np.exp(bent))


def _matrix(rows: pd.DataFrame, features: Sequence[str]) -> Array:
    return rows[list(features)].to_numpy(dtype=float, na_value=np.nan)


def fit_forecaster(
    rows: pd.DataFrame, candidate: str, days: int, features: Sequence[str] = (), *, seed: int = 7
) -> Forecaster:
    """Fit one candidate.

    Parameters
    ----------
    rows : DataFrame
        A customer at a date: ``contacts`` in ``exposure`` days before it, ``contacts_year`` in ``exposure_year`` days
        of the last year, ``next_<days>`` (contacts after it), and the features.
    candidate : str
        ``constant`` (everybody alike), ``last_year`` (each customer's own rate of the last year), ``gamma_poisson``
        (that rate, weighed against everybody's) or ``lightgbm`` (the same, bent by trees on the features).
    days : int
        Horizon.

    Raises
    ------
    ParamsError
        For an unknown candidate.
    """
    if candidate not in CANDIDATES:
        raise ParamsError(f"unknown candidate {candidate!r} of the contact forecast: {nearest(candidate, CANDIDATES)}")
    label = rows[f"next_{days}"].to_numpy(float)
    constant = max(float(label.mean()) / days, 1e-9)
    last = rows.drop_duplicates("customer_id", keep="last")  # pasts of one customer overlap
    rates = fit_gamma_poisson(last["contacts"], last["exposure"])
    if candidate != "lightgbm":
        return Forecaster(candidate, days, rates, constant)
    start = np.log(rates.rate(rows["contacts"], rows["exposure"]) * days)
    data = lgb.Dataset(
        _matrix(rows, features), label=label, init_score=start, free_raw_data=True,
        params={"max_bin": 63, "verbosity": -1, "force_row_wise": True, "deterministic": True, "num_threads": 1},
    )  # fmt: skip
    chosen = lightgbm_parameters(TREES, seed=seed)
    booster = lgb.train({**chosen, "objective": "poisson", "metric": "poisson"}, data, num_boost_round=ROUNDS)
    return Forecaster(candidate, days, rates, constant, tuple(features), booster)


def calibrated(fitted: Forecaster, said: Array, label: Array) -> Forecaster:
    """Mend level and slope by a Poisson regression of what was seen on the log of what held-out folds said."""
    from sklearn.linear_model import PoissonRegressor

    x = np.log(said)
    center, spread = float(x.mean()), float(x.std())
    if spread <= 1e-6 or not label.any():  # nothing says how steep it is
        return replace(fitted, level=float(np.log(max(label.mean(), 1e-9))) - center, slope=1.0)
    regression = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=1e-10, max_iter=500)
    regression.fit(((x - center) / spread)[:, None], label)
    slope = float(regression.coef_[0]) / spread
    return replace(fitted, level=float(regression.intercept_) - slope * center, slope=slope)


@dataclass(frozen=True)
class Choice:
    """The chosen forecaster, how the candidates compare on held-out customers, and all of them on the test cohort."""

    forecaster: Forecaster
    candidates: pd.DataFrame
    test: pd.DataFrame
    reliability: pd.DataFrame


def choose_forecaster(
    train: pd.DataFrame, test: pd.DataFrame, days: int, features: Sequence[str], *,
    candidates: Sequence[str] = CANDIDATES, folds: int = 3, seed: int = 7,
) -> Choice:  # fmt: skip
    """Choose among candidates on folds of customers, calibrate, and measure once on a later cohort.

    The first candidate wins unless a later one's deviance is lower by two standard errors of the difference. Trees are
    no candidate where there are no features.

    Parameters
    ----------
    train, test : DataFrame
        See :func:`fit_forecaster`; the outcome windows of train end before the date of test.
    days : int
        Horizon.

    Returns
    -------
    Choice

    Raises
    ------
    DataError
        If there is no row to learn from or to be measured on.
    """
    if train.empty or test.empty:
        raise DataError(f"contacts of {days} days: {len(train)} rows to learn from, {len(test)} to be measured on")
    candidates = [name for name in candidates if name != "lightgbm" or features]
    label = train[f"next_{days}"].to_numpy(float)
    fold = assign_folds((label > 0).astype(float), folds, seed, pd.factorize(train["customer_id"])[0])
    said = {name: _out_of_fold(train, name, days, features, fold, seed) for name in candidates}
    best, told = candidates[0], []
    for name in candidates:
        lead, error = _difference(label, said[best], said[name], train["customer_id"])
        better = name != best and lead > 2 * error
        told.append((name, float(poisson_deviance(label, said[name]).mean()), best, lead, error, better))
        best = name if better else best
    names = ["candidate", "deviance", "held_against", "lead", "lead_error", "taken"]
    fitted = {name: fit_forecaster(train, name, days, features, seed=seed) for name in candidates}
    chosen = calibrated(fitted[best], said[best], label)
    seen = test[f"next_{days}"].to_numpy(float)
    tested = {**{name: one.raw(test) for name, one in fitted.items()}, "chosen": chosen.predict(test)}
    return Choice(
        chosen,
        pd.DataFrame(told, columns=names),
        pd.DataFrame([{"forecast": name, **measured(seen, x)} for name, x in tested.items()]),
        reliability(seen, tested["chosen"]),
    )


def _out_of_fold(
    train: pd.DataFrame, name: str, days: int, features: Sequence[str], fold: NDArray[np.int64], seed: int
) -> Array:
    out = np.empty(len(train))
    for k in np.unique(fold):
        out[fold == k] = fit_forecaster(train[fold != k], name, days, features, seed=seed).raw(train[fold == k])
    return out


def _difference(label: Array, one: Array, other: Array, customers: pd.Series) -> tuple[float, float]:
    """Mean lead in deviance, with a standard error that treats a customer's rows as one."""
    difference = poisson_deviance(label, one) - poisson_deviance(label, other)
    by_customer = np.bincount(pd.factorize(customers)[0], weights=difference - difference.mean())
    return float(difference.mean()), float(np.sqrt((by_customer**2).sum()) / len(difference))


def measured(seen: Array, said: Array) -> dict[str, float]:
    """Measure a forecast: deviance, rank correlation, level, and how much the top tenth brings."""
    top = np.argsort(-said, kind="stable")[: max(1, len(said) // DECILES)]
    return {
        "deviance": float(poisson_deviance(seen, said).mean()),
        "rank_correlation": rank_correlation(said, seen) if np.ptp(said) > 0 and np.ptp(seen) > 0 else np.nan,
        "observed_over_expected": float(seen.sum() / said.sum()),
        "share_in_top_decile": float(seen[top].sum() / max(seen.sum(), 1)),
        "contacts": float(seen.sum()),
        "customers": float(len(seen)),
    }


def reliability(seen: Array, said: Array) -> pd.DataFrame:
    """Hold tenths of customers in the order of the forecast against what came."""
    order = np.argsort(said, kind="stable")
    tenth = np.empty(len(said), int)
    tenth[order] = np.arange(len(said)) * DECILES // len(said) + 1
    table = pd.DataFrame({"tenth": tenth, "expected": said, "observed": seen}).groupby("tenth").mean().reset_index()
    return table.assign(customers=np.bincount(tenth, minlength=DECILES + 1)[1:][table["tenth"] - 1])


def words(choices: Mapping[int, Choice]) -> dict[str, Any]:
    """Give the measures of every horizon, the chosen forecast first."""
    return {
        f"next_{days}": {
            "chosen": found.forecaster.candidate, "calibration_slope": found.forecaster.slope,
            "test": {row.pop("forecast"): row for row in found.test.to_dict("records")},
        }
        for days, found in choices.items()
    }  # fmt: skip
