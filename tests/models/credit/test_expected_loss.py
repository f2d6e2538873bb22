"""Expected loss: products by hand, and books whose interval says what it covers."""

import json

import numpy as np
import pytest

from afraz.errors import DataError, ParamsError
from afraz.models.credit import expected_loss as el


def test_the_loss_is_the_product_of_the_three() -> None:
    assert el.expected_loss([0.01, 0.1], [0.5, 0.0], [1000, 1000]).tolist() == [5.0, 0.0]


@pytest.mark.parametrize(
    ("p", "lgd", "owed", "message"),
    [
        ([1.2, 0.1], [0.5, 0.5], [1, 1], "default_probability: expected shares from 0 to 1, 1 of 2"),
        ([0.1, 0.1], [np.nan, -0.1], [1, 1], "loss_given_default: expected shares from 0 to 1, 2 of 2"),
        ([0.1, 0.1], [0.5, 0.5], [np.inf, 1], "exposure: expected finite amounts from 0 on, 1 of 2"),
    ],
)
def test_values_out_of_range_are_counted(p: list[float], lgd: list[float], owed: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        el.expected_loss(p, lgd, owed)


def test_a_book_adds_up_and_its_interval_says_what_it_covers() -> None:
    rng = np.random.default_rng(0)
    p, owed = rng.beta(1, 15, 800), rng.gamma(2, 500, 800)
    who = rng.integers(0, 600, 800)
    plain = el.portfolio_loss(p, np.full(800, 0.4), owed, who, n=200)
    assert plain["expected_loss"] == pytest.approx((p * 0.4 * owed).sum())
    assert plain["rate"] == pytest.approx(plain["expected_loss"] / owed.sum())
    assert plain["low"] < plain["expected_loss"] < plain["high"]
    assert plain["customers"] == len(np.unique(who))
    factors = rng.lognormal(0, 0.2, 200)
    both = el.portfolio_loss(p, np.full(800, 0.4), owed, who, n=200, level_draws=factors, lgd_draws=factors[::-1])
    assert both["expected_loss"] == plain["expected_loss"]
    assert both["high"] - both["low"] > 2 * (plain["high"] - plain["low"])
    assert plain["covers"].startswith("which customers are in the book; not: the level of default")
    assert both["covers"] == (
        "which customers are in the book, the level of default, the level of losses; not: the luck of the coming year"
    )
    json.dumps(both, allow_nan=False)


def test_loans_of_one_customer_are_drawn_together_and_cohorts_whole() -> None:
    rng = np.random.default_rng(0)
    p, who = np.repeat(rng.beta(1, 15, 100), 8), np.repeat(np.arange(100), 8)
    lgd = np.full(800, 0.5)
    width = {}
    for name, group, cohort in (("loans", np.arange(800), None), ("customers", who, None), ("cohorts", who, who // 10)):
        found = el.portfolio_loss(p, lgd, np.ones(800), group, cohort, n=400)
        width[name] = found["high"] - found["low"]
    assert width["customers"] > 2 * width["loans"]
    assert "which cohorts are in the book" in found["covers"]


def test_a_level_cannot_push_a_probability_above_one() -> None:
    sure = el.portfolio_loss([0.9], [1.0], [100.0], ["a"], n=30, level_draws=np.full(30, 5.0), lgd_draws=np.full(30, 3))
    assert sure["high"] == pytest.approx(100)


def test_draws_must_be_as_many_as_resamples_and_a_book_must_owe_something() -> None:
    with pytest.raises(ParamsError, match=r"level_draws: expected 20 draws, as many as n, got shape \(3,\)"):
        el.portfolio_loss([0.1], [0.5], [1.0], ["a"], n=20, level_draws=[1.0, 1.0, 1.0])
    with pytest.raises(DataError, match="got 1 loans that owe nothing"):
        el.portfolio_loss([0.1], [0.5], [0.0], ["a"])
