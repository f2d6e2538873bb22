"""Cells that a variable is cut into once, so that later samples are counted in the same ones.

Numbers are cut at quantiles of the sample that was learned from, equal numbers staying together; values below the least
or above the greatest one get a cell of their own where a whole quantile sits on that edge, so that a constant which
moves is seen. Text and booleans have a cell per level; levels that were not there share one. Missing values have a cell
of their own, the last.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError

MISSING, UNSEEN = "missing", "not seen before"
NUMBERS, TEXT = "numbers", "text"


@dataclass(frozen=True)
class Cells:
    """How one variable is cut: ``labels`` of the cells, missing last; ``edges`` of numbers, ``levels`` of text."""

    kind: str
    labels: tuple[str, ...]
    edges: NDArray[np.float64]
    levels: tuple[str, ...] = ()

    def of(self, values: pd.Series) -> NDArray[np.int64]:
        """Give the cell of every value, shape (n,)."""
        if self.kind == NUMBERS:
            known = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
            return np.where(np.isnan(known), len(self.labels) - 1, np.searchsorted(self.edges, known))
        codes, found = pd.factorize(values.astype(object), use_na_sentinel=True)
        place = {level: i for i, level in enumerate(self.levels)}
        of_found = np.array([place.get(str(v), len(self.levels)) for v in found] + [len(self.labels) - 1], np.int64)
        return of_found[codes]  # a missing value has the code -1: the last

    def count(self, values: pd.Series) -> NDArray[np.int64]:
        """Count values by cell, shape (cells,).

        Examples
        --------
        >>> cut = cells_of(pd.Series([1.0, 2.0, 3.0, 4.0]), 2)
        >>> cut.labels, cut.count(pd.Series([0.0, 9.0, None])).tolist()
        (('up to 2', '> 2', 'missing'), [1, 1, 1])
        """
        return np.bincount(self.of(values), minlength=len(self.labels))


def cells_of(values: pd.Series, bins: int = 10, kind: str | None = None) -> Cells:
    """Learn the cells of a variable.

    Parameters
    ----------
    bins : int
        Quantile bins of numbers; of no effect on text.
    kind : str, optional
        ``numbers`` or ``text``; None: as the values are, text where they are missing throughout.

    Raises
    ------
    DataError
        For dates.

    Examples
    --------
    >>> cells_of(pd.Series(["rent", "own", None])).labels
    ('own', 'rent', 'not seen before', 'missing')
    >>> cells_of(pd.to_datetime(pd.Series(["2026-07-01"])))
    Traceback (most recent call last):
    afraz.errors.DataError: dates move on by themselves; compare an age or a duration instead
    """
    if (kind or kind_of(values)) != NUMBERS:
        levels = tuple(sorted({str(value) for value in values.dropna().unique()}))
        return Cells(TEXT, (*levels, UNSEEN, MISSING), np.array([]), levels)
    numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    known = np.sort(numbers[~np.isnan(numbers)])
    if not len(known):
        return Cells(NUMBERS, ("any", MISSING), np.array([]))
    edges = np.unique(known[np.ceil(np.arange(1, bins) * len(known) / bins).astype(int) - 1])
    text = [f"{edge:.6g}" for edge in edges]
    labels = [f"up to {text[0]}", *(f"> {a} to {b}" for a, b in pairwise(text)), f"> {text[-1]}"]
    if edges[0] == known[0]:
        edges = np.append(np.nextafter(edges[0], -np.inf), edges)
        labels = [f"< {text[0]}", text[0], *labels[1:]]
    return Cells(NUMBERS, (*labels, MISSING), edges)


def kind_of(values: pd.Series) -> str:
    """Numbers or text; nothing for a column that is missing throughout, which goes with either.

    Raises
    ------
    DataError
        For dates.
    """
    if values.isna().all():
        return ""
    dtype = values.infer_objects().dtype
    if pd.api.types.is_bool_dtype(dtype):
        return TEXT
    if pd.api.types.is_datetime64_any_dtype(dtype):
        raise DataError("dates move on by themselves; compare an age or a duration instead")
    return NUMBERS if pd.api.types.is_numeric_dtype(dtype) else TEXT
