"""The feature dictionary: every feature's name, family, meaning, unit, window, type, and plain words for reasons."""

from collections.abc import Iterable

import pandas as pd

from . import applications
from .feature import Feature
from .items import BLOCKS, DAYPARTS
from .table import FAMILIES

DICTIONARY: dict[str, Feature] = {
    f.name: f for features in (*(family.features for family in FAMILIES.values()), applications.FEATURES)
    for f in features
}  # fmt: skip


STATED = {  # what a campaign states: inputs of the promotion model beside the features
    "offer": "the offer that is made",
    "channel": "the channel through which the offer is made",
}
DERIVED = {  # computed from features when they are read, beside them; the leak audit covers what it is made of
    "predicted_value": {
        "family": "derived", "meaning": "margin expected in the coming year: days with a purchase (BG/NBD) times what "
        "one brings, fitted to the features of the date", "unit": "currency", "window": "365 days", "type": "double",
        "sign": 0, "low": "is expected to bring the bank little", "high": "is expected to bring the bank much",
        "needs": "transactions.margin",
    },
}  # fmt: skip
_DAYPARTS = {f"daypart:{part}": (f"seldom acts {said}", f"acts {said}") for part, (_, said) in DAYPARTS.items()}


def dictionary_frame(others: Iterable[str] = ()) -> pd.DataFrame:
    """Write the dictionary as a table, one row per feature, ordered by name.

    Parameters
    ----------
    others : iterable of str
        Inputs that are no features: items that the source has (``block:name``, :mod:`afraz.features.items`), what a
        campaign states, attributes as recorded, and what is derived from features (``DERIVED``); each gets a row, so
        that every input of every model has one.

    Returns
    -------
    pd.DataFrame
        name, family, meaning, unit, window, type, sign, low, high, needs.

    Examples
    --------
    >>> frame = dictionary_frame().set_index("name")
    >>> frame.loc["initiated_on_last_year_90d", "low"]
    'makes fewer transactions than in the same months of last year'
    >>> dictionary_frame(["category:travel"]).set_index("name").loc["category:travel", "meaning"]
    'travel: purchases in the category'
    """
    columns = ("name", "family", "meaning", "unit", "window", "type", "sign", "low", "high")
    rows = [{c: getattr(f, c) for c in columns} | {"needs": ", ".join(f.needs)} for f in DICTIONARY.values()]
    rows += [_other(name) for name in others]
    return pd.DataFrame(rows).sort_values("name", ignore_index=True)


def _other(name: str) -> dict[str, object]:
    if name in DERIVED:
        return {"name": name, **DERIVED[name]}
    block, _, item = name.partition(":")
    meaning = f"{item}: {BLOCKS[block]}" if item else STATED.get(name, f"{name} as recorded now")
    low, high = _DAYPARTS.get(name, (f"little {item}", f"much {item}"))
    kind = {"family": "item", "unit": "count", "window": "item_days", "type": "double", "low": low, "high": high}
    recorded = {"family": "attribute", "unit": "name", "window": "at as_of", "type": "text", "low": meaning,
                "high": meaning}  # fmt: skip
    return {"name": name, "meaning": meaning, "sign": 0, "needs": "", **(kind if item else recorded)}


def phrases_of_features() -> dict[str, tuple[str, str]]:
    """Short words for a low and a high value of each feature, for the names of segments.

    Examples
    --------
    >>> phrases_of_features()["digital_share_90d"]
    ('seldom acts online', 'acts mostly online')
    """
    derived = {name: (str(row["low"]), str(row["high"])) for name, row in DERIVED.items()}
    return derived | _DAYPARTS | {name: (f.low, f.high) for name, f in DICTIONARY.items() if f.type == "double"}
