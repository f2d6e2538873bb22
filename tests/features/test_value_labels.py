"""Labels of value and the next purchase, on banks small enough to work out by hand."""

from datetime import date

import numpy as np
import pytest

from afraz.errors import ParamsError
from afraz.features.value_labels import value_labels

AS_OF = date(2024, 1, 1)
UNTIL = date(2025, 3, 1)


def _label(tables, as_of=AS_OF, customer="a", until=UNTIL, **more):
    return (
        value_labels(tables, [as_of], observed_until=until, **more).to_pandas().set_index("customer_id").loc[customer]
    )


def test_margin_counts_from_as_of_to_the_end_of_the_window(bank, make_on):
    rows = [
        *make_on("a", "2023-12-31", margin=100),
        *make_on("a", "2024-01-01", margin=1),
        *make_on("a", "2024-06-29", margin=2),
        *make_on("a", "2024-06-30", margin=-4),
        *make_on("a", "2024-12-30", margin=8),
        *make_on("a", "2024-12-31", margin=16),
        *make_on("b", "2023-12-01"),
    ]
    tables = bank(rows)
    assert _label(tables)["margin_6m"] == 3  # the 181st day is in, the next is not
    assert _label(tables)["margin_12m"] == 1 + 2 - 4 + 8
    assert _label(tables, customer="b")["margin_12m"] == 0


def test_a_window_that_is_not_over_has_no_margin(bank, make_on):
    label = _label(bank(make_on("a", "2023-12-01", "2024-01-05", margin=1)), until=date(2024, 8, 1))
    assert label["margin_6m"] == 1
    assert np.isnan(label["margin_12m"])


def test_without_a_margin_payments_stand_for_it(bank, make_on):
    tables = bank(make_on("a", "2023-12-01", "2024-01-05") + make_on("a", "2024-01-06", amount=50, kind="salary"))
    tables["transactions"] = tables["transactions"].drop("margin")
    assert _label(tables)["margin_12m"] == 10


def test_the_next_purchase_is_the_first_day_from_as_of_on(bank, make_on):
    rows = [
        *make_on("a", "2023-12-30", category="books"),
        *make_on("a", "2024-01-02", kind="transfer_out"),
        *make_on("a", "2024-01-04", amount=-5, category="food"),
        *make_on("a", "2024-01-04", amount=-7, category="books"),
        *make_on("a", "2024-01-09", category="travel"),
        *make_on("b", "2023-12-30"),
    ]
    label = _label(bank(rows))
    assert label["next_purchase_days"] == 3
    assert label["next_amount"] == 12
    assert label["next_category"] == "books"
    assert label["observed_days"] == 425
    other = _label(bank(rows), customer="b")
    assert np.isnan(other["next_purchase_days"])


def test_a_product_counts_where_it_is_not_held_and_the_window_is_over(bank, make_on):
    accounts = [
        {"account_id": "1", "customer_id": "a", "product": "current", "opened_at": "2020-01-01"},
        {"account_id": "2", "customer_id": "a", "product": "savings", "opened_at": "2024-03-01"},
        {"account_id": "3", "customer_id": "a", "product": "loan", "opened_at": "2024-08-01"},
        {"account_id": "4", "customer_id": "a", "product": "insurance", "opened_at": "2020-01-01",
         "closed_at": "2021-01-01"},
    ]  # fmt: skip
    label = _label(bank(make_on("a", "2023-12-01"), accounts=accounts))
    assert np.isnan(label["opened_current"])
    assert label["opened_savings"] == 1
    assert label["opened_loan"] == 0
    assert label["opened_insurance"] == 0
    later = _label(bank(make_on("a", "2023-12-01"), accounts=accounts), until=date(2024, 4, 1))
    assert np.isnan(later["opened_savings"])


def test_a_window_of_no_days_is_refused(bank):
    with pytest.raises(ParamsError, match="product_days"):
        value_labels({}, [AS_OF], observed_until=UNTIL, product_days=0)
