"""Tables for people's tools: nothing in them runs, and a wrong place is refused."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.scoring.export import neutralised, write_table

TABLE = pd.DataFrame({"customer_id": ["C1", "C2"], "note": ["=HYPERLINK(1)", "-fine"], "net": [-1.5, 2.0]})


def test_a_csv_holds_no_formula_and_a_parquet_what_was_given(tmp_path) -> None:
    read = pd.read_csv(write_table(TABLE, tmp_path / "list.csv"))
    assert read["note"].tolist() == ["'=HYPERLINK(1)", "'-fine"]
    assert read["net"].tolist() == [-1.5, 2.0]
    pd.testing.assert_frame_equal(pd.read_parquet(write_table(TABLE, tmp_path / "list.parquet")), TABLE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.csv", "list.parquet"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_every_start_that_a_spreadsheet_runs_is_neutralised_in_cells_and_names(start: str) -> None:
    safe = neutralised(pd.DataFrame({f"{start}x": [f"{start}1", None]}))
    assert safe.columns.tolist() == [f"'{start}x"]
    assert safe.iloc[0, 0] == f"'{start}1"
    assert pd.isna(safe.iloc[1, 0])


def test_another_ending_or_an_absent_folder_is_refused(tmp_path) -> None:
    with pytest.raises(ParamsError, match=r"ends in \.csv, \.xlsx or \.parquet"):
        write_table(TABLE, tmp_path / "list.xls")
    with pytest.raises(ParamsError, match="does not exist"):
        write_table(TABLE, tmp_path / "absent" / "list.csv")


def test_exact_money_dates_and_categories_stay_what_they_are() -> None:
    table = pd.DataFrame({"cost": [Decimal("-1.50"), None], "kind": pd.Categorical(["-a", "b"]),
                          "on": [date(2026, 7, 1), None], "mixed": ["=1", -2]})  # fmt: skip
    safe = neutralised(table)
    assert safe["cost"].tolist() == [Decimal("-1.50"), None]
    assert safe["kind"].tolist() == ["'-a", "b"]
    assert safe["on"].iloc[0] == date(2026, 7, 1)
    assert safe["mixed"].tolist() == ["'=1", -2]


def test_a_table_that_no_worksheet_holds_is_refused_and_nothing_is_left(tmp_path) -> None:
    with pytest.raises(ParamsError, match=r"a worksheet holds 1,048,575 rows below its header"):
        write_table(pd.DataFrame({"n": range(1_048_576)}), tmp_path / "list.xlsx")
    with pytest.raises(ParamsError, match="note holds a text longer than the 32,767 letters of a cell"):
        write_table(pd.DataFrame({"note": ["x" * 32_768]}), tmp_path / "list.xlsx")
    write_table(pd.DataFrame({"note": ["x" * 32_767]}), tmp_path / "list.xlsx")
    assert [p.name for p in tmp_path.iterdir()] == ["list.xlsx"]


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(ending: str, tmp_path, monkeypatch) -> None:
    place = tmp_path / f"list{ending}"
    place.write_text("old")

    def full(source: object, target: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_table(TABLE, place)
    assert [p.name for p in tmp_path.iterdir()] == [place.name]
    assert place.read_text() == "old"
