"""Purchase histories: frequency, recency, age and mean spend of each customer, as purchase models take them."""

import numpy as np
import pandas as pd

from ...errors import DataError, ParamsError

WEEK = 7.0  # days


def purchase_history(
    orders: pd.DataFrame,
    end: str | pd.Timestamp,
    *,
    customer: str = "customer_id",
    date: str = "date",
    value: str = "value",
    unit_days: float = WEEK,
) -> pd.DataFrame:
    """Sum up the orders of a calibration period, from each customer's first one on.

    All orders of a customer on one day are one purchase, whose value is their sum. Orders of value 0 are purchases. The
    first purchase makes a customer; what is counted is how often they came back (Fader, Hardie and Lee 2005).

    Parameters
    ----------
    orders : (orders, …) with the columns named by ``customer``, ``date`` and ``value``
    end : last day of the calibration period
    unit_days : days in a unit of time; 7: all times are in weeks

    Returns
    -------
    DataFrame
        Sorted by customer: the customer, ``first_purchase`` (day), ``frequency`` (purchase days − 1), ``recency`` (from
        the first to the last purchase, in units), ``T`` (from the first purchase to ``end``, in units),
        ``monetary_value`` (mean of the days' totals after the first; missing where there is none).

    Raises
    ------
    DataError
        For no orders, orders after ``end``, or orders without a customer, a date or a finite value, with their number.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "a", "b"], "value": [5.0, 20.0, 10.0, 7.0], "date":
    ...     pd.to_datetime(["2026-01-01", "2026-01-15", "2026-01-15", "2026-01-08"])})
    >>> purchase_history(orders, "2026-01-29").drop(columns="first_purchase")
      customer_id  frequency  recency    T  monetary_value
    0           a          1      2.0  4.0            30.0
    1           b          0      0.0  3.0             NaN
    >>> purchase_history(orders, "2026-01-10")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: orders: 2 lie after 2026-01-10, the end of the calibration: leave them out, or move the end
    """
    if not 0 < unit_days < np.inf:
        raise ParamsError(f"unit_days is a number of days above 0, got {unit_days}")
    last = pd.Timestamp(end).normalize()
    days = _purchase_days(orders, customer, date, value)
    after = int((orders[date].dt.normalize() > last).sum())
    if after:
        raise DataError(
            f"orders: {after:,} lie after {last:%Y-%m-%d}, the end of the calibration: leave them out, or move the end"
        )
    first = ~days[customer].duplicated().to_numpy()
    start = np.flatnonzero(first)
    frequency = np.diff(start, append=len(days)) - 1
    age = (last - days["day"]).dt.days.to_numpy()
    repeat_value = np.add.reduceat(np.where(first, 0.0, days["value"].to_numpy()), start)
    return pd.DataFrame({
        customer: days[customer].to_numpy()[start],
        "first_purchase": days["day"].to_numpy()[start],
        "frequency": frequency,
        "recency": (age[start] - age[start + frequency]) / unit_days,
        "T": age[start] / unit_days,
        "monetary_value": np.where(frequency > 0, repeat_value / np.maximum(frequency, 1), np.nan),
    })  # fmt: skip


def purchases_between(
    orders: pd.DataFrame,
    customers: pd.Series,
    after: str | pd.Timestamp,
    until: str | pd.Timestamp,
    *,
    customer: str = "customer_id",
    date: str = "date",
    value: str = "value",
) -> pd.DataFrame:
    """Count the purchase days of a period, and what was spent: the outcome that a forecast is held against.

    Parameters
    ----------
    orders : as :func:`purchase_history` takes them; other customers and other days are left out
    customers : (n,) of whom; who bought nothing gets 0
    after, until : the period starts on the day after ``after`` and ends with ``until``

    Returns
    -------
    DataFrame
        In the order of ``customers``: ``purchases`` and ``value``.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["a", "a", "a", "b"], "value": [5.0, 20.0, 10.0, 7.0], "date":
    ...     pd.to_datetime(["2026-01-01", "2026-01-15", "2026-01-15", "2026-01-08"])})
    >>> purchases_between(orders, pd.Series(["b", "a"]), "2026-01-08", "2026-01-31")
       purchases  value
    0          0    0.0
    1          1   30.0
    """
    days = _purchase_days(orders, customer, date, value)
    first, last = pd.Timestamp(after).normalize(), pd.Timestamp(until).normalize()
    within = days[(days["day"] > first) & (days["day"] <= last)]
    grouped = within.groupby(customer)["value"]
    return pd.DataFrame({
        "purchases": grouped.size().reindex(customers, fill_value=0).to_numpy(),
        "value": grouped.sum().reindex(customers, fill_value=0.0).to_numpy(),
    })  # fmt: skip


def _purchase_days(orders: pd.DataFrame, customer: str, date: str, value: str) -> pd.DataFrame:
    absent = [name for name in (customer, date, value) if name not in orders.columns]
    if absent:
        raise DataError(f"orders: expected columns {customer}, {date}, {value}, missing {', '.join(absent)}")
    if not len(orders):
        raise DataError("orders: expected at least one, got none")
    if not pd.api.types.is_datetime64_any_dtype(orders[date]):
        raise DataError(f"orders: expected dates in {date}, got {orders[date].dtype}: convert them with pd.to_datetime")
    amount = pd.to_numeric(orders[value]).to_numpy(dtype=float, na_value=np.nan)
    for name, bad in ((customer, orders[customer].isna()), (date, orders[date].isna()), (value, ~np.isfinite(amount))):
        if bad.any():
            raise DataError(f"orders: {int(bad.sum()):,} of {len(orders):,} without {name}: check the source")
    plain = pd.DataFrame({
        customer: orders[customer].to_numpy(), "day": orders[date].dt.normalize().to_numpy(), "value": amount
    })  # fmt: skip
    return plain.groupby([customer, "day"], sort=True)["value"].sum().reset_index()
