"""Forecasts rank and cover on a simulated panel whose truth is known; questions that cannot be answered say so."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.contract import contract_findings
from afraz.models.value.cohorts import margin_cohorts
from afraz.models.value.customer_value import ValueSettings, fit_value
from afraz.models.value.margin_curve import constant_width, coverage, fit_curve
from afraz.models.value.next_purchase import fit_habit, fit_timing

LABELS = ["observed_days", "next_purchase_days", "next_amount", "next_category", "opened_loan", "opened_current"]


def panel(n: int = 900, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    level, loss = rng.normal(3, 1, n), rng.random(n) < 0.3
    rate, taste = np.exp(rng.normal(-2.5, 0.6, n)), rng.dirichlet([1, 1, 1], n)
    parts = []
    for date in pd.to_datetime(["2023-07-01", "2024-07-01", "2025-07-01"]):
        year = np.exp(level + rng.normal(0, 0.4, n)) * np.where(loss, -0.5, 1.0)
        wait = rng.exponential(1 / rate)
        counts = np.array([rng.multinomial(30, p) for p in taste]).astype(float)
        bought = np.array([rng.choice(3, p=p) for p in taste])
        parts.append(pd.DataFrame({
            "customer_id": np.arange(n), "as_of": date, "margin_365d": year * np.exp(rng.normal(0, 0.3, n)),
            "town": np.where(loss, "a", "b"), "active_days_365d": rate * 365 * np.exp(rng.normal(0, 0.3, n)),
            "mean_purchase_365d": np.exp(level / 2), "contacts_365d": rng.poisson(1.0, n).astype(float),
            **{f"category:{c}": counts[:, j] for j, c in enumerate("xyz")},
            "margin_6m": np.exp(level - 0.7 + rng.normal(0, 0.5, n)) * np.where(loss, -0.5, 1.0),
            "margin_12m": np.exp(level + rng.normal(0, 0.5, n)) * np.where(loss, -0.5, 1.0),
            "observed_days": 300.0, "next_purchase_days": np.where(wait < 300, np.floor(wait), np.nan),
            "next_amount": np.exp(level / 2 + rng.normal(0, 0.3, n)), "next_category": np.array(list("xyz"))[bought],
            "opened_loan": (rng.random(n) < 0.02 + 0.2 * (level > 3.5)).astype(float), "opened_current": np.nan,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def result():
    return fit_value(panel(), ValueSettings(labels=LABELS, bootstrap=20, folds=3, max_rounds=150), quarters=np.ones(8))


def test_forecasts_rank_and_their_intervals_cover(result):
    for measures in result.metrics["test"].values():
        assert measures["rank_correlation"]["value"] > 0.75
        assert abs(measures["total_error"]["value"]) < 0.15
        assert 0.85 <= measures["coverage"]["overall"] <= 0.95
    assert result.metrics["test"]["margin_12m"]["learned_from"] == ["2023-07-01", "2024-07-01"]


def test_negative_margins_are_forecast_as_negative(result):
    said = result.predictions
    losers = said["realised"] < -5
    assert (said.loc[losers, "expected_margin_12m"] < 0).mean() > 0.8


def test_questions_of_the_next_purchase_are_answered_beside_their_rivals(result):
    found = result.metrics["next_purchase"]
    assert found["buys_30"]["roc_auc"]["value"] > 0.6
    assert 0.8 < found["when"]["coverage"] < 0.97
    assert found["what"]["habit"]["log_loss"] < found["what"]["popularity"]["log_loss"]
    usual = found["how_much"]["rival"]["popularity"]
    assert found["how_much"]["mean_absolute_error_of_log"] < usual["mean_absolute_error_of_log"]
    assert found["opens_loan"]["roc_auc"]["value"] > 0.6
    assert "not_applicable" in found["opens_current"]


def test_the_model_keeps_the_contract(result, tmp_path):
    result.model.save(tmp_path / "model")
    assert contract_findings(tmp_path / "model", result.sample, probe=False) == []


def test_a_single_cohort_and_too_few_customers_are_refused():
    settings = ValueSettings(labels=LABELS)
    one = panel(700)
    with pytest.raises(DataError, match="1 cohorts with a finished window"):
        fit_value(one[one["as_of"] == "2025-07-01"], settings)
    with pytest.raises(DataError, match="300 customers have a finished window"):
        fit_value(panel(300), settings)


def test_cohorts_do_not_overlap():
    rows = pd.concat([panel(10).assign(as_of=d) for d in pd.date_range("2024-01-01", "2025-07-01", freq="MS")])
    past, last = margin_cohorts(rows, "margin_6m", 181, "as_of")
    assert sorted(past["as_of"].unique()) == [pd.Timestamp("2024-07-01")]
    assert last["as_of"].unique().tolist() == [pd.Timestamp("2025-07-01")]


def test_intervals_cover_new_customers_of_every_fifth_and_are_narrower_than_a_constant():
    rng = np.random.default_rng(2)
    score = rng.normal(size=8000)
    margin = np.exp(score + rng.normal(0, 0.6, 8000))
    curve = fit_curve(score[:4000], margin[:4000])
    low, high = curve.interval(score[4000:])
    found = coverage(margin[4000:], low, high, curve.expected(score[4000:]))
    assert 0.87 <= found["overall"] <= 0.93
    assert all(0.85 <= share <= 0.95 for share in found["by_quintile"])
    assert found["mean_width"] < constant_width(score[4000:], margin[4000:], curve) * 1.2


def test_the_shape_of_waiting_times_is_recovered_with_censoring():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.1, 0.9, 4000)
    rate = -np.log1p(-p)
    wait = 30 * (rng.exponential(1, 4000) / rate) ** (1 / 0.7)
    seen = np.where(wait < 90, np.floor(wait), np.nan)
    assert fit_timing(p, seen, np.full(4000, 90.0), 30.0).shape == pytest.approx(0.7, abs=0.04)
    with pytest.raises(DataError, match="50 are needed"):
        fit_timing(p[:40], seen[:40], np.full(40, 90.0), 30.0)


def test_habits_lean_on_popularity_where_little_is_known():
    rng = np.random.default_rng(4)
    own = rng.dirichlet([3, 3, 3], 2000)
    counts = pd.DataFrame([rng.multinomial(5, p) for p in own], columns=[f"category:{c}" for c in "xyz"]).astype(float)
    bought = pd.Series(np.array(list("xyz"))[[rng.choice(3, p=p) for p in own]])
    habit = fit_habit(counts, bought)
    assert 4 <= habit.strength <= 16  # the Dirichlet that drew the tastes has 9 imagined purchases
    assert habit.shares(counts).sum(axis=1).round(9).eq(1).all()
    with pytest.raises(DataError, match="no next purchase"):
        fit_habit(counts, pd.Series([None] * 2000, dtype=object))


def test_the_forecast_is_held_against_last_year_and_says_until_when_it_learned(result):
    beside = result.metrics["baseline"]
    assert (beside["what"], beside["measure"]) == ("margin_365d alone, high values first", "rank_correlation")
    found = beside["baseline"]["value"] + beside["lead"]["value"]
    assert found == pytest.approx(result.metrics["test"]["margin_12m"]["rank_correlation"]["value"], abs=1e-3)
    assert result.metrics["drift"]["psi_score"] < 0.25
    assert "margin_365d" in set(result.tables["csi"]["feature"])
    assert (
        result.model.spec["learned_until"] == "2026-07-01"
    )  # the year of the last cohort; no question reaches further
