"""Write a table for people's tools: whole or not at all, and with nothing in it that a spreadsheet would run."""

import os
from pathlib import Path

import pandas as pd

from ..errors import ParamsError

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would take for a formula (OWASP, CSV injection).

    Examples
    --------
    >>> neutralised(pd.DataFrame({"name": ["=1+1", "Ann"], "n": [-1, 2]})).to_dict("list")
    {'name': ["'=1+1", 'Ann'], 'n': [-1, 2]}
    """
    safe = table.copy()
    for name in safe:
        if not pd.api.types.is_numeric_dtype(safe[name]) and not pd.api.types.is_datetime64_any_dtype(safe[name]):
            text = safe[name].astype("str")
            safe[name] = text.mask(text.str.startswith(RUN_BY_SPREADSHEETS), "'" + text)
    return safe.rename(columns=lambda name: f"'{name}" if str(name).startswith(RUN_BY_SPREADSHEETS) else name)


def write_table(table: pd.DataFrame, place: Path) -> Path:
    """Write by the ending of the file: ``.csv`` (neutralised) or ``.parquet``.

    Raises
    ------
    ParamsError
        For another ending, or a folder that does not exist.
    """
    place = Path(place)
    if place.suffix not in (".csv", ".parquet"):
        raise ParamsError(f"{place.name}: expected a file that ends in .csv or .parquet")
    if not place.parent.is_dir():
        raise ParamsError(f"{place}: its folder does not exist; create it first")
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    if place.suffix == ".csv":
        neutralised(table).to_csv(partial, index=False)
    else:
        table.to_parquet(partial, index=False)
    os.replace(partial, place)
    return place
