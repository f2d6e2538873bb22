"""What a spreadsheet would run is kept from running."""

import pandas as pd

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would take for a formula (OWASP, CSV injection).

    Examples
    --------
    >>> neutralised(pd.DataFrame({"name": ["=1+1", "Ann"], "n": [-1, 2]})).to_dict("list")
    {'name': ["'=1+1", 'Ann'], 'n': [-1, 2]}
    """
    safe = table.copy()
    for name in safe:
        if isinstance(safe[name].dtype, pd.CategoricalDtype):
            safe[name] = safe[name].astype(object)
        if pd.api.types.is_string_dtype(safe[name]) or pd.api.types.is_object_dtype(safe[name]):
            text = safe[name].map(lambda cell: isinstance(cell, str) and cell.startswith(RUN_BY_SPREADSHEETS))
            text = text.astype(bool)  # numbers among objects, exact money say, stay what they are
            safe[name] = safe[name].mask(text, "'" + safe[name].astype("str"))
    return safe.rename(columns=lambda name: f"'{name}" if str(name).startswith(RUN_BY_SPREADSHEETS) else name)
