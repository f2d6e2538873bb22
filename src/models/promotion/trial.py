"""Is it a trial? Whether the arms of a campaign were given out by chance, and how an effect may be estimated then.

Two questions, one level: is the largest difference between the arms larger than chance makes it, and can a model
foretell the arm? Where propensities are stated, a third: did as many get each arm as they say?
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from ...errors import ParamsError
from .balance import balance_table, covariates, largest_by_chance
from .design import Codes, Design, read_design
from .treatment_model import arm_folds, auc_of_arm, cross_fitted, estimated_propensity, forward_fitted

Array = NDArray[np.float64]

OVERLAP = (0.05, 0.95)
FOLDS = 5
CELL = 5.0  # variance of a count below which cells are pooled: the usual least expected count of a chi-square test

DIFFERENCE = "difference in means"
WITHIN_BLOCKS = "difference in means within blocks"
STATED = "stated propensities"
DOUBLY_ROBUST = "doubly robust with an estimated treatment model"


@dataclass(frozen=True)
class Trial:
    """The verdict and what it rests on.

    ``randomised`` means that nothing speaks against it at this number of rows: ``max_smd_by_chance`` says how large a
    difference could have hidden, ``max_smd_expected`` is the mean under chance. ``propensity`` is what ``estimator``
    needs: (n,) probability of being treated; with several arms (n, arms) in the order of ``arms``, the control first.
    ``treatment_auc``, of the arm that is foretold best, has ``value, low, high``: a 95 % interval at a level of .05
    with one arm and nothing stated, wider where more tests or arms share the level. ``outside_overlap`` is the share
    of rows with a propensity outside .05 to .95. ``calibration`` has, where propensities are stated,
    ``chi_square, cells, p_value``.
    """

    randomised: bool
    why: str
    estimator: str
    arms: list[str]
    max_smd: float
    max_smd_expected: float
    max_smd_by_chance: float
    treatment_auc: dict[str, float]
    auc_by_arm: dict[str, dict[str, float]]
    calibration: dict[str, float] | None
    outside_overlap: float
    balance: pd.DataFrame
    propensity: Array
    notes: list[str]


def assess_trial(
    features: pd.DataFrame,
    treatment: ArrayLike | pd.Series,
    *,
    control: str | None = None,
    propensity: ArrayLike | pd.DataFrame | None = None,
    block: ArrayLike | pd.Series | None = None,
    level: float = 0.05,
    draws: int = 499,
    seed: int = 7,
) -> Trial:
    """Hold a campaign against the draw that it is said to be.

    Parameters
    ----------
    features : DataFrame
        (n, features) numbers and texts, known before the arms were given out.
    treatment : (n,) 0 or 1; or arms, with ``control`` naming the one that got nothing
    propensity : (n,) stated probability of being treated (not of the arm that was got); with several arms a frame with
        a column per arm. None: a constant share in each block
    block : (n,) campaign or stratum within which arms were given out
    level : float
        Chance of calling a true trial none; shared evenly by the tests (Bonferroni), and among arms.
    draws : int
        How often the arms are drawn anew for the largest |SMD| under chance.

    Raises
    ------
    DataError
        See :func:`.design.read_design` and :func:`.balance.covariates`.
    ParamsError
        ``level`` is no probability, or there are too few ``draws`` for it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"age": rng.normal(50, 10, 600), "area": rng.choice(["rural", "urban"], 600)})
    >>> fair = assess_trial(table, rng.random(600) < 0.5)
    >>> fair.randomised, fair.estimator
    (True, 'difference in means')
    >>> chosen = assess_trial(table, rng.random(600) < np.where(table["age"] > 50, 0.7, 0.3))
    >>> chosen.randomised, chosen.estimator
    (False, 'doubly robust with an estimated treatment model')
    >>> chosen.why
    'not a draw: the largest |SMD| is 0... (age), above the 0... that chance allows; a model foretells the arm, AUC ...'
    >>> assess_trial(table, [1] * 600)
    Traceback (most recent call last):
    afraz.errors.DataError: treatment: everybody (600 rows) got it, there is no control group ...
    """
    design = read_design(treatment, control=control, propensity=propensity, block=block)
    columns = covariates(features, design)
    each = level / (3 if design.stated else 2)
    place = int(each * (draws + 1)) if 0 < level < 1 else 0
    if place < 1:
        raise ParamsError(
            f"level must lie between 0 and 1 and draws be at least 1 / its share; got {level} and {draws}"
        )
    balance = balance_table(columns, design)
    by_chance = largest_by_chance(columns, design, draws, np.random.default_rng(seed))
    fold = arm_folds(design, FOLDS, seed)
    margin = forward_fitted(columns, design, fold, seed)
    inside = 1 - 2 * each / (len(design.arms) - 1)
    of_arm = {name: auc_of_arm(margin, design, fold, arm, inside) for arm, name in enumerate(design.arms) if arm > 0}
    calibration = _calibration(design) if design.stated else None
    max_smd, limit = float(balance["smd"].abs().iloc[0]), float(by_chance[-place])
    foretold = max(of_arm, key=lambda name: of_arm[name]["low"])
    faults = {
        "smd": max_smd > limit,
        "auc": of_arm[foretold]["low"] > 0.5,
        "calibration": calibration is not None and calibration["p_value"] <= each,
    }
    randomised = not any(faults.values())
    used = design.probability
    if not randomised:
        used = estimated_propensity(cross_fitted(columns, design, fold, seed), design)
    outside = float(((used < OVERLAP[0]) | (used > OVERLAP[1])).any(axis=1).mean())
    said = {"smd": _smd_words(balance, limit), "auc": _auc_words(of_arm[foretold], foretold, len(design.arms)), **(
        {} if calibration is None else {"calibration": _calibration_words(calibration)}
    )}  # fmt: skip
    return Trial(
        randomised=randomised, why=_why(faults, said, outside), estimator=_estimator(design, randomised),
        arms=design.arms, max_smd=max_smd, max_smd_expected=float(by_chance.mean()), max_smd_by_chance=limit,
        treatment_auc=of_arm[foretold], auc_by_arm=of_arm, calibration=calibration, outside_overlap=outside,
        balance=balance, propensity=used[:, 1] if len(design.arms) == 2 else used, notes=columns.notes,
    )  # fmt: skip


def _calibration(design: Design) -> dict[str, float]:
    """Held against what is stated: how many of each block and tenth of the propensities got the arm.

    The probabilities are not fitted, so the sum over cells of (observed − expected)² / variance is chi-square with as
    many degrees of freedom as cells (Hosmer and Lemeshow's statistic on data that were not learned from). With several
    arms the worst one counts, its p-value times their number.
    """
    found: list[dict[str, float]] = []
    for arm in range(1, len(design.arms)):
        p, got = design.probability[:, arm], (design.code == arm).astype(float)
        tenth = np.searchsorted(np.unique(np.quantile(p, np.arange(1, 10) / 10)), p)
        cell = np.unique(design.block * 10 + tenth, return_inverse=True)[1].ravel()
        spread = np.bincount(cell, weights=p * (1 - p))
        cell = np.where(spread[cell] < CELL, len(spread), cell)
        off, variance = (_sums(cell, values) for values in (got - p, p * (1 - p)))
        statistic = float((off**2 / variance).sum())
        found.append(
            {"chi_square": statistic, "cells": float(len(off)), "p_value": float(chi2.sf(statistic, len(off)))}
        )
    worst = min(found, key=lambda one: one["p_value"])
    return {**worst, "p_value": min(1.0, worst["p_value"] * len(found))}


def _sums(cell: Codes, values: Array) -> Array:
    return np.asarray(np.bincount(np.unique(cell, return_inverse=True)[1].ravel(), weights=values))


def _estimator(design: Design, randomised: bool) -> str:
    if not randomised:
        return DOUBLY_ROBUST
    if np.ptp(design.probability, axis=0).max() < 1e-9:
        return DIFFERENCE
    return STATED if design.stated else WITHIN_BLOCKS


def _smd_words(balance: pd.DataFrame, limit: float) -> tuple[str, str]:
    worst = balance.iloc[0]
    name = f"{worst['feature']} {worst['level']}".strip()
    size = f"the largest |SMD| is {abs(worst['smd']):.3f} ({name})"
    return f"{size}, within the {limit:.3f} that chance allows", f"{size}, above the {limit:.3f} that chance allows"


def _auc_words(found: dict[str, float], arm: str, arms: int) -> tuple[str, str]:
    of = f" {arm!r}" if arms > 2 else ""
    size = f"AUC {found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
    return f"a model cannot foretell the arm{of}, {size}", f"a model foretells the arm{of}, {size}"


def _calibration_words(found: dict[str, float]) -> tuple[str, str]:
    cells = f"{found['cells']:.0f} cell{'s' if found['cells'] > 1 else ''}"
    size = f"chi-square {found['chi_square']:.1f} on {cells}, p = {found['p_value']:.3g}"
    return (
        f"as many got the arm as the stated propensities say ({size})",
        f"the stated propensities do not hold ({size})",
    )


def _why(faults: dict[str, bool], said: dict[str, Any], outside: float) -> str:
    if not any(faults.values()):
        return "nothing speaks against a draw: " + "; ".join(fine for fine, _ in said.values())
    found = "not a draw: " + "; ".join(said[name][1] for name, fault in faults.items() if fault)
    if outside:
        found += f"; {outside:.1%} of the rows have a propensity outside {OVERLAP[0]} to {OVERLAP[1]}"
    return found
