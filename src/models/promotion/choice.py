"""Which learner orders customers best, whether that is more than response ranking does, and what its scores mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .cross_fitting import CrossFitted
from .curves import rank_within
from .policy import first_share, gains

Array = NDArray[np.float64]

BUDGETS = (0.1, 0.2, 0.3, 0.4, 0.5)
RIVAL = "response"
KNOTS = 21


@dataclass(frozen=True)
class Choice:
    """The champion among learners with its evidence: ``table`` has a row per learner, ``verdict`` says it in words."""

    name: str
    targeting: bool
    table: pd.DataFrame
    verdict: str


def choose(
    crossed: CrossFitted, groups: NDArray[np.int64], *, n: int, seed: int, level: float = 0.95, what: str = "response"
) -> Choice:
    """Take the learner of the highest cross-fitted policy value, if it beats response ranking for certain.

    The policy value is the mean of the doubly robust gains of treating the first 10, 20, 30, 40 and 50 % of the list.
    Where the best learner's lead over response ranking has an interval that reaches 0, response ranking is the champion:
    it is simpler, and nothing shows that it is worse.

    Parameters
    ----------
    n : resamples of customers
    what : the outcome, in words

    Returns
    -------
    Choice
        ``table``: ``learner, policy_value, low, high`` and the same ``over_response``, and ``gain_at_20pct`` …; a random
        list stands beside.
    """
    effect = crossed.effect
    policies = {name: rank_within(score, crossed.fold) for name, score in crossed.scores.items()}
    shares = {name: [first_share(rank, share) for share in BUDGETS] for name, rank in policies.items()}
    shares["random"] = [np.full(len(effect), share) for share in BUDGETS]
    means = {name: np.mean(parts, axis=0) for name, parts in shares.items()}
    everybody = {"everybody": np.ones(len(effect))}
    found = gains(effect, means | everybody, groups, n=n, seed=seed, level=level)
    overall = found.pop("everybody")
    ends = [(1 - level) / 2, (1 + level) / 2]
    rows: list[dict[str, Any]] = []
    for name, each in found.items():
        lead = each.drawn - found[RIVAL].drawn
        low, high = np.quantile(lead, ends)
        rows.append({
            "learner": name, "policy_value": each.value, "low": each.low, "high": each.high,
            "over_response": each.value - found[RIVAL].value, "over_response_low": float(low),
            "over_response_high": float(high), "smallest_findable_lead": 2.8 * float(lead.std()),
            **{f"gain_at_{share:.0%}".replace("%", "pct"): float((effect * part).mean())
               for share, part in zip(BUDGETS, shares[name], strict=True)},
        })  # fmt: skip
    table = pd.DataFrame(rows)
    learners = table[~table["learner"].isin([RIVAL, "random"])]
    best = learners.loc[learners["policy_value"].idxmax()]
    sure = bool(best["over_response_low"] > 0)
    return Choice(str(best["learner"]) if sure else RIVAL, sure, table, _words(best, sure, overall, what, level))


def _words(best: pd.Series, sure: bool, overall: Any, what: str, level: float) -> str:
    interval = f"{best['over_response']:+.5f} ({best['over_response_low']:+.5f} to {best['over_response_high']:+.5f})"
    effect = (
        f"the offer changes the {what} by {overall.value:+.4f} a customer ({overall.low:+.4f} to {overall.high:+.4f})"
    )
    if overall.low <= 0 <= overall.high:
        effect += ", which may be nothing"
    if sure:
        return f"{effect}; learner {best['learner']} gains {interval} more than response ranking: it is used"
    return (
        f"{effect}; the best learner ({best['learner']}) gains {interval} more than response ranking, an interval of "
        f"{level:.0%} that reaches 0 (a lead of {best['smallest_findable_lead']:.5f} would have been found in four of "
        "five cases): these data do not support uplift targeting, and the simpler ranking by response is used"
    )


@dataclass(frozen=True)
class Scale:
    """A line from a score to an uplift that means what it says: ``mean + slope · (score − centre)``, never falling."""

    mean: float
    slope: float
    slope_low: float
    slope_high: float
    centre: float
    low: float
    high: float
    squashed: bool

    def __call__(self, score: Array) -> Array:
        """Uplift of scores; those beyond the fitted range count as its ends."""
        inside = np.clip(score, self.low, self.high)
        return self.mean + self.slope * (_linear(inside, self.squashed) - self.centre)

    def knots(self) -> tuple[list[float], list[float]]:
        """Spell the line as calibration knots of a model's output; one straight piece, or many where it is curved."""
        at = np.linspace(self.low, self.high, KNOTS if self.squashed else 2)
        if self.high <= self.low:
            at = np.array([self.low, self.low + 1.0])
        return at.tolist(), np.maximum.accumulate(self(at)).tolist()


def scale(
    score: Array, effect: Array, groups: NDArray[np.int64], *, squashed: bool = False, least: float = 0.0
) -> Scale:
    """Fit the best linear predictor of the effect by a cross-fitted score.

    Chernozhukov, Demirer, Duflo and Fernández-Val 2018 (NBER working paper 24678): the slope is 1 for a score that is
    right, and 0 for one that knows nothing, whose customers then all have the mean effect.

    Parameters
    ----------
    score : (n,) out-of-fold scores
    effect : (n,) doubly robust effects
    squashed : bool
        The score is in log-odds, and the line is in probability.
    least : float
        A slope below it becomes 0; scores never order customers the wrong way round.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.normal(size=2000)
    >>> effect = 0.1 + 0.5 * score + rng.normal(size=2000)
    >>> line = scale(score, effect, np.arange(2000))
    >>> bool(line.slope_low < 0.5 < line.slope_high), bool(abs(line.mean - 0.1) < 0.1)
    (True, True)
    """
    x = _linear(score, squashed)
    centre, mean = float(x.mean()), float(effect.mean())
    spread = float(((x - centre) ** 2).sum())
    if spread <= 1e-12 * len(x):
        return Scale(mean, 0.0, 0.0, 0.0, centre, float(score.min()), float(score.max()), squashed)
    slope = float(((x - centre) * (effect - mean)).sum()) / spread
    residual = effect - mean - slope * (x - centre)
    per = np.bincount(groups, weights=(x - centre) * residual)
    half = float(stats.norm.ppf(0.975)) * float(np.sqrt((per**2).sum())) / spread
    used = slope if slope > least else 0.0
    return Scale(mean, used, slope - half, slope + half, centre, float(score.min()), float(score.max()), squashed)


def _linear(score: Array, squashed: bool) -> Array:
    return np.asarray(1 / (1 + np.exp(-score))) if squashed else np.asarray(score, float)
