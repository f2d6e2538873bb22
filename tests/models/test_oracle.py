import numpy as np
import pandas as pd
import pytest

from afraz.models.oracle import (
    against_truth,
    book_against_truth,
    churn_against_truth,
    credit_against_truth,
    declined_against_truth,
    offers_against_truth,
    true_offers,
    worth_of_list,
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


N = 4000
KINDS = RNG.choice(["persuadable", "sure_thing", "lost_cause", "sleeping_dog"], N, p=[0.15, 0.15, 0.6, 0.1])
UPLIFT = pd.Series(KINDS).map({"persuadable": 0.14, "sure_thing": 0.02, "lost_cause": 0.0, "sleeping_dog": -0.05})
OFFERS = pd.DataFrame({
    "campaign_id": np.where(np.arange(N) % 2, "P1", "P2"), "customer_id": [f"c{i // 2:04d}" for i in range(N)],
    "as_of": pd.to_datetime(np.where(np.arange(N) % 2, "2026-02-28", "2026-03-31")), "offer_cost": 10.0,
    "contact_cost": 0.1,
})  # fmt: skip
PLANTED = OFFERS[["campaign_id", "customer_id"]].assign(
    response_offer=0.1 + UPLIFT, response_control=0.1, uplift=UPLIFT, quadrant=KINDS,
    closure_effect=np.where(KINDS == "sleeping_dog", 0.03, 0.0),
)  # fmt: skip
MARGINS = pd.DataFrame({"customer_id": OFFERS["customer_id"].unique(), "as_of": "2026-07-01", "margin_12m": 150.0})


def test_the_true_worth_of_a_contact_is_that_of_its_kind_whatever_the_order_of_the_truth() -> None:
    found = true_offers(OFFERS, PLANTED.sample(frac=1, random_state=1), MARGINS, 45.0)
    assert (found["quadrant"] == KINDS).all()
    by_kind = found.groupby("quadrant")["worth"].agg(["min", "max"])
    assert by_kind.loc["persuadable"].tolist() == pytest.approx([0.14 * 45 - 2.4 - 0.1] * 2)
    assert by_kind.loc["sleeping_dog"].tolist() == pytest.approx([-0.05 * 45 - 0.5 - 0.1 - 0.03 * 150] * 2)


def test_the_margin_is_that_of_the_nearest_date_and_the_median_of_all_where_there_is_none() -> None:
    offers = OFFERS.head(3).assign(customer_id=["a", "b", "new"], campaign_id="P1", as_of=pd.Timestamp("2026-01-01"))
    planted = offers[["campaign_id", "customer_id"]].assign(
        response_offer=0.1, uplift=0.0, quadrant="lost_cause", closure_effect=0.1
    )
    value = pd.DataFrame({
        "customer_id": ["a", "a", "b", "b", "c"],
        "as_of": pd.to_datetime(["2024-07-01", "2026-07-01", "2025-07-02", "2026-07-01", "2026-07-01"]),
        "margin_12m": [1.0, 20.0, -300.0, 4.0, 5.0],
    })  # fmt: skip
    found = true_offers(offers, planted, value, 45.0)
    assert found["margin_12m"].tolist() == [20.0, 4.0, 4.0]
    earlier = true_offers(offers.assign(as_of=pd.Timestamp("2025-12-31")), planted, value, 45.0)
    assert earlier["margin_12m"].tolist() == [20.0, -300.0, 4.0], "182 days to both: the earlier counts"


def test_the_truth_finds_all_there_is_noise_some_of_it_and_the_reverse_loses() -> None:
    true = true_offers(OFFERS, PLANTED, MARGINS, 45.0)
    exact = OFFERS.assign(expected_worth=true["worth"], response_uplift=UPLIFT, closing_uplift=true["closure_effect"])
    found = offers_against_truth(exact, true, 0.1)
    assert found["share_of_latent"] == pytest.approx(1)
    assert found["worth"] == pytest.approx(0.14 * 45 - 2.4 - 0.1), "more persuadable than contacts"
    assert (found["uplift_correlation"], found["sleeping_dogs"]) == (pytest.approx(1), 0)
    assert found["stated_uplift"] == pytest.approx(found["true_uplift"])
    assert found["stated_closing"] == pytest.approx(found["true_closing"])
    noisy = offers_against_truth(exact.assign(expected_worth=true["worth"] + RNG.normal(0, 8, N)), true, 0.1)
    assert 0.2 < noisy["share_of_latent"] < 0.9
    blind = offers_against_truth(exact.assign(expected_worth=RNG.random(N)), true, 0.3)
    assert blind["share_of_latent"] == pytest.approx(0, abs=0.1)
    assert offers_against_truth(exact.assign(expected_worth=-true["worth"]), true, 0.1)["sleeping_dogs"] > 0.9


def test_a_list_that_tells_nobody_apart_is_worth_what_a_random_one_is() -> None:
    worth = np.array([5.0, 1.0, -3.0, 0.0])
    assert worth_of_list(worth, np.zeros(4), 0.25) == pytest.approx(worth.mean())
    assert worth_of_list(worth, worth, 0.25) == 5.0


def test_a_model_that_knows_nothing_of_leaving_states_none() -> None:
    true = true_offers(OFFERS, PLANTED, MARGINS, 45.0)
    found = offers_against_truth(OFFERS.assign(expected_worth=0.0, response_uplift=UPLIFT), true)
    assert np.isnan(found["stated_closing"])
    assert found["worth"] == pytest.approx(found["random_worth"])
