"""A segmentation applied to every month, and what moved between them."""

import itertools
from typing import Any

import pandas as pd

from ..artifact import Artifact
from .flows import KEY, by_date, flows
from .migration import LEVEL, net_movement
from .named import with_names
from .trends import trends
from .unusual import CHANCE, against_usual


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
    """Test the net movement of every segment from each date to the next, against what is usual for it.

    Returns
    -------
    DataFrame
        As :func:`.unusual.against_usual` gives it, with ``as_of``, the later of the two dates, in front.
    """
    months = [(date, part.set_index("customer_id")[lenses]) for date, part in by_date(segments[[*KEY, *lenses]])]
    tests = [
        net_movement(before, after).assign(as_of=date)
        for (_, before), (date, after) in itertools.pairwise(months)
    ]  # fmt: skip
    table = against_usual(pd.concat(tests, ignore_index=True))
    return table[["as_of", *(c for c in table if c != "as_of")]]


def months_flagged(movement: pd.DataFrame) -> dict[str, Any]:
    """Count the months with an unusual movement.

    Returns
    -------
    dict
        ``months``: how many were held against those before them; in how many of these each lens is flagged, and how
        many are flagged as a whole (``any``: Bonferroni over the lenses, so that looking at six lenses raises no more
        alarms than looking at one). ``by_chance_alone``: the same of the first months, for which nothing is usual yet.
    """
    early = movement["held_against"] == CHANCE
    return {**_counted(movement[~early]), "by_chance_alone": _counted(movement[early])}


def _counted(movement: pd.DataFrame) -> dict[str, int]:
    smallest = movement.groupby(["as_of", "lens"])["p_adjusted"].min().unstack("lens")
    by_lens = {str(lens): int((smallest[lens] < LEVEL).sum()) for lens in smallest}
    flagged = smallest.min(axis=1) * len(smallest.columns) < LEVEL
    return {**by_lens, "any": int(flagged.sum()), "months": len(smallest)}


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
