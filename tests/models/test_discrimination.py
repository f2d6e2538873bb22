"""AUC with DeLong's interval, KS and the H-measure: against published numbers, brute force and simulation."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, ks_2samp

from afraz.errors import DataError, ParamsError
from afraz.models import metrics
from afraz.models.discrimination import delong, delong_difference, h_measure, h_measure_prior_adjusted, ks

Array = np.ndarray


@pytest.fixture(scope="module")
def scored() -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(1, 8, 2000), 2)  # rounded: many ties
    return (rng.random(2000) < p).astype(float), p


@st.composite
def tied_scores(draw: st.DrawFn) -> tuple[Array, Array]:
    y = draw(st.lists(st.sampled_from([0, 1]), min_size=4, max_size=40))
    s = draw(st.lists(st.integers(0, 8), min_size=len(y), max_size=len(y)))
    return np.array([0, 0, 1, 1, *y], float), np.array([0, 3, 3, 5, *s], float)


def by_brute_force(y: Array, s: Array, a: float, b: float, grid: int = 40_000) -> float:
    """Find the cheapest of all thresholds for each of many severities, and average: no hull, no beta function."""
    cuts = np.append(np.unique(s), np.inf)
    refused = np.array([((s >= t) & (y == 0)).sum() for t in cuts])
    granted = np.array([((s < t) & (y == 1)).sum() for t in cuts])
    c = (np.arange(grid) + 0.5) / grid
    weight = beta.pdf(c, a, b)
    cost = np.min([c * r + (1 - c) * g for r, g in zip(refused, granted, strict=True)], axis=0)
    worst = np.minimum(c * (y == 0).sum(), (1 - c) * (y == 1).sum())
    return float(1 - (cost * weight).sum() / (worst * weight).sum())


def test_the_radiology_ratings_of_hanley_and_mcneil_have_the_published_area_and_interval() -> None:
    # Hanley and McNeil 1982, Radiology 143:29-36, table 1; Stata's manual, roctab, gives the area .8932, its standard
    # error by DeLong's method .0307, and the interval .83295 to .95339
    normal, abnormal = np.repeat(range(1, 6), [33, 6, 6, 11, 2]), np.repeat(range(1, 6), [3, 2, 2, 11, 33])
    found = delong([0] * 58 + [1] * 51, np.concatenate([normal, abnormal]))
    assert found["value"] == pytest.approx(0.8932, abs=5e-5)
    assert found["standard_error"] == pytest.approx(0.0307, abs=5e-5)
    assert found["low"] == pytest.approx(0.83295, abs=5e-6)
    assert found["high"] == pytest.approx(0.95339, abs=5e-6)


@given(tied_scores())
def test_the_fast_algorithm_equals_the_definition_over_all_pairs(data: tuple[Array, Array]) -> None:
    y, s = data
    bad, good = s[y == 1], s[y == 0]
    pairs = (bad[:, None] > good) + 0.5 * (bad[:, None] == good)
    error = np.sqrt(pairs.mean(1).var(ddof=1) / len(bad) + pairs.mean(0).var(ddof=1) / len(good))
    found = delong(y, s)
    assert found["value"] == pytest.approx(pairs.mean())
    assert found["standard_error"] == pytest.approx(error, abs=1e-12)


def test_the_area_is_that_of_the_shared_measures(scored: tuple[Array, Array]) -> None:
    assert delong(*scored)["value"] == pytest.approx(metrics.measure(*scored, ("roc_auc",))["roc_auc"])


def test_the_interval_holds_the_true_area_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], [150, 50])
    truth = 0.7602499389065233  # normal scores one apart: Φ(1 / √2)
    hits = 0
    for _ in range(600):
        found = delong(y, rng.normal(size=200) + y)
        hits += found["low"] <= truth <= found["high"]
    assert 0.92 <= hits / 600 <= 0.975


def test_an_interval_stays_within_zero_and_one() -> None:
    found = delong([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    assert found["value"] < 1
    assert found["high"] == 1.0
    assert delong([1, 1, 1, 0, 0, 0], [1, 2, 4, 3, 5, 6])["low"] == 0.0
    assert delong([0, 0, 1, 1], [1, 2, 3, 4]) == {"value": 1.0, "low": 1.0, "high": 1.0, "standard_error": 0.0}


def test_a_real_difference_is_told_from_noise_and_noise_rarely_from_nothing() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=3000)
    y = (rng.random(3000) < 1 / (1 + np.exp(2 - truth))).astype(float)
    noisy = truth + rng.normal(size=3000)
    found = delong_difference(y, truth, noisy)
    assert found["low"] > 0
    assert found["p_value"] < 1e-6
    low = 0
    for _ in range(400):
        labels = np.repeat([0.0, 1.0], 60)
        signal = rng.normal(size=120) + labels
        a, b = (signal + rng.normal(size=120) for _ in range(2))
        low += delong_difference(labels, a, b)["p_value"] < 0.05
    assert 0.02 < low / 400 < 0.085


def test_a_paired_test_turned_round_changes_its_sign_alone(scored: tuple[Array, Array]) -> None:
    y, s = scored
    other = s + np.random.default_rng(0).normal(size=len(s)) * 0.1
    ab, ba = delong_difference(y, s, other), delong_difference(y, other, s)
    assert ab["value"] == pytest.approx(-ba["value"])
    assert ab["low"] == pytest.approx(-ba["high"])
    assert ab["p_value"] == pytest.approx(ba["p_value"])


def test_two_scores_of_one_order_do_not_differ(scored: tuple[Array, Array]) -> None:
    y, s = scored
    assert delong_difference(y, s, np.exp(s)) == {"value": 0.0, "low": 0.0, "high": 0.0, "p_value": 1.0}


@given(tied_scores())
def test_ks_is_the_two_sample_statistic_and_its_score_attains_it(data: tuple[Array, Array]) -> None:
    y, s = data
    found = ks(y, s)
    assert found["value"] == pytest.approx(ks_2samp(s[y == 1], s[y == 0], method="asymp").statistic, abs=1e-12)
    if found["value"] > 0:
        gap = (s[y == 1] >= found["score"]).mean() - (s[y == 0] >= found["score"]).mean()
        assert abs(gap) == pytest.approx(found["value"])


def test_a_score_without_spread_has_no_ks() -> None:
    found = ks([0, 1, 1], [0.3, 0.3, 0.3])
    assert found["value"] == 0
    assert np.isnan(found["score"])


def test_the_h_measure_equals_that_of_the_translated_package_of_its_authors() -> None:
    # pypkg-hmeasure.readthedocs.io, a translation of Hand and Anagnostopoulos' R package, prints this value for these
    # draws. Its default severity ratio r = π₁ / π₀, here 7 / 3, stands for Beta(2, 1 + 1 / r), whose mode is π₁
    rng = np.random.default_rng(66)
    label = rng.integers(low=0, high=2, size=10)
    assert h_measure(label, rng.random(10), severity=(2, 1 + 3 / 7)) == pytest.approx(0.18889596344769588, rel=1e-12)


def test_four_rows_save_the_half_of_the_costs_that_is_counted_by_hand() -> None:
    # The hull is (0, 0), (0, ½), (½, 1), (1, 1): at every severity half of what the better of "all" and "none" costs
    assert h_measure([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize("severity", [(2.0, 2.0), (1.1, 1.9), (2.0, 11.0)])
def test_the_h_measure_equals_brute_force_over_thresholds_and_costs(
    scored: tuple[Array, Array], severity: tuple[float, float]
) -> None:
    y, s = (part[:400] for part in scored)
    found = h_measure(y, s, severity=severity)
    assert 0.05 < found < 0.95
    assert found == pytest.approx(by_brute_force(y, s, *severity), abs=2e-6)


@given(tied_scores())
def test_ties_and_concave_stretches_cost_what_brute_force_finds(data: tuple[Array, Array]) -> None:
    y, s = data
    found = h_measure(y, s)
    assert -1e-12 <= found <= 1
    assert found == pytest.approx(by_brute_force(y, s, 2, 2, 4000), abs=1e-4)


def test_a_perfect_score_saves_all_costs_and_a_useless_one_none() -> None:
    y = np.repeat([0.0, 1.0], [17, 3])
    for measured in (h_measure, h_measure_prior_adjusted):
        assert measured(y, y) == 1.0
        assert measured(y, np.zeros(20)) == 0.0
        assert measured(y, -y) == 0.0


@given(tied_scores())
def test_measures_look_at_the_order_alone(data: tuple[Array, Array]) -> None:
    y, s = data
    stretched = np.exp(s / 3) - 7
    assert h_measure(y, stretched) == h_measure(y, s)
    assert h_measure_prior_adjusted(y, stretched) == h_measure_prior_adjusted(y, s)
    assert ks(y, stretched)["value"] == ks(y, s)["value"]
    assert delong(y, stretched) == delong(y, s)


def test_the_prior_adjusted_measure_takes_the_share_of_bads_for_the_likeliest_severity(
    scored: tuple[Array, Array],
) -> None:
    y, s = scored
    bad = y.mean()
    mode = (1 + bad - 1) / (1 + bad + 2 - bad - 2)
    assert mode == pytest.approx(bad)
    assert h_measure_prior_adjusted(y, s) == h_measure(y, s, severity=(1 + bad, 2 - bad))
    assert h_measure_prior_adjusted(y, s) == pytest.approx(by_brute_force(y, s, 1 + bad, 2 - bad), abs=1e-4)


def test_a_weight_counts_a_row_as_often_as_it_says(scored: tuple[Array, Array]) -> None:
    y, s = (part[:300] for part in scored)
    weight = np.random.default_rng(1).integers(0, 4, 300)
    repeated = np.repeat(y, weight), np.repeat(s, weight)
    assert ks(y, s, weight) == pytest.approx(ks(*repeated))
    assert h_measure(y, s, weight=weight) == pytest.approx(h_measure(*repeated))
    assert h_measure_prior_adjusted(y, s, weight) == pytest.approx(h_measure_prior_adjusted(*repeated))


def test_what_cannot_be_measured_is_refused_with_a_reason() -> None:
    with pytest.raises(DataError, match="none of the 3 rows is bad"):
        delong([0, 0, 0], [1, 2, 3])
    with pytest.raises(DataError, match="none of the 2 rows is good"):
        ks([1, 1], [1, 2])
    with pytest.raises(DataError, match="two rows of each class; got 1 bad and 3 good"):
        delong([0, 0, 0, 1], [1, 2, 3, 4])
    with pytest.raises(DataError, match="1 of 3 scores are missing"):
        h_measure([0, 1, 1], [1, np.nan, 3])
    with pytest.raises(DataError, match="outcome is unknown"):
        ks([0, 1, np.nan], [1, 2, 3])
    with pytest.raises(DataError, match="one length"):
        delong_difference([0, 1], [1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="finite and not negative"):
        ks([0, 1], [1, 2], [1, -1])
    with pytest.raises(ParamsError, match="level must lie between 0 and 1"):
        delong([0, 0, 1, 1], [1, 2, 3, 4], level=95)
    with pytest.raises(ParamsError, match="two positive numbers"):
        h_measure([0, 1], [1, 2], severity=(2, -1))


def test_a_hundred_thousand_rows_stay_fast() -> None:
    rng = np.random.default_rng(0)
    s = rng.normal(size=100_000)
    y = (rng.random(100_000) < 1 / (1 + np.exp(3 - s))).astype(float)
    start = time.process_time()
    delong(y, s), ks(y, s), h_measure(y, s)
    assert time.process_time() - start < 1.5
