"""Search the bins of one variable with optbinning, which smooths nothing.

optbinning finds the splits (Navas-Palencia 2020, *Optimal binning: mathematical programming formulation*,
arXiv:2001.08025); counts and weights of evidence are computed here. Bins without goods or without bads are joined with
a neighbour before the search, and where there is no neighbour (missing values, pooled texts) their weight of evidence
is 0.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from . import metrics
from .binned_variable import BinnedVariable, woe
from .pyfunc_model import numbers

Array = NDArray[np.float64]

LEAST = 10.0  # goods, and bads, of a bin: the error of its log-odds stays below (1/10 + 1/10) ** 0.5 = .45
RARE_ROWS, RARE_SHARE = 30, 0.01  # texts below either are pooled: their rate is mostly noise
SUSPICIOUS = 0.1  # distance of an AUC from one half
SHOWN = 6  # levels of a text that a table spells out


@dataclass(frozen=True)
class Search:
    """The rows of one search."""

    y: Array
    weight: Array
    max_bins: int
    min_bin_share: float
    trend: str

    def number(self, column: pd.Series, given: Sequence[float] | None = None) -> BinnedVariable:
        x = numbers(column)
        if np.isinf(x).any():
            raise DataError(f"column {column.name!r} holds infinite values: replace them by missing ones or a bound")
        if given is None:
            splits, note = self._splits(x)
        else:
            splits, note = self._without_pure(x, np.asarray(given, dtype=np.float64))
        return self._counted(str(column.name), x, splits, None, _intervals(splits), note)

    def text(self, column: pd.Series, given: Sequence[Sequence[str]] | None = None) -> BinnedVariable:
        places, uniques = pd.factorize(column.astype("object").map(str, na_action="ignore"), sort=True)
        names = [str(level) for level in uniques]
        present = max(int((places >= 0).sum()), 1)
        share = max(RARE_SHARE, RARE_ROWS / present)
        rows = np.bincount(places[places >= 0], minlength=len(names))
        if given is None:
            pooled = rows < np.ceil(share * present)
            groups = self._groups(places, pooled, names)
        else:
            groups = [list(group) for group in given]
            pooled = ~np.isin(names, [level for group in groups for level in group])
        rest = [name for name, rare in zip(names, pooled, strict=True) if rare]
        labels = [_listed(group) for group in groups]
        inside = (places >= 0) & np.append(pooled, False)[places]
        if min(self._sums(inside)) >= LEAST:
            groups.append(rest)
            labels.append(f"{len(rest)} other levels")
        levels = {level: k for k, group in enumerate(groups) for level in group}
        last = len(groups)  # unknown levels, and pooled ones that are too few to say anything
        bins: Array = np.array([*(levels.get(name, last) for name in names), np.nan], dtype=np.float64)
        splits: Array = np.arange(last, dtype=np.float64) + 0.5
        found = self._counted(str(column.name), bins[places], splits, levels, [*labels, "other"], "")
        count = len(given or ())
        pure = np.flatnonzero((found.goods[:count] <= 0) | (found.bads[:count] <= 0))
        said = f"neutral, without goods or bads: {'; '.join(labels[k] for k in pure)}" if len(pure) else ""
        if given is None and pooled.all() and names:
            said = f"none of {len(names)} levels is frequent enough for a bin of its own"
        return dataclasses.replace(found, note=said)

    def _counted(
        self, name: str, x: Array, splits: Array, levels: dict[str, int] | None, labels: Sequence[str], note: str
    ) -> BinnedVariable:
        place = np.where(np.isnan(x), len(splits) + 1, np.searchsorted(splits, x, side="right"))
        bads = np.bincount(place, self.weight * self.y, len(splits) + 2).astype(np.float64)
        goods = np.bincount(place, self.weight * (1 - self.y), len(splits) + 2).astype(np.float64)
        found = woe(goods, bads)
        if min(goods[-1], bads[-1]) < LEAST:
            found[-1] = 0.0
        if levels is not None:
            found[-2] = 0.0
        return BinnedVariable(
            name, tuple(float(s) for s in splits), levels, (*labels, "missing"), goods, bads, found, note=note
        )

    def _sums(self, rows: NDArray[np.bool_]) -> tuple[float, float]:
        w, y = self.weight[rows], self.y[rows]
        return float((w * (1 - y)).sum()), float((w * y).sum())

    def _without_pure(self, x: Array, splits: Array) -> tuple[Array, str]:
        """Leave out splits beside bins without goods or bads, from the left: the bin joins its right neighbour."""
        seen, kept = ~np.isnan(x), splits
        while len(kept):
            place = np.searchsorted(kept, x[seen], side="right")
            bads = np.bincount(place, weights=(self.weight * self.y)[seen], minlength=len(kept) + 1)
            goods = np.bincount(place, weights=(self.weight * (1 - self.y))[seen], minlength=len(kept) + 1)
            pure = np.flatnonzero((bads <= 0) | (goods <= 0))
            if not len(pure):
                break
            kept = np.delete(kept, min(int(pure[0]), len(kept) - 1))
        left = [f"{s:g}" for s in splits if s not in kept]
        return kept, f"left out {', '.join(left)}: a bin without goods or bads" if left else ""

    def _groups(self, places: NDArray[np.int64], pooled: NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
        """Group the levels that are not pooled, from the lowest bad rate to the highest."""
        kept = (places >= 0) & ~np.append(pooled, False)[places]
        order = np.unique(places[kept])
        if len(order) < 2:
            return [[names[k]] for k in order]
        found = self._optbinning(np.where(kept, places, np.nan), "categorical")
        return [[names[int(k)] for k in group] for group in found]

    def _splits(self, x: Array) -> tuple[Array, str]:
        seen = ~np.isnan(x)
        if not seen.any():
            return np.empty(0), "missing throughout"
        if x[seen].min() == x[seen].max():
            return np.empty(0), "one value"
        splits = np.asarray(self._optbinning(x, "numerical"), dtype=np.float64)
        if len(splits):
            return splits, ""
        auc = metrics.measure(self.y[seen], x[seen], ("roc_auc",))["roc_auc"]
        if abs(auc - 0.5) < SUSPICIOUS:
            return splits, "no split tells anything"
        return (
            splits,
            f"ranks well (AUC {auc:.2f}), but every split leaves a bin with hardly any goods or bads: a leak?",
        )

    def _optbinning(self, x: Array, dtype: str) -> Any:
        """Splits of a number, groups of level numbers of a text; missing rows count towards the share of a bin."""
        from optbinning import OptimalBinning

        search = OptimalBinning(
            dtype=dtype,
            max_n_bins=self.max_bins,
            min_prebin_size=self.min_bin_share,
            min_bin_size=self.min_bin_share,
            min_bin_n_event=int(LEAST),
            min_bin_n_nonevent=int(LEAST),
            monotonic_trend=None if self.trend == "none" or dtype == "categorical" else self.trend,
        )
        weight = None if (self.weight == 1).all() else self.weight
        return search.fit(x, self.y.astype(np.int64), sample_weight=weight).splits


def _intervals(splits: Array) -> list[str]:
    """Spell bins of a number.

    Examples
    --------
    >>> _intervals(np.array([18.0, 30.5]))
    ['< 18', '18 to < 30.5', '>= 30.5']
    """
    shown = [f"{s:.6g}" for s in splits]
    if not shown:
        return ["any value"]
    middle = [f"{a} to < {b}" for a, b in itertools.pairwise(shown)]
    return [f"< {shown[0]}", *middle, f">= {shown[-1]}"]


def _listed(levels: Sequence[str]) -> str:
    more = f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else ""
    return ", ".join(levels[:SHOWN]) + more
