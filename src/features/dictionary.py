"""The feature dictionary: every feature's name, family, meaning, unit, window, type, and plain words for reasons."""

import pandas as pd

from . import applications
from .feature import Feature
from .table import FAMILIES

DICTIONARY: dict[str, Feature] = {
    f.name: f for features in (*(family.features for family in FAMILIES.values()), applications.FEATURES)
    for f in features
}  # fmt: skip


def dictionary_frame() -> pd.DataFrame:
    """Write the dictionary as a table, one row per feature, ordered by name.

    Returns
    -------
    pd.DataFrame
        name, family, meaning, unit, window, type, sign, low, high, needs.

    Examples
    --------
    >>> frame = dictionary_frame().set_index("name")
    >>> frame.loc["initiated_on_last_year_90d", "low"]
    'makes fewer transactions than in the same months of last year'
    """
    columns = ("name", "family", "meaning", "unit", "window", "type", "sign", "low", "high")
    rows = [{c: getattr(f, c) for c in columns} | {"needs": ", ".join(f.needs)} for f in DICTIONARY.values()]
    return pd.DataFrame(rows).sort_values("name", ignore_index=True)
