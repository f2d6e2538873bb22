import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.promotion.balance import balance_table, covariates, largest_by_chance
from afraz.models.promotion.design import read_design


def test_the_difference_of_a_number_is_in_pooled_sample_deviations_over_known_values() -> None:
    rng = np.random.default_rng(1)
    age, treated = rng.normal(50, 10, 200), rng.integers(0, 2, 200)
    age[:20] = np.nan
    design = read_design(treated)
    table = balance_table(covariates(pd.DataFrame({"age": age}), design), design).set_index("level")
    one, zero = age[20:][treated[20:] == 1], age[20:][treated[20:] == 0]
    expected = (one.mean() - zero.mean()) / np.sqrt((one.var(ddof=1) + zero.var(ddof=1)) / 2)
    assert table.loc["", "smd"] == pytest.approx(expected)
    assert table.loc["", "mean_arm"] == pytest.approx(one.mean())
    p, q = np.isnan(age[treated == 1]).mean(), np.isnan(age[treated == 0]).mean()
    assert table.loc["(missing)", "smd"] == pytest.approx((p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2))


def test_blocks_with_other_shares_do_not_count_as_imbalance() -> None:
    block = np.repeat(["a", "b"], 120)
    treated = np.concatenate([np.repeat([1, 0], [30, 90]), np.repeat([1, 0], [90, 30])])
    table = pd.DataFrame({"age": np.where(block == "a", 40.0, 50.0) + np.tile([0.0, 1.0], 120)})
    told, untold = read_design(treated, block=block), read_design(treated)
    assert balance_table(covariates(table, told), told)["smd"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert balance_table(covariates(table, untold), untold)["smd"].iloc[0] > 0.5


def test_the_largest_by_chance_of_one_number_is_that_of_a_normal() -> None:
    rng = np.random.default_rng(2)
    design = read_design(rng.permutation(400) < 200)
    columns = covariates(pd.DataFrame({"x": rng.normal(size=400)}), design)
    drawn = largest_by_chance(columns, design, 2000, rng)
    error = np.sqrt(1 / 200 + 1 / 200)
    assert drawn.mean() == pytest.approx(error * np.sqrt(2 / np.pi), rel=0.06)
    assert np.quantile(drawn, 0.95) == pytest.approx(1.96 * error, rel=0.08)


def test_rare_levels_are_joined_and_missing_texts_are_a_level() -> None:
    area = ["rural"] * 40 + ["urban"] * 40 + ["harbour", "island"] + [None] * 18
    found = covariates(pd.DataFrame({"area": area}), read_design([0, 1] * 50))
    assert found.level == ["(missing)", "rural", "urban", "(other)"]
    assert found.matrix.sum(axis=0).tolist() == [18, 40, 40, 2]


def test_a_number_that_is_missing_throughout_an_arm_shows_as_missing() -> None:
    treated = np.repeat([1, 0], 50)
    table = pd.DataFrame({"score": np.where(treated == 1, np.nan, np.arange(100.0)), "age": np.arange(100.0) % 7})
    design = read_design(treated)
    found = balance_table(covariates(table, design), design)
    assert found.iloc[0, 1:3].tolist() == ["score", "(missing)"]
    assert found["smd"].iloc[0] == np.inf
    assert found.set_index("feature").loc["age", "smd"] < 0.5


def test_the_treatment_among_the_features_is_refused_and_a_close_relative_is_not() -> None:
    treated = np.array([0, 1] * 50)
    relative = treated.copy()
    relative[0] = 1
    design = read_design(treated)
    assert covariates(pd.DataFrame({"relative": relative}), design).feature == ["relative"]
    with pytest.raises(DataError, match="feature 'sent' is the treatment itself"):
        covariates(pd.DataFrame({"relative": relative, "sent": np.where(treated == 1, "yes", "no")}), design)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"x": range(99)}), "features have 99 rows, treatment has 100"),
        (pd.DataFrame({"seen": pd.date_range("2026-01-01", periods=100)}), "column 'seen' holds dates"),
        (pd.DataFrame({"name": [f"n{i}" for i in range(100)]}), "it looks like an id"),
    ],
)
def test_what_cannot_be_compared_is_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        covariates(table, read_design([0, 1] * 50))
