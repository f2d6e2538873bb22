"""Purchase histories: what counts as a purchase, as of when, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.value.purchase_history import purchase_history, purchases_between

END = "2026-03-31"


def orders(*rows: tuple[object, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "value"])
    return frame.assign(date=pd.to_datetime(frame["date"], format="ISO8601"))


@pytest.fixture
def history() -> pd.DataFrame:
    found = purchase_history(
        orders(
            ("b", "2026-03-03", 10.0), ("b", "2026-03-17 09:00", 8.0), ("b", "2026-03-17 23:59", 4.0),
            ("a", "2026-01-01", 100.0), ("a", "2026-02-05", 0.0), ("a", "2026-01-08", 30.0), ("c", END, 5.0),
        ), END,
    )  # fmt: skip
    return found.set_index("customer_id")


def test_orders_of_one_day_are_one_purchase_of_their_total(history: pd.DataFrame) -> None:
    assert history.loc["b", ["frequency", "recency", "T", "monetary_value"]].tolist() == [1, 2.0, 4.0, 12.0]


def test_an_order_of_value_zero_is_a_purchase_and_the_first_one_is_not_in_the_mean(history: pd.DataFrame) -> None:
    assert history.loc["a", ["frequency", "recency", "monetary_value"]].tolist() == [2, 5.0, 15.0]
    assert history.loc["a", "T"] == pytest.approx(89 / 7)


def test_a_customer_of_the_last_day_has_no_age_and_no_mean(history: pd.DataFrame) -> None:
    assert history.loc["c", ["frequency", "recency", "T"]].tolist() == [0, 0, 0]
    assert np.isnan(history.loc["c", "monetary_value"])


def test_times_are_in_the_unit_that_was_asked_for() -> None:
    table = orders(("a", "2026-01-01", 1.0), ("a", "2026-01-31", 1.0))
    days = purchase_history(table, END, unit_days=1.0)
    assert days[["recency", "T"]].iloc[0].tolist() == [30.0, 89.0]
    with pytest.raises(ParamsError, match="unit_days is a number of days above 0, got 0"):
        purchase_history(table, END, unit_days=0)


def test_the_order_of_rows_does_not_matter_and_inputs_stay_as_they_are() -> None:
    table = orders(("a", "2026-01-01", 1.0), ("b", "2026-01-02", 2.0), ("a", "2026-02-01", 3.0))
    before = table.copy()
    pd.testing.assert_frame_equal(purchase_history(table, END), purchase_history(table[::-1], END))
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", "2026-04-01", 1.0), "1 lie after 2026-03-31"),
        ((None, "2026-01-01", 1.0), "1 of 2 without customer_id"),
        (("a", "NaT", 1.0), "1 of 2 without date"),
        (("a", "2026-01-01", np.nan), "1 of 2 without value"),
        (("a", "2026-01-01", np.inf), "1 of 2 without value"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_its_number(row: tuple[object, str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        purchase_history(orders(("b", "2026-01-01", 1.0), row), END)


def test_an_order_late_on_the_last_day_is_inside() -> None:
    assert purchase_history(orders(("a", f"{END} 23:59", 1.0)), END)["T"].tolist() == [0.0]


def test_missing_columns_text_dates_and_no_orders_are_refused() -> None:
    table = orders(("a", "2026-01-01", 1.0))
    with pytest.raises(DataError, match="missing value"):
        purchase_history(table.drop(columns="value"), END)
    with pytest.raises(DataError, match="expected dates in date"):
        purchase_history(table.assign(date="2026-01-01"), END)
    with pytest.raises(DataError, match="expected at least one, got none"):
        purchase_history(table.iloc[:0], END)


def test_the_outcome_starts_on_the_day_after_and_counts_days() -> None:
    table = orders(("a", END, 1.0), ("a", "2026-04-01 10:00", 2.0), ("a", "2026-04-01 11:00", 3.0),
                   ("a", "2026-05-01", 4.0), ("b", "2026-04-02", 5.0))  # fmt: skip
    found = purchases_between(table, pd.Series(["z", "a"]), END, "2026-04-30")
    assert found.to_dict("list") == {"purchases": [0, 1], "value": [0.0, 5.0]}
