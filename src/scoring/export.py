"""Write a table for people's tools: whole or not at all, and with nothing in it that a spreadsheet would run.

What a program reads again is written as it is: there, an apostrophe before an id makes it another id.
"""

import datetime as dt
import os
from pathlib import Path

import pandas as pd

from ..errors import ParamsError
from ..reports.spreadsheet import neutralised

ENDINGS = (".csv", ".xlsx", ".parquet")
SHEET_ROWS, SHEET_COLUMNS, CELL_LETTERS = 1_048_576, 16_384, 32_767  # what a worksheet and its cells hold


def write_table(table: pd.DataFrame, place: Path, sheet: str = "list", *, verbatim: bool = False) -> Path:
    """Write by the ending of the file: ``.csv`` and ``.xlsx`` (neutralised) or ``.parquet``.

    Parameters
    ----------
    sheet : str
        Name of the worksheet of a workbook.
    verbatim : bool
        Neutralise nothing: for files that programs read, not people.

    Raises
    ------
    ParamsError
        For another ending, a folder that does not exist, or a table that no worksheet holds.
    """
    place = Path(place)
    if place.suffix not in ENDINGS:
        raise ParamsError(f"{place.name}: expected a file that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if not place.parent.is_dir():
        raise ParamsError(f"{place}: its folder does not exist; create it first")
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    if place.suffix != ".parquet" and not verbatim:
        table = neutralised(table)
    try:
        if place.suffix == ".csv":
            table.to_csv(partial, index=False)
        elif place.suffix == ".xlsx":
            _write_workbook(table, partial, sheet)
        else:
            table.to_parquet(partial, index=False)
        os.replace(partial, place)
    finally:
        partial.unlink(missing_ok=True)
    return place


def _write_workbook(table: pd.DataFrame, place: Path, sheet: str) -> None:
    """Write one worksheet with a filter and a header that stays; equal tables give equal bytes."""
    if len(table) >= SHEET_ROWS or table.shape[1] > SHEET_COLUMNS:
        raise ParamsError(f"a worksheet holds {SHEET_ROWS - 1:,} rows below its header and {SHEET_COLUMNS:,} columns, "
                          f"not {len(table):,} × {table.shape[1]:,}: write .csv or .parquet")  # fmt: skip
    long = [n for n in table if table[n].map(lambda cell: isinstance(cell, str) and len(cell) > CELL_LETTERS).any()]
    if long:
        raise ParamsError(f"{long[0]} holds a text longer than the {CELL_LETTERS:,} letters of a cell: write .csv")
    # text stays text: nothing in it becomes a formula, a link or a number
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with place.open("wb") as stream, pd.ExcelWriter(
        stream, engine="xlsxwriter", datetime_format="yyyy-mm-dd hh:mm", date_format="yyyy-mm-dd",
        engine_kwargs={"options": options},
    ) as writer:  # fmt: skip
        writer.book.set_properties({"created": dt.datetime(2000, 1, 1)})
        table.to_excel(writer, sheet_name=sheet, index=False)
        worksheet = writer.sheets[sheet]
        worksheet.freeze_panes(1, 0)
        worksheet.autofilter(0, 0, len(table), max(table.shape[1] - 1, 0))
