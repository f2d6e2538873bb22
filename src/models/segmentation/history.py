"""A segmentation applied to every month, and what moved last."""

import pandas as pd

from ..artifact import Artifact
from .flows import KEY, months_of
from .migration import net_movement


def assign_months(model: Artifact, inputs: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Assign every customer at every date.

    Parameters
    ----------
    inputs : DataFrame
        customer_id, as_of and the model's columns.
    measures : list of str
        Columns to keep beside the segments; those that the table lacks are left out.

    Returns
    -------
    DataFrame
        customer_id, as_of, for each lens its segment, ``<lens>_name`` and ``<lens>_confidence``, and the measures.
    """
    found = model.predict(inputs)
    columns = {key: inputs[key] for key in KEY}
    for lens in model.spec["lenses"]:
        if lens["kind"] != "none":
            name = lens["name"]
            columns[name] = found[name]
            columns[f"{name}_name"] = found[name].map({s["id"]: s["name"] for s in lens["segments"]})
            columns[f"{name}_confidence"] = found[f"{name}_confidence"]
    return pd.DataFrame({**columns, **{name: inputs[name] for name in measures if name in inputs}})


def last_movement(segments: pd.DataFrame, lenses: list[str]) -> pd.DataFrame:
    """Test the net movement of every segment between the last two dates (:func:`.migration.net_movement`)."""
    dates = months_of(segments)
    when = pd.to_datetime(segments["as_of"])
    own = [lens for lens in lenses if lens in segments]
    before, after = (segments[when == date].set_index("customer_id")[own] for date in dates[-2:])
    return net_movement(before, after)
