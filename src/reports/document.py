"""A document of sections: one content, told as a self-contained HTML page or as Markdown."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from .figures import Picture
from .pages import Page, environment

WIDE = 3  # columns that fit a phone; a wider table may scroll sideways


@dataclass(frozen=True)
class Heading:
    """Begins a part of a section."""

    words: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Text:
    """A paragraph; ``absent`` says why something is not shown, ``lead`` is what must not be missed."""

    words: str
    tone: Literal["plain", "note", "absent", "lead"] = "plain"
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Facts:
    """Names and what they are."""

    pairs: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "facts"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Facts":
        return cls(tuple((str(name), spell(value)) for name, value in values.items()))


@dataclass(frozen=True)
class Table:
    """Spelled cells under headings; the first column names the row.

    ``folded`` tables open on demand, and on paper; ``essential`` ones stay when a text is shortened.
    """

    caption: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    essential: bool = False
    kind: ClassVar[str] = "table"

    @property
    def wide(self) -> bool:
        return len(self.headings) > WIDE

    @classmethod
    def of(
        cls, frame: pd.DataFrame, caption: str, names: Mapping[Any, str] | None = None, folded: bool = False
    ) -> "Table":
        """Spell a frame.

        Parameters
        ----------
        names : mapping of str to str, optional
            The columns to show, in this order, and their headings; default: all, underscores as spaces.

        Examples
        --------
        >>> Table.of(pd.DataFrame({"grade": ["G1"], "bad_rate": [0.012345]}), "Grades").rows
        (('G1', '0.0123'),)
        """
        shown = names or {str(c): str(c).replace("_", " ") for c in frame.columns}
        part = frame[list(shown)]
        rows = tuple(tuple(spell(value) for value in row) for row in part.itertuples(index=False, name=None))
        numeric = tuple(
            i > 0 and pd.api.types.is_numeric_dtype(part[c]) and not pd.api.types.is_bool_dtype(part[c])
            for i, c in enumerate(shown)
        )
        return cls(caption, tuple(shown.values()), numeric, rows, folded)


@dataclass(frozen=True)
class Chart:
    """A picture with the words that replace it, and the table behind it."""

    picture: bytes
    alternative: str
    caption: str
    behind: Table | None = None
    kind: ClassVar[str] = "chart"

    @classmethod
    def of(cls, figure: Picture, alternative: str, caption: str, behind: Table | None = None) -> "Chart":
        return cls(figure.svg(), alternative, caption, behind)

    @property
    def address(self) -> str:
        return f"data:image/svg+xml;base64,{base64.b64encode(self.picture).decode()}"


def kept(table: Table) -> Table:
    """Mark a table as essential."""
    return replace(table, essential=True)


Block = Heading | Text | Facts | Table | Chart


@dataclass(frozen=True)
class Section:
    """``key`` names it in links."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """``lead`` is one sentence under the title."""

    title: str
    lead: str
    sections: Sequence[Section]

    def page(self) -> Page:
        """Render one self-contained HTML page that needs neither network nor scripts: its own only helps links."""
        return Page(environment().get_template("document.html.j2").render(document=self) + "\n")


def spell(value: Any) -> str:
    """Spell a value for a cell: three significant digits, thousands apart, a dash for what is missing.

    Examples
    --------
    >>> [spell(v) for v in (0.80866, -1234.5, 12, None, float("nan"), True, "G1", [1, 2], 1e-06, 0.0, 2426021.4)]
    ['0.809', '−1,234', '12', '–', '–', 'yes', 'G1', '1, 2', '1e−06', '0', '2,426,021']
    """
    if isinstance(value, bool | np.bool_):
        said = "yes" if value else "no"
    elif isinstance(value, Mapping):
        said = "; ".join(f"{name}: {spell(inner)}" for name, inner in value.items()) or "none"
    elif isinstance(value, list | tuple):
        said = ", ".join(spell(inner) for inner in value) or "none"
    elif isinstance(value, int | float | np.integer | np.floating):
        said = _number(float(value))
    else:
        said = "–" if value is None or value is pd.NA else str(value)
    return said


def _number(value: float) -> str:
    if np.isnan(value):
        return "–"
    if not np.isfinite(value):
        return "unbounded"
    whole = value.is_integer() or abs(value) >= 100
    return (f"{value:,.0f}" if whole else f"{value:.3g}").replace("-", "−") if value else "0"
