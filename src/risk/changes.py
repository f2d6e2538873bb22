"""What changed in the expected loss between two dates, and why: came, went, exposure, probability, severity."""

import itertools

import numpy as np
import pandas as pd

from .positions import expected_loss

PARTS = ("exposure", "probability", "severity")
EFFECTS = ("came", "went", *PARTS)


def changes(before: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Decompose the change of a unit's expected loss, position by position.

    Of positions that are there at both dates each of the three numbers gets its Shapley value: the mean of what it
    changes over all orders in which the three could change (Sun 1998, *Accounting for the dynamics of rural poverty*;
    Ang 2004, Energy Policy 32:1131-1139). The effects add up to the change.

    Parameters
    ----------
    before, now : DataFrame
        Positions of one unit; ``position`` is unique in each.

    Returns
    -------
    Series
        ``before, came, went, exposure, probability, severity, now``: currency.

    Examples
    --------
    >>> from .positions import positions
    >>> told = {"horizon": 365, "currency": "EUR", "as_of": "2026-07-01", "method": "stated", "severity": 0.5}
    >>> before = positions("credit", ["a", "b"], exposure=[100.0, 40.0], probability=[0.1, 0.1], **told)
    >>> now = positions("credit", ["a", "c"], exposure=[100.0, 60.0], probability=[0.2, 0.1], **told)
    >>> changes(before, now).tolist()
    [7.0, 3.0, -2.0, 0.0, 5.0, 0.0, 13.0]
    """
    old, new = (rows.set_index("position")[list(PARTS)].astype(float) for rows in (before, now))
    same = old.index.intersection(new.index)
    steps = np.zeros(3)
    a, b = old.loc[same].to_numpy(), new.loc[same].to_numpy()
    for order in itertools.permutations(range(3)):
        state = a.copy()
        for part in order:
            held = state.prod(axis=1).sum()
            state[:, part] = b[:, part]
            steps[part] += (state.prod(axis=1).sum() - held) / 6
    came = new.drop(index=same).prod(axis=1).sum()
    went = old.drop(index=same).prod(axis=1).sum()
    start, end = float(expected_loss(before).sum()), float(expected_loss(now).sum())
    return pd.Series([start, came, -went, *steps, end], index=["before", *EFFECTS, "now"], dtype=float)
