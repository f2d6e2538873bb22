"""Tables for notebooks and reports: frames in, frames out."""

from collections.abc import Mapping

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


def segment_sizes(sizes: Mapping[str, Mapping[str, int]], names: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Lay the sizes of all lenses out: one row per lens and segment, with its share of the customers assigned.

    Parameters
    ----------
    sizes, names : mapping of lens to mapping of segment
        How many customers, and what the segment is called.

    Examples
    --------
    >>> segment_sizes({"value": {"high": 1, "low": 3}}, {"value": {"high": "high value", "low": "low value"}})
        lens segment        name  customers  share
    0  value    high  high value          1   0.25
    1  value     low   low value          3   0.75
    """
    rows = []
    for lens, of in sizes.items():
        everybody = max(sum(of.values()), 1)
        rows += [(lens, segment, names[lens][segment], n, n / everybody) for segment, n in of.items()]
    return pd.DataFrame(rows, columns=["lens", "segment", "name", "customers", "share"])


def by_grade(rated: pd.DataFrame, money: str) -> pd.DataFrame:
    """Describe rated loans by grade.

    Parameters
    ----------
    rated : DataFrame
        ``grade, default_probability, loss_given_default, expected_loss`` and the column ``money``.

    Returns
    -------
    DataFrame
        One row per grade: loans, money, mean probability and loss given default, expected loss and its share of money.

    Examples
    --------
    >>> rated = pd.DataFrame({"grade": ["G1", "G1"], "default_probability": [0.01, 0.03], "amount": [100.0, 300.0],
    ...                       "loss_given_default": [0.5, 0.5], "expected_loss": [0.5, 4.5]})
    >>> by_grade(rated, "amount").loc["G1"].tolist()
    [2.0, 400.0, 0.02, 0.5, 5.0, 0.0125]
    """
    by = rated.groupby("grade")
    table = pd.DataFrame({"loans": by.size(), money: by[money].sum()})
    table = table.join(by[["default_probability", "loss_given_default"]].mean())
    table["expected_loss"] = by["expected_loss"].sum()
    return table.assign(expected_loss_share=table["expected_loss"] / table[money])


def rates_matrix(rolls: pd.DataFrame) -> pd.DataFrame:
    """Spread roll rates out: one row per bucket at a month's end, one column per bucket at the next.

    Parameters
    ----------
    rolls : DataFrame
        ``from_bucket, to_bucket, transitions, share`` (:func:`afraz.models.credit.follow_up.roll_rates`).

    Examples
    --------
    >>> rolls = pd.DataFrame({"from_bucket": ["0", "0"], "to_bucket": ["0", "1-29"], "transitions": [9, 1],
    ...                       "share": [0.9, 0.1]})
    >>> rates_matrix(rolls).loc["0"].tolist()
    [10.0, 0.9, 0.1]
    """
    order = list(dict.fromkeys(rolls["to_bucket"]))
    matrix = rolls.pivot_table("share", "from_bucket", "to_bucket", sort=False, dropna=False)[order]
    matrix.insert(0, "loans", rolls.groupby("from_bucket", sort=False)["transitions"].sum())
    return matrix
