"""What is watched of each model: whose rows, which score, and when outcomes come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..features.snapshots import snapshot_dates

ID = "customer_id"
BLOCK_ROWS = 2_000_000  # rows of features held at once
DORMANT = "dormant: nothing was learned of such customers"


@dataclass(frozen=True)
class Subject:
    """A watched model.

    Attributes
    ----------
    rows : str
        ``customers`` (at a date) or ``applications`` (of the month before a date).
    scores, key : str
        Dataset of its scores, and the column that names a row of it.
    measure : str
        ``probability``, ``amount``, or empty for a model without an outcome of its own.
    promised : tuple of str
        Where its metrics state how well it ranks.
    bound : str
        Bound of the registry on that.
    at_risk : bool
        Whether dormant customers are left out.
    wait : DateOffset
        Until the outcome of a row is known.
    note : str
        What cannot be watched, and why.
    """

    rows: str
    scores: str
    key: str
    measure: str = ""
    promised: tuple[str, ...] = ()
    bound: str = ""
    at_risk: bool = False
    wait: pd.DateOffset = field(default_factory=pd.DateOffset)
    note: str = ""


SUBJECTS: dict[str, Subject] = {
    "churn": Subject("customers", "churn_scores", ID, "probability", ("test", "roc_auc"), "roc_auc_low", at_risk=True,
                     wait=pd.DateOffset(days=90)),
    "credit": Subject("applications", "credit_scores", "loan_id", "probability", ("test", "roc_auc"), "roc_auc_low",
                      wait=pd.DateOffset(months=13),
                      note="a month is the applications of the month before; outcomes are those of granted loans"),
    "segmentation": Subject("customers", "segmentation_scores", ID,
                            note="segments have no outcome: their shares and moves are watched instead; of its inputs "
                                 "those that are features, not the single items"),
    "value": Subject("customers", "value_scores", ID, "amount", ("test", "margin_12m", "rank_correlation"),
                     "rank_correlation_low", wait=pd.DateOffset(months=12),
                     note="an amount cannot be estimated before it comes as a probability can"),
    "promotion": Subject("customers", "promotion_scores", ID,
                         note="what an offer changes is measured against control groups by the stage feedback; "
                              "campaigns change the inputs that count them, so only features of customers are watched"),
}  # fmt: skip


def months_until(as_of: date, months: int) -> list[pd.Timestamp]:
    """The monthly dates, the last ``as_of``, that the features stage built.

    Raises
    ------
    NotApplicable
        If it built none of them.
    """
    wanted = [pd.Timestamp(day) for day in snapshot_dates(as_of, months)]
    built = pd.to_datetime(catalog.scan("customer_features").select("as_of").distinct().to_pandas()["as_of"])
    found = [month for month in wanted if month in set(built)]
    if not found:
        raise NotApplicable(f"the features stage built none of the {months} months until {as_of}: nothing to watch")
    return found


def customer_months(months: Sequence[pd.Timestamp]) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    """Give features of every customer month by month, with ``at_risk``; read in blocks that fit into memory."""
    sizes = catalog.scan("customer_features").group_by("as_of").aggregate(rows=lambda t: t.count()).to_pandas()
    rows = dict(zip(pd.to_datetime(sizes["as_of"]), sizes["rows"].astype(int), strict=True))
    at_risk = catalog.scan("churn_labels").filter(lambda t: t.at_risk).select(ID, "as_of").to_pandas()
    of_month = {month: set(part[ID]) for month, part in at_risk.groupby(pd.to_datetime(at_risk["as_of"]))}
    blocks = list(_blocks(months, rows))
    for block in blocks:
        frame = catalog.load("customer_features") if sum(rows.values()) <= BLOCK_ROWS else _inside(block)
        when = pd.to_datetime(frame["as_of"])
        for month in block:
            part = frame[when == month].sort_values(ID, ignore_index=True)
            yield month, part.assign(as_of=month, at_risk=part[ID].isin(of_month.get(month, set())))


def _inside(block: Sequence[pd.Timestamp]) -> pd.DataFrame:
    features = catalog.scan("customer_features")
    frame: pd.DataFrame = features.filter(features.as_of.isin([month.date() for month in block])).to_pandas()
    return frame


def _blocks(months: Sequence[pd.Timestamp], rows: dict[pd.Timestamp, int]) -> Iterator[list[pd.Timestamp]]:
    block: list[pd.Timestamp] = []
    for month in months:
        if block and sum(rows.get(m, 0) for m in [*block, month]) > BLOCK_ROWS:
            yield block
            block = []
        block.append(month)
    if block:
        yield block


def application_months(months: Sequence[pd.Timestamp]) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    """Give the applications of the month before each date, as known when they were made.

    Raises
    ------
    NotApplicable
        If the source has no applications.
    """
    if not catalog.path("application_features").exists():
        raise NotApplicable("there are no applications for loans in this source")
    rows = catalog.load("application_features").sort_values("loan_id", ignore_index=True)
    when = pd.to_datetime(rows["as_of"])
    for month in months:
        inside = (when < month) & (when >= month - pd.DateOffset(months=1))
        yield month, rows[inside].reset_index(drop=True)


def not_to_score(subject: Subject, rows: pd.DataFrame) -> pd.Series:
    """Say of every row why it is not to be scored; missing where it is."""
    reasons = pd.Series(np.full(len(rows), None, dtype=object), index=rows.index)
    if subject.at_risk and "at_risk" in rows:
        reasons[~rows["at_risk"]] = DORMANT
    return reasons
