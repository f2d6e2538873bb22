"""Budgets and capacities of a round: contacts by channel, branch and week; and what one more of each would bring."""

from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ..errors import DataError, nearest
from ..models.stated import Stated
from .allocation.allocate import Allocation, allocate
from .allocation.capacity import Limit

CURRENCY = "currency"
Contacts = Annotated[float, Field(ge=0)]


class Resources(Stated):
    """What a round may use; see the field descriptions.

    Raises
    ------
    ParamsError
        For an unknown name (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> Resources(budget=100).weeks
    4
    >>> Resources(budgit=100)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown resource 'budgit': did you mean budget?
    >>> Resources(weeks=0)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: resource weeks: input should be greater than or equal to 1, got 0
    """

    word: ClassVar[str] = "resource"

    weeks: int = Field(4, ge=1, le=13, description="weeks that are planned")
    weekly_discount: float = Field(
        0.01, ge=0, lt=1, description="share of its value that an offer loses by waiting a week"
    )
    budget: float | None = Field(None, ge=0, description="currency for contacts and offers; None: no limit")
    channel_capacity: dict[str, Contacts] = Field({}, description="contacts a week by channel; not named: no limit")
    branch_channels: list[str] = Field([], description="channels whose contacts the customer's branch makes")
    branch_capacity: Contacts | None = Field(None, description="contacts a week that a branch makes; None: no limit")
    minimum_by_offer: dict[str, Contacts] = Field({}, description="contacts that an offer must get")


def plan(
    options: pd.DataFrame, customers: pd.DataFrame, resources: Resources, made: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, Allocation, pd.DataFrame]:
    """Choose at most one offer, channel and week for each customer.

    Parameters
    ----------
    options : DataFrame
        Eligible options: ``customer_id, offer, channel, net_value, cost`` (expected, in currency) and more.
    customers : DataFrame
        ``customer_id, branch_id``.
    resources : Resources
    made : DataFrame, optional
        Contacts of the round that are settled and use their part of the resources: ``customer_id, offer, channel, week,
        cost``.

    Returns
    -------
    assigned : DataFrame
        One row per customer who gets something: the columns of ``options`` and ``week``; ordered by customer.
    allocation : Allocation
    prices : DataFrame
        A row per budget, channel and week, and for branches one per week: ``limit, unit, capacity, used`` (by those
        assigned and those made), ``shadow_price`` (currency per unit), ``said`` in words. Of branches, the sums, and
        the price of the scarcest.

    Raises
    ------
    DataError
        For an option that repeats, a channel or an offer that no option has, or minimums that can't be met.

    Examples
    --------
    >>> options = pd.DataFrame({"customer_id": ["a", "b"], "offer": "card", "channel": "call", "net_value": [5.0, 3.0],
    ...                         "cost": 2.0})
    >>> customers = pd.DataFrame({"customer_id": ["a", "b"], "branch_id": "B1"})
    >>> assigned, found, prices = plan(options, customers, Resources(weeks=1, channel_capacity={"call": 1}))
    >>> assigned["customer_id"].tolist(), found.value, prices["said"].tolist()
    (['a'], 5.0, ['one more contact by call in week 1 is worth 3.00 currency'])
    """
    _check(options, resources)
    ids = np.sort(options["customer_id"].unique())
    kinds = options[["offer", "channel"]].drop_duplicates().sort_values(["offer", "channel"], ignore_index=True)
    place = options.merge(
        kinds.assign(kind=range(len(kinds))), on=["offer", "channel"], how="left", validate="many_to_one"
    )
    row, kind = np.searchsorted(ids, options["customer_id"]), place["kind"].to_numpy()
    worth, cost = np.full((len(ids), len(kinds)), -np.inf), np.zeros((len(ids), len(kinds)))
    worth[row, kind], cost[row, kind] = options["net_value"], options["cost"]
    weeks = resources.weeks
    later = np.where(_unlimited(kinds, resources), -np.inf, worth)
    waits = [_waiting(later, resources.weekly_discount, week) for week in range(1, weeks)]
    value = np.concatenate([worth, *waits], axis=1)
    codes, names = pd.factorize(customers["branch_id"], sort=True)
    of_branch = pd.Series(codes, customers["customer_id"])
    branch = of_branch.reindex(ids, fill_value=-1).to_numpy()
    made = pd.DataFrame(columns=["customer_id", "offer", "channel", "week", "cost"]) if made is None else made
    used, visits = used_by(made, resources), made[made["channel"].isin(resources.branch_channels)]
    visits = visits[["week"]].assign(branch=visits["customer_id"].map(of_branch))
    visits = visits[visits["branch"] >= 0]  # a customer without a branch takes none's room
    limits = _limits(kinds, np.tile(cost, (1, weeks)), branch, list(names), resources, used, visits)
    found = allocate(value, limits, value_unit=CURRENCY)
    given = found.choice >= 0
    chosen = pd.DataFrame({"customer_id": ids[given], "kind": found.choice[given] % len(kinds),
                           "week": found.choice[given] // len(kinds) + 1})  # fmt: skip
    assigned = chosen.merge(place, on=["customer_id", "kind"], validate="one_to_one").drop(columns="kind")
    prices = _prices(found.limits)
    before = prices["limit"].map(used)
    return assigned, found, prices.assign(capacity=prices["capacity"] + before, used=prices["used"] + before)


def used_by(contacts: pd.DataFrame, resources: Resources) -> dict[str, float]:
    """Count what contacts use of each limit of :func:`plan`'s prices, by its name.

    Examples
    --------
    >>> contacts = pd.DataFrame({"offer": "card", "channel": ["call", "sms"], "week": [1, 1], "cost": [4.0, 0.5]})
    >>> used_by(contacts, Resources(weeks=1, budget=100, channel_capacity={"call": 9}))
    {'budget': 4.5, 'call in week 1': 1.0}
    """
    used = {} if resources.budget is None else {"budget": float(contacts["cost"].sum())}
    by = contacts.groupby(["channel", "week"]).size()
    weeks = range(1, resources.weeks + 1)
    used |= {f"{c} in week {w}": float(by.get((c, w), 0)) for c in resources.channel_capacity for w in weeks}
    if resources.branch_channels:
        visits = contacts.loc[contacts["channel"].isin(resources.branch_channels), "week"].value_counts()
        used |= {f"branches in week {w}": float(visits.get(w, 0)) for w in weeks}
    return used | {f"at least of {o}": float(contacts["offer"].eq(o).sum()) for o in resources.minimum_by_offer}


def _check(options: pd.DataFrame, resources: Resources) -> None:
    if options.empty:
        raise DataError("no customer is eligible for any offer: there is nothing to plan")
    repeated = int(options.duplicated(["customer_id", "offer", "channel"]).sum())
    if repeated:
        raise DataError(f"{repeated} options repeat customer, offer and channel: each option once")
    for what, named, known in (
        ("channel_capacity", [*resources.channel_capacity, *resources.branch_channels], options["channel"]),
        ("minimum_by_offer", resources.minimum_by_offer, options["offer"]),
    ):
        for name in named:
            if name not in set(known):
                raise DataError(f"{what}: no option has {name!r}: {nearest(name, sorted(set(known)))}")


def _waiting(worth: np.ndarray, discount: float, week: int) -> np.ndarray:
    """Gains shrink by waiting; losses don't become smaller."""
    return np.where(worth > 0, worth * (1 - discount) ** week, worth)


def _unlimited(kinds: pd.DataFrame, resources: Resources) -> np.ndarray:
    """Whether a contact has room in every week: such a one never needs to wait."""
    branches = resources.branch_channels if resources.branch_capacity is not None else []
    return ~kinds["channel"].isin([*resources.channel_capacity, *branches]).to_numpy()


def _limits(
    kinds: pd.DataFrame, cost: np.ndarray, branch: np.ndarray, names: list[Any], resources: Resources,
    used: dict[str, float], visits: pd.DataFrame,
) -> list[Limit]:  # fmt: skip
    """List the limits, less what is used already; ``visits`` has ``branch, week`` of contacts that a branch made."""
    weeks, width = resources.weeks, len(kinds)
    week, kind = np.repeat(np.arange(weeks), width), np.tile(np.arange(width), weeks)
    channel, offer = kinds["channel"].to_numpy()[kind], kinds["offer"].to_numpy()[kind]
    limits = []
    if resources.budget is not None:
        limits.append(Limit("budget", cost, max(0.0, resources.budget - used["budget"]), unit=CURRENCY))
    for name, capacity in resources.channel_capacity.items():
        for w in range(weeks):
            usage = ((channel == name) & (week == w)).astype(float)
            limit = f"{name} in week {w + 1}"
            limits.append(Limit(limit, usage, max(0.0, capacity - used[limit])))
    if resources.branch_capacity is not None and resources.branch_channels and names:
        for w in range(weeks):
            usage = (np.isin(channel, resources.branch_channels) & (week == w)).astype(float)
            gone = np.bincount(visits.loc[visits["week"].eq(w + 1), "branch"].to_numpy(int), minlength=len(names))
            room = np.maximum(0.0, resources.branch_capacity - gone)
            limits.append(
                Limit(f"branches in week {w + 1}", usage, room, group=branch, group_names=list(map(str, names)))
            )
    for name, least in resources.minimum_by_offer.items():
        limits.append(Limit(f"at least of {name}", (offer == name).astype(float), np.inf, minimum=least))
    return limits


def _prices(limits: pd.DataFrame) -> pd.DataFrame:
    """Sum up the limits and say in words what one more unit of each brings."""
    by = limits.groupby("limit", sort=False)
    table = by.agg(unit=("unit", "first"), capacity=("capacity", "sum"), minimum=("minimum", "sum"),
                   used=("used", "sum"), shadow_price=("shadow_price", "max"), minimum_price=("minimum_price", "max"),
                   scarcest=("shadow_price", "idxmax"), groups=("group", "count")).reset_index()  # fmt: skip
    table["scarcest"] = limits.loc[table["scarcest"], "group"].to_numpy()
    table["said"] = [_said(row) for row in table.to_dict("records")]
    return table


def _said(row: dict[Any, Any]) -> str:
    name, price = str(row["limit"]), float(row["shadow_price"])
    if row["minimum"]:
        return f"the minimum costs {row['minimum_price']:.2f} {CURRENCY} for each contact more"
    if name == "budget":
        return f"one more unit of budget is worth {price:.2f} {CURRENCY}"
    channel, _, week = name.partition(" in ")
    if channel == "branches":
        where = f"branch {row['scarcest']} (the scarcest)" if price > 0 else "any branch"
        return f"one more contact by {where} in {week} is worth {price:.2f} {CURRENCY}"
    return f"one more contact by {channel} in {week} is worth {price:.2f} {CURRENCY}"
