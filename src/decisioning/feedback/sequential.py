"""Tests of treated against control that people may look at every week and stop when they like.

**The test.** Let S be the sum of signed scores (treated and control weighted by 1/propensity) of the responses so far
and V its variance. If the offer does nothing, whether a response came from a treated customer is decided by the lot
alone, so each response adds an independent score of mean zero, whatever the order in which responses come: S is a
martingale over *responses*. That holds both when customers join over time and when all are assigned on one day and
answer over weeks. Robbins' normal mixture makes an e-process of it (1970; mSPRT of Johari, Koomen, Pekelis and Walsh
2022, Operations Research 70:1806-1821; asymptotic confidence sequences of Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas 2024, Annals of Statistics 52:2613-2640)::

    E = (1 + r)^(-1/2) · exp(z²/2 · r / (1 + r)),   z = effect / standard error,   p = 1 / E

By Ville's inequality the chance that p ever falls to α is at most α, over as many looks as one likes: exactly so for
even lots and the variance of the null hypothesis (scores are then symmetric), asymptotically for estimated variances,
other propensities and intervals around effects other than zero.

**The tuning of the mixture** is fixed in advance: r = c · responses / ``planned``, where c = −2 ln α + ln(1 − 2 ln α)
makes the interval narrowest at the planned number of responses (Waudby-Smith et al., appendix). Time is counted in
responses, not in customers or weeks, because that is what the variance grows with.

**The planned last look.** Most campaigns have one: the day on which the last response window closes. ``final_share`` of
the level is kept for an ordinary test on that day and only the rest is spent on the way (Haybittle 1971, Peto et al.
1976), so that the whole, any number of looks and the last, stays within the level (union bound). A share of 0 is the
pure always-valid test.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ...errors import ParamsError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SequentialTest:
    """A two-sided test at ``level`` over any number of looks.

    Attributes
    ----------
    level : float
        Chance that an effect of zero is ever called significant, at most.
    planned : float
        Responses, in both arms together, at which the interval is to be narrowest. From the plan, never from the data.
    final_share : float
        Part of the level that is kept for one ordinary test at the planned last look.

    Examples
    --------
    >>> test = SequentialTest(planned=300)
    >>> [round(float(x), 2) for x in test.threshold([30, 300, 3000])]
    [3.86, 3.04, 3.24]
    >>> SequentialTest(final_share=1.0)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: final_share is at least 0 and below 1, got 1.0
    """

    level: float = 0.05
    planned: float = 300.0
    final_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ParamsError(f"level lies between 0 and 1, got {self.level}")
        if not self.planned > 0:
            raise ParamsError(f"planned is the number of responses that are expected, above 0, got {self.planned}")
        if not 0 <= self.final_share < 1:
            raise ParamsError(f"final_share is at least 0 and below 1, got {self.final_share}")

    @property
    def interim_level(self) -> float:
        return self.level * (1 - self.final_share)

    def ratio(self, responses: ArrayLike) -> Array:
        """Information so far in units of the mixture's own: r of the module's docstring."""
        twice = -2 * np.log(self.interim_level)
        return np.asarray(responses, float) / self.planned * (twice + np.log(1 + twice))

    def e_value(self, z: ArrayLike, responses: ArrayLike) -> Array:
        """Evidence against an effect of zero: 1 without any, and at most 1 on average if there is no effect.

        Examples
        --------
        >>> [round(float(e), 2) for e in SequentialTest().e_value([0.0, 2.0, 4.0, np.nan], [300, 300, 300, 0])]
        [0.33, 1.98, 407.36, 1.0]
        """
        r, score = self.ratio(responses), np.nan_to_num(np.asarray(z, float), nan=0.0)
        with np.errstate(over="ignore"):
            return np.exp(score**2 / 2 * r / (1 + r)) / np.sqrt(1 + r)

    def p_value(self, z: ArrayLike, responses: ArrayLike, final: ArrayLike = False) -> Array:
        """Always-valid p-value of one look, 1 without a response; the smallest of all looks so far is one, too."""
        p = np.minimum(1 / self.e_value(z, responses) / (1 - self.final_share), 1.0)
        if self.final_share == 0:
            return p
        ordinary = 2 * ndtr(-np.abs(np.nan_to_num(np.asarray(z, float), nan=0.0))) / self.final_share
        return np.where(np.asarray(final) & (np.asarray(responses) > 0), np.minimum(p, ordinary), p)

    def threshold(self, responses: ArrayLike, final: ArrayLike = False) -> Array:
        """Standard errors on each side of the effect that the interval takes; infinite without a response.

        At the planned last look it is the ordinary normal quantile at ``level · final_share``.
        """
        r = self.ratio(responses)
        with np.errstate(divide="ignore"):
            wide = np.sqrt((1 + 1 / r) * (np.log1p(r) - 2 * np.log(self.interim_level)))
        if self.final_share == 0:
            return np.asarray(wide)
        return np.where(np.asarray(final) & (r > 0), -ndtri(self.level * self.final_share / 2), wide)

    def smallest_effect(
        self, error: ArrayLike, responses: ArrayLike, final: ArrayLike = False, power: float = 0.8
    ) -> Array:
        """Effect that this look would have found with the given power, from its standard error.

        Examples
        --------
        >>> round(float(SequentialTest(final_share=0.8).smallest_effect(0.0076, 315, final=True)), 4)
        0.022
        """
        return (self.threshold(responses, final) + ndtri(power)) * np.asarray(error, float)


def e_bh(e_values: ArrayLike, level: float = 0.05) -> NDArray[np.bool_]:
    """Discoveries among many cells, false ones being at most ``level`` of them on average.

    The e-BH procedure (Wang and Ramdas 2022, JRSS B 84:822-852). Benjamini and Hochberg's on p-values asks for
    independence or positive dependence, and for one look at a time fixed in advance; cells here share customers (each
    belongs to a segment of every lens) and are looked at weekly. e-BH holds under any dependence, and e-processes may
    be stopped at any look. The price is power.

    Parameters
    ----------
    e_values : one per cell, at the current look (not the largest so far, which is no e-value)

    Examples
    --------
    >>> e_bh([200.0, 30.0, 3.0]).tolist()
    [True, True, False]
    >>> e_bh([30.0, 3.0, 1.0]).tolist()
    [False, False, False]
    """
    e = np.asarray(e_values, float)
    if not len(e):
        return np.zeros(0, bool)
    falling = np.sort(e)[::-1]
    enough = np.flatnonzero(falling * np.arange(1, len(e) + 1) >= len(e) / level)
    return e >= falling[enough[-1]] if len(enough) else np.zeros(len(e), bool)
