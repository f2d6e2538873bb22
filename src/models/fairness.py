"""Whether groups of customers are treated alike: approval, opportunity of good customers, calibration, and proxies.

No single number says that a decision is fair: where groups default at different rates, equal approval, equal
opportunity and equal calibration can't hold at once (Kleinberg, Mullainathan and Raghavan 2017, ITCS 43:1-23). So all
three are shown.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, ParamsError
from .metrics import measure

Array = NDArray[np.float64]
Names = NDArray[np.object_]

NOTE = (
    "Equal opportunity is observed on granted loans only: whether a refused customer would have repaid is not known. "
    "Where the old decision was stricter with one group, its granted customers were better than the group as a whole, "
    "and the comparison flatters the decision for that group."
)
UNKNOWN = "unknown"
AGES = (18, 26, 36, 46, 56, 66)
AGE_BANDS = ("under 18", "18–25", "26–35", "36–45", "46–55", "56–65", "66 and over")

LEAST_ROWS = 20  # of a level and of the others, below which an AUC by folds is noise
CELLS = 10
SHALLOW = {
    "objective": "binary",
    "num_leaves": 8,
    "max_depth": 3,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "verbosity": -1,
    "num_threads": 1,  # one thread and rows in order: equal bytes on every machine
    "deterministic": True,
    "force_row_wise": True,
}
ROUNDS = 60


def group_fairness(
    approved: ArrayLike, label: ArrayLike, group: ArrayLike, *, default_probability: ArrayLike | None = None
) -> pd.DataFrame:
    """Compare groups by what is decided about them and by what comes of it.

    Parameters
    ----------
    approved : (n,) bool
    label : (n,) 0 (good), 1 (bad) or missing where no loan was granted; see ``NOTE``
    group : (n,) name of the group; missing: "unknown"
    default_probability : (n,)

    Returns
    -------
    DataFrame
        By name of group: ``group, rows, selection_rate`` (share approved), ``selection_rate_ratio`` (to the best
        group; below .8 is the four-fifths rule of thumb, 29 CFR 1607.4 D), ``rows_without_label`` (left out of what
        follows), ``goods, true_positive_rate`` (share of goods approved: equal opportunity, Hardt, Price and Srebro
        2016), ``equal_opportunity_difference`` (to the best group, 0 or below), ``default_probability`` (mean of all
        rows), ``bad_rate_observed, calibration`` (observed over expected of labelled rows) with ``calibration_low,
        calibration_high`` (95 % Wilson interval of the observed rate). What a group has no rows for is missing.

    Examples
    --------
    >>> table = group_fairness([1, 1, 0, 1, 0, 0], [0, 1, 0, 0, 0, None], list("aaabbb"))
    >>> table[["group", "selection_rate_ratio", "rows_without_label", "true_positive_rate"]]
      group  selection_rate_ratio  rows_without_label  true_positive_rate
    0     a                   1.0                   0                 0.5
    1     b                   0.5                   1                 0.5
    """
    from fairlearn.metrics import MetricFrame, count, selection_rate, true_positive_rate

    names = _named(group)
    yes, y = _floats(approved, names, "approved"), _floats(label, names, "label")
    if not np.isin(yes, (0.0, 1.0)).all():
        raise DataError("approved must be true or false in every row")
    known = ~np.isnan(y)
    if not np.isin(y[known], (0.0, 1.0)).all():
        raise DataError("label must be 0 (good), 1 (bad) or missing")

    decided = MetricFrame(
        metrics={"rows": count, "selection_rate": selection_rate}, y_true=yes, y_pred=yes, sensitive_features=names
    ).by_group
    table = pd.DataFrame({"rows": decided["rows"].astype(int), "selection_rate": decided["selection_rate"]})
    table["selection_rate_ratio"] = _ratio(table["selection_rate"], table["selection_rate"].max())
    table["rows_without_label"] = _count(~known, names, table.index)
    table["goods"] = _count(y == 0, names, table.index)
    table["true_positive_rate"] = np.nan
    if (y == 0).any():
        repaid = MetricFrame(
            metrics=true_positive_rate, y_true=1 - y[known], y_pred=yes[known], sensitive_features=names[known]
        ).by_group
        # fairlearn gives 0 to a group without goods, as if all of them had been refused
        table["true_positive_rate"] = repaid.reindex(table.index).where(table["goods"] > 0)
    table["equal_opportunity_difference"] = table["true_positive_rate"] - table["true_positive_rate"].max()

    p = np.full(len(y), np.nan)
    if default_probability is not None:
        p = _floats(default_probability, names, "default_probability")
        if not ((p >= 0) & (p <= 1)).all():
            raise DataError("default probabilities must lie between 0 and 1 without gaps")
    rows = pd.DataFrame({"group": names, "p": p, "y": y, "labelled_p": np.where(known, p, np.nan)})
    means = rows.groupby("group").mean()
    table["default_probability"], table["bad_rate_observed"] = means["p"], means["y"]
    low, high = _wilson(means["y"], table["rows"] - table["rows_without_label"])
    for name, rate in (("calibration", means["y"]), ("calibration_low", low), ("calibration_high", high)):
        table[name] = _ratio(rate, means["labelled_p"])
    return table.rename_axis("group").reset_index()


def age_bands(age_years: ArrayLike) -> Names:
    """Name the band of each age in completed years; missing: "unknown".

    Examples
    --------
    >>> age_bands([17, 18, 25.9, 26, 70, None]).tolist()
    ['under 18', '18–25', '18–25', '26–35', '66 and over', 'unknown']
    >>> age_bands([1985])
    Traceback (most recent call last):
    afraz.errors.DataError: ages must lie between 0 and 120 years; got 1985, which may be a year of birth or days
    """
    age = pd.to_numeric(pd.Series(age_years)).to_numpy(dtype=float, na_value=np.nan)
    gone = np.isnan(age)
    odd = age[~gone & ~((age >= 0) & (age <= 120))]
    if len(odd):
        raise DataError(f"ages must lie between 0 and 120 years; got {odd[0]:g}, which may be a year of birth or days")
    bands = np.array(AGE_BANDS, dtype=object)[np.digitize(age, AGES)]
    bands[gone] = UNKNOWN
    return bands


def proxies(features: pd.DataFrame, protected: ArrayLike, *, seed: int, folds: int = 4) -> dict[str, pd.DataFrame]:
    """Measure how well a model's inputs give away a protected attribute that the model itself doesn't see.

    Each level is held against all others: by shallow boosted trees on all features, and by each feature alone (the
    share of the level in ten quantile bins, or by level of text, learned on the other folds). An AUC of .5 gives away
    nothing. Being a proxy is no verdict: income tells ages apart and may still be needed.

    Parameters
    ----------
    features : (n, features) numbers, booleans or text; missing values allowed
    protected : (n,) name of the level; missing: "unknown"
    seed : of the folds
    folds : 2 to 20

    Returns
    -------
    dict
        ``protected``: DataFrame ``level, rows, auc`` by level, missing below 20 rows; ``features``: DataFrame
        ``feature, level, auc``, the level that the feature tells best, falling by AUC.

    Raises
    ------
    DataError
        Fewer than two levels have 20 rows, or a column holds dates.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sex = rng.choice(["f", "m"], 400)
    >>> inputs = pd.DataFrame({"noise": rng.normal(size=400), "title": np.where(sex == "f", "Ms", "Mr")})
    >>> found = proxies(inputs, sex, seed=1)
    >>> found["features"]["feature"].tolist(), found["protected"]["auc"].tolist()
    (['title', 'noise'], [1.0, 1.0])
    """
    if not 2 <= folds <= LEAST_ROWS:
        raise ParamsError(f"folds must lie between 2 and {LEAST_ROWS}; got {folds}")
    names = _named(protected)
    if len(features) != len(names):
        raise DataError(f"features and protected must have one length; got {len(features)} and {len(names)}")
    levels, counts = np.unique(names.astype(str), return_counts=True)
    told = [str(level) for level, n in zip(levels, counts, strict=True) if min(n, len(names) - n) >= LEAST_ROWS]
    if len(told) < 2:
        raise DataError(
            f"two levels with {LEAST_ROWS} rows are needed; got {dict(zip(levels, counts.tolist(), strict=True))}"
        )
    fold = _folds(names, folds, seed)
    coded = {str(column): _coded(features[column], str(column)) for column in features.columns}
    matrix = np.column_stack(list(coded.values()))
    cells = {str(c): _cells(coded[str(c)], pd.api.types.is_numeric_dtype(features[c].dtype)) for c in features.columns}
    auc: dict[str, float] = {}
    best: dict[str, tuple[float, str]] = {}
    for level in told:
        is_level = (names == level).astype(float)
        auc[level] = _trees(matrix, is_level, fold, seed)
        for column, cell in cells.items():
            found = _alone(cell, is_level, fold)
            if column not in best or found > best[column][0]:
                best[column] = (found, level)
    ranked = sorted(((c, level, value) for c, (value, level) in best.items()), key=lambda row: (-row[2], row[0]))
    return {
        "protected": pd.DataFrame({"level": levels, "rows": counts, "auc": [auc.get(str(v), np.nan) for v in levels]}),
        "features": pd.DataFrame(ranked, columns=["feature", "level", "auc"]),
    }


def _named(values: ArrayLike) -> Names:
    out = pd.Series(values).astype(object)
    if out.empty:
        raise DataError("no rows; there is nothing to compare")
    return np.array([UNKNOWN if gone else str(v) for v, gone in zip(out, out.isna(), strict=True)], dtype=object)


def _floats(values: ArrayLike, names: Names, name: str) -> Array:
    out = pd.to_numeric(pd.Series(values)).to_numpy(dtype=float, na_value=np.nan)
    if len(out) != len(names):
        raise DataError(f"{name} must have one value for each of {len(names)} rows; got {len(out)}")
    return np.asarray(out)


def _count(members: NDArray[np.bool_], names: Names, index: pd.Index) -> pd.Series:
    return pd.Series(members).groupby(names).sum().reindex(index).astype(int)


def _ratio(part: pd.Series, whole: pd.Series | float) -> pd.Series:
    """Divide; by 0 there is no ratio."""
    return part / (whole.where(whole > 0) if isinstance(whole, pd.Series) else whole if whole > 0 else np.nan)


def _wilson(rate: pd.Series, rows: pd.Series) -> tuple[pd.Series, pd.Series]:
    n, z2 = rows.where(rows > 0), 1.96**2
    center, half = rate + z2 / (2 * n), 1.96 * np.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    return (center - half) / (1 + z2 / n), (center + half) / (1 + z2 / n)


def _folds(names: Names, folds: int, seed: int) -> NDArray[np.int64]:
    """Deal each level out evenly, in an order that the seed draws."""
    order = np.random.default_rng(seed).permutation(len(names))
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = pd.Series(0, index=range(len(names))).groupby(names[order]).cumcount().to_numpy() % folds
    return fold


def _coded(values: pd.Series, column: str) -> Array:
    """Numbers as they are, text as the place of its level; missing stays missing."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise DataError(f"column {column} holds dates; give an age or a duration instead")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))
    codes = pd.Categorical(values.astype(object).where(values.notna(), None).map(str, na_action="ignore")).codes
    return np.where(codes < 0, np.nan, codes.astype(float))


def _cells(values: Array, numeric: bool) -> NDArray[np.int64]:
    """Cell of each row: 0 for missing, then quantile bins of numbers, or every level of text."""
    known = np.sort(values[~np.isnan(values)])
    edges = np.unique(known)
    if numeric and len(edges) > CELLS:
        edges = np.unique(known[np.ceil(np.arange(1, CELLS) * len(known) / CELLS).astype(int) - 1])
    return np.where(np.isnan(values), 0, np.searchsorted(edges, values) + 1).astype(np.int64)


def _split(fold: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    for k in range(int(fold.max()) + 1):
        yield fold != k, fold == k


def _alone(cell: NDArray[np.int64], is_level: Array, fold: NDArray[np.int64]) -> float:
    """Mean AUC within folds; pooled over folds, noise would come out below .5."""
    size, found = int(cell.max()) + 1, []
    for train, valid in _split(fold):
        rows = np.bincount(cell[train], minlength=size)
        hits = np.bincount(cell[train], is_level[train], size)
        share = (hits + 5 * is_level[train].mean()) / (rows + 5)  # small cells are drawn to the mean
        found.append(measure(is_level[valid], share[cell[valid]], ("roc_auc",))["roc_auc"])
    return float(np.mean(found))


def _trees(matrix: Array, is_level: Array, fold: NDArray[np.int64], seed: int) -> float:
    import lightgbm as lgb

    found = []
    for train, valid in _split(fold):
        data = lgb.Dataset(matrix[train], is_level[train], params={"verbosity": -1, "num_threads": 1})
        trees = lgb.train({**SHALLOW, "seed": seed}, data, ROUNDS)
        score = np.asarray(trees.predict(matrix[valid], num_threads=1))
        found.append(measure(is_level[valid], score, ("roc_auc",))["roc_auc"])
    return float(np.mean(found))
