"""One variable in bins: counts, weights of evidence, and the bin of each value; applied without optbinning."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .pyfunc_model import codes, numbers

Array = NDArray[np.float64]


def woe(goods: ArrayLike, bads: ArrayLike) -> Array:
    """Weight of evidence of each bin, ``ln(share of goods / share of bads)``: above 0 is safer than the average.

    A bin without goods or without bads gets 0, as in optbinning.

    Examples
    --------
    Age in Siddiqi 2006, *Credit Risk Scorecards*, exhibit 6.2 (missing, 18–22, 23–26, …, 44+), there in hundredths:

    >>> goods, bads = [860, 3040, 4920, 8100, 9500, 6800, 2940], [140, 960, 1080, 900, 500, 200, 60]
    >>> (100 * woe(goods, bads)).round(3).tolist()
    [-42.719, -108.98, -72.613, -4.526, 70.196, 128.388, 164.934]
    """
    good, bad = np.asarray(goods, dtype=np.float64), np.asarray(bads, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(good / good.sum()) - np.log(bad / bad.sum())
    return np.where((good > 0) & (bad > 0), found, 0.0)


def information_value(goods: ArrayLike, bads: ArrayLike) -> float:
    """Sum over bins of ``(share of goods - share of bads) * woe`` (Siddiqi 2006, ch. 6); pure bins add nothing.

    Examples
    --------
    >>> goods, bads = [860, 3040, 4920, 8100, 9500, 6800, 2940], [140, 960, 1080, 900, 500, 200, 60]
    >>> round(information_value(goods, bads), 4)  # the same exhibit
    0.6681
    """
    return float(_iv_parts(np.asarray(goods, dtype=np.float64), np.asarray(bads, dtype=np.float64)).sum())


def _iv_parts(goods: Array, bads: Array) -> Array:
    return np.asarray((goods / max(goods.sum(), 1e-300) - bads / max(bads.sum(), 1e-300)) * woe(goods, bads))


@dataclass(frozen=True)
class BinnedVariable:
    """Bins of one variable.

    Attributes
    ----------
    splits : tuple of float
        Rising; a value equal to a split belongs to its right. Of a text: 0.5, 1.5, … between the numbers of its bins.
    levels : dict of str to int, or None
        Of a text: the bin of each level; unknown levels belong to the last bin, whose weight of evidence is 0.
    labels : tuple of str
        Bins in words; the last entry is "missing".
    goods, bads, woe : ndarray, shape (bins + 1,)
        The last entry belongs to missing values.
    automatic_iv, automatic_bins
        What the search found, where an expert has overruled it.
    note : str
        What a reviewer should know; mostly empty.
    """

    name: str
    splits: tuple[float, ...]
    levels: dict[str, int] | None
    labels: tuple[str, ...]
    goods: Array
    bads: Array
    woe: Array
    automatic_iv: float | None = None
    automatic_bins: int | None = None
    note: str = ""

    @property
    def iv(self) -> float:
        """Information value; a bin whose weight of evidence is held at 0 adds nothing."""
        shares = self.goods / self.goods.sum() - self.bads / self.bads.sum()
        return float((shares * self.woe).sum())

    @property
    def used(self) -> int:
        """Number of bins with rows, missing values among them."""
        return int((self.goods + self.bads > 0).sum())

    def feature(self) -> dict[str, Any]:
        """Spell the variable as a feature of a model: a double, or a text whose levels are the numbers of bins."""
        if self.levels is None:
            return {"name": self.name, "type": "double"}
        levels = {level: float(place) for level, place in self.levels.items()}
        return {"name": self.name, "type": "text", "levels": levels, "missing": None, "other": float(len(self.splits))}

    def bins(self) -> dict[str, Any]:
        """Spell the bins as an entry of a scorecard head."""
        return {"splits": list(self.splits), "woe": self.woe[:-1].tolist(), "missing": float(self.woe[-1])}

    def encoded(self, column: pd.Series) -> Array:
        """Cast a column as a model does: doubles, or numbers of bins; shape (rows,)."""
        if self.levels is None:
            return numbers(column)
        feature = self.feature()
        return codes(column, feature["levels"], None, feature["other"])

    def table(self) -> pd.DataFrame:
        """Show the bins that have rows: ``variable, bin, count, share, bads, bad_rate, woe, iv``."""
        count = self.goods + self.bads
        shares = self.goods / self.goods.sum() - self.bads / self.bads.sum()
        shown = count > 0
        return pd.DataFrame({
            "variable": self.name,
            "bin": pd.array(np.array(self.labels, dtype=object)[shown], dtype="str"),
            "count": count[shown],
            "share": (count / count.sum())[shown],
            "bads": self.bads[shown],
            "bad_rate": (self.bads[shown] / count[shown]),
            "woe": self.woe[shown],
            "iv": (shares * self.woe)[shown],
        })  # fmt: skip
