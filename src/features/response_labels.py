"""Outcomes of assignments: who responded, what it brought and cost, what was earned after, who left. It looks ahead."""

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from ..data.schemas import CONTROL
from ..errors import ParamsError
from .assignments import KEY, assignments
from .labels import departures, silences
from .phases import Definition

LABELLED, UNFINISHED = "labelled", "unfinished"
REFUSED = ("no arm", "early response")


def response_labels(
    tables: dict[str, ir.Table],
    *,
    response_window_days: int = 30,
    value_days: int = 90,
    churn_definition: Definition = "closure",
    silent_days: int = 90,
    observed_until: date,
) -> ir.Table:
    """Label every assignment with what came after it, offered or not.

    **responded** is 1 if ``responded_at`` lies less than the campaign's ``response_window_days`` days after
    ``assigned_at`` (that very moment included), else 0: a later response counts as none, and ``late`` says so. The
    control group is judged alike. ``status`` says why a row has no outcome: *unfinished*, the window had not ended by
    ``observed_until`` (left out even where the response has come already: those who respond early would be
    over-represented); *no arm*, nobody knows what was assigned; *early response*, dated before the assignment: refused,
    for one of the two dates is wrong (a date without time counts for the whole day, as in ingest). They are counted
    by :func:`label_counts`, not guessed.

    **response_value** is the value of a response within the window, 0 without one, missing where the source records
    none. **contact_cost** is the campaign's for offers that were sent out (where no sending of the campaign is recorded
    at all: for every offer), **offer_cost** the campaign's for offers that were taken up; the control group costs
    neither. **net_value** = response_value − offer_cost − contact_cost.

    **margin_after** is what the bank earned with the customer in the ``value_days`` days from the assignment on, 0
    without a booking; **closed_after** is 1 if the customer left in these days, as churn defines leaving
    (:func:`afraz.features.labels.churn_labels`): under *closure* the last open account closed, under *silence* the last
    transaction of the customer's own was made, up to ``silent_days`` days before the assignment. Both are missing where
    these days (under silence: and ``silent_days`` more) were not observed, or where the source has no margin, or no
    accounts to close.

    Parameters
    ----------
    tables : dict of str to ir.Table
        ``customers``, ``transactions``, ``campaigns``, ``treatments``, and ``accounts`` for closure.
    response_window_days : int
        For campaigns that state none.
    value_days, silent_days : int
    churn_definition : {"closure", "silence"}
    observed_until : date
        The first moment that the data don't cover.

    Returns
    -------
    ir.Table
        campaign_id, customer_id, as_of, assigned_at, arm, treated (int64: 1 unless control), status, late (bool),
        responded (int64), response_value, contact_cost, offer_cost, net_value, margin_after (double), closed_after
        (int64).

    Raises
    ------
    ParamsError
        For a window below one day, or an unknown definition.

    Examples
    --------
    >>> response_labels({}, value_days=0, observed_until=date(2026, 1, 1))
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: value_days is a number of days from 1 on, not 0: see params/assignments.yaml
    """
    named = {"response_window_days": response_window_days, "value_days": value_days, "silent_days": silent_days}
    for name, days in named.items():
        if days < 1:
            raise ParamsError(f"{name} is a number of days from 1 on, not {days}: see params/assignments.yaml")
    if churn_definition not in ("closure", "silence"):
        raise ParamsError(f"churn_definition is closure or silence, not {churn_definition!r}")
    end = ibis.literal(observed_until).cast("timestamp")
    rows = assignments(tables)
    sent = rows.delivered_at.notnull() | ~rows.delivered_at.notnull().any().over(group_by="campaign_id")
    rows = rows.mutate(
        treated=(rows.arm != CONTROL).cast("int64"), sent=sent,
        closes=rows.assigned_at + _days(ibis.coalesce(rows.response_window_days, response_window_days)),
        earned_until=rows.assigned_at + ibis.interval(days=value_days),
    )  # fmt: skip
    status = ibis.cases(
        (rows.arm.isnull(), REFUSED[0]), (_early(rows), REFUSED[1]),
        (rows.closes > end, UNFINISHED), else_=LABELLED,
    )  # fmt: skip
    rows = rows.mutate(status=status, late=ibis.coalesce(rows.responded_at >= rows.closes, False))
    answered = rows.responded_at.notnull() & ~rows.late
    rows = rows.mutate(responded=_if(rows.status == LABELLED, answered.cast("int64")))
    offered = rows.treated == 1
    money = {
        "response_value": ibis.ifelse(rows.responded == 1, rows.response_value.cast("float64"), 0.0),
        "contact_cost": ibis.ifelse(offered & rows.sent, _cost(rows.contact_cost), 0.0),
        "offer_cost": ibis.ifelse(offered & (rows.responded == 1), _cost(rows.offer_cost), 0.0),
    }
    rows = rows.mutate(**{name: _if(rows.status == LABELLED, value) for name, value in money.items()})
    rows = rows.mutate(net_value=rows.response_value - rows.offer_cost - rows.contact_cost)
    rows = rows.left_join(_earned(tables["transactions"], rows), list(KEY), rname="{name}_earned")
    rows = rows.left_join(_left(tables, rows, churn_definition, silent_days, observed_until), list(KEY),
                          rname="{name}_left")  # fmt: skip
    wait = ibis.interval(days=silent_days if churn_definition == "silence" else 0)
    usable = ~rows.status.isin(REFUSED)
    has_margin = "margin" in tables["transactions"].columns
    has_leaving = churn_definition == "silence" or "accounts" in tables
    margin = ibis.coalesce(rows.cents, 0).cast("float64") / 100 if has_margin else ibis.null("float64")
    gone = ibis.coalesce(rows.gone, False).cast("int64") if has_leaving else ibis.null("int64")
    return rows.select(
        *KEY, "as_of", "assigned_at", "arm", "treated", "status", "late", "responded", "response_value", "contact_cost",
        "offer_cost", "net_value", margin_after=_if(usable & (rows.earned_until <= end), margin),
        closed_after=_if(usable & (rows.earned_until + wait <= end), gone),
    )  # fmt: skip


def _early(rows: ir.Table) -> ir.BooleanValue:
    """Tell who responded before the assignment; a date without time of the same day does not."""
    responded, assigned = rows.responded_at, rows.assigned_at
    whole_day = (responded == responded.truncate("D")) & (responded.date() == assigned.date())
    return (responded < assigned) & ~whole_day


def _days(count: ir.IntegerValue) -> ir.IntervalValue:
    return count.as_interval("D")


def _cost(money: ir.Value) -> ir.FloatingValue:
    return ibis.coalesce(money.cast("float64"), 0.0)


def _if(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _earned(transactions: ir.Table, rows: ir.Table) -> ir.Table:
    """Sum the margin from each assignment on: the key, cents."""
    if "margin" not in transactions.columns:
        transactions = transactions.mutate(margin=ibis.null("decimal(18, 2)"))
    booked = transactions.mutate(cents=(transactions.margin * 100).cast("int64"))
    both = rows.select(*KEY, "assigned_at", "earned_until").join(
        booked.select("customer_id", "booked_at", "cents"), "customer_id"
    )
    both = both.filter((both.booked_at >= both.assigned_at) & (both.booked_at < both.earned_until))
    return both.group_by(*KEY).aggregate(cents=both.cents.sum())


def _left(
    tables: dict[str, ir.Table], rows: ir.Table, definition: Definition, silent_days: int, observed_until: date
) -> ir.Table:
    """Tell for whom a leaving date lies in the days after the assignment: the key, gone."""
    earliest = 0
    if definition == "silence":
        left, earliest = silences(tables["transactions"], silent_days, observed_until), silent_days
    elif "accounts" in tables:
        left = departures(tables)
    else:
        left = tables["customers"].limit(0).select("customer_id", left_at=ibis.null("timestamp"))
    both = rows.select(*KEY, "assigned_at", "earned_until").join(left, "customer_id")
    from_ = both.assigned_at - ibis.interval(days=earliest)
    both = both.filter((both.left_at >= from_) & (both.left_at < both.earned_until))
    return both.group_by(*KEY).aggregate(gone=ibis.literal(True))


def label_counts(labels: ir.Table) -> ir.Table:
    """Count assignments by campaign and arm: all, labelled, left out, late, responses that count, the rate."""
    rows = labels.group_by("campaign_id", "arm").aggregate(
        assigned=labels.count(),
        labelled=labels.responded.count(),
        unfinished=labels.count(where=labels.status == UNFINISHED),
        refused=labels.count(where=labels.status.isin(REFUSED)),
        late=labels.count(where=labels.late),
        responses=labels.responded.sum(),
    )
    rate = rows.responses.cast("float64") / rows.labelled.cast("float64").nullif(0)
    return rows.mutate(response_rate=rate).order_by("campaign_id", ibis.asc(rows.arm != CONTROL), "arm")


def naive_effects(labels: pd.DataFrame) -> pd.DataFrame:
    """Compare, campaign by campaign, how many of the treated and of the control group responded.

    Naive, because it looks at nothing else: where the probability of an offer differs between customers (targeted
    campaigns), the groups differ from the start.

    Parameters
    ----------
    labels : DataFrame
        As :func:`response_labels` gives them; rows without an outcome don't count.

    Returns
    -------
    DataFrame
        campaign_id, control, treated (labelled customers), control_rate, treated_rate, effect, low, high (95 %
        interval of the difference of two proportions, Wald).

    Examples
    --------
    >>> labels = pd.DataFrame({"campaign_id": "P1", "treated": [0] * 100 + [1] * 100,
    ...                        "responded": [1.0] * 10 + [0.0] * 90 + [1.0] * 20 + [0.0] * 80})
    >>> naive_effects(labels).round(3).to_dict("records")[0]["effect"]
    0.1
    """
    known = labels.dropna(subset=["responded", "treated"]).assign(treated=lambda t: t["treated"].astype(int))
    grouped = known.groupby(["campaign_id", "treated"])["responded"]
    sizes = grouped.size().unstack().reindex(columns=[0, 1]).fillna(0)
    rates = grouped.mean().unstack().reindex(columns=[0, 1])
    effect = rates[1] - rates[0]
    error = 1.96 * (rates * (1 - rates) / sizes).sum(axis=1, skipna=False) ** 0.5
    return pd.DataFrame({
        "control": sizes[0].astype(int), "treated": sizes[1].astype(int), "control_rate": rates[0],
        "treated_rate": rates[1], "effect": effect, "low": effect - error, "high": effect + error,
    }).reset_index()  # fmt: skip
