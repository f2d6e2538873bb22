import numpy as np
import pandas as pd
import pytest

from afraz.models.promotion.worth import expected_worth, net_worth

COSTS = {"response_value": 50.0, "offer_cost": 10.0, "contact_cost": 0.5}


def test_each_part_counts_once_and_with_its_sign() -> None:
    base = net_worth(0.1, 0.2, 0.03, 200.0, **COSTS)
    assert base == pytest.approx(0.1 * 50 - 10 * 0.2 - 0.5 - 0.03 * 200)
    assert net_worth(0.2, 0.2, 0.03, 200.0, **COSTS) - base == pytest.approx(5)
    assert net_worth(0.1, 0.3, 0.03, 200.0, **COSTS) - base == pytest.approx(-1)
    assert net_worth(0.1, 0.2, 0.04, 200.0, **COSTS) - base == pytest.approx(-2)
    assert net_worth(0.1, 0.2, 0.03, 200.0, **(COSTS | {"contact_cost": 1.5})) - base == pytest.approx(-1)


def test_costs_may_differ_from_customer_to_customer() -> None:
    found = net_worth([0.1, 0.1], [0.2, 0.2], 0.0, 0.0, response_value=50.0, offer_cost=[10, 20], contact_cost=[0, 1])
    assert found.tolist() == pytest.approx([3.0, 0.0])


def test_a_truly_negative_margin_is_a_gain_when_it_leaves_but_nobody_is_chosen_for_it() -> None:
    outputs = pd.DataFrame({"response_uplift": [0.1], "response_offer": [0.2], "closing_uplift": [0.1]})
    assert net_worth(0.1, 0.2, 0.1, -100.0, **COSTS) == pytest.approx(12.5)
    assert expected_worth(outputs, pd.Series([-100.0]), **COSTS).tolist() == pytest.approx([2.5])


def test_of_two_alike_the_one_who_would_leave_with_more_is_worth_less_to_contact() -> None:
    outputs = pd.DataFrame({"response_uplift": 0.1, "response_offer": 0.2, "closing_uplift": [0.02, 0.02, 0.02]})
    poor, rich, unknown = expected_worth(outputs, pd.Series([50, 500, None], dtype="Float64"), **COSTS)
    assert rich < poor < unknown
    without = expected_worth(outputs.drop(columns="closing_uplift"), pd.Series([50.0, 500.0, np.nan]), **COSTS)
    assert without.tolist() == pytest.approx([unknown] * 3)
