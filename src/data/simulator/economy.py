"""What is drawn before any customer: calendar, regions, regional economy, credit factor."""

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

REGION_NAMES = (
    "North Coast", "Lake District", "Capital", "River Plain", "East Hills", "High Plateau",
    "South Coast", "Salt Desert", "West Valley", "Old Port", "Orchard Land", "Border March",
)  # fmt: skip
BRANCHES_PER_REGION = 5


def stream(seed: int, chunk: int, name: str) -> np.random.Generator:
    """Give a mechanism its own random stream, so that a change in one leaves the draws of the others alone.

    Examples
    --------
    >>> bool(stream(7, 0, "credit").integers(100) == stream(7, 0, "credit").integers(100))
    True
    """
    return np.random.default_rng([seed, chunk, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class Regions:
    """Regions of the bank; ``churn`` (log-odds) is planted and appears in no table."""

    population: np.ndarray
    urban_share: np.ndarray
    average_income: np.ndarray
    unemployment_rate: np.ndarray
    share: np.ndarray
    churn: np.ndarray


@dataclass(frozen=True)
class Economy:
    """Global draws.

    Attributes
    ----------
    starts : datetime64[D] (months + 1,)
        First day of every month; the last one is the first day after the data.
    cycle : float (months, regions)
        Regional economy, log deviation, AR(1) with coefficient .85 and SD about .05.
    season : float (months,)
        Factor on spending; December 1.25 relative to the other months.
    credit_factor : float (months,)
        Standard normal factor, the same for the months of a quarter, that moves default (positive is good).
    """

    starts: np.ndarray
    regions: Regions
    cycle: np.ndarray
    season: np.ndarray
    credit_factor: np.ndarray

    @property
    def months(self) -> int:
        return len(self.starts) - 1

    @property
    def days(self) -> np.ndarray:
        """Days of every month."""
        return np.diff(self.starts).astype(int)


def month_starts(end: date, months: int) -> np.ndarray:
    """First days of the months before ``end`` and ``end`` itself.

    Examples
    --------
    >>> [str(d) for d in month_starts(date(2026, 3, 1), 2)]
    ['2026-01-01', '2026-02-01', '2026-03-01']
    """
    last = np.datetime64(end, "M")
    return (last - np.arange(months, -1, -1)).astype("datetime64[D]")


def draw_economy(seed: int, months: int, end: date) -> Economy:
    """Draw calendar, regions, regional economy and the quarterly credit factor."""
    rng = stream(seed, 2**31, "economy")
    n = len(REGION_NAMES)
    share = rng.dirichlet(np.full(n, 6.0))
    urban = np.clip(rng.normal(0.6, 0.18, n), 0.15, 0.97)
    regions = Regions(
        population=np.round(share * 18_000_000, -3).astype(np.int64),
        urban_share=np.round(urban, 3),
        average_income=np.round(2100 * np.exp(0.5 * (urban - 0.6) + rng.normal(0, 0.08, n)), 0),
        unemployment_rate=np.round(np.clip(rng.normal(0.07, 0.02, n), 0.02, 0.15), 3),
        share=share,
        churn=rng.permutation(np.linspace(-0.45, 0.45, n)),
    )
    starts = month_starts(end, months)
    cycle = np.empty((months, n))
    state = rng.normal(0, 0.05, n)
    for t in range(months):
        state = 0.85 * state + rng.normal(0, 0.05 * np.sqrt(1 - 0.85**2), n)
        cycle[t] = state
    calendar_month = starts[:-1].astype("datetime64[M]").astype(int) % 12
    season = np.array([0.97, 0.97, 1.0, 1.0, 1.01, 1.02, 1.02, 0.98, 1.0, 1.0, 1.03, 1.25])[calendar_month]
    quarter = starts[:-1].astype("datetime64[M]").astype(int) // 3
    factors = rng.normal(size=quarter[-1] - quarter[0] + 1)
    # A sample of a dozen quarters is centred and scaled, so that base rates are those of the design for every seed.
    factors = (factors - factors.mean()) / max(factors.std(), 1e-9)
    return Economy(starts, regions, cycle, season, factors[quarter - quarter[0]])
