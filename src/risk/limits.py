"""Limits and their lights: told by sign and word, with the reason for where they lie."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import ParamsError, nearest
from .settings import Limit

SIGNS = {"green": "●", "amber": "▲", "red": "■", "not measured": "○"}


def light(value: float, limit: Limit) -> str:
    """Judge a value: at the threshold it is reached.

    Examples
    --------
    >>> capital = Limit(name="capital", measure="total.economic_capital_rate", amber=0.05, red=0.08, why="own funds")
    >>> [light(v, capital) for v in (0.049, 0.05, 0.2, float("nan"))]
    ['green', 'amber', 'red', 'not measured']
    """
    if not np.isfinite(value):
        return "not measured"
    sign = 1 if limit.harmful == "above" else -1
    if sign * value >= sign * limit.red:
        return "red"
    return "amber" if sign * value >= sign * limit.amber else "green"


def lights(values: Mapping[str, float], limits: Sequence[Limit], known_units: Sequence[str]) -> pd.DataFrame:
    """Judge all limits.

    Parameters
    ----------
    values : mapping
        ``<unit>.<measure>`` or ``total.<measure>`` → number.
    known_units : sequence of str
        A limit on a unit that was not measured is *not measured*; on one that does not exist it is a mistake.

    Returns
    -------
    DataFrame
        ``limit, measure, value, amber, red, light, sign, why``, the worst first.

    Raises
    ------
    ParamsError
        If a limit asks for what is never measured, or its thresholds are in the wrong order.

    Examples
    --------
    >>> lights({"total.x": 1.0}, [Limit(name="x", measure="total.y", amber=1, red=2, why="")], ["credit"])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: limit 'x': no measure 'total.y': did you mean total.x?
    """
    rows = []
    for limit in limits:
        unit = limit.measure.split(".")[0]
        measured = any(name.startswith(f"{unit}.") for name in values)
        if limit.measure not in values and (measured or unit not in known_units):
            raise ParamsError(f"limit {limit.name!r}: no measure {limit.measure!r}: {nearest(limit.measure, values)}")
        if (limit.amber > limit.red) == (limit.harmful == "above"):
            raise ParamsError(f"limit {limit.name!r}: amber {limit.amber} must be reached before red {limit.red}")
        value = float(values.get(limit.measure, np.nan))
        found = light(value, limit)
        rows.append((limit.name, limit.measure, value, limit.amber, limit.red, found, SIGNS[found], limit.why))
    table = pd.DataFrame(rows, columns=["limit", "measure", "value", "amber", "red", "light", "sign", "why"])
    order = {"red": 0, "amber": 1, "not measured": 2, "green": 3}
    return table.sort_values("light", key=lambda c: c.map(order), kind="stable", ignore_index=True)
