"""The files source: CSV, TSV and Parquet files, one or several per canonical table, with a mapping of columns."""

from pathlib import Path

from ...errors import DataError
from .delimited import Layout, default_delimiter, read_delimited, read_header, require
from .demo import open_parquet
from .derived import derive_customers
from .mapping import expected_columns, map_columns, refuse_missing, stem_of
from .settings import FilesSettings, FileTable
from .staging import LINE, Delivery, Staged, Workspace, quoted

_PARQUET = (".parquet", ".pq")


def stage(space: Workspace, settings: FilesSettings) -> Delivery:
    """Stage every file that the settings name.

    Raises
    ------
    DataError
        If a file is missing, wrongly separated, empty, or lacks a column.
    """
    delivery = Delivery(settings.label)
    for table, one in settings.tables.items():
        files = _files(Path(settings.path), one.path, settings.label, table)
        for file in files:
            stem = stem_of(settings.label, file, len(files) > 1)
            staged = _stage_file(space, file, table, one, settings.label, stem)
            delivery.staged.append(staged)
            delivery.files[file.name] = staged.rows
    if settings.derive_customers:
        derive_customers(space, delivery)
    return delivery


def _files(folder: Path, pattern: str, source: str, table: str) -> list[Path]:
    """Find the files of a table; a pattern gives them in the order of their names."""
    place = Path(pattern) if Path(pattern).is_absolute() else folder / pattern
    if "*" not in place.name:
        return [place]
    files = sorted(place.parent.glob(place.name))
    if not files:
        raise DataError(f"no file matches {place}: correct the path of {table} in source {source}")
    return files


def _stage_file(space: Workspace, file: Path, table: str, one: FileTable, source: str, stem: str) -> Staged:
    expected = expected_columns(table, one)
    if file.suffix.lower() in _PARQUET:
        relation = open_parquet(space, file)
        columns = [c for c in space.types(relation) if c != LINE]
        refuse_missing(str(file), expected, columns)
        rows, malformed = space.number(f"SELECT count(*) FROM {quoted(relation)}"), None
    else:
        layout = Layout(one.delimiter or default_delimiter(file), one.quote, one.encoding, one.names)
        columns = read_header(file, layout)
        require(file, columns, expected, layout)
        read = read_delimited(space, file, layout, columns)
        relation, malformed, rows = read.relation, read.malformed, read.rows
    view = map_columns(space, relation, table, one, columns, stem)
    return Staged(table, source, view, rows, malformed)
