"""Liquidity: whose account runs into overdraft, and how often. It foretells default, and the old policy ignored it.

The trait never shows itself; the months in which overdraft interest is booked do. That interest covers what the money
costs the bank, so it carries no margin.
"""

import numpy as np

from ..schemas import CHANNELS, KINDS
from .economy import Economy
from .lifecycle import Panel
from .population import People
from .transactions import Bookings

OVERDRAWN = (-1.6, 1.3)  # log-odds of an overdrawn month: level, and effect of a standard deviation of strain
RATE = 0.13 / 12
CATEGORY = -1


def draw_strain(rng: np.random.Generator, people: People) -> np.ndarray:
    """Draw each customer's strain: standard normal, independent of everything else."""
    return rng.normal(size=len(people))


def overdrawn_probability(strain: np.ndarray) -> np.ndarray:
    """Probability that a month ends overdrawn.

    Examples
    --------
    >>> overdrawn_probability(np.array([-1.0, 0.0, 2.0])).round(3).tolist()
    [0.052, 0.168, 0.731]
    """
    return 1 / (1 + np.exp(-(OVERDRAWN[0] + OVERDRAWN[1] * strain)))


def overdrafts(rng: np.random.Generator, strain: np.ndarray, people: People, panel: Panel, economy: Economy,
               places: slice) -> Bookings:  # fmt: skip
    """Book overdraft interest on the last day but two of overdrawn months."""
    t, place = np.nonzero(panel.customer[:, places] >= 0)
    place = place + places.start
    who = panel.customer[t, place]
    join, close = panel.join_day[t, place].astype(int), panel.close_day[t, place].astype(int)
    day = economy.days[t] - 3
    happens = rng.random(len(who)) < overdrawn_probability(strain[who])
    drawn = people.income[who] * 0.5 * np.exp(rng.normal(0, 0.6, len(who)))
    keep = happens & (day > join) & ((close < 0) | (day < close))
    n = int(keep.sum())
    first = (economy.starts[t] - economy.starts[0]).astype(int)
    return Bookings(
        customer=who[keep],
        day=(first + day)[keep],
        kind=np.full(n, KINDS.index("interest")),
        amount=-np.maximum(0.01, RATE * drawn[keep]),
        margin=np.zeros(n),
        channel=np.full(n, CHANNELS.index("automatic")),
        category=np.full(n, CATEGORY),
        product=np.zeros(n, np.int64),
    )
