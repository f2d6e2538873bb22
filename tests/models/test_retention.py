"""Lead time, revenue at stake, phases."""

import numpy as np
import pandas as pd
import pytest

from afraz.models import retention


def test_the_list_is_taken_within_each_date() -> None:
    score = np.concatenate([np.linspace(0, 0.1, 10), np.linspace(0.5, 0.9, 10)])
    month = pd.Series([np.nan] * 9 + [1.0] + [np.nan] * 9 + [3.0])
    dates = pd.Series(pd.to_datetime(["2026-01-01"] * 10 + ["2026-02-01"] * 10))
    table = retention.lead_time(score, month, dates)
    assert table["caught"].tolist() == [1, 0, 1]
    assert retention.lead_time(score, month)["caught"].tolist() == [0, 0, 1], (
        "without dates the early one is crowded out"
    )


def test_months_are_disjoint_and_each_is_held_against_those_who_stay() -> None:
    score = np.array([0.9, 0.8, 0.1, 0.5, 0.4, 0.3])
    month = pd.Series([1.0, 2.0, 3.0, np.nan, np.nan, np.nan])
    table = retention.lead_time(score, month, top=0.34)
    assert table["leavers"].tolist() == [1, 1, 1]
    assert table["caught"].tolist() == [1, 1, 0]
    assert table["roc_auc"].tolist() == [1.0, 1.0, 0.0]
    assert table["lift"].iloc[0] == pytest.approx(1 / 0.34)


def test_revenue_at_stake_adds_up_by_decile() -> None:
    rng = np.random.default_rng(0)
    p, revenue = rng.random(1000), pd.Series(rng.random(1000) * 100)
    label = (rng.random(1000) < p).astype(float)
    table = retention.revenue_at_stake(p, revenue, label)
    assert table["decile"].tolist() == list(range(1, 11))
    assert table["customers"].tolist() == [100] * 10
    assert table["at_stake"].sum() == pytest.approx((p * revenue).sum())
    assert table["lost"].sum() == pytest.approx((label * revenue).sum())
    assert table["at_stake_share"].iloc[-1] == pytest.approx(1)


def test_unknown_revenue_counts_as_none() -> None:
    table = retention.revenue_at_stake(np.array([0.5]), pd.Series([np.nan]), np.array([1.0]))
    assert table["at_stake"].sum() == 0


def test_phases_show_expected_beside_observed() -> None:
    probabilities = pd.DataFrame({"leave_90": [0.1, 0.3, 0.5]})
    table = retention.phases(pd.Series(["new", "new", None]), probabilities, probabilities.round())
    assert table["phase"].tolist() == ["new", "unknown"]
    assert table["customers"].tolist() == [2, 1]
    assert table["leave_90_expected"].tolist() == pytest.approx([0.2, 0.5])


def test_gains_of_a_perfect_ranking_rise_at_once() -> None:
    table = retention.cumulative_gains(np.array([0.0, 1.0] * 50), np.array([0.0, 1.0] * 50))
    assert table.loc[50, "caught"] == 1
    assert table["caught"].iloc[[0, -1]].tolist() == [0, 1]
