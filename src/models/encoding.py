"""A table's columns as doubles: text becomes the event rate of its level, shrunk and learnt inside the training part.

Training rows see cross-fitted codes (learnt without their own fold), so a rare text can't hand its own label to the
trees; later rows see the codes of the whole training part, which are written into the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .pyfunc_model import NUMBERS, numbers

Array = NDArray[np.float64]
Spec = dict[str, Any]


def is_text(column: pd.Series) -> bool:
    """Whether a column holds texts, rather than booleans, integers, decimals or doubles.

    Examples
    --------
    >>> is_text(pd.Series(["a", None])), is_text(pd.Series([True, None]))
    (True, False)
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
        return False
    return pd.api.types.infer_dtype(column, skipna=True) not in NUMBERS


def shrunk_rates(sums: Array, counts: Array, rows_per_customer: float = 1.0) -> tuple[Array, float]:
    """Event rate of each level, shrunk to the overall rate as far as the levels don't differ.

    Empirical Bayes: the variance between levels is the method of moments' (DerSimonian & Laird 1986, Controlled
    Clinical Trials 7:177-188), so a column without signal collapses to one value. Several rows of a customer count
    as one.

    Parameters
    ----------
    sums, counts : (levels,) events and rows
    rows_per_customer : float

    Returns
    -------
    rates : (levels,)
    overall : float

    Examples
    --------
    >>> shrunk_rates(np.array([500.0, 100.0]), np.array([1000.0, 1000.0]))[0].round(3).tolist()
    [0.499, 0.101]
    >>> shrunk_rates(np.array([3.0, 2.0]), np.array([10.0, 10.0]))[0].tolist()
    [0.25, 0.25]
    """
    overall = float(sums.sum() / counts.sum()) if counts.sum() else 0.0
    n = counts / rows_per_customer
    seen = n > 0
    rate = np.divide(sums, counts, out=np.full(len(sums), overall), where=seen)
    within = overall * (1 - overall)
    spread = n.sum() - (n**2).sum() / max(n.sum(), 1e-12)
    between = ((n * (rate - overall) ** 2).sum() - (seen.sum() - 1) * within) / max(spread, 1e-12)
    if between <= 0 or within <= 0:
        return np.full(len(sums), overall), overall
    weight = n / (n + within / between)
    return overall + weight * (rate - overall), overall


@dataclass(frozen=True)
class _Text:
    """Counts of a text column by level and fold; the last level is the missing one."""

    levels: list[str]
    codes: NDArray[np.int64]
    sums: Array
    counts: Array

    def rates(self, without: Sequence[int], rows_per_customer: float) -> Array:
        kept = [k for k in range(self.sums.shape[1]) if k not in without]
        return shrunk_rates(self.sums[:, kept].sum(1), self.counts[:, kept].sum(1), rows_per_customer)[0]


class FoldEncoder:
    """Encode the training part for cross-fitting and for the final model.

    Parameters
    ----------
    frame : DataFrame
        Feature columns of the training part.
    label : (n,) labels
    fold : (n,) fold of each row
    rows_per_customer : float
        Mean number of rows of a customer.
    """

    def __init__(self, frame: pd.DataFrame, label: Array, fold: NDArray[np.int64], rows_per_customer: float = 1.0):
        self.names = [str(c) for c in frame.columns]
        self.fold = fold
        self.n_folds = int(fold.max()) + 1
        self._rows_per_customer = rows_per_customer
        self._base = np.empty((len(frame), len(self.names)))
        self._texts: dict[int, _Text] = {}
        for i, name in enumerate(frame.columns):
            if is_text(frame[name]):
                self._texts[i] = _count(frame[name], label, fold, self.n_folds)
            else:
                self._base[:, i] = numbers(frame[name])

    def matrix(self, held_out: int | None = None) -> Array:
        """Encode every row; those of fold ``held_out`` as unseen rows, the others cross-fitted without it.

        Returns
        -------
        (n, features) float64
        """
        x = self._base.copy()
        out = [] if held_out is None else [held_out]
        for i, text in self._texts.items():
            for k in range(self.n_folds):
                rows = self.fold == k
                rates = text.rates([*out, k], self._rows_per_customer)
                x[rows, i] = rates[text.codes[rows]]
        return x

    def features(self) -> list[Spec]:
        """Spell the encoding as the feature list of a model: types, levels, codes of missing and unseen texts."""
        out: list[Spec] = []
        for i, name in enumerate(self.names):
            if i not in self._texts:
                out.append({"name": name, "type": "double"})
                continue
            text = self._texts[i]
            rates = text.rates([], self._rows_per_customer)
            overall = float(text.sums.sum() / text.counts.sum())
            out.append({
                "name": name,
                "type": "text",
                "levels": {level: float(rate) for level, rate in zip(text.levels, rates[:-1], strict=True)},
                "missing": float(rates[-1]),
                "other": overall,
            })  # fmt: skip
        return out


def _count(column: pd.Series, label: Array, fold: NDArray[np.int64], n_folds: int) -> _Text:
    codes, levels = pd.factorize(column.astype("object").map(str, na_action="ignore"), sort=True)
    codes = np.where(codes < 0, len(levels), codes)
    sums, counts = np.zeros((len(levels) + 1, n_folds)), np.zeros((len(levels) + 1, n_folds))
    np.add.at(sums, (codes, fold), label)
    np.add.at(counts, (codes, fold), 1.0)
    return _Text([str(v) for v in levels], codes, sums, counts)
