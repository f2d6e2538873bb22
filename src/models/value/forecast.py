"""What customers will bring in six and in twelve months: candidates, a curve from score to money, intervals.

Margins are heavy-tailed and partly negative. A candidate ranks customers; the curve (``margin_curve``) turns the rank
into the mean of what customers of that rank brought, so every candidate is unbiased where it was fitted.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError
from .. import gbm, splits
from ..metrics import interval_of, rank_correlation
from ..pyfunc_model import two_part
from .inputs import Inputs
from .margin_curve import MarginCurve, constant_width, coverage, fit_curve
from .settings import ValueSettings

Array = NDArray[np.float64]
LEAST_LOSSES = 200


@dataclass(frozen=True)
class Target:
    """What one set of trees learns: a value of each row, NaN where it is not known."""

    values: Array
    objective: str


@dataclass(frozen=True)
class Ranker:
    """A candidate: heads of a model, and out-of-fold scores of the rows it was fitted to.

    ``targets`` and ``rounds`` say what the trees of each part learn and for how long; ``boosters`` are those trees,
    which only the chosen candidate is given (:func:`trained`).
    """

    name: str
    head: dict[str, Any]
    score: Array
    targets: dict[str, Target]
    rounds: dict[str, int]
    boosters: dict[str, lgb.Booster] = field(default_factory=dict)

    def heads(self, name: str) -> list[dict[str, Any]]:
        """Spell the candidate as heads of a model; the first is called ``name``."""
        if self.name == "last_year":
            return [{"name": name, **self.head}]
        if self.name == "lightgbm":
            return [{"name": name, "kind": "lightgbm", "file": f"{name}.txt"}]
        parts = [f"{name}_{part}" for part in self.targets]
        inner = [{"name": part, "kind": "lightgbm", "file": f"{part}.txt"} for part in parts]
        return [{"name": name, "kind": "two_part", "parts": parts}, *inner]

    def named_boosters(self, name: str) -> dict[str, lgb.Booster]:
        """Give the boosters of :meth:`heads`."""
        alone = self.name == "lightgbm"
        return {name if alone else f"{name}_{part}": booster for part, booster in self.boosters.items()}

    def predict(self, x: Array) -> Array:
        """Score encoded rows; shape (rows,)."""
        if self.name == "last_year":
            place = int(np.flatnonzero(self.head["coefficients"])[0])
            value = np.where(np.isnan(x[:, place]), self.head["means"][place], x[:, place])
            return np.asarray(value - self.head["means"][place])
        raw = {part: np.asarray(booster.predict(x, raw_score=True)) for part, booster in self.boosters.items()}
        return raw["score"] if self.name == "lightgbm" else two_part({"parts": list(raw)}, raw)


@dataclass(frozen=True)
class Forecast:
    """A chosen candidate with its curve, for one horizon; ``evidence`` has the measures of all candidates."""

    horizon: str
    ranker: Ranker
    curve: MarginCurve
    evidence: dict[str, Any]

    def outputs(self) -> list[dict[str, Any]]:
        """Spell the interval and the expectation as outputs of a model, from low to high."""
        knots = [float(value) for value in self.curve.score]
        name = f"expected_{self.horizon}"
        shapes = {f"{name}_low": self.curve.low, name: self.curve.mean, f"{name}_high": self.curve.high}
        return [
            {"name": output, "head": self.horizon, "link": "identity", "knots_margin": knots,
             "knots_log_odds": [float(value) for value in values]}
            for output, values in shapes.items()
        ]  # fmt: skip


@dataclass(frozen=True)
class Cohorts:
    """Rows to learn a horizon from: encoded features, margins, customers and their folds."""

    names: list[str]
    x: Array
    margin: Array
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pd.DataFrame, horizon: str, inputs: Inputs, settings: ValueSettings) -> "Cohorts":
        """Encode the rows and deal customers into folds.

        Raises
        ------
        DataError
            With fewer labelled customers than ``min_customers``.
        """
        margin = rows[horizon].to_numpy(dtype=float)
        groups = pd.factorize(rows[settings.id])[0].astype(np.int64) if settings.id else np.arange(len(rows))
        customers = len(np.unique(groups))
        if customers < settings.min_customers:
            raise DataError(
                f"{horizon}: {customers:,} customers have a finished window, {settings.min_customers:,} are needed: "
                "take earlier as_of dates (snapshots in params/features.yaml)"
            )
        fold = splits.assign_folds((margin > np.median(margin)).astype(float), settings.folds, settings.seed, groups)
        return cls(inputs.names, inputs.matrix(rows), margin, groups, fold)


def fit_rankers(data: Cohorts, settings: ValueSettings) -> list[Ranker]:
    """Score the rows by the candidates, each out of fold, the simplest first."""
    unit = max(float(np.median(np.abs(data.margin))), 1e-9)
    asked: dict[str, dict[str, Target]] = {}
    if "lightgbm" in settings.candidates:
        asked["lightgbm"] = {"score": Target(np.arcsinh(data.margin / unit), "regression")}
    losses = int((data.margin <= 0).sum())
    if "two_part" in settings.candidates and min(losses, len(data.margin) - losses) >= LEAST_LOSSES:
        asked["two_part"] = _two_part(data.margin, unit)
    crossed = iter(_cross_fit(data, [target for parts in asked.values() for target in parts.values()], settings))
    found = []
    if "last_year" in settings.candidates and settings.last_year in data.names:
        found.append(_last_year(data, settings))
    for name, parts in asked.items():
        raw, rounds = dict[str, Array](), dict[str, int]()
        for part in parts:
            raw[part], rounds[part] = next(crossed)
        score = raw["score"] if name == "lightgbm" else two_part({"parts": list(raw)}, raw)
        found.append(Ranker(name, {}, score, parts, rounds))
    return found


def _last_year(data: Cohorts, settings: ValueSettings) -> Ranker:
    x = data.x
    place = data.names.index(settings.last_year)
    usual = float(np.nanmedian(x[:, place])) if (~np.isnan(x[:, place])).any() else 0.0
    width = len(data.names)
    coefficients, means = [0.0] * width, [0.0] * width
    coefficients[place], means[place] = 1.0, usual
    head = {"kind": "linear", "intercept": 0.0, "coefficients": coefficients, "means": means, "scales": [1.0] * width}
    score = np.where(np.isnan(x[:, place]), usual, x[:, place]) - usual
    return Ranker("last_year", head, score, {}, {})


def _two_part(margin: Array, unit: float) -> dict[str, Target]:
    size = np.log(np.maximum(np.abs(margin), 0.01 * unit))
    positive = margin > 0
    return {
        "sign": Target(positive.astype(float), "cross_entropy"),
        "gain": Target(np.where(positive, size, np.nan), "regression"),
        "loss": Target(np.where(positive, np.nan, size), "regression"),
    }


def _parameters(target: Target, names: list[str], settings: ValueSettings) -> dict[str, Any]:
    parameters = gbm.lightgbm_parameters(settings.trees(), seed=settings.seed, names=names)
    metric = "l2" if target.objective == "regression" else "cross_entropy"
    return parameters | {"objective": target.objective, "metric": metric}


def _cross_fit(data: Cohorts, targets: list[Target], settings: ValueSettings) -> list[tuple[Array, int]]:
    """Fit trees to the rows whose target is known; scores of every row come from trees that never saw its customer.

    Targets that are known of the same rows share what is binned of them.

    Returns
    -------
    list of (scores, rounds)
        Of each target: shape (rows,), and how many trees the folds liked best on average.
    """
    alike: dict[bytes, list[int]] = {}
    for i, target in enumerate(targets):
        alike.setdefault(np.isnan(target.values).tobytes(), []).append(i)
    scores = [np.full(len(data.margin), np.nan) for _ in targets]

    def fit(together: list[int], k: int) -> list[int]:
        known, rows, rounds = ~np.isnan(targets[together[0]].values), data.fold == k, []
        inside, outside = known & ~rows, known & rows
        x, first = data.x[rows], targets[together[0]].values
        train = gbm.dataset(data.x[inside], first[inside], data.names)
        valid = gbm.dataset(data.x[outside], first[outside], data.names, reference=train)
        for i in together:
            train.set_label(targets[i].values[inside])
            valid.set_label(targets[i].values[outside])
            booster = lgb.train(
                _parameters(targets[i], data.names, settings), train, settings.max_rounds, valid_sets=[valid],
                callbacks=[lgb.early_stopping(settings.patience, verbose=False)],
            )  # fmt: skip
            rounds.append(max(booster.best_iteration, 1))
            scores[i][rows] = booster.predict(x, raw_score=True, num_iteration=rounds[-1], num_threads=1)
        return rounds

    jobs = [(together, k) for together in alike.values() for k in range(int(data.fold.max()) + 1)]
    liked: dict[int, list[int]] = {i: [] for i in range(len(targets))}
    with ThreadPoolExecutor(settings.threads) as pool:  # each fold on one thread: the result does not depend on it
        for (together, _), rounds in zip(jobs, pool.map(lambda job: fit(*job), jobs), strict=True):
            for i, best in zip(together, rounds, strict=True):
                liked[i].append(best)
    return [(score, max(1, round(float(np.mean(liked[i]))))) for i, score in enumerate(scores)]


def trained(ranker: Ranker, data: Cohorts, settings: ValueSettings) -> Ranker:
    """Give a candidate its trees: of all rows, as many as the folds liked best."""

    def fit(part: str) -> lgb.Booster:
        target = ranker.targets[part]
        known = ~np.isnan(target.values)
        whole = gbm.dataset(data.x[known], target.values[known], data.names)
        return gbm.train(whole, _parameters(target, data.names, settings), ranker.rounds[part])

    with ThreadPoolExecutor(settings.threads) as pool:
        boosters = dict(zip(ranker.targets, pool.map(fit, ranker.targets), strict=True))
    return replace(ranker, boosters=boosters)


def choose(rankers: list[Ranker], data: Cohorts, settings: ValueSettings) -> tuple[Ranker, dict[str, Any]]:
    """Take the simplest candidate that no later one outranks for certain.

    The rank correlation of out-of-fold scores with the margins decides, by paired bootstrap of customers: the curve
    sets the level of all candidates alike, and lists are made of ranks.
    """
    winner, evidence = rankers[0], dict[str, Any]()
    interval = partial(interval_of, groups=data.groups, n=settings.bootstrap, seed=settings.seed)

    def ranks(ranker: Ranker, rows: NDArray[np.int64]) -> float:
        return rank_correlation(ranker.score[rows], data.margin[rows])

    def lead(one: Ranker, other: Ranker, rows: NDArray[np.int64]) -> float:
        return ranks(one, rows) - ranks(other, rows)

    for ranker in rankers:
        found: dict[str, Any] = {"rank_correlation": interval(partial(ranks, ranker)), "rounds": ranker.rounds}
        evidence[ranker.name] = found
        if ranker is winner:
            continue
        gap = interval(partial(lead, ranker, winner))
        found[f"minus_{winner.name}"] = gap
        if gap["low"] > 0:
            winner = ranker
    return winner, {"chosen": winner.name, **evidence}


def fit_forecast(rows: pd.DataFrame, horizon: str, inputs: Inputs, settings: ValueSettings) -> Forecast:
    """Fit the candidates of one horizon on cohorts, choose, and read off the curve.

    Parameters
    ----------
    rows : DataFrame
        Features and the margin of customers whose window is over.
    horizon : str
        Column of the margin.
    inputs : Inputs
        How features become numbers.

    Raises
    ------
    DataError
        For too few customers.
    """
    data = Cohorts.of(rows, horizon, inputs, settings)
    winner, evidence = choose(fit_rankers(data, settings), data, settings)
    curve = fit_curve(winner.score, data.margin, settings.level)
    return Forecast(horizon, trained(winner, data, settings), curve, evidence)


def measured(forecast: Forecast, score: Array, margin: Array, settings: ValueSettings) -> dict[str, Any]:
    """Measure a forecast on a later cohort: rank, totals, intervals; with intervals by bootstrap of customers."""
    expected = forecast.curve.expected(score)
    low, high = forecast.curve.interval(score)
    interval = partial(interval_of, groups=np.arange(len(margin)), n=settings.bootstrap, seed=settings.seed)
    return {
        "rank_correlation": interval(lambda r: rank_correlation(expected[r], margin[r])),
        "total_error": interval(lambda r: float(expected[r].sum() / margin[r].sum() - 1)),
        "rmse": interval(lambda r: float(np.sqrt(((expected[r] - margin[r]) ** 2).mean()))),
        "mean_absolute_error": interval(lambda r: float(np.abs(expected[r] - margin[r]).mean())),
        "coverage": {**coverage(margin, low, high, expected),
                     "constant_width": constant_width(score, margin, forecast.curve)},
        "customers": len(margin),
    }  # fmt: skip
