"""A year of months in which one segment grows while customers come and go."""

import numpy as np
import pandas as pd
import pytest

DATES = pd.date_range("2026-01-01", periods=12, freq="MS")


@pytest.fixture
def assigned() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for i, date in enumerate(DATES):
        who = np.arange(i * 5, 400 + i * 3)
        segment = np.where((who + rng.integers(0, 40, len(who))) % 100 < 20 + 4 * i, "high", "low")
        rows.append(pd.DataFrame({"customer_id": who, "as_of": date, "value": segment, "margin": 10.0 + i}))
    return pd.concat(rows).sample(frac=1, random_state=1)
