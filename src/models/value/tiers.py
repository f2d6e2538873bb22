"""Who deserves high, medium or no investment: value net of what the customer costs, and what a wrong tier costs.

A tier labels a customer. Whether an investment pays is decided by what it changes, which only a control group shows.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import ParamsError

Array = NDArray[np.float64]
TIERS = ("high", "medium", "none")


CONTACTS = "contacts_365d"


def net_value(
    expected: Array, rows: pd.DataFrame, cost_per_contact: float, expected_loss: Array | None = None
) -> Array:
    """Expected margin minus the cost to serve and the expected loss; what is not known costs nothing.

    Parameters
    ----------
    expected : ndarray, shape (n,)
        Margin of the coming year.
    rows : DataFrame
        The same customers; ``contacts_365d`` of them cost ``cost_per_contact`` each.

    Examples
    --------
    >>> net_value(np.array([10.0, 10.0]), pd.DataFrame({"contacts_365d": [1.0, None]}), 4.0)
    array([ 6., 10.])
    """
    contacts = rows[CONTACTS].to_numpy(dtype=float) if CONTACTS in rows else np.zeros(len(rows))
    loss = 0.0 if expected_loss is None else np.nan_to_num(expected_loss)
    return np.asarray(expected - np.nan_to_num(contacts) * cost_per_contact - loss)


def investment_tiers(net: Array, high: float = 0.2, none_below: float = 0.0) -> pd.Series:
    """Put customers into tiers.

    Parameters
    ----------
    net : ndarray, shape (n,)
        Net value of the coming year.
    high : float
        Share of customers with the highest net value that deserve high investment.
    none_below : float
        Below this net value a customer deserves none.

    Raises
    ------
    ParamsError
        For a share outside 0 to 1.

    Examples
    --------
    >>> investment_tiers(np.array([-5.0, 1.0, 2.0, 3.0, 90.0])).tolist()
    ['none', 'medium', 'medium', 'medium', 'high']
    >>> investment_tiers(np.array([1.0]), high=20)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: tiers: high is the share of customers in the upper tier, between 0 and 1, not 20
    """
    if not 0 < high < 1:
        raise ParamsError(f"tiers: high is the share of customers in the upper tier, between 0 and 1, not {high}")
    order = np.argsort(np.argsort(-net, kind="stable"), kind="stable")
    upper = (order < round(high * len(net))) & (net > none_below)
    return pd.Series(np.where(upper, "high", np.where(net < none_below, "none", "medium")))


def percentiles(value: Array) -> Array:
    """Percentile of each customer, 0 to 100; equal values share their mean.

    Examples
    --------
    >>> percentiles(np.array([5.0, 1.0, 9.0]))
    array([ 50.,   0., 100.])
    """
    if len(value) < 2:
        return np.full(len(value), 50.0)
    return np.asarray((pd.Series(value).rank() - 1) / (len(value) - 1) * 100)


def wrong_tiers(stated: pd.Series, realised_net: Array, high: float = 0.2, none_below: float = 0.0) -> pd.DataFrame:
    """Show what being in the wrong tier costs: customers and realised net value by stated and realised tier.

    Returns
    -------
    DataFrame
        One row per pair: ``stated, realised, customers, share, net_value`` (what these customers brought in sum) and
        ``misplaced``: the net value that came from customers stated lower than they turned out, or was lost on
        customers stated higher than they deserved.

    Examples
    --------
    >>> wrong_tiers(pd.Series(["high", "none"]), np.array([-4.0, 10.0]), high=0.5)[["stated", "realised", "misplaced"]]
      stated realised  misplaced
    0   high     none       -4.0
    1   none     high       10.0
    """
    realised = investment_tiers(realised_net, high, none_below)
    frame = pd.DataFrame({"stated": stated.to_numpy(), "realised": realised.to_numpy(), "net": realised_net})
    table = frame.groupby(["stated", "realised"])["net"].agg(customers="size", net_value="sum").reset_index()
    table["share"] = table["customers"] / len(frame)
    wrong = table["stated"] != table["realised"]
    table["misplaced"] = table["net_value"].where(wrong, 0.0)
    rank = {tier: i for i, tier in enumerate(TIERS)}
    order = table["stated"].map(rank) * len(TIERS) + table["realised"].map(rank)
    table = table.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)
    return table[["stated", "realised", "customers", "share", "net_value", "misplaced"]]
