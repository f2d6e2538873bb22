"""What segments are made of: the feature table, attributes that features leave out, and items side by side."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from .. import catalog
from ..errors import DataError
from .dictionary import DICTIONARY
from .feature import KEY
from .items import spread_items

ATTRIBUTES = ("gender", "branch_id")
"""Recorded of the customer and used to describe and find people, never as an input of a score."""


def segment_inputs(as_of: Sequence[date] | None = None) -> pd.DataFrame:
    """Put everything that lenses may look at into one table.

    Parameters
    ----------
    as_of : sequence of date, optional
        Dates of the features stage; all of them if not given.

    Returns
    -------
    DataFrame
        One row per customer_id and as_of, ordered: features, ``ATTRIBUTES`` as recorded now, and one column per item
        (``block:name``; see :func:`afraz.features.items.spread_items`).

    Raises
    ------
    DataError
        If the features stage has built none of the dates.
    """
    features, items = catalog.scan("customer_features"), catalog.scan("items")
    if as_of is not None:
        features = features.filter(features.as_of.isin(list(as_of)))
        items = items.filter(items.as_of.isin(list(as_of)))
    rows = features.to_pandas().sort_values(list(KEY), ignore_index=True)
    if rows.empty:
        raise DataError(f"the features stage built no row at {', '.join(map(str, as_of or []))}: run it for that date")
    customers = catalog.load("customers")
    recorded = customers[["customer_id", *(c for c in ATTRIBUTES if c in customers and c not in rows)]]
    rows = rows.merge(recorded, on="customer_id", how="left", validate="many_to_one")
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    return pd.concat([rows, spread_items(items.to_pandas(), rows)], axis=1)


def phrases_of_features() -> dict[str, tuple[str, str]]:
    """Short words for a low and a high value of each feature, for the names of segments.

    Examples
    --------
    >>> phrases_of_features()["digital_share_90d"]
    ('seldom acts online', 'acts mostly online')
    """
    return {name: (feature.low, feature.high) for name, feature in DICTIONARY.items() if feature.type == "double"}
