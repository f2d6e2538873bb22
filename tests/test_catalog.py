from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError


def test_equal_rows_in_another_order_give_equal_bytes(workspace: Path) -> None:
    rows = pd.DataFrame({"name": ["b", "a"], "family": ["x", "y"]})
    assert catalog.save("dictionary", rows) == "data/features/dictionary.parquet"
    first = catalog.path("dictionary").read_bytes()
    catalog.save("dictionary", rows.iloc[::-1])
    assert catalog.path("dictionary").read_bytes() == first


def test_a_repeated_key_is_refused_and_the_old_file_stays(workspace: Path) -> None:
    catalog.save("dictionary", pd.DataFrame({"name": ["a"]}))
    with pytest.raises(DataError, match="1 rows repeat the key name"):
        catalog.save("dictionary", pd.DataFrame({"name": ["a", "a"]}))
    assert catalog.load("dictionary").name.tolist() == ["a"]


def test_a_failed_write_leaves_nothing_behind(workspace: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        catalog.save("churn_metrics", {"roc_auc": float("nan")})
    assert not catalog.path("churn_metrics").exists()


def test_staged_output_is_read_back_by_its_stage_only(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalog.STAGING, str(workspace / "staging"))
    catalog.save("churn_metrics", {"a": 1})
    assert catalog.load("churn_metrics") == {"a": 1}
    monkeypatch.delenv(catalog.STAGING)
    with pytest.raises(DataError, match=r"churn_metrics is not there .*: run `dvc repro churn` first"):
        catalog.load("churn_metrics")


def test_outside_a_workspace_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"no dvc.yaml in .*: run afraz inside a checkout"):
        catalog.root()


def test_every_dataset_of_a_table_has_grain_and_key() -> None:
    for entry in catalog.CATALOG.values():
        assert entry.grain
        if entry.path.endswith(".parquet"):
            assert entry.key, entry.name


def test_a_lazy_table_is_written_in_the_order_of_its_key_and_repeats_are_refused(workspace: Path) -> None:
    import ibis

    rows = ibis.memtable(pd.DataFrame({"name": ["b", "a"], "family": ["x", "y"]}))
    catalog.save("dictionary", rows)
    assert catalog.load("dictionary").name.tolist() == ["a", "b"]
    with pytest.raises(DataError, match="2 rows repeat the key name"):
        catalog.save("dictionary", ibis.union(rows, rows))
    assert not list(catalog.path("dictionary").parent.glob(".*"))
