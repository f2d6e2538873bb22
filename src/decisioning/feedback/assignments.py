"""Who was assigned what: rows of ``treatments`` that an effect can be taken from, and what each campaign looks like.

Rows that can't be used are kept with the rule that they broke. Nothing here looks at who responded, except to refuse
responses that came before the assignment.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...data.schemas import CONTROL
from ...errors import DataError

NEEDED = {
    "treatments": ("campaign_id", "customer_id", "assigned_at", "arm", "propensity", "delivered_at", "reached_at",
                   "responded_at", "response_value"),
    "campaigns": ("campaign_id", "name", "offer", "channel", "starts_at", "ends_at", "contact_cost", "offer_cost",
                  "response_window_days"),
}  # fmt: skip
BY_LOT, STATED, OBSERVED = "by lot", "stated propensities", "observational"
EVEN = 1e-6  # propensities that differ by less are the same lot
MISMATCH = 4.0  # standard errors between the share assigned and what the propensities say


def need(frame: pd.DataFrame, table: str) -> None:
    """Refuse a table without the columns that it must have."""
    lacking = [c for c in NEEDED[table] if c not in frame.columns]
    if lacking:
        raise DataError(f"{table}: expected columns {', '.join(NEEDED[table])}, missing {', '.join(lacking)}")


def screened(treatments: pd.DataFrame, campaigns: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows that an effect can be taken from from those that it can't.

    Parameters
    ----------
    treatments, campaigns : DataFrame
        The canonical tables; further columns (``agent_id``, say) are kept.

    Returns
    -------
    rows : DataFrame
        The usable rows, with ``treated`` (assigned anything but control), ``weight`` (1 / propensity) and ``value``
        (the response value as a number, 0 where none is stated).
    rejects : DataFrame
        The others, with ``rule``: the first that the row breaks.

    Examples
    --------
    >>> day, never = pd.Timestamp("2026-01-31"), pd.NaT
    >>> treatments = pd.DataFrame({
    ...     "campaign_id": "P1", "customer_id": ["a", "b", "c"], "assigned_at": day, "arm": ["control", "card", "card"],
    ...     "propensity": [0.5, 1.0, 0.5], "delivered_at": never, "reached_at": never,
    ...     "responded_at": [never, never, pd.Timestamp("2026-01-30")], "response_value": None})
    >>> campaigns = pd.DataFrame({name: ["P1"] for name in NEEDED["campaigns"]})
    >>> rows, rejects = screened(treatments, campaigns)
    >>> rows["customer_id"].tolist(), rejects[["customer_id", "rule"]].to_numpy().tolist()
    (['a'], [['b', 'propensity_zero_or_one'], ['c', 'responded_before_assigned']])
    """
    need(treatments, "treatments")
    need(campaigns, "campaigns")
    chance = pd.to_numeric(treatments["propensity"]).to_numpy(float, na_value=np.nan)
    responded, assigned = treatments["responded_at"], treatments["assigned_at"]
    # a date without time of the day of assignment is not before it
    whole_day = (responded == responded.dt.normalize()) & (responded.dt.normalize() == assigned.dt.normalize())
    rules = {
        "campaign_unknown": ~treatments["campaign_id"].isin(campaigns["campaign_id"]),
        "key_repeated": treatments.duplicated(["campaign_id", "customer_id"]),
        "assigned_at_missing": assigned.isna(),
        "arm_missing": treatments["arm"].isna(),
        "responded_before_assigned": (responded < assigned) & ~whole_day,
        "propensity_missing": np.isnan(chance),
        "propensity_zero_or_one": (chance <= 0) | (chance >= 1),
    }
    rule = np.select([np.asarray(broken, bool) for broken in rules.values()], list(rules), "")
    rejects = treatments[rule != ""].assign(rule=rule[rule != ""])
    sound = rule == ""
    rows = treatments[sound].assign(
        treated=(treatments["arm"] != CONTROL)[sound],
        weight=1 / chance[sound],
        value=pd.to_numeric(treatments["response_value"][sound]).fillna(0).astype(float),
    )
    if len(rows) + len(rejects) != len(treatments):
        raise AssertionError(f"{len(treatments)} rows read, {len(rows)} accepted and {len(rejects)} rejected")
    return rows.reset_index(drop=True), rejects.reset_index(drop=True)


def campaign_facts(
    rows: pd.DataFrame, rejects: pd.DataFrame, campaigns: pd.DataFrame, as_of: pd.Timestamp, window_days: int = 30
) -> pd.DataFrame:
    """Describe each campaign: who was assigned, what can be estimated and what can't, and why.

    Parameters
    ----------
    rows, rejects : of :func:`screened`
    as_of : Timestamp
        The first moment that the data don't cover.
    window_days : int
        Response window of campaigns that state none.

    Returns
    -------
    DataFrame
        One row per campaign: ``campaign_id, name, offer, channel, starts_at, window_days, contact_cost, offer_cost,
        read, refused, without_propensity, assigned, control, delivered, reached, responded, control_delivered``,
        ``unrecorded`` (no delivery is on record, in either arm), ``basis`` (by lot; stated propensities: they differ
        from customer to customer), ``share_expected`` and ``mismatch`` (standard errors between the share assigned an
        offer and what the propensities say; campaigns of one offer), ``last_assigned``, ``over`` (every window has
        ended), ``no_estimate`` (why there is none; missing: there is one) and ``remarks``.
    """
    facts = campaigns[[*NEEDED["campaigns"]]].copy()
    window = pd.to_numeric(facts.pop("response_window_days")).astype(float)
    facts["window_days"] = window.where(window > 0).fillna(window_days).round().astype(int)
    for cost in ("contact_cost", "offer_cost"):
        facts[cost] = pd.to_numeric(facts[cost]).astype(float)
    facts = facts.merge(_counted(rows, rejects), left_on="campaign_id", right_index=True, how="left")
    counts = ["read", "refused", "without_propensity", "assigned", "control", "delivered", "reached",
              "responded", "control_delivered", "arms"]  # fmt: skip
    facts[counts] = facts[counts].fillna(0).astype(int)
    facts["unrecorded"] = facts["delivered"] + facts["control_delivered"] == 0
    days = pd.to_timedelta(facts["window_days"], unit="D")
    ends = facts.pop("ends_at")
    facts["over"] = (facts["last_assigned"] + days <= as_of) & ~(ends > as_of)
    facts["no_estimate"] = [_no_estimate(f) for f in facts.to_dict("records")]
    facts["remarks"] = ["; ".join(_remarks(f)) for f in facts.to_dict("records")]
    return facts.drop(columns="arms").sort_values(["starts_at", "campaign_id"], ignore_index=True)


def _counted(rows: pd.DataFrame, rejects: pd.DataFrame) -> pd.DataFrame:
    """Count the rows of each campaign, and hold the shares assigned against the propensities."""
    treated = rows["treated"]
    probability = np.where(treated, 1 / rows["weight"], 1 - 1 / rows["weight"])  # of an offer, where there is one
    rows = rows.assign(
        probability=probability, noise=probability * (1 - probability),
        assigned=treated, control=~treated, delivered=treated & rows["delivered_at"].notna(),
        reached=treated & rows["reached_at"].notna(), control_delivered=~treated & rows["delivered_at"].notna(),
    )  # fmt: skip
    by = rows.assign(responded=rows["responded_at"].notna()).groupby("campaign_id")
    out = by[["assigned", "control", "delivered", "reached", "responded", "control_delivered"]].sum()
    out["arms"] = rows[treated].groupby("campaign_id")["arm"].nunique()
    spread = rows.assign(propensity=1 / rows["weight"]).groupby(["campaign_id", "arm"])["propensity"].agg(np.ptp)
    out["basis"] = np.where(spread.groupby("campaign_id").max() <= EVEN, BY_LOT, STATED)
    out["share_expected"] = by["probability"].mean()
    away = (out["assigned"] - by["probability"].sum()) / np.sqrt(by["noise"].sum())
    out["mismatch"] = away.where((out["arms"] == 1) & (out["control"] > 0))
    out["last_assigned"] = by["assigned_at"].max()
    unstated = rejects["rule"].str.startswith("propensity")
    refused = rejects[~unstated].groupby("campaign_id").size().rename("refused")
    without = rejects[unstated].groupby("campaign_id").size().rename("without_propensity")
    out = out.join([refused, without], how="outer")
    out["read"] = out[["assigned", "control", "refused", "without_propensity"]].fillna(0).sum(axis=1)
    return out


def _no_estimate(fact: Mapping[Hashable, Any]) -> str | None:
    reasons = {
        "nobody was assigned": fact["read"] == 0,
        "no row has a propensity between 0 and 1": fact["assigned"] + fact["control"] == 0 < fact["without_propensity"],
        "every row was refused": fact["assigned"] + fact["control"] == 0,
        "no control: everybody was assigned the offer": fact["control"] == 0,
        "everybody was assigned to control: nobody got the offer": fact["assigned"] == 0,
        "a single customer in an arm": min(fact["assigned"], fact["control"]) == 1,
        "nobody has responded, neither treated nor control": fact["responded"] == 0,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _remarks(fact: Mapping[Hashable, Any]) -> list[str]:
    """Say what a reader must know before believing the effect."""
    said = {
        "no delivery is recorded: costs as if every offer was sent": fact["unrecorded"] and fact["assigned"] > 0,
        "delivered to nobody": fact["delivered"] == 0 < fact["assigned"] and not fact["unrecorded"],
        f"{fact['control_delivered']:,} of control were contacted": fact["control_delivered"] != 0,
        f"{fact['without_propensity']:,} without a usable propensity left out": fact["without_propensity"] != 0,
        f"{fact['refused']:,} rows refused": fact["refused"] != 0,
        "not by lot: weighted by the stated propensities, and no better than they are": fact["basis"] == STATED,
        "the share assigned contradicts the propensities: don't trust the effect": abs(fact["mismatch"]) > MISMATCH,
        "costs not stated: net is before them": pd.isna(fact["contact_cost"]) or pd.isna(fact["offer_cost"]),
    }  # fmt: skip
    return [words for words, holds in said.items() if holds]
