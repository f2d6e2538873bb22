"""What contacts cost the bank, contact by contact and customer by customer."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from ...errors import ParamsError
from ..stated import Stated

Array = NDArray[np.float64]

BORROWED = 4.0  # contacts of the pattern that stand beside a customer's own


class Cost(Stated):
    """Of a contact by one channel, in currency."""

    word: ClassVar[str] = "cost of a channel"

    contact: float = Field(0.0, ge=0, description="whatever it is about: systems, postage, work behind it")
    minute: float = Field(0.0, ge=0, description="of an agent, overhead included")


def contact_cost(rows: pd.DataFrame, costs: Mapping[str, Cost]) -> Array:
    """Give the cost of each contact.

    Parameters
    ----------
    rows : DataFrame
        ``channel, duration_seconds``; a contact without a duration costs what is independent of it.
    costs : mapping
        Channel → cost; ``other`` is for channels that it doesn't name, and for contacts without a channel.

    Raises
    ------
    ParamsError
        Where a channel has no cost and there is none for ``other``.

    Examples
    --------
    >>> rows = pd.DataFrame({"channel": ["phone", "email"], "duration_seconds": [120.0, None]})
    >>> contact_cost(rows, {"phone": Cost(contact=1, minute=0.5), "other": Cost(contact=3)}).tolist()
    [2.0, 3.0]
    >>> contact_cost(rows, {"phone": Cost(contact=1, minute=0.5)})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: no cost for contacts by email: name it in costs, or give a cost for 'other'
    """
    channel = rows["channel"].astype("str").where(rows["channel"].notna(), "other")
    named = channel.where(channel.isin(list(costs)), "other")
    if "other" not in costs and (named == "other").any():
        absent = ", ".join(sorted(channel[named == "other"].unique()))
        raise ParamsError(f"no cost for contacts by {absent}: name it in costs, or give a cost for 'other'")
    fixed, minute = ({name: getattr(cost, part) for name, cost in costs.items()} for part in ("contact", "minute"))
    lasting = rows["duration_seconds"].fillna(0.0).to_numpy(float) / 60
    return np.asarray(named.map(fixed).to_numpy(float) + named.map(minute).to_numpy(float) * lasting)


def cost_of_customers(customers: pd.DataFrame, year: pd.DataFrame, ahead: Array) -> pd.DataFrame:
    """Give what each customer cost in the last year, and is expected to cost in the coming one.

    Parameters
    ----------
    customers : DataFrame
        ``customer_id, pattern``.
    year : DataFrame
        Contacts of the last year: ``customer_id, cost``.
    ahead : ndarray, shape (customers,)
        Contacts expected in the coming year.

    Returns
    -------
    DataFrame
        Rows as in customers: ``cost_last_year, cost_of_contact`` (the customer's own, weighed against that of the
        pattern), ``expected_cost``.
    """
    summed = year.groupby("customer_id")["cost"].agg(["sum", "size"]).reindex(customers["customer_id"]).fillna(0.0)
    overall = float(year["cost"].mean()) if len(year) else 0.0
    pattern = customers["pattern"].reset_index(drop=True)
    spent = pd.DataFrame({"sum": summed["sum"].to_numpy(), "size": summed["size"].to_numpy()})
    of_pattern = spent.groupby(pattern).transform("sum")
    usual = (of_pattern["sum"] / of_pattern["size"].clip(lower=1)).where(of_pattern["size"] > 0, overall)
    own = (spent["sum"] + BORROWED * usual) / (spent["size"] + BORROWED)
    return pd.DataFrame({
        "cost_last_year": spent["sum"].to_numpy(), "cost_of_contact": own.to_numpy(),
        "expected_cost": own.to_numpy() * ahead,
    }, index=customers.index)  # fmt: skip


def cost_distribution(customers: pd.DataFrame) -> pd.DataFrame:
    """Spread of the cost to serve by pattern, everybody last.

    Returns
    -------
    DataFrame
        ``pattern, customers, mean, median, p90, p99, total, share, share_of_top_tenth`` of ``cost_last_year``, and
        ``expected`` (mean, coming year).
    """
    whole = float(customers["cost_last_year"].sum())
    rows = []
    for name, part in [*customers.groupby("pattern"), ("all", customers)]:
        cost = np.sort(part["cost_last_year"].to_numpy(float))[::-1]
        total = float(cost.sum())
        rows.append({
            "pattern": str(name), "customers": len(part), "mean": cost.mean(), "median": np.median(cost),
            "p90": np.quantile(cost, 0.9), "p99": np.quantile(cost, 0.99), "total": total,
            "share": total / whole if whole else np.nan,
            "share_of_top_tenth": cost[: max(1, len(cost) // 10)].sum() / total if total else np.nan,
            "expected": part["expected_cost"].mean(),
        })  # fmt: skip
    return pd.DataFrame(rows)
