"""What happened in the campaigns of a week: counts for those who run them. Nothing here is an effect."""

import pandas as pd

from ...data.schemas import CONTROL

STEPS = ("assigned", "delivered", "reached", "responded")
REST = "smaller ones together"


def running(facts: pd.DataFrame, as_of: pd.Timestamp, days: int = 7) -> tuple[list[str], bool]:
    """Name the campaigns that had an open response window in the ``days`` before ``as_of``.

    Returns
    -------
    list of str
        Campaigns; the latest one where none was running.
    bool
        Whether they were running.

    Examples
    --------
    >>> facts = pd.DataFrame({"campaign_id": ["P1", "P2"], "starts_at": pd.to_datetime(["2026-01-01", "2026-05-01"]),
    ...                       "last_assigned": pd.NaT, "window_days": 30})
    >>> running(facts, pd.Timestamp("2026-05-10")), running(facts, pd.Timestamp("2026-08-01"))
    ((['P2'], True), (['P2'], False))
    """
    started = facts[facts["starts_at"] < as_of]
    last = started["last_assigned"].fillna(started["starts_at"])
    ends = last + pd.to_timedelta(started["window_days"], unit="D")
    current = started[ends > as_of - pd.Timedelta(days=days)]
    if len(current):
        return current["campaign_id"].tolist(), True
    return started.loc[started["starts_at"] == started["starts_at"].max(), "campaign_id"].tolist(), False


def counts(treatments: pd.DataFrame, by: list[str], as_of: pd.Timestamp, days: int = 7) -> pd.DataFrame:
    """Count customers who were assigned an offer, delivered, reached and responded: so far, and in the last ``days``.

    Parameters
    ----------
    treatments : DataFrame
        The canonical table, with the columns ``by``; rows without one of them don't count.

    Returns
    -------
    DataFrame
        One row per value of ``by``: ``control``, and each step twice, ``<step>`` and ``<step>_week``. Responses are
        those of customers with an offer.

    Examples
    --------
    >>> day = pd.Timestamp("2026-05-01")
    >>> treatments = pd.DataFrame({"channel": "sms", "arm": ["card", "card", "control"], "assigned_at": day,
    ...                            "delivered_at": [day, None, None], "reached_at": pd.NaT, "responded_at": pd.NaT})
    >>> counts(treatments, ["channel"], pd.Timestamp("2026-05-20"))[["control", "assigned", "assigned_week"]]
       control  assigned  assigned_week
    0        1         2              0
    """
    since = as_of - pd.Timedelta(days=days)
    offered = (treatments["arm"] != CONTROL) & treatments["arm"].notna()
    each = treatments[by].assign(control=treatments["arm"] == CONTROL)
    for step in STEPS:
        when = treatments[f"{step}_at"]
        each[step] = offered & (when < as_of)
        each[f"{step}_week"] = each[step] & (when >= since)
    return each.groupby(by, sort=True).sum().astype(int).reset_index()


def fold_small(table: pd.DataFrame, by: str, smallest: int) -> pd.DataFrame:
    """Put the parts with fewer than ``smallest`` assigned into one row, so that no small cell is shown by itself.

    A rest that is still too small takes the smallest of the other parts in.

    Examples
    --------
    >>> table = pd.DataFrame({"branch": ["B1", "B2", "B3"], "assigned": [90, 3, 30], "responded": [7, 1, 2]})
    >>> fold_small(table, "branch", 20).to_numpy().tolist()
    [['B1', 90, 7], ['smaller ones together', 33, 3]]
    """
    small = table["assigned"] < smallest
    while small.any() and not small.all() and table.loc[small, "assigned"].sum() < smallest:
        small |= table.index == table.loc[~small, "assigned"].idxmin()
    if not small.any():
        return table
    rest = table[small].drop(columns=by).sum().to_frame().T.assign(**{by: REST})
    return pd.concat([table[~small], rest[table.columns]], ignore_index=True)
