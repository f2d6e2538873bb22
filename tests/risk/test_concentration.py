"""Herfindahl index and granularity adjustment."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afraz.risk.concentration import concentration, delta, granularity_adjustment, herfindahl
from afraz.risk.losses import Dependence, loss_draws
from afraz.risk.vasicek import loss_quantile

from .books import rows


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50))
def test_the_index_lies_between_even_and_single(amounts: list[float]) -> None:
    found = herfindahl(pd.Series(amounts))
    assert 1 / len(amounts) - 1e-9 <= found <= 1 + 1e-9


def test_the_cut_that_is_uneven_is_told_from_the_even_one() -> None:
    found = concentration({"even": pd.Series(dict.fromkeys("abcd", 10.0)), "uneven": pd.Series({"a": 97.0, "b": 3.0})})
    assert found["effective_number"].tolist() == pytest.approx([4.0, 1 / (0.97**2 + 0.03**2)])
    assert found["largest"].tolist() == ["a", "a"]


def test_the_constant_is_the_published_one() -> None:
    assert delta(0.999, 0.25) == pytest.approx(4.83, abs=0.005)


def test_the_adjustment_is_near_what_drawing_every_loan_shows() -> None:
    n, p, rho = 250, 0.02, 0.15
    drawn = loss_draws(rows(n=n, probability=p, severity=0.45, exposure=1 / n), Dependence(rho, 1.0, 0.25), 200_000,
                       np.random.default_rng(7))  # fmt: skip
    added = np.quantile(drawn, 0.999) - 0.45 * float(loss_quantile(p, rho, 0.999))
    exposure, each = pd.Series(np.full(n, 1 / n)), pd.Series(np.full(n, 1.0))
    found = granularity_adjustment(exposure, p * each, 0.45 * each, rho)["adjustment"].iloc[0]
    # a formula of another model (CreditRisk+) for the same thing: the size is right, not the third digit
    assert 0.5 < found / added < 2
