"""What sets a group of customers apart from the rest: effect sizes, and short names made of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Phrases = Mapping[str, tuple[str, str]]
MOST_LEVELS = 30


def describe_against_rest(table: pd.DataFrame, inside: NDArray[np.bool_]) -> pd.DataFrame:
    """Compare a group with everybody else, column by column.

    Parameters
    ----------
    table : DataFrame
        Numbers, texts and items; dates are left out.
    inside : ndarray of bool, shape (rows,)

    Returns
    -------
    DataFrame
        The largest differences first: ``what`` (column, or ``column = level``), ``inside`` and ``outside`` (mean, or
        share of the level), ``effect``: Cohen's d of a number (difference of means in deviations of everybody),
        Cohen's h of a share (Cohen 1988, *Statistical power analysis*, ch. 2 and 6).

    Examples
    --------
    >>> table = pd.DataFrame({"age": [20.0, 30, 60, 70], "town": ["a", "a", "a", "b"]})
    >>> describe_against_rest(table, np.array([True, True, False, False])).round(2)
           what  inside  outside  effect
    0       age    25.0     65.0   -1.94
    1  town = a     1.0      0.5    1.57
    2  town = b     0.0      0.5   -1.57
    """
    rows: list[tuple[str, float, float, float]] = []
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            continue
        if pd.api.types.is_numeric_dtype(column):
            x = column.to_numpy(dtype=float, na_value=np.nan)
            rows += _number(str(name), x, inside)
        elif column.nunique() <= MOST_LEVELS:
            rows += _levels(str(name), column, inside)
    found = pd.DataFrame(rows, columns=["what", "inside", "outside", "effect"])
    order = np.argsort(-found["effect"].abs().round(9).to_numpy(), kind="stable")  # equal but for rounding is equal
    return found.iloc[order].reset_index(drop=True)


def _number(name: str, x: NDArray[np.float64], inside: NDArray[np.bool_]) -> list[tuple[str, float, float, float]]:
    known = ~np.isnan(x)
    if not (known & inside).any() or not (known & ~inside).any():
        return []
    spread = float(x[known].std())
    one, other = float(x[known & inside].mean()), float(x[known & ~inside].mean())
    return [(name, one, other, (one - other) / spread)] if spread > 0 else []


def _levels(name: str, column: pd.Series, inside: NDArray[np.bool_]) -> list[tuple[str, float, float, float]]:
    found = []
    for level in sorted(column.dropna().unique(), key=str):
        is_level = (column == level).fillna(False).to_numpy(dtype=bool)
        if inside.all() or not inside.any():
            continue
        one, other = float(is_level[inside].mean()), float(is_level[~inside].mean())
        effect = 2 * np.arcsin(np.sqrt(one)) - 2 * np.arcsin(np.sqrt(other))
        found.append((f"{name} = {level}", one, other, float(effect)))
    return found


def short_names(
    described: Mapping[str, pd.DataFrame], phrases: Phrases | None = None, words: int = 2
) -> dict[str, str]:
    """Name segments by their strongest differences; names are unique.

    Where words run out, the mean of the strongest difference that is its own tells a segment from its namesakes.

    Parameters
    ----------
    described : mapping of segment to DataFrame
        :func:`describe_against_rest` of each.
    phrases : mapping of column to (low, high), optional
        Plain words for a low and a high value.

    Examples
    --------
    >>> ages = {"a": 61.2, "b": 74.0, "c": 74.01}
    >>> told = {s: pd.DataFrame({"what": ["age_years"], "inside": [x], "effect": [1.0]}) for s, x in ages.items()}
    >>> list(short_names(told, {"age_years": ("is younger", "is older")}).values())
    ['is older', 'is older (age years 74)', 'is older (c)']
    """
    found: dict[str, str] = {}
    for segment, table in described.items():
        strong = [(str(w), float(e)) for w, e in zip(table["what"], table["effect"], strict=True) if abs(e) >= 0.2]
        parts = [_words(what, effect, phrases or {}) for what, effect in strong]
        parts = list(dict.fromkeys(parts))
        name = ", ".join(parts[:words]) or "like the others"
        more = words
        while name in found.values() and more < len(parts):
            more += 1
            name = ", ".join(parts[:more])
        told = [f"{name} ({_plain(str(w))} {x:.3g})" for w, x in zip(table["what"], table["inside"], strict=True)]
        found[segment] = next(n for n in (name, *told, f"{name} ({segment})") if n not in found.values())
    return found


def _words(what: str, effect: float, phrases: Phrases) -> str:
    if " = " in what:
        level = what.partition(" = ")[2]
        return level if effect > 0 else f"not {level}"
    low, high = phrases.get(what, (f"little {_plain(what)}", f"much {_plain(what)}"))
    return high if effect > 0 else low


def _plain(name: str) -> str:
    return name.rpartition(":")[2].replace("_", " ")
