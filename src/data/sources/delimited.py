"""Text files with separators: read so that every line becomes a row, a reject or an error, and none is lost."""

import codecs
import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import DataError, nearest
from .staging import LINE, Workspace, quoted, text

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LONGEST_RECORD = 1000
_ERRORS = {
    "MISSING COLUMNS": "line_has_too_few_fields",
    "TOO MANY COLUMNS": "line_has_too_many_fields",
    "INVALID ENCODING": "line_not_decodable",
    "UNQUOTED VALUE": "line_quotes_unbalanced",
    "LINE SIZE OVER MAXIMUM": "line_too_long",
}


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out; ``names`` are given only for a file without header."""

    delimiter: str
    quote: str = '"'
    encoding: str = "utf-8"
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delimited:
    """A file as read: ``relation`` has ``__line`` and every column as text; ``malformed`` the other lines."""

    relation: str
    malformed: str | None
    columns: list[str]
    rows: int


@dataclass(frozen=True)
class _Records:
    """What the raw file holds: rows after the header, blank records, and where lines and records part ways."""

    rows: int
    blanks: list[int]
    shifts: list[tuple[int, int]]


def default_delimiter(file: Path) -> str:
    """Tab for ``.tsv``, semicolon for ``.asc``, comma otherwise; ``.gz`` is looked through.

    Examples
    --------
    >>> default_delimiter(Path("trans.asc.gz"))
    ';'
    """
    suffixes = [s.lower() for s in file.suffixes]
    return "\t" if ".tsv" in suffixes else ";" if ".asc" in suffixes else ","


def read_header(file: Path, layout: Layout) -> list[str]:
    """Read the names of the columns.

    Raises
    ------
    DataError
        If the file is missing, empty, not decodable in its first line, or names a column twice.
    """
    if not file.exists():
        raise DataError(f"{file} is not there: correct the path in params/ingest.yaml")
    if layout.names:
        return list(layout.names)
    try:
        with _open(file) as stream:
            line = stream.readline().decode(_python_encoding(layout.encoding)).lstrip("\ufeff").rstrip("\r\n")
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        raise DataError(f"the first line of {file} is not {layout.encoding} text ({type(error).__name__}): "
                        f"set `encoding`, or check that the file is not compressed otherwise") from None  # fmt: skip
    if not line.strip():
        raise DataError(f"{file} is empty: a line with the names of the columns was expected")
    header = split_header(line, layout.delimiter, layout.quote)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{file} names the column {twice[0]!r} twice: rename one of them in its header")
    return header


def split_header(line: str, delimiter: str, quote: str = '"') -> list[str]:
    """Split a header line.

    Examples
    --------
    >>> split_header('"id"; date ;x', ";")
    ['id', 'date', 'x']
    """
    plain = csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE)
    fields = next(csv.reader([line], delimiter=delimiter, quotechar=quote) if quote else plain)
    return [name.strip() for name in fields]


def require(file: Path, header: list[str], expected: list[str], layout: Layout) -> None:
    """Refuse a file that lacks expected columns; say so if another delimiter would find them.

    Raises
    ------
    DataError
        Naming the expected columns, the found header and the likely delimiter, or the nearest found column.
    """
    lacking = [name for name in expected if name not in header]
    if not lacking:
        return
    if len(header) < max(2, len(expected)):
        for delimiter, name in DELIMITERS.items():
            other = split_header(layout.delimiter.join(header), delimiter, layout.quote)
            if delimiter != layout.delimiter and set(expected) & set(other) > set(expected) & set(header):
                raise DataError(
                    f"{file} is not separated by {_say(layout.delimiter)}: expected columns {', '.join(expected)}, "
                    f"found the header {layout.delimiter.join(header)!r}.\n"
                    f"The delimiter is likely {name}: set `delimiter: {delimiter!r}` for this table."
                )
    close = _closest(lacking[0], header)
    raise DataError(f"{file} lacks the column {lacking[0]!r}{close}; found: {', '.join(header)}.\n"
                    f"Correct `columns` of this table in params/ingest.yaml, or the file.")  # fmt: skip


def read_delimited(space: Workspace, file: Path, layout: Layout, header: list[str]) -> Delimited:
    """Stage a text file, compressed or not, as a table of text columns.

    Rows are counted in the raw file, independently of the parser, and must equal the rows parsed plus the lines
    refused.

    Raises
    ------
    DataError
        If a quote is never closed, or the two counts differ.
    """
    try:
        plain = _as_utf8(space, file, layout.encoding)
        records = _count_records(plain, layout, file)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read to its end ({type(error).__name__}: {error}): it may be damaged or "
                        f"cut off; fetch it again") from None  # fmt: skip
    types = ", ".join(f"{text(c)}: 'VARCHAR'" for c in header)
    errors, scans = space.fresh("csv_errors"), space.fresh("csv_scans")
    parsed = space.table(
        "csv",
        f"SELECT row_number() OVER () AS __ordinal, * FROM read_csv({text(plain)}, delim = {text(layout.delimiter)}, "
        f"quote = {text(layout.quote)}, escape = {text(layout.quote)}, header = {not layout.names}, "
        f"auto_detect = false, columns = {{{types}}}, null_padding = false, store_rejects = true, "
        f"rejects_table = {text(errors)}, rejects_scan = {text(scans)}, max_line_size = 16777216)",
    )
    faults = "CASE first(error_type ORDER BY column_idx) " + " ".join(
        f"WHEN {text(code)} THEN {text(rule)}" for code, rule in _ERRORS.items()
    )
    first = 1 if layout.names else 2
    refused = space.table(
        "refused",
        f"SELECT line AS record, {faults} ELSE 'line_malformed' END AS rule, first(csv_line) AS raw "
        f"FROM {quoted(errors)} GROUP BY line",
    )
    good, bad = (space.number(f"SELECT count(*) FROM {quoted(t)}") for t in (parsed, refused))
    if good + bad != records.rows:
        raise DataError(f"{file} has {records.rows:,} rows, but {good + bad:,} could be told apart: look for "
                        f"unbalanced quotes, or set `quote: \"\"` if its quotes are plain characters")  # fmt: skip
    relation, malformed = _with_lines(space, parsed, refused, records, first, bad)
    return Delimited(relation, malformed if bad else None, header, records.rows)


def _with_lines(
    space: Workspace, parsed: str, refused: str, records: _Records, first: int, bad: int
) -> tuple[str, str]:
    """Number rows by the line of the file on which they start.

    A parsed row knows only its place among the parsed ones. Refused lines, blank lines and line ends inside quotes
    shift it; each shift is a step, and the step that applies is found by an as-of join. Without any, the line is the
    place plus the header.
    """
    if not bad and not records.blanks and not records.shifts:
        view = space.view("lines", f"SELECT __ordinal + {first - 1} AS {LINE}, * EXCLUDE (__ordinal) FROM {parsed}")
        return view, refused
    blanks = space.table("blanks", "SELECT unnest(?::BIGINT[]) AS record".replace("?", str(records.blanks)))
    shifts = space.table("shifts", f"SELECT unnest({[r for r, _ in records.shifts]}::BIGINT[]) AS record, "
                                   f"unnest({[s for _, s in records.shifts]}::BIGINT[]) AS shift")  # fmt: skip
    skipped = space.table(
        "skipped",
        f"SELECT record, row_number() OVER (ORDER BY record) AS n FROM "
        f"(SELECT record FROM {refused} UNION SELECT record FROM {blanks})",
    )
    steps = space.table(
        "steps", f"SELECT record - {first - 1} - n + 1 AS ordinal, max(n) AS skipped FROM {skipped} GROUP BY ALL"
    )
    lines = space.view(
        "lines",
        f"SELECT p.__record + coalesce(s.shift, 0) AS {LINE}, p.* EXCLUDE (__ordinal, __record) FROM "
        f"(SELECT p.*, p.__ordinal + {first - 1} + coalesce(t.skipped, 0) AS __record "
        f"FROM {parsed} p ASOF LEFT JOIN {steps} t ON p.__ordinal >= t.ordinal) p "
        f"ASOF LEFT JOIN {shifts} s ON p.__record >= s.record",
    )
    malformed = space.table(
        "malformed",
        f"SELECT r.record + coalesce(s.shift, 0) AS source_line, r.rule, r.raw "
        f"FROM {refused} r ASOF LEFT JOIN {shifts} s ON r.record >= s.record",
    )
    return lines, malformed


def _count_records(plain: Path, layout: Layout, file: Path) -> _Records:
    """Count the rows of a raw file: records that are not blank, after the header.

    A record goes on over the line end while a quote is open; only a quote at the start of a field opens one.
    """
    quote = layout.quote.encode()
    opens = re.compile(rb"(?:^|" + re.escape(layout.delimiter.encode()) + rb")" + re.escape(quote or b'"'))
    rows, record, line, started, inside = 0, 0, 0, 0, False
    blanks: list[int] = []
    shifts: list[tuple[int, int]] = []
    with _open(plain) as stream:
        for content in stream:
            line += 1
            if not inside:
                record += 1
                started = line
                if not content.strip(b"\r\n"):
                    blanks.append(record)
                else:
                    rows += 1
                if line - record != (shifts[-1][1] if shifts else 0):
                    shifts.append((record, line - record))
            if quote and quote in content and content.count(quote) % 2:
                inside = not inside if inside or opens.search(content) else False
            if inside and line - started > _LONGEST_RECORD:
                break
    if inside:
        raise DataError(f"{file} opens a quote on line {started:,} that is not closed within {_LONGEST_RECORD:,} "
                        f"lines: mend that line, or set `quote: \"\"` if its quotes are plain characters")  # fmt: skip
    return _Records(rows if layout.names else max(rows - 1, 0), blanks, shifts)


def _as_utf8(space: Workspace, file: Path, encoding: str) -> Path:
    """Rewrite a file of another encoding; bytes that it doesn't know become U+FFFD, which a rule rejects."""
    if _python_encoding(encoding) == "utf-8":
        return file
    place = space.folder / f"{space.fresh('utf8')}.csv"
    with _open(file) as raw, place.open("w", encoding="utf-8", newline="") as out:
        reader = codecs.getreader(encoding)(raw, "replace")
        while chunk := reader.read(1 << 20):
            out.write(chunk.lstrip("\ufeff") if out.tell() == 0 else chunk)
    return place


def _python_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise DataError(f"unknown encoding {encoding!r}: use a name such as utf-8, cp1250, latin-1 or utf-16") from None


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb")  # type: ignore[return-value]


def _say(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, repr(delimiter))


def _closest(name: str, header: list[str]) -> str:
    hint = nearest(name, header)
    return f" ({hint})" if hint.startswith("did you mean") else ""
