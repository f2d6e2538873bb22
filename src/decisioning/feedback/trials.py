"""Simulated campaigns that are looked at very often: how often the test is wrong, and what it finds.

Customers are drawn one by one and go through the estimate and the test that the pipeline uses.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from .contrast import Arm, contrast, terms
from .sequential import SequentialTest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """A campaign to simulate.

    Attributes
    ----------
    customers : int
        Assigned by the last look.
    control_rate, effect : float
        Response without the offer, and what the offer adds.
    arrival : {"at_once", "over_time"}
        All assigned on one day, answering evenly over the looks; or assigned evenly over the looks, answering at once.
    propensity : {"even", "varied"}
        A fair lot, or chances of .2 to .8 that rise with the customer's own inclination to respond.
    money : bool
        The outcome is a lognormal amount for each response instead of 1.
    looks : int
    """

    customers: int = 4500
    control_rate: float = 0.06
    effect: float = 0.0
    arrival: Literal["at_once", "over_time"] = "at_once"
    propensity: Literal["even", "varied"] = "even"
    money: bool = False
    looks: int = 200


def simulate(trial: Trial, campaigns: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Draw campaigns and estimate the effect at every look.

    Returns
    -------
    effect, error, responses : arrays (campaigns, looks)
    """
    shape = (campaigns, trial.customers)
    inclined = rng.random(shape)
    chance = 0.2 + 0.6 * inclined if trial.propensity == "varied" else np.full(shape, 0.5)
    rate = trial.control_rate * (0.5 + inclined if trial.propensity == "varied" else 1.0)
    treated = rng.random(shape) < chance
    responded = rng.random(shape) < rate + trial.effect * treated
    value = np.exp(rng.normal(3.6, 0.7, shape)) if trial.money else np.ones(shape)
    weight = 1 / np.where(treated, chance, 1 - chance)
    event = rng.integers(0, trial.looks, shape)  # the look at which a customer joins, or answers
    joined = event if trial.arrival == "over_time" else np.zeros(shape, np.int64)
    row = np.arange(campaigns)[:, None] * trial.looks
    arms = []
    for arm in (treated, ~treated):
        sums = {}
        for name, each in terms(weight, value * responded).items():
            when = joined if name in ("n", "w", "w2") else event
            seen = np.bincount((row + when)[arm], weights=each[arm], minlength=campaigns * trial.looks)
            sums[name] = seen.reshape(campaigns, trial.looks).cumsum(axis=1)
        arms.append(Arm(**sums))
    counted = np.bincount((row + event)[responded], minlength=campaigns * trial.looks)
    effect, error = contrast(arms[0], arms[1])
    return effect, error, counted.reshape(campaigns, trial.looks).cumsum(axis=1).astype(float)


def ever_significant(
    trial: Trial, test: SequentialTest, campaigns: int = 1000, seed: int = 7, batch: int = 250
) -> tuple[float, float]:
    """Share of campaigns that are called significant at any look, and within the first half of the looks.

    The last look of all is the planned one (it matters where the test has a ``final_share``).

    Examples
    --------
    >>> share, half_way = ever_significant(Trial(customers=400, effect=0.2, looks=20), SequentialTest(planned=40), 50)
    >>> share > half_way > 0
    True
    """
    rng, found = np.random.default_rng(seed), []
    last = np.arange(trial.looks) == trial.looks - 1
    for start in range(0, campaigns, batch):
        effect, error, responses = simulate(trial, min(batch, campaigns - start), rng)
        z = np.divide(effect, error, out=np.zeros(effect.shape), where=error > 0)
        found.append(test.p_value(z, responses, final=last) <= test.level)
    called = np.concatenate(found)
    return float(called.any(axis=1).mean()), float(called[:, : trial.looks // 2].any(axis=1).mean())


def ever_significant_ordinary(trial: Trial, campaigns: int = 200, seed: int = 7, level: float = 0.05) -> float:
    """What an ordinary test that is repeated at every look would call significant: why this module exists.

    Examples
    --------
    >>> ever_significant_ordinary(Trial(), campaigns=100) > 0.2
    True
    """
    effect, error, _ = simulate(trial, campaigns, np.random.default_rng(seed))
    z = np.divide(effect, error, out=np.zeros(effect.shape), where=error > 0)
    return float((np.abs(z) > -ndtri(level / 2)).any(axis=1).mean())
