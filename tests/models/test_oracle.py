import numpy as np
import pandas as pd
import pytest

from afraz.models.oracle import (
    against_truth,
    book_against_truth,
    churn_against_truth,
    credit_against_truth,
    declined_against_truth,
)

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


def test_granted_applications_are_judged_apart_from_all() -> None:
    rows = 400
    truth = pd.DataFrame({"loan_id": [f"l{i}" for i in range(rows)], "default_probability": TRUTH[:rows]})
    stated = truth.assign(decision=np.where(np.arange(rows) % 2, "granted", "declined"))
    stated["default_probability"] = np.where(stated["decision"] == "granted", TRUTH[:rows], TRUTH[:rows] / 2)
    extra = pd.DataFrame({"loan_id": ["unknown"], "default_probability": [0.5], "decision": ["granted"]})
    found = credit_against_truth(pd.concat([stated, extra]), truth)
    assert (found["all"]["rows"], found["granted"]["rows"]) == (rows, rows // 2)
    assert found["granted"]["observed_over_expected"] == pytest.approx(1)
    assert found["granted"]["share_of_latent"] == pytest.approx(1)
    assert found["all"]["observed_over_expected"] > 1.2
    assert list(credit_against_truth(stated[stated["decision"] == "declined"], truth)) == ["all"]


def _book() -> pd.DataFrame:
    return pd.DataFrame({
        "loan_id": ["a", "b", "c", "gone"], "balance": [100.0, 200.0, 100.0, 50.0],
        "default_probability": [0.1, 0.2, 0.4, 1.0], "expected_loss": [5.0, 20.0, 20.0, 25.0],
        "in_default": [False, False, False, True],
    })  # fmt: skip


def test_loans_in_default_are_no_part_of_the_expected_loss_that_is_judged() -> None:
    truth = _book().drop(columns="in_default")
    found = book_against_truth(_book(), truth, 30, 60)
    assert (found["expected_loss"], found["true_expected_loss"], found["book_loans"]) == (45.0, 45.0, 3.0)
    assert (found["expected_loss_low"], found["expected_loss_high"]) == (30.0, 60.0)
    assert (found["expected_loss_covered"], found["book_share_of_latent"]) == (1.0, 1.0)


def test_an_interval_that_misses_the_true_loss_and_a_ranking_that_is_turned_round_are_seen() -> None:
    truth = _book().drop(columns="in_default").assign(expected_loss=[20.0, 40.0, 10.0, 0.0])
    truth["default_probability"] = [0.4, 0.2, 0.1, 0.5]
    found = book_against_truth(_book(), truth, 30, 60)
    assert found["true_expected_loss"] == 70.0
    assert found["expected_loss_covered"] == 0.0
    assert found["book_share_of_latent"] == pytest.approx(-1)


def test_loans_that_the_truth_does_not_know_scale_the_interval() -> None:
    truth = _book().drop(columns="in_default").iloc[[0, 1]]
    found = book_against_truth(_book(), truth, 36, 54)
    assert found["expected_loss"] == found["true_expected_loss"] == 25.0
    assert (found["expected_loss_low"], found["expected_loss_high"]) == pytest.approx((20, 30))


def test_estimates_of_all_applicants_are_held_against_the_true_rate_of_those_they_speak_of() -> None:
    truth = pd.DataFrame({"loan_id": ["a", "b", "c"], "default_probability": [0.1, 0.3, 0.9]})
    said = pd.DataFrame({
        "method": ["accepts", "inverse propensity", "parcelling"], "estimate": [0.1, 0.21, np.nan],
        "low": [0.05, 0.15, 0.2], "high": [0.15, 0.3, 0.2], "note": "",
    })  # fmt: skip
    found = declined_against_truth(said, truth, pd.Series(["a", "b", "never scored"]))
    assert found["truth"] == {"rate": pytest.approx(0.2)}
    assert [found[m]["covered"] for m in ("accepts", "inverse_propensity", "parcelling")] == [0.0, 1.0, 1.0]
    assert found["inverse_propensity"]["estimate"] == 0.21
