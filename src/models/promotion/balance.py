"""Covariate balance: standardised mean differences, and how large the largest would be had the arms been drawn.

A fixed limit (|SMD| < .1) misses a biased choice among many customers and condemns small trials: with 50 rows an arm
and ten features the largest |SMD| of a fair draw is above .1 nearly always.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError
from ..encoding import is_text
from ..flat_table import read_flat
from ..pyfunc_model import numbers
from .design import Codes, Design

Array = NDArray[np.float64]

LEVELS, RARE = 30, 10  # levels of a text kept by name, and how many rows one needs
ARM = "__arm__"
AT_ONCE = 4_000_000  # weights held at a time while arms are drawn anew


@dataclass(frozen=True)
class Covariates:
    """Columns of numbers (NaN where missing) and 0/1 columns for levels of texts and for missing numbers."""

    feature: list[str]
    level: list[str]
    matrix: Array
    notes: list[str]


def covariates(features: pd.DataFrame, design: Design) -> Covariates:
    """Spell features as numbers; what can't differ is left out with a note.

    Raises
    ------
    DataError
        For columns that can't be compared (ids, dates, infinite numbers), the treatment among the features, or when no
        feature is left.

    Examples
    --------
    >>> from afraz.models.promotion.design import read_design
    >>> table = pd.DataFrame({"age": [30.0, None, 40.0] * 20, "area": ["rural"] * 20 + ["urban"] * 40, "one": 1})
    >>> found = covariates(table, read_design([0, 1] * 30))
    >>> list(zip(found.feature, found.level)), found.notes
    ([('age', ''), ('age', '(missing)'), ('area', 'rural'), ('area', 'urban')], ['one: left out, the same value ...'])
    """
    if len(features) != len(design):
        raise DataError(f"features have {len(features):,} rows, treatment has {len(design):,}: give the same rows")
    flat = read_flat(features.assign(**{ARM: (design.code > 0).astype(int)}), {ARM: ARM}, id=None, as_of=None)
    feature, level, columns = [], [], []
    for name in flat.features.columns:
        column = flat.features[name]
        if column.nunique(dropna=False) == len(design.arms) and _tells(column, design):
            raise DataError(
                f"feature {str(name)!r} is the treatment itself, in other words: leave it out of the features"
            )
        spelled = _levels(column) if is_text(column) else _number(column)
        feature += [str(name)] * len(spelled)
        level += list(spelled)
        columns += list(spelled.values())
    return Covariates(feature, level, np.column_stack(columns), flat.notes)


def _tells(column: pd.Series, design: Design) -> bool:
    return bool(pd.Series(design.code).groupby(column.to_numpy(), dropna=False).nunique().max() == 1)


def _number(column: pd.Series) -> dict[str, Array]:
    x = numbers(column)
    absent = np.isnan(x)
    return {"": x, "(missing)": absent.astype(float)} if absent.any() else {"": x}


def _levels(column: pd.Series) -> dict[str, Array]:
    text = column.astype(object).map(str, na_action="ignore").fillna("(missing)")
    counts = text.value_counts()
    named = sorted(counts[counts >= RARE].sort_index().sort_values(ascending=False, kind="stable").index[:LEVELS])
    text = text.where(text.isin(named), "(other)")
    return {name: np.asarray(text.eq(name), float) for name in [*named, "(other)"] if text.eq(name).any()}


def balance_table(columns: Covariates, design: Design) -> pd.DataFrame:
    """Standardised mean difference of every feature between each arm and the control.

    SMD = (mean₁ − mean₀) / √((s₁² + s₀²) / 2), with p(1 − p) for the variance of a level (Austin 2009, Statistics in
    Medicine 28:3083-3107); means and variances are weighed by one over the probability of the arm, which changes
    nothing where it is constant (Austin 2011, Multivariate Behavioral Research 46:399-424). Means are over rows where
    the number is known.

    Returns
    -------
    DataFrame
        ``arm, feature, level, mean_arm, mean_control, smd``; the largest |SMD| first.

    Examples
    --------
    >>> from afraz.models.promotion.design import read_design
    >>> treated = [1] * 30 + [0] * 30
    >>> table = pd.DataFrame({"member": [1] * 18 + [0] * 12 + [1] * 15 + [0] * 15}).astype(str)
    >>> design = read_design(treated)
    >>> found = balance_table(covariates(table, design), design)
    >>> round(float(found["smd"].iloc[0]), 3)  # −.1 / √((.6 × .4 + .5 × .5) / 2)
    -0.202
    """
    smd, means = _differences(columns, design, design.code[None])
    tables = [
        pd.DataFrame({
            "arm": arm, "feature": columns.feature, "level": columns.level,
            "mean_arm": means[0, a + 1], "mean_control": means[0, 0], "smd": smd[0, a],
        })
        for a, arm in enumerate(design.arms[1:])
    ]  # fmt: skip
    table = pd.concat(tables, ignore_index=True)
    order = np.lexsort((np.arange(len(table)), -table["smd"].abs().to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def largest_by_chance(columns: Covariates, design: Design, draws: int, rng: np.random.Generator) -> Array:
    """Draw the largest |SMD| over features and arms, had the design given the arms out; (draws,), rising."""
    found: list[Array] = []
    step = max(1, AT_ONCE // len(design))
    for start in range(0, draws, step):
        codes = np.stack([design.draw(rng) for _ in range(min(step, draws - start))])
        found.append(np.abs(_differences(columns, design, codes)[0]).max(axis=(1, 2)))
    return np.sort(np.concatenate(found))


def _differences(columns: Covariates, design: Design, codes: Codes) -> tuple[Array, Array]:
    """SMD (draws, arms − 1, columns) and means (draws, arms, columns) for rows of arm codes (draws, n)."""
    known = ~np.isnan(columns.matrix)
    center, scale = np.nanmean(columns.matrix, axis=0), np.nanstd(columns.matrix, axis=0)
    x = np.where(known, (columns.matrix - center) / scale, 0.0)
    square, gaps = x * x, np.flatnonzero(~known.all(axis=0))
    seen = known[:, gaps].astype(float)
    is_number = np.array([level == "" for level in columns.level])

    def sums(w: Array) -> Array:
        out = np.repeat(w.sum(axis=1, keepdims=True), x.shape[1], axis=1)
        out[:, gaps] = w @ seen
        return out

    means, variances = [], []
    for arm in range(len(design.arms)):
        w = (codes == arm) / design.probability[:, arm]
        total = sums(w)
        with np.errstate(invalid="ignore", divide="ignore"):  # a number may be missing throughout an arm
            mean = w @ x / total
            spread = np.maximum(w @ square / total - mean**2, 0.0)
            sample = total**2 / (total**2 - sums(w * w))
        means.append(mean)
        variances.append(np.where(is_number, spread * sample, spread))
    m, v = np.stack(means, axis=1), np.stack(variances, axis=1)
    gap, pooled = m[:, 1:] - m[:, :1], np.sqrt((v[:, 1:] + v[:, :1]) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        smd = np.where(np.abs(gap) < 1e-12, 0.0, gap / pooled)
    return np.nan_to_num(smd, nan=0.0, posinf=np.inf, neginf=-np.inf), m * scale + center
