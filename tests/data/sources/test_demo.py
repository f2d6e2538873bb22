"""The demo source: a folder of Parquet files with canonical columns."""

from pathlib import Path

import pandas as pd
import pytest

from afraz.data.sources.registry import stage
from afraz.data.sources.staging import Workspace
from afraz.errors import DataError


def test_files_are_opened_with_the_number_of_each_row(space: Workspace, tmp_path: Path) -> None:
    pd.DataFrame({"customer_id": ["C1", "C2"], "joined_at": ["2020-01-01", "x"]}).to_parquet(
        tmp_path / "customers.parquet"
    )
    (staged,) = stage(space, {"kind": "demo", "path": str(tmp_path)}).staged
    assert (staged.table, staged.rows) == ("customers", 2)
    found = space.run(f"SELECT source_line, joined_at, raw FROM {staged.relation} ORDER BY 1")
    assert found[1] == (2, "x", '{"customer_id":"C2","joined_at":"x"}')


def test_an_empty_or_missing_folder_says_what_to_run(space: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no Parquet files in .*gone: run `dvc repro simulate` first"):
        stage(space, {"kind": "demo", "path": str(tmp_path / "gone")})


def test_a_file_or_column_that_is_not_canonical_is_refused(space: Workspace, tmp_path: Path) -> None:
    frame = pd.DataFrame({"customer_id": ["C1"], "birthdate": ["1980-01-01"]})
    frame.to_parquet(tmp_path / "customers.parquet")
    with pytest.raises(DataError, match=r"has a column 'birthdate'.*did you mean birth_date\?"):
        stage(space, {"kind": "demo", "path": str(tmp_path)})
    (tmp_path / "customers.parquet").rename(tmp_path / "customer.parquet")
    with pytest.raises(DataError, match=r"is no canonical table: did you mean customers\?"):
        stage(space, {"kind": "demo", "path": str(tmp_path)})
