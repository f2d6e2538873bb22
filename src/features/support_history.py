"""What the support period is learned from: contacts, customers at dates, trials of calls, and what came after."""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..models.support.inputs import SupportInputs
from .inputs import seen_by
from .labels import departures

NEEDED = ("contacts_90d", "unresolved_90d", "unresolved_365d", "mean_duration_365d", "digital_share_90d",
          "last_price_sensitivity", "tenure_days", "product_breadth")  # fmt: skip
STRATA = ("phase", "tenure_band", "breadth_band")


def support_history(
    as_of: date, features: Sequence[str], *, cohorts: int = 5, months: int = 3, proactive_offer: str = ""
) -> SupportInputs:
    """Load the support period as it was known at a date.

    Parameters
    ----------
    as_of : date
        The date of which is spoken; nothing that came or became known later counts.
    features : sequence of str
        Columns of the feature table that forecasts may look at; absent ones are left out.
    cohorts, months : int
        So many earlier dates, so many months apart, are learned from.
    proactive_offer : str
        Offer of the campaigns in which customers were called before they called; of these, only those count whose
        propensity is the same for everybody.

    Returns
    -------
    SupportInputs

    Raises
    ------
    NotApplicable
        If the source has no contacts, or none before the date.
    """
    if not catalog.path("contacts").exists():
        raise NotApplicable("this source has no table of contacts: there is no support period to look at")
    rows = catalog.scan("contacts")
    contacts = rows.filter(seen_by(rows, "started_at", as_of)).order_by("started_at", "contact_id").to_pandas()
    if contacts.empty:
        raise NotApplicable(f"no contact was known before {as_of}")
    customers = catalog.load("customers")
    cuts = [c for c in ("branch_id", "region_id") if c in customers]
    return SupportInputs(
        contacts=contacts, customers=_at_dates(as_of, features, cohorts, months),
        start=contacts["started_at"].min().normalize(), until=pd.Timestamp(as_of),
        joined=pd.to_datetime(customers.set_index("customer_id")["joined_at"]), left=_left(),
        places=customers[["customer_id", *cuts]], assigned=_assigned(as_of, proactive_offer),
        outcomes=_outcomes(as_of), strata=STRATA,
    )  # fmt: skip


def _at_dates(as_of: date, features: Sequence[str], cohorts: int, months: int) -> pd.DataFrame:
    dates = [(pd.Timestamp(as_of) - pd.DateOffset(months=months * k)).date() for k in range(cohorts + 1)]
    table = catalog.scan("customer_features")
    wanted = [c for c in dict.fromkeys([*NEEDED, *features]) if c in table.columns]
    rows = table.filter(table.as_of.isin(dates)).select("customer_id", "as_of", *wanted).to_pandas()
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    if not (rows["as_of"] == pd.Timestamp(as_of)).any():
        raise NotApplicable(f"the features stage built no row at {as_of}: run it for that date")
    labels = catalog.scan("churn_labels").select("customer_id", "as_of", "phase").to_pandas()
    labels["as_of"] = pd.to_datetime(labels["as_of"])
    rows = rows.merge(labels, on=["customer_id", "as_of"], how="left", validate="one_to_one")
    if "tenure_days" in rows:
        rows["tenure_band"] = np.digitize(rows["tenure_days"], [365, 1_095, 3_650])
    if "product_breadth" in rows:
        rows["breadth_band"] = np.digitize(rows["product_breadth"], [2, 3, 4])
    bands = {c: -1 for c in STRATA if c not in rows}
    return rows.assign(**bands).sort_values(["as_of", "customer_id"], ignore_index=True)


def _left() -> pd.Series:
    """Moment at which each customer's last account was closed; whoever opened another later is still there."""
    if not catalog.path("accounts").exists():
        return pd.Series(dtype="datetime64[us]")
    accounts = catalog.scan("accounts")
    left = departures({"accounts": accounts}).group_by("customer_id").aggregate(left_at=lambda t: t.left_at.max())
    opened = accounts.group_by("customer_id").aggregate(opened_at=lambda t: t.opened_at.max())
    both = left.join(opened, "customer_id").to_pandas()
    return both.loc[both["opened_at"] <= both["left_at"]].set_index("customer_id")["left_at"]


def _assigned(as_of: date, offer: str) -> pd.DataFrame:
    columns = ["customer_id", "assigned_at", "arm"]
    if not (catalog.path("campaigns").exists() and catalog.path("treatments").exists()):
        return pd.DataFrame(columns=columns)
    campaigns, rows = catalog.scan("campaigns"), catalog.scan("treatments")
    rows = rows.semi_join(campaigns.filter(campaigns.offer == offer), "campaign_id")
    rows = rows.filter(rows.assigned_at < ibis.literal(as_of).cast("timestamp"))
    found = rows.order_by("campaign_id", "customer_id").to_pandas()
    if "propensity" in found and len(found):
        # the propensity is that of the customer's own arm: drawn alike, an arm has one
        by_arm = found.groupby(["campaign_id", "arm"])["propensity"]
        aimed = by_arm.transform("max") - by_arm.transform("min") > 1e-9
        found = found[~aimed.groupby(found["campaign_id"]).transform("any")]
    return found[columns].reset_index(drop=True)


def _outcomes(as_of: date) -> pd.DataFrame:
    churn = catalog.load("churn_labels")
    longest = max((c for c in churn.columns if c.startswith("leaves_") and c[7:].isdigit()), key=lambda c: int(c[7:]))
    churn = churn.loc[churn["at_risk"], ["customer_id", "as_of", longest]].rename(columns={longest: "leaves"})
    value = catalog.load("value_labels").rename(columns={"margin_12m": "margin"})[["customer_id", "as_of", "margin"]]
    both = churn.merge(value, on=["customer_id", "as_of"], how="outer")
    both["as_of"] = pd.to_datetime(both["as_of"])
    for name, days in (("leaves", int(longest[7:])), ("margin", 365)):
        both[name] = both[name].astype(float).where(both["as_of"] + timedelta(days=days) <= pd.Timestamp(as_of))
    return both
