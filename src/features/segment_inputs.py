"""What segments are made of: the feature table, attributes that features leave out, and items side by side."""

from collections.abc import Sequence
from datetime import date

import ibis
import pandas as pd

from .. import catalog
from ..errors import DataError
from .feature import ATTRIBUTES, KEY
from .items import BLOCKS, spread_items
from .predicted_value import with_predicted_value


def segment_inputs(
    as_of: Sequence[date] | None = None, blocks: Sequence[str] = tuple(BLOCKS), *, predicted: bool = True
) -> pd.DataFrame:
    """Put everything that lenses may look at into one table.

    Parameters
    ----------
    as_of : sequence of date, optional
        Dates of the features stage; all of them if not given.
    blocks : sequence of str
        Which items.
    predicted : bool
        Whether with ``predicted_value``; the value model, which predicts for itself, is made and scored without it.

    Returns
    -------
    DataFrame
        One row per customer_id and as_of, ordered: features, ``predicted_value`` where the source has what it is made
        of (:mod:`afraz.features.predicted_value`), ``ATTRIBUTES`` as recorded now, and one column per item
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
    items = items.filter(ibis.or_(*(items.item.startswith(f"{block}:") for block in blocks)))
    if predicted:
        rows = with_predicted_value(rows)
    customers = catalog.load("customers")
    recorded = customers[["customer_id", *(c for c in ATTRIBUTES if c in customers and c not in rows)]]
    rows = rows.merge(recorded, on="customer_id", how="left", validate="many_to_one")
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    return pd.concat([rows, spread_items(items.to_pandas(), rows)], axis=1)
