"""Hold probabilities against the true ones, where a simulation knows them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import calibration, metrics

Array = NDArray[np.float64]


def against_truth(truth: Array, stated: Array, top: float = 0.1) -> dict[str, float]:
    """Measure stated probabilities against true ones.

    The true probability is a *soft label*: a customer counts as a leaver with weight p and as a stayer with weight
    1 − p, so that no luck of one draw is in the figures. The latent oracle ranks by the truth itself; nobody who only
    sees data can do better.

    Parameters
    ----------
    truth, stated : ndarray, shape (n,)
        Probabilities.
    top : float
        Share of customers that counts as the top of the list.

    Returns
    -------
    dict
        ``gini, latent_oracle_gini, share_of_latent, calibration_slope, calibration_intercept`` (of the true log-odds
        on the stated ones), ``observed_over_expected`` overall and ``observed_over_expected_top_decile``, ``rows``.

    Examples
    --------
    >>> p = np.linspace(0.01, 0.5, 50)
    >>> perfect = against_truth(p, p)
    >>> round(perfect["share_of_latent"], 6), round(perfect["calibration_slope"], 6)
    (1.0, 1.0)
    >>> round(against_truth(p, p / 2)["observed_over_expected"], 6)
    2.0
    """
    gini = metrics.measure(truth, stated, ("gini",))["gini"]
    latent = metrics.measure(truth, truth, ("gini",))["gini"]
    intercept, slope = calibration.recalibrate(truth, calibration.logit(stated))
    first = np.argsort(-stated, kind="stable")[: max(1, round(len(stated) * top))]
    return {
        "gini": gini,
        "latent_oracle_gini": latent,
        "share_of_latent": gini / latent,
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "observed_over_expected": float(truth.sum() / stated.sum()),
        "observed_over_expected_top_decile": float(truth[first].sum() / stated[first].sum()),
        "rows": len(truth),
    }


def churn_against_truth(
    scores: pd.DataFrame, truth: pd.DataFrame, as_of: str, top: float = 0.1
) -> dict[str, dict[str, float]]:
    """Hold every probability of leaving against the truth of the same customers at the same date.

    Parameters
    ----------
    scores : DataFrame
        ``customer_id`` and columns ``leave_<days>``.
    truth : DataFrame
        ``customer_id, as_of`` and the true ``leave_<days>``.

    Returns
    -------
    dict
        Output → :func:`against_truth`.
    """
    now = truth[pd.to_datetime(truth["as_of"]) == pd.Timestamp(as_of)]
    names = [c for c in scores.columns if c.startswith("leave_") and c in truth.columns]
    both = scores.merge(now[["customer_id", *names]], on="customer_id", suffixes=("", "_true"))
    return {name: against_truth(both[f"{name}_true"].to_numpy(), both[name].to_numpy(), top) for name in names}
