"""How good a model is month by month: measured where outcomes are known, estimated where they are not yet.

The estimate (confidence-based performance estimation; Białek, Kuberski, Perrakis and Bifet 2024, "Estimating Model
Performance Under Covariate Shift Without Labels") takes the calibrated probabilities at their word: a customer with p
counts as p of an event. It sees that customers have changed. It cannot see that the same customers now behave
otherwise: it assumes that only the inputs moved. So it is held against every month whose outcomes have come, and where
it missed, that is said, and later estimates are not relied on.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..models.metrics import bootstrap, interval_of, rank_correlation, soft_roc_auc

LEAST_EVENTS = 20  # an interval from fewer says nothing
ASSUMES = "assumes that only the inputs moved, and that the same customers behave as before"
COLUMNS = ("as_of", "rows", "events", "measure", "realised", "low", "high", "estimated", "estimated_low",
           "estimated_high", "observed_over_expected", "ratio_low", "ratio_high", "missed")  # fmt: skip


def estimated_auc(probability: ArrayLike, *, draws: int = 100, seed: int = 0) -> dict[str, float]:
    """Estimate the AUC of calibrated probabilities before any outcome is known.

    Returns
    -------
    dict
        ``value``, and ``low`` and ``high``: where the AUC of outcomes would lie in 95 of 100 cases, were the
        probabilities right. Missing where too few events are expected.

    Examples
    --------
    >>> p = np.repeat([0.1, 0.5], 500)
    >>> round(estimated_auc(p)["value"], 3)  # (.5 × .9 + (.5 × .5 + .1 × .9) / 2) / (.6 × 1.4)
    0.738
    >>> estimated_auc([0.5])["value"]
    nan
    """
    p = np.asarray(probability, float)
    expected = float(p.sum())
    if min(expected, len(p) - expected) < LEAST_EVENTS:
        return dict.fromkeys(("value", "low", "high"), np.nan)
    rng = np.random.default_rng(seed)
    ordered = np.sort(p)
    drawn = [_auc_of_sorted(ordered, (rng.random(len(p)) < ordered)) for _ in range(draws)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"value": soft_roc_auc(p, p), "low": float(low), "high": float(high)}


def _auc_of_sorted(ordered: NDArray[np.float64], event: NDArray[np.bool_]) -> float:
    """AUC of scores in rising order, ties counting half."""
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    events = np.add.reduceat(event.astype(float), first)
    others = np.diff(np.append(first, len(ordered))) - events
    below = np.cumsum(others) - others / 2
    whole = events.sum() * others.sum()
    return float((events * below).sum() / whole) if whole else np.nan


def probability_month(
    probability: pd.Series, label: pd.Series | None, groups: pd.Series | None = None, *, n: int = 200, seed: int = 0
) -> dict[str, Any]:
    """Measure and estimate one month of a model of probabilities.

    Parameters
    ----------
    probability : (n,) everybody who was scored
    label : (n,) 0, 1 or missing; None: no outcome is known yet
    groups : (n,) customer of each row; None: every row is its own

    Returns
    -------
    dict
        ``realised`` AUC with an interval that resamples customers, ``estimated`` AUC with the interval in which the
        realised one would lie were the probabilities right, observed over expected events with its interval, and
        ``missed``: the realised AUC lies outside of what was estimated for the same rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = pd.Series(rng.beta(1, 9, 4000))
    >>> as_stated = probability_month(p, pd.Series((rng.random(4000) < p).astype(float)), n=50)
    >>> as_stated["missed"], as_stated["ratio_low"] < 1 < as_stated["ratio_high"]
    (False, True)
    >>> by_luck = probability_month(p, pd.Series((rng.random(4000) < 0.1).astype(float)), n=50)
    >>> by_luck["missed"]
    True
    """
    known = label.notna().to_numpy() if label is not None else np.zeros(len(probability), bool)
    rows: dict[str, Any] = {"rows": len(probability), "events": np.nan, "measure": "roc_auc"}
    events = float(label[known].sum()) if label is not None else 0.0
    enough = min(events, known.sum() - events) >= LEAST_EVENTS
    of = probability[known] if enough else probability
    told = estimated_auc(of, seed=seed)
    found = {**rows, "realised": np.nan, "low": np.nan, "high": np.nan, "estimated": told["value"],
             "estimated_low": told["low"], "estimated_high": told["high"], "observed_over_expected": np.nan,
             "ratio_low": np.nan, "ratio_high": np.nan, "missed": None}  # fmt: skip
    if known.any():
        found["events"] = events
    if enough and label is not None:
        names = ("roc_auc", "observed_over_expected")
        who = None if groups is None else groups[known].to_numpy()
        seen = bootstrap(label[known], of, who, names=names, n=n, seed=seed)
        auc, ratio = seen["roc_auc"], seen["observed_over_expected"]
        found |= {"realised": auc["value"], "low": auc["low"], "high": auc["high"],
                  "observed_over_expected": ratio["value"], "ratio_low": ratio["low"], "ratio_high": ratio["high"],
                  "missed": not _agree(told, auc)}  # fmt: skip
    return found


def _agree(told: dict[str, float], seen: dict[str, float]) -> bool:
    """Whether estimate and outcome differ by no more than both of their errors explain (three standard errors)."""
    if not np.isfinite(told["value"]):
        return True
    errors = [(part["high"] - part["low"]) / (2 * 1.96) for part in (told, seen)]
    # the estimate's interval is the chance of the outcomes, which is what the resampled interval holds as well
    return bool(abs(told["value"] - seen["value"]) <= 3 * max(errors))


def amount_month(forecast: pd.Series, realised: pd.Series | None, *, n: int = 100, seed: int = 0) -> dict[str, Any]:
    """Measure one month of a model of amounts: rank correlation, and the sum that came over the sum foretold.

    Examples
    --------
    >>> found = amount_month(pd.Series([1.0, 2.0, 3.0] * 20), pd.Series([2.0, 4.0, 6.0] * 20), n=20)
    >>> found["realised"], found["observed_over_expected"]
    (1.0, 2.0)
    """
    found: dict[str, Any] = {**dict.fromkeys(COLUMNS[1:], np.nan), "rows": len(forecast), "missed": None,
                             "measure": "rank_correlation"}  # fmt: skip
    if realised is None or realised.notna().sum() < LEAST_EVENTS:
        return found
    known = realised.notna().to_numpy()
    f, r = forecast[known].to_numpy(float), realised[known].to_numpy(float)
    everybody = np.arange(len(f))
    ranked = interval_of(lambda at: rank_correlation(f[at], r[at]), everybody, n=n, seed=seed)
    ratio = interval_of(lambda at: float(r[at].sum() / f[at].sum()), everybody, n=n, seed=seed)
    return {
        **found, "realised": ranked["value"], "low": ranked["low"], "high": ranked["high"],
        "observed_over_expected": ratio["value"], "ratio_low": ratio["low"], "ratio_high": ratio["high"],
    }  # fmt: skip
