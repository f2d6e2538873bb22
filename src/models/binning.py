"""Monotone bins and their weight of evidence: what a scorecard is made of, and what an expert may overrule."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, ParamsError, nearest
from .bin_search import LEAST, Search
from .binned_variable import BinnedVariable
from .encoding import is_text
from .pyfunc_model import bin_woe

Array = NDArray[np.float64]
Overrides = Mapping[str, Mapping[str, Any]]

TRENDS = ("auto_asc_desc", "ascending", "descending", "none")


@dataclass(frozen=True)
class Binning:
    """Bins of every variable, in the order of the columns."""

    variables: dict[str, BinnedVariable]

    def tables(self) -> pd.DataFrame:
        """Stack the tables of all variables."""
        return pd.concat([variable.table() for variable in self.variables.values()], ignore_index=True)

    def summary(self) -> pd.DataFrame:
        """Describe each variable: ``variable, type, bins, iv, missing_share, trend`` of the bad rate, ``note``."""
        rows = []
        for v in self.variables.values():
            count = v.goods + v.bads
            kind = "double" if v.levels is None else "text"
            rows.append((v.name, kind, v.used, v.iv, float(count[-1] / count.sum()), _trend(v), v.note))
        return pd.DataFrame(rows, columns=["variable", "type", "bins", "iv", "missing_share", "trend", "note"])

    def before_after(self) -> pd.DataFrame:
        """Hold each expert's bins against those of the search: ``variable, bins_before, iv_before, bins, iv, loss``."""
        rows = [
            (v.name, v.automatic_bins, v.automatic_iv, v.used, v.iv, v.automatic_iv - v.iv)
            for v in self.variables.values()
            if v.automatic_iv is not None
        ]
        return pd.DataFrame(rows, columns=["variable", "bins_before", "iv_before", "bins", "iv", "loss"])

    def woe(self, frame: pd.DataFrame, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Replace values by the weight of evidence of their bins."""
        chosen = list(self.variables) if names is None else list(names)
        found = {n: bin_woe(self.variables[n].bins(), self.variables[n].encoded(frame[n])) for n in chosen}
        return pd.DataFrame(found, index=frame.index)


def _trend(variable: BinnedVariable) -> str:
    count = (variable.goods + variable.bads)[:-1]
    if variable.levels is not None or len(count) < 2:
        return ""
    steps = np.diff(variable.bads[:-1] / np.maximum(count, 1e-300))
    return "rises" if (steps >= 0).all() else "falls" if (steps <= 0).all() else "turns"


def bin_variables(
    frame: pd.DataFrame,
    label: ArrayLike,
    *,
    overrides: Overrides | None = None,
    max_bins: int = 6,
    min_bin_share: float = 0.05,
    monotonic: str = "auto_asc_desc",
    signs: Mapping[str, int] | None = None,
    n_jobs: int = 2,
    sample_weight: ArrayLike | None = None,
) -> Binning:
    """Find bins whose bad rate rises or falls throughout, of the highest information value.

    Parameters
    ----------
    frame : DataFrame
        Candidate variables: numbers, booleans or texts; missing values form a bin of their own.
    label : (n,) 0 or 1
        1 is bad.
    overrides : mapping of variable to mapping, optional
        ``{"splits": [...]}`` of a number, ``{"groups": [[levels], …]}`` of a text (other levels are pooled), or
        ``{"monotonic": "ascending" | "descending" | "none"}`` of a number. A split that leaves a bin without goods or
        bads is left out, and the note of the variable says so.
    max_bins, min_bin_share : int, float
        At most so many bins, each with this share of all rows and with 10 goods and 10 bads. Missing values and pooled
        texts that have fewer are neutral: weight of evidence 0.
    monotonic : str
        How the bad rate moves with a number: "auto_asc_desc" (rises or falls, whichever the rows say), "ascending",
        "descending" or "none".
    signs : mapping of variable to -1, 0 or 1, optional
        1: the bad rate is known to rise with the value; -1: to fall.
    n_jobs : int
        Variables that are binned at once; the result does not depend on it.
    sample_weight : (n,) optional
        Counted as rows: 2 is two rows.

    Raises
    ------
    DataError
        If values are infinite, or there are fewer than 10 goods or 10 bads.
    ParamsError
        If an override or a sign fits no variable.

    Examples
    --------
    >>> rows = pd.DataFrame({"late": np.repeat([0, 1, 2], 100)})
    >>> bad = np.tile(np.arange(100), 3) < np.repeat([10, 20, 40], 100)
    >>> bin_variables(rows, bad, overrides={"late": {"splits": [1]}}).tables()[["bin", "count", "bads", "woe"]].round(3)
           bin  count  bads    woe
    0      < 1  100.0  10.0  1.008
    1     >= 1  200.0  60.0 -0.342
    >>> bin_variables(rows, bad, overrides={"lat": {"splits": [1]}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: override of 'lat', which is no variable: did you mean late?
    """
    y, weight = checked_label(label, sample_weight, len(frame))
    ruled, directions = dict(overrides or {}), {n: s for n, s in (signs or {}).items() if s}
    _check(frame, ruled, directions, monotonic)
    trends = {n: "ascending" if s > 0 else "descending" for n, s in directions.items()}
    trends |= {n: rule["monotonic"] for n, rule in ruled.items() if "monotonic" in rule}

    def one(name: Any) -> BinnedVariable:
        with np.errstate(divide="ignore", invalid="ignore"):  # optbinning divides by ranges that may be 0
            search = Search(y, weight, max_bins, min_bin_share, trends.get(name, monotonic))
            found = search.text(frame[name]) if is_text(frame[name]) else search.number(frame[name])
            rule = ruled.get(name)
            if not rule:
                return found
            before = found
            if "groups" in rule:
                found = search.text(frame[name], [[str(level) for level in group] for group in rule["groups"]])
            elif "splits" in rule:
                found = search.number(frame[name], rule["splits"])
            else:
                search = Search(y, weight, max_bins, min_bin_share, monotonic)
                before = search.number(frame[name])
            return _overruled(found, before)

    names = list(frame.columns)
    if n_jobs == 1:
        variables = [one(name) for name in names]
    else:
        with ThreadPoolExecutor(n_jobs) as pool:  # trees and solver leave the interpreter lock
            variables = list(pool.map(one, names))
    return Binning({v.name: v for v in variables})


def _overruled(found: BinnedVariable, before: BinnedVariable) -> BinnedVariable:
    return dataclasses.replace(found, automatic_iv=before.iv, automatic_bins=before.used)


def checked_label(label: ArrayLike, weight: ArrayLike | None, rows: int) -> tuple[Array, Array]:
    """Cast labels and weights.

    Raises
    ------
    DataError
        If they do not fit the rows, labels are not 0 or 1, or there are fewer than 10 goods or bads.

    Examples
    --------
    >>> checked_label([0, 2], None, 2)
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: labels must be 0 (good) or 1 (bad), none missing; found 2.0
    """
    y = np.asarray(label, dtype=np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if len(y) != rows or len(w) != rows:
        raise DataError(f"{rows} rows came with {len(y)} labels and {len(w)} weights: give one of each for every row")
    strange = y[(y != 0) & (y != 1)]
    if len(strange):
        raise DataError(f"labels must be 0 (good) or 1 (bad), none missing; found {strange[0]}")
    if not (np.isfinite(w) & (w >= 0)).all():
        raise DataError("weights must be finite and not below 0; a weight counts as so many rows")
    bads, goods = float(w[y == 1].sum()), float(w[y == 0].sum())
    if min(bads, goods) < LEAST:
        raise DataError(f"{goods:g} goods and {bads:g} bads: bins need at least {LEAST:g} of each; use more rows")
    return y, w


def _check(frame: pd.DataFrame, overrides: Overrides, signs: Mapping[str, int], monotonic: str) -> None:
    known = [str(name) for name in frame.columns]
    if len(set(known)) < len(known):
        raise DataError(f"column {max(known, key=known.count)!r} appears twice: keep one of them")
    if monotonic not in TRENDS:
        raise ParamsError(f"monotonic {monotonic!r} is unknown: {nearest(monotonic, TRENDS)}")
    for what, given in (("override", overrides), ("sign", signs)):
        for name in given:
            if name not in known:
                raise ParamsError(f"{what} of {name!r}, which is no variable: {nearest(str(name), known)}")
    for name, sign in signs.items():
        if sign not in (-1, 1) or is_text(frame[name]):
            raise ParamsError(f"sign {sign!r} of {name!r}: expected -1, 0 or 1, and a number, not a text")
    for name, rule in overrides.items():
        _check_rule(frame[name], rule)


def _check_rule(column: pd.Series, rule: Mapping[str, Any]) -> None:
    name = column.name
    if len(rule) != 1 or next(iter(rule)) not in ("splits", "groups", "monotonic"):
        raise ParamsError(f"override of {name!r} has {sorted(rule)}: give one of splits, groups, monotonic")
    if ("groups" in rule) != is_text(column):
        expected = "a text takes groups" if is_text(column) else "a number takes splits or monotonic"
        raise ParamsError(f"override of {name!r} gives {next(iter(rule))}: {expected}")
    if "splits" in rule and not (np.isfinite(rule["splits"]).all() and (np.diff(rule["splits"]) > 0).all()):
        raise ParamsError(f"splits of {name!r} must be finite and rise, got {list(rule['splits'])}")
    if rule.get("monotonic", "none") not in TRENDS:
        raise ParamsError(f"monotonic of {name!r}: {nearest(str(rule['monotonic']), TRENDS)}")
    levels = [str(level) for group in rule.get("groups", []) for level in group]
    twice = sorted({level for level in levels if levels.count(level) > 1})
    if twice:
        raise ParamsError(f"groups of {name!r} name {twice[0]!r} twice: a level belongs to one group")
