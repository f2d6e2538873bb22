"""Tests of overdrafts."""

import numpy as np
import pandas as pd

from afraz.data.schemas import KINDS
from afraz.data.simulator.economy import stream
from afraz.data.simulator.liquidity import draw_strain, overdrafts, overdrawn_probability


def test_strained_customers_are_overdrawn_more_often_and_nobody_twice_a_month(lives):
    strain = draw_strain(stream(5, 0, "strain"), lives.people)
    rows = overdrafts(stream(5, 0, "od"), strain, lives.people, lives.panel, lives.economy, slice(0, 1_500))
    frame = pd.DataFrame({"customer": rows.customer, "day": rows.day, "amount": rows.amount})
    assert not frame.duplicated(["customer", "day"]).any()
    assert (frame["amount"] < 0).all()
    assert set(rows.kind) == {KINDS.index("interest")}
    assert (rows.margin == 0).all()
    counts = np.bincount(rows.customer, minlength=len(strain))
    high, low = strain > 1, strain < -1
    assert counts[high].mean() > 5 * counts[low].mean()


def test_about_a_fifth_of_all_months_are_overdrawn():
    strain = np.random.default_rng(0).normal(size=200_000)
    assert 0.19 <= overdrawn_probability(strain).mean() <= 0.26
