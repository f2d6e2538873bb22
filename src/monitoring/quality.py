"""Rows that ingest refused, by table, rule and month: is this month's share unusual?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from ..data.quality import is_fault
from ..data.schemas import TABLES
from ..models.holm import holm

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNTED = ("as_of", "table", "rule", "rejected", "accepted")
WINDOW, LEAST = 12, 3


def refused_by_month(
    accepted: Mapping[str, "ir.Table"], rejects: Mapping[str, "ir.Table"], since: pd.Timestamp, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count refused and accepted rows by the month of their own date.

    Parameters
    ----------
    accepted, rejects : mapping of table name to Ibis table
        As ingest wrote them; values of rejects are text, as they arrived.

    Returns
    -------
    by_month : DataFrame
        ``as_of`` (the first of the month after the rows' own), ``table, rule, rejected, accepted``; a row for every
        month of a table with accepted rows and every rule that the table ever broke, ``since`` to ``as_of``.
    undated : DataFrame
        ``table, rule, rejected`` of rows without a readable date up to ``as_of``: they belong to no month.
    """
    dated, without = [], []
    for name, refused in rejects.items():
        time = TABLES[name].event_time if name in TABLES else None
        if time is None or name not in accepted or time not in refused.columns:
            continue
        found = _counted(refused, time, ["rule"]).rename(columns={"rows": "rejected"})
        found = found[found["rule"].map(is_fault)]
        inside = found["month"].notna() & (found["month"] <= as_of)
        without.append(found[~inside].groupby("rule", as_index=False)["rejected"].sum().assign(table=name))
        whole = _counted(accepted[name], time, []).rename(columns={"rows": "accepted"})
        whole = whole[(whole["month"] >= since) & (whole["month"] <= as_of)]
        rules = pd.DataFrame({"rule": sorted(found["rule"].unique())})
        part = whole.merge(rules, how="cross").merge(found[inside], on=["month", "rule"], how="left")
        dated.append(part.fillna({"rejected": 0}).assign(table=name))
    by_month = pd.concat(dated, ignore_index=True) if dated else pd.DataFrame(columns=["month", *COUNTED[1:]])
    by_month = by_month.rename(columns={"month": "as_of"}).astype({"rejected": "int64", "accepted": "int64"})
    undated = pd.concat(without, ignore_index=True) if without else pd.DataFrame(columns=["rule", "rejected", "table"])
    order = ["as_of", "table", "rule"]
    return by_month[list(COUNTED)].sort_values(order, ignore_index=True), undated[["table", "rule", "rejected"]]


def _counted(table: "ir.Table", time: str, by: list[str]) -> pd.DataFrame:
    """Rows by the first of the month after their date."""
    import ibis

    when = table[time].try_cast("timestamp")
    month = ibis.ifelse(when.isnull(), ibis.null("date"), when.truncate("M").date() + ibis.interval(months=1))
    found = table.mutate(month=month).group_by(["month", *by]).aggregate(rows=lambda t: t.count()).to_pandas()
    return found.assign(month=pd.to_datetime(found["month"]))


def unusual_shares(counted: pd.DataFrame, *, level: float = 1e-3, least_share: float = 0.005) -> pd.DataFrame:
    """Tell months in which a rule refused more than it usually does.

    A share is held against that of the year before it (at least three months), exactly given all refused rows, these
    counted less where shares varied by more than chance; Holm's method over all rules of a month.

    Parameters
    ----------
    counted : DataFrame
        :func:`refused_by_month`.
    level : float
        Adjusted p below which a month is unusual.
    least_share : float
        A rise of fewer rows than this share is never an alarm.

    Returns
    -------
    DataFrame
        As given, with ``share, usual, p_adjusted, alarm``.

    Examples
    --------
    >>> months = pd.date_range("2026-01-01", periods=6, freq="MS")
    >>> counted = pd.DataFrame({"as_of": months, "table": "contacts", "rule": "key_repeated",
    ...                         "rejected": [10, 12, 9, 11, 10, 60], "accepted": 1000})
    >>> unusual_shares(counted)["alarm"].tolist()
    [False, False, False, False, False, True]
    """
    parts = [_against_before(part) for _, part in counted.groupby(["table", "rule"], sort=True)]
    if not parts:
        return counted.assign(share=np.nan, usual=np.nan, p_adjusted=np.nan, alarm=False)
    found = pd.concat(parts, ignore_index=True).sort_values(["as_of", "table", "rule"], ignore_index=True)
    asked = found[found["p"].notna()]
    found["p_adjusted"] = asked.groupby("as_of")["p"].transform(lambda p: holm(p.to_numpy(float)))
    more = found["share"] - found["usual"] >= least_share
    return found.assign(alarm=(found["p_adjusted"] < level) & more).drop(columns="p")


def _against_before(part: pd.DataFrame) -> pd.DataFrame:
    part = part.sort_values("as_of")
    bad, whole = part["rejected"].to_numpy(float), (part["rejected"] + part["accepted"]).to_numpy(float)
    share = np.divide(bad, whole, out=np.full(len(part), np.nan), where=whole > 0)
    usual, p = np.full(len(part), np.nan), np.full(len(part), np.nan)
    for i in range(LEAST, len(part)):
        seen = slice(max(0, i - WINDOW), i)
        n = whole[seen].sum()
        if not n or not whole[i]:
            continue
        usual[i] = bad[seen].sum() / n
        kept = whole[seen] > 0
        chance = max(usual[i], 1 / n) / whole[seen][kept]
        excess = max(1.0, float(((share[seen][kept] - usual[i]) ** 2 / chance).sum()) / max(int(kept.sum()) - 1, 1))
        # two Poisson rates: given all refused rows, how many fall into this month is binomial
        now, all_ = np.ceil(bad[i] / excess), np.ceil((bad[i] + bad[seen].sum()) / excess)
        p[i] = 1.0 if now == 0 else float(bdtrc(now - 1, int(all_), whole[i] / (whole[i] + n)))
    return part.assign(share=share, usual=usual, p=p)
