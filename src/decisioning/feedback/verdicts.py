"""What works, what doesn't, what harms, and what nobody can say yet."""

import numpy as np
import pandas as pd

from ...errors import ParamsError
from .sequential import e_bh

WORKS, IDLE, HARMS, OPEN = "works", "does not work", "harms", "undecided"
PAYS, COSTS, NOT_SHOWN, EARLY = "pays", "costs more than it brings", "not shown", "too early to say"
FAMILIES = ("segment", "region", "branch", "agent")  # many parts at once: a verdict must also be a discovery
KEY = ["cut", "lens", "part"]
COLUMNS = [
    *KEY, "week", "final", "basis", "assigned", "control", "delivered", "reached", "responses", "effect", "low", "high",
    "p_value", "smallest_found", "net", "net_low", "net_high", "discovery", "verdict", "pays",
]  # fmt: skip


def latest(effects: pd.DataFrame) -> pd.DataFrame:
    """Keep the last look of every part and outcome."""
    newest = effects.groupby([*KEY, "outcome"])["week"].transform("max")
    return effects[effects["week"] == newest].reset_index(drop=True)


def verdicts(effects: pd.DataFrame, *, worthwhile: float, level: float = 0.05) -> pd.DataFrame:
    """Say of every part of every cut whether it works, at its last look.

    * **harms**, **works**: the interval of the effect on the response lies below, above zero. Where a cut has many
      parts (segments of a lens, regions, branches, agents) it must be a discovery among them, too
      (:func:`.sequential.e_bh`).
    * **does not work**: the interval leaves out every effect of ``worthwhile`` and more, once whole response windows
      are counted (of every campaign behind the row): a part of the window holds only a part of the effect.
    * **undecided**: anything else; ``smallest_found`` says what effect would have been found four times in five.

    Whether it **pays** is told apart: the interval of the net value per customer lies above zero, below, or about it;
    before the whole window it is too early to say, for costs come first and responses later.

    Parameters
    ----------
    effects : of :func:`.effects.weekly_effects`
    worthwhile : share
        Smallest effect on the response that would be worth having.

    Returns
    -------
    DataFrame
        One row per ``cut, lens, part`` : ``week, final, basis, assigned, control, delivered, reached, responses``,
        ``effect, low, high, p_value, smallest_found`` of the response, ``net, net_low, net_high``, ``discovery``,
        ``verdict, pays``.

    Examples
    --------
    >>> row = {"lens": "", "week": 5, "whole_window": True, "final": True, "basis": "by lot", "assigned": 9,
    ...        "control": 9, "delivered": 9, "reached": 5, "responses": 4, "p_value": 0.5, "smallest_found": 0.02,
    ...        "e_value": 1.0, "cut": "campaign"}
    >>> effects = pd.DataFrame([{**row, "part": part, "outcome": outcome, "effect": e, "low": e - 1, "high": e + 1}
    ...                         for part, e in (("P1", 2.0), ("P2", -0.995), ("P3", 0.0))
    ...                         for outcome in ("response", "net")])
    >>> verdicts(effects, worthwhile=0.01)[["part", "verdict", "pays"]]
      part        verdict       pays
    0   P1          works       pays
    1   P2  does not work  not shown
    2   P3      undecided  not shown
    """
    if not worthwhile > 0:
        raise ParamsError(f"worthwhile is the smallest effect worth having, above 0, got {worthwhile}")
    last = latest(effects)
    net = last[last["outcome"] == "net"].set_index(KEY)[["effect", "low", "high"]]
    table = last[last["outcome"] == "response"].join(net.set_axis(["net", "net_low", "net_high"], axis=1), on=KEY)
    found = table.groupby(["cut", "lens"])["e_value"].transform(lambda e: e_bh(e.to_numpy(), level)).astype(bool)
    table["discovery"] = found.where(table["cut"].isin(FAMILIES), True)
    low, high, whole = table["low"], table["high"], table["whole_window"].astype(bool)
    table["verdict"] = np.select(
        [(high < 0) & table["discovery"], (low > 0) & table["discovery"], (high < worthwhile) & whole],
        [HARMS, WORKS, IDLE], OPEN,
    )  # fmt: skip
    table["pays"] = np.select([~whole, table["net_low"] > 0, table["net_high"] < 0], [EARLY, PAYS, COSTS], NOT_SHOWN)
    return table[COLUMNS].reset_index(drop=True)
