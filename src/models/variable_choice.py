"""Which variables a scorecard takes: those that tell something, none twice, each pushing where its bins point."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from .binning import Binning
from .calibration import sigmoid

Array = NDArray[np.float64]

RIDGE = 10.0  # prior precision of coefficients: where bads are few, a prior deviation of .3 beats tests and no tests


def estimator(ridge: float = RIDGE) -> Any:
    """Give the logistic regression, not yet fitted; its intercept is free."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-10, max_iter=200)


def screen(binning: Binning, force: Collection[str], forbid: Collection[str], least_iv: float) -> dict[str, str]:
    """Say why a variable is left out at once, or "" where it is not. Ordered: forced ones, then by falling IV."""
    said = {}
    for v in sorted(binning.variables.values(), key=lambda v: (v.name not in force, -v.iv)):
        weak = f"iv below {least_iv:g}" if v.iv < least_iv and v.name not in force else ""
        said[v.name] = "forbidden" if v.name in forbid else weak
    return said


def twins(z: pd.DataFrame, force: Collection[str], bound: float) -> dict[str, str]:
    """Leave out what repeats a stronger variable; the columns are ordered by strength."""
    x = z.to_numpy()
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found = np.abs(scaled.T @ scaled) / max(len(x), 1)
    kept: list[int] = []
    said = {}
    for j, name in enumerate(z.columns):
        twin = next((k for k in kept if found[j, k] > bound), None)
        if twin is not None and name not in force:
            said[name] = f"correlation {found[j, twin]:.2f} with {z.columns[twin]}"
        else:
            kept.append(j)
    return said


@dataclass(frozen=True)
class Rows:
    """Weights of evidence, shape (rows, candidates), with labels, weights, and the ridge of every fit."""

    z: Array
    y: Array
    weight: Array
    ridge: float

    def fit(self, inside: Sequence[int]) -> tuple[float, Array]:
        if not inside:
            share = float(np.average(self.y, weights=self.weight))
            return float(np.log(share / (1 - share))), np.empty(0)
        model = estimator(self.ridge).fit(self.z[:, list(inside)], self.y, sample_weight=self.weight)
        return float(model.intercept_[0]), np.asarray(model.coef_[0], dtype=np.float64)

    def scores(self, inside: Sequence[int], waiting: Sequence[int]) -> Array:
        """Score statistics of further variables beside those inside (Rao 1948), as a normal deviate; below 0 is safer.

        The slope that a variable would start with, over its standard error given the variables inside.
        """
        intercept, slopes = self.fit(inside)
        known, new = self.z[:, list(inside)], self.z[:, list(waiting)]
        p = sigmoid(intercept + known @ slopes)
        v = self.weight * p * (1 - p)
        known = np.column_stack([np.ones(len(p)), known])
        weighted = known * v[:, None]
        cross, alone = weighted.T @ new, v @ new**2
        free = alone - (cross * np.linalg.solve(weighted.T @ known + 1e-9 * np.eye(known.shape[1]), cross)).sum(axis=0)
        told = free > 1e-6 * alone  # else it is a sum of those inside
        return np.where(told, ((self.weight * (self.y - p)) @ new) / np.sqrt(np.where(told, free, 1.0)), 0.0)


def forward(
    rows: Rows, names: Sequence[str], force: Collection[str], significance: float, most: int
) -> tuple[list[str], dict[str, str]]:
    """Take the variable with the smallest p again and again; give the chosen ones, and a reason for every name."""
    inside = [j for j, name in enumerate(names) if name in force]
    waiting = [j for j in range(len(names)) if j not in inside]
    said = {names[j]: "forced" for j in inside}
    while waiting:
        deviates = rows.scores(inside, waiting)
        p = stats.norm.sf(-deviates) * 2
        best = int(np.argmin(deviates))  # the right direction only: more weight of evidence, fewer bads
        if deviates[best] >= 0 or p[best] >= significance or len(inside) >= most:
            full = len(inside) >= most
            for j, deviate, chance in zip(waiting, deviates, p, strict=True):
                nothing = f"adds nothing (p {chance:.2g})" if deviate < 0 else "adds nothing (wrong sign)"
                said[names[j]] = f"{most} variables were stronger" if full and chance < significance else nothing
            break
        said[names[waiting[best]]] = f"p {p[best]:.1e} when it entered"
        inside.append(waiting.pop(best))
        kept, wrong = rightly_signed(rows, names, [names[j] for j in inside], force)
        said |= wrong
        inside = [j for j in inside if names[j] in kept]
    return [names[j] for j in inside], said


def rightly_signed(
    rows: Rows, names: Sequence[str], chosen: Sequence[str], force: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Leave out, one by one, the variable whose coefficient contradicts its bins most; forced ones stay."""
    kept, said = list(chosen), dict[str, str]()
    while True:
        slopes = dict(zip(kept, rows.fit([names.index(name) for name in kept])[1], strict=True))
        wrong = {name: slope for name, slope in slopes.items() if slope >= 0 and name not in force}
        if not wrong:
            return kept, said
        worst = max(wrong, key=lambda name: wrong[name])
        kept.remove(worst)
        said[worst] = "wrong sign beside the others"
