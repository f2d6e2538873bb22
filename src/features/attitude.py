"""Attitude: what customers say in surveys, and how they react to what they are offered.

Few answer, and the dissatisfied answer less: a missing answer is not an average one.
"""

from collections.abc import Callable, Iterator

import ibis
import ibis.expr.types as ir

from ..data.schemas import CONTROL, TABLES
from .family import Family
from .feature import KEY, Feature, days_since, features_of, share
from .inputs import Inputs, before, days_back, usable

_feature = features_of("attitude")
_ANSWERS = {"nps": "int64", "satisfaction": "int64", "price_sensitivity": "float64"}
_MOMENTS = ("delivered_at", "reached_at", "responded_at")


def _count(column: str) -> Callable[..., ir.Value]:
    return lambda t: ibis.coalesce(t[column], 0)


FEATURES: tuple[Feature, ...] = (
    _feature("surveys_answered", "surveys answered", "count", "whole past", _count("answers"),
             "has never answered a survey", "answers surveys", 0, "surveys"),
    _feature("days_since_last_survey", "days since the last answer to a survey", "days", "whole past",
             lambda t: days_since(t, t.last_answer), "answered a survey recently", "answered a survey only long ago", 0,
             "surveys"),
    _feature("last_nps", "how likely to recommend the bank, in the last survey answered (0 to 10)", "points",
             "whole past", lambda t: t.said_nps, "would not recommend the bank", "would recommend the bank", -1,
             "surveys", "surveys.nps"),
    _feature("last_survey_satisfaction", "satisfaction in the last survey answered (1 to 5)", "points", "whole past",
             lambda t: t.said_satisfaction, "said to be dissatisfied", "said to be satisfied", -1,
             "surveys", "surveys.satisfaction"),
    _feature("last_price_sensitivity", "sensitivity to prices in the last survey answered (0 to 1)", "share",
             "whole past", lambda t: t.said_price_sensitivity, "cares little about prices", "cares much about prices",
             0, "surveys", "surveys.price_sensitivity"),
    *(_feature(f"offers_{w}d", "offers assigned in campaigns (control groups do not count)", "count", f"{w} days",
               _count(f"offers_{w}"), "was offered little", "was offered much", 0, "treatments", "treatments.arm")
      for w in (90, 365)),
    _feature("offer_responses_365d", "offers of the last year that were taken up", "count", "365 days",
             _count("responses_365"), "took up no offer", "took up offers", 0,
             "treatments", "treatments.arm", "treatments.responded_at"),
    _feature("offer_response_share", "share of all offers that were taken up", "share", "whole past",
             lambda t: share(ibis.coalesce(t.responses, 0), ibis.coalesce(t.offers, 0)), "seldom reacts to offers",
             "often reacts to offers", 0, "treatments", "treatments.arm", "treatments.responded_at"),
)  # fmt: skip


def surveys_at(inputs: Inputs) -> ir.Table:
    """Give the last survey that each customer had answered by each as_of date; of two at one moment, the later id.

    Returns
    -------
    ir.Table
        customer_id, as_of, answers, last_answer (date), and said_<question>.
    """
    surveys = inputs.tables["surveys"]
    absent = {n: ibis.null(t) for n, t in _ANSWERS.items() if n not in surveys.columns}
    rows = inputs.at(surveys.mutate(**absent) if absent else surveys)
    rows = rows.filter(usable(rows, "answered_at"))
    rows = rows.mutate(
        turn=ibis.row_number().over(
            group_by=KEY, order_by=[ibis.desc(rows.answered_at), ibis.desc(rows[TABLES["surveys"].key[0]])]
        )
    )
    last = rows["turn"] == 0
    return rows.group_by(*KEY).aggregate(
        answers=rows.count(),
        last_answer=rows.answered_at.max().date(),
        **{f"said_{name}": rows[name].max(where=last) for name in _ANSWERS},
    )


def reactions_at(inputs: Inputs) -> ir.Table:
    """Count offers assigned before each as_of date, and those taken up by then.

    Returns
    -------
    ir.Table
        customer_id, as_of, offers, offers_90, offers_365, responses, responses_365.
    """
    treatments = inputs.tables["treatments"]
    absent = {n: ibis.null("timestamp") for n in _MOMENTS if n not in treatments.columns}
    rows = inputs.at(treatments.mutate(**absent) if absent else treatments)
    rows = rows.filter(usable(rows, "assigned_at") & (ibis.coalesce(rows.arm, CONTROL) != CONTROL))
    age = days_back(rows, rows.assigned_at)
    taken = rows.responded_at.notnull() & before(rows, rows.responded_at)
    return rows.group_by(*KEY).aggregate(
        offers=rows.count(),
        **{f"offers_{w}": rows.count(where=age <= w) for w in (90, 365)},
        responses=rows.count(where=taken),
        responses_365=rows.count(where=taken & (age <= 365)),
    )


def ingredients(inputs: Inputs) -> Iterator[ir.Table]:
    """Give what was said and how offers were met; nothing where the tables are absent."""
    if "surveys" in inputs.tables:
        yield surveys_at(inputs)
    if "treatments" in inputs.tables and "arm" in inputs.tables["treatments"].columns:
        yield reactions_at(inputs)


FAMILY = Family("attitude", FEATURES, ingredients=ingredients)
