from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, ParamsError
from afraz.features.training import churn_training


def _platform_tables() -> None:
    day = pd.Timestamp("2026-01-01")
    keys = {"customer_id": ["a", "b"], "as_of": [day, day]}
    catalog.save("customer_features", pd.DataFrame({**keys, "recency": [1.0, 2.0], "spend": [3.0, 4.0]}))
    catalog.save("churn_labels", pd.DataFrame({**keys, "leaves_90": [0, 1]}))
    catalog.save("dictionary", pd.DataFrame({"name": ["recency", "spend", "gone"], "sign": [1, 0, -1]}))
    catalog.save("label_terms", {"definition": "silence", "outcome_days": 180})


def test_features_and_labels_meet_and_signs_of_present_features_are_handed_on(workspace: Path) -> None:
    _platform_tables()
    table, columns = churn_training({}, [90], use_signs=True)
    assert table[["customer_id", "recency", "leaves_90"]].values.tolist() == [["a", 1.0, 0], ["b", 2.0, 1]]
    assert columns == {"horizons": [90], "outcome_days": 180, "monotone": {"recency": 1}}
    assert "monotone" not in churn_training({}, [90], use_signs=False)[1]


def test_a_ready_table_names_its_columns(workspace: Path) -> None:
    (workspace / "t.csv").write_text("id,age,gone\n1,20,yes\n2,30,no\n")
    table, columns = churn_training({"path": "t.csv", "label": "gone", "id": "id"}, [90], use_signs=True)
    assert table["age"].tolist() == [20, 30]
    assert columns == {"label": "gone", "id": "id", "as_of": None}


def test_a_ready_table_is_refused_by_what_is_wrong_with_it(workspace: Path) -> None:
    with pytest.raises(ParamsError, match=r"table: unknown key 'lable': did you mean label\?"):
        churn_training({"path": "t.csv", "lable": "gone"}, [90], use_signs=True)
    with pytest.raises(ParamsError, match="table: label is missing"):
        churn_training({"path": "t.csv"}, [90], use_signs=True)
    with pytest.raises(DataError, match="no file"):
        churn_training({"path": "t.csv", "label": "gone"}, [90], use_signs=True)
