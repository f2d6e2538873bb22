"""A small bank of three customers as of a day: nothing stands against C1, its neighbours get the planted faults."""

import datetime as dt

import pandas as pd
import pytest

AS_OF = dt.date(2026, 7, 1)


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["C1", "C2", "C3"], "marketing_consent": [True, True, True],
        "branch_id": ["B1", "B1", "B2"], "region_id": ["R1", "R1", "R2"],
    })  # fmt: skip
