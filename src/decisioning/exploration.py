"""Exploration: offers drawn by lot among those a customer may get, each held against customers left without it.

For each customer an offer is drawn, each with equal chances; then one of the channels by which it could be made, the
same; then a coin says whether the offer is made, or the customer is left as its control. So each offer has a trial of
its own in which everybody had the same chance of it, and feedback and training read it like any other campaign. One
control for all offers would compare different people: who may get few offers would be left out more often.

Customers come in the order of a lot of their own, and an option without room (:class:`Room`) is not drawn from: it has
no chance then, and the others have more. ``propensity`` is the chance of the coin's side, ``option_propensity`` the
chance with which offer and channel were drawn, given what was drawn before.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable

import numpy as np
import pandas as pd

from ..data.schemas import CONTROL
from ..errors import DataError
from .resources import Resources
from .strips import EXPLORATION, draw

BY_LOT = "drawn by lot, to learn"
COIN = 0.5  # halves tell most about an offer


class Room:
    """What a round's resources still allow while contacts are drawn one by one.

    Parameters
    ----------
    resources : Resources
    customers : DataFrame, optional
        ``customer_id, branch_id``; needed where branches have a capacity.

    Examples
    --------
    >>> room = Room(Resources(channel_capacity={"call": 1}))
    >>> room.take("C1", "call", week=1, cost=4.0)
    >>> room.has("C2", "call", week=1, cost=4.0), room.has("C2", "call", week=2, cost=4.0)
    (False, True)
    """

    def __init__(self, resources: Resources, customers: pd.DataFrame | None = None) -> None:
        self._resources, self._made, self._spent = resources, Counter[Hashable](), 0.0
        branches = resources.branch_channels and resources.branch_capacity is not None
        known = customers.dropna(subset="branch_id") if branches and customers is not None else None
        self._branch = {} if known is None else dict(zip(known["customer_id"], known["branch_id"], strict=True))

    def has(self, customer: str, channel: str, *, week: int, cost: float) -> bool:
        """Tell whether one more contact fits."""
        budget = self._resources.budget
        fits = all(self._made[key] + 1 <= most for key, most in self._limits(customer, channel, week).items())
        return fits and (budget is None or self._spent + cost <= budget)

    def take(self, customer: str, channel: str, *, week: int, cost: float) -> None:
        """Count a contact."""
        self._made.update(self._limits(customer, channel, week).keys())
        self._spent += cost

    def _limits(self, customer: str, channel: str, week: int) -> dict[Hashable, float]:
        have, limits = self._resources, dict[Hashable, float]()
        if channel in have.channel_capacity:
            limits["channel", channel, week] = have.channel_capacity[channel]
        if have.branch_capacity is not None and channel in have.branch_channels and customer in self._branch:
            limits["branch", self._branch[customer], week] = have.branch_capacity
        return limits


def explore(
    options: pd.DataFrame, strips: pd.DataFrame, round_key: str, resources: Resources | None = None,
    customers: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Draw for every customer of the exploration an offer, a channel and a week, and whether the offer is made.

    Parameters
    ----------
    options : DataFrame
        Eligible options: ``customer_id, offer, channel`` and more; ``cost`` where there is a budget.
    strips : DataFrame
        From :func:`.strips.set_apart`.
    resources : Resources, optional
        What the round may use; explored contacts keep to it as the others do. None: no limit.
    customers : DataFrame, optional
        ``customer_id, branch_id``.

    Returns
    -------
    DataFrame
        One row per explored customer with an option that has room: the columns of ``options`` of the one drawn,
        ``week, strip, arm, propensity, option_propensity``; ``arm`` is the offer, or ``control`` for who is left
        without it. Ordered by customer.
    """
    have = resources or Resources()
    explored = strips.loc[strips["strip"].eq(EXPLORATION), "customer_id"]
    rows = options[options["customer_id"].isin(explored)]
    rows = rows.sort_values(["customer_id", "offer", "channel"], kind="stable", ignore_index=True)
    channels, costs = rows["channel"].to_numpy(), rows.get("cost", pd.Series(0.0, rows.index)).to_numpy(float)
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (customer, offer) in enumerate(zip(rows["customer_id"], rows["offer"], strict=True)):
        places[customer][offer].append(place)
    lots = np.stack([draw(places, f"{lot}/{round_key}") for lot in ("order", "week", "offer", "channel", "coin")])
    ids, room, drawn = list(places), Room(have, customers), list[tuple[int, int, bool, float]]()
    for n in np.argsort(lots[0], kind="stable"):
        customer, week = ids[n], 1 + int(lots[1, n] * have.weeks)
        fits = {offer: [p for p in ways if room.has(customer, channels[p], week=week, cost=costs[p])]
                for offer, ways in places[customer].items()}  # fmt: skip
        offers = [ways for ways in fits.values() if ways]
        if not offers:
            continue
        ways = offers[int(lots[2, n] * len(offers))]
        place, offered = ways[int(lots[3, n] * len(ways))], bool(lots[4, n] < COIN)
        if offered:
            room.take(customer, channels[place], week=week, cost=costs[place])
        drawn.append((place, week, offered, 1 / (len(offers) * len(ways))))
    found = pd.DataFrame(drawn, columns=["place", "week", "offered", "option_propensity"]).sort_values("place")
    table = rows.loc[found["place"].astype(int)].reset_index(drop=True)
    left = ~found["offered"].to_numpy(bool)
    return table.assign(
        week=found["week"].to_numpy(int), strip=EXPLORATION, arm=table["offer"].astype("str").mask(left, CONTROL),
        propensity=np.where(left, 1 - COIN, COIN), option_propensity=found["option_propensity"].to_numpy(float),
    )  # fmt: skip


def random_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows whose offer was drawn: the only ones that off-policy estimates may use.

    Returns
    -------
    DataFrame
        With ``chance``: the probability of what became of the customer, that offer by that channel, or no offer.

    Raises
    ------
    DataError
        If a propensity of theirs is not above 0 and below 1.
    """
    drawn = rows[rows["strip"].eq(EXPLORATION)]
    wrong = int((~drawn["propensity"].between(0, 1, inclusive="neither")).sum())
    if wrong:
        raise DataError(f"{wrong} explored rows have no propensity between 0 and 1: take them from explore")
    return drawn.assign(chance=drawn["propensity"] * drawn["option_propensity"].where(drawn["arm"].ne(CONTROL), 1.0))
