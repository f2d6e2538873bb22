"""Find an audience among the customers of a date: count it, describe it, export it."""

from dataclasses import dataclass

import pandas as pd

from .. import catalog
from ..errors import DataError
from ..features.segment_inputs import segment_inputs
from ..models.segmentation.profile import describe_against_rest
from ..params import iso_date
from ..scoring.audience import matching, read_condition
from ..scoring.sinks import read_scores

OTHER_SCORES = ("churn_scores", "value_scores")


@dataclass(frozen=True)
class Audience:
    """Customers who meet a condition; ``description`` sets them against everybody else."""

    condition: str
    as_of: str
    customers: pd.DataFrame
    of: int
    description: pd.DataFrame


def find_audience(condition: str, as_of: str, top: int = 12) -> Audience:
    """Find the customers of a date who meet a condition.

    Parameters
    ----------
    condition : str
        See :func:`afraz.scoring.audience.read_condition`. It may speak of the lenses, of every feature, of recorded
        attributes (gender, branch_id), and of scores of the same date.
    as_of : str
        ISO date; its segments must have been assigned.
    top : int
        How many of the strongest differences describe the audience.

    Returns
    -------
    Audience

    Raises
    ------
    DataError
        If the date has no segments.
    ParamsError
        For a condition that cannot be read, or names an unknown lens, segment or column.
    """
    read = read_condition(condition)
    day = iso_date(as_of)
    try:
        segments, manifest = read_scores(catalog.path("segmentation_scores", as_of=as_of))
    except DataError as absent:
        raise DataError(f"no segments of {as_of}: {absent}") from None
    rows = segments.drop(columns="as_of").merge(segment_inputs([day]).drop(columns="as_of"), on="customer_id")
    for name in OTHER_SCORES:
        if catalog.path(name, as_of=as_of).exists():
            scores, _ = read_scores(catalog.path(name, as_of=as_of))
            new = [c for c in scores if c not in rows and not str(c).startswith("reason_")]
            rows = rows.merge(scores[["customer_id", *new]], on="customer_id", how="left")
    chosen = matching(rows, read, manifest["segments"])
    lenses = [c for lens in manifest["segments"] for c in (lens, f"{lens}_name")]
    named = [c for c in read.names if c not in lenses]
    described = describe_against_rest(rows.drop(columns=["customer_id", *lenses]), chosen).head(top)
    found = rows.loc[chosen, ["customer_id", *lenses, *named]].reset_index(drop=True)
    return Audience(condition, as_of, found, len(rows), described)
