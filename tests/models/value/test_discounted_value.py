"""Discounted value: without a rate it is turnover times margin; with one it is that of purchases spread in time."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.value.bg_nbd import BgNbd
from afraz.models.value.discounted_value import discounted_value
from afraz.models.value.pareto_nbd import ParetoNbd
from afraz.models.value.tracking import PurchaseModel

from .cdnow import TEN

MODELS = [BgNbd(0.2426, 4.4136, 0.7929, 2.4259), ParetoNbd(0.553, 10.578, 0.606, 11.669)]


@pytest.mark.parametrize("model", MODELS)
def test_without_a_rate_it_is_purchases_times_value_times_margin(model: PurchaseModel) -> None:
    value = np.linspace(10, 100, len(TEN))
    found = discounted_value(model, TEN, value, horizon=50, annual_rate=0.0, margin=0.25)
    assert found == pytest.approx(0.25 * value * model.expected_purchases(TEN, 50.0), rel=1e-12)


def test_a_rate_discounts_by_when_purchases_are_expected() -> None:
    # the purchases of a short horizon a year on would be worth 1/1.1; two years of them, less evenly spread, about that
    model = MODELS[1]
    plain = discounted_value(model, TEN, 10.0, horizon=104.36, annual_rate=0.0)
    found = discounted_value(model, TEN, 10.0, horizon=104.36, annual_rate=0.10)
    assert ((found > plain / 1.10) & (found < plain / 1.10**0.5)).all(), "most is expected in the first year"
    fine = discounted_value(model, TEN, 10.0, horizon=104.36, annual_rate=0.10, step=0.25)
    assert found == pytest.approx(fine, rel=1e-4)


def test_a_step_that_does_not_divide_the_horizon_ends_with_it() -> None:
    found = [
        discounted_value(MODELS[0], TEN, 1.0, horizon=10, annual_rate=0.1, step=s).sum() for s in (3.0, 10.0, 99.0)
    ]
    assert found[1] == found[2]
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"horizon": 0.0}, {"annual_rate": -1.0}, {"step": -1.0}):
        with pytest.raises(ParamsError, match="expected horizon, step and units_a_year above 0"):
            discounted_value(MODELS[0], TEN, 1.0, **{"horizon": 10.0, "annual_rate": 0.1, **wrong})
    value = pd.Series([np.nan, np.inf] + [1.0] * 8)
    with pytest.raises(DataError, match="value: 2 of 10 are missing"):
        discounted_value(MODELS[0], TEN, value, horizon=10, annual_rate=0.1)
