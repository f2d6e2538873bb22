"""Management: what campaigns changed, how well lists were worked, and how customers fare at the branches."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...models.support.service_quality import MEASURES
from ..document import Block, Document, Section, Text
from ..pages import SIGNS
from .listing import Listing
from .outlook import headed, in_whole
from .suppression import HIDDEN, marked, suppress

STEPS = ("delivered", "reached", "responded")
CUTS = ("campaign", "offer", "channel", "segment")
SERVICE = {
    "cut": "by", "level": "which", "measure": "measure", "contacts": "contacts", "raw": "as measured",
    "shrunk": "drawn towards the mean", "low": "low", "high": "high", "differs": "differs",
}  # fmt: skip


def share_of(part: pd.Series, whole: pd.Series, smallest: int) -> pd.Series:
    """Shares in per cent from which no small group can be computed.

    Whole per cents where one of them is at least ``smallest`` customers; elsewhere hidden if the part, or what is left,
    is 1 to ``smallest`` − 1.

    Examples
    --------
    >>> share_of(pd.Series([2103, 95, 50, 0]), pd.Series([2104, 100, 100, 0]), 10).tolist()
    [100.0, 'hidden', 50.0, nan]
    """
    rest = whole - part
    few = part.between(1, smallest - 1) | rest.between(1, smallest - 1)
    percent = (100 * part / whole.where(whole > 0)).round().astype(object)
    return percent.mask(few & (whole < 100 * smallest), HIDDEN)


def effects_document(
    verdicts: pd.DataFrame | None, campaigns: pd.DataFrame | None, absent: str, *, smallest: int
) -> Document:
    """Tell what campaigns changed against control: in points of the response, and in money."""
    lead = "Everybody assigned an offer against control, whether the message arrived or not."
    if verdicts is None or campaigns is None:
        return Document("Campaigns", lead, [Section("absent", "Not there", [Text(absent, "absent")])])
    names = campaigns.set_index("campaign_id")["name"]
    shown = verdicts[verdicts["cut"].isin(CUTS)].copy()
    shown = shown[(shown["assigned"] >= smallest) & (shown["control"] >= smallest)]
    shown["name"] = [f"{p} {names[p]}" if c == "campaign" and p in names else str(p)
                     for c, p in zip(shown["cut"], shown["part"], strict=True)]  # fmt: skip
    shown["cut"] = [f"{c}, {lens.replace('_', ' ')}" if isinstance(lens, str) and lens else c
                    for c, lens in zip(shown["cut"], shown["lens"], strict=True)]  # fmt: skip
    shown["verdict"] = [f"{SIGNS.get(v, '')} {v}" for v in shown["verdict"]]
    for column in ("effect", "low", "high"):
        shown[column] = (100 * shown[column]).round(2)
    shown["total"] = (shown["net"] * shown["assigned"]).round()
    shown["net"] = shown["net"].round(2)
    out = shown[["cut", "name", "assigned", "control", "effect", "low", "high", "verdict", "net", "total", "pays"]]
    without = campaigns.loc[campaigns["no_estimate"].notna(), ["campaign_id", "name", "no_estimate"]]
    blocks: list[Block] = [
        Text("Effect: points of the share that responds. Intervals hold however often this page is looked at. Net: "
             "what responses brought, less contacts and offers, against control."),
        Listing.filed("campaign_effects", out, "Effects of campaigns", {
            "cut": "by", "name": "which", "assigned": "assigned", "control": "control", "effect": "effect, points",
            "low": "low", "high": "high", "verdict": "verdict", "net": "net per customer", "total": "net in all",
            "pays": "money"}, choose=["cut", "verdict"]),
    ]  # fmt: skip
    if len(without):
        blocks.append(Listing.filed("campaigns_without", without, "Campaigns without an estimate"))
    return Document("Campaigns", lead, [Section("effects", "What they changed", blocks)])


def executed(table: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Shares of those assigned who were delivered, reached and responded, by row.

    Rows of fewer than ``smallest`` assigned are hidden.
    """
    out = suppress(table.reset_index(drop=True), [], [], count="assigned", smallest=smallest)
    for step in STEPS:
        out[step] = share_of(table[step].reset_index(drop=True), table["assigned"].reset_index(drop=True), smallest)
    return marked(out, ["assigned", *STEPS])


def execution_document(
    campaigns: pd.DataFrame | None, week: Mapping[str, pd.DataFrame], absent: str, *, smallest: int
) -> Document:  # fmt: skip
    """Tell how well lists were worked: who was delivered, reached, responded; how soon; who got what he should not."""
    lead = "How much of what was assigned was delivered, reached and answered. Not effects: see Campaigns."
    if campaigns is None or not week:
        return Document("Execution", lead, [Section("absent", "Not there", [Text(absent, "absent")])])
    counted = week["all_campaigns"][["campaign_id", "assigned", *STEPS]]
    table = executed(campaigns[["campaign_id", "name", "channel"]].merge(counted, on="campaign_id"), smallest)
    by_campaign = table["campaign_id"]
    speed = by_campaign.map(week["speed"].set_index("campaign_id")["days_to_delivery"])
    table["days_to_delivery"] = speed.mask(table["assigned"].eq(HIDDEN))
    spoilt = share_of(campaigns["control_delivered"], campaigns["control"], smallest)
    table["control_delivered"] = by_campaign.map(spoilt.set_axis(campaigns["campaign_id"]))
    headings = {"campaign_id": "campaign", "name": "name", "channel": "channel", "assigned": "assigned",
                **{s: f"{s}, %" for s in STEPS}, "days_to_delivery": "days to delivery, median",
                "control_delivered": "control that got it, %"}  # fmt: skip
    sections = [Section("campaigns", "By campaign", [
        Text("Shares of the customers assigned. Control that got the offer nevertheless spoils the comparison."),
        Listing.filed("execution_campaigns", table, "Execution by campaign",
                   {k: v for k, v in headings.items() if k in table}, choose=["channel"])])]  # fmt: skip
    blocks: list[Block] = [Text("Campaigns assigned within a year. A share that few make up, or leave over, is "
                                "hidden.")]  # fmt: skip
    for name, column in (("year_channels", "channel"), ("year_branches", "branch_id")):
        if name in week and len(week[name]):
            part = executed(week[name][[column, "assigned", *STEPS]], smallest)
            title = column.removesuffix("_id")
            blocks.append(Listing.filed(f"execution_{title}", part, f"Execution by {title}", {
                column: title, "assigned": "assigned", **{s: f"{s}, %" for s in STEPS}}))  # fmt: skip
    return Document("Execution", lead, [*sections, Section("year", "By channel and branch", blocks)])


def branches_document(
    groups: pd.DataFrame, surveys: pd.DataFrame | None, quality: pd.DataFrame | None, absent: Mapping[str, str], *,
    as_of: str, smallest: int,
) -> Document:  # fmt: skip
    """Tell how customers fare at the branches: what they say, how they are served, what is expected of them.

    Parameters
    ----------
    groups : DataFrame
        :func:`.outlook.by_group` by ``branch``.
    surveys : DataFrame, optional
        Of the last year: ``branch_id, customer_id, satisfaction, nps``.
    quality : DataFrame, optional
        Of the support stage: ``cut, level, measure, contacts, raw, shrunk, low, high, differs``.
    """
    sections = [Section("branches", "Customers and what is expected of them", [
        Listing.filed("branches", in_whole(groups), "Branches", {
            **{k: v for k, v in headed(groups).items() if k != "lens"}, "segment": "branch"})
        if len(groups) else Text("No customer has a branch, or nothing is scored.", "absent")])]  # fmt: skip
    if surveys is None or not surveys["branch_id"].notna().any():
        said: list[Block] = [Text(f"What customers say: {absent.get('surveys', 'no answer has a branch')}.", "absent")]
    else:
        table = answers(surveys, smallest)
        said = [Text(f"Answers of the year before {as_of}. The mean of few answers says little: its 95 % interval is "
                     "beside it. The dissatisfied answer less often, everywhere."),
                Listing.filed("branch_satisfaction", table, "Satisfaction (1–5) by branch")]  # fmt: skip
    sections.append(Section("satisfaction", "What customers say", said))
    if quality is None:
        served: list[Block] = [Text(f"How they are served: {absent.get('quality', '')}.", "absent")]
    else:
        part = quality[quality["cut"] != "agent_id"].reset_index(drop=True)
        values = [c for c in ("raw", "shrunk", "low", "high") if c in part]
        shown = suppress(part, ["cut", "measure"], values, count="contacts", smallest=smallest)
        shown = marked(shown, ["contacts", *values])[["cut", "level", "measure", "contacts", *values, "differs"]]
        shown["cut"] = shown["cut"].str.removesuffix("_id")
        shown["measure"] = shown["measure"].replace(MEASURES)
        headings = {k: v for k, v in SERVICE.items() if k in shown}
        served = [Text("Small numbers are drawn towards the mean of all, with an interval; differs: the interval "
                       "leaves the mean out, so it is more than chance."),
                  Listing.filed("service_quality", shown, "Service by branch, region and channel",
                                headings, choose=["cut", "measure"])]  # fmt: skip
    sections.append(Section("service", "How they are served", served))
    return Document("Branches", f"How customers fare at the branches, as of {as_of}.", sections)


def answers(surveys: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Mean satisfaction of a branch with its 95 % interval; branches with few who answered are hidden."""
    by = surveys.dropna(subset=["branch_id", "satisfaction"]).groupby("branch_id")
    table = by.agg(customers=("customer_id", "nunique"), answers=("satisfaction", "size"),
                   satisfaction=("satisfaction", "mean"), spread=("satisfaction", "std")).reset_index()  # fmt: skip
    half = 1.96 * table["spread"] / np.sqrt(table["answers"])
    table["low"], table["high"] = table["satisfaction"] - half, table["satisfaction"] + half
    values = ["answers", "satisfaction", "low", "high"]
    shown = marked(suppress(table, [], values, smallest=smallest), ["customers", *values])
    return shown.drop(columns="spread").rename(columns={"branch_id": "branch"})
