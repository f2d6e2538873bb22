"""Small groups stay hidden: a count below the smallest shown, and whatever would let a reader compute it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

HIDDEN = "hidden"  # what a cell says
MARK = "hidden"  # the column that marks rows


def suppress(
    table: pd.DataFrame, by: Sequence[str], values: Sequence[str], *, count: str = "customers", smallest: int = 10,
    also: "pd.Series[bool] | None" = None,
) -> pd.DataFrame:  # fmt: skip
    """Hide groups of 1 to ``smallest`` − 1, and in the same partition the next larger ones until none can be computed.

    The total of a partition is taken as known. So at least two groups are hidden where one is, and together they hold
    at least ``smallest``; an empty group hides nothing and stays (Hundepool et al., Statistical Disclosure Control,
    2012, ch. 4: primary and secondary suppression).

    Parameters
    ----------
    table : DataFrame
        One row per group.
    by : sequence of str
        Columns within whose values the groups add up to a known total; may be empty.
    values : sequence of str
        Measures of the group, hidden with its count.
    also : Series of bool, optional
        Groups hidden elsewhere, on the same index.

    Returns
    -------
    DataFrame
        The rows with ``count`` and ``values`` missing where hidden, and the column ``hidden``.

    Examples
    --------
    >>> table = pd.DataFrame({"segment": list("abcd"), "customers": [50, 40, 3, 0], "margin": [5.0, 4.0, 3.0, 0.0]})
    >>> suppress(table, [], ["margin"])["customers"].tolist()
    [50.0, nan, nan, 0.0]
    """
    number = table[count].fillna(0).to_numpy(float)
    hidden = (number > 0) & (number < smallest)
    if also is not None:
        hidden |= also.reindex(table.index).fillna(False).to_numpy(bool) & (number > 0)
    groups = table.groupby(list(by), dropna=False, sort=False).indices.values() if by else [np.arange(len(table))]
    for places in groups:
        _hide_more(hidden, number, np.asarray(places), smallest)
    out = table.copy()
    for column in (count, *values):
        out[column] = out[column].astype("float64").mask(hidden)
    out[MARK] = hidden
    return out


def _hide_more(hidden: np.ndarray, number: np.ndarray, places: np.ndarray, smallest: int) -> None:
    """Hide the next larger groups of a partition, in place, until what is hidden is two groups and large enough."""
    if not hidden[places].any():
        return
    for place in sorted((p for p in places if not hidden[p] and number[p] > 0), key=lambda p: (number[p], p)):
        if hidden[places].sum() >= 2 and number[places][hidden[places]].sum() >= smallest:
            return
        hidden[place] = True


def marked(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Say ``hidden`` in the cells of hidden rows, and drop the mark.

    Examples
    --------
    >>> marked(pd.DataFrame({"customers": [12.0, None], "hidden": [False, True]}), ["customers"])["customers"].tolist()
    [12.0, 'hidden']
    """
    out = table.drop(columns=MARK)
    for column in columns:
        out[column] = out[column].astype(object).mask(table[MARK].to_numpy(bool), HIDDEN)
    return out
