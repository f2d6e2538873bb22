"""Bookings: what customers do in a month follows their level of activity, habits, needs, phase and the season."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..schemas import CHANNELS, KINDS
from .accounts import Accounts, branch_names
from .columns import DAY, epoch, ids, labels, moments, pick_days
from .economy import BRANCHES_PER_REGION, Economy
from .lifecycle import Panel
from .population import BEHAVIOUR_CENTRES, NEEDS_CENTRES, People, pick, scaled

K = {name: code for code, name in enumerate(KINDS)}
CH = {name: code for code, name in enumerate(CHANNELS)}
CATEGORIES = ("groceries", "restaurants", "travel", "fuel", "clothing", "electronics", "health", "utilities",
              "education", "leisure")  # fmt: skip
CATEGORY_PRICE = np.array([0.9, 0.7, 3.0, 1.1, 1.3, 2.4, 1.0, 1.6, 2.0, 0.8])
# What is bought follows from the needs, a row per group of them; groups as in population.NEEDS_CENTRES.
CATEGORY_SHARE = np.array([
    [0.25, 0.09, 0.04, 0.09, 0.07, 0.08, 0.11, 0.14, 0.08, 0.05],  # security, return and borrowing: a family's house
    [0.29, 0.13, 0.03, 0.08, 0.07, 0.04, 0.15, 0.11, 0.03, 0.07],  # security and convenience: health and comfort
    [0.20, 0.16, 0.07, 0.06, 0.08, 0.06, 0.07, 0.07, 0.10, 0.13],  # return and convenience: courses and going out
    [0.21, 0.14, 0.07, 0.12, 0.13, 0.13, 0.05, 0.06, 0.03, 0.06],  # borrowing and convenience: things and trips
    [0.37, 0.06, 0.03, 0.10, 0.09, 0.05, 0.07, 0.12, 0.03, 0.08],  # nothing from the bank: the basket of the week
])  # fmt: skip
# When it is done follows from the behaviour: the middle of the day's business by group, as in BEHAVIOUR_CENTRES.
USUAL_HOUR = np.array([15.5, 12.5, 17.0, 14.0])
HOUR_SD = 3.6
DISCRETIONARY = ("purchase", "cash_withdrawal", "transfer_out", "transfer_in", "cash_deposit", "refund")
SHARE = np.array([0.62, 0.13, 0.085, 0.095, 0.05, 0.02])
OUT_BY_PHASE = np.array([1.0, 0.95, 1.0, 5.0, 20.0])  # rate of transfers out, relative to activity
OUT_AMOUNT = np.array([1.0, 1.0, 1.0, 1.8, 3.5])
BOOKINGS = 7.3  # customer-initiated, a month
NOISE = 0.14  # SD of a month's own log activity


@dataclass
class Bookings:
    """Rows under construction; ``product`` says which of the customer's accounts is used."""

    customer: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    amount: np.ndarray
    margin: np.ndarray
    channel: np.ndarray
    category: np.ndarray
    product: np.ndarray

    @classmethod
    def concat(cls, parts: "list[Bookings]") -> "Bookings":
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__})


def day_weights(economy: Economy) -> np.ndarray:
    """Running sum over all days of the weight of a day: more after payday, and at weekends."""
    days = economy.starts[0] + np.arange((economy.starts[-1] - economy.starts[0]).astype(int))
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    weekday = (days.astype(int) + 3) % 7
    weight = 1 + 0.35 * ((of_month >= 26) | (of_month <= 3)) + 0.15 * (weekday >= 4)
    return np.concatenate([[0.0], np.cumsum(weight)])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _rates(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, who: np.ndarray,
           t: np.ndarray, phase: np.ndarray, level: np.ndarray, share: np.ndarray) -> np.ndarray:  # fmt: skip
    """Expected number of bookings (rows, 6 kinds)."""
    habit = scaled(people.behaviour[who], BEHAVIOUR_CENTRES)
    want = scaled(people.needs[who], NEEDS_CENTRES)
    activity = (
        BOOKINGS
        * share
        * economy.season[t]
        * np.exp(
            0.34 * habit[:, 0]
            - 0.06
            + level
            + 1.0 * economy.cycle[t, people.region[who]]
            + rng.normal(0, NOISE, len(who))
        )
    )
    rates = activity[:, None] * SHARE
    rates[:, 1] *= np.exp(-0.35 * habit[:, 1] + 0.1 * want[:, 3])
    rates[:, 2] *= np.exp(0.55 * people.competitor[who] - 0.15) * OUT_BY_PHASE[phase]
    rates[:, 4] *= np.exp(-0.3 * habit[:, 1])
    return rates


def discretionary(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, accounts: Accounts,
                  places: slice, cumulative: np.ndarray) -> Bookings:  # fmt: skip
    """Draw what customers decide themselves."""
    t, place = np.nonzero(panel.customer[:, places] >= 0)
    place = place + places.start
    who, phase = panel.customer[t, place], panel.phase[t, place]
    join, close = panel.join_day[t, place].astype(int), panel.close_day[t, place].astype(int)
    first = (economy.starts[t] - economy.starts[0]).astype(int)
    begins, days = first + join + 1, economy.days[t]
    ends = first + np.where(close >= 0, close, days)
    share = np.maximum(ends - begins, 0) / days
    rates = _rates(rng, people, panel, economy, who, t, phase, panel.level[t, place], share)
    counts = rng.poisson(rates)
    parts = []
    for code, name in enumerate(DISCRETIONARY):
        row = np.repeat(np.arange(len(who)), counts[:, code])
        customer, month, n = who[row], t[row], int(counts[:, code].sum())
        day = pick_days(rng, cumulative, begins[row], ends[row])
        habit = scaled(people.behaviour[customer], BEHAVIOUR_CENTRES)
        wealth = (people.income[customer] / 2100) ** 0.7 * np.exp(0.8 * economy.cycle[month, people.region[customer]])
        category, product = np.full(n, -1), np.zeros(n, np.int64)
        coin = rng.random(n)
        margin = np.zeros(n)
        if name in ("purchase", "refund"):
            category = pick(rng, np.cumsum(CATEGORY_SHARE, axis=1), people.needs_group[customer])
            size = 27 * wealth * np.exp(0.35 * habit[:, 2] + rng.normal(0, 0.75, n)) * CATEGORY_PRICE[category]
            online = coin < _sigmoid(-0.9 + 1.3 * habit[:, 1])
            channel = np.where(online, np.where(rng.random(n) < 0.55, CH["mobile"], CH["internet"]), CH["pos"])
            card = accounts.usable(2, customer, month) & (rng.random(n) < 0.4)
            product = np.where(card, 2, 0)
            margin = 0.004 * size
        elif name == "cash_withdrawal":
            size = 10 * np.ceil(7 * wealth * np.exp(rng.normal(0, 0.6, n)))
            channel = np.where(coin < 0.9, CH["atm"], CH["branch"])
        elif name == "cash_deposit":
            size = 10 * np.ceil(12 * wealth * np.exp(rng.normal(0, 0.8, n)))
            channel = np.where(coin < 0.45, CH["atm"], CH["branch"])
        elif name == "transfer_in":
            size = 190 * wealth * np.exp(rng.normal(0, 0.9, n))
            channel = np.full(n, CH["automatic"])
        else:
            size = 150 * wealth * np.exp(rng.normal(0, 0.95, n)) * OUT_AMOUNT[phase[row]]
            digital = coin < _sigmoid(1.0 + 1.3 * habit[:, 1])
            by_hand = np.where(rng.random(n) < 0.85, CH["branch"], CH["phone"])
            channel = np.where(digital, np.where(rng.random(n) < 0.6, CH["mobile"], CH["internet"]), by_hand)
            margin = np.full(n, 0.1)
        sign = 1.0 if name in ("transfer_in", "cash_deposit", "refund") else -1.0
        if name == "refund":
            margin = -margin
        parts.append(Bookings(customer, day, np.full(n, K[name]), sign * size, margin, channel, category, product))
    return Bookings.concat(parts)


def regular(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, accounts: Accounts,
            places: slice, margin: np.ndarray) -> Bookings:  # fmt: skip
    """Draw what comes by itself once a month: salary, fee, interest (which carries the bank's margin on balances)."""
    t, place = np.nonzero(panel.customer[:, places] >= 0)
    place = place + places.start
    who = panel.customer[t, place]
    join, close = panel.join_day[t, place].astype(int), panel.close_day[t, place].astype(int)
    first, days = (economy.starts[t] - economy.starts[0]).astype(int), economy.days[t]
    payday = 23 + (who * 7919) % 5
    parts = []
    plans = (
        ("salary", payday, panel.salary[t, place]),
        ("fee", days - 1, np.ones(len(t), bool)),
        ("interest", days - 2, np.ones(len(t), bool)),
    )
    for name, day, happens in plans:
        keep = happens & (day > join) & ((close < 0) | (day < close))
        customer, month, n = who[keep], t[keep], int(keep.sum())
        earned = np.zeros(n)
        product = np.zeros(n, np.int64)
        if name == "salary":
            cycle = economy.cycle[month, people.region[customer]]
            size = people.income[customer] * np.exp(0.6 * cycle + rng.normal(0, 0.03, n))
            earned = 0.0005 * size
        elif name == "fee":
            size = -monthly_fee(people.fees[customer]) * np.exp(rng.normal(0, 0.08, n))
            earned = -size
        else:
            earned = margin[t, place][keep]
            size = np.maximum(0.01, 0.15 * np.abs(earned) * np.exp(rng.normal(0, 0.4, n)))
            product = np.where(accounts.usable(1, customer, month), 1, 0)
        parts.append(Bookings(customer, (first + day)[keep], np.full(n, K[name]), size, earned,
                              np.full(n, CH["automatic"]), np.full(n, -1), product))  # fmt: skip
    return Bookings.concat(parts)


def monthly_fee(fees: np.ndarray) -> np.ndarray:
    """Fee of a month for a customer with the trait ``fees``."""
    return 3.0 * np.exp(0.55 * fees)


def time_of_day(rng: np.random.Generator, channel: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Seconds since midnight: automatic bookings before dawn, the others around the customer's ``usual`` hour."""
    hour = np.clip(usual + HOUR_SD * rng.standard_normal(len(channel)), 6, 23.5)
    return np.where(channel == CH["automatic"], rng.integers(3600, 5 * 3600, len(channel)), (hour * 3600).astype(int))


def lateness(rng: np.random.Generator, n: int) -> np.ndarray:
    """Seconds from the event to the moment when the bank knows: within a day for 95 %, 30 days or more for 1 %."""
    u = rng.random(n)
    soon = rng.integers(0, 20 * 3600, n)
    return np.where(u < 0.95, soon, np.where(u < 0.99, DAY + rng.integers(0, 6 * DAY, n), 30 * DAY + soon))


def transaction_table(rng: np.random.Generator, rows: Bookings, people: People, economy: Economy, accounts: Accounts,
                      names: pa.Array, offset: int, account_offset: int) -> pa.Table:  # fmt: skip
    """Order the bookings by customer and time and spell them; what the bank doesn't know at the end is left out."""
    start, end = epoch(economy.starts[0]), epoch(economy.starts[-1])
    usual = USUAL_HOUR[people.behaviour_group[rows.customer]]
    booked = start + rows.day.astype(np.int64) * DAY + time_of_day(rng, rows.channel, usual)
    known = booked + lateness(rng, len(booked))
    order = np.argsort(rows.customer.astype(np.int64) * 2**33 + booked, kind="stable")
    order = order[known[order] < end]
    who, channel = rows.customer[order], rows.channel[order]
    account = accounts.number[who, rows.product[order]]
    low = int(account.min(initial=0))
    account_names = ids("A", account_offset + low + np.arange(int(account.max(initial=0)) - low + 1), 9)
    branch = np.where(channel == CH["branch"], people.region[who] * BRANCHES_PER_REGION + people.branch[who], -1)
    return pa.table({
        "transaction_id": ids("T", offset + np.arange(len(order)), 10),
        "customer_id": labels(who, names),
        "account_id": labels(account - low, account_names),
        "booked_at": moments(booked[order]),
        "amount": pa.array(np.round(rows.amount[order], 2)),
        "margin": pa.array(np.round(rows.margin[order], 2)),
        "kind": labels(rows.kind[order], KINDS),
        "channel": labels(channel, CHANNELS),
        "category": labels(rows.category[order], CATEGORIES),
        "branch_id": labels(branch, branch_names(economy)),
        "known_at": moments(known[order]),
    })  # fmt: skip
