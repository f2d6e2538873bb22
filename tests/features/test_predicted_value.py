"""Predicted value knows its date alone, ranks the year to come, and bears what data are like."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz import catalog
from afraz.features.dictionary import DERIVED, DICTIONARY
from afraz.features.predicted_value import (
    MADE_OF,
    NAME,
    expected_days,
    predicted_value,
    window_histories,
    with_predicted_value,
)
from afraz.features.segment_inputs import segment_inputs
from afraz.models.value.bg_nbd import BgNbd

DAY = pd.Timestamp("2026-01-01")


def shop(n: int = 3000, seed: int = 7) -> pd.DataFrame:
    """Customers of a shop who leave silently: a third joined within the year; truth beside the features."""
    rng = np.random.default_rng(seed)
    tenure = np.where(rng.random(n) < 0.33, rng.integers(10, 365, n), rng.integers(365, 2000, n))
    age = np.minimum(tenure, 365)
    drawn = BgNbd(1.0, 20.0, 1.0, 12.0).simulate(age, rng, 365.0)
    count = drawn["frequency"].to_numpy()
    since = np.ceil(age - drawn["recency"].to_numpy())
    recent = np.where(since <= 90, np.maximum(rng.binomial(count, np.minimum(90 / age, 1)), np.minimum(count, 1)), 0)
    a_day = rng.normal(5.0, 3.0, n)
    sums = [m * a_day + rng.normal(0.0, 6.0, n) * np.sqrt(m) for m in (recent, count - recent)]
    return pd.DataFrame({
        "customer_id": np.arange(n).astype(str), "as_of": DAY, "tenure_days": tenure, "history_days": tenure,
        "days_since_last_initiated": np.where(count > 0, np.clip(since, 1, age), np.nan), "active_days_90d": recent,
        "active_days_365d": count, "margin_90d": sums[0], "margin_365d": sums[0] + sums[1],
        "true": drawn["purchases"].to_numpy() * a_day,
    })  # fmt: skip


def rank_correlation(one: np.ndarray, other: pd.Series) -> float:
    return float(np.corrcoef(pd.Series(one).rank(), other.rank())[0, 1])


def test_it_ranks_the_coming_year_better_than_last_year_s_margin_where_customers_come_and_go() -> None:
    rows = shop()
    value = predicted_value(rows)
    assert rank_correlation(value, rows["true"]) > rank_correlation(rows["margin_365d"], rows["true"]) + 0.05
    assert value.sum() == pytest.approx(rows["true"].sum(), rel=0.1)


def test_equal_customers_are_told_apart_by_their_silence_and_by_how_long_they_have_been_here() -> None:
    rows = shop()
    twin = {"active_days_90d": 0, "active_days_365d": 8, "margin_90d": 0.0, "margin_365d": 40.0, "tenure_days": 800,
            "history_days": 800}  # fmt: skip
    later = {"active_days_90d": 3, "margin_90d": 15.0}
    more = [
        {**twin, "days_since_last_initiated": 300},
        {**twin, **later, "days_since_last_initiated": 20},
        {**twin, **later, "days_since_last_initiated": 20, "tenure_days": 100, "history_days": 100},
    ]
    table = pd.concat([rows, pd.DataFrame(more).assign(as_of=DAY)], ignore_index=True)
    silent, present, new = predicted_value(table)[-3:]
    assert silent < 0.5 * present < 0.5 * new


def test_a_date_is_not_told_what_other_dates_know() -> None:
    past, today = shop(), shop(seed=8).assign(as_of=DAY + pd.DateOffset(months=1))
    alone = with_predicted_value(past)[NAME]
    both = with_predicted_value(pd.concat([past, today], ignore_index=True))
    pd.testing.assert_series_equal(both.loc[both["as_of"] == DAY, NAME], alone)
    assert not np.allclose(both.loc[both["as_of"] > DAY, NAME], alone)


def test_equal_rows_in_another_order_give_equal_values() -> None:
    rows = with_predicted_value(shop())
    mixed = with_predicted_value(rows.drop(columns=NAME).sample(frac=1.0, random_state=3))
    pd.testing.assert_series_equal(mixed[NAME].sort_index(), rows[NAME], check_exact=True)


@pytest.mark.parametrize("absent", MADE_OF)
def test_without_a_column_it_is_made_of_there_is_none(absent: str) -> None:
    rows = shop(20).drop(columns=absent)
    pd.testing.assert_frame_equal(with_predicted_value(rows), rows)


def test_one_customer_is_taken_at_their_own_rate() -> None:
    row = {"as_of": DAY, "tenure_days": 100, "history_days": 100, "days_since_last_initiated": 3,
           "active_days_90d": 9, "active_days_365d": 10, "margin_90d": 18.0, "margin_365d": 20.0}  # fmt: skip
    assert predicted_value(pd.DataFrame([row])).tolist() == [73.0]


@pytest.mark.parametrize("nothing", [
    {"active_days_90d": 0, "active_days_365d": 0, "days_since_last_initiated": np.nan},
    {"margin_90d": np.nan, "margin_365d": np.nan},
    {"tenure_days": np.nan},
])  # fmt: skip
def test_where_nothing_is_known_of_anybody_it_is_missing(nothing: dict[str, float]) -> None:
    assert np.isnan(predicted_value(shop(50).assign(**nothing))).all()


def test_whom_little_is_known_of_brings_what_a_purchase_brings_on_average() -> None:
    rows = shop()
    rows.loc[0, ["margin_90d", "margin_365d"]] = np.nan
    rows.loc[1, ["active_days_90d", "active_days_365d", "days_since_last_initiated"]] = [0, 0, np.nan]
    rows.loc[2, "tenure_days"] = np.nan
    rest = rows.iloc[2:]
    mean = rest["margin_365d"].sum() / rest["active_days_365d"].sum()
    value, days = predicted_value(rows), expected_days(window_histories(rows.drop(index=2)))
    assert value[:2] == pytest.approx(days[:2] * mean, abs=0.01)
    assert np.isnan(value).tolist() == [False, False, True] + [False] * (len(rows) - 3)


def test_negative_margins_grow_with_what_is_expected() -> None:
    rows = shop()
    gain, loss = predicted_value(rows), predicted_value(rows.assign(
        margin_90d=-rows["margin_90d"], margin_365d=-rows["margin_365d"]))  # fmt: skip
    assert loss == pytest.approx(-gain, abs=0.01)
    assert (loss < 0).mean() > 0.5


def test_time_begins_with_the_data_where_they_are_younger_than_a_year() -> None:
    rows = pd.DataFrame({"tenure_days": [900, 900, 30], "history_days": [120, 80, 30],
                         "active_days_365d": [4, 2, 0], "days_since_last_initiated": [1, 80, np.nan]})  # fmt: skip
    found = window_histories(rows)
    assert found["T"].tolist() == [120.0, 120.0, 30.0]
    assert found["recency"].tolist() == [119.5, 40.5, 0.0]


def test_the_dictionary_names_it_and_the_leak_audit_covers_what_it_is_made_of() -> None:
    assert set(DERIVED) == {NAME}
    assert set(MADE_OF) <= set(DICTIONARY)


def test_segments_see_it_and_the_value_model_does_not(workspace: Path) -> None:
    rows = shop(60)
    catalog.save("customer_features", rows.drop(columns="true"))
    catalog.save("items", pd.DataFrame({
        "customer_id": rows["customer_id"], "as_of": DAY, "item": "category:food", "uses": 1}))  # fmt: skip
    catalog.save("customers", pd.DataFrame({"customer_id": rows["customer_id"], "gender": "f"}))
    expected = with_predicted_value(rows.sort_values("customer_id", ignore_index=True))[NAME]
    found = segment_inputs([date(2026, 1, 1)])
    assert found[NAME].tolist() == expected.tolist()
    assert segment_inputs()[NAME].tolist() == expected.tolist()
    plain = segment_inputs(predicted=False)
    pd.testing.assert_frame_equal(plain, found.drop(columns=NAME))
