"""Can the arm be foretold from what was known before? Trees that have not seen the row, and how well they do.

Every row counts by one over the probability of its arm. If the design is true, the weighted arms don't differ, and the
trees find nothing: an AUC of one half.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from .. import gbm
from ..calibration import logit, platt
from ..splits import assign_folds
from .balance import Covariates
from .design import Codes, Design

Array = NDArray[np.float64]

# Shallow and few: a fixed number of rounds, since stopping at the best would look at the rows that are to be foretold.
ROUNDS = 100
CHOSEN: dict[str, Any] = {
    "learning_rate": 0.05, "num_leaves": 7, "max_depth": 3, "min_data_in_leaf": 15, "feature_fraction": 0.7,
}  # fmt: skip


def arm_folds(design: Design, n_folds: int, seed: int) -> Codes:
    """Deal the rows into folds, every arm of every block evenly."""
    cells = design.code * (int(design.block.max()) + 1) + design.block
    return assign_folds(cells.astype(float), n_folds, seed)


def forward_fitted(columns: Covariates, design: Design, fold: Codes, seed: int) -> Array:
    """Weighted log-odds of each arm against the control, by trees of the folds before the row's; NaN in the first.

    Cross-fitting would not do for a test: the chance of one fold teaches the model of another and is then met there,
    and the reverse, so that the AUCs of folds vary together, by half as much again as an interval admits. A fold says
    nothing to the models of those before it.
    """
    return _margins(columns, design, fold, seed, [(fold < k, fold == k) for k in range(1, int(fold.max()) + 1)])


def cross_fitted(columns: Covariates, design: Design, fold: Codes, seed: int) -> Array:
    """Weighted log-odds of each arm against the control, by trees of all folds but the row's; (n, arms − 1)."""
    return _margins(columns, design, fold, seed, [(fold != k, fold == k) for k in range(int(fold.max()) + 1)])


def _margins(
    columns: Covariates,
    design: Design,
    fold: Codes,
    seed: int,
    parts: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> Array:
    names = [f"column_{j}" for j in range(columns.matrix.shape[1])]
    parameters = gbm.lightgbm_parameters(CHOSEN, seed=seed)
    weight = design.weight(design.code)
    out = np.full((len(design), len(design.arms) - 1), np.nan)
    for arm in range(1, len(design.arms)):
        for learned, foretold in parts:
            rows = np.flatnonzero(learned & np.isin(design.code, (0, arm)))
            data = gbm.dataset(columns.matrix[rows], (design.code[rows] == arm).astype(float), names)
            data.set_weight(weight[rows] / weight[rows].mean())
            booster = gbm.train(data, parameters, ROUNDS)
            out[foretold, arm - 1] = booster.predict(columns.matrix[foretold], raw_score=True)
    return out


def weighted_auc(label: Array, score: Array, weight: Array) -> tuple[float, float]:
    """Area under the ROC curve of weighted rows, with its standard error.

    DeLong, DeLong and Clarke-Pearson's (1988) placements, weighted; with equal weights theirs.

    Examples
    --------
    >>> y, s = np.array([0, 0, 0, 1, 1, 1.0]), np.array([0.1, 0.2, 0.5, 0.4, 0.7, 0.9])
    >>> [round(v, 4) for v in weighted_auc(y, s, np.ones(6))]
    [0.8889, 0.1571]
    """
    one, zero = label == 1, label == 0
    of_one = _below(score[zero], weight[zero], score[one])
    of_zero = 1 - _below(score[one], weight[one], score[zero])
    value = float(np.average(of_one, weights=weight[one]))
    variance = 0.0
    for placement, w in ((of_one, weight[one]), (of_zero, weight[zero])):
        share = w / w.sum()
        variance += float((share**2 * (placement - value) ** 2).sum() * len(w) / (len(w) - 1))
    return value, float(np.sqrt(variance))


def _below(score: Array, weight: Array, at: Array) -> Array:
    """Weighted share of scores below each value, ties by half."""
    order = np.argsort(score, kind="stable")
    caught = np.concatenate([[0.0], np.cumsum(weight[order])])
    left, right = (np.searchsorted(score[order], at, side) for side in ("left", "right"))
    return np.asarray((caught[left] + caught[right]) / (2 * caught[-1]))


def auc_of_arm(margin: Array, design: Design, fold: Codes, arm: int, level: float) -> dict[str, float]:
    """Mean over the folds, all but the first, of the weighted AUC of an arm against the control, with its interval.

    ``margin`` is that of :func:`forward_fitted`; each fold has a model of its own, so each is measured apart.
    """
    found = []
    weight = design.weight(design.code)
    for k in range(1, int(fold.max()) + 1):
        rows = (fold == k) & np.isin(design.code, (0, arm))
        found.append(weighted_auc((design.code[rows] == arm).astype(float), margin[rows, arm - 1], weight[rows]))
    value, errors = float(np.mean([v for v, _ in found])), np.array([e for _, e in found])
    error = float(np.sqrt((errors**2).sum()) / len(found))
    reach = float(norm.ppf((1 + level) / 2)) * error
    return {"value": value, "low": max(value - reach, 0.0), "high": min(value + reach, 1.0)}


def estimated_propensity(margin: Array, design: Design) -> Array:
    """Probability of every arm from the cross-fitted margins; (n, arms), rows add up to 1.

    The design's odds are put back, and each arm is calibrated against the control by a line in log-odds; the arms are
    joined by their odds against the control (Begg and Gray 1984, Biometrika 71:11-18).
    """
    odds = [np.ones(len(design))]
    for arm in range(1, len(design.arms)):
        p = design.probability[:, arm] / (design.probability[:, arm] + design.probability[:, 0])
        log_odds = margin[:, arm - 1] + logit(p)
        rows = np.isin(design.code, (0, arm))
        curve = platt(log_odds[rows], (design.code[rows] == arm).astype(float))
        odds.append(np.exp(curve.log_odds(log_odds)))
    found = np.column_stack(odds)
    return np.asarray(found / found.sum(axis=1, keepdims=True))
