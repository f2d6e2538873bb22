"""The value of a policy, estimated from customers who were treated with known probability."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError
from ..metrics import resamples

Array = NDArray[np.float64]


def inverse_propensity(outcome: ArrayLike, treated: ArrayLike, propensity: ArrayLike) -> Array:
    """Score the effect on each customer without a model: t·y/e − (1 − t)·y/(1 − e), unbiased; shape (n,).

    Horvitz and Thompson 1952, JASA 47:663-685.

    Parameters
    ----------
    propensity : (n,) probability of being treated, strictly between 0 and 1

    Raises
    ------
    DataError
        For a propensity of 0 or 1, or outside.

    Examples
    --------
    >>> inverse_propensity([1, 1], [1, 0], [0.5, 0.5]).tolist()
    [2.0, -2.0]
    >>> inverse_propensity([1, 1], [1, 0], [1.0, 0.5])
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: 1 of 2 propensities are not strictly between 0 and 1: such customers had no ...
    """
    y, t, e = (np.asarray(values, float) for values in (outcome, treated, propensity))
    check_propensity(e)
    return np.asarray(t * y / e - (1 - t) * y / (1 - e))


def check_propensity(propensity: Array) -> None:
    """Refuse propensities of 0 or 1: nothing can be learned from a customer who had no alternative."""
    wrong = int((~((propensity > 0) & (propensity < 1))).sum())
    if wrong:
        raise DataError(
            f"{wrong:,} of {len(propensity):,} propensities are not strictly between 0 and 1: such customers had no "
            "alternative and tell nothing of an effect; leave them out (and count them)"
        )


def doubly_robust(
    outcome: ArrayLike, treated: ArrayLike, propensity: ArrayLike, without: ArrayLike, with_offer: ArrayLike
) -> Array:
    """Score the effect on each customer by a model of the outcome, corrected by what it missed; shape (n,).

    μ₁ − μ₀ + t·(y − μ₁)/e − (1 − t)·(y − μ₀)/(1 − e): unbiased if either the model or the propensity is right, and less
    noisy than :func:`inverse_propensity` (Robins, Rotnitzky and Zhao 1994, JASA 89:846-866). The models must not have
    seen the customer.

    Parameters
    ----------
    without, with_offer : (n,) expected outcome without and with the offer

    Examples
    --------
    >>> doubly_robust([1.0], [1], [0.5], [0.2], [0.4]).round(6).tolist()
    [1.4]
    """
    y, t, e = (np.asarray(values, float) for values in (outcome, treated, propensity))
    check_propensity(e)
    low, high = np.asarray(without, float), np.asarray(with_offer, float)
    return np.asarray(high - low + t * (y - high) / e - (1 - t) * (y - low) / (1 - e))


def first_share(score: Array, share: float, fold: NDArray[np.int64] | None = None) -> Array:
    """Treat the first ``share`` of a list; shape (n,), equal scores on the edge count in proportion.

    Cross-fitted scores come from one model per ``fold``, whose levels differ: each fold is cut for itself.

    Examples
    --------
    >>> first_share(np.array([0.9, 0.5, 0.5, 0.1]), 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    >>> first_share(np.array([0.9, 0.5, 0.5, 0.1]), 0.5, np.array([0, 0, 1, 1])).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    if fold is not None:
        cut = np.empty(len(score))
        for k in np.unique(fold):
            cut[fold == k] = first_share(score[fold == k], share)
        return cut
    order = np.argsort(-score, kind="stable")
    ranked, wanted = score[order], share * len(score)
    edges = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    starts = np.append(0, edges[:-1])
    part = np.clip((wanted - starts) / (edges - starts), 0.0, 1.0)
    out = np.empty(len(score))
    out[order] = np.repeat(part, edges - starts)
    return out


@dataclass(frozen=True)
class Gain:
    """Mean gain per customer of the whole list over contacting nobody, with its interval."""

    value: float
    low: float
    high: float
    drawn: Array


def gains(
    effect: Array,
    policies: dict[str, Array],
    groups: NDArray[np.int64],
    *,
    n: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Gain]:
    """Estimate what policies bring, by effect scores, with percentile intervals that resample customers.

    All policies meet the same resamples, so that their differences are paired.

    Parameters
    ----------
    effect : (n,) :func:`doubly_robust` or :func:`inverse_propensity` scores, net of cost where there is one
    policies : name → (n,) probability with which each customer would be treated
    groups : (n,) customer of each row, 0 … customers − 1

    Examples
    --------
    >>> effect, policy = np.array([0.2, 0.4, -0.2, 0.0]), np.array([1.0, 1.0, 0.0, 0.0])
    >>> found = gains(effect, {"first half": policy}, np.arange(4), n=50)
    >>> round(found["first half"].value, 3)
    0.15
    """
    counts = np.bincount(groups).astype(float)
    totals = {name: np.bincount(groups, weights=effect * policy) for name, policy in policies.items()}
    drawn: dict[str, list[Array]] = {name: [] for name in policies}
    rng, customers = np.random.default_rng(seed), np.arange(len(counts))
    for start in range(0, n, 50):
        weights = resamples(customers, rng, min(50, n - start))
        rows = (weights * counts).sum(axis=1)
        for name, total in totals.items():
            drawn[name].append((weights * total).sum(axis=1) / rows)
    found = {}
    for name, policy in policies.items():
        here = np.concatenate(drawn[name])
        low, high = np.quantile(here, [(1 - level) / 2, (1 + level) / 2])
        found[name] = Gain(float((effect * policy).mean()), float(low), float(high), here)
    return found
