"""Effect of campaigns, week by week and by intention to treat: everybody assigned an offer against control.

Who was delivered and who was reached is counted, but never compared with control: they are not like control. At the
look after k weeks only responses within 7·k days of the assignment count, of customers assigned at least as long ago,
so that both arms have had equally long to answer. What is estimated, and how sure it is: :mod:`.contrast`,
:mod:`.sequential`.

Several campaigns behind one offer, channel, segment, branch or agent are compared each within itself and then averaged
by size: pooling their customers instead would mistake a campaign with many treated for a good one. Several offers of a
campaign count in its effect as often as they were assigned: the effect is that of the policy, not of the average offer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import ParamsError
from .assignments import BY_LOT, OBSERVED, STATED
from .contrast import Arm, Array, contrast, terms
from .cuts import Cut
from .sequential import SequentialTest

OUTCOMES = ("response", "value", "net")
SAME = ["basis", "days", "whole_window"]  # for all customers of a campaign at one look
USED = ["campaign_id", "assigned_at", "arm", "treated", "weight", "delivered_at", "reached_at", "responded_at", "value"]


@dataclass(frozen=True)
class Costs:
    """What a campaign's costs are counted for, apart from ``contact_cost`` for each delivered contact.

    Where a campaign has no delivery recorded at all, every offer of it counts as sent, as it does in
    :func:`afraz.features.response_labels.response_labels`: contacts that nobody recorded are not free.

    Attributes
    ----------
    offer_due : {"response", "delivery"}
        ``offer_cost`` is due when a customer who got the offer responds (a bonus, a cashback), or for each delivered
        contact (a gift).
    """

    offer_due: Literal["response", "delivery"] = "response"

    def __post_init__(self) -> None:
        if self.offer_due not in ("response", "delivery"):
            raise ParamsError(f"offer_due is response or delivery, got {self.offer_due!r}")


def weeks_of(window_days: int) -> int:
    """Count the looks at a window: whole weeks, and the window's end.

    Examples
    --------
    >>> weeks_of(30), weeks_of(28)
    (5, 4)
    """
    return -(-window_days // 7)


def look(
    rows: pd.DataFrame, facts: pd.DataFrame, week: int, as_of: pd.Timestamp, costs: Costs | None = None
) -> pd.DataFrame:
    """Keep customers whose window of ``week`` weeks has ended, with what happened in it and nothing later.

    Parameters
    ----------
    rows : of :func:`afraz.decisioning.feedback.assignments.screened`
    facts : of :func:`afraz.decisioning.feedback.assignments.campaign_facts`

    Returns
    -------
    DataFrame
        The rows of campaigns with an estimate and a window of at least so many weeks, with ``channel, offered`` (the
        offer; missing in control), ``days, whole_window`` (these are the whole window), ``got, met`` (delivered,
        reached within them), ``response, value, net``.
    """
    wanted = ["campaign_id", "channel", "window_days", "contact_cost", "offer_cost", "basis", "unrecorded"]
    usable = facts.loc[facts["no_estimate"].isna() & (facts["window_days"].map(weeks_of) >= week), wanted]
    seen = rows.merge(usable, on="campaign_id", how="inner")
    seen["days"] = np.minimum(7 * week, seen["window_days"])
    seen["whole_window"] = seen["days"] == seen["window_days"]
    until = seen["assigned_at"] + pd.to_timedelta(seen["days"], unit="D")
    seen, until = seen[until <= as_of], until[until <= as_of]
    response, got, met = (seen[c] <= until for c in ("responded_at", "delivered_at", "reached_at"))
    costs = costs or Costs()
    sent = got | seen["unrecorded"]
    due = sent & response if costs.offer_due == "response" else sent
    cost = sent * seen["contact_cost"].fillna(0) + due * seen["offer_cost"].fillna(0)
    value = seen["value"] * response
    return seen.assign(
        got=got, met=met, response=response.astype(float), value=value, net=value - cost * seen["treated"],
        offered=seen["arm"].where(seen["treated"]),
    )  # fmt: skip


def _arms(seen: pd.DataFrame, cut: Cut) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put every customer under the name of a part; control without one under each part of those it is alike."""
    alike = ["campaign_id"] if cut.within is None else ["campaign_id", cut.within]
    parts = seen[[*alike, "arm", "treated", "weight", "got", "met", *SAME, *OUTCOMES]]
    parts = parts.assign(part=seen[cut.column])
    treated = parts[parts["treated"] & parts["part"].notna()]
    # weighted by 1 / propensity alone, a seldom offer would count as much as a frequent one: each offer's weights are
    # brought to a mean of 1, and where offers are by lot that is 1 / the propensity of any of them, but for a constant
    mean_weight = treated.groupby(["part", "campaign_id", "arm"])["weight"].transform("mean")
    treated = treated.assign(weight=treated["weight"] / mean_weight)
    control = parts[~parts["treated"]]
    own = control["campaign_id"].isin(control.loc[control["part"].notna(), "campaign_id"])
    pairs = treated[[*alike, "part"]].drop_duplicates()
    shared = control[~own].drop(columns="part").merge(pairs, on=alike)
    return treated, pd.concat([control[own & control["part"].notna()], shared], ignore_index=True)


def within_campaigns(seen: pd.DataFrame, cut: Cut) -> pd.DataFrame:
    """Compare treated with control in every part of every campaign.

    Parameters
    ----------
    seen : of :func:`look`

    Returns
    -------
    DataFrame
        One row per part, campaign and outcome: ``part, campaign_id, basis, days, whole_window, assigned, control,
        delivered, reached, responses, outcome, treated_mean, control_mean, effect, standard_error``; only parts with
        two customers and more in either arm.
    """
    treated, control = _arms(seen, cut)
    index = pd.MultiIndex.from_frame(treated[["part", "campaign_id"]])
    cells = index.unique().sort_values()
    places = cells.get_indexer(index), cells.get_indexer(pd.MultiIndex.from_frame(control[["part", "campaign_id"]]))
    sides = [(rows[place >= 0], place[place >= 0]) for rows, place in zip((treated, control), places, strict=True)]

    def total(side: int, each: ArrayLike) -> Array:
        return np.bincount(sides[side][1], np.asarray(each, float), len(cells)).astype(float)

    first = treated[SAME].set_index(index).groupby(level=[0, 1], sort=False).first().loc[cells]
    size = pd.DataFrame({
        "part": cells.get_level_values(0), "campaign_id": cells.get_level_values(1),
        **{name: first[name].to_numpy() for name in SAME},
        "delivered": total(0, treated["got"]), "reached": total(0, treated["met"]),
        "responses": total(0, sides[0][0]["response"]) + total(1, sides[1][0]["response"]),
    })  # fmt: skip
    tables = []
    for outcome in OUTCOMES:
        arms = [Arm(**{n: total(s, v) for n, v in terms(rows["weight"], rows[outcome]).items()})
                for s, (rows, _) in enumerate(sides)]  # fmt: skip
        effect, error = contrast(*arms)
        told = size.assign(assigned=arms[0].n, control=arms[1].n, outcome=outcome, treated_mean=arms[0].mean,
                           control_mean=arms[1].mean, effect=effect, standard_error=error)  # fmt: skip
        tables.append(told[~np.isnan(effect)])
    counts = ["assigned", "control", "delivered", "reached", "responses"]
    return pd.concat(tables, ignore_index=True).astype(dict.fromkeys(counts, int))


def pooled(each: pd.DataFrame) -> pd.DataFrame:
    """Average the campaigns of a part by size; campaigns drew their lots apart, so that variances add up.

    Examples
    --------
    >>> each = pd.DataFrame({
    ...     "part": "card", "campaign_id": ["P1", "P2"], "outcome": "response", "basis": "by lot", "days": 7,
    ...     "whole_window": [True, False], "assigned": [10, 30], "control": [10, 30], "delivered": [9, 28],
    ...     "reached": [5, 20], "responses": [3, 9], "treated_mean": [0.2, 0.4], "control_mean": [0.1, 0.1],
    ...     "effect": [0.1, 0.3], "standard_error": [0.3, 0.1]})
    >>> pooled(each)[["campaigns", "whole_window", "assigned", "effect", "standard_error"]].round(4)
       campaigns  whole_window  assigned  effect  standard_error
    0          2         False        40    0.25          0.1061
    """
    size = each["assigned"] + each["control"]
    share = size / size.groupby([each["part"], each["outcome"]]).transform("sum")
    weighted = each.assign(
        **{c: each[c] * share for c in ("treated_mean", "control_mean", "effect")},
        variance=(each["standard_error"] * share) ** 2, stated=each["basis"] != BY_LOT,
    )  # fmt: skip
    out = weighted.groupby(["outcome", "part"], sort=False).agg(
        campaigns=("campaign_id", "nunique"), stated=("stated", "any"), days=("days", "max"),
        whole_window=("whole_window", "all"),
        **{c: (c, "sum") for c in ("assigned", "control", "delivered", "reached", "responses", "treated_mean",
                                   "control_mean", "effect", "variance")},
    ).reset_index()  # fmt: skip
    out["standard_error"] = np.sqrt(out.pop("variance"))
    out["basis"] = np.where(out.pop("stated"), STATED, BY_LOT)
    return out


def judged(table: pd.DataFrame, test: SequentialTest) -> pd.DataFrame:
    """Add ``low, high, e_value, p_value`` and ``smallest_found`` to looks with an effect and a ``final``."""
    error, responses, final = (table[c].to_numpy() for c in ("standard_error", "responses", "final"))
    z = np.divide(table["effect"], error, out=np.zeros(len(table)), where=error > 0)
    answered = np.maximum(responses, 1)
    half = np.where(responses > 0, test.threshold(answered, final) * error, np.inf)
    found = np.where(responses > 0, test.smallest_effect(error, answered, final), np.inf)
    return table.assign(
        low=table["effect"] - half, high=table["effect"] + half, smallest_found=found,
        e_value=test.e_value(z, responses), p_value=test.p_value(z, responses, final & (responses > 0)),
    )  # fmt: skip


def _looks(
    rows: pd.DataFrame, facts: pd.DataFrame, cuts: list[Cut], as_of: pd.Timestamp, costs: Costs | None
) -> Iterator[pd.DataFrame]:
    longest = int(facts["window_days"].map(weeks_of).max()) if len(facts) else 0
    for week in range(1, longest + 1):
        seen = look(rows, facts, week, as_of, costs)
        for cut in cuts if len(seen) else []:
            each = within_campaigns(seen, cut)
            if len(each):
                told = pooled(each).assign(cut=cut.name, lens=cut.lens, week=week)
                yield told.assign(basis=OBSERVED) if cut.observational else told


def weekly_effects(
    rows: pd.DataFrame, facts: pd.DataFrame, cuts: list[Cut], *, as_of: pd.Timestamp, test: SequentialTest,
    costs: Costs | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Estimate every part of every cut at every look.

    Only campaigns have a planned last look (the day on which the last window ended): to offers, segments and the like
    further campaigns may come at any time.

    Returns
    -------
    DataFrame
        One row per ``cut, lens, part, week, outcome``: ``days`` (of the longest window counted), ``whole_window`` (of
        every campaign that the row counts), ``final``, ``campaigns, assigned, control, delivered, reached, responses``
        (in both arms), ``treated_mean, control_mean, effect, standard_error, low, high, e_value, p_value`` (of no
        effect at any look so far; of net: at this look, for costs come first and returns later, so that net is below
        zero early on), ``smallest_found`` (the effect that the look would have found with a power of 80 %), ``basis``:
        by lot, stated propensities, or observational, that is nobody drew lots for branch or agent, so that parts
        differ by their customers too.
    """
    found = list(_looks(rows, facts, cuts, as_of, costs))
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(found, ignore_index=True)
    over = facts.set_index("campaign_id")["over"].reindex(table["part"])
    own = (table["cut"] == "campaign").to_numpy()
    table["final"] = own & over.eq(True).to_numpy() & table["whole_window"].to_numpy()
    parts = (judged(table[own], test), judged(table[~own], replace(test, final_share=0.0)))
    table = pd.concat(parts).sort_values(["cut", "lens", "part", "outcome", "week"], ignore_index=True)
    smallest = table.groupby(["cut", "lens", "part", "outcome"])["p_value"].cummin()
    table["p_value"] = table["p_value"].where(table["outcome"] == "net", smallest)
    return table[COLUMNS]


COLUMNS = ["cut", "lens", "part", "outcome", "week", "days", "whole_window", "final", "campaigns", "assigned",
           "control", "delivered", "reached", "responses", "treated_mean", "control_mean", "effect", "standard_error",
           "low", "high", "e_value", "p_value", "smallest_found", "basis"]  # fmt: skip
