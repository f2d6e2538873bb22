"""A segmentation over months: what was assigned, what moved, how many months are flagged."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import NotApplicable
from afraz.models.artifact import Artifact
from afraz.models.segmentation.history import assign_months, monthly_movement, months_flagged, watched

LENS = {
    "name": "value", "kind": "tiers", "columns": [{"name": "m", "cuts": list(range(1, 10)), "lower_is_better": False}],
    "segments": [{"id": "high", "name": "the best", "lowest": 6.0}, {"id": "low", "name": "others", "lowest": 1.0}],
}  # fmt: skip
MODEL = Artifact({"format": 1, "model": "segmentation", "features": [{"name": "m", "type": "double"}],
                  "lenses": [LENS, {"name": "noise", "kind": "none", "reason": "no structure"}]}, {})  # fmt: skip


@pytest.fixture
def inputs() -> pd.DataFrame:
    """Three months; in the last, a tenth of the customers rise."""
    m = np.where(np.arange(400) < 100, 9.0, 2.0)
    later = np.where((np.arange(400) >= 100) & (np.arange(400) < 140), 9.0, m)
    dates = pd.date_range("2026-01-01", periods=3, freq="MS")
    months = zip(dates, (m, m, later), strict=True)
    parts = [pd.DataFrame({"customer_id": np.arange(400), "as_of": d, "m": x}) for d, x in months]
    return pd.concat(parts, ignore_index=True)


def test_every_month_is_assigned_with_names_and_what_is_kept(inputs) -> None:
    found = assign_months(MODEL, inputs, ["m", "not there", "m"])
    assert found.columns.tolist() == ["customer_id", "as_of", "value", "value_name", "value_confidence", "m"]
    assert found["value_name"].value_counts().to_dict() == {"others": 860, "the best": 340}


def test_only_the_month_in_which_customers_moved_is_flagged(inputs) -> None:
    found = assign_months(MODEL, inputs, [])
    movement = monthly_movement(found, ["value"])
    assert movement["as_of"].nunique() == 2
    assert movement.loc[movement["significant"], "as_of"].unique().tolist() == [pd.Timestamp("2026-03-01")]
    assert months_flagged(movement) == {"any": 0, "months": 0, "by_chance_alone": {"value": 1, "any": 1, "months": 2}}
    assert set(watched(found, ["value"], [])) == {"movement", "flows_value", "trend_value"}


def test_one_month_shows_no_movement(inputs) -> None:
    with pytest.raises(NotApplicable, match="at least two dates"):
        watched(assign_months(MODEL, inputs.head(400), []), ["value"], [])
