"""Tiers of value: deciles of a few columns, averaged and cut."""

from typing import Any

import numpy as np
import pandas as pd

from .. import pyfunc_segments as run
from .settings import TiersLens


def fit_tiers(table: pd.DataFrame, lens: TiersLens) -> dict[str, Any] | None:
    """Find the cut-points of a lens of tiers; None where no column of it is there.

    A column that is missing throughout or constant has no deciles and is left out. Of equal values all fall into the
    lowest decile that they reach.

    Returns
    -------
    dict
        Part of the spec: ``columns`` (name, nine cuts, lower_is_better) and ``segments`` (id, name, lowest score).

    Examples
    --------
    >>> lens = TiersLens(kind="tiers", columns={"margin": "margin"}, tiers={"high": 0.5, "low": 0.0})
    >>> found = fit_tiers(pd.DataFrame({"margin": np.arange(100.0)}), lens)
    >>> [(s["name"], s["lowest"]) for s in found["segments"]]
    [('high', 5.5), ('low', 1.0)]
    """
    columns = []
    for role, name in lens.columns.items():
        if name not in table:
            continue
        x = run.numbers(table[name])
        known = x[~np.isnan(x)]
        if len(known) and known.min() < known.max():
            cuts = np.quantile(known, np.arange(1, 10) / 10)
            columns.append({"name": name, "cuts": cuts.tolist(), "lower_is_better": role in lens.lower_is_better})
    if not columns:
        return None
    score = run.tier_scores({"columns": columns}, {c["name"]: run.numbers(table[c["name"]]) for c in columns})
    known = score[~np.isnan(score)]
    downwards = sorted(lens.tiers.items(), key=lambda tier: -tier[1])
    lowest = {name: float(np.quantile(known, share)) if share else 1.0 for name, share in downwards}
    return {"kind": "tiers", "columns": columns,
            "segments": [{"id": name, "name": name, "lowest": low} for name, low in lowest.items()]}  # fmt: skip
