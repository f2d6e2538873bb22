"""Truth tables: what was planted, by customer and ``as_of``. Only tests and the oracle read them."""

from datetime import date

import numpy as np
import pyarrow as pa

from .campaigns import ANNOYED_MONTHS, QUADRANTS, Assignments, Campaign
from .columns import ids, labels
from .economy import Economy, month_starts
from .forecast import State, leaving_probabilities
from .lifecycle import PHASES, Panel
from .population import BEHAVIOUR_CENTRES, NEEDS_CENTRES, People, scaled
from .support import ROWS_PER_MATTER

FIRST_MONTH = 6
HORIZONS = (30, 60, 90)
SLEEPING_DOG = QUADRANTS.index("sleeping_dog")


def state_at(month: int, people: People, panel: Panel) -> tuple[np.ndarray, State]:
    """Customers who are with the bank at the start of ``month``, and their state."""
    place = np.flatnonzero((panel.customer[month - 1] >= 0) & (panel.close_day[month - 1] < 0))
    return panel.customer[month - 1, place], _state(month, place, people, panel)


def _state(month: int, place: np.ndarray, people: People, panel: Panel) -> State:
    before = month - 1
    who = panel.customer[before, place]
    return State(
        month=np.full(len(who), month),
        phase=panel.phase[before, place].astype(np.int64),
        recency=panel.month_end_recency[before, place].astype(np.int64),
        annoyed=panel.month_end_annoyed[before, place].astype(np.int64),
        joined=people.joined[who],
        log_odds=people.log_odds[who],
        contact_rate=people.contact_rate[who],
        calm=panel.month_end_calm[before, place].astype(float),
    )


def days_ahead(economy: Economy, month: int) -> np.ndarray:
    """Days of ``month`` and the three months after it, which may lie after the data."""
    end = economy.starts[-1].astype("datetime64[M]") + 6
    starts = month_starts(date.fromisoformat(str(end) + "-01"), economy.months + 6)
    return np.diff(starts).astype(int)[month : month + 4]


def churn_truth(who: np.ndarray, state: State, economy: Economy, month: int,
                names: pa.Array) -> tuple[pa.Table, pa.Table]:  # fmt: skip
    """Truth about leaving and about contacts, for the customers who are there at the start of ``month``."""
    found = leaving_probabilities(state, days_ahead(economy, month), HORIZONS)
    as_of = pa.array(np.full(len(who), economy.starts[month])).cast(pa.timestamp("us"))
    customer = labels(who, names)
    churn = pa.table({
        "customer_id": customer,
        "as_of": as_of,
        "at_risk": pa.array(np.ones(len(who), bool)),
        **{f"leave_{days}": pa.array(found[f"leave_{days}"]) for days in HORIZONS},
        "phase": labels(state.phase, PHASES),
        "growing_90": pa.array(found["growing_90"]),
    })  # fmt: skip
    contacts = pa.array(found["contacts_90"] * ROWS_PER_MATTER)
    support = pa.table({"customer_id": customer, "as_of": as_of, "contacts_90": contacts})
    return churn, support


def treatment_truth(assigned: Assignments, campaigns: list[Campaign], people: People, panel: Panel, economy: Economy,
                    names: pa.Array) -> pa.Table:  # fmt: skip
    """Truth about campaigns: response with and without the offer, and what the treatment adds to leaving in 90 days."""
    n = len(assigned.customer)
    effect = np.zeros(n)
    months = np.array([c.month for c in campaigns])[assigned.campaign]
    annoys = np.array([c.kind in ("randomised", "targeted") for c in campaigns])[assigned.campaign]
    place_of = np.zeros(len(people), np.int64)
    for month in np.unique(months):
        place_of[panel.customer[month]] = np.arange(panel.customer.shape[1])
        rows = np.flatnonzero((months == month) & annoys & (assigned.quadrant == SLEEPING_DOG))
        if len(rows) == 0:
            continue
        place = place_of[assigned.customer[rows]]
        state = _state(month + 1, place, people, panel)
        chances = []
        for still in (ANNOYED_MONTHS, 0):
            state.annoyed = np.full(len(rows), still)
            chances.append(leaving_probabilities(state, days_ahead(economy, month + 1), (90,))["leave_90"])
        effect[rows] = chances[0] - chances[1]
    return pa.table({
        "campaign_id": labels(assigned.campaign, ids("P", np.arange(len(campaigns)) + 1, 3)),
        "customer_id": labels(assigned.customer, names),
        "response_control": pa.array(assigned.control),
        "response_offer": pa.array(assigned.offered),
        "uplift": pa.array(assigned.offered - assigned.control),
        "quadrant": labels(assigned.quadrant, QUADRANTS),
        "closure_effect": pa.array(effect),
    })  # fmt: skip


def group_truth(people: People, names: pa.Array) -> pa.Table:
    """Groups, the latent features they were drawn from, a lens of pure noise, and the planted traits."""
    behave, want = scaled(people.behaviour, BEHAVIOUR_CENTRES), scaled(people.needs, NEEDS_CENTRES)
    return pa.table({
        "customer_id": labels(np.arange(len(people)), names),
        "behaviour_group": pa.array(people.behaviour_group),
        "needs_group": pa.array(people.needs_group),
        **{name: pa.array(behave[:, i]) for i, name in enumerate(("frequency", "digital", "ticket", "variety"))},
        **{name: pa.array(want[:, i]) for i, name in enumerate(("security", "return", "borrowing", "convenience"))},
        **{f"noise_{i + 1}": pa.array(people.noise[:, i]) for i in range(people.noise.shape[1])},
        "competitor": pa.array(people.competitor),
        "fees": pa.array(people.fees),
        "dissatisfaction": pa.array(people.dissatisfaction),
        "log_odds_seen": pa.array(people.seen),
        "log_odds_unseen": pa.array(people.unseen),
    })  # fmt: skip
