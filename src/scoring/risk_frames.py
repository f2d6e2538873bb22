"""What units of risk read: scores of the day, and what of the canonical tables was known by then."""

import datetime as dt
from collections.abc import Callable

import ibis
import pandas as pd

from .. import catalog
from ..errors import DataError, NotApplicable
from ..features.inputs import seen_by
from .sinks import read_scores

YEAR = 365
SCORES = {
    "credit_book": "score_credit_metrics", "churn_scores": "score_metrics", "value_scores": "score_value_metrics",
}  # fmt: skip


def frame_at(name: str, as_of: dt.date) -> pd.DataFrame:
    """Give the frame that a unit asks for by name: scores, a frame of :data:`FRAMES`, or a dataset of the catalog.

    Raises
    ------
    NotApplicable
        If the source has nothing of the kind; the reason is that of the stage that would have made it.
    DataError
        If it is not there for this date.
    """
    if name in SCORES:
        return _scores(name, as_of)
    if name in FRAMES:
        return FRAMES[name](as_of)
    if not catalog.path(name, as_of=as_of).exists():
        raise NotApplicable(f"there is no table of {name} in this source")
    found: pd.DataFrame = catalog.load(name, as_of=as_of)
    return found


def _scores(name: str, as_of: dt.date) -> pd.DataFrame:
    metrics = SCORES[name]
    if catalog.path(metrics).exists():
        reason = catalog.reason_not_applicable(metrics)
        if reason is not None:
            raise NotApplicable(f"no {name.replace('_', ' ')}: {reason}")
    scores, _ = read_scores(catalog.path(name, as_of=as_of))
    if "loan_id" not in scores:
        return scores
    return scores.sort_values("loan_id", ignore_index=True)


def balances(as_of: dt.date) -> pd.DataFrame:
    """Estimated balance of every customer, as the features of that date have it.

    Returns
    -------
    DataFrame
        ``customer_id, balance``.
    """
    table = catalog.scan("customer_features")
    if "balance_estimate" not in table.columns:
        raise NotApplicable("balances are not estimated: the family value is not among the features")
    found = table.filter(table.as_of == as_of).select("customer_id", balance=table.balance_estimate).to_pandas()
    if found.empty:
        raise DataError(f"no features at {as_of}: the features stage has not built that date")
    return found.fillna({"balance": 0.0}).sort_values("customer_id", ignore_index=True)


def contacts_by_topic(as_of: dt.date) -> pd.DataFrame:
    """Contacts of the year before a date that had come in by then, by topic.

    Returns
    -------
    DataFrame
        ``topic, contacts, unresolved, days``; contacts whose outcome is unknown are left out.
    """
    if not catalog.path("contacts").exists():
        raise NotApplicable("there is no table of contacts in this source")
    table = catalog.scan("contacts")
    start = ibis.literal(as_of - dt.timedelta(days=YEAR)).cast("timestamp")
    seen = table.filter((table.started_at >= start) & seen_by(table, "started_at", as_of))
    seen = seen.filter(seen.resolved.notnull(), seen.direction == "inbound")
    topic = ibis.coalesce(seen.topic, "other") if "topic" in seen.columns else ibis.literal("all")
    by = seen.group_by(topic=topic).aggregate(contacts=seen.count(), unresolved=(~seen.resolved).sum())
    found = by.order_by("topic").to_pandas().assign(days=YEAR)
    return found.astype({"contacts": float, "unresolved": float})


FRAMES: dict[str, Callable[[dt.date], pd.DataFrame]] = {"balances": balances, "contacts_by_topic": contacts_by_topic}
