"""Trials with planted effects, for the tests of the promotion model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from afraz.models.promotion.cross_fitting import Experiment
from afraz.models.promotion.inputs import Inputs
from afraz.models.promotion.learners import Rows

Array = NDArray[np.float64]
INPUTS = 8
TREES = {"learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 40}


def squash(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


@dataclass(frozen=True)
class Simulated:
    """Customers of whom both expected outcomes are known; ``effect`` is their difference."""

    x: Array
    without: Array
    with_offer: Array
    propensity: Array
    treated: Array
    outcome: Array
    binary: bool

    @property
    def effect(self) -> Array:
        return self.with_offer - self.without

    def rows(self, rounds: int = 40, **changes: Any) -> Rows:
        """What a learner is taught; the nuisances are the means of either arm unless they are changed."""
        t, y = self.treated, self.outcome
        given = {"without": np.full(len(y), y[t == 0].mean()), "with_offer": np.full(len(y), y[t == 1].mean()),
                 "outcome": y, "treated": t, "propensity": self.propensity, **changes}  # fmt: skip
        return Rows(inputs=Inputs.of(self.x, names(self.x)), binary=self.binary, parameters=TREES,
                    rounds={"outcome": rounds, "effect": rounds}, seed=7, **given)  # fmt: skip

    def experiment(self, folds: int = 3, **changes: Any) -> Experiment:
        """Deal the customers into folds, one after the other."""
        place = np.arange(len(self.outcome))
        given = {"x": self.x, "outcome": self.outcome, "treated": self.treated, "propensity": self.propensity,
                 "groups": place, "fold": place % folds, **changes}  # fmt: skip
        x = given.pop("x")
        return Experiment(inputs=Inputs.of(x, names(x)), binary=self.binary, **given)


def names(x: Array) -> list[str]:
    return [f"x{j}" for j in range(x.shape[1])]


def simulate(
    rows: int, seed: int = 0, *, effect: str = "some", binary: bool = True, varying: bool = False
) -> Simulated:
    """Draw a trial.

    The first input raises the outcome, the others don't. An offer changes by ``effect``: ``some`` – those with a high
    second input and no others; ``hidden`` – the same, while the first input decides who responds; ``constant`` – all
    alike; ``odds`` – the odds of all alike; ``share`` – all by half of their probability; ``none`` – nobody. Where
    propensities are ``varying``, those with a high first input get the offer more often.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, INPUTS))
    level, slope = {"odds": (-2.5, 1.0), "share": (-2.5, 1.0), "hidden": (-0.5, 2.0)}.get(effect, (-1.0, 0.4))
    base = level + slope * x[:, 0]
    without = squash(base) if binary else x[:, 0]
    added: dict[str, Any] = {"some": 0.4 * (x[:, 1] > 0), "hidden": 0.4 * (x[:, 1] > 0), "constant": 0.15, "none": 0.0}
    added["share"] = 0.5 * without
    with_offer = squash(base + 1.2) if effect == "odds" else without + added[effect]
    with_offer = np.clip(with_offer, 0, 1) if binary else with_offer
    propensity = squash(1.2 * x[:, 0]) * 0.8 + 0.1 if varying else np.full(rows, 0.5)
    treated = (rng.random(rows) < propensity).astype(float)
    mean = np.where(treated == 1, with_offer, without)
    outcome = (rng.random(rows) < mean).astype(float) if binary else mean + rng.normal(size=rows) * 0.5
    return Simulated(x, without, with_offer, propensity, treated, outcome, binary)


def campaigns(rows: int = 1500, seed: int = 0, *, dates: int = 4, effect: str = "some") -> pd.DataFrame:
    """Assignments of several campaigns as a table; ``true_effect`` is to be dropped.

    Each customer is assigned once; value is what a response brings less the offer's cost, and the offer keeps customers
    with a high third input from leaving.
    """
    trial = simulate(rows, seed, effect=effect)
    rng = np.random.default_rng(seed + 1)
    wave = np.arange(rows) % dates
    starts = pd.to_datetime("2025-01-01") + pd.to_timedelta(91 * wave, unit="D")
    leaves = rng.random(rows) < np.where((trial.treated == 1) & (trial.x[:, 2] > 0), 0.1, 0.35)
    return pd.DataFrame(trial.x.round(3), columns=names(trial.x)).assign(
        customer_id=[f"C{i:05d}" for i in range(rows)], as_of=starts.as_unit("us"), campaign_id=[f"P{w}" for w in wave],
        arm=np.where(trial.treated == 1, "offer", "control"), propensity=0.5, responded=trial.outcome,
        net_value=10 * trial.outcome - trial.treated * trial.outcome * 2, closed_after=leaves.astype(float),
        true_effect=trial.effect,
    )  # fmt: skip
