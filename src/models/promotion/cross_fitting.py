"""Score every customer's uplift by models that have not seen the customer, second-stage targets included.

A second-stage learner is taught with outcomes expected by other models. So that nothing of a held-out fold reaches the
learner that scores it, those models leave out two folds: the held-out one and the one of the row they are asked about.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .inputs import Inputs
from .learners import LEARNERS, Rows, Uplift, average, raw_scores, tree_parameters, trees
from .policy import doubly_robust

Array = NDArray[np.float64]
Folds = NDArray[np.int64]
Rounds = dict[tuple[int, ...], int]
SECOND = ("x", "dr", "transformed")  # learners with trees of the effect as such
PATIENCE = 25  # trees without improvement


@dataclass(frozen=True)
class Experiment:
    """Customers with and without the offer, encoded, dealt into folds."""

    inputs: Inputs
    outcome: Array
    treated: Array
    propensity: Array
    groups: Folds
    fold: Folds
    binary: bool

    @property
    def n_folds(self) -> int:
        return int(self.fold.max()) + 1


@dataclass(frozen=True)
class CrossFitted:
    """Out-of-fold uplift by learner, doubly robust effects, and the learners fitted to everybody.

    ``scores`` come from one model per fold: cut ranks within ``fold``. ``without`` and ``with_offer`` are expected
    outcomes, ``effect`` the doubly robust score made of them.
    """

    scores: dict[str, Array]
    without: Array
    with_offer: Array
    effect: Array
    fold: Folds
    rounds: dict[str, int]
    fitted: dict[str, Uplift]


def cross_fit(
    data: Experiment,
    learners: list[str],
    *,
    parameters: dict[str, Any],
    max_rounds: int,
    seed: int,
    threads: int = 1,
    final: bool = True,
) -> CrossFitted:
    """Fit the learners.

    Parameters
    ----------
    learners : names in :data:`.learners.LEARNERS`, and ``average`` of the others than response and one_rule
    parameters : of the trees of outcomes
    max_rounds : int
        Trees at most; the number is the one that is best in the folds other than the one scored.
    final : bool
        Also fit every learner to all rows; False where only the scores are wanted.

    Returns
    -------
    CrossFitted
    """
    own = [name for name in learners if name != "average"]
    blank = np.zeros(len(data.outcome))
    rows = Rows(data.inputs, data.outcome, data.treated, data.propensity, blank, blank, data.binary, parameters,
                {"outcome": 1, "effect": 1}, seed)  # fmt: skip
    held_out = {k: data.inputs.part(data.fold == k).x for k in range(data.n_folds)}
    # Each fit on one thread: the result does not depend on their number. The limit of linear algebra is one for the
    # process, so it is set around them all, not by one while another works.
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        outcomes = dict.fromkeys(range(data.n_folds), data.outcome)
        outcome_rounds = best_elsewhere(_stopping(data, rows, outcomes, False, max_rounds, pool))
        expected = _expected(data, rows, held_out, outcome_rounds, pool)
        effects = {k: _effect(data, expected[k]) for k in range(data.n_folds)}
        effect_rounds = outcome_rounds
        if set(own) & set(SECOND):
            effect_rounds = best_elsewhere(_stopping(data, rows, effects, True, max_rounds, pool))

        def learn(name: str, k: int) -> Array:
            low, high = expected[k]
            rounds = {"outcome": outcome_rounds[k,], "effect": effect_rounds[k,]}
            part = replace(rows, without=low, with_offer=high, rounds=rounds).part(data.fold != k)
            return LEARNERS[name](part).predict(held_out[k])

        scores = {name: np.empty(len(data.outcome)) for name in own}
        jobs = [(name, k) for name in own for k in range(data.n_folds)]
        for (name, k), found in zip(jobs, pool.map(lambda job: learn(*job), jobs), strict=True):
            scores[name][data.fold == k] = found
        low, high = _held_out(data, expected)
        rounds = {"outcome": outcome_rounds[()], "effect": effect_rounds[()]}
        whole = replace(rows, without=low, with_offer=high, rounds=rounds)
        fitted = dict(zip(own, pool.map(lambda name: LEARNERS[name](whole), own), strict=True)) if final else {}
    if "average" in learners:
        parts = [name for name in own if name not in ("response", "one_rule")]  # the simple ones are its rivals
        scores["average"] = np.mean([scores[name] for name in parts], axis=0)
        if final:
            fitted["average"] = average([fitted[name] for name in parts])
    return CrossFitted(scores, low, high, _effect(data, (low, high)), data.fold, rounds, fitted)


def _stopping(
    data: Experiment, rows: Rows, targets: dict[int, Array], second: bool, max_rounds: int, pool: ThreadPoolExecutor
) -> list[Array]:
    """Validation loss by number of trees, one curve per held-out fold; it ends ``PATIENCE`` trees after its best."""
    parameters = tree_parameters(rows, second)

    def fit(k: int) -> Array:
        inside, target = data.fold != k, targets[k]
        return data.inputs.part(inside).losses(
            target[inside], data.inputs.part(~inside), target[~inside], parameters, max_rounds, PATIENCE
        )

    return list(pool.map(fit, range(data.n_folds)))


def best_elsewhere(curves: list[Array]) -> Rounds:
    """Best number of trees in the folds other than one or two, by these; under ``()`` the best in all.

    Examples
    --------
    >>> curves = [np.array([2.0, 1.0, 3.0]), np.array([3.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0])]
    >>> found = best_elsewhere(curves)
    >>> found[(1,)], found[(0, 1)], found[()]
    (1, 1, 2)
    """

    def best(out: tuple[int, ...]) -> int:
        others = [curve for k, curve in enumerate(curves) if k not in out]
        shortest = min(map(len, others))
        return int(np.sum([curve[:shortest] for curve in others], axis=0).argmin()) + 1

    folds = range(len(curves))
    return {out: best(out) for size in range(3) for out in combinations(folds, size)}


def _expected(
    data: Experiment, rows: Rows, held_out: dict[int, Array], rounds: Rounds, pool: ThreadPoolExecutor
) -> dict[int, tuple[Array, Array]]:
    """Expected outcome without and with the offer, by held-out fold.

    Of each row by models without its own fold and the held-out one; of the held-out fold itself by models without it.
    """

    def fit(out: tuple[int, ...], value: float, count: int) -> lgb.Booster:
        part = rows.part(~np.isin(data.fold, out) & (data.treated == value))
        return trees(part, part.outcome, count)

    def both(out: tuple[int, ...]) -> dict[int, list[Array]]:
        models = [fit(out, value, rounds[out]) for value in (0.0, 1.0)]
        return {k: [_mean(model, held_out[k], data.binary) for model in models] for k in out}

    k_all = range(data.n_folds)
    jobs = [*((k,) for k in k_all), *combinations(k_all, 2)]
    done = dict(zip(jobs, pool.map(both, jobs), strict=True))
    found = {}
    for k in k_all:
        pair = np.empty((2, len(data.outcome)))
        for j in k_all:
            pair[:, data.fold == j] = done[(k,) if j == k else (min(j, k), max(j, k))][j]
        found[k] = (pair[0], pair[1])
    return found


def _mean(model: lgb.Booster, x: Array, binary: bool) -> Array:
    raw = raw_scores(model, x)
    return 1 / (1 + np.exp(-raw)) if binary else raw


def _held_out(data: Experiment, expected: dict[int, tuple[Array, Array]]) -> tuple[Array, Array]:
    low, high = np.empty(len(data.outcome)), np.empty(len(data.outcome))
    for k, (without, with_offer) in expected.items():
        inside = data.fold == k
        low[inside], high[inside] = without[inside], with_offer[inside]
    return low, high


def _effect(data: Experiment, expected: tuple[Array, Array]) -> Array:
    return doubly_robust(data.outcome, data.treated, data.propensity, *expected)
