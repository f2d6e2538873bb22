"""Text files: every line is a row, a reject or an error."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from afraz.data.sources.delimited import Delimited, Layout, read_delimited, read_header, require
from afraz.data.sources.staging import Workspace
from afraz.errors import DataError

Write = Callable[[str, str | bytes], Path]


def read(space: Workspace, file: Path, layout: Layout | None = None) -> Delimited:
    layout = layout or Layout(",")
    return read_delimited(space, file, layout, read_header(file, layout))


def rows(space: Workspace, staged: Delimited) -> list[tuple[object, ...]]:
    return space.run(f"SELECT * FROM {staged.relation} ORDER BY __line")


def refused(space: Workspace, staged: Delimited) -> list[tuple[object, ...]]:
    return space.run(f"SELECT source_line, rule FROM {staged.malformed} ORDER BY 1") if staged.malformed else []


def test_malformed_lines_are_refused_with_their_line_and_their_neighbours_are_read(
    space: Workspace, write: Write
) -> None:
    file = write("t.csv", 'a,b,c\n1,x,y\n2,x\n3,x,y,z\n\n4,"p\nq",y\n5,x,"y"z\n6,x,y\n')
    staged = read(space, file)
    assert rows(space, staged) == [(2, "1", "x", "y"), (6, "4", "p\nq", "y"), (9, "6", "x", "y")]
    assert refused(space, staged) == [
        (3, "line_has_too_few_fields"),
        (4, "line_has_too_many_fields"),
        (8, "line_quotes_unbalanced"),
    ]
    assert staged.rows == 6


def test_undecodable_bytes_refuse_their_line_only(space: Workspace, write: Write) -> None:
    staged = read(space, write("t.csv", b"a,b\n1,caf\xe9\n2,tea\n"))
    assert rows(space, staged) == [(3, "2", "tea")]
    assert refused(space, staged) == [(2, "line_not_decodable")]


def test_a_stated_code_page_is_decoded(space: Workspace, write: Write) -> None:
    staged = read(space, write("t.csv", "a,b\n1,Příbram\n".encode("cp1250")), Layout(",", encoding="cp1250"))
    assert rows(space, staged) == [(2, "1", "Příbram")]


def test_compressed_files_byte_order_mark_and_windows_line_ends_are_read(space: Workspace, write: Write) -> None:
    staged = read(space, write("t.csv.gz", gzip.compress("\ufeffa;b\r\n1;x\r\n\r\n2;y\r\n".encode())), Layout(";"))
    assert staged.columns == ["a", "b"]
    assert rows(space, staged) == [(2, "1", "x"), (4, "2", "y")]


def test_a_file_without_header_takes_its_names_from_the_settings(space: Workspace, write: Write) -> None:
    staged = read(space, write("t.csv", "1,x\n2\n3,y"), Layout(",", names=("a", "b")))
    assert rows(space, staged) == [(1, "1", "x"), (3, "3", "y")]
    assert refused(space, staged) == [(2, "line_has_too_few_fields")]


def test_a_quote_inside_a_plain_field_is_a_character(space: Workspace, write: Write) -> None:
    staged = read(space, write("t.csv", 'a,b\n1,5" pipe\n2,y\n'))
    assert rows(space, staged) == [(2, "1", '5" pipe'), (3, "2", "y")]


def test_a_quote_that_is_never_closed_is_an_error_that_names_its_line(space: Workspace, write: Write) -> None:
    file = write("t.csv", 'a,b\n1,x\n2,"y\n' + "3,z\n" * 20)
    with pytest.raises(DataError, match="opens a quote on line 3 that is not closed"):
        read(space, file)
    staged = read(space, file, Layout(",", quote=""))
    assert staged.rows == 22


def test_many_rows_keep_their_lines_behind_refused_ones(space: Workspace, write: Write) -> None:
    lines = [f"{i},{'x' * 200}" if i % 1000 else f"{i}" for i in range(2, 60_002)]
    staged = read(space, write("t.csv", "a,b\n" + "\n".join(lines) + "\n"))
    assert len(refused(space, staged)) == 60
    wrong = space.number(f"SELECT count(*) FROM {staged.relation} WHERE CAST(a AS BIGINT) <> __line")
    assert wrong == 0


def test_a_wrong_delimiter_is_recognised(write: Write) -> None:
    file, layout = write("t.csv", "id;date;amount\n1;2024-01-01;5\n"), Layout(",")
    header = read_header(file, layout)
    with pytest.raises(
        DataError, match=r"expected columns id, amount, found the header 'id;date;amount'.\n.*semicolon"
    ):
        require(file, header, ["id", "amount"], layout)


def test_a_missing_column_names_the_nearest_one(write: Write) -> None:
    file, layout = write("t.csv", "id,date,amounts\n"), Layout(",")
    with pytest.raises(DataError, match=r"lacks the column 'amount' \(did you mean amounts\?\)"):
        require(file, read_header(file, layout), ["id", "amount"], layout)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: a line with the names"),
        ("a,a\n", "names the column 'a' twice"),
        (b"\xff\xfe\x00\n", "is not utf-8 text"),
    ],
)
def test_a_file_without_usable_header_is_refused(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_header(write("t.csv", content), Layout(","))


def test_a_compressed_file_that_is_cut_off_is_refused(space: Workspace, write: Write) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(20_000)))
    with pytest.raises(DataError, match=r"cut\.csv\.gz cannot be read to its end .*fetch it again"):
        read(space, write("cut.csv.gz", whole[: len(whole) // 2]))
    with pytest.raises(DataError, match="is not utf-8 text .BadGzipFile"):
        read(space, write("no.csv.gz", "a,b\n1,2\n"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere.csv is not there: correct the path"):
        read_header(tmp_path / "nowhere.csv", Layout(","))
