"""A round of decisions: who may be offered what, what it is worth, who gets it when, who is set apart."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..scoring.sinks import read_scores
from .contacts import contact_list
from .desk import desk_table
from .eligibility import Eligibility, judge
from .exclusions import read_exclusions
from .exploration import BY_LOT, explore
from .limits import Limits, Round, check_offers
from .options import weigh
from .power import Power
from .resources import Resources
from .rhythm import best_times, moments, openings
from .rounds import earlier_contacts
from .strips import DECIDED, EXPLORATION, set_apart
from .withholding import made_of, plan_and_withhold

EVENTS = ("treatments", "campaigns", "contacts", "loans", "loan_months", "accounts")
REASONS = ("reason_1", "reason_2", "reason_3")


@dataclass(frozen=True)
class Inputs:
    """Scores of the day, canonical tables, when customers act; what is absent is None, and ``absent`` says why."""

    customers: pd.DataFrame
    promotion: pd.DataFrame
    offers: pd.DataFrame
    churn: pd.DataFrame | None
    value: pd.DataFrame | None
    probabilities: pd.DataFrame | None
    events: dict[str, pd.DataFrame]
    moments: pd.DataFrame
    absent: dict[str, str]


@dataclass(frozen=True)
class Decisions:
    """What a round decides: tables by dataset name, the eligibility, prices of the limits, and a summary."""

    tables: dict[str, pd.DataFrame]
    eligibility: Eligibility
    prices: pd.DataFrame
    summary: dict[str, Any]


def decision_inputs(as_of: dt.date) -> Inputs:
    """Load the scores of a day and what rules need.

    Raises
    ------
    NotApplicable
        If there are no promotion scores of the day: nothing is known of offers.
    """
    absent: dict[str, str] = {}
    scores = _scores("promotion_scores", "score_promotion_metrics", as_of, absent)
    if scores is None:
        raise NotApplicable(f"no offers are scored at {as_of}: {absent['promotion_scores']}")
    promotion, manifest = scores
    found = {name: _scores(name, stage, as_of, absent) for name, stage in
             (("churn_scores", "score_metrics"), ("value_scores", "score_value_metrics"),
              ("credit_scores", "score_credit_metrics"), ("credit_book", "score_credit_metrics"))}  # fmt: skip
    frames = {name: None if each is None else each[0] for name, each in found.items()}
    rated = [frames[name] for name in ("credit_scores", "credit_book") if frames[name] is not None]
    likely = pd.concat([t[["customer_id", "default_probability"]] for t in rated if t is not None]) if rated else None
    events = {"planned": earlier_contacts(as_of.isoformat())}
    for name in EVENTS:
        if catalog.path(name).exists():
            events[name] = catalog.load(name)
        else:
            absent[name] = "no such table in this source"
    seen = moments(catalog.canonical_tables(), as_of)
    return Inputs(catalog.load("customers"), promotion, pd.DataFrame(manifest["offers"]), frames["churn_scores"],
                  frames["value_scores"], likely, events, seen, absent)  # fmt: skip


def _scores(
    name: str, metrics: str, as_of: dt.date, absent: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    place = catalog.path(name, as_of=as_of.isoformat())
    if place.exists():
        return read_scores(place)
    known = catalog.path(metrics).exists()
    absent[name] = (catalog.reason_not_applicable(metrics) if known else None) or "not scored at this date"
    return None


def decide(
    inputs: Inputs, as_of: dt.date, *, limits: Mapping[str, Any], resources: Mapping[str, Any],
    strips: Mapping[str, float], power: Mapping[str, float], credit: Mapping[str, Mapping[str, float]],
    exclusions: Path | None = None, opening_hours: Mapping[str, Mapping[str, object]] | None = None,
    valid_days: int = 14, seed: int = 7,
) -> Decisions:  # fmt: skip
    """Decide a round.

    Parameters
    ----------
    limits : fields of :class:`.limits.Limits`
    resources : fields of :class:`.resources.Resources`
    strips : ``holdout`` and ``exploration`` of :class:`.limits.Round`, as ``valid_days``
    power : fields of :class:`.power.Power`
    credit : as for :func:`.options.weigh`
    exclusions : a CSV file of customers who get nothing

    Returns
    -------
    Decisions
        Explored contacts use their part of the resources before anything else is planned. Value and cost of the summary
        and what is used of the limits count who is contacted, decided or explored, and not those withheld.
    """
    key = f"{as_of}/{seed}"
    have, plans, aside = Limits(**limits), Resources(**resources), Round(**strips, valid_days=valid_days)
    check_offers("credit", credit, inputs.offers, inputs.events.get("campaigns"))
    weighed = weigh(inputs.promotion, value=inputs.value, probabilities=inputs.probabilities, credit=credit)
    costs = inputs.offers[["offer", "channel", "contact_cost", "offer_cost"]]
    weighed = weighed.merge(costs, on=["offer", "channel"], validate="many_to_one")
    weighed["cost"] = weighed["contact_cost"] + weighed["offer_cost"] * weighed["response_offer"]
    excluded = None if exclusions is None else read_exclusions(exclusions)
    judged = judge(weighed.drop(columns=["contact_cost", "offer_cost"]), inputs.customers, as_of, have,
                   probabilities=inputs.probabilities, exclusions=excluded, **inputs.events)  # fmt: skip
    apart = set_apart(inputs.customers["customer_id"], holdout=aside.holdout, exploration=aside.exploration,
                      round_key=key)  # fmt: skip
    explored = explore(judged.eligible, apart, key, plans, inputs.customers)
    decided = judged.eligible[judged.eligible["customer_id"].isin(apart.loc[apart["strip"].eq(DECIDED), "customer_id"])]
    planned = plan_and_withhold(decided, inputs.customers, plans, Power(**power), as_of, key, explored)
    told = [name for name in REASONS if name in explored]
    drawn = explored.assign(**{name: BY_LOT if name == told[0] else None for name in told})
    rows = pd.concat([planned.rows, drawn], ignore_index=True)
    times = best_times(inputs.moments, inputs.customers["customer_id"], openings(opening_hours))
    contacts, withheld = contact_list(rows, inputs.customers, apart, as_of, times=times, reasons=told,
                                      valid_days=aside.valid_days)  # fmt: skip
    desk = desk_table(inputs.customers, as_of, churn=inputs.churn, value=inputs.value, contacts=contacts,
                      withheld=withheld, strips=apart, judged=judged.options)  # fmt: skip
    made = made_of(rows)
    summary = {
        "customers": len(inputs.customers), "eligible_customers": int(judged.eligible["customer_id"].nunique()),
        "assigned": len(rows), "contacts": len(contacts), "withheld": len(withheld),
        "explored": int(contacts["strip"].eq(EXPLORATION).sum()), "expected_net_value": float(made["net_value"].sum()),
        "explored_net_value": float(made_of(explored)["net_value"].sum()), "gap_to_bound": planned.first.gap,
        "cost": float(made["cost"].sum()), "absent": inputs.absent, "rules_not_applicable": judged.not_applicable,
        "by_offer": contacts["offer"].value_counts().sort_index().to_dict(),
        "by_channel": contacts["channel"].value_counts().sort_index().to_dict(),
    }  # fmt: skip
    tables = {"strips": apart, "refused": judged.refused, "contact_list": contacts, "withheld": withheld,
              "control_sizes": planned.sizes, "contact_times": times, "desk": desk}  # fmt: skip
    return Decisions(tables, judged, planned.prices, summary)
