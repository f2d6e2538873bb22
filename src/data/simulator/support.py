"""Contacts: matters that make a customer call, write or visit; what stays unresolved comes back within a week."""

import numpy as np
import pyarrow as pa

from .accounts import Timeline
from .columns import DAY, NEVER, epoch, ids, labels, moments, optional, pick_days
from .economy import Economy
from .lifecycle import UNRESOLVED_SHARE, Panel
from .population import BEHAVIOUR_CENTRES, People, scaled
from .transactions import lateness

CHANNELS = ("phone", "chat", "email", "branch", "web", "letter")
TOPICS = ("card", "fees", "payment", "online_banking", "loan", "account", "complaint", "information")
REPEATS = 0.5  # share of unresolved contacts that come back within 7 days
ABANDONS = 0.125  # share of phone calls given up while waiting
# Weight of hours 0-23 and of weekdays from Monday.
HOURS = np.array([0, 0, 0, 0, 0, 0, 0, 1, 5, 9, 11, 11, 8, 7, 8, 9, 9, 8, 5, 3, 2, 1, 0, 0], float)
WEEKDAYS = np.array([1.35, 1.15, 1.05, 1.0, 0.95, 0.45, 0.15])
# Rows of contacts per matter: the first one, the repeat of an unresolved one, the call given up before it.
ROWS_PER_MATTER = 1 + UNRESOLVED_SHARE * REPEATS + 0.6 * ABANDONS / (1 - ABANDONS)


def _weekday_weights(economy: Economy) -> np.ndarray:
    days = economy.starts[0] + np.arange((economy.starts[-1] - economy.starts[0]).astype(int))
    return np.concatenate([[0.0], np.cumsum(WEEKDAYS[(days.astype(int) + 3) % 7])])


def contact_table(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, when: Timeline,
                  names: pa.Array, offset: int) -> pa.Table:  # fmt: skip
    """Draw and spell the contacts of a chunk, ordered by time within the chunk."""
    t, place = np.nonzero(panel.episodes > 0)
    counts = panel.episodes[t, place].astype(int)
    row = np.repeat(np.arange(len(t)), counts)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    t, place = t[row], place[row]
    who = panel.customer[t, place]
    unresolved = rank < panel.unresolved[t, place]
    first, close = (economy.starts[t] - economy.starts[0]).astype(int), panel.close_day[t, place].astype(int)
    begins = first + panel.join_day[t, place] + 1
    ends = np.maximum(first + np.where(close >= 0, close, economy.days[t]), begins + 1)
    day = pick_days(rng, _weekday_weights(economy), begins, ends)
    hour = np.searchsorted(np.cumsum(HOURS) / HOURS.sum(), rng.random(len(who)), side="right")
    at = epoch(economy.starts[0]) + day.astype(np.int64) * DAY + hour * 3600 + rng.integers(0, 3600, len(who))
    digital = scaled(people.behaviour[who], BEHAVIOUR_CENTRES)[:, 1]
    phone = rng.random(len(who)) < 0.6
    other = np.where(rng.random(len(who)) < 1 / (1 + np.exp(-0.3 - digital)), rng.choice([1, 2, 4], len(who)),
                     rng.choice([3, 3, 5], len(who)))  # fmt: skip
    channel = np.where(phone, 0, other)
    cross = rng.random(len(who)) < 0.1 + 0.1 * (people.dissatisfaction[who] > 0.5) + 0.15 * unresolved
    topic = np.where(cross, rng.choice([1, 6], len(who)), rng.choice([0, 2, 3, 4, 5, 7], len(who)))

    back = np.flatnonzero(unresolved & (rng.random(len(who)) < REPEATS))
    given_up = np.flatnonzero(phone & (rng.random(len(who)) < ABANDONS / (1 - ABANDONS)))
    back_at = at[back] + rng.integers(4 * 3600, 7 * DAY - 3600, len(back))
    given_up_at = np.maximum(at[given_up] - rng.integers(300, 3 * 3600, len(given_up)), when.joined_at[who[given_up]])
    source = np.concatenate([np.arange(len(who)), back, given_up])
    at = np.concatenate([at, back_at, given_up_at])
    abandoned = np.arange(len(source)) >= len(who) + len(back)
    is_back = (np.arange(len(source)) >= len(who)) & ~abandoned
    unresolved = np.where(is_back, rng.random(len(source)) < UNRESOLVED_SHARE, unresolved[source])
    who, channel, topic = who[source], channel[source], topic[source]
    known = at + lateness(rng, len(at))
    left = when.closed_at[who]
    keep = (known < epoch(economy.starts[-1])) & ((left == NEVER) | (at < left))
    order = np.flatnonzero(keep)
    order = order[np.lexsort((who[order], at[order]))]
    who, at, known, channel, topic = who[order], at[order], known[order], channel[order], topic[order]
    unresolved, abandoned = unresolved[order], abandoned[order]

    n = len(order)
    spoken = channel == 0
    wait = np.where(spoken, rng.exponential(75, n) + 110 * abandoned, 0)
    duration = np.exp(rng.normal(np.log(170), 0.9, n)) * (1 + 0.0 * unresolved)
    mood = 3.9 - 0.55 * people.dissatisfaction[who] - 1.2 * unresolved + rng.normal(0, 0.8, n)
    silent = abandoned | (rng.random(n) > 0.4)
    talked = np.isin(channel, (0, 1, 3))
    return pa.table({
        "contact_id": ids("K", offset + np.arange(n), 9),
        "customer_id": labels(who, names),
        "started_at": moments(at),
        "direction": labels(np.zeros(n, int), ("inbound", "outbound")),
        "channel": labels(channel, CHANNELS),
        "topic": labels(topic, TOPICS),
        "wait_seconds": optional(np.round(wait, 0), ~spoken),
        "duration_seconds": optional(np.round(duration, 0), abandoned | ~talked),
        "agent_id": labels(np.where(abandoned, -1, rng.integers(0, 60, n)), ids("G", np.arange(60) + 1, 3)),
        "resolved": optional(~unresolved, abandoned),
        "satisfaction": optional(np.clip(np.rint(mood), 1, 5).astype(np.int64), silent),
        "known_at": moments(known),
    })  # fmt: skip
