"""The tracking curve: repeat purchases of all customers together over time, expected and observed."""

from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import ParamsError

Array = NDArray[np.float64]


class PurchaseModel(Protocol):
    """What BG/NBD and Pareto/NBD have in common."""

    def p_alive(self, history: pd.DataFrame) -> Array:
        """Probability that a customer has not left by ``T``; shape (n,)."""

    def expected_purchases(self, history: pd.DataFrame, horizon: float) -> Array:
        """Purchases expected in ``(T, T + horizon]``; shape (n,)."""

    def expected_repeats(self, time: ArrayLike) -> Array:
        """Repeat purchases that a new customer is expected to make within ``time``; shape (m,)."""


def expected_tracking(model: PurchaseModel, age: ArrayLike, ahead: ArrayLike) -> Array:
    """Cumulated repeat purchases that the model expects of all customers, without looking at their histories.

    Customers who bought first on one day are a cohort: they share the curve that starts on that day.

    Parameters
    ----------
    age : (n,) ``T`` of each customer, from the first purchase to the end of the calibration
    ahead : (m,) times from the end of the calibration; below 0: before it

    Returns
    -------
    (m,)

    Raises
    ------
    ParamsError
        For ages that are not finite or below 0.

    Examples
    --------
    >>> from .bg_nbd import BgNbd
    >>> model = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)
    >>> expected_tracking(model, [39.0, 39.0, 30.0], [-39.0, 0.0]).round(3)
    array([0.   , 3.388])
    >>> expected_tracking(model, [-1.0], [0.0])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: age: expected finite times from 0 on, 1 of 1 are not
    """
    ages, times = np.asarray(age, float), np.asarray(ahead, float)
    bad = int((~((ages >= 0) & (ages < np.inf))).sum())
    if bad:
        raise ParamsError(f"age: expected finite times from 0 on, {bad:,} of {ages.size:,} are not")
    cohort, customers = np.unique(ages, return_counts=True)
    lived = np.maximum(cohort[:, None] + times, 0.0)
    distinct, place = np.unique(lived, return_inverse=True)
    return customers @ model.expected_repeats(distinct)[place.reshape(lived.shape)]
