"""Discounted value: what a customer is expected to bring within a horizon, in money of today."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, ParamsError
from .tracking import PurchaseModel

Array = NDArray[np.float64]

WEEKS_A_YEAR = 365.25 / 7


def discounted_value(
    model: PurchaseModel,
    history: pd.DataFrame,
    value: ArrayLike,
    *,
    horizon: float,
    annual_rate: float,
    margin: float = 1.0,
    step: float = 4.0,
    units_a_year: float = WEEKS_A_YEAR,
) -> Array:
    """Add up the expected purchases of each customer, times margin and value, discounted from the middle of each step.

    With Y(t) the purchases expected within t of the end of the calibration, and steps ending at t_1 … t_K = horizon::

        margin · value · Σ_k (Y(t_k) − Y(t_{k−1})) · (1 + annual_rate)^−((t_{k−1} + t_k) / 2 / units_a_year)

    It is expected turnover times margin. It knows no costs of keeping a customer, and takes value and frequency as
    independent (Fader, Hardie and Lee 2005, *RFM and CLV*).

    Parameters
    ----------
    model : BG/NBD or Pareto/NBD
    history : (n, …) with ``frequency``, ``recency``, ``T``
    value : (n,) expected value of a purchase, as :meth:`.GammaGamma.expected_value` gives it, or one for all
    horizon, step : in the unit of time of the histories
    annual_rate : of discounting, .10 = 10 % a year
    margin : share of turnover that is earned; 1 where ``value`` is margin already
    units_a_year : 52.18 for weeks

    Returns
    -------
    (n,) in units of money

    Raises
    ------
    ParamsError
        For a horizon or step that is not above 0, or a rate of −100 % or below.
    DataError
        For missing values, with their number.

    Examples
    --------
    >>> from .bg_nbd import BgNbd
    >>> model = BgNbd(0.2426, 4.4136, 0.7929, 2.4259)
    >>> history = pd.DataFrame({"frequency": [0, 2], "recency": [0, 35], "T": [39, 39]})
    >>> discounted_value(model, history, [35.0, 40.0], horizon=39, annual_rate=0.0).round(2)
    array([ 6.8 , 52.27])
    >>> discounted_value(model, history, [35.0, 40.0], horizon=39, annual_rate=0.15, margin=0.3).round(2)
    array([ 1.94, 14.93])
    >>> discounted_value(model, history, [35.0, np.nan], horizon=39, annual_rate=0.15)
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: value: 1 of 2 are missing: expected the value of a purchase for every customer
    """
    if not (0 < horizon < np.inf and 0 < step < np.inf and annual_rate > -1 and units_a_year > 0):
        raise ParamsError(
            "expected horizon, step and units_a_year above 0 and annual_rate above -1, got "
            f"{horizon}, {step}, {units_a_year} and {annual_rate}"
        )
    spent = np.broadcast_to(np.asarray(value, float), (len(history),))
    missing = int((~np.isfinite(spent)).sum())
    if missing:
        raise DataError(
            f"value: {missing:,} of {len(spent):,} are missing: expected the value of a purchase for every customer"
        )
    ends = np.append(np.arange(step, horizon, step), horizon)
    total, before, since = np.zeros(len(history)), np.zeros(len(history)), 0.0
    for end in ends:
        until = model.expected_purchases(history, float(end))
        total += (until - before) * (1 + annual_rate) ** (-(since + end) / 2 / units_a_year)
        before, since = until, end
    return margin * spent * total
