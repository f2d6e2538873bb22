"""Latent classes of mixed inputs by EM: numbers, texts and counts in one likelihood.

Within a class inputs are independent: numbers normal, texts categorical, a block of counts multinomial. What is missing
contributes nothing, and a customer with 500 counted purchases says more about a taste than one with 5: counts carry
their precision with them. All of it is one exponential family, so a round of EM is two matrix products of the
statistics of ``pyfunc_segments.mixture_statistics`` (Dempster, Laird and Rubin, JRSS B 39, 1977, 1-38).
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import pyfunc_segments as run

Array = NDArray[np.float64]

FLOOR = 0.05  # of a variance, in standardised units: a spike of equal values is not a class of its own
PRIOR = 0.5  # pseudo-counts spread by the overall shares (Jeffreys), so that no share is 0
TOLERANCE = 1e-5  # log-likelihood a customer between rounds


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture: parameters of each class as in the spec, and what it says of the rows it saw."""

    segments: list[dict[str, Any]]
    log_likelihood: float
    posterior: Array  # (rows, classes)
    bic: float
    icl: float

    @property
    def labels(self) -> NDArray[np.int64]:
        """Likeliest class of each row."""
        return self.posterior.argmax(axis=1)


def fit_mixture(statistics: Array, prepare: dict[str, Any], starts: list[NDArray[np.int64]], rounds: int) -> Mixture:
    """Run EM from several partitions and keep the likeliest end.

    Parameters
    ----------
    statistics : array of shape (rows, statistics)
        See ``pyfunc_segments.mixture_statistics``.
    prepare : dict
        What the statistics are of.
    starts : list of int arrays of shape (rows,)
        Partitions into classes 0, 1, … to start from.
    rounds : int
        At most so many, each.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = np.concatenate([rng.normal(-2, 0.5, 200), rng.normal(1, 0.5, 400)])
    >>> statistics = np.column_stack([np.ones(600), z, z * z])
    >>> prepare = {"numbers": [{"name": "z"}], "texts": [], "counts": []}
    >>> found = fit_mixture(statistics, prepare, [(z > 0).astype(int)], 50)
    >>> [round(s["weight"], 1) for s in found.segments], [round(s["means"][0]) for s in found.segments]
    ([0.7, 0.3], [1, -2])
    """
    layout = _Layout(prepare, statistics)
    best: tuple[float, Array, Array, Array] | None = None
    for start in starts:
        share = np.eye(start.max() + 1)[start]
        last = -np.inf
        for _ in range(rounds):
            weights, constants = layout.maximise(share)
            share, density = _posterior(statistics @ weights.T + constants)
            if density - last < TOLERANCE:
                break
            last = density
        if best is None or density > best[0] + 1e-9:
            best = density, share, weights, constants
    assert best is not None
    density, share, weights, constants = best
    order = np.argsort(-share.sum(axis=0), kind="stable")
    return layout.result(share[:, order], weights[order], constants[order], density * len(statistics))


def described_by(statistics: Array, prepare: dict[str, Any], labels: NDArray[np.int64]) -> float:
    """Give the BIC of a partition's own profiles, to hold another clusterer against a mixture."""
    layout = _Layout(prepare, statistics)
    weights, constants = layout.maximise(np.eye(labels.max() + 1)[labels])
    _, density = _posterior(statistics @ weights.T + constants)
    return -2 * density * len(statistics) + layout.parameters(len(weights)) * np.log(len(statistics))


def posterior_of(statistics: Array, segments: list[dict[str, Any]]) -> Array:
    """Give the posterior of other rows under a fitted mixture; shape (rows, classes)."""
    weights = np.stack([run.mixture_weights(segment) for segment in segments])
    return _posterior(statistics @ weights.T + np.log([segment["weight"] for segment in segments]))[0]


def _posterior(scores: Array) -> tuple[Array, float]:
    top = reduce(np.maximum, scores.T)[:, None]  # by columns: there are few, and NumPy is slow along a short axis
    share = np.exp(scores - top)
    total = reduce(np.add, share.T)[:, None]
    share /= total
    return share, float((top + np.log(total)).mean())


class _Layout:
    """Where each input's statistics stand, and how parameters follow from their sums."""

    def __init__(self, prepare: dict[str, Any], statistics: Array) -> None:
        self.numbers = len(prepare["numbers"])
        self.groups: list[slice] = []
        at = 3 * self.numbers
        widths = [len(t["levels"]) + 1 for t in prepare["texts"]] + [len(b["items"]) for b in prepare["counts"]]
        for width in widths:
            self.groups.append(slice(at, at + width))
            at += width
        self.texts = len(prepare["texts"])
        self.statistics = statistics
        self.overall = statistics.sum(axis=0)

    def parameters(self, classes: int) -> int:
        """Count the free parameters of a mixture."""
        each = 2 * self.numbers + sum((self.overall[group] > 0).sum() - 1 for group in self.groups)
        return int(classes * each + classes - 1)

    def maximise(self, share: Array) -> tuple[Array, Array]:
        """Give factors of the statistics (classes, statistics) and log-weights (classes,) for given posteriors."""
        sums = share.T @ self.statistics
        weights = np.empty_like(sums)
        if self.numbers:
            mean, variance = self._normal(sums)
            gauss = [-0.5 * (np.log(2 * np.pi * variance) + mean**2 / variance), mean / variance, -0.5 / variance]
            weights[:, : 3 * self.numbers] = np.stack(gauss, axis=2).reshape(len(sums), -1)
        for group in self.groups:
            weights[:, group] = np.log(self._shares(sums, group))
        size = share.sum(axis=0) + PRIOR
        return weights, np.log(size / size.sum())

    def result(self, share: Array, weights: Array, constants: Array, log_likelihood: float) -> Mixture:
        """Spell the parameters that ``weights`` came from."""
        segments = []
        for row, constant in zip(weights, constants, strict=True):
            gauss = row[: 3 * self.numbers].reshape(self.numbers, 3)
            shares = [np.exp(row[group]).tolist() for group in self.groups]
            segments.append({
                "weight": float(np.exp(constant)),
                "means": (-0.5 * gauss[:, 1] / gauss[:, 2]).tolist(),
                "variances": (-0.5 / gauss[:, 2]).tolist(),
                "levels": shares[: self.texts],
                "items": shares[self.texts :],
            })  # fmt: skip
        bic = -2 * log_likelihood + self.parameters(len(weights)) * np.log(len(share))
        entropy = -float((share * np.log(np.maximum(share, 1e-300))).sum())
        return Mixture(segments, log_likelihood, share, float(bic), float(bic + 2 * entropy))

    def _normal(self, sums: Array) -> tuple[Array, Array]:
        parts = sums[:, : 3 * self.numbers].reshape(len(sums), self.numbers, 3) + PRIOR * np.array([1.0, 0.0, 1.0])
        mean = parts[:, :, 1] / parts[:, :, 0]  # a class that knows nothing of an input is like everybody
        return mean, np.maximum(parts[:, :, 2] / parts[:, :, 0] - mean**2, FLOOR)

    def _shares(self, sums: Array, group: slice) -> Array:
        overall = self.overall[group] + 1e-6
        part = sums[:, group] + PRIOR * overall / overall.sum()
        return part / part.sum(axis=1, keepdims=True)
