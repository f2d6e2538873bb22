"""The demo source: a folder of Parquet files, one per canonical table, with the canonical column names."""

from pathlib import Path

from ...errors import DataError, nearest
from ..schemas import TABLES
from .settings import DemoSettings
from .staging import LINE, Delivery, Staged, Workspace, quoted, raw_json, text


def stage(space: Workspace, settings: DemoSettings) -> Delivery:
    """Open every file of the folder; nothing is copied.

    Raises
    ------
    DataError
        If the folder is missing or has no Parquet files, or a file or a column is no canonical one.
    """
    folder = Path(settings.path)
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    if not files:
        raise DataError(f"no Parquet files in {folder}: run `dvc repro simulate` first, or correct the path of source "
                        f"{settings.label} in params/ingest.yaml")  # fmt: skip
    delivery = Delivery(settings.label)
    for file in files:
        if file.stem not in TABLES:
            raise DataError(f"{file} is no canonical table: {nearest(file.stem, TABLES)}")
        staged = stage_parquet(space, file, file.stem, settings.label)
        delivery.staged.append(staged)
        delivery.files[file.name] = staged.rows
    return delivery


def stage_parquet(space: Workspace, file: Path, table: str, source: str) -> Staged:
    """Open one Parquet file whose columns are canonical ones."""
    opened = open_parquet(space, file)
    columns = [c for c in space.types(opened) if c != LINE]
    known = TABLES[table].names
    for column in columns:
        if column not in known:
            raise DataError(f"{file} has a column {column!r} that the canonical table {table} lacks: "
                            f"{nearest(column, known)}")  # fmt: skip
    select = f"SELECT * EXCLUDE ({LINE}), {LINE} AS source_line, {raw_json(columns)} AS raw FROM {quoted(opened)}"
    view = space.view(table, select)
    return Staged(table, source, view, space.number(f"SELECT count(*) FROM {quoted(opened)}"))


def open_parquet(space: Workspace, file: Path) -> str:
    """Open a Parquet file as a view with ``__line``, the number of the row.

    Raises
    ------
    DataError
        If the file is missing or is not Parquet.
    """
    if not file.exists():
        raise DataError(f"{file} is not there: correct the path in params/ingest.yaml")
    scan = f"FROM read_parquet({text(file)}, file_row_number = true)"
    try:
        return space.view("parquet", f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS {LINE} {scan}")
    except space.error as error:
        raise DataError(f"{file} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
