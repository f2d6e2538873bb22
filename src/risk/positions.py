"""What every unit of risk delivers: one schema, held to it by name."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import DataError

# What one row says, in the words of the page for the board
SCHEMA: Mapping[str, str] = {
    "unit": "who measured it",
    "position": "what is at risk: a loan, a customer, a topic, a region",
    "exposure": "money that could be touched at all, from 0 on",
    "probability": "that it happens within the horizon, 0 to 1",
    "severity": "share of the exposure that is then lost, 0 to 1",
    "horizon": "days",
    "currency": "ISO 4217 code of the exposure",
    "as_of": "what was known before this day",
    "method": "where the probability comes from",
    "count": "equal independent cases that the exposure is spread over",
    "factor": "rows of one factor move together",
}
NUMBERS = {"exposure": np.inf, "probability": 1.0, "severity": 1.0, "horizon": np.inf, "count": np.inf}


def positions(
    unit: str, position: ArrayLike, *, exposure: ArrayLike, probability: ArrayLike, severity: ArrayLike,
    horizon: float, currency: str, as_of: str, method: str, count: ArrayLike = 1.0, factor: ArrayLike = "",
) -> pd.DataFrame:  # fmt: skip
    """Put a unit's positions into the schema.

    Returns
    -------
    DataFrame
        Columns of :data:`SCHEMA`, in the order given. It is judged by :func:`checked`, not here.

    Examples
    --------
    >>> rows = positions("credit", ["a", "b"], exposure=[100.0, 50.0], probability=[0.02, 0.04], severity=0.5,
    ...                  horizon=365, currency="EUR", as_of="2026-07-01", method="scorecard")
    >>> float(expected_loss(rows).sum())
    2.0
    """
    values = {"unit": unit, "position": np.asarray(position), "exposure": exposure, "probability": probability,
              "severity": severity, "horizon": horizon, "currency": currency, "as_of": as_of, "method": method,
              "count": count, "factor": factor}  # fmt: skip
    rows = pd.DataFrame(values)
    return rows.astype({**dict.fromkeys(NUMBERS, float), "position": str, "factor": str})


def checked(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Hand positions on if they keep the schema.

    Raises
    ------
    DataError
        Naming the unit: without rows, without a column, with another unit's rows or several currencies, with a number
        that is missing or out of range.

    Examples
    --------
    >>> rows = positions("credit", ["a", "b"], exposure=[100.0, np.nan], probability=[0.02, 0.04], severity=0.5,
    ...                  horizon=365, currency="EUR", as_of="2026-07-01", method="scorecard")
    >>> checked(rows, "credit")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: credit: exposure is missing or out of range in 1 of 2 positions: mend what the unit reads
    >>> checked(rows.iloc[:0], "credit")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: credit: delivered no position
    """
    absent = [name for name in SCHEMA if name not in rows]
    if absent:
        raise DataError(f"{unit}: expected the columns of a risk unit, {', '.join(absent)} is not among them")
    if rows.empty:
        raise DataError(f"{unit}: delivered no position")
    for name, most in NUMBERS.items():
        x = rows[name].to_numpy(float)
        least = 1.0 if name in ("count", "horizon") else 0.0
        bad = int((~((x >= least) & (x <= most) & np.isfinite(x))).sum())
        if bad:
            raise DataError(f"{unit}: {name} is missing or out of range in {bad:,} of {len(x):,} positions: "
                            f"mend what the unit reads")  # fmt: skip
    for name in ("unit", "currency", "horizon", "as_of"):
        found = list(rows[name].unique())
        if len(found) > 1 or (name == "unit" and found != [unit]):
            raise DataError(f"{unit}: expected one {name}, got {', '.join(map(str, found[:4]))}")
    return rows


def expected_loss(rows: pd.DataFrame) -> pd.Series:
    """Exposure × probability × severity, row by row."""
    return rows["exposure"] * rows["probability"] * rows["severity"]


def summary(rows: pd.DataFrame) -> dict[str, float]:
    """Sum positions up into the three numbers whose product is the expected loss.

    Returns
    -------
    dict
        ``exposure``; ``probability``, weighted with exposure; ``severity``, weighted with exposure × probability;
        ``expected_loss``; ``positions`` and ``cases`` (the sum of counts).

    Examples
    --------
    >>> rows = positions("credit", ["a", "b"], exposure=[100.0, 300.0], probability=[0.04, 0.02], severity=[1.0, 0.5],
    ...                  horizon=365, currency="EUR", as_of="2026-07-01", method="scorecard")
    >>> found = summary(rows)
    >>> found["probability"], found["severity"], found["expected_loss"]
    (0.025, 0.7, 7.0)
    """
    exposure, loss = float(rows["exposure"].sum()), float(expected_loss(rows).sum())
    hit = float((rows["exposure"] * rows["probability"]).sum())
    probability, severity = hit / exposure if exposure else 0.0, loss / hit if hit else 0.0
    return {
        "exposure": exposure, "probability": probability, "severity": severity, "expected_loss": loss,
        "positions": float(len(rows)), "cases": float(rows["count"].sum()),
    }  # fmt: skip


def over_horizon(probability: ArrayLike, days: float, horizon: float) -> np.ndarray:
    """Carry a probability to another horizon at a constant hazard.

    Examples
    --------
    >>> over_horizon([0.1], 90, 180).round(4).tolist()
    [0.19]
    """
    return np.asarray(1 - (1 - np.asarray(probability, float)) ** (horizon / days))
