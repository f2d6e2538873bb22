"""What a segmentation assigned, with the names of its segments."""

from typing import Any

import pandas as pd


def segment_names(spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Say what each lens calls its segments: lens → id → name; a lens without structure has none.

    Examples
    --------
    >>> segment_names({"lenses": [{"name": "value", "kind": "tiers", "segments": [{"id": "high", "name": "high"}]},
    ...                           {"name": "noise", "kind": "none"}]})
    {'value': {'high': 'high'}}
    """
    found = [lens for lens in spec["lenses"] if lens["kind"] != "none"]
    return {lens["name"]: {s["id"]: s["name"] for s in lens["segments"]} for lens in found}


def with_names(spec: dict[str, Any], assigned: pd.DataFrame) -> pd.DataFrame:
    """Lay out what a model assigned: for each lens its segment (id), ``<lens>_name`` and ``<lens>_confidence``."""
    columns: dict[str, pd.Series] = {}
    for lens, names in segment_names(spec).items():
        columns[lens] = assigned[lens]
        columns[f"{lens}_name"] = assigned[lens].map(names)
        columns[f"{lens}_confidence"] = assigned[f"{lens}_confidence"]
    return pd.DataFrame(columns, index=assigned.index)
