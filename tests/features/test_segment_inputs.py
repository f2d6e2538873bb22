"""What segments and value are made of, read from the workspace."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError, NotApplicable
from afraz.features.segment_inputs import segment_inputs
from afraz.features.value_training import quarterly_margin, value_training

DATES = [pd.Timestamp("2025-01-01"), pd.Timestamp("2026-01-01")]


@pytest.fixture
def stages(workspace: Path) -> None:
    keys = pd.DataFrame([(c, d) for c in ("a", "b") for d in DATES], columns=["customer_id", "as_of"])
    catalog.save("customer_features", keys.assign(spend=[1.0, 2.0, 3.0, 4.0]))
    items = [
        ("a", DATES[0], "category:food", 3),
        ("a", DATES[1], "product:loan", 1),
        ("b", DATES[1], "category:food", 5),
    ]
    catalog.save("items", pd.DataFrame(items, columns=["customer_id", "as_of", "item", "uses"]))
    catalog.save(
        "customers", pd.DataFrame({"customer_id": ["a", "b"], "gender": ["f", "m"], "region_id": ["R1", "R2"]})
    )
    catalog.save("value_labels", keys.assign(margin_6m=1.0, margin_12m=[1.0, np.nan, 2.0, np.nan], observed_days=10))


def test_features_attributes_and_items_stand_side_by_side(stages) -> None:
    found = segment_inputs([date(2026, 1, 1)])
    assert found.columns.tolist() == ["customer_id", "as_of", "spend", "gender", "category:food", "product:loan"]
    assert found["category:food"].tolist() == [0.0, 5.0]
    assert segment_inputs()["gender"].tolist() == ["f", "f", "m", "m"]
    assert "product:loan" not in segment_inputs(blocks=["category"])


def test_a_date_that_was_not_built_is_refused(stages) -> None:
    with pytest.raises(DataError, match="no row at 2024-05-01"):
        segment_inputs([date(2024, 5, 1)])


def test_value_says_what_it_lacks(stages) -> None:
    with pytest.raises(NotApplicable, match="no two as_of dates a year apart"):
        value_training(date(2026, 1, 1))
    labels = catalog.load("value_labels").assign(margin_12m=1.0)
    catalog.save("value_labels", labels)
    with pytest.raises(NotApplicable, match="2 customers have a finished year, 500 are needed"):
        value_training(date(2026, 1, 1))


def test_value_learns_from_whole_steps_and_from_no_attribute(stages, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.save("value_labels", catalog.load("value_labels").assign(margin_12m=1.0))
    monkeypatch.setattr("afraz.features.value_training.LEAST", 1)
    table, columns = value_training(date(2026, 1, 1), months=12)
    assert len(table) == 4
    assert "gender" not in table
    assert columns == {"labels": ["observed_days"]}


def test_quarters_are_whole_and_end_at_the_date(workspace: Path) -> None:
    days = pd.date_range("2024-01-01", "2025-12-31", freq="D")
    rows = pd.DataFrame({"transaction_id": np.arange(len(days)).astype(str), "customer_id": "a", "booked_at": days,
                         "margin": 1.0})  # fmt: skip
    catalog.save("transactions", rows)
    found = quarterly_margin(date(2026, 1, 1))
    assert len(found) == 8
    assert (found == 91).all()
