"""What the churn model learns from: the platform's features with their labels, or a ready table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..data.flat import read_flat_table
from ..errors import ParamsError, nearest

_READY = {"path", "label", "id", "date", "drop", "delimiter", "event"}


def churn_training(
    ready: Mapping[str, Any], horizons: list[int], use_signs: bool
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load the table and say which columns are what.

    Parameters
    ----------
    ready : mapping
        ``{path, label}`` and optionally ``{id, date, drop, delimiter}`` of a ready table; empty for the features stage.
    horizons : list of int
        Outcome windows in days (features stage only).
    use_signs : bool
        Hold features to the signs of the dictionary (features stage only).

    Returns
    -------
    table : DataFrame
    columns : dict
        Settings for :class:`afraz.models.churn.ChurnSettings` that say which columns are what.

    Raises
    ------
    ParamsError
        For an unknown or missing key of ``ready``.
    """
    if ready:
        return ready_table(ready)
    table = catalog.load("customer_features").merge(catalog.load("churn_labels"), on=["customer_id", "as_of"])
    columns: dict[str, Any] = {"horizons": horizons, "outcome_days": catalog.load("label_terms")["outcome_days"]}
    if use_signs:
        dictionary = catalog.load("dictionary")
        signs = dictionary.loc[dictionary["sign"] != 0].set_index("name")["sign"]
        columns["monotone"] = {name: int(sign) for name, sign in signs.items() if name in table}
    return table, columns


def ready_table(ready: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a ready table and say which columns are what; unknown and missing keys are refused."""
    for key in ready:
        if key not in _READY:
            raise ParamsError(f"table: unknown key {key!r}: {nearest(key, _READY)}")
    for key in ("path", "label"):
        if not ready.get(key):
            raise ParamsError(f"table: {key} is missing: a ready table needs path and label")
    named = [ready[k] for k in ("label", "id", "date") if ready.get(k)]
    drop = list(ready.get("drop", []))
    table = read_flat_table(catalog.root() / Path(ready["path"]), ready.get("delimiter"), (*named, *drop), drop)
    columns = {"label": ready["label"], "id": ready.get("id"), "as_of": ready.get("date"), "drop": drop}
    if ready.get("event") is not None:
        columns["event"] = str(ready["event"])
    return table, {k: v for k, v in columns.items() if v or k in {"id", "as_of"}}
