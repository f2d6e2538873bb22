"""The validation pack of a credit model: how it ranks, whether its probabilities hold, how stable and how fair it is.

Two parts are looked at: the *test* (later months, seen by a model that had not learned from them) and the
*cross-fitted* rows (all outcomes, each predicted without its fold), which are many more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import discrimination, fairness
from ..scorecard import Scorecard
from . import grades
from .cutoff import Economics, approve, cutoff_table, recommended_cutoff, swap_set
from .fit import OUTPUT, CreditResult
from .grades import GradeScale

Array = NDArray[np.float64]

PROXY_ROWS = 5_000
LEAST_GROUP = 20  # fewer rows say nothing of a group


@dataclass(frozen=True)
class Pack:
    """Measures as plain values, and tables by name."""

    measures: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def ranking(label: Array, probability: Array) -> dict[str, Any]:
    """Measure how well bad loans are told from good ones.

    Returns
    -------
    dict
        ``roc_auc_delong`` (value, low, high), ``gini``, ``ks``, ``h_measure`` (costs Beta(2, 2)) and
        ``h_measure_prior_adjusted``.
    """
    auc = discrimination.delong(label, probability)
    return {
        "roc_auc_delong": {name: auc[name] for name in ("value", "low", "high")},
        "gini": 2 * auc["value"] - 1,
        "ks": discrimination.ks(label, probability)["value"],
        "h_measure": discrimination.h_measure(label, probability),
        "h_measure_prior_adjusted": discrimination.h_measure_prior_adjusted(label, probability),
    }


def calibrated(scale: GradeScale, label: Array, probability: Array) -> tuple[dict[str, Any], pd.DataFrame]:
    """Hold probabilities against outcomes, over ten groups (Hosmer–Lemeshow) and by grade (Jeffreys, binomial)."""
    return grades.hosmer_lemeshow(label, probability), grades.grade_table(scale, probability, label)


def validate(result: CreditResult, scale: GradeScale) -> Pack:
    """Look at ranking and calibration on both parts, and at what the chosen inputs do out of time.

    Parameters
    ----------
    result : CreditResult
    scale : GradeScale
        Rating grades.
    """
    measures: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    for name, part in (("test", result.predictions), ("cross_fitted", result.cross_fitted)):
        label, p = part["label"].to_numpy(float), part[OUTPUT].to_numpy()
        fit, by_grade = calibrated(scale, label, p)
        measures[name] = {**ranking(label, p), "hosmer_lemeshow": fit, "rows": len(part), "bad": float(label.sum())}
        tables[f"grades_{name}"] = by_grade
    share = scale.position(result.cross_fitted[OUTPUT])
    counts = np.bincount(share, minlength=len(scale.names))
    measures["concentration"] = {
        "herfindahl": grades.herfindahl(counts), "herfindahl_normalised": grades.herfindahl(counts, normalised=True),
        "largest_grade_share": float(counts.max() / counts.sum()),
    }  # fmt: skip
    if result.scorecard is not None:
        rows = result.cross_fitted[result.id].isin(result.predictions[result.id]).to_numpy()
        if rows.any():  # a model that was not refitted has no later rows among its inputs: nothing could be checked
            label = result.cross_fitted["label"].to_numpy(float)
            tables["signs"] = sign_checks(result.scorecard, result.inputs, label, rows)
            measures["signs_against"] = int((tables["signs"]["verdict"] == "against").sum())
    return Pack(measures, tables)


def sign_checks(card: Scorecard, inputs: pd.DataFrame, label: Array, late: NDArray[np.bool_]) -> pd.DataFrame:
    """Check that every variable pushes in the direction that its bins show, and goes on doing so out of time.

    Parameters
    ----------
    inputs : DataFrame (n, …)
    label : (n,)
    late : (n,) bool
        Rows of the later months.

    Returns
    -------
    DataFrame
        ``variable, iv, coefficient, monotone`` (weights of evidence rise or fall throughout; None for texts),
        ``correlation_late`` (rank correlation of the variable's weight of evidence with being good, in later months),
        ``verdict``: "holds", "weak" (below 0 by less than two standard errors) or "against".
    """
    rows = []
    for name, coefficient in zip(card.variables, card.coefficients, strict=True):
        bins = card.binning.variables[name].bins()
        steps = np.diff(bins["woe"][: len(bins["splits"]) + 1])
        woe = card.binning.woe(inputs.loc[late, [name]], [name]).to_numpy().ravel()
        good = 1 - label[late]
        spread = woe.std() * good.std()
        r = float(((woe - woe.mean()) * (good - good.mean())).mean() / spread) if spread > 0 else 0.0
        error = 1 / np.sqrt(max(len(good), 1))
        verdict = (
            "holds" if r >= 0 and coefficient <= 0 else "weak" if r > -2 * error and coefficient <= 0 else "against"
        )
        text = card.binning.variables[name].levels is not None  # its bins have no order of their own
        monotone = None if text else bool((steps >= 0).all() or (steps <= 0).all())
        rows.append((name, card.binning.variables[name].iv, float(coefficient), monotone, r, verdict))
    columns = ["variable", "iv", "coefficient", "monotone", "correlation_late", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def regraded(applicants: pd.DataFrame, scale: GradeScale, customer: str) -> tuple[dict[str, float], pd.DataFrame]:
    """Follow customers from one application to their next: how grades migrate.

    Parameters
    ----------
    applicants : DataFrame
        ``customer``, ``as_of``, ``default_probability``.
    """
    ordered = applicants.sort_values([customer, "as_of"], kind="stable")
    grade = pd.Series(scale.assign(ordered[OUTPUT].to_numpy()), index=ordered.index)
    follows = (ordered[customer] == ordered[customer].shift()).to_numpy()
    before, after = grade.shift()[follows], grade[follows]
    matrix = grades.migration(before.to_numpy(str), after.to_numpy(str), scale.names)
    return {**grades.migration_summary(matrix), "rows": float(follows.sum())}, matrix


def decide(
    applicants: pd.DataFrame, economics: Economics, cutoff: float | None = None, amount: str | None = None
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Show what each cut-off approves and earns, and who swaps places with the old policy.

    Parameters
    ----------
    applicants : DataFrame
        ``default_probability``; optionally ``passed`` (the old policy's verdict), ``label``.
    cutoff : float, optional
        The bank's own; None: the most profitable one.
    amount : str, optional
        Column with the amounts.

    Returns
    -------
    measures : dict
        ``cutoff`` in use with its approval and bad rate, ``break_even``, ``recommended``.
    tables : dict
        ``cutoffs`` and, with an old decision, ``swap_set``.

    Raises
    ------
    ParamsError
        If the cut-off approves nobody.
    """
    p = applicants[OUTPUT].to_numpy()
    old = applicants["passed"].to_numpy(bool) if "passed" in applicants else None
    label = applicants["label"].to_numpy(float) if "label" in applicants else None
    money = None if amount is None else applicants[amount].to_numpy(float)
    table = cutoff_table(p, amount=money, economics=economics, old_decision=old, label=label)
    best = recommended_cutoff(table) if cutoff is None or table["expected_profit"].max() > 0 else {}
    at = best["cutoff"] if cutoff is None else cutoff
    approved = approve(p, at)
    used = {
        "cutoff": at, "approval_rate": float(approved.mean()), "bad_rate_expected": float(p[approved].mean()),
        "break_even": economics.break_even, "recommended": best,
    }  # fmt: skip
    tables = {"cutoffs": table}
    if old is not None:
        tables["swap_set"] = swap_set(old, approved, p, label)
    return used, tables


def fair(
    applicants: pd.DataFrame,
    cutoff: float,
    protected: Mapping[str, NDArray[np.object_]],
    inputs: pd.DataFrame,
    seed: int = 7,
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Compare groups at a cut-off: selection, equal opportunity, calibration, and how well inputs tell them apart.

    Parameters
    ----------
    applicants : DataFrame
        ``default_probability``, ``label`` (missing where no loan was granted).
    protected : mapping
        Attribute → (n,) text; rows without it are left out.
    inputs : DataFrame (n, …)

    Returns
    -------
    measures : dict
        Attribute → ``selection_rate_ratio``, ``equal_opportunity_difference`` (smallest over groups), ``proxy_auc``.
    tables : dict
        ``fairness_<attribute>``, ``proxies_<attribute>``.
    """
    p = applicants[OUTPUT].to_numpy()
    approved, label = approve(p, cutoff), applicants["label"].to_numpy(float)
    measures: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    rng = np.random.default_rng(seed)
    for name, values in protected.items():
        known = np.flatnonzero(pd.notna(values))
        if len(known) == 0 or len(set(values[known])) < 2:
            continue
        group = np.asarray(values)[known]
        if (pd.Series(values[known]).value_counts() >= LEAST_GROUP).sum() < 2:
            continue
        table = fairness.group_fairness(approved[known], label[known], group, default_probability=p[known])
        some = np.sort(rng.choice(known, min(PROXY_ROWS, len(known)), replace=False))
        found = fairness.proxies(inputs.iloc[some].reset_index(drop=True), np.asarray(values)[some], seed=seed)
        tables |= {f"fairness_{name}": table, f"proxies_{name}": found["features"].head(10)}
        measures[name] = {
            "selection_rate_ratio": float(table["selection_rate_ratio"].min()),
            "equal_opportunity_difference": float(table["equal_opportunity_difference"].min()),
            "proxy_auc": float(found["protected"]["auc"].max()),
        }
    return measures, tables
