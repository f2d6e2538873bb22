"""Tables for people's tools: nothing in them runs, and a wrong place is refused."""

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


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
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
