import numpy as np
import pytest

from afraz.models.explain import Explanation
from afraz.models.importance import dependence, global_summary, ranking_stability


def told_of(values: np.ndarray) -> Explanation:
    names = tuple(f"f{j}" for j in range(values.shape[1]))
    return Explanation(names, values.astype(np.float32), 0.0, values.sum(axis=1), "linear", 0.0, 0.0)


def test_the_summary_ranks_by_size_whatever_the_sign() -> None:
    table = global_summary(told_of(np.array([[0.1, -3.0, 1.0], [0.1, 3.0, 1.0]])))
    assert table["feature"].tolist() == ["f1", "f2", "f0"]
    assert table["share"].sum() == pytest.approx(1.0)


def test_dependence_follows_the_value_and_keeps_missing_values_apart() -> None:
    x = np.linspace(-1, 1, 1000)
    x[:50] = np.nan
    values = np.where(np.isnan(x), 0.7, 2 * x)[:, None]
    table = dependence(told_of(values), x[:, None], top=1, bins=10)
    present = table[table["bin"] >= 0]
    assert np.allclose(present["shap_mean"], 2 * present["value_mean"], atol=1e-5)
    missing = table[table["bin"] == -1].iloc[0]
    assert (missing["rows"], round(missing["shap_mean"], 6)) == (50, 0.7)
    assert table["rows"].sum() == 1000


def test_codes_of_a_text_are_drawn_on_no_axis() -> None:
    x = np.linspace(-1, 1, 100)[:, None] * [3, 2, 1]
    assert dependence(told_of(x), x, texts={"f0"}, top=2)["feature"].unique().tolist() == ["f1", "f2"]
    assert dependence(told_of(x), x, texts={"f0", "f1", "f2"}).empty


def test_dependence_of_a_flag_has_one_bin_per_value() -> None:
    x = np.tile([0.0, 1.0], 50)
    table = dependence(told_of(x[:, None]), x[:, None], top=1)
    assert table["value_mean"].tolist() == [0.0, 1.0]


def test_clear_rankings_are_stable_and_ties_are_not() -> None:
    rng = np.random.default_rng(0)
    clear = told_of(rng.normal(size=(500, 6)) * [32, 16, 8, 4, 2, 1])
    noise = told_of(rng.normal(size=(500, 6)))
    sure, table = ranking_stability(clear, resamples=40, top=3)
    unsure, _ = ranking_stability(noise, resamples=40, top=3)
    assert sure["kendall"] > 0.99
    assert sure["jaccard"] == 1.0
    assert unsure["kendall"] < 0.9
    assert (table["rank_low"] == table["rank_high"]).all()


def test_rows_of_a_customer_are_resampled_together() -> None:
    values = np.abs(np.random.default_rng(1).normal(size=(40, 5))).repeat(50, axis=0)
    together, _ = ranking_stability(told_of(values), groups=np.arange(40).repeat(50), resamples=60)
    apart, _ = ranking_stability(told_of(values), resamples=60)
    assert together["kendall"] < apart["kendall"]
