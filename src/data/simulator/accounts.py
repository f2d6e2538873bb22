"""Which accounts a customer holds, and when each is opened and closed; everything closes when the customer leaves."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .columns import DAY, NEVER, epoch, ids, labels, moments, optional
from .economy import BRANCHES_PER_REGION, Economy
from .lifecycle import Panel
from .population import EDUCATION, EXTRA_PRODUCTS, MARITAL, OCCUPATION, People

PRODUCTS = ("current", *EXTRA_PRODUCTS, "loan")
OPENS = np.array([0.004, 0.02, 0.003, 0.0005, 0.0])  # per missing product and month, by phase
CLOSES = np.array([0.0, 0.0, 0.002, 0.02, 0.22])  # per held product and month, by phase
FOREVER = 10**6


@dataclass
class Timeline:
    """When each customer of a chunk joined and left: seconds since 1970 (``NEVER`` if not), and month indices."""

    joined_at: np.ndarray
    closed_at: np.ndarray
    closed_month: np.ndarray


@dataclass
class Accounts:
    """Accounts of a chunk, ordered by customer; ``number`` (customers, 5) finds a product's account, −1 for none.

    ``opened_month`` and ``closed_month`` (customers, 5): months in which the product was opened and closed.
    """

    customer: np.ndarray
    product: np.ndarray
    opened_at: np.ndarray
    closed_at: np.ndarray
    credit_limit: np.ndarray
    number: np.ndarray
    opened_month: np.ndarray
    closed_month: np.ndarray

    def usable(self, product: int, customer: np.ndarray, month: np.ndarray) -> np.ndarray:
        """Say where the product is open for the whole month."""
        held = self.opened_month[customer, product] < month
        return held & (self.closed_month[customer, product] > month)


def timeline(rng: np.random.Generator, people: People, panel: Panel, economy: Economy) -> Timeline:
    """Date the joining and the leaving of every customer."""
    n = len(people)
    first = economy.starts[0].astype("datetime64[M]").astype(int)
    month = (people.joined + first).astype("datetime64[M]")
    day = rng.integers(0, 28, n)
    t, place = np.nonzero(panel.join_day >= 0)
    day[panel.customer[t, place]] = panel.join_day[t, place]
    joined_at = epoch(month.astype("datetime64[D]")) + day * DAY + rng.integers(8 * 3600, 18 * 3600, n)
    closed_at, closed_month = np.full(n, NEVER), np.full(n, FOREVER)
    t, place = np.nonzero(panel.close_day >= 0)
    who = panel.customer[t, place]
    closed_month[who] = t
    closed_at[who] = (
        epoch(economy.starts[t]) + panel.close_day[t, place].astype(np.int64) * DAY + rng.integers(9 * 3600, 17 * 3600,
                                                                                                  len(who))
    )  # fmt: skip
    return Timeline(joined_at, closed_at, closed_month)


def draw_accounts(rng: np.random.Generator, people: People, panel: Panel, economy: Economy, when: Timeline) -> Accounts:
    """Open and close products month by month; phase decides how often."""
    n, months = len(people), economy.months
    opened = np.full((n, 5), FOREVER)
    closed = np.full((n, 5), FOREVER)
    opened[:, 0] = people.joined
    earlier = people.joined[:, None] + np.where(people.joined[:, None] < 0, rng.integers(0, 36, (n, 4)), 0)
    base = np.where(people.joined[:, None] < 0, np.minimum(earlier, -1), people.joined[:, None])
    opened[:, 1:] = np.where(people.products, base, FOREVER)
    for t in range(months):
        whole = (panel.join_day[t] < 0) & (panel.close_day[t] < 0) & (panel.customer[t] >= 0)
        who, phase = panel.customer[t, whole], panel.phase[t, whole]
        held = (opened[who, 1:] < t) & (closed[who, 1:] == FOREVER)
        never = opened[who, 1:] == FOREVER
        u = rng.random(held.shape)
        opened[who, 1:] = np.where(never & (u < OPENS[phase][:, None]), t, opened[who, 1:])
        closed[who, 1:] = np.where(held & (u < CLOSES[phase][:, None]), t, closed[who, 1:])
    closed = np.minimum(closed, when.closed_month[:, None])
    customer, product = np.nonzero(opened < FOREVER)
    number = np.full((n, 5), -1)
    number[customer, product] = np.arange(len(customer))
    first = economy.starts[0].astype("datetime64[M]").astype(int)

    def moment(month: np.ndarray) -> np.ndarray:
        start = epoch((np.where(month == FOREVER, 0, month) + first).astype("datetime64[M]").astype("datetime64[D]"))
        return start + rng.integers(0, 28, len(month)) * DAY + rng.integers(9 * 3600, 17 * 3600, len(month))

    begins, ends = opened[customer, product], closed[customer, product]
    opened_at = np.where((product == 0) | (begins == people.joined[customer]), when.joined_at[customer], moment(begins))
    leaves = ends == when.closed_month[customer]
    closed_at = np.where(ends == FOREVER, NEVER, np.where(leaves, when.closed_at[customer], moment(ends)))
    limit = np.round(people.income[customer] * rng.uniform(0.8, 2.5, len(customer)), -2)
    return Accounts(customer, product, opened_at, closed_at, np.where(product == 2, limit, np.nan), number, opened,
                    closed)  # fmt: skip


def customer_names(count: int, offset: int) -> pa.Array:
    return ids("C", offset + np.arange(count), 8)


def region_names(economy: Economy) -> pa.Array:
    return ids("R", np.arange(len(economy.regions.share)) + 1, 2)


def branch_names(economy: Economy) -> pa.Array:
    return ids("B", np.arange(len(economy.regions.share) * BRANCHES_PER_REGION) + 1, 3)


def customer_table(people: People, economy: Economy, when: Timeline, offset: int) -> pa.Table:
    """Spell the table of customers."""
    born = economy.starts[0].astype(int) - (people.age * 365.25).astype(int)
    return pa.table({
        "customer_id": customer_names(len(people), offset),
        "birth_date": pa.array(born.astype(np.int32), pa.int32()).cast(pa.date32()),
        "gender": labels(people.gender, ("male", "female")),
        "education": labels(people.education, EDUCATION),
        "occupation": labels(people.occupation, OCCUPATION),
        "marital_status": labels(people.marital, MARITAL),
        "region_id": labels(people.region, region_names(economy)),
        "branch_id": labels(people.region * BRANCHES_PER_REGION + people.branch, branch_names(economy)),
        "joined_at": moments(when.joined_at),
        "marketing_consent": pa.array(people.consent),
    })  # fmt: skip


def account_table(accounts: Accounts, names: pa.Array, offset: int) -> pa.Table:
    """Spell the table of accounts."""
    return pa.table({
        "account_id": ids("A", offset + np.arange(len(accounts.customer)), 9),
        "customer_id": labels(accounts.customer, names),
        "product": labels(accounts.product, PRODUCTS),
        "opened_at": moments(accounts.opened_at),
        "closed_at": moments(accounts.closed_at),
        "credit_limit": optional(accounts.credit_limit, np.isnan(accounts.credit_limit)),
    })  # fmt: skip


def region_table(economy: Economy) -> pa.Table:
    """Spell the table of regions."""
    from .economy import REGION_NAMES

    r = economy.regions
    return pa.table({
        "region_id": region_names(economy),
        "name": pa.array(REGION_NAMES),
        "population": pa.array(r.population),
        "urban_share": pa.array(r.urban_share),
        "average_income": pa.array(r.average_income),
        "unemployment_rate": pa.array(r.unemployment_rate),
    })  # fmt: skip
