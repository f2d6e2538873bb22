"""Keep the identities of segments over refits: a new segment takes the id of the old one that it overlaps most."""

import pandas as pd


def matched_ids(old: pd.Series, new: pd.Series, lens: str) -> dict[str, str]:
    """Match the segments of a refit to the old ones by the customers whom they share.

    Parameters
    ----------
    old, new : Series
        Segment of the same customers by the old and the new model (index: customer).
    lens : str
        New segments without a partner are called ``<lens>_<number>``, with numbers not used before.

    Returns
    -------
    dict
        New segment → id. The assignment shares as many customers as possible (Kuhn 1955).

    Examples
    --------
    >>> old = pd.Series(["a_1", "a_1", "a_2", "a_2"])
    >>> matched_ids(old, pd.Series(["x", "x", "y", "z"]), "a")
    {'x': 'a_1', 'y': 'a_2', 'z': 'a_3'}
    """
    from scipy.optimize import linear_sum_assignment

    both = pd.DataFrame({"old": old, "new": new}).dropna()
    table = both.groupby(["new", "old"]).size().unstack(fill_value=0)
    rows, columns = linear_sum_assignment(-table.to_numpy())
    ids = {str(table.index[r]): str(table.columns[c]) for r, c in zip(rows, columns, strict=True) if table.iloc[r, c]}
    taken = [int(i.rsplit("_", 1)[-1]) for i in old.dropna().unique() if i.rsplit("_", 1)[-1].isdigit()]
    number = max(taken, default=0)
    for segment in sorted(new.dropna().unique()):
        if str(segment) not in ids:
            number += 1
            ids[str(segment)] = f"{lens}_{number}"
    return {segment: ids[segment] for segment in sorted(ids)}
