"""Deposit outflow: money that leaves with its owners and must be replaced at a price."""

import numpy as np
import pandas as pd
from pydantic import Field

from ..positions import positions, summary
from .attrition import leaving
from .unit import Delivery, Frames, Terms, Unit, UnitSettings


class DepositSettings(UnitSettings):
    """What the deposit unit is told beside the dependence of its customers."""

    replacement_cost: float = Field(0.03, ge=0, le=1, description="a year, share of what flows out")
    run_off: dict[str, float] = Field({}, description="liquidity scenarios: name → share that leaves within 30 days")
    largest: int = Field(100, ge=1, description="depositors whose joint share is shown")


def measure(frames: Frames, terms: Terms, settings: DepositSettings) -> Delivery:
    """Put balances at the risk that their owners leave; what is lost is the cost of replacing them.

    Parameters
    ----------
    frames : mapping
        ``balances`` (``customer_id, balance``) and ``churn_scores`` (``customer_id, leave_<days>``).

    Returns
    -------
    Delivery
        Table ``run_off``: money that flows out, as expected and in stated liquidity scenarios.
    """
    chance = leaving(frames["churn_scores"], terms.horizon)
    balance = frames["balances"].set_index("customer_id")["balance"].sort_index()
    known = balance.index.intersection(chance.index).sort_values()
    held = np.maximum(balance[known].to_numpy(float), 0)
    rows = positions(
        UNIT.name, known, exposure=held, probability=chance[known].to_numpy(),
        severity=settings.replacement_cost * terms.horizon / 365,
        method="churn champion at a constant hazard × estimated balance", **terms.told(),
    )  # fmt: skip
    return Delivery(rows, {"run_off": run_off(rows, settings)}, (
        f"balances are sums of known bookings; {int((balance < 0).sum()):,} of {len(balance):,} customers, whose sum "
        f"is below 0, count as 0",
        "what new customers bring in is not set against it",
    ), {"outflow_rate": summary(rows)["probability"]})  # fmt: skip


def run_off(rows: pd.DataFrame, settings: DepositSettings) -> pd.DataFrame:
    """Say how much money would flow out.

    Returns
    -------
    DataFrame
        ``scenario``, ``basis`` (expected or stated), ``share``, ``outflow``.

    Examples
    --------
    >>> rows = positions("deposits", ["a", "b"], exposure=[100.0, 300.0], probability=[0.1, 0.2], severity=0.03,
    ...                  method="stated", **Terms("2026-07-01").told())
    >>> run_off(rows, DepositSettings(run_off={"rumour": 0.25}, largest=1))["outflow"].tolist()
    [70.0, 300.0, 100.0]
    """
    held = rows["exposure"].to_numpy(float)
    total, gone = held.sum(), float((held * rows["probability"]).sum())
    top = np.sort(held)[::-1][: settings.largest].sum()
    outflows = [("customers leave as expected, within the horizon", "expected", gone),
                (f"the {min(settings.largest, len(held)):,} largest depositors leave", "stated", top)]  # fmt: skip
    outflows += [(name, "stated", share * total) for name, share in settings.run_off.items()]
    found = pd.DataFrame(outflows, columns=["scenario", "basis", "outflow"])
    found.insert(2, "share", found["outflow"] / total if total else 0.0)
    return found


UNIT = Unit(
    "deposits", "Deposit outflow: money that must be replaced", ("balances", "churn_scores"), DepositSettings, measure,
    estimated="chance of leaving of every customer; balance as the sum of known bookings",
    stated="cost of replacement, how customers move together, run-off of the liquidity scenarios",
)  # fmt: skip
