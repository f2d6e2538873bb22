"""Attrition: the coming margin of customers who may leave."""

import re

import numpy as np
import pandas as pd

from ...errors import DataError
from ..positions import over_horizon, positions
from .unit import Delivery, Frames, Terms, Unit, UnitSettings

HALF = 0.5  # who leaves does so on any day of the horizon alike, so half of its margin is lost on average


def leaving(scores: pd.DataFrame, horizon: float) -> pd.Series:
    """Chance of leaving within the horizon, from the longest outlook that is scored, by customer.

    Raises
    ------
    DataError
        If no column ``leave_<days>`` is there.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a"], "leave_30": [0.01], "leave_90": [0.02]})
    >>> leaving(scores, 365)["a"].round(4)
    np.float64(0.0787)
    """
    days = [int(c.removeprefix("leave_")) for c in scores.columns if re.fullmatch(r"leave_\d+", c)]
    if not days:
        raise DataError("expected churn scores with a column leave_<days>, got none")
    longest = max(days)
    p = over_horizon(scores[f"leave_{longest}"].to_numpy(float), longest, horizon)
    return pd.Series(p, index=scores["customer_id"])


def measure(frames: Frames, terms: Terms, settings: UnitSettings) -> Delivery:
    """Put the margin that customers would bring, did they stay, at the risk that they leave.

    Parameters
    ----------
    frames : mapping
        ``churn_scores`` (``customer_id, leave_<days>``) and ``value_scores`` (``customer_id, expected_margin_12m``).
    """
    chance = leaving(frames["churn_scores"], terms.horizon)
    margin = frames["value_scores"].set_index("customer_id")["expected_margin_12m"]
    known = margin.index.intersection(chance.index).sort_values()
    p, coming = chance[known].to_numpy(), margin[known].to_numpy(float) * terms.horizon / 365
    staying = np.maximum(coming, 0) / (1 - HALF * p)  # the forecast has the leaving in it
    rows = positions(
        UNIT.name, known, exposure=np.where(np.isnan(coming), np.nan, staying), probability=p, severity=HALF,
        method="churn champion at a constant hazard × value champion", **terms.told(),
    )  # fmt: skip
    return Delivery(rows, notes=(
        f"{int((coming < 0).sum()):,} customers are expected to bring no margin: their leaving costs nothing here",
        f"{len(margin.index.union(chance.index)) - len(known):,} customers are scored by one of the two models only "
        f"(dormant ones) and left out",
    ))  # fmt: skip


UNIT = Unit(
    "attrition", "Attrition: margin of customers who leave", ("churn_scores", "value_scores"), UnitSettings, measure,
    estimated="chance of leaving (carried from the scored outlook to the horizon) and coming margin of every customer",
    stated="how customers move together; the hazard stays what it is; half of the horizon's margin is lost",
)  # fmt: skip
