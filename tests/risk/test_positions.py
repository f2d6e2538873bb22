"""The schema that every unit of risk keeps."""

import numpy as np
import pytest

from afraz.errors import DataError
from afraz.risk.positions import SCHEMA, checked, expected_loss, over_horizon, summary

from .books import rows


def test_positions_that_keep_the_schema_pass_unchanged() -> None:
    given = rows(n=3)
    assert list(given.columns) == list(SCHEMA)
    assert checked(given, "credit") is given


@pytest.mark.parametrize("column", ["exposure", "probability", "severity", "count"])
@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf])
def test_a_number_that_is_no_number_is_refused_by_its_name(column: str, value: float) -> None:
    broken = rows(n=5)
    broken.loc[2, column] = value
    with pytest.raises(DataError, match=f"credit: {column} is missing or out of range in 1 of 5 positions"):
        checked(broken, "credit")


def test_probabilities_above_one_are_refused_and_exactly_one_is_not() -> None:
    checked(rows(n=2, probability=1.0), "credit")
    with pytest.raises(DataError, match="probability is missing or out of range in 2 of 2"):
        checked(rows(n=2, probability=1.01), "credit")


def test_another_units_rows_and_two_currencies_are_refused() -> None:
    with pytest.raises(DataError, match="attrition: expected one unit, got credit"):
        checked(rows(n=2), "attrition")
    mixed = rows(n=2)
    mixed.loc[1, "currency"] = "EUR"
    with pytest.raises(DataError, match="credit: expected one currency, got XTS, EUR"):
        checked(mixed, "credit")


def test_a_missing_column_and_an_empty_delivery_are_named() -> None:
    with pytest.raises(DataError, match="severity is not among them"):
        checked(rows(n=2).drop(columns="severity"), "credit")
    with pytest.raises(DataError, match="credit: delivered no position"):
        checked(rows(n=2).iloc[:0], "credit")


def test_the_three_numbers_of_a_summary_multiply_to_the_expected_loss() -> None:
    given = rows(n=3, exposure=[1.0, 10.0, 100.0], probability=[0.5, 0.1, 0.01], severity=[0.1, 0.5, 1.0])
    found = summary(given)
    assert found["exposure"] * found["probability"] * found["severity"] == pytest.approx(expected_loss(given).sum())
    assert summary(rows(n=2, exposure=0.0))["expected_loss"] == 0


def test_a_probability_is_carried_there_and_back() -> None:
    p = np.array([0.0, 0.03, 1.0])
    assert over_horizon(over_horizon(p, 90, 365), 365, 90) == pytest.approx(p)
