"""Exclusion lists: a wrong row stops everything, an ended one holds nobody back."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from afraz.decisioning.exclusions import checked_exclusions, excluded_on, read_exclusions
from afraz.errors import DataError


def test_a_file_is_read_with_its_ids_as_text(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("\ufeffcustomer_id,reason,expires_at\n0017, dispute,\nC2,complaint,2026-08-01\n", "utf-8")
    rows = read_exclusions(file)
    assert rows["customer_id"].tolist() == ["0017", "C2"]
    assert excluded_on(rows, dt.date(2026, 7, 31)).to_dict() == {
        "0017": "excluded: dispute", "C2": "excluded until 2026-08-01: complaint",
    }  # fmt: skip
    assert list(excluded_on(rows, dt.date(2026, 8, 1)).index) == ["0017"]


def test_of_two_reasons_the_one_that_holds_longest_is_said() -> None:
    rows = checked_exclusions(pd.DataFrame({
        "customer_id": ["C1", "C1", "C2", "C2"], "reason": ["a", "b", "c", "d"],
        "expires_at": ["2026-08-01", "2026-09-01", "2026-08-01", None],
    }))  # fmt: skip
    said = excluded_on(rows, dt.date(2026, 7, 1)).to_dict()
    assert said == {"C1": "excluded until 2026-09-01: b", "C2": "excluded: d"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("customer_id\nC1\n", "lacks the column 'reason'"),
        ("customer_id,reason\nC1,x\n ,y\n", "row 2: customer_id is empty"),
        ("customer_id,reason\nC1,\n", "row 1: reason is empty"),
        ("customer_id,reason,expires_at\nC1,x,31.12.\n", "row 1: expires_at '31.12.' is no date"),
        ("customer_id,reason,until\nC1,x,2025-01-01\n", "unknown column 'until': known: customer_id, expires_at"),
        ("customer_id,reason,expires_on\nC1,x,2025-01-01\n", "column 'expires_on': did you mean expires_at"),
        ("", "not readable as CSV"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_exclusions(tmp_path / "list.csv")


def test_an_absent_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no exclusion list at"):
        read_exclusions(tmp_path / "list.csv")
