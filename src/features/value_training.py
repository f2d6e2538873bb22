"""What the value model learns from: features, purchases counted by category, and what came after."""

from datetime import date
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import catalog
from ..errors import NotApplicable
from .feature import ATTRIBUTES, KEY
from .segment_inputs import segment_inputs

QUARTER = 91
LEAST = 500


def value_training(as_of: date, months: int = 3) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Load the cohorts that lie whole steps of ``months`` before as_of, with their labels.

    Returns
    -------
    table : DataFrame
        For :func:`afraz.models.value.customer_value.fit_value`.
    columns : dict
        Settings that say which columns are labels.

    Raises
    ------
    NotApplicable
        If no two cohorts a year apart have a finished year, or they are of fewer than ``LEAST`` customers.
    """
    found = catalog.load("value_labels").assign(as_of=lambda t: pd.to_datetime(t["as_of"]))
    over = found.loc[found["margin_12m"].notna(), ["as_of", "customer_id"]]
    if over.empty or (over["as_of"].max() - over["as_of"].min()).days < 365:
        raise NotApplicable(
            "value is learned from one cohort and measured on the next, a year later: no two as_of dates a year apart "
            "have a finished year (snapshots in params/features.yaml, or data of a longer time)"
        )
    if over["customer_id"].nunique() < LEAST:
        raise NotApplicable(f"{over['customer_id'].nunique():,} customers have a finished year, {LEAST} are needed")
    gap = (as_of.year - found["as_of"].dt.year) * 12 + as_of.month - found["as_of"].dt.month
    labels = found[gap % months == 0]
    dates = [day.date() for day in sorted(labels["as_of"].unique())]
    features = segment_inputs(dates, ["category"], predicted=False).drop(columns=list(ATTRIBUTES), errors="ignore")
    rows = features.merge(labels, on=list(KEY))
    named = [c for c in labels.columns if c not in (*KEY, "margin_6m", "margin_12m")]
    return rows, {"labels": named}


def quarterly_margin(until: date) -> NDArray[np.float64]:
    """Mean margin of a customer with bookings in each quarter of 91 days that ends by a date, oldest first."""
    rows = catalog.scan("transactions")
    if "margin" not in rows.columns:
        return np.array([])
    end = ibis.literal(until)
    rows = rows.filter(rows.booked_at < end.cast("timestamp")).mutate(back=end.delta(rows.booked_at.date(), unit="day"))
    rows = rows.mutate(quarter=((rows.back - 1) / QUARTER).floor().cast("int64"))
    summed = rows.group_by("quarter").aggregate(
        cents=(rows.margin * 100).cast("int64").sum(), customers=rows.customer_id.nunique()
    )
    found = summed.order_by(ibis.desc("quarter")).to_pandas()
    whole = found["quarter"] < found["quarter"].max()  # the oldest quarter may have begun before the data did
    return (found["cents"].astype(float) / 100 / found["customers"])[whole].to_numpy()
