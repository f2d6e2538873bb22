"""Who the customers are: traits that never change, and the part of the log-odds of leaving that follows from them."""

from dataclasses import dataclass, fields

import numpy as np

from .economy import BRANCHES_PER_REGION, Economy

EXTRA_PRODUCTS = ("savings", "credit_card", "term_deposit", "insurance")
EDUCATION = ("primary", "secondary", "bachelor", "master")
OCCUPATION = ("employee", "self_employed", "public_service", "worker", "student", "retired")
MARITAL = ("single", "married", "divorced", "widowed")

# Four groups of behaviour (frequency, digital, ticket, variety) and five of needs (security, return, borrowing,
# convenience): centres in units of the spread within a group. The distances give an adjusted Rand index of .6-.8.
BEHAVIOUR_CENTRES = np.array([[1, 1, 1, 1], [1, -1, -1, 1], [-1, 1, -1, -1], [-1, -1, 1, -1]]) * 1.12
NEEDS_CENTRES = np.array([[1, 1, 1, 0], [1, -1, -1, 1], [-1, 1, -1, 1], [-1, -1, 1, 1], [0, 0, 0, -2.0]]) * 1.22

# Log-odds of leaving per standard deviation (or per unit) of what shows in the data.
LEAVE = {
    "frequency": -0.31, "digital": -0.28, "competitor": 0.38, "fees": 0.36, "dissatisfaction": 0.18,
    "products": -0.33, "salary": -0.46, "age": -0.28, "region": 0.8,
}  # fmt: skip
UNSEEN_SD = 0.79
TENURE = -0.30


@dataclass
class People:
    """Traits of customers, one array element (or row) each; ``joined`` is a month index, negative before the data."""

    joined: np.ndarray
    age: np.ndarray
    gender: np.ndarray
    education: np.ndarray
    occupation: np.ndarray
    marital: np.ndarray
    region: np.ndarray
    branch: np.ndarray
    consent: np.ndarray
    income: np.ndarray
    salaried: np.ndarray
    products: np.ndarray
    behaviour_group: np.ndarray
    needs_group: np.ndarray
    behaviour: np.ndarray
    needs: np.ndarray
    noise: np.ndarray
    competitor: np.ndarray
    fees: np.ndarray
    dissatisfaction: np.ndarray
    contact_rate: np.ndarray
    margin: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray

    @property
    def log_odds(self) -> np.ndarray:
        """Log-odds of leaving that follow from the traits."""
        return self.seen + self.unseen

    def __len__(self) -> int:
        return len(self.joined)

    def take(self, index: np.ndarray) -> "People":
        return People(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def put(self, index: np.ndarray, other: "People") -> None:
        """Overwrite the customers at ``index``."""
        for f in fields(self):
            getattr(self, f.name)[index] = getattr(other, f.name)

    @classmethod
    def concat(cls, parts: "list[People]") -> "People":
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


def pick(rng: np.random.Generator, cumulative: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Draw one category per element, from the row of ``cumulative`` shares that belongs to it.

    Examples
    --------
    >>> pick(np.random.default_rng(0), np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([0, 1, 0]))
    array([1, 0, 1])
    """
    table = cumulative + np.arange(len(cumulative))[:, None]
    position = np.searchsorted(table.ravel(), rng.random(len(rows)) + rows, side="right")
    return np.minimum(position - rows * cumulative.shape[1], cumulative.shape[1] - 1)


def _mixture(rng: np.random.Generator, centres: np.ndarray, group: np.ndarray) -> np.ndarray:
    return centres[group] + rng.normal(size=(len(group), centres.shape[1]))


def scaled(latent: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Latent features of a mixture on a scale with mean 0 and variance 1."""
    return (latent - centres.mean(0)) / np.sqrt(1 + centres.var(0))


def draw_people(rng: np.random.Generator, n: int, economy: Economy, joined: int | np.ndarray) -> People:
    """Draw ``n`` customers who join in month ``joined``."""
    regions = economy.regions
    months_ago = -np.broadcast_to(np.asarray(joined), n)
    age_at_joining = np.clip(18 + rng.gamma(2.0, 9.0, n), 18, 85)
    age = age_at_joining + months_ago / 12
    gender = (rng.random(n) < 0.5).astype(np.int64)
    education = pick(rng, np.cumsum([[0.12, 0.43, 0.3, 0.15]], axis=1), np.zeros(n, np.int64))
    occupation = pick(rng, np.cumsum([[0.46, 0.14, 0.16, 0.24, 0, 0]], axis=1), np.zeros(n, np.int64))
    occupation = np.where(age_at_joining < 24, np.where(rng.random(n) < 0.5, 4, occupation), occupation)
    occupation = np.where(age > 65, 5, occupation)
    marital = pick(rng, np.cumsum([[0.7, 0.25, 0.05, 0.0], [0.3, 0.55, 0.12, 0.03], [0.1, 0.6, 0.15, 0.15]], axis=1),
                   np.digitize(age, [30, 60]))  # fmt: skip
    region = pick(rng, np.cumsum(regions.share)[None], np.zeros(n, np.int64))
    income = regions.average_income[region] * np.exp(
        rng.normal(0, 0.45, n) + 0.14 * (education - 1.5) - 0.12 * gender - 0.25 * np.isin(occupation, (4, 5))
    )
    behaviour_group, needs_group = rng.integers(0, 4, n), rng.integers(0, 5, n)
    behaviour = _mixture(rng, BEHAVIOUR_CENTRES, behaviour_group)
    needs = _mixture(rng, NEEDS_CENTRES, needs_group)
    want = scaled(needs, NEEDS_CENTRES)
    # savings, card, deposit and insurance are held according to needs
    pull = np.column_stack([0.4 + 0.5 * want[:, 0], -0.5 + 0.6 * want[:, 2], -1.2 + 0.7 * want[:, 1],
                            -0.9 + 0.6 * want[:, 3]])  # fmt: skip
    products = rng.random((n, 4)) < 1 / (1 + np.exp(-1.3 * pull))
    salaried = rng.random(n) < np.where((age < 22) | (age > 65), 0.35, 0.7)
    competitor, fees, dissatisfaction = rng.normal(size=(3, n))
    behave = scaled(behaviour, BEHAVIOUR_CENTRES)
    seen = (
        LEAVE["frequency"] * behave[:, 0]
        + LEAVE["digital"] * behave[:, 1]
        + LEAVE["competitor"] * competitor
        + LEAVE["fees"] * fees
        + LEAVE["dissatisfaction"] * dissatisfaction
        + LEAVE["products"] * (products.sum(1) - 1.6)
        + LEAVE["salary"] * (salaried - 0.6)
        + LEAVE["age"] * (np.clip(age, 18, 85) - 45) / 15
        + LEAVE["region"] * regions.churn[region]
    )
    loss = rng.random(n) < 0.12
    margin = np.exp(rng.normal(2.35, 1.2, n)) * np.where(loss, -0.9, 1.0) + 2.0 * ~loss
    return People(
        joined=np.broadcast_to(np.asarray(joined), n).copy(),
        age=age,
        gender=gender,
        education=education,
        occupation=occupation,
        marital=marital,
        region=region,
        branch=rng.integers(0, BRANCHES_PER_REGION, n),
        consent=rng.random(n) < 0.62,
        income=income,
        salaried=salaried,
        products=products,
        behaviour_group=behaviour_group,
        needs_group=needs_group,
        behaviour=behaviour,
        needs=needs,
        noise=rng.normal(size=(n, 3)),
        competitor=competitor,
        fees=fees,
        dissatisfaction=dissatisfaction,
        contact_rate=rng.gamma(2.8, 1 / 2.8, n) * np.exp(0.15 * dissatisfaction - 0.011),
        margin=margin,
        seen=seen,
        unseen=rng.normal(0, UNSEEN_SD, n),
    )
