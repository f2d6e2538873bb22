"""Which learner orders customers best, whether that is more than response ranking does, and what its scores mean."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..calibration import Curve
from .cross_fitting import CrossFitted
from .learners import shrunk
from .policy import Gain, first_share, gains

Array = NDArray[np.float64]

BUDGETS = (0.1, 0.2, 0.3, 0.4, 0.5)
RIVAL = "response"
ONE_RULE = "one_rule"
AVERAGE = "average"
KNOTS = 21
FOUR_OF_FIVE = float(stats.norm.ppf(0.8))  # standard errors beyond an interval's end that are found so often


@dataclass(frozen=True)
class Choice:
    """The champion among learners with its evidence: ``table`` has a row per learner, ``verdict`` says it in words."""

    name: str
    targeting: bool
    table: pd.DataFrame
    verdict: str


def choose(
    crossed: CrossFitted,
    groups: NDArray[np.int64],
    *,
    n: int,
    seed: int,
    level: float = 0.95,
    what: str = "response",
    rival: str = RIVAL,
    sign: float = 1.0,
) -> Choice:
    """Take the learner of the highest cross-fitted policy value, if it beats what is simpler for certain.

    The policy value is the mean of the doubly robust gains of treating the first 10, 20, 30, 40 and 50 % of the list.
    Where a lead has an interval that reaches 0, what is simpler is the champion: nothing shows that it is worse. First
    one rule, if it was learned, must lead over the rival; then the learners over the one of both that is left. The best
    of many useless learners leads by chance: so it is the average of them all that must lead, one comparison; without
    an average, each of them is compared. The intervals of all leads asked hold at once, by the largest of their
    bootstrap deviations (Romano and Wolf 2005, Econometrica 73:1237-1282).

    Parameters
    ----------
    n : resamples of customers
    what : the outcome, in words
    rival : the simple way, among the scores
    sign : −1 where less of the outcome is better

    Returns
    -------
    Choice
        ``table``: ``learner, policy_value, low, high``, ``over_rival`` with its interval, and ``gain_at_20pct`` …; a
        random list stands beside.
    """
    effect = sign * crossed.effect
    shares = {name: [first_share(sign * score, share, crossed.fold) for share in BUDGETS]
              for name, score in crossed.scores.items()}  # fmt: skip
    shares["random"] = [np.full(len(effect), share) for share in BUDGETS]
    means = {name: np.mean(parts, axis=0) for name, parts in shares.items()}
    everybody = {"everybody": np.ones(len(effect))}
    found = gains(effect, means | everybody, groups, n=n, seed=seed, level=level)
    overall = found.pop("everybody")
    learned = [name for name in found if name not in (rival, ONE_RULE, "random")]
    best = max(reversed(learned), key=lambda name: found[name].value)
    leading, simple = [AVERAGE] if AVERAGE in learned else learned, [rival, *({ONE_RULE} & set(found))]
    asked = [(one, other) for other in simple for one in leading] + [(one, rival) for one in simple[1:]]
    reach = _reach([found[one].drawn - found[other].drawn for one, other in asked], level)
    table = pd.DataFrame([{
        "learner": name, "policy_value": each.value, "low": each.low, "high": each.high,
        **_lead(each, found[rival], reach),
        **{f"gain_at_{share:.0%}".replace("%", "pct"): float((effect * part).mean())
           for share, part in zip(BUDGETS, shares[name], strict=True)},
    } for name, each in found.items()])  # fmt: skip
    champion, told = rival, [_overall(overall, what, sign)]
    if ONE_RULE in found and (lead := _lead(found[ONE_RULE], found[rival], reach))["over_rival_low"] > 0:
        champion = ONE_RULE
        told.append(f"one rule gains {_spelled(lead)} more than {_NAMED.get(rival, rival)}")
    lead = _lead(found[AVERAGE if AVERAGE in learned else best], found[champion], reach)
    told.append(_words(best, AVERAGE in learned, lead, _NAMED.get(champion, champion), level))
    champion = best if lead["over_rival_low"] > 0 else champion
    return Choice(champion, champion != rival, table, "; ".join(told))


def _lead(ours: Gain, rival: Gain, reach: float) -> dict[str, float]:
    """What a list gains over a rival's, with an interval of ``reach`` standard errors."""
    lead, noise = ours.value - rival.value, float((ours.drawn - rival.drawn).std())
    return {"over_rival": lead, "over_rival_low": lead - reach * noise, "over_rival_high": lead + reach * noise,
            "smallest_findable_lead": (reach + FOUR_OF_FIVE) * noise}  # fmt: skip


def _reach(leads: list[Array], level: float) -> float:
    """How many standard errors the interval of each lead must reach so that all hold at once with ``level``."""
    noise = [(lead - lead.mean()) / max(float(lead.std()), 1e-300) for lead in leads]
    return float(np.quantile(np.max(np.abs(noise), axis=0), level))


def _overall(overall: Gain, what: str, sign: float) -> str:
    low, high = sorted((sign * overall.low, sign * overall.high))
    effect = f"the offer changes the {what} by {sign * overall.value:+.4f} a customer ({low:+.4f} to {high:+.4f})"
    return effect + (", which may be nothing" if low <= 0 <= high else "")


_NAMED = {"response": "response ranking", "proportional": "an effect in proportion to the expected outcome",
          ONE_RULE: "one rule"}  # fmt: skip


def _spelled(lead: dict[str, float]) -> str:
    return f"{lead['over_rival']:+.5f} ({lead['over_rival_low']:+.5f} to {lead['over_rival_high']:+.5f})"


def _words(best: str, averaged: bool, lead: dict[str, float], simple: str, level: float) -> str:
    """What the learners gain over the simple way that is left, and which is used."""
    found = f"gains {_spelled(lead)} more than {simple}"
    if lead["over_rival_low"] > 0 and (not averaged or best == AVERAGE):
        return f"{'the average of the learners' if averaged else f'learner {best}'} {found}: it is used"
    if lead["over_rival_low"] > 0:
        return f"the average of the learners {found}: the best of them, {best}, is used"
    return (
        f"{'the average of the learners' if averaged else f'the best learner ({best})'} {found}, an interval of "
        f"{level:.0%} that reaches 0 (a lead of {lead['smallest_findable_lead']:.5f} would have been found in four of "
        f"five cases): these data do not support more than {simple}, which is used"
    )


@dataclass(frozen=True)
class Scale:
    """A line from a score to an uplift that means what it says: ``mean + slope · (score − centre)``, never falling.

    With a ``curve``, the score is a margin, and the line is one of the probability that the curve tells.
    """

    mean: float
    slope: float
    slope_low: float
    slope_high: float
    centre: float
    low: float
    high: float
    curve: Curve | None = None

    def __call__(self, score: Array) -> Array:
        """Uplift of scores; those beyond the fitted range count as its ends."""
        inside = np.clip(score, self.low, self.high)
        return self.mean + self.slope * ((self.curve.probability(inside) if self.curve else inside) - self.centre)

    def knots(self) -> tuple[list[float], list[float]]:
        """Spell the line as calibration knots of a model's output; one straight piece, or many where it is curved."""
        at = np.linspace(self.low, self.high, KNOTS if self.curve else 2)
        if self.high <= self.low:
            at = np.array([self.low, self.low + 1.0])
        return at.tolist(), np.maximum.accumulate(self(at)).tolist()


def scale(
    score: Array, effect: Array, groups: NDArray[np.int64], *, curve: Curve | None = None, trusted: bool = False,
    one_sign: bool = False,
) -> Scale:  # fmt: skip
    """Fit the best linear predictor of the effect by a cross-fitted score.

    Chernozhukov, Demirer, Duflo and Fernández-Val 2018 (NBER working paper 24678): the slope is 1 for a score that is
    right, and 0 for one that knows nothing, whose customers then all have the mean effect. The slope is drawn towards 0
    by its own noise (:func:`.learners.shrunk`) and never turns the order round.

    Parameters
    ----------
    score : (n,) out-of-fold scores
    effect : (n,) doubly robust effects
    curve : Curve, optional
        The score foretells the outcome, no effect; the curve turns it into a probability. The effect is taken to be one
        share of that, as :func:`.learners.fit_proportional` does, or the same for all where that share is below 0.
    trusted : bool
        The score means what it says already: it keeps a slope of 1, what would be fitted is only told.
    one_sign : bool
        The trusted score is a share of a probability: what lies on the other side of 0 than its mean counts as 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.normal(size=2000)
    >>> effect = 0.1 + 0.5 * score + rng.normal(size=2000)
    >>> line = scale(score, effect, np.arange(2000))
    >>> bool(line.slope_low < 0.5 < line.slope_high), bool(abs(line.mean - 0.1) < 0.1)
    (True, True)
    """
    x = np.asarray(score, float) if curve is None else curve.probability(score)
    centre, mean = float(x.mean()), float(effect.mean())
    ends = float(score.min()), float(score.max())
    apart, over = (x - centre, effect - mean) if curve is None else (x, effect)  # through the means, or through 0
    spread = float((apart**2).sum())
    if spread <= 1e-12 * len(x):
        return Scale(mean, 0.0, 0.0, 0.0, centre, *ends, curve)
    slope = float((apart * over).sum()) / spread
    noise = np.bincount(groups, weights=apart * (over - slope * apart))
    error = float(np.sqrt((noise**2).sum())) / spread
    half = float(stats.norm.ppf(0.975)) * error
    interval = slope - half, slope + half
    if trusted:
        ends = (max(ends[0], 0.0), ends[1]) if one_sign and centre > 0 else ends
        ends = (ends[0], min(ends[1], 0.0)) if one_sign and centre < 0 else ends
        return Scale(centre, 1.0, *interval, centre, *ends)
    if curve is None:
        return Scale(mean, max(0.0, shrunk(slope, error)), *interval, centre, *ends)
    return Scale(*((slope * centre, slope) if slope > 0 else (mean, 0.0)), *interval, centre, *ends, curve)
