"""Surveys: everybody is asked once a year, a quarter answer, and the dissatisfied answer half as often."""

import numpy as np
import pyarrow as pa

from .columns import DAY, epoch, ids, labels, moments
from .economy import Economy
from .lifecycle import DECLINING, UNRESOLVED_MONTHS, Panel
from .population import NEEDS_CENTRES, People, scaled
from .transactions import lateness

NEEDS = ("security", "return", "borrowing", "convenience")
ANSWER = 1 / 3
ANSWER_DISSATISFIED = 1 / 6
MEDIAN_MOOD = 0.19  # half of the customers are in a worse mood than that


def mood(people: People, panel: Panel, t: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Dissatisfaction of the moment: the trait, an unresolved matter, and the phase."""
    trouble = panel.recency[t, place] < UNRESOLVED_MONTHS
    return people.dissatisfaction[panel.customer[t, place]] + 0.7 * trouble + 0.5 * (panel.phase[t, place] >= DECLINING)


def survey_table(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, names: pa.Array,
                 offset: int) -> pa.Table:  # fmt: skip
    """Draw and spell the answers of a chunk."""
    whole = (panel.join_day < 0) & (panel.close_day < 0) & (panel.customer >= 0)
    turn = (np.arange(panel.customer.shape[1])[None, :] + np.arange(economy.months)[:, None]) % 12 == 0
    t, place = np.nonzero(whole & turn)
    unhappy = mood(people, panel, t, place)
    answers = rng.random(len(t)) < np.where(unhappy > MEDIAN_MOOD, ANSWER_DISSATISFIED, ANSWER)
    t, place, unhappy = t[answers], place[answers], unhappy[answers]
    who, n = panel.customer[t, place], len(t)
    at = epoch(economy.starts[t]) + rng.integers(0, 28, n) * DAY + rng.integers(8 * 3600, 22 * 3600, n)
    known = at + lateness(rng, n)
    order = np.lexsort((who, at))
    order = order[known[order] < epoch(economy.starts[-1])]
    who, unhappy, n = who[order], unhappy[order], len(order)
    want = scaled(people.needs[who], NEEDS_CENTRES) + rng.normal(0, 0.4, (n, 4))
    ranked = np.argsort(-want, axis=1)
    pairs = tuple(f"{a};{b}" if a != b else a for a in NEEDS for b in NEEDS)
    second = np.where(np.take_along_axis(want, ranked[:, 1:2], axis=1)[:, 0] > 0.3, ranked[:, 1], ranked[:, 0])
    return pa.table({
        "survey_id": ids("S", offset + np.arange(n), 8),
        "customer_id": labels(who, names),
        "answered_at": moments(at[order]),
        "nps": pa.array(np.clip(np.rint(7.4 - 1.5 * unhappy + rng.normal(0, 1.4, n)), 0, 10).astype(np.int64)),
        "satisfaction": pa.array(np.clip(np.rint(3.7 - 0.7 * unhappy + rng.normal(0, 0.6, n)), 1, 5).astype(np.int64)),
        "price_sensitivity": pa.array(np.round(1 / (1 + np.exp(-people.fees[who] - rng.normal(0, 0.6, n))), 3)),
        "wants": labels(ranked[:, 0] * 4 + second, pairs),
        "known_at": moments(known[order]),
    })  # fmt: skip
