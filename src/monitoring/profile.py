"""What the inputs of a model looked like, month by month: counts by cell, which is all that drift is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..models.cells import NUMBERS, Cells, cells_of, kind_of

Counts = NDArray[np.int64]


@dataclass
class Profile:
    """Counts of every feature by month and cell.

    Attributes
    ----------
    cells : dict of feature to Cells
        Learned once from the rows of reference.
    rows : dict of month to number of rows
    counts : dict of feature to dict of month to counts
        A month in which the feature was absent has no entry.

    Examples
    --------
    >>> kept = Profile.of(pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0]}), ["spend"], bins=2)
    >>> kept.add(pd.Timestamp("2026-06-01"), pd.DataFrame({"spend": [1.0, 9.0, None]}))
    >>> kept.add(pd.Timestamp("2026-07-01"), pd.DataFrame({"visits": [1, 2]}))
    >>> kept.table("spend").tolist()
    [[1, 1, 1], [0, 0, 0]]
    """

    cells: dict[str, Cells]
    rows: dict[pd.Timestamp, int] = field(default_factory=dict)
    counts: dict[str, dict[pd.Timestamp, Counts]] = field(default_factory=dict)

    @classmethod
    def of(cls, reference: pd.DataFrame, names: Sequence[str], bins: int = 10) -> "Profile":
        """Learn the cells of the named features; those that the reference lacks are learned as missing throughout."""
        absent = pd.Series(np.full(max(1, len(reference)), np.nan))
        return cls({name: cells_of(reference.get(name, absent), bins) for name in names})

    def only(self, names: Sequence[str]) -> "Profile":
        """The same counts of some features."""
        kept = {name: self.counts[name] for name in names if name in self.counts}
        return Profile({name: self.cells[name] for name in names}, self.rows, kept)

    @property
    def months(self) -> list[pd.Timestamp]:
        """The months that were added, in order."""
        return sorted(self.rows)

    def add(self, month: pd.Timestamp, rows: pd.DataFrame) -> None:
        """Count the rows of a month; more rows of the same month are added to those that were there."""
        self.rows[month] = self.rows.get(month, 0) + len(rows)
        for name, cells in self.cells.items():
            if name in rows:
                found = self._count(cells, rows[name])
                known = self.counts.setdefault(name, {})
                known[month] = known[month] + found if month in known else found

    @staticmethod
    def _count(cells: Cells, values: pd.Series) -> Counts:
        if cells.kind == NUMBERS and kind_of(values) not in (NUMBERS, ""):
            values = pd.to_numeric(values, errors="coerce")  # text where numbers were: nothing that a model can read
        return cells.count(values)

    def table(self, name: str) -> Counts:
        """Counts of one feature, shape (months, cells); zeros where it was absent."""
        none = np.zeros(len(self.cells[name].labels), np.int64)
        known = self.counts.get(name, {})
        return np.array([known.get(month, none) for month in self.months])

    def pooled(self, name: str, months: Sequence[pd.Timestamp]) -> Counts:
        """Counts of one feature over some months, shape (cells,)."""
        known, none = self.counts.get(name, {}), np.zeros(len(self.cells[name].labels), np.int64)
        return np.sum([known.get(month, none) for month in months], axis=0) if len(months) else none
