"""The 1/10 sample of CDNOW, as the papers cut it: 39 weeks to learn from, 39 weeks held out."""

from pathlib import Path

import numpy as np
import pandas as pd

from afraz.models.likelihood import Fit, LogLikelihood
from afraz.models.value.purchase_history import purchase_history, purchases_between

END, UNTIL = "1997-09-30", "1998-06-30"
TEN = pd.DataFrame({"frequency": [0, 0, 1, 1, 2, 3, 3, 7, 12, 29], "recency": [0, 0, 3, 30, 38, 1, 25, 20, 39, 39.5],
                    "T": [28, 39, 39, 35.5, 39, 39, 30, 39, 39, 40]}).astype(float)  # fmt: skip


def sample(public_data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Histories at week 39, and per customer the purchases of weeks 40 to 78."""
    orders = pd.read_csv(public_data / "cdnow" / "cdnow_sample.csv.gz", dtype={"customer_id": str})
    orders["date"] = pd.to_datetime(orders["date"].astype(str), format="%Y%m%d")
    names = {"value": "dollar_value"}
    history = purchase_history(orders[orders["date"] <= END], END, **names)
    return history, purchases_between(orders, history["customer_id"], END, UNTIL, **names)


def differences(log_likelihood: LogLikelihood, theta: np.ndarray, step: float = 1e-5) -> list[float]:
    """Central differences in each parameter, by relative steps."""
    shifts = np.diag(step * theta)
    return [(log_likelihood(theta + d)[0] - log_likelihood(theta - d)[0]) / (2 * d.max()) for d in shifts]


def standardised(fits: list[Fit], truth: dict[str, float]) -> np.ndarray:
    """How many standard errors each estimate lies off; (fits, parameters)."""
    return np.array([[(f.params[k] - v) / f.standard_errors[k] for k, v in truth.items()] for f in fits])


def forecast_gaps(drawn: pd.DataFrame, expected: np.ndarray) -> pd.Series:
    """By frequency and fifth of the forecast: mean gap of drawn purchases to the forecast, in standard errors."""
    table = drawn.assign(expected=expected, x=drawn["frequency"].clip(upper=6))
    table["fifth"] = table.groupby("x")["expected"].transform(lambda e: (e.rank(pct=True) * 4.999).astype(int))
    gap = (table["purchases"] - table["expected"]).groupby([table["x"], table["fifth"]])
    return gap.mean() / (gap.std() / np.sqrt(gap.size()))
