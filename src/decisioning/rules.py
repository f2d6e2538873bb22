"""The rules of eligibility: each says, in words and by customer, what stands against an offer on a day.

A rule sees what was known before ``as_of``: rows dated earlier, and recorded by then where that is known.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.schemas import CONTROL
from ..errors import DataError, NotApplicable
from .exclusions import excluded_on
from .limits import Limits


@dataclass(frozen=True)
class Rule:
    """What stands against customers: ``words`` by customer_id; ``concerns`` says of which offers."""

    name: str
    words: pd.Series
    concerns: Callable[[str], bool] = lambda offer: True


def exclusion(exclusions: pd.DataFrame | None, as_of: dt.date) -> Rule:
    """Nobody on an exclusion list is offered anything."""
    if exclusions is None:
        raise NotApplicable("no exclusion list was given")
    return Rule("exclusion", excluded_on(exclusions, as_of))


def departed(accounts: pd.DataFrame | None, as_of: dt.date) -> Rule:
    """Whoever has closed the last account is no customer any more."""
    if accounts is None:
        raise NotApplicable("no accounts")
    known = accounts[accounts["opened_at"] < pd.Timestamp(as_of)]
    closed = (known["closed_at"] < pd.Timestamp(as_of)).groupby(known["customer_id"]).all()
    return Rule("departed", pd.Series("all accounts are closed", closed.index[closed], dtype=object))


def consent(customers: pd.DataFrame, limits: Limits) -> Rule:
    """Selling needs a consent that is on record: one that is missing is no consent."""
    stated = customers["marketing_consent"] if "marketing_consent" in customers else pd.Series(None, customers.index)
    words = pd.Series("marketing consent was not given", customers.index, dtype=object)
    words = words.mask(stated.isna(), "no marketing consent is on record")
    words.index = pd.Index(customers["customer_id"])
    refused = ~(stated.eq(True) & stated.notna()).to_numpy(dtype=bool)
    return Rule("consent", words[refused], lambda offer: offer not in limits.service_offers)


def open_campaign(
    treatments: pd.DataFrame | None, campaigns: pd.DataFrame | None, as_of: dt.date, limits: Limits
) -> Rule:
    """A customer whose response to a campaign is still awaited is left to it; so is its control group."""
    if treatments is None:
        raise NotApplicable("no treatments")
    today = pd.Timestamp(as_of)
    rows = treatments[treatments["assigned_at"] < today]
    days = pd.Series(float(limits.response_window_days), rows.index)
    if campaigns is not None and "response_window_days" in campaigns:
        twice = campaigns.loc[campaigns["campaign_id"].duplicated(), "campaign_id"]
        if len(twice):
            raise DataError(f"{twice.nunique()} campaigns repeat, {str(twice.iloc[0])!r} among them: each has one row")
        own = rows["campaign_id"].map(campaigns.set_index("campaign_id")["response_window_days"])
        days = own.astype(float).fillna(days)
    ends = rows["assigned_at"].dt.normalize() + pd.to_timedelta(days, unit="D")
    running = rows.assign(ends=ends)[ends > today]
    last = running.sort_values(["ends", "campaign_id"], kind="stable").drop_duplicates("customer_id", keep="last")
    words = "campaign " + last["campaign_id"].astype("str") + last["ends"].dt.strftime(" runs until %Y-%m-%d")
    return Rule("open_campaign", pd.Series(words.to_numpy(), index=last["customer_id"].to_numpy(), dtype=object))


def planned_contact(planned: pd.DataFrame | None, treatments: pd.DataFrame | None, as_of: dt.date) -> Rule:
    """Whoever is on the list of an earlier round is left to it, until that contact was made or its offer has ended."""
    if planned is None:
        raise NotApplicable("no lists of earlier rounds")
    today, key = pd.Timestamp(as_of), ["campaign_id", "customer_id"]
    rows = planned[planned["expires_at"] > today]
    if treatments is not None and "delivered_at" in treatments:
        made = pd.MultiIndex.from_frame(treatments.loc[treatments["delivered_at"] < today, key])
        rows = rows[~pd.MultiIndex.from_frame(rows[key]).isin(made)]
    last = rows.sort_values(["expires_at", "campaign_id"], kind="stable").drop_duplicates("customer_id", keep="last")
    words = last["contact_on"].dt.strftime("a contact planned for %Y-%m-%d may still be made, ")
    words = words + last["expires_at"].dt.strftime("its offer ends on %Y-%m-%d")
    return Rule("planned_contact", pd.Series(words.to_numpy(), index=last["customer_id"].to_numpy(), dtype=object))


def open_contact(contacts: pd.DataFrame | None, as_of: dt.date, limits: Limits) -> Rule:
    """Whoever waits for an answer is answered before being sold anything.

    A contact is open if it was not resolved and none was since; one of the last day is open too, as it is known only a
    day later whether it was resolved. Whether older ones were resolved may be unknown: those are not taken for open.
    """
    if contacts is None or "resolved" not in contacts:
        raise NotApplicable("no contacts" if contacts is None else "contacts do not say whether they were resolved")
    today = pd.Timestamp(as_of)
    rows = _known(contacts, "started_at", as_of)
    rows = rows[rows["started_at"] >= today - pd.Timedelta(days=limits.unresolved_days)]
    if "direction" in rows:
        rows = rows[rows["direction"].ne("outbound")]
    fresh = rows["started_at"] > today - pd.Timedelta(days=1)
    solved = rows["resolved"].eq(True) & rows["resolved"].notna() & ~fresh
    unsolved = (rows["resolved"].eq(False) & rows["resolved"].notna()) | fresh
    last_solved = rows[solved].groupby("customer_id")["started_at"].max()
    waiting = rows[unsolved].groupby("customer_id")["started_at"].max()
    waiting = waiting[~(last_solved.reindex(waiting.index) > waiting)]
    words = waiting.dt.strftime("a contact of %Y-%m-%d is not resolved").astype(object)
    return Rule("open_contact", words, lambda offer: offer not in limits.service_offers)


def contact_pressure(
    treatments: pd.DataFrame | None, contacts: pd.DataFrame | None, as_of: dt.date, limits: Limits
) -> Rule:
    """Nobody is contacted more often than the limits say, over all campaigns together."""
    counts = contacts_made(treatments, contacts, as_of)
    words = pd.Series(None, counts.index, dtype=object)
    for window, days, most in (("month", 30, limits.per_month), ("week", 7, limits.per_week)):
        over = counts[window] >= most
        words[over] = counts.loc[over, window].astype("str") + f" contacts in the last {days} days, the limit is {most}"
    return Rule("contact_pressure", words.dropna())


def contacts_made(treatments: pd.DataFrame | None, contacts: pd.DataFrame | None, as_of: dt.date) -> pd.DataFrame:
    """Count how often the bank contacted each customer in the last 7 and 30 days.

    Treatments count (but for control groups) on the day of delivery, else of assignment, and outbound contacts; an
    outbound contact on the day of a treatment is taken for the same one.

    Returns
    -------
    DataFrame
        ``week, month`` by customer_id; customers who were not contacted are absent.

    Raises
    ------
    NotApplicable
        If there are neither treatments nor contacts.
    """
    if treatments is None and contacts is None:
        raise NotApplicable("neither treatments nor contacts")
    today, days = pd.Timestamp(as_of), []
    if treatments is not None:
        rows = treatments[(treatments["assigned_at"] < today) & treatments["arm"].ne(CONTROL)]
        delivered = rows["delivered_at"] if "delivered_at" in rows else pd.Series(pd.NaT, rows.index)
        at = delivered.where(delivered < today, rows["assigned_at"]).dt.normalize()
        days.append(pd.DataFrame({"customer_id": rows["customer_id"], "at": at}))
    if contacts is not None and "direction" in contacts:
        rows = _known(contacts, "started_at", as_of)
        rows = rows[rows["direction"].eq("outbound")]
        own = pd.DataFrame({"customer_id": rows["customer_id"], "at": rows["started_at"].dt.normalize()})
        if days:
            seen = pd.MultiIndex.from_frame(days[0])
            own = own[~pd.MultiIndex.from_frame(own).isin(seen)]
        days.append(own)
    if not days:
        raise NotApplicable("no treatments, and contacts do not say who called whom")
    every = pd.concat(days, ignore_index=True)
    age = (today - every["at"]).dt.days
    counted = every.assign(week=age <= 7, month=age <= 30)[age <= 30]
    return counted.groupby("customer_id")[["week", "month"]].sum()


def arrears(loans: pd.DataFrame | None, loan_months: pd.DataFrame | None, as_of: dt.date, limits: Limits) -> Rule:
    """Nothing is sold to a customer who is behind with a loan at the last month's end that is known."""
    if loans is None or loan_months is None:
        raise NotApplicable("no loans" if loans is None else "no months of loans")
    months = _known(loan_months, "month_end", as_of).sort_values("month_end", kind="stable")
    last = months.drop_duplicates("loan_id", keep="last").merge(loans, on="loan_id")
    if "closed_at" in last:
        last = last[~(last["closed_at"] < pd.Timestamp(as_of))]
    late = last[last["days_past_due"] > limits.max_days_past_due].sort_values(["days_past_due", "loan_id"])
    late = late.drop_duplicates("customer_id", keep="last")
    words = late["days_past_due"].astype(int).astype("str") + late["month_end"].dt.strftime(
        " days past due at %Y-%m-%d"
    )
    named = pd.Series(words.to_numpy(), index=late["customer_id"].to_numpy(), dtype=object)
    return Rule("arrears", named, lambda offer: offer not in limits.service_offers)


def default_probability(customers: pd.DataFrame, probabilities: pd.DataFrame | None, limits: Limits) -> Rule:
    """Credit is offered up to a probability of default; whoever has none is refused unless the limits say otherwise.

    Where nobody has one, nobody is offered credit, then.
    """
    if not limits.credit_offers:
        raise NotApplicable("no offer is named as credit")
    if probabilities is None and limits.without_probability == "accept":
        raise NotApplicable("no probabilities of default")
    ids = pd.Index(customers["customer_id"])
    known = pd.Series(np.nan, ids)
    if probabilities is not None:
        known = probabilities.groupby("customer_id")["default_probability"].max().reindex(ids)
    words = pd.Series(None, known.index, dtype=object)
    if limits.without_probability == "refuse":
        words[known.isna()] = "no probability of default is known"
    over = known > limits.max_default_probability
    words[over] = known[over].map(
        lambda p: f"probability of default {p:.1%} is above {limits.max_default_probability:.1%}"
    )
    return Rule("default_probability", words.dropna(), lambda offer: offer in limits.credit_offers)


def _known(rows: pd.DataFrame, event: str, as_of: dt.date) -> pd.DataFrame:
    """Rows that happened before the day and had reached the bank by then."""
    today = pd.Timestamp(as_of)
    known = rows[event] < today
    if "known_at" in rows:
        known &= rows["known_at"].isna() | (rows["known_at"] <= today)
    return rows[known]
