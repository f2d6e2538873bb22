"""How much the next purchase is: a customer's usual purchase, leaned towards everybody's on the logarithmic scale."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
USUAL = "mean_purchase_365d"
LEAST = 50


@dataclass(frozen=True)
class Amount:
    """ln(amount) = intercept + slope · ln(usual purchase), times ``smear`` that undoes the logarithm's bias.

    ``usual`` stands in for a customer without purchases in the last year.
    """

    intercept: float
    slope: float
    smear: float
    usual: float

    def logarithm(self, usual_purchase: Array) -> Array:
        """Expected logarithm of the amount; missing usual purchases are everybody's."""
        known = np.where(np.isnan(usual_purchase), self.usual, usual_purchase)
        return np.asarray(self.intercept + self.slope * np.log(np.maximum(known, 0.01)))

    def expected(self, usual_purchase: Array) -> Array:
        """Expected amount, in currency (smearing: Duan, Journal of the American Statistical Association 78, 1983).

        Examples
        --------
        >>> Amount(0.0, 1.0, 1.5, 20.0).expected(np.array([10.0, np.nan])).round(6)
        array([15., 30.])
        """
        return np.exp(self.logarithm(usual_purchase)) * self.smear


def fit_amount(usual_purchase: Array, amount: Array) -> Amount | str:
    """Fit by least squares of the logarithms; the reason where too few next purchases are known."""
    known = np.isfinite(amount)
    if known.sum() < LEAST:
        return f"{int(known.sum())} next purchases have an amount, {LEAST} needed"
    seen = usual_purchase[known]
    usual = float(np.nanmedian(seen)) if (~np.isnan(seen)).any() else 1.0
    x = np.log(np.maximum(np.where(np.isnan(seen), usual, seen), 0.01))
    y = np.log(np.maximum(amount[known], 0.01))
    spread = max(float(((x - x.mean()) ** 2).sum()), 1e-12)
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    intercept = float(y.mean() - slope * x.mean())
    return Amount(intercept, slope, float(np.exp(y - intercept - slope * x).mean()), usual)


def amount_measures(fitted: Amount, last: pd.DataFrame, everybody: float) -> dict[str, Any]:
    """Measure on a later cohort (``USUAL``, ``next_amount``), beside the usual purchase and everybody's median."""
    y = last["next_amount"].to_numpy(dtype=float)
    known = np.isfinite(y)
    usual, y = last[USUAL].to_numpy(dtype=float)[known], np.log(np.maximum(y[known], 0.01))
    alone = np.log(np.maximum(np.where(np.isnan(usual), fitted.usual, usual), 0.01))

    def error(said: Array | float) -> dict[str, float]:
        return {"mean_absolute_error_of_log": float(np.abs(y - said).mean())}

    return {
        **error(fitted.logarithm(usual)),
        "total_error": float(fitted.expected(usual).sum() / np.exp(y).sum() - 1),
        "rival": {"usual_purchase": error(alone), "popularity": error(np.log(max(everybody, 0.01)))},
    }
