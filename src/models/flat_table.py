"""A flat table taken apart: features, labels, customers and dates; what can't be learnt from is refused or left out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, nearest
from .encoding import is_text

Array = NDArray[np.float64]

YES = {"yes", "true", "y", "t", "1", "1.0"}
NO = {"no", "false", "n", "f", "0", "0.0"}


@dataclass(frozen=True)
class FlatTable:
    """Rows in the order of date-free identity: by customer, then date; ``position`` is the place in the given table."""

    features: pd.DataFrame
    labels: dict[str, Array]
    extras: pd.DataFrame
    id: pd.Series | None
    as_of: pd.Series | None
    groups: NDArray[np.int64]
    position: NDArray[np.int64]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.features)


def binary(column: pd.Series, soft: bool = False, event: str | None = None) -> Array:
    """Read a label: 0/1, true/false, yes/no; or, where ``soft``, probabilities.

    Parameters
    ----------
    event : str, optional
        Which of two values is the event, where the label has codes of its own.

    Raises
    ------
    DataError
        If values are missing, there are other values, or there is one class only.

    Examples
    --------
    >>> binary(pd.Series(["yes", "No"])).tolist()
    [1.0, 0.0]
    >>> binary(pd.Series(["yes", "yes"], name="churn"))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: label 'churn' has one class only (2 rows of yes): a model needs rows with the ...
    >>> binary(pd.Series([1, 2], name="churn"))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: label 'churn' has the values 1, 2: expected 0/1, yes/no or true/false; or name the value ...
    >>> binary(pd.Series([1, 2], name="bad"), event="2").tolist()
    [0.0, 1.0]
    """
    absent = int(column.isna().sum())
    if absent:
        raise DataError(
            f"label {column.name!r} is missing in {absent:,} of {len(column):,} rows: drop these rows first"
        )
    if soft:
        p = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        if not ((p >= 0) & (p <= 1)).all():
            raise DataError(
                f"label {column.name!r} must hold probabilities (soft_label is set): values lie outside 0 to 1"
            )
        return np.asarray(p)
    distinct = column.unique()
    spelled = {value: str(value).strip().lower() for value in distinct}
    yes = YES if event is None else {event.strip().lower()}
    if event is not None and not yes & set(spelled.values()):
        raise DataError(f"label {column.name!r} never is {event!r}: {nearest(event, map(str, distinct))}")
    if event is None and not set(spelled.values()) <= YES | NO:
        few = len(distinct) <= 4
        has = f"the values {', '.join(sorted(map(str, distinct)))}" if few else f"{len(distinct):,} different values"
        raise DataError(
            f"label {column.name!r} has {has}: expected 0/1, yes/no or true/false; or name the value that is the event "
            "(--event)"
        )
    y = column.map({value: float(text in yes) for value, text in spelled.items()}).to_numpy(dtype=float)
    if y.min() == y.max():
        raise DataError(
            f"label {column.name!r} has one class only ({len(y):,} rows of {next(iter(spelled.values()))}): "
            "a model needs rows with the event and without"
        )
    return np.asarray(y)


def need(table: pd.DataFrame, name: str, what: str) -> pd.Series:
    """Take a column, or say which name comes closest.

    Examples
    --------
    >>> need(pd.DataFrame({"churn": [0]}), "chrun", "label")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: the table has no label column 'chrun': did you mean churn?
    """
    if name not in table.columns:
        raise DataError(f"the table has no {what} column {name!r}: {nearest(name, map(str, table.columns))}")
    return table[name]


def read_flat(
    table: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    id: str | None,
    as_of: str | None,
    extras: Iterable[str] = (),
    drop: Iterable[str] = (),
    soft: bool = False,
    event: str | None = None,
    group: str | None = None,
) -> FlatTable:
    """Take a table apart and order it.

    Parameters
    ----------
    labels : output name → label column
    event : the value of the label that is the event, where it is not 0/1, yes/no or true/false
    group : column that names the customer, where ``id`` names something that a customer may have several of
    extras : columns that are kept aside and are no features
    drop : columns that are left out

    Raises
    ------
    DataError
        For an empty table, an absent or unusable column, or a repeated customer and date.
    """
    if not len(table):
        raise DataError("the table is empty: 0 rows; check the file, the at-risk rule and the dates")
    twice = sorted({str(c) for c in table.columns[table.columns.duplicated()]})
    if twice:
        raise DataError(f"columns appear twice: {', '.join(twice)}; keep one of each")
    for name in drop:
        need(table, name, "dropped")
    ids = None if id is None else need(table, id, "id")
    dates = None if as_of is None else _dates(need(table, as_of, "date"))
    y = {output: binary(need(table, column, "label"), soft, event) for output, column in labels.items()}
    order = _order(ids, dates, len(table))
    aside = [name for name in extras if name in table.columns]
    taken = {id, as_of, group, *labels.values(), *aside, *drop}
    features, notes = _features(table[[c for c in table.columns if c not in taken]])
    owner = ids if group is None else need(table, group, "customer")
    codes = order if owner is None else np.unique(owner.astype(str).to_numpy()[order], return_inverse=True)[1].ravel()
    return FlatTable(
        features=features.iloc[order].reset_index(drop=True),
        labels={output: values[order] for output, values in y.items()},
        extras=table[aside].iloc[order].reset_index(drop=True),
        id=None if ids is None else ids.iloc[order].reset_index(drop=True),
        as_of=None if dates is None else dates.iloc[order].reset_index(drop=True),
        groups=np.asarray(codes, dtype=np.int64),
        position=order,
        notes=notes,
    )


def _dates(column: pd.Series) -> pd.Series:
    dates = pd.to_datetime(column, errors="coerce")
    wrong = int(dates.isna().sum())
    if wrong:
        raise DataError(
            f"{wrong:,} of {len(column):,} values of date column {column.name!r} are no dates (want 2026-06-30)"
        )
    return dates


def _order(ids: pd.Series | None, dates: pd.Series | None, n: int) -> NDArray[np.int64]:
    if ids is None:
        return np.arange(n) if dates is None else np.argsort(dates.to_numpy(), kind="stable")
    absent = int(ids.isna().sum())
    if absent:
        raise DataError(f"id {ids.name!r} is missing in {absent:,} rows: every row needs a customer")
    keys = pd.DataFrame({"id": ids.astype(str).to_numpy(), "date": 0 if dates is None else dates.to_numpy()})
    repeated = int(keys.duplicated().sum())
    if repeated:
        grain = f"{ids.name!r}" if dates is None else f"{ids.name!r} and {dates.name!r}"
        raise DataError(
            f"{repeated:,} rows repeat {grain}: one row per customer{' and date' if dates is not None else ''}"
        )
    return keys.sort_values(["id", "date"], kind="stable").index.to_numpy()


def _features(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Refuse what can't be a feature, leave out what can't tell anything."""
    kept, notes = [], []
    for name in table.columns:
        column = table[name]
        if column.isna().all():
            notes.append(f"{name}: left out, missing in every row")
        elif column.nunique(dropna=True) == 1 and not column.isna().any():
            notes.append(f"{name}: left out, the same value in every row")
        else:
            _usable(column)
            kept.append(name)
    if not kept:
        raise DataError(f"no feature is left of {table.shape[1]} columns: all are missing or constant")
    return table[kept], notes


def _usable(column: pd.Series) -> None:
    n, name = len(column), column.name
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.infer_dtype(column, skipna=True) in {
        "date",
        "datetime",
    }:
        raise DataError(f"column {name!r} holds dates: turn them into days before as_of, or add it to drop")
    if not is_text(column):
        if np.isinf(column.to_numpy(dtype=float, na_value=np.nan)).any():
            raise DataError(f"column {name!r} holds infinite numbers: replace them by missing values")
        if pd.api.types.is_integer_dtype(column) and n >= 100 and column.is_unique and str(name).lower().endswith("id"):
            raise DataError(
                f"column {name!r} is different in every row: it looks like an id; name it as id or add it to drop"
            )
        return
    present = column.dropna()
    as_number = pd.to_numeric(present.astype(str), errors="coerce")
    wrong = int(as_number.isna().sum())
    if 0 < wrong < 0.2 * len(present):
        raise DataError(
            f"column {name!r} holds numbers except for {wrong:,} texts in {len(present):,} rows: "
            "clean them or make them missing"
        )
    distinct = present.nunique()
    if len(present) >= 100 and distinct > 0.5 * len(present):
        raise DataError(
            f"text column {name!r} has {distinct:,} different values in {len(present):,} rows: "
            "it looks like an id; name it as id or add it to drop"
        )
