"""Segments over the months: whether their shares have moved in a year, and whether a month's movement is unusual."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..models.segmentation.migration import LEVEL
from ..models.segmentation.unusual import BEFORE
from ..models.stability import contributions

COLUMNS = ("as_of", "lens", "psi_year", "unusual", "segments")


def segments_by_month(segments: pd.DataFrame, movement: pd.DataFrame, lenses: Sequence[str]) -> pd.DataFrame:
    """Watch every lens month by month.

    Parameters
    ----------
    segments : DataFrame
        as_of and one column per lens; one row per customer and date.
    movement : DataFrame
        :func:`afraz.models.segmentation.history.monthly_movement`.

    Returns
    -------
    DataFrame
        ``as_of, lens, psi_year`` (PSI of the shares against those a year before, missing where there is none),
        ``unusual`` (the month's net movement; Bonferroni over the lenses, months held against chance alone are never),
        ``segments``: which ones.

    Examples
    --------
    >>> dates = pd.to_datetime(["2025-07-01"] * 4 + ["2026-07-01"] * 4)
    >>> table = pd.DataFrame({"as_of": dates, "value": ["high", "high", "low", "low", "high", "low", "low", "low"]})
    >>> none = pd.DataFrame(columns=["as_of", "lens", "segment", "p_adjusted", "held_against"])
    >>> segments_by_month(table, none, ["value"])["psi_year"].round(3).tolist()
    [nan, 0.275]
    """
    when = pd.to_datetime(movement["as_of"])
    flagged = movement.assign(as_of=when)[movement["held_against"] == BEFORE]
    flagged = flagged[flagged["p_adjusted"].astype(float) * len(lenses) < LEVEL]
    rows = []
    for lens in lenses:
        counts = pd.crosstab(pd.to_datetime(segments["as_of"]), segments[lens].fillna("none"))
        for month in counts.index:
            year_ago = month - pd.DateOffset(years=1)
            psi = np.nan
            if year_ago in counts.index:
                psi = float(contributions(counts.loc[year_ago].to_numpy(), counts.loc[month].to_numpy()).sum())
            moved = flagged[(flagged["as_of"] == month) & (flagged["lens"] == lens)]["segment"].tolist()
            rows.append((month, lens, psi, bool(moved), ", ".join(moved)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(["as_of", "lens"], ignore_index=True)
