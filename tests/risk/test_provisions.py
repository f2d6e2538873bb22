"""IFRS 9: stages, lifetime losses, scenarios."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import ParamsError
from afraz.risk.provisions import Provisioning, lifetime_loss, provisions, stages

from .books import frames


def loan(**given: object) -> pd.DataFrame:
    return pd.DataFrame([{
        "balance": 1000.0, "default_probability": 0.04, "application_probability": 0.03, "loss_given_default": 0.5,
        "days_past_due": 0.0, "remaining_months": 24.0, "in_default": False, **given,
    }])  # fmt: skip


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ({}, 1), ({"days_past_due": 29}, 1), ({"days_past_due": 30}, 2), ({"default_probability": 0.09}, 2),
        ({"default_probability": 0.089}, 1), ({"default_probability": 0.015, "application_probability": 0.001}, 1),
        ({"in_default": True, "days_past_due": 0}, 3),
    ],
)  # fmt: skip
def test_stages_at_their_edges(change: dict[str, object], stage: int) -> None:
    assert stages(loan(**change), Provisioning()).tolist() == [stage]


def test_each_stage_counts_its_own_loss() -> None:
    book = pd.concat([loan(), loan(days_past_due=40), loan(in_default=True)], ignore_index=True)
    found = provisions(book, Provisioning()).set_index("stage")["ecl"]
    assert found[1] == pytest.approx(1000 * 0.04 * 0.5)
    assert found[2] == pytest.approx(1000 * 0.5 * (0.04 + 0.96 * 0.04 / 2))
    assert found[3] == pytest.approx(500)


def test_a_lifetime_never_costs_less_than_a_year_of_it() -> None:
    p, s, owed = np.full(4, 0.1), np.full(4, 0.5), np.full(4, 1000.0)
    found = lifetime_loss(p, s, owed, np.array([12.0, 24.0, 36.0, 60.0]), 0.0)
    assert found[0] == pytest.approx(50)
    assert (np.diff(found) > 0).all()
    discounted = lifetime_loss(p, s, owed, np.array([12.0, 24.0, 36.0, 60.0]), 0.2)
    assert (discounted < found).all()


def test_weights_make_a_mean_of_scenarios_and_no_probability_passes_one() -> None:
    told = {"base": {"weight": 0.5}, "worse": {"weight": 0.5, "probability": 100.0, "severity": 10.0}}
    found = provisions(loan(), Provisioning(scenarios=told)).set_index("stage").loc[1]
    assert found["ecl_worse"] == pytest.approx(1000)
    assert found["ecl"] == pytest.approx((20 + 1000) / 2)


def test_exposures_of_the_stages_are_the_book() -> None:
    book = frames()["credit_book"]
    found = provisions(book, Provisioning())
    assert found["exposure"].sum() == pytest.approx(book["balance"].sum())
    assert found["loans"].sum() == len(book)


def test_a_stage_without_loans_is_there_with_nothing() -> None:
    found = provisions(loan(), Provisioning())
    assert found["stage"].tolist() == [1, 2, 3]
    assert found["coverage"].tolist() == [0.02, 0, 0]


def test_weights_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ParamsError, match="weights must add up to 1"):
        Provisioning(scenarios={"base": {"weight": 0.7}, "worse": {"weight": 0.2}})
