"""A table that can be filtered and sorted on its page, with the same rows in a CSV file beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..document import Table, spell
from ..spreadsheet import neutralised
from .suppression import HIDDEN

PAGE_ROWS = 2000  # beyond them a page grows slow; the CSV file has them all


@dataclass(frozen=True)
class Listing(Table):
    """``file`` names the CSV; ``choices`` are the places of columns that get a list of their values to choose from."""

    file: str = ""
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    choices: tuple[int, ...] = ()
    note: str = ""
    kind: ClassVar[str] = "listing"

    @classmethod
    def filed(
        cls, file: str, frame: pd.DataFrame, caption: str, names: Mapping[str, str] | None = None,
        choose: Sequence[str] = (), most: int = PAGE_ROWS, folded: bool = False,
    ) -> "Listing":  # fmt: skip
        """Spell a frame for the page and keep it for the file.

        Parameters
        ----------
        names : mapping of str to str, optional
            The columns to show, in this order, and their headings; default: all, underscores as spaces.
        choose : sequence of str
            Columns to filter by value.
        most : int
            Rows shown on the page.

        Examples
        --------
        >>> found = Listing.filed("x", pd.DataFrame({"segment": ["a", "b"], "customers": [12.0, "hidden"]}), "Segments")
        >>> found.rows, found.numeric
        ((('a', '12'), ('b', 'hidden')), (False, True))
        """
        shown = dict(names) if names else {str(c): str(c).replace("_", " ") for c in frame.columns}
        part = frame[list(shown)].reset_index(drop=True)
        dated = part.select_dtypes("datetime").columns
        part = part.assign(**{c: part[c].dt.strftime("%Y-%m-%d") for c in dated})
        rows = tuple(tuple(map(spell, row)) for row in part.head(most).itertuples(index=False, name=None))
        numeric = tuple(i > 0 and _numbers(part[c]) for i, c in enumerate(shown))
        note = "" if len(part) <= most else f"The first {most:,} of {len(part):,} rows; the file has all of them."
        return cls(
            caption, tuple(shown.values()), numeric, rows, folded, file=file, frame=part.rename(columns=shown),
            choices=tuple(list(shown).index(c) for c in choose), note=note,
        )  # fmt: skip

    def csv(self) -> str:
        """Write the rows as CSV; nothing in it is run by a spreadsheet."""
        return neutralised(self.frame.astype(object).map(_plain)).to_csv(index=False, lineterminator="\n")


def _plain(cell: Any) -> Any:
    """A number to twelve digits, a whole one without a point; a missing value as nothing."""
    if isinstance(cell, float | np.floating):
        return "" if np.isnan(cell) else int(cell) if float(cell).is_integer() else float(f"{cell:.12g}")
    return cell


def _numbers(column: pd.Series) -> bool:
    said = column[column.ne(HIDDEN).fillna(True)].dropna()
    return bool(len(said) and said.map(lambda v: isinstance(v, int | float) and not isinstance(v, bool)).all())
