"""Monotone bins and their weight of evidence: what a scorecard is made of, and what an expert may overrule.

optbinning finds the splits (Navas-Palencia 2020, *Optimal binning: mathematical programming formulation*,
arXiv:2001.08025); counts, weights of evidence and everything after that are computed here, so that bins are applied
without it. It smooths nothing: bins without goods or without bads are joined with a neighbour before the search, and
where there is no neighbour (missing values, pooled texts) their weight of evidence is 0.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, ParamsError, nearest
from . import metrics
from .encoding import is_text
from .pyfunc_model import bin_woe, codes, numbers

Array = NDArray[np.float64]
Overrides = Mapping[str, Mapping[str, Any]]

LEAST = 10.0  # goods, and bads, of a bin: the error of its log-odds stays below (1/10 + 1/10) ** 0.5 = .45
RARE_ROWS, RARE_SHARE = 30, 0.01  # texts below either are pooled: their rate is mostly noise
TRENDS = ("auto_asc_desc", "ascending", "descending", "none")
SUSPICIOUS = 0.1  # distance of an AUC from one half
SHOWN = 6  # levels of a text that a table spells out


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
            search = _Search(y, weight, max_bins, min_bin_share, trends.get(name, monotonic))
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
                search = _Search(y, weight, max_bins, min_bin_share, monotonic)
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


@dataclass(frozen=True)
class _Search:
    """The rows of one search."""

    y: Array
    weight: Array
    max_bins: int
    min_bin_share: float
    trend: str

    def number(self, column: pd.Series, given: Sequence[float] | None = None) -> BinnedVariable:
        x = numbers(column)
        if np.isinf(x).any():
            raise DataError(f"column {column.name!r} holds infinite values: replace them by missing ones or a bound")
        if given is None:
            splits, note = self._splits(x)
        else:
            splits, note = self._without_pure(x, np.asarray(given, dtype=np.float64))
        return self._counted(str(column.name), x, splits, None, _intervals(splits), note)

    def text(self, column: pd.Series, given: Sequence[Sequence[str]] | None = None) -> BinnedVariable:
        places, uniques = pd.factorize(column.astype("object").map(str, na_action="ignore"), sort=True)
        names = [str(level) for level in uniques]
        present = max(int((places >= 0).sum()), 1)
        share = max(RARE_SHARE, RARE_ROWS / present)
        rows = np.bincount(places[places >= 0], minlength=len(names))
        if given is None:
            pooled = rows < np.ceil(share * present)
            groups = self._groups(places, pooled, names)
        else:
            groups = [list(group) for group in given]
            pooled = ~np.isin(names, [level for group in groups for level in group])
        rest = [name for name, rare in zip(names, pooled, strict=True) if rare]
        labels = [_listed(group) for group in groups]
        inside = (places >= 0) & np.append(pooled, False)[places]
        if min(self._sums(inside)) >= LEAST:
            groups.append(rest)
            labels.append(f"{len(rest)} other levels")
        levels = {level: k for k, group in enumerate(groups) for level in group}
        last = len(groups)  # unknown levels, and pooled ones that are too few to say anything
        bins: Array = np.array([*(levels.get(name, last) for name in names), np.nan], dtype=np.float64)
        splits: Array = np.arange(last, dtype=np.float64) + 0.5
        found = self._counted(str(column.name), bins[places], splits, levels, [*labels, "other"], "")
        count = len(given or ())
        pure = np.flatnonzero((found.goods[:count] <= 0) | (found.bads[:count] <= 0))
        said = f"neutral, without goods or bads: {'; '.join(labels[k] for k in pure)}" if len(pure) else ""
        if given is None and pooled.all() and names:
            said = f"none of {len(names)} levels is frequent enough for a bin of its own"
        return dataclasses.replace(found, note=said)

    def _counted(
        self, name: str, x: Array, splits: Array, levels: dict[str, int] | None, labels: Sequence[str], note: str
    ) -> BinnedVariable:
        place = np.where(np.isnan(x), len(splits) + 1, np.searchsorted(splits, x, side="right"))
        bads = np.bincount(place, self.weight * self.y, len(splits) + 2).astype(np.float64)
        goods = np.bincount(place, self.weight * (1 - self.y), len(splits) + 2).astype(np.float64)
        found = woe(goods, bads)
        if min(goods[-1], bads[-1]) < LEAST:
            found[-1] = 0.0
        if levels is not None:
            found[-2] = 0.0
        return BinnedVariable(
            name, tuple(float(s) for s in splits), levels, (*labels, "missing"), goods, bads, found, note=note
        )

    def _sums(self, rows: NDArray[np.bool_]) -> tuple[float, float]:
        w, y = self.weight[rows], self.y[rows]
        return float((w * (1 - y)).sum()), float((w * y).sum())

    def _without_pure(self, x: Array, splits: Array) -> tuple[Array, str]:
        """Leave out splits beside bins without goods or bads, from the left: the bin joins its right neighbour."""
        seen, kept = ~np.isnan(x), splits
        while len(kept):
            place = np.searchsorted(kept, x[seen], side="right")
            bads = np.bincount(place, weights=(self.weight * self.y)[seen], minlength=len(kept) + 1)
            goods = np.bincount(place, weights=(self.weight * (1 - self.y))[seen], minlength=len(kept) + 1)
            pure = np.flatnonzero((bads <= 0) | (goods <= 0))
            if not len(pure):
                break
            kept = np.delete(kept, min(int(pure[0]), len(kept) - 1))
        left = [f"{s:g}" for s in splits if s not in kept]
        return kept, f"left out {', '.join(left)}: a bin without goods or bads" if left else ""

    def _groups(self, places: NDArray[np.int64], pooled: NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
        """Group the levels that are not pooled, from the lowest bad rate to the highest."""
        kept = (places >= 0) & ~np.append(pooled, False)[places]
        order = np.unique(places[kept])
        if len(order) < 2:
            return [[names[k]] for k in order]
        found = self._optbinning(np.where(kept, places, np.nan), "categorical")
        return [[names[int(k)] for k in group] for group in found]

    def _splits(self, x: Array) -> tuple[Array, str]:
        seen = ~np.isnan(x)
        if not seen.any():
            return np.empty(0), "missing throughout"
        if x[seen].min() == x[seen].max():
            return np.empty(0), "one value"
        splits = np.asarray(self._optbinning(x, "numerical"), dtype=np.float64)
        if len(splits):
            return splits, ""
        auc = metrics.measure(self.y[seen], x[seen], ("roc_auc",))["roc_auc"]
        if abs(auc - 0.5) < SUSPICIOUS:
            return splits, "no split tells anything"
        return (
            splits,
            f"ranks well (AUC {auc:.2f}), but every split leaves a bin with hardly any goods or bads: a leak?",
        )

    def _optbinning(self, x: Array, dtype: str) -> Any:
        """Splits of a number, groups of level numbers of a text; missing rows count towards the share of a bin."""
        from optbinning import OptimalBinning

        search = OptimalBinning(
            dtype=dtype,
            max_n_bins=self.max_bins,
            min_prebin_size=self.min_bin_share,
            min_bin_size=self.min_bin_share,
            min_bin_n_event=int(LEAST),
            min_bin_n_nonevent=int(LEAST),
            monotonic_trend=None if self.trend == "none" or dtype == "categorical" else self.trend,
        )
        weight = None if (self.weight == 1).all() else self.weight
        return search.fit(x, self.y.astype(np.int64), sample_weight=weight).splits


def _intervals(splits: Array) -> list[str]:
    """Spell bins of a number.

    Examples
    --------
    >>> _intervals(np.array([18.0, 30.5]))
    ['< 18', '18 to < 30.5', '>= 30.5']
    """
    shown = [f"{s:.6g}" for s in splits]
    if not shown:
        return ["any value"]
    middle = [f"{a} to < {b}" for a, b in itertools.pairwise(shown)]
    return [f"< {shown[0]}", *middle, f">= {shown[-1]}"]


def _listed(levels: Sequence[str]) -> str:
    more = f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else ""
    return ", ".join(levels[:SHOWN]) + more
