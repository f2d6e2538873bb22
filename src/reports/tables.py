"""Tables for notebooks and reports: frames in, frames out."""

import pandas as pd


def score_overview(scores: pd.DataFrame) -> pd.DataFrame:
    """Describe scores by decile of risk (1 = highest).

    Parameters
    ----------
    scores : DataFrame
        ``risk_decile``, probabilities (``leave_…``, ``grow_…``) and, where known, ``revenue_at_stake``.

    Returns
    -------
    DataFrame
        One row per decile: customers, mean probabilities, summed revenue at stake, the most frequent first reason.

    Examples
    --------
    >>> scores = pd.DataFrame({"risk_decile": [1, 1, 2], "leave_90": [0.4, 0.2, 0.1], "reason_1": ["a", "a", "b"]})
    >>> score_overview(scores)
                 customers  leave_90 most_frequent_reason
    risk_decile
    1                    2       0.3                    a
    2                    1       0.1                    b
    """
    by = scores.groupby("risk_decile")
    probabilities = [c for c in scores.columns if c.startswith(("leave", "grow"))]
    table = by[probabilities].mean()
    table.insert(0, "customers", by.size())
    if "revenue_at_stake" in scores:
        table["revenue_at_stake"] = by["revenue_at_stake"].sum()
    if "reason_1" in scores:
        table["most_frequent_reason"] = by["reason_1"].agg(lambda r: r.mode().iloc[0] if r.notna().any() else "")
    return table
