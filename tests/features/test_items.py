"""Items: what customers use, hold and want, as known at a date."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from afraz.features.audit import leak_audit
from afraz.features.items import build_items, spread_items

AS_OF = date(2024, 6, 1)


@pytest.fixture
def shop(bank, make_on):
    rows = [
        *make_on("a", "2024-05-01", "2024-05-02", category="food"),
        *make_on("a", "2024-05-03", category="travel"),
        *make_on("a", "2024-06-03", category="travel"),
        *make_on("a", "2020-05-03", category="books"),
        *make_on("b", "2024-05-01"),
    ]
    accounts = [
        {"account_id": "1", "customer_id": "a", "product": "loan", "opened_at": "2024-01-01"},
        {"account_id": "2", "customer_id": "a", "product": "loan", "opened_at": "2024-01-01"},
        {"account_id": "3", "customer_id": "a", "product": "savings", "opened_at": "2024-01-01",
         "closed_at": "2024-02-01"},
        {"account_id": "4", "customer_id": "b", "product": "insurance", "opened_at": "2024-06-05"},
    ]  # fmt: skip
    surveys = [
        {"survey_id": "1", "customer_id": "a", "answered_at": "2024-01-01", "wants": "return; security"},
        {"survey_id": "2", "customer_id": "a", "answered_at": "2024-03-01", "wants": "return"},
        {"survey_id": "3", "customer_id": "b", "answered_at": "2024-07-01", "wants": "return"},
    ]
    return bank(rows, accounts=accounts, surveys=surveys)


def test_items_count_what_was_known_by_the_date(shop):
    found = build_items(shop, [AS_OF]).to_pandas()
    found = found[found["customer_id"] == "a"]
    assert dict(zip(found["item"], found["uses"], strict=True)) == {
        "category:food": 2, "category:travel": 1, "product:loan": 2, "want:return": 2, "want:security": 1,
        "kind:purchase": 3, "channel:pos": 3, "daypart:midday": 3,
    }  # fmt: skip


def test_a_longer_window_sees_older_purchases(shop):
    found = build_items(shop, [AS_OF], window_days=3000).to_pandas()
    assert "category:books" in set(found["item"])


def test_the_part_of_the_day_is_counted_where_the_hour_is_known(bank, make_on):
    moments = {"2024-05-01 00:00:01": "early", "2024-05-02 08:59": "early", "2024-05-03 09:00": "morning",
               "2024-05-04 13:00": "midday", "2024-05-05 16:59": "afternoon", "2024-05-06 19:00": "evening",
               "2024-05-07 20:00": "late", "2024-05-08 23:59": "late", "2024-05-09 00:00": None}  # fmt: skip
    tables = bank([row for at in moments for row in make_on("a", at[:10], booked_at=at)])
    found = build_items(tables, [AS_OF]).to_pandas().set_index("item")["uses"]
    expected = pd.Series(moments).dropna().value_counts()
    assert found[found.index.str.startswith("daypart:")].to_dict() == {f"daypart:{k}": n for k, n in expected.items()}


def test_a_source_without_items_gives_an_empty_table(bank, make_on):
    tables = bank(make_on("a", "2024-01-01", booked_at="2024-01-01 00:00"))
    tables["transactions"] = tables["transactions"].drop("category", "kind", "channel")
    assert build_items(tables, [AS_OF]).to_pandas().empty


def test_items_know_nothing_of_the_future(shop):
    later = date(2024, 4, 1)
    assert leak_audit(shop, [later, AS_OF], build_items, sample=2).passed


def test_silence_is_missing_and_absence_is_zero(shop):
    items = build_items(shop, [AS_OF]).to_pandas()
    rows = pd.DataFrame({"customer_id": ["b", "a"], "as_of": [AS_OF, AS_OF]}, index=[5, 3])
    wide = spread_items(items, rows)
    assert wide.index.tolist() == [5, 3]
    assert wide.loc[5, "category:food"] == 0
    assert np.isnan(wide.loc[5, "want:return"])
    assert wide.loc[3, "want:return"] == 2
