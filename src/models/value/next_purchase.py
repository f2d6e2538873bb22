"""The next purchase: will there be one, when, of what, for how much; and which product comes next.

Each question has a rival that needs no model; the model stays only where it is better for certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError

Array = NDArray[np.float64]
BLOCK = "category:"


@dataclass(frozen=True)
class Timing:
    """When the next purchase comes, given the probability that it comes within ``days``.

    Waiting times are taken as Weibull with one ``shape`` for everybody and a scale of each customer's own:
    P(T <= t) = 1 - (1 - p) ** ((t / days) ** shape). Shape 1 is a constant rate; below 1, purchases come in bursts.
    """

    days: float
    shape: float

    def quantile(self, probability: Array, share: float) -> Array:
        """Days by which a share of the next purchases will have come; infinite where the probability is 0.

        Examples
        --------
        >>> Timing(30.0, 1.0).quantile(np.array([0.5]), 0.75).round(6)
        array([60.])
        """
        rate = -np.log1p(-np.clip(probability, 0.0, 1 - 1e-12))
        with np.errstate(divide="ignore"):
            return np.asarray(self.days * (-np.log1p(-share) / rate) ** (1 / self.shape))

    def expected(self, probability: Array) -> Array:
        """Mean days to the next purchase."""
        from scipy.special import gamma

        rate = -np.log1p(-np.clip(probability, 1e-12, 1 - 1e-12))
        return np.asarray(self.days * rate ** (-1 / self.shape) * gamma(1 + 1 / self.shape))


def fit_timing(probability: Array, waited: Array, observed: Array, days: float) -> Timing:
    """Find the shape by maximum likelihood; a customer without a purchase is censored after the observed days.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Of a purchase within ``days``, made without the customer.
    waited, observed : ndarray, shape (n,)
        Days to the next purchase (NaN: none seen), and days in which one would have been seen.

    Raises
    ------
    DataError
        With fewer than 50 purchases.
    """
    from scipy.optimize import minimize_scalar

    bought = ~np.isnan(waited)
    if bought.sum() < 50:
        raise DataError(f"{int(bought.sum())} next purchases were seen, 50 are needed to say when one comes")
    rate = -np.log1p(-np.clip(probability, 1e-6, 1 - 1e-6))
    until = np.where(bought, waited + 1.0, observed) / days  # a purchase on the day itself has waited for that day
    from_ = np.where(bought, waited, observed) / days

    def loss(shape: float) -> float:
        start, end = rate * from_**shape, rate * until**shape
        seen = -start[bought] + np.log(-np.expm1(start[bought] - end[bought]) + 1e-300)
        return float(-(seen.sum() - start[~bought].sum()))

    found = minimize_scalar(loss, bounds=(0.2, 3.0), method="bounded", options={"xatol": 1e-4})
    return Timing(days, round(float(found.x), 4))


@dataclass(frozen=True)
class Habit:
    """What is bought: a customer's own shares, leaned towards everybody's by ``strength`` imagined purchases."""

    strength: float
    popularity: dict[str, float]

    def shares(self, counts: pd.DataFrame) -> pd.DataFrame:
        """Probability of each category; the index of ``counts``, columns ordered by name, rows sum to 1.

        Examples
        --------
        >>> habit = Habit(2.0, {"category:food": 0.75, "category:travel": 0.25})
        >>> habit.shares(pd.DataFrame({"category:food": [0.0, 0.0], "category:travel": [6.0, 0.0]}))
           category:food  category:travel
        0         0.1875           0.8125
        1         0.7500           0.2500
        """
        names = sorted(self.popularity)
        own = counts.reindex(columns=names, fill_value=0.0).fillna(0.0)
        leaned = own + self.strength * pd.Series(self.popularity)[names]
        return leaned.div(leaned.sum(axis=1), axis=0)

    def top(self, counts: pd.DataFrame, n: int = 5) -> pd.DataFrame:
        """Name the likeliest categories: columns ``next_1`` … (without the block) and ``next_1_probability`` …"""
        shares = self.shares(counts)
        order = np.argsort(-shares.to_numpy(), axis=1, kind="stable")[:, :n]
        names = np.array([name.removeprefix(BLOCK) for name in shares.columns], dtype=object)
        found: dict[str, Any] = {}
        for turn in range(order.shape[1]):
            found[f"next_{turn + 1}"] = names[order[:, turn]]
            found[f"next_{turn + 1}_probability"] = shares.to_numpy()[np.arange(len(shares)), order[:, turn]]
        return pd.DataFrame(found, index=counts.index)


STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


def fit_habit(counts: pd.DataFrame, bought: pd.Series) -> Habit:
    """Find popularity and the strength that predicts what was bought best (log loss).

    Parameters
    ----------
    counts : DataFrame
        Purchases before as_of: columns ``category:…``.
    bought : Series
        Category of the next purchase; missing where there was none.

    Raises
    ------
    DataError
        If no category was bought.
    """
    known = bought.notna()
    names = sorted({*(str(c) for c in counts if str(c).startswith(BLOCK)), *(BLOCK + bought[known].unique())})
    if not known.any():
        raise DataError("no next purchase has a category: what is bought next cannot be learned")
    seen = (BLOCK + bought[known]).value_counts().reindex(names, fill_value=0) + 1.0
    popularity = {str(name): float(share) for name, share in (seen / seen.sum()).items()}
    losses = [what_measures(Habit(s, popularity), counts[known], bought[known])["log_loss"] for s in STRENGTHS]
    return Habit(STRENGTHS[int(np.argmin(losses))], popularity)


def what_measures(habit: Habit, counts: pd.DataFrame, bought: pd.Series) -> dict[str, float]:
    """Measure predicted categories: ``log_loss, hit_at_1, hit_at_5``."""
    shares = habit.shares(counts)
    place = pd.Index(shares.columns).get_indexer(pd.Index(BLOCK + bought))
    p = np.where(place >= 0, shares.to_numpy()[np.arange(len(shares)), place], 1e-9)
    better = (shares.to_numpy() > p[:, None]).sum(axis=1)
    return {
        "log_loss": float(-np.log(p).mean()),
        "hit_at_1": float((better < 1).mean()),
        "hit_at_5": float((better < 5).mean()),
    }


def what_rivals(habit: Habit, counts: pd.DataFrame, bought: pd.Series) -> dict[str, Mapping[str, float]]:
    """Hold the habit against popularity (the same for everybody) and repetition (own shares almost alone)."""
    known = bought.notna()
    part, chosen = counts[known], bought[known]
    return {
        "habit": what_measures(habit, part, chosen),
        "popularity": what_measures(Habit(1e9, habit.popularity), part, chosen),
        "repeat": what_measures(Habit(0.01, habit.popularity), part, chosen),
    }


def when_measures(
    timing: Timing, probability: Array, waited: Array, observed: Array, level: float = 0.9
) -> dict[str, float]:
    """Measure waiting times: coverage of the interval, and concordance of the expectation with what happened.

    A customer without a purchase in the observed days counts as inside where the interval reaches beyond them.
    Concordance (Harrell) is over pairs of which it is known who bought first; on a sample of at most 2,000 customers.
    """
    low, high = timing.quantile(probability, (1 - level) / 2), timing.quantile(probability, (1 + level) / 2)
    bought = ~np.isnan(waited)
    inside = np.where(bought, (waited + 1 >= low) & (waited <= high), high > observed)
    rows = np.random.default_rng(0).permutation(len(waited))[:2000]
    time, event, speed = np.where(bought, waited, observed)[rows], bought[rows], probability[rows]
    earlier = event[:, None] & (time[:, None] < time[None, :])
    right = (speed[:, None] > speed[None, :]) + 0.5 * (speed[:, None] == speed[None, :])
    return {
        "coverage": float(inside.mean()),
        "concordance": float(right[earlier].mean()) if earlier.any() else float("nan"),
        "observed_within": float(bought.mean()),
    }
