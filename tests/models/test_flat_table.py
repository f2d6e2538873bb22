"""Flat tables: what can't be learnt from is refused in words, what tells nothing is left out and noted."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.flat_table import binary, read_flat


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    return pd.DataFrame({
        "customer": [f"c{i:03d}" for i in range(n)][::-1],
        "amount": rng.normal(size=n).round(2),
        "plan": rng.choice(["a", "b"], n),
        "churn": np.where(np.arange(n) % 4 == 0, "Yes", "No"),
    })  # fmt: skip


def _read(table: pd.DataFrame, **more: object) -> object:
    return read_flat(table, {"leave": "churn"}, id="customer", as_of=None, **more)  # type: ignore[arg-type]


def test_rows_are_ordered_by_customer_and_know_where_they_came_from(table: pd.DataFrame) -> None:
    flat = read_flat(table, {"leave": "churn"}, id="customer", as_of=None)
    assert flat.id is not None
    assert flat.id.is_monotonic_increasing
    assert (table["amount"].to_numpy()[flat.position] == flat.features["amount"].to_numpy()).all()
    assert flat.labels["leave"].sum() == 50
    assert list(flat.features.columns) == ["amount", "plan"]


@pytest.mark.parametrize(
    ("column", "values"),
    [("yes", ["YES", "no"]), ("bool", [True, False]), ("digit", [1, 0]), ("text", ["1", "0"]), ("float", [1.0, 0.0])],
)
def test_two_valued_labels_are_read(column: str, values: list) -> None:
    assert binary(pd.Series(values, name=column)).tolist() == [1.0, 0.0]


def test_probabilities_are_labels_only_where_that_is_said() -> None:
    p = pd.Series([0.2, 0.7], name="p")
    assert binary(p, soft=True).tolist() == [0.2, 0.7]
    with pytest.raises(DataError, match="label 'p' has the values 0.2, 0.7: expected 0/1"):
        binary(p)
    with pytest.raises(DataError, match="must hold probabilities"):
        binary(p + 1, soft=True)


def test_a_label_with_gaps_is_refused_with_their_number() -> None:
    with pytest.raises(DataError, match="label 'churn' is missing in 2 of 3 rows"):
        binary(pd.Series([1, None, None], name="churn"))


def test_an_empty_table_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="the table is empty"):
        _read(table[:0])


@pytest.mark.parametrize("missing", ["churn", "customer"])
def test_an_absent_column_is_refused_with_the_nearest(table: pd.DataFrame, missing: str) -> None:
    with pytest.raises(DataError, match=rf"column '{missing}': did you mean {missing}s\?"):
        _read(table.rename(columns={missing: f"{missing}s"}))


def test_a_column_to_drop_must_be_there(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"no dropped column 'amuont': did you mean amount\?"):
        _read(table, drop=["amuont"])


def test_text_in_a_number_is_refused_with_the_count_and_without_the_value(table: pd.DataFrame) -> None:
    texts = table["amount"].astype(str)
    texts.iloc[[3, 9]] = "secret"
    with pytest.raises(DataError, match=r"'amount' holds numbers except for 2 texts in 200 rows") as refused:
        _read(table.assign(amount=texts))
    assert "secret" not in str(refused.value)


def test_repeated_customers_are_refused_and_repeated_at_other_dates_are_not(table: pd.DataFrame) -> None:
    twice = pd.concat([table.assign(day="2026-01-01"), table.assign(day="2026-02-01")])
    with pytest.raises(DataError, match="200 rows repeat 'customer': one row per customer"):
        _read(twice.drop(columns="day"))
    assert len(read_flat(twice, {"leave": "churn"}, id="customer", as_of="day")) == 400


def test_wrong_dates_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="200 of 200 values of date column 'day' are no dates"):
        read_flat(table.assign(day="soon"), {"leave": "churn"}, id="customer", as_of="day")


@pytest.mark.parametrize("values", ["text", "integer"])
def test_an_id_among_the_features_is_refused(table: pd.DataFrame, values: str) -> None:
    other = [f"x{i}" for i in range(200)] if values == "text" else np.arange(200) * 7
    with pytest.raises(DataError, match="it looks like an id; name it as id or add it to drop"):
        _read(table.assign(loan_id=other))
    _read(table.assign(loan_id=other), drop=["loan_id"])


def test_dates_and_infinities_are_no_features(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="column 'born' holds dates"):
        _read(table.assign(born=pd.Timestamp("1980-01-01") + pd.to_timedelta(np.arange(200), "D")))
    with pytest.raises(DataError, match="column 'ratio' holds infinite numbers"):
        _read(table.assign(ratio=np.where(np.arange(200) == 5, np.inf, np.arange(200.0))))


def test_constant_and_missing_columns_are_left_out_with_a_note(table: pd.DataFrame) -> None:
    flat = read_flat(
        table.assign(bank="same", never=None, sometimes=np.where(np.arange(200) < 3, 1.0, np.nan)),
        {"leave": "churn"}, id="customer", as_of=None,
    )  # fmt: skip
    assert list(flat.features.columns) == ["amount", "plan", "sometimes"], "missing or one value: that tells something"
    assert flat.notes == [
        "bank: left out, the same value in every row",
        "never: left out, missing in every row",
    ]


def test_a_table_without_any_usable_feature_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no feature is left of 1 columns"):
        _read(table[["customer", "churn"]].assign(bank="same"))


def test_decimals_and_nullable_numbers_are_features(table: pd.DataFrame) -> None:
    flat = read_flat(
        table.assign(money=[Decimal(i) / 4 for i in range(200)], flag=pd.array([True, None] * 100, dtype="boolean")),
        {"leave": "churn"}, id="customer", as_of=None,
    )  # fmt: skip
    assert {"money", "flag"} <= set(flat.features.columns)


def test_columns_that_appear_twice_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="columns appear twice: amount"):
        _read(pd.concat([table, table[["amount"]]], axis=1))
