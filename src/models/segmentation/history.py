"""A segmentation applied to every month, and what moved between them."""

import itertools

import pandas as pd

from ..artifact import Artifact
from .flows import KEY, by_date, flows, trends
from .migration import net_movement
from .named import with_names


def assign_months(model: Artifact, inputs: pd.DataFrame, kept: list[str]) -> pd.DataFrame:
    """Assign every customer at every date.

    Parameters
    ----------
    inputs : DataFrame
        customer_id, as_of and the model's columns.
    kept : list of str
        Columns to keep beside the segments; those that the table lacks are left out.

    Returns
    -------
    DataFrame
        customer_id, as_of, the segments (:func:`.named.with_names`), and what is kept.
    """
    here = [name for name in dict.fromkeys(kept) if name in inputs]
    return pd.concat([inputs[list(KEY)], with_names(model.spec, model.predict(inputs)), inputs[here]], axis=1)


def monthly_movement(segments: pd.DataFrame, lenses: list[str]) -> pd.DataFrame:
    """Test the net movement of every segment from each date to the next (:func:`.migration.net_movement`).

    Returns
    -------
    DataFrame
        As there, with ``as_of``, the later of the two dates, in front.
    """
    months = [(date, part.set_index("customer_id")[lenses]) for date, part in by_date(segments)]
    tests = [
        net_movement(before, after).assign(as_of=date)
        for (_, before), (date, after) in itertools.pairwise(months)
    ]  # fmt: skip
    table = pd.concat(tests, ignore_index=True)
    return table[["as_of", *(c for c in table if c != "as_of")]]


def months_flagged(movement: pd.DataFrame) -> dict[str, int]:
    """Count the months with a significant net movement: in any lens (``any``) and in each, of so many (``months``)."""
    by_lens = movement.groupby(["lens", "as_of"])["significant"].any().groupby("lens").sum()
    flagged = movement.groupby("as_of")["significant"].any()
    counts = {str(lens): int(n) for lens, n in by_lens.items()}
    return {**counts, "any": int(flagged.sum()), "months": len(flagged)}


def watched(segments: pd.DataFrame, lenses: list[str], measures: list[str]) -> dict[str, pd.DataFrame]:
    """Make the tables by which migration is watched: ``movement``, and per lens ``flows_…`` and ``trend_…``.

    Raises
    ------
    NotApplicable
        With fewer than two dates.
    """
    tables = {"movement": monthly_movement(segments, lenses)}
    for lens in lenses:
        tables[f"flows_{lens}"] = flows(segments, f"{lens}_name")
        tables[f"trend_{lens}"] = trends(segments, f"{lens}_name", measures)
    return tables
