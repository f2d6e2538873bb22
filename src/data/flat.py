"""A ready feature table: one row per customer or application, read from CSV, TSV or Parquet."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError

_DELIMITERS = ",;\t|"
_MOSTLY = 0.95


def read_flat_table(
    file: Path, delimiter: str | None = None, columns: Sequence[str] = (), drop: Sequence[str] = (),
    as_text: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Read a flat table; a text file's delimiter is taken from its header unless it is given.

    Parameters
    ----------
    file : Path
        ``.csv``, ``.tsv`` or ``.parquet``; text may be gzipped.
    delimiter : str, optional
        One character.
    columns : sequence of str
        Columns that must be there (label, id).
    drop : sequence of str
        Columns that are no inputs: what stands in them is not examined.
    as_text : bool
        Leave every cell of a text file as it stands (an empty one is ``""``), for rows that are judged one by one.

    Returns
    -------
    DataFrame
        Numbers as numbers, everything else as text.

    Raises
    ------
    DataError
        If the file is absent, empty or undecodable, its rows do not have the header's number of fields, a needed
        column is missing, or a column of numbers holds a text.
    """
    if not file.exists():
        raise DataError(f"no file {file}: expected a .csv, .tsv or .parquet table (text may end in .gz)")
    try:
        table = pd.read_parquet(file) if file.suffix == ".parquet" else _read_text(file, delimiter, drop, as_text)
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file.name} cannot be read as a table: {str(error).splitlines()[0]}") from None
    if not len(table):
        raise DataError(f"{file.name} is empty: expected a header and at least one row")
    for name in columns:
        if name not in table:
            raise DataError(f"{file.name} has no column {name!r}: {_found(name, table)}")
    return table


def _found(name: str, table: pd.DataFrame) -> str:
    from ..errors import nearest

    if len(table.columns) == 1:
        return f"it has one column, {str(table.columns[0])[:60]!r}: is the delimiter right?"
    return nearest(name, map(str, table.columns))


def _read_text(file: Path, delimiter: str | None, drop: Sequence[str], as_text: bool) -> pd.DataFrame:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as stream:
        header = stream.readline()
        if not header.strip():
            raise DataError(f"{file.name} is empty: expected a header and at least one row")
        separator = delimiter or max(_DELIMITERS, key=header.count)
        width = len(next(csv.reader([header], delimiter=separator)))
        for line, row in enumerate(csv.reader(stream, delimiter=separator), start=2):
            if row and len(row) != width:
                raise DataError(
                    f"{file.name} line {line} has {len(row)} fields, the header has {width}: "
                    f"mend the line, or give the right --delimiter (used: {separator!r})"
                )
    if as_text:
        return pd.read_csv(file, sep=separator, encoding="utf-8", dtype=str, keep_default_na=False)
    table = pd.read_csv(file, sep=separator, encoding="utf-8", low_memory=False)
    for name in table.columns:
        if name not in drop and not pd.api.types.is_numeric_dtype(table[name]):
            _refuse_text_among_numbers(table[name], file)
    return table


def _refuse_text_among_numbers(column: pd.Series, file: Path) -> None:
    """A column that is nearly all numbers holds a typing error, not categories."""
    text = column.dropna().astype(str)
    bad = pd.to_numeric(text, errors="coerce").isna()
    share = 1 - bad.mean() if len(text) else 0.0
    if bad.sum() > 0 and share >= _MOSTLY:
        first = int(np.flatnonzero(bad.to_numpy())[0])
        raise DataError(
            f"{file.name} line {text.index[first] + 2}: {column.name} is {text.iloc[first]!r} where {share:.2%} of the "
            "values are numbers: mend or empty the cell, or leave the column out with --drop"
        )
