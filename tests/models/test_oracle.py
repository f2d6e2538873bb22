import numpy as np
import pandas as pd
import pytest

from afraz.models.oracle import against_truth, churn_against_truth

RNG = np.random.default_rng(0)
TRUTH = 1 / (1 + np.exp(-RNG.normal(-3, 1.5, 5000)))


def test_a_noisy_score_finds_less_than_the_oracle_and_a_random_one_nothing() -> None:
    noisy = against_truth(TRUTH, 1 / (1 + np.exp(-(np.log(TRUTH / (1 - TRUTH)) + RNG.normal(0, 1, 5000)))))
    assert 0.5 < noisy["share_of_latent"] < 0.95
    blind = against_truth(TRUTH, np.clip(RNG.random(5000), 0.01, 0.99))
    assert blind["share_of_latent"] == pytest.approx(0, abs=0.06)


def test_stretched_probabilities_show_in_the_slope_and_doubled_ones_in_the_ratio() -> None:
    log_odds = np.log(TRUTH / (1 - TRUTH))
    assert against_truth(TRUTH, 1 / (1 + np.exp(-2 * log_odds)))["calibration_slope"] == pytest.approx(0.5, abs=0.01)
    halved = against_truth(TRUTH, TRUTH / 2)
    assert halved["observed_over_expected"] == pytest.approx(2)
    assert halved["observed_over_expected_top_decile"] == pytest.approx(2)


def test_only_the_same_customers_at_the_same_date_are_compared() -> None:
    scores = pd.DataFrame({"customer_id": ["a", "b", "c"], "leave_90": [0.1, 0.2, 0.3], "grow_90": [0.5, 0.5, 0.5]})
    truth = pd.DataFrame(
        {
            "customer_id": ["a", "b", "a"],
            "as_of": ["2026-07-01", "2026-07-01", "2026-06-01"],
            "leave_90": [0.1, 0.2, 0.9],
        }
    )
    found = churn_against_truth(scores, truth, "2026-07-01")
    assert list(found) == ["leave_90"]
    assert found["leave_90"]["rows"] == 2
    assert found["leave_90"]["observed_over_expected"] == pytest.approx(1)
