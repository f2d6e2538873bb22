"""The simplest rival of a score: the one feature that ranks best alone, as a list made by hand would use it.

A model that is not certainly better than one column, sorted, is not worth what it costs to run and to explain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .metrics import bootstrap, measure, paired_difference

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SingleFeature:
    """A list by one feature: ``sign`` 1 where large values come first; missing values come first or last."""

    name: str
    place: int
    sign: float
    missing_first: bool

    def score(self, x: Array) -> Array:
        """Score encoded rows (n, features): large is first; shape (n,)."""
        value = self.sign * x[:, self.place]
        return np.where(np.isnan(value), np.inf if self.missing_first else -np.inf, value)

    def in_words(self) -> str:
        return f"{self.name} alone, {'high' if self.sign > 0 else 'low'} values first"


def best_single_feature(x: Array, label: ArrayLike, names: Sequence[str]) -> SingleFeature:
    """Find the feature that ranks best alone, in the better direction.

    Parameters
    ----------
    x : (n, features) encoded rows, NaN where missing
    label : (n,) 0 or 1

    Examples
    --------
    >>> x = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 0.0], [np.nan, 1.0]])
    >>> best = best_single_feature(x, [0, 1, 1, 1], ["visits", "noise"])
    >>> best.in_words(), best.missing_first
    ('visits alone, low values first', True)
    >>> best.score(x).tolist()
    [-3.0, -1.0, -2.0, inf]
    """
    found: list[tuple[float, SingleFeature]] = []
    for place, name in enumerate(names):
        for first in (False, True) if np.isnan(x[:, place]).any() else (False,):
            up = SingleFeature(name, place, 1.0, first)
            auc = measure(label, up.score(x), ("roc_auc",))["roc_auc"]
            # the list upside down ranks as well as this one badly, with missing values at its other end
            found += [(auc, up), (1 - auc, SingleFeature(name, place, -1.0, not first))]
    return max(found, key=lambda each: each[0])[1]


def lead_over(
    rival: SingleFeature,
    x: Array,
    label: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike,
    *,
    n: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure by how much a score ranks better than a single feature, on rows that neither was chosen on.

    Returns
    -------
    dict
        ``what`` (the rival in words), ``measure``, ``rows``, ``baseline`` and ``lead`` (value, low, high), the lead by
        paired bootstrap of customers.
    """
    alone = rival.score(x)
    return {
        "what": rival.in_words(),
        "measure": "roc_auc",
        "rows": len(x),
        "baseline": bootstrap(label, alone, groups, names=("roc_auc",), n=n, seed=seed)["roc_auc"],
        "lead": paired_difference(label, score, alone, groups, name="roc_auc", n=n, seed=seed),
    }
