import gzip
from pathlib import Path

import pandas as pd
import pytest

from afraz.data.flat import read_flat_table
from afraz.errors import DataError

ROWS = "id;age;plan;churn\n" + "".join(f"{i};{20 + i};gold;{'yes' if i % 3 else 'no'}\n" for i in range(40))


def _write(folder: Path, text: str, name: str = "t.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_the_delimiter_is_found_and_gz_and_parquet_are_read_alike(tmp_path: Path) -> None:
    table = read_flat_table(_write(tmp_path, ROWS), columns=["churn"])
    with gzip.open(tmp_path / "t.csv.gz", "wt") as stream:
        stream.write(ROWS)
    table.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv.gz", "t.parquet"):
        pd.testing.assert_frame_equal(read_flat_table(tmp_path / name), table)
    assert table["age"].iloc[3] == 23


def test_a_missing_file_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*nowhere.csv: expected a .csv, .tsv or .parquet table"):
        read_flat_table(tmp_path / "nowhere.csv")


def test_a_wrong_delimiter_is_suspected_aloud(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no column 'churn': it has one column, .*is the delimiter right\?"):
        read_flat_table(_write(tmp_path, ROWS), delimiter="|", columns=["churn"])


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.csv has no column 'chrun': did you mean churn\?"):
        read_flat_table(_write(tmp_path, ROWS), columns=["chrun"])


@pytest.mark.parametrize("text", ["", "\n", "id;age;plan;churn\n"])
def test_an_empty_table_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="t.csv is empty: expected a header and at least one row"):
        read_flat_table(_write(tmp_path, text))


def test_a_text_among_numbers_names_line_column_and_value(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t.csv line 12: age is 'thirty' where 97.50% of the values are numbers"):
        read_flat_table(_write(tmp_path, ROWS.replace("10;30;", "10;thirty;")))


def test_a_dropped_column_may_hold_what_it_likes(tmp_path: Path) -> None:
    table = read_flat_table(_write(tmp_path, ROWS.replace("10;30;", "10;thirty;")), drop=["age"])
    assert len(table) == 40


def test_a_line_with_too_many_fields_is_named_not_dropped(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="t.csv line 12 has 5 fields, the header has 4"):
        read_flat_table(_write(tmp_path, ROWS.replace("10;30;", "10;30;30;")))


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id;name\n1;Müller\n".encode("latin-1"))
    with pytest.raises(DataError, match="t.csv is not UTF-8"):
        read_flat_table(tmp_path / "t.csv")
