"""The monthly life of every customer: phases, unresolved contacts, and the month in which the customer leaves.

A bank of ``n`` places: whoever leaves is followed, a month later, by somebody new, so that the bank keeps its size.
The chain runs for years before the data begin, so that the first month is as typical as the last.

At the start of a month the phase moves on, then the customer may leave in that month; contacts of the month that stay
unresolved act on the three months after it. The behaviour of a month follows the phase of that month.
"""

from dataclasses import dataclass, fields

import numpy as np

from .campaigns import Assignments, CampaignBook
from .economy import Economy
from .population import TENURE, People, draw_people

PHASES = ("new", "growing", "steady", "declining", "leaving")
NEW, GROWING, STEADY, DECLINING, LEAVING = range(5)
NEW_MONTHS = 6
BURN_IN = 180

# Monthly probability of moving from (row) to (column); who is new stays new for six months and then moves.
MOVES = np.array([
    [0.000, 0.420, 0.550, 0.030, 0.000],
    [0.000, 0.890, 0.090, 0.020, 0.000],
    [0.000, 0.020, 0.936, 0.044, 0.000],
    [0.000, 0.006, 0.056, 0.850, 0.088],
    [0.000, 0.000, 0.010, 0.040, 0.950],
])  # fmt: skip
# Log-odds of leaving within the month, by phase, for a customer with average traits.
HAZARD = np.array([-5.65, -5.65, -5.35, -3.90, -1.15])
UNRESOLVED_EFFECT = 0.5
UNRESOLVED_MONTHS = 3
UNRESOLVED_SHARE = 0.18
ANNOYED_EFFECT = 0.7  # a sleeping dog who was treated, for two months
CONTACTS_A_YEAR = 1.21
CONTACTS_BY_PHASE = np.array([1.3, 1.0, 0.95, 1.15, 1.4])

# Activity (log) moves towards the phase's level at the phase's speed.
LEVEL = np.array([-0.1, 0.50, 0.0, -1.30, -2.8])
SPEED = np.array([0.35, 0.28, 0.70, 0.95, 0.95])
SALARY_STOPS = np.array([0.003, 0.002, 0.003, 0.18, 0.90])
SALARY_RESUMES = np.array([0.7, 0.7, 0.7, 0.02, 0.0])


@dataclass
class Panel:
    """Places × months. Arrays are (months, places); days count from 0 within the month, −1 says "not in this month".

    ``recency`` is the state at the start of the month: months since the last unresolved contact (3: none that still
    acts); ``annoyed`` the months for which a treated sleeping dog still is so; ``month_end_*`` are the states after
    the month, which the truth of the following ``as_of`` starts from (``calm`` multiplies the next month's contacts).
    """

    customer: np.ndarray
    phase: np.ndarray
    level: np.ndarray
    salary: np.ndarray
    recency: np.ndarray
    month_end_recency: np.ndarray
    month_end_annoyed: np.ndarray
    month_end_calm: np.ndarray
    join_day: np.ndarray
    close_day: np.ndarray
    episodes: np.ndarray
    unresolved: np.ndarray

    @classmethod
    def empty(cls, months: int, n: int) -> "Panel":
        shape = (months, n)
        kinds = {"customer": np.int32, "level": np.float32, "salary": np.bool_, "month_end_calm": np.float32}
        return cls(**{f.name: np.full(shape, -1, kinds.get(f.name, np.int8)) for f in fields(cls)})


def tenure_term(months: np.ndarray) -> np.ndarray:
    """Log-odds of leaving that follow from tenure in months."""
    return TENURE * (np.log1p(np.maximum(months, 0)) - 4.0)


def leaving_odds(
    traits: np.ndarray, phase: np.ndarray, tenure: np.ndarray, recency: np.ndarray, annoyed: np.ndarray
) -> np.ndarray:
    """Log-odds of leaving within the month."""
    return (
        HAZARD[phase]
        + traits
        + tenure_term(tenure)
        + UNRESOLVED_EFFECT * (recency < UNRESOLVED_MONTHS)
        + ANNOYED_EFFECT * (annoyed > 0)
    )


def decline_factor(traits: np.ndarray) -> np.ndarray:
    """How much likelier than average a steady customer begins to decline."""
    return np.clip(np.exp(0.30 * traits - 0.03), 0.2, 4.0)


def contact_rate(people_rate: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Expected number of matters that make a customer contact the bank in a month."""
    return CONTACTS_A_YEAR / 12 * people_rate * CONTACTS_BY_PHASE[phase]


def _next_phase(rng: np.random.Generator, phase: np.ndarray, tenure: np.ndarray, traits: np.ndarray) -> np.ndarray:
    rows = np.cumsum(MOVES, axis=1)[phase]
    to_decline = MOVES[STEADY, DECLINING] * decline_factor(traits)
    rows[:, STEADY] = np.where(phase == STEADY, 1 - to_decline, rows[:, STEADY])
    moved = (rng.random(len(phase))[:, None] >= rows[:, :4]).sum(axis=1)
    return np.where((phase == NEW) & (tenure < NEW_MONTHS), NEW, moved)


class _Places:
    """State of every place while the months go by."""

    def __init__(self, rng: np.random.Generator, n: int, economy: Economy) -> None:
        self.rng, self.n, self.economy = rng, n, economy
        self.people = draw_people(rng, n, economy, -rng.integers(BURN_IN, 2 * BURN_IN, n))
        self.phase = rng.choice(5, n, p=[0, 0.15, 0.65, 0.15, 0.05])
        self.level = LEVEL[self.phase]
        self.recency = np.full(n, UNRESOLVED_MONTHS)
        self.annoyed = np.zeros(n, np.int64)
        self.salary = self.people.salaried.copy()
        self.absent = np.zeros(n, bool)
        self.current = np.arange(n)
        self.roster: list[People] = []
        self.place: list[np.ndarray] = []
        self.count = 0

    def open_books(self) -> None:
        """Number the customers who are there when the data begin."""
        there = np.flatnonzero(~self.absent)
        self.roster, self.place, self.count = [self.people.take(there)], [there], len(there)
        self.current[there] = np.arange(self.count)

    def join(self, t: int) -> None:
        """Fill the places that were left in the month before."""
        joins = np.flatnonzero(self.absent)
        fresh = draw_people(self.rng, len(joins), self.economy, t)
        self.people.put(joins, fresh)
        self.phase[joins], self.level[joins], self.recency[joins] = NEW, -0.3, UNRESOLVED_MONTHS
        self.annoyed[joins], self.salary[joins] = 0, fresh.salaried
        if t >= 0:
            self.roster.append(fresh)
            self.place.append(joins)
            self.current[joins] = self.count + np.arange(len(joins))
            self.count += len(joins)

    def move(self, t: int) -> np.ndarray:
        """Take the phases on, and the behaviour after them; say who leaves in this month."""
        tenure, traits = t - self.people.joined, self.people.log_odds
        self.phase = np.where(self.absent, NEW, _next_phase(self.rng, self.phase, tenure, traits))
        odds = leaving_odds(traits, self.phase, tenure, self.recency, self.annoyed)
        closes = (self.rng.random(self.n) < 1 / (1 + np.exp(-odds))) & ~self.absent
        self.level = self.level + SPEED[self.phase] * (LEVEL[self.phase] - self.level)
        toggles = self.rng.random(self.n)
        resumes = self.people.salaried & (toggles < SALARY_RESUMES[self.phase])
        self.salary = np.where(self.salary, toggles >= SALARY_STOPS[self.phase], resumes)
        return closes

    def contact(self, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw the matters of the month and how many stay unresolved."""
        episodes = self.rng.poisson(rate)
        unresolved = self.rng.binomial(episodes, UNRESOLVED_SHARE)
        self.recency = np.where(unresolved > 0, 0, np.minimum(self.recency + 1, UNRESOLVED_MONTHS))
        self.annoyed = np.maximum(self.annoyed - 1, 0)
        return episodes, unresolved


def simulate_lives(
    rng: np.random.Generator, n: int, economy: Economy, book: CampaignBook
) -> tuple[People, Panel, Assignments | None]:
    """Run the chain.

    Returns
    -------
    People
        All customers who were with the bank in the period, ordered by place and time.
    Panel
        Their months.
    Assignments or None
        Who took part in which campaign.
    """
    places, panel = _Places(rng, n, economy), Panel.empty(economy.months, n)
    for t in range(-BURN_IN, economy.months):
        if t == 0:
            places.open_books()
        absent = places.absent
        places.join(t)
        closes = places.move(t)
        rate = contact_rate(places.people.contact_rate, places.phase)
        if t < 0:
            places.contact(rate)
        else:
            _month(places, panel, t, rate, absent, closes, book)
        places.absent = closes
    everyone, place = People.concat(places.roster), np.concatenate(places.place)
    order = np.argsort(place, kind="stable")
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order))
    panel.customer[:] = number[panel.customer]
    return everyone.take(order), panel, book.finished(number)


def _month(places: _Places, panel: Panel, t: int, rate: np.ndarray, absent: np.ndarray, closes: np.ndarray,
           book: CampaignBook) -> None:  # fmt: skip
    """Finish a month of the data: its days, contacts and campaigns, and write them into the panel."""
    days = int(places.economy.days[t])
    join_day = np.where(absent, places.rng.integers(0, days, places.n), -1)
    close_day = np.where(closes, places.rng.integers(0, days, places.n), -1)
    share = np.where(absent, 1 - (join_day + 1) / days, np.where(closes, close_day / days, 1.0))
    panel.customer[t], panel.phase[t] = places.current, places.phase
    panel.level[t], panel.salary[t] = places.level, places.salary
    panel.recency[t], panel.join_day[t], panel.close_day[t] = places.recency, join_day, close_day
    calm = np.where(absent, 1.0, book.calm)
    book.assign(t, places.people, places.phase, places.recency, ~closes & ~absent, places.current)
    panel.episodes[t], panel.unresolved[t] = places.contact(rate * share * calm)
    places.annoyed = np.maximum(places.annoyed, book.newly_annoyed)
    panel.month_end_recency[t], panel.month_end_annoyed[t] = places.recency, places.annoyed
    panel.month_end_calm[t] = book.calm
