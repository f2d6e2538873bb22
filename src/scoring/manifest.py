"""Hold a scores file against the manifest beside it, and say in which way they do not belong together."""

from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError
from .batch import ID
from .sinks import FILE_DIGEST, manifest_place, read_manifest, read_scores

NEEDED = ("model", "model_digest", "as_of", "rows", "columns", "input_digest", FILE_DIGEST)


def checked_scores(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a scores file of customers with its manifest.

    Raises
    ------
    DataError
        If the file or its manifest is absent, the manifest is not one of scores, or it speaks of another file: of other
        bytes, columns, dates, or of another number of rows that were scored.

    Examples
    --------
    >>> checked_scores(Path("churn.csv"))
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: churn.csv is not there: give a scores file such as data/scores/as_of=.../churn.parquet
    """
    if not file.exists():
        raise DataError(f"{file} is not there: give a scores file such as data/scores/as_of=2026-07-01/churn.parquet")
    if file.suffix != ".parquet":
        raise DataError(f"{file.name}: expected a scores file that ends in .parquet")
    beside = manifest_place(file)
    manifest = read_manifest(file)
    if manifest is None:
        raise DataError(
            f"{file.name} has no readable manifest ({beside.name}) beside it: give a file that `afraz score` or a "
            "scoring stage wrote"
        )
    missing = [name for name in NEEDED if manifest.get(name) is None]
    if missing:
        raise DataError(f"{beside.name} is no manifest of scores, it lacks {', '.join(missing)}: score again")
    table, apart = read_scores(file)[0], f"{beside.name} does not belong to {file.name}"
    if list(table.columns) != manifest["columns"] or ID not in table:
        raise DataError(f"{apart}: it names other columns; score again")
    scored = table[table.columns[0]].nunique()  # offers have several rows for each customer that was scored
    dates = sorted({day.isoformat()[:10] for day in table["as_of"].drop_duplicates()})
    if scored != manifest["rows"] or set(dates) - {manifest["as_of"]}:
        raise DataError(
            f"{apart}: it speaks of {manifest['rows']:,} scored as of {manifest['as_of']}, the file has {scored:,} as "
            f"of {', '.join(dates)}; score again"
        )
    return table, manifest
