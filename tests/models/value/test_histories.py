"""Equal histories are put together without losing a customer, and broken ones are refused."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.value.bg_nbd import BgNbd
from afraz.models.value.histories import Histories, duration


def test_every_customer_leads_back_to_their_own_history() -> None:
    drawn = BgNbd(0.3, 5.0, 0.8, 2.0).simulate(np.repeat([30.0, 39.0], 500), np.random.default_rng(3))
    drawn["recency"] = np.ceil(drawn["recency"])
    found = Histories.of(drawn)
    columns = [(found.x, "frequency"), (found.t_x, "recency"), (found.T, "T")]
    assert all((distinct[found.row] == drawn[name]).all() for distinct, name in columns)
    assert found.count.sum() == found.customers == 1000
    assert len(found.x) == len(drawn[["frequency", "recency", "T"]].drop_duplicates()) < 600


@pytest.mark.parametrize(
    "row",
    [(1, 0.0, 9.0), (0, 2.0, 9.0), (1, 9.5, 9.0), (1.5, 2.0, 9.0), (-1, 0.0, 9.0), (1, 2.0, np.nan), (0, 0.0, np.inf)],
)
def test_a_row_that_is_no_history_is_refused_and_counted(row: tuple[float, float, float]) -> None:
    table = pd.DataFrame([(2, 3.0, 9.0), row], columns=["frequency", "recency", "T"])
    with pytest.raises(DataError, match="1 of 2 rows break"):
        Histories.of(table)


def test_no_customers_and_no_columns_are_refused() -> None:
    with pytest.raises(DataError, match="at least one customer, got none"):
        Histories.of(pd.DataFrame({"frequency": [], "recency": [], "T": []}))
    with pytest.raises(DataError, match="missing recency"):
        Histories.of(pd.DataFrame({"frequency": [0], "T": [1.0]}))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_duration_is_finite_and_not_negative(bad: float) -> None:
    with pytest.raises(ParamsError, match="expected finite times from 0 on"):
        duration(bad)
