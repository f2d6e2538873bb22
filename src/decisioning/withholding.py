"""Plan a round, withhold the control groups, and give the room of those who are withheld to the next best customers.

Whom a plan chooses must not depend on who is withheld, else those offered and their control would differ. So a plan is
made as if everybody were contacted, the control groups are drawn, and what they leave free is planned again, among the
customers who were not chosen yet. No resource is exceeded at any time, and after a few passes next to none is left
idle. A campaign keeps the share that its first pass withheld: everybody in it had the same chance.
"""

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from ..data.schemas import CONTROL
from .allocation.allocate import Allocation
from .contacts import campaign_ids
from .power import Power, rows_for
from .resources import Resources, plan, used_by
from .strips import control_groups, control_sizes

PASSES = 4  # with three in ten withheld, less than a hundredth of the room is left


@dataclass(frozen=True)
class Planned:
    """``rows`` and ``sizes`` of the control groups (see :mod:`.strips`), ``prices`` (see :func:`.resources.plan`).

    ``used`` of the prices counts contacts, not those withheld; ``first`` is the allocation of the first pass.
    """

    rows: pd.DataFrame
    sizes: pd.DataFrame
    first: Allocation
    prices: pd.DataFrame


def plan_and_withhold(
    options: pd.DataFrame, customers: pd.DataFrame, resources: Resources, wanted: Power, as_of: dt.date, round_key: str,
    explored: pd.DataFrame,
) -> Planned:  # fmt: skip
    """Choose who is assigned what, and who of them is withheld.

    Parameters
    ----------
    options, customers, resources
        As for :func:`.resources.plan`. The minimum of an offer is one of contacts: so many more are assigned it as its
        control group takes.
    wanted : Power
        What every campaign should be able to show.
    explored : DataFrame
        From :func:`.exploration.explore`: contacts that use their part of the resources already.

    Raises
    ------
    DataError
        As :func:`.resources.plan`.
    """
    most = {offer: rows_for(least, wanted) for offer, least in resources.minimum_by_offer.items()}
    room, left, settled = resources.model_copy(update={"minimum_by_offer": most}), options, made_of(explored)
    parts, passes, shares = list[pd.DataFrame](), list[tuple[Allocation, pd.DataFrame]](), dict[str, float]()
    while len(passes) < PASSES and (not passes or len(left)):
        assigned, allocation, prices = plan(left, customers, room, settled)
        passes.append((allocation, prices))
        rows = assigned.assign(campaign_id=campaign_ids(assigned["offer"], as_of))
        parts.append(control_groups(rows, wanted, round_key, shares))
        control = parts[-1][parts[-1]["arm"].eq(CONTROL)]
        if control.empty:
            break
        shares = dict(control.groupby("campaign_id")["propensity"].first()) | shares
        settled = pd.concat([settled, made_of(parts[-1])], ignore_index=True)
        left = left[~left["customer_id"].isin(assigned["customer_id"])]
        room = _known(resources, left)
    rows = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return Planned(rows, control_sizes(rows, wanted), passes[0][0], _prices(passes, made_of(explored, rows), resources))


def made_of(*rows: pd.DataFrame) -> pd.DataFrame:
    """Keep what is contacted of rows with an arm: all but those withheld."""
    columns = ["customer_id", "offer", "channel", "week", "cost", "net_value"]
    parts = [each.loc[each["arm"].ne(CONTROL), columns] for each in rows if len(each)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _known(resources: Resources, options: pd.DataFrame) -> Resources:
    """Name only channels that there are options of; the minimums were met before."""
    channels = set(options["channel"])
    return resources.model_copy(update={
        "channel_capacity": {name: most for name, most in resources.channel_capacity.items() if name in channels},
        "branch_channels": [name for name in resources.branch_channels if name in channels], "minimum_by_offer": {},
    })  # fmt: skip


def _prices(
    passes: list[tuple[Allocation, pd.DataFrame]], made: pd.DataFrame, resources: Resources
) -> pd.DataFrame:  # fmt: skip
    """Take the limits of the first pass, the prices of the last that has them, and count what is contacted."""
    prices = passes[0][1].set_index("limit")
    for _, later in passes[1:]:
        prices.update(later.set_index("limit")[["shadow_price", "said"]])
    prices["used"] = pd.Series(used_by(made, resources)).reindex(prices.index)
    return prices.reset_index()
