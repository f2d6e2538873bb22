"""Campaigns: who is drawn, who gets the offer, who answers because of it, and who is driven away by it.

Four kinds of customers by campaign: *persuadable* (answer more if treated), *sure thing* (answer anyway), *lost cause*
(hardly answer), *sleeping dog* (answer less if treated, and leave more). Assignment happens on the last day of a month.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from .columns import DAY, NEVER, epoch, ids, labels, moments, optional
from .economy import Economy, stream
from .population import BEHAVIOUR_CENTRES, NEEDS_CENTRES, People, scaled

QUADRANTS = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
RESPONSE = np.array([0.095, 0.205, 0.020, 0.095])  # without the offer
UPLIFT = np.array([0.140, 0.018, 0.006, -0.048])  # at the first treatment
FADE = 0.92  # per earlier treatment of the customer
ANNOYED_MONTHS = 2
CALMED = 0.75  # contacts in the month after a proactive support call
CHANNELS = ("call", "email", "sms", "letter")
REACHED = np.array([0.55, 0.40, 0.85, 0.70])
COST = np.array([4.0, 0.05, 0.10, 1.2])
OFFERS = ("card_cashback", "savings_bonus", "fee_waiver", "loan_rate", "insurance_trial", "deposit_rate")
ARMS = ("control", "placebo", "support_call", *OFFERS)
WINDOW = 30


@dataclass(frozen=True)
class Campaign:
    """One campaign of the calendar; ``size`` customers of the whole bank take part."""

    month: int
    kind: str  # randomised, targeted, placebo (A/A), support
    channel: int
    offer: str
    size: int


def draw_campaigns(seed: int, economy: Economy, customers: int) -> list[Campaign]:
    """Fix the calendar: twelve randomised campaigns, one targeted, one A/A, one proactive support call.

    Examples
    --------
    >>> from datetime import date
    >>> from .economy import draw_economy
    >>> [c.kind for c in draw_campaigns(7, draw_economy(7, 36, date(2026, 7, 1)), 10_000)].count("randomised")
    12
    """
    rng = stream(seed, 2**31, "campaigns")
    kinds = ["randomised"] * 15
    kinds[4], kinds[9], kinds[12] = "targeted", "placebo", "support"
    months = np.linspace(min(3, economy.months - 1), max(economy.months - 3, 0), 15).round().astype(int)
    sizes = np.minimum(rng.integers(4000, 5001, 15), int(0.45 * customers))
    found = []
    for number, (kind, month, size) in enumerate(zip(kinds, months, sizes, strict=True)):
        offer = {"placebo": "placebo", "support": "support_call"}.get(kind, OFFERS[number % len(OFFERS)])
        channel = 0 if kind == "support" else number % len(CHANNELS)
        found.append(Campaign(int(month), kind, channel, offer, int(size)))
    return found


@dataclass
class Assignments:
    """Customers × campaigns of a chunk, in the order of assignment."""

    campaign: np.ndarray
    customer: np.ndarray
    treated: np.ndarray
    propensity: np.ndarray
    quadrant: np.ndarray
    control: np.ndarray
    offered: np.ndarray
    phase: np.ndarray
    recency: np.ndarray
    reached: np.ndarray
    responded: np.ndarray


@dataclass
class CampaignBook:
    """Runs the campaigns while the lives of a chunk unfold, and keeps what happened."""

    rng: np.random.Generator
    campaigns: list[Campaign]
    places: int
    customers: int
    rows: list[Assignments] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._owner = np.full(self.places, -1)
        self._treatments = np.zeros(self.places, np.int64)
        self._last = np.full(self.places, -99)
        self.newly_annoyed = np.zeros(self.places, np.int64)
        self.calm = np.ones(self.places)

    def assign(self, t: int, people: People, phase: np.ndarray, recency: np.ndarray, eligible: np.ndarray,
               current: np.ndarray) -> None:  # fmt: skip
        """Run the campaigns of month ``t``; afterwards ``newly_annoyed`` and ``calm`` hold for the months to come."""
        moved = current != self._owner
        self._owner[moved] = current[moved]
        self._treatments[moved], self._last[moved] = 0, -99
        self.newly_annoyed[:], self.calm[:] = 0, 1.0
        for number, campaign in enumerate(self.campaigns):
            if campaign.month == t:
                self._run(number, campaign, t, people, phase, recency, eligible, current)

    def _run(self, number: int, campaign: Campaign, t: int, people: People, phase: np.ndarray, recency: np.ndarray,
             eligible: np.ndarray, current: np.ndarray) -> None:  # fmt: skip
        rng = self.rng
        pool = eligible if campaign.kind == "support" else eligible & people.consent
        wanted = campaign.size * self.places / self.customers
        who = np.flatnonzero(pool & (rng.random(self.places) < wanted / max(pool.sum(), 1)))
        declining, pressed = phase[who] >= 3, t - self._last[who] <= 3
        habit, want = scaled(people.behaviour[who], BEHAVIOUR_CENTRES), scaled(people.needs[who], NEEDS_CENTRES)
        tilt = np.column_stack([
            0.45 * habit[:, 1] + 0.45 * want[:, number % 4] + 0.25 * people.competitor[who] + 0.3 * (phase[who] == 1),
            0.5 * habit[:, 0] + 0.3 * people.salaried[who],
            np.zeros(len(who)),
            1.0 * declining + 0.7 * pressed + 0.5 * (recency[who] < 3) + 0.2 * people.dissatisfaction[who],
        ])  # fmt: skip
        score = np.log([0.121, 0.083, 0.66, 0.042]) + tilt + rng.gumbel(size=tilt.shape)
        quadrant = score.argmax(axis=1)
        individual = np.exp(rng.normal(-0.02, 0.2, len(who)))
        control = np.clip(RESPONSE[quadrant] * individual, 0.001, 0.6)
        uplift = UPLIFT[quadrant] * FADE ** self._treatments[who] * individual
        if campaign.kind in ("placebo", "support"):
            uplift = np.zeros(len(who))
        offered = np.clip(control + uplift, 0.001, 0.95)
        chance = np.full(len(who), 0.5)
        if campaign.kind == "targeted":
            chance = np.clip(1 / (1 + np.exp(-(0.7 * habit[:, 0] + 0.5 * people.salaried[who] - 0.9 * declining))),
                             0.1, 0.9)  # fmt: skip
        treated = rng.random(len(who)) < chance
        reach = REACHED[campaign.channel]
        reached = treated & (rng.random(len(who)) < reach)
        answer = np.where(reached, np.clip(control + (offered - control) / reach, 0.0, 0.99), control)
        responded = (rng.random(len(who)) < answer) & (campaign.kind != "support")
        self.rows.append(Assignments(np.full(len(who), number), current[who].copy(), treated,
                                     np.where(treated, chance, 1 - chance), quadrant, control, offered, phase[who],
                                     recency[who], reached, responded))  # fmt: skip
        bothered = who[treated & (quadrant == 3)]
        if campaign.kind in ("randomised", "targeted"):
            self.newly_annoyed[bothered] = ANNOYED_MONTHS
        if campaign.kind == "support":
            self.calm[who[treated]] = CALMED
        if campaign.kind != "placebo":
            self._treatments[who[treated]] += 1
            self._last[who[treated]] = t

    def finished(self, number: np.ndarray) -> Assignments | None:
        """All assignments with customers renumbered by ``number``, ordered by campaign and customer."""
        if not self.rows:
            return None
        whole = {n: np.concatenate([getattr(r, n) for r in self.rows]) for n in Assignments.__dataclass_fields__}
        whole["customer"] = number[whole["customer"]]
        order = np.lexsort((whole["customer"], whole["campaign"]))
        return Assignments(**{name: value[order] for name, value in whole.items()})


def campaign_table(campaigns: list[Campaign], economy: Economy) -> pa.Table:
    """Spell the calendar."""
    n = len(campaigns)
    month, channel = np.array([c.month for c in campaigns]), np.array([c.channel for c in campaigns])
    starts = epoch(economy.starts[month + 1]) - DAY
    return pa.table({
        "campaign_id": ids("P", np.arange(n) + 1, 3),
        "name": pa.array([f"{c.kind} {c.offer} {economy.starts[c.month].astype('datetime64[M]')}" for c in campaigns]),
        "offer": pa.array([c.offer for c in campaigns]),
        "channel": labels(channel, CHANNELS),
        "starts_at": moments(starts),
        "ends_at": moments(starts + WINDOW * DAY),
        "contact_cost": pa.array(COST[channel]),
        "offer_cost": pa.array([0.0 if c.kind in ("placebo", "support") else 8.0 + 2.0 * (i % 4)
                                for i, c in enumerate(campaigns)]),
        "response_window_days": pa.array(np.full(n, WINDOW)),
    })  # fmt: skip


def treatment_table(rng: np.random.Generator, rows: Assignments, campaigns: list[Campaign], economy: Economy,
                    closed_at: np.ndarray, names: pa.Array) -> pa.Table:  # fmt: skip
    """Spell the assignments; what would happen after the data or after the customer left is missing."""
    n, end = len(rows.customer), epoch(economy.starts[-1])
    month = np.array([c.month for c in campaigns])[rows.campaign]
    arm = np.array([ARMS.index(c.offer) for c in campaigns])[rows.campaign]
    assigned = epoch(economy.starts[month + 1]) - DAY + 9 * 3600
    delivered = assigned + rng.integers(3600, 3 * DAY, n)
    reached = delivered + rng.integers(60, 2 * DAY, n)
    responded = np.maximum(assigned + rng.integers(DAY, WINDOW * DAY, n), np.where(rows.reached, reached + 60, 0))
    gone = np.where(closed_at[rows.customer] == NEVER, end, closed_at[rows.customer])
    gone = np.minimum(gone, end)
    answers = rows.responded & (responded < gone)
    value = np.round(np.exp(rng.normal(3.6, 0.7, n)), 2)
    return pa.table({
        "campaign_id": labels(rows.campaign, ids("P", np.arange(len(campaigns)) + 1, 3)),
        "customer_id": labels(rows.customer, names),
        "assigned_at": moments(assigned),
        "arm": labels(np.where(rows.treated, arm, 0), ARMS),
        "propensity": pa.array(np.round(rows.propensity, 6)),
        "delivered_at": moments(np.where(rows.treated & (delivered < gone), delivered, NEVER)),
        "reached_at": moments(np.where(rows.reached & (reached < gone), reached, NEVER)),
        "responded_at": moments(np.where(answers, responded, NEVER)),
        "response_value": optional(value, ~answers),
    })  # fmt: skip
