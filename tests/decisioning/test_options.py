"""Options are worth what they add, less what they drive away and lend badly."""

import pandas as pd
import pytest

from afraz.decisioning.options import weigh
from afraz.errors import ParamsError


@pytest.fixture
def scores() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["C1", "C1", "C2"], "offer": ["card", "loan", "loan"], "channel": "call",
        "response_uplift": [0.05, 0.04, -0.01], "closing_uplift": [0.01, 0.0, -0.02],
        "incremental_margin": [3.0, 2.0, 1.0],
    })  # fmt: skip


def test_an_offer_that_drives_away_costs_the_margin_at_stake_and_one_that_keeps_earns_it(scores: pd.DataFrame) -> None:
    value = pd.DataFrame({"customer_id": ["C1", "C2"], "expected_margin_12m": [200.0, 50.0]})
    found = weigh(scores, value=value)
    assert found["value_retained"].tolist() == pytest.approx([-2.0, 0.0, 1.0])
    assert found["net_value"].tolist() == pytest.approx([1.0, 2.0, 2.0])


def test_customers_who_cost_more_than_they_bring_have_nothing_at_stake(scores: pd.DataFrame) -> None:
    value = pd.DataFrame({"customer_id": ["C1", "C2"], "expected_margin_12m": [-80.0, 50.0]})
    assert weigh(scores, value=value)["value_at_stake"].tolist() == [0.0, 0.0, 50.0]


def test_only_the_offer_that_lends_bears_expected_loss_at_the_customers_worst_probability(scores: pd.DataFrame) -> None:
    likely = pd.DataFrame({"customer_id": ["C1", "C1", "C2"], "default_probability": [0.02, 0.10, 0.5]})
    credit = {"loan": {"exposure": 1000.0, "loss_given_default": 0.5}}
    found = weigh(scores, probabilities=likely, credit=credit)
    assert found["expected_loss"].tolist() == pytest.approx([0.0, 0.04 * 0.10 * 500, 0.0])  # no uplift, no new loan


def test_without_value_and_leaving_the_incremental_margin_is_all(scores: pd.DataFrame) -> None:
    found = weigh(scores.drop(columns="closing_uplift"))
    assert found["net_value"].tolist() == [3.0, 2.0, 1.0]
    assert list(scores) == list(scores.columns), "the scores are not changed"


def test_an_unknown_probability_is_no_expected_loss_of_nothing(scores: pd.DataFrame) -> None:
    credit = {"loan": {"exposure": 1000.0, "loss_given_default": 0.5}}
    bold = scores.assign(response_uplift=0.04)
    likely = pd.DataFrame({"customer_id": ["C1", "C9"], "default_probability": [0.02, 0.10]})
    found = weigh(bold, probabilities=likely, credit=credit)["expected_loss"]
    assert found.tolist() == pytest.approx([0.0, 0.04 * 0.02 * 500, 0.04 * 0.10 * 500])  # C2: the highest known
    assert weigh(bold, credit=credit)["expected_loss"].tolist() == pytest.approx([0.0, 20.0, 20.0])  # nobody's is known


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"exposure": 1.0}, "credit term loss_given_default: field required"),
        ({"exposure": 1.0, "loss_given_default": 1.2}, "credit term loss_given_default: input should be less than"),
        ({"exposure": 1.0, "loss_given_defualt": 0.4, "loss_given_default": 0.4}, "unknown .* mean loss_given_default"),
    ],
)
def test_terms_of_credit_are_complete_and_in_range(scores: pd.DataFrame, terms: dict[str, float], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        weigh(scores, credit={"loan": terms})
