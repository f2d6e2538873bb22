"""Inputs of a lens made comparable: how each is transformed, as a part of the model's spec.

A table is read once into :class:`Sources` (standardised numbers, codes, counts); null tables are sources too, so that
they pass through exactly what the data pass through.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ...errors import DataError
from .. import pyfunc_segments as run
from .settings import ClustersLens

Array = NDArray[np.float64]

MOST_LEVELS = 30
FEW_VALUES = 12  # a number of at most so many values is a scale, not a continuum


@dataclass(frozen=True)
class Sources:
    """Rows of one lens: ``columns`` has standardised numbers, codes of texts, and counts; (rows,) each.

    ``numbers`` and ``texts`` are parts of the spec, ``counts`` and ``themes`` blocks with their items.
    """

    columns: dict[str, Array]
    numbers: list[dict[str, Any]]
    texts: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    themes: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: NDArray[np.int64]) -> "Sources":
        """Keep some rows, in their order."""
        return self.with_columns({name: values[rows] for name, values in self.columns.items()})

    def with_columns(self, columns: dict[str, Array]) -> "Sources":
        """Put other rows in the place of these."""
        return Sources(columns, self.numbers, self.texts, self.counts, self.themes)

    def features(self) -> list[dict[str, Any]]:
        """Spell the columns as features of the spec."""
        items = dict.fromkeys(item for block in [*self.counts, *self.themes] for item in block["items"])
        return [
            *({"name": number["name"], "type": "double"} for number in self.numbers),
            *({"name": text["name"], "type": "text", "levels": text["levels"]} for text in self.texts),
            *({"name": item, "type": "double", "absent": 0} for item in items),
        ]


def read_sources(table: pd.DataFrame, lens: ClustersLens, name: str) -> Sources:
    """Read the inputs of a lens; inputs that the table lacks are left out by the caller.

    Raises
    ------
    DataError
        For text in numbers, a column that is missing throughout or constant, and counts below 0.
    """
    columns: dict[str, Array] = {}
    numbers = [_fit_number(column, _numbers(table, column, name), name) for column in lens.numbers]
    for number in numbers:
        columns[number["name"]] = run.standardised(number, _numbers(table, number["name"], name))
    texts = [_fit_text(table[column], name) for column in lens.texts]
    for text in texts:
        columns[text["name"]] = run.level_codes(table[text["name"]], text["levels"])
    blocks = {block: _block(table, block, name) for block in [*lens.counts, *lens.themes]}
    for block in blocks.values():
        columns |= {item: _numbers(table, item, name) for item in block["items"]}
    return Sources(columns, numbers, texts, [blocks[b] for b in lens.counts], [blocks[b] for b in lens.themes])


def block_items(table: pd.DataFrame, block: str) -> list[str]:
    """Give the columns ``<block>:<item>`` in the order of their names."""
    return sorted(str(column) for column in table.columns if str(column).startswith(f"{block}:"))


def _numbers(table: pd.DataFrame, column: str, lens: str) -> Array:
    try:
        return np.where(np.isfinite(x := run.numbers(table[column])), x, np.nan)
    except run.RefusedTableError as problem:
        raise DataError(f"lens {lens}: {problem}") from None


def _block(table: pd.DataFrame, block: str, lens: str) -> dict[str, Any]:
    items = []
    for item in block_items(table, block):
        counts = _numbers(table, item, lens)
        if (counts < 0).any():
            raise DataError(f"lens {lens}: column {item!r} counts below 0 in {(counts < 0).sum()} rows: mend them")
        if np.nansum(counts) > 0:  # an item that nobody has says nothing
            items.append(item)
    if len(items) < 2:
        raise DataError(
            f"lens {lens}: block {block!r} has {len(items)} items that anybody has, 2 are needed: leave it out"
        )
    return {"name": block, "items": items}


def _fit_text(column: pd.Series, lens: str) -> dict[str, Any]:
    if column.isna().all():
        raise DataError(f"lens {lens}: column {column.name!r} is missing throughout: take it out of the lens")
    counted = column.dropna().map(run._whole).value_counts()
    levels = sorted(sorted(counted.index, key=lambda level: (-counted[level], level))[:MOST_LEVELS])
    if len(counted) == 1 and not column.isna().any():
        raise DataError(f"lens {lens}: column {column.name!r} is constant: take it out of the lens")
    return {"name": str(column.name), "levels": levels}


def _fit_number(name: str, x: Array, lens: str) -> dict[str, Any]:
    known = x[~np.isnan(x)]
    if not len(known):
        raise DataError(f"lens {lens}: column {name!r} is missing throughout: take it out of the lens")
    if known.min() == known.max():
        raise DataError(f"lens {lens}: column {name!r} is constant ({known[0]:g}): take it out of the lens")
    return fit_number(name, known)


def fit_number(name: str, known: Array) -> dict[str, Any]:
    """Choose how a number becomes roughly normal (see ``pyfunc_segments.standardised``).

    A number between 0 and 1 that takes many values is a share. The power is that of the greatest likelihood.

    Examples
    --------
    >>> skewed = np.exp(np.random.default_rng(0).normal(size=500))
    >>> number = fit_number("amount", skewed)
    >>> z = run.standardised(number, skewed)
    >>> [bool(abs(x) < 0.3) for x in (z.mean(), z.std() - 1, stats.skew(z))]
    [True, True, True]
    """
    many = len(np.unique(known)) > FEW_VALUES
    share = bool(many and known.min() >= 0 and known.max() <= 1)
    number: dict[str, Any] = {
        "name": name,
        "share": share,
        "centre": 0.0,
        "unit": 1.0,
        "power": 1.0,
        "mean": 0.0,
        "scale": 1.0,
    }
    bent = np.log((known + 0.01) / (1.01 - known)) if share else known
    low, middle, high = np.quantile(bent, [0.1, 0.5, 0.9])
    number |= {"centre": float(middle), "unit": float(high - low) / 2.563 or float(bent.std())}
    if many and not share:
        cut = np.clip((bent - middle) / number["unit"], -20, 20)
        number["power"] = round(float(np.clip(stats.yeojohnson_normmax(cut), -2.0, 4.0)), 3)
    free = {**number, "scale": 1e9}  # so wide that nothing is cut
    z = run.standardised(free, known) * 1e9
    number["mean"] = float(z.mean())
    number["scale"] = float(z.std())
    kept = np.clip((z - number["mean"]) / number["scale"], -run.WIDEST, run.WIDEST)
    number["mean"] += float(kept.mean()) * number["scale"]  # a few far values do not move the middle
    number["scale"] *= float(kept.std())
    return number


def plain(prepare: dict[str, Any]) -> dict[str, Any]:
    """Give the preparation for sources, whose numbers are standardised already."""
    done = {"share": False, "centre": 0.0, "unit": 1.0, "power": 1.0, "mean": 0.0, "scale": 1.0}
    return {
        **prepare,
        "numbers": [n if n["name"].startswith("theme_") else {**n, **done} for n in prepare["numbers"]],
    }


def stacked(statistics: Iterator[Array]) -> Array:
    """Put statistics side by side; shape (rows, statistics)."""
    return np.column_stack(list(statistics))


def fit_dense(prepare: dict[str, Any], sources: Sources) -> dict[str, Any]:
    """Add means and scales of the dense coordinates: every text and every share weighs like one number."""
    unscaled = sum(len(text["levels"]) + 1 for text in prepare["texts"]) + sum(
        len(b["items"]) for b in prepare["counts"]
    )
    prepare = {**prepare, "dense": {"means": [0.0] * unscaled, "scales": [1.0] * unscaled}}
    if not unscaled:
        return prepare
    raw = stacked(run.dense_statistics(plain(prepare), sources.columns))[:, len(prepare["numbers"]) :]
    widths = [n for text in prepare["texts"] for n in [len(text["levels"]) + 1] * (len(text["levels"]) + 1)]
    widths += [1] * (unscaled - len(widths))
    deviation = raw.std(axis=0)
    scales = np.where(deviation > 1e-9, deviation, 1.0) * np.sqrt(widths)
    prepare["dense"] = {"means": raw.mean(axis=0).tolist(), "scales": scales.tolist()}
    return prepare
