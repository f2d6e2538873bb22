"""Value of the customers of one date, by a model folder."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.artifact import Artifact
from afraz.scoring.value import score_value

AS_OF = date(2026, 1, 1)
HEAD = {"kind": "linear", "intercept": 0.0, "coefficients": [1.0], "means": [0.0], "scales": [1.0]}


def _margin(name: str, shift: float) -> dict:
    return {"name": name, "head": "margin_12m", "link": "identity", "knots_margin": [-100.0, 100.0],
            "knots_log_odds": [-100.0 + shift, 100.0 + shift]}  # fmt: skip


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["b", "a", "c"], "m": [8.0, -2.0, 3.0], "contacts_365d": [1.0, 0.0, np.nan],
                         "mean_purchase_365d": [10.0, np.nan, 5.0], "category:food": [9.0, 0.0, 1.0]})  # fmt: skip


@pytest.fixture
def value(tmp_path):
    next_purchase = {
        "timing": {"days": 30.0, "shape": 1.0},
        "amount": {"intercept": 0.0, "slope": 1.0, "smear": 1.0, "usual": 7.0},
        "habit": {"strength": 1.0, "popularity": {"category:food": 0.5, "category:travel": 0.5}},
    }
    shifts = {"expected_margin_12m_low": -5, "expected_margin_12m": 0, "expected_margin_12m_high": 5}
    outputs = [*(_margin(name, shift) for name, shift in shifts.items()),
               {"name": "buys_30", "head": "buys_30", "knots_margin": [-9, 9], "knots_log_odds": [-9, 9]}]  # fmt: skip
    spec = {"format": 1, "model": "value", "features": [{"name": "m", "type": "double"}],
            "heads": [{"name": "margin_12m", **HEAD}, {"name": "buys_30", **HEAD}], "outputs": outputs, "level": 0.9,
            "deviations": {"margin_12m": {"score": [-100.0, 100.0], "spread": [1.0, 1.0]}},
            "next_purchase": next_purchase}  # fmt: skip
    Artifact(spec, {}).save(tmp_path / "value")
    return tmp_path / "value"


def test_value_is_net_of_the_cost_to_serve_and_the_total_has_its_own_interval(value, customers) -> None:
    scores, manifest = score_value(
        value, customers, as_of=AS_OF, cost_per_contact=3.0, high_share=0.34, level_error=0.1, degrees=4
    )  # fmt: skip
    rows = scores.set_index("customer_id")
    assert rows["net_value_12m"].to_dict() == {"a": -2.0, "b": 5.0, "c": 3.0}
    assert rows["tier"].to_dict() == {"a": "none", "b": "high", "c": "medium"}
    assert rows.loc["b", "next_1"] == "food"
    assert rows.loc["a", "next_amount"] == 7.0
    assert (rows["next_days_low"] < rows["next_days"]).all()
    assert (rows["next_days"] < rows["next_days_high"]).all()
    total = manifest["total"]["margin_12m"]
    assert total["value"] == pytest.approx(9.0)
    assert total["low"] < 9 < total["high"]
    assert total["high"] - total["low"] < 30  # three customers' own intervals, added up


def test_a_repeated_customer_is_refused(value, customers) -> None:
    doubled = pd.concat([customers, customers.head(1)])
    with pytest.raises(DataError, match="repeat a customer_id"):
        score_value(value, doubled, as_of=AS_OF, cost_per_contact=1, high_share=0.2, level_error=0, degrees=1)
