"""What the bank earns: a heavy-tailed margin on balances, fees, small change; and what it may expect of twelve months.

A customer's margin of a year deviates from its expectation by a shock that nothing foretells.
"""

import numpy as np
import pyarrow as pa

from .columns import labels
from .economy import Economy
from .forecast import BLOCK, State, start, step
from .lifecycle import LEVEL, Panel
from .population import BEHAVIOUR_CENTRES, People, scaled
from .transactions import BOOKINGS, monthly_fee

YEAR_SHOCK = 0.68
ELASTICITY = 0.5  # of the margin on balances to the level of activity


def monthly_margin(rng: np.random.Generator, people: People, panel: Panel) -> np.ndarray:
    """Margin on balances (months, places), with the shocks of the twelve-month blocks that end with the data."""
    months = panel.customer.shape[0]
    block = (months - 1 - np.arange(months)) // 12
    shock = np.exp(rng.normal(-(YEAR_SHOCK**2) / 2, YEAR_SHOCK, (len(people), int(block.max()) + 1)))
    who = np.maximum(panel.customer, 0)
    noise = np.exp(rng.normal(-0.02, 0.2, who.shape))
    return people.margin[who] * np.exp(ELASTICITY * panel.level) * shock[who, block[:, None]] * noise


def small_change(people: People, who: np.ndarray) -> np.ndarray:
    """Expected margin of a month's purchases and transfers at an ordinary level of activity."""
    habit = scaled(people.behaviour[who], BEHAVIOUR_CENTRES)
    wealth = (people.income[who] / 2100) ** 0.7
    activity = BOOKINGS * 1.02 * np.exp(0.34 * habit[:, 0] - 0.05)
    ticket = 27 * wealth * np.exp(0.35 * habit[:, 2] + 0.75**2 / 2) * 1.2
    return activity * (0.60 * 0.004 * ticket + 0.0085) + people.salaried[who] * 0.0005 * people.income[who]


def expected_margin(people: People, who: np.ndarray, state: State, months: int = 12) -> np.ndarray:
    """Expected margin of the ``months`` after the state: over phases, and over leaving."""
    balances, fee, change = people.margin[who], monthly_fee(people.fees[who]), small_change(people, who)
    result = np.zeros(len(who))
    for first in range(0, len(who), BLOCK):
        rows = slice(first, first + BLOCK)
        part = state.part(rows)
        share = start(part)
        for ahead in range(months):
            share, _ = step(share, part, ahead)
            phases = share.sum(axis=2)
            result[rows] += (
                balances[rows] * (phases @ np.exp(ELASTICITY * LEVEL))
                + change[rows] * (phases @ np.exp(LEVEL))
                + fee[rows] * phases.sum(axis=1)
            )
    return result


def value_truth(who: np.ndarray, state: State, people: People, economy: Economy, month: int,
                names: pa.Array) -> pa.Table:  # fmt: skip
    """Spell the expected margin of the twelve months after the start of ``month``."""
    as_of = np.full(len(who), economy.starts[month])
    return pa.table({
        "customer_id": labels(who, names),
        "as_of": pa.array(as_of).cast(pa.timestamp("us")),
        "margin_12m": pa.array(expected_margin(people, who, state)),
    })  # fmt: skip
