"""Operations: the week's lists with priorities, what changed against the round before, results of the last week."""

from collections.abc import Collection, Mapping

import pandas as pd

from ..document import Block, Document, Section, Text
from .listing import Listing

LIST = {
    "priority": "priority", "customer_id": "customer", "channel": "channel", "offer": "offer",
    "chosen_by": "chosen by", "contact_on": "on", "hour": "hour", "branch_id": "branch", "net_value": "net value",
    "value_at_stake": "value at stake", "reason_1": "why", "expires_at": "not after",
}  # fmt: skip
IDLE = {"customer_id": "customer", "expected_30": "contacts expected", "expected_avoided": "contacts avoided by a call"}
KEY = ["customer_id", "offer"]
CONTROL = "control"
CHOSEN_BY = {"decided": "worth", "exploration": "lot"}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def changed(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Hold two lists against each other: a customer with an offer is new, dropped, moved, or has another priority.

    Parameters
    ----------
    now, before : DataFrame
        ``customer_id, offer, channel, week, priority``.

    Returns
    -------
    DataFrame
        ``change, customer_id, offer, channel, channel_before, priority, priority_before``; unchanged rows are left out.

    Examples
    --------
    >>> row = {"customer_id": "A", "offer": "card", "channel": "call", "week": 1, "priority": 2}
    >>> before = pd.DataFrame([row, {**row, "customer_id": "B"}])
    >>> now = pd.DataFrame([{**row, "priority": 1}, {**row, "customer_id": "C"}])
    >>> changed(now, before)[["change", "customer_id"]].values.tolist()
    [['new', 'C'], ['dropped', 'B'], ['another priority', 'A']]
    """
    columns = [*KEY, "channel", "priority"]
    both = now[columns].merge(before[columns], on=KEY, how="outer", suffixes=("", "_before"), indicator="change")
    moved = both["channel"] != both["channel_before"]
    other = both["priority"] != both["priority_before"]
    said = both["change"].astype("str").map({"left_only": "new", "right_only": "dropped", "both": "unchanged"})
    said = said.mask(said.eq("unchanged") & other, "another priority").mask(
        said.eq("unchanged") & moved, "another channel"
    )
    order = {name: n for n, name in enumerate(("new", "dropped", "another channel", "another priority"))}
    out = both.assign(change=said)[said != "unchanged"]
    out = out.assign(order=out["change"].map(order)).sort_values(["order", "priority", *KEY], ignore_index=True)
    return out[["change", *KEY, "channel", "channel_before", "priority", "priority_before"]]


def lists_document(
    contacts: pd.DataFrame | None, calls: pd.DataFrame | None, absent: Mapping[str, str], *, as_of: str, week: int,
    apart: Collection[str] = (),
) -> Document:  # fmt: skip
    """Show whom to contact this week, and whom to call in idle hours.

    Nobody is called in idle hours who is contacted this week anyway, or who is set ``apart``: the holdout, and those
    withheld from a campaign.
    """
    taken = set(apart)
    blocks: list[Block] = []
    if contacts is None:
        blocks.append(Text(f"Contact list: {absent.get('contact_list', '')}.", "absent"))
    else:
        part = contacts[contacts["week"] == week].sort_values(["channel", "priority"], kind="stable")
        taken |= set(part["customer_id"])
        told = f"Week {week} of the round of {as_of}. Priority 1 is the most valuable of its channel."
        if "strip" in part:
            part = part.assign(chosen_by=part["strip"].map(CHOSEN_BY))
            told += " Who is chosen by lot need not be worth it: these contacts show what offers do, so make them all."
        names = {k: v for k, v in LIST.items() if k in part}
        kinds = [c for c in ("channel", "offer", "chosen_by") if c in part]
        by = part.groupby(kinds, sort=True)
        summary = by.agg(customers=("customer_id", "size"), net_value=("net_value", "sum")).reset_index()
        choose = [c for c in (*kinds, "branch_id") if c in part]
        blocks += [Text(told),
                   Listing.filed("week_summary", summary, "The week in numbers"),
                   Listing.filed("week_list", part, "Whom to contact", names, choose=choose)]  # fmt: skip
    sections = [Section("list", "The week's list", blocks)]
    if calls is None:
        idle: list[Block] = [Text(f"Calls in idle hours: {absent.get('proactive', '')}.", "absent")]
    else:
        open_to = calls[~calls["customer_id"].isin(taken)]
        if "arm" in open_to:
            open_to = open_to[open_to["arm"] != CONTROL]  # who was drawn not to be called is on no list
        shown = open_to.drop(columns=[c for c in open_to if c in ("as_of", "arm")])
        if "weekday" in shown:
            shown = shown.assign(weekday=shown["weekday"].map(dict(enumerate(DAYS))))
        idle = [Text("Whom to call when there is spare capacity, so that most contacts are avoided. Left out is who is "
                     "on this week's list, in the holdout, or withheld from a campaign."),
                Listing.filed("idle_calls", shown, "Calls in idle hours",
                              {str(n): IDLE.get(str(n), str(n).replace("_", " ")) for n in shown})]  # fmt: skip
    sections.append(Section("idle", "Calls in idle hours", idle))
    return Document("This week's lists", "For the people who make these contacts: it names customers.", sections)


def changes_document(
    contacts: pd.DataFrame | None, before: pd.DataFrame | None, told: str, absent: Mapping[str, str], week: int
) -> Document:  # fmt: skip
    """Show what is new, dropped, or of another priority or channel against the round before.

    ``told`` says which round ``before`` is, or why there is none.
    """
    lead = "This week's list against the first week of the round before"
    lead += "." if before is None else f" ({told})."
    if contacts is None:
        said: list[Block] = [Text(f"Contact list: {absent.get('contact_list', '')}.", "absent")]
    elif before is None:
        said = [Text(f"Nothing to compare with: {told}.", "absent")]
    else:
        found = changed(contacts[contacts["week"] == week], before[before["week"] == before["week"].min()])
        counts = found["change"].value_counts().rename_axis("change").rename("customers").reset_index()
        said = [Listing.filed("changes_summary", counts, "Changes in numbers"),
                Listing.filed("changes", found, "What changed", choose=["change", "channel"])]  # fmt: skip
    return Document("What changed", lead, [Section("changes", "Changes", said)])


def results_document(week: Mapping[str, pd.DataFrame], absent: str, *, days: int) -> Document:
    """Show what came of the lists worked in the last days, in counts."""
    lead = f"Contacts of the last {days} days: counts of what was done, not effects."
    if not week:
        return Document("Results", lead, [Section("absent", "Not there", [Text(absent, "absent")])])
    running = bool(week["week_campaigns"]["running"].any())
    blocks: list[Block] = [] if running else [
        Text(f"No campaign had an open window in the last {days} days. The latest one is shown.", "lead")]  # fmt: skip
    steps = ("delivered", "reached", "responded")
    for name, column in (("campaigns", "campaign_id"), ("channels", "channel"), ("branches", "branch_id")):
        table = week[f"week_{name}"]
        title = column.removesuffix("_id")
        if len(table):
            heads = {column: title, **({"name": "name", "channel": "channel"} if name == "campaigns" else {}),
                     "assigned": "assigned", **{f"{s}_week": f"{s} this week" for s in steps},
                     **{s: f"{s} so far" for s in steps}}  # fmt: skip
            blocks.append(Listing.filed(f"results_{title}", table, f"Results by {title}", heads))
    return Document("Results", lead, [Section("results", "Last week's lists", blocks)])
