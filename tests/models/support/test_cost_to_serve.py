"""What contacts cost."""

import numpy as np
import pandas as pd
import pytest

from afraz.models.support.cost_to_serve import Cost, contact_cost, cost_distribution, cost_of_customers

COSTS = {"phone": Cost(contact=1.0, minute=0.6), "other": Cost(contact=2.0)}


def test_costs_add_up_over_customers() -> None:
    rng = np.random.default_rng(1)
    year = pd.DataFrame({"customer_id": [f"c{i}" for i in rng.integers(0, 30, 200)],
                         "channel": rng.choice(["phone", "letter", None], 200), "duration_seconds": 120.0})  # fmt: skip
    year["cost"] = contact_cost(year, COSTS)
    assert set(year["cost"].round(6)) == {2.2, 2.0 + 0.0}
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "pattern": ["a", "b"] * 20})
    found = cost_of_customers(customers, year, np.full(40, 3.0))
    assert found["cost_last_year"].sum() == pytest.approx(year["cost"].sum())
    assert found["cost_last_year"].tolist()[30:] == [0.0] * 10
    assert found["cost_of_contact"].between(2.0, 2.2).all(), "also of those who had no contact"
    assert found["expected_cost"].to_numpy() == pytest.approx(3 * found["cost_of_contact"].to_numpy())


def test_few_contacts_of_ones_own_weigh_little_against_the_pattern() -> None:
    year = pd.DataFrame({"customer_id": ["a"] + ["b"] * 99, "cost": [100.0] + [1.0] * 99})
    found = cost_of_customers(pd.DataFrame({"customer_id": ["a", "b"], "pattern": "p"}), year, np.ones(2))
    usual = 199 / 100
    assert found["cost_of_contact"].tolist()[0] == pytest.approx((100 + 4 * usual) / 5)
    assert found["cost_of_contact"].tolist()[1] == pytest.approx(1.0, abs=0.05)


def test_an_abandoned_call_costs_no_minute() -> None:
    rows = pd.DataFrame({"channel": ["phone"], "duration_seconds": [np.nan]})
    assert contact_cost(rows, COSTS).tolist() == [1.0]


def test_patterns_share_the_whole_cost() -> None:
    customers = pd.DataFrame({"pattern": ["a"] * 10 + ["b"] * 10, "cost_last_year": [0.0] * 10 + list(range(10)),
                              "expected_cost": 1.0})  # fmt: skip
    found = cost_distribution(customers).set_index("pattern")
    assert found.loc[["a", "b"], "share"].sum() == 1
    assert found.loc["all", "total"] == 45
    assert found.loc["all", "share_of_top_tenth"] == pytest.approx(17 / 45)
    assert np.isnan(found.loc["a", "share_of_top_tenth"]), "nothing has no tenth"
