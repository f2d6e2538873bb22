"""Features of each family on banks small enough to work out by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from afraz.features.table import build_features

AS_OF = date(2024, 6, 1)


def _row(tables, family, as_of=AS_OF) -> pd.Series:
    return build_features(tables, [as_of], families=[family]).to_pandas().iloc[0]


def test_value_follows_the_money(bank, make_on):
    rows = [
        *make_on("a", "2023-01-01", amount=1000, kind="cash_deposit"),
        *make_on("a", "2024-05-05", amount=300, kind="salary", channel="automatic", margin=1.5),
        *make_on("a", "2024-05-10", "2024-05-11", amount=-100),
        *make_on("a", "2024-01-15", amount=-50, kind="fee"),
        *make_on("a", "2024-05-12", amount=-700, kind="transfer_out", channel="internet"),
    ]
    row = _row(bank(rows), "value")
    assert row["inflow_30d"] == 300
    assert row["outflow_90d"] == 900
    assert row["net_flow_365d"] == 300 - 950
    assert row["balance_estimate"] == 350
    assert row["drained_30d"] == pytest.approx(600 / (950 + 300))
    assert row["spending_365d"] == 900
    assert row["mean_purchase_90d"] == 100
    assert row["purchase_variation_365d"] == 0
    assert row["transfers_of_outflow_90d"] == pytest.approx(7 / 9)
    assert row["fees_365d"] == 50
    assert row["margin_365d"] == 1.5
    assert row["inflow_trend_90d"] == 1
    assert row["inflow_on_last_year_90d"] == 1


def test_a_year_is_compared_only_where_it_was_seen(bank, make_on):
    rows = make_on("a", "2024-01-01", "2024-05-10")
    row = _row(bank(rows), "behaviour")
    assert np.isnan(row["initiated_on_last_year_90d"])
    assert np.isnan(row["initiated_trend_90d"])


def test_behaviour_compares_the_last_quarter_with_the_same_one_of_last_year(bank, make_on):
    rows = make_on("a", "2022-01-01", "2023-04-01", "2023-04-11", "2023-04-21", "2024-05-01")
    row = _row(bank(rows), "behaviour")
    assert row["initiated_on_last_year_90d"] == pytest.approx((1 - 3) / (1 + 3))
    assert row["initiated_trend_90d"] == 1
    assert row["active_days_90d"] == 1
    assert row["mean_gap_365d"] == 376
    assert row["silence_over_usual_gap"] == pytest.approx(31 / 376)


def test_behaviour_measures_the_mix_of_channels(bank, make_on):
    rows = make_on("a", "2024-05-01", "2024-05-02") + make_on("a", "2024-05-03", "2024-05-04", channel="mobile")
    row = _row(bank(rows), "behaviour")
    assert row["channel_mobile_share_90d"] == 0.5
    assert row["digital_share_90d"] == 0.5
    assert row["channel_entropy_90d"] == pytest.approx(np.log(2))
    assert row["kind_entropy_90d"] == pytest.approx(0)


def test_standing_orders_are_no_share_of_what_the_customer_caused(bank, make_on):
    caused = make_on("a", "2024-05-01", kind="transfer_out", channel="internet") + make_on("a", "2024-05-02")
    standing = make_on("a", "2024-05-03", "2024-05-04", "2024-05-05", kind="transfer_out", channel="automatic")
    row = _row(bank(caused + standing), "behaviour")
    assert row["transfer_out_share_90d"] == 0.5
    assert row["purchase_share_90d"] == 0.5
    assert row["transfer_outs_90d"] == 4


def test_loyalty_sees_that_the_salary_no_longer_comes(bank, make_on):
    months = [f"2023-{m:02d}-25" for m in range(6, 13)] + ["2024-01-25", "2024-02-25"]
    row = _row(bank(make_on("a", "2023-01-01") + make_on("a", *months, kind="salary", amount=1000)), "loyalty")
    assert row["salaries_90d"] == 0
    assert row["salaries_365d"] == 9
    assert row["salary_missing_90d"] == pytest.approx(9 * 90 / 365)
    assert row["salary_regularity_365d"] == pytest.approx(9 * 30 / 365)


def test_lifecycle_counts_products_as_known_at_the_date(bank, make_on):
    accounts = [
        {"account_id": "1", "customer_id": "a", "product": "current", "opened_at": "2020-01-01"},
        {"account_id": "2", "customer_id": "a", "product": "savings", "opened_at": "2024-05-01"},
        {"account_id": "3", "customer_id": "a", "product": "loan", "opened_at": "2022-01-01",
         "closed_at": "2024-04-02"},
        {"account_id": "4", "customer_id": "a", "product": "credit_card", "opened_at": "2021-01-01",
         "closed_at": "2024-06-01"},
        {"account_id": "5", "customer_id": "a", "product": "insurance", "opened_at": "2024-06-01"},
    ]  # fmt: skip
    row = _row(bank(make_on("a", "2024-05-01"), accounts=accounts), "lifecycle")
    assert row["products_held"] == 3
    assert row["product_breadth"] == 3
    assert (row["holds_current"], row["holds_credit_card"], row["holds_loan"], row["holds_insurance"]) == (1, 1, 0, 0)
    assert (row["accounts_opened_90d"], row["accounts_closed_90d"]) == (1, 1)
    assert row["accounts_closed_share"] == 0.25
    assert row["days_since_last_closing"] == 60
    assert row["tenure_days"] == (AS_OF - date(2020, 1, 1)).days


def test_geography_joins_the_region_and_leaves_gender_out(bank, make_on):
    customers = [{"customer_id": "a", "joined_at": "2020-01-01", "birth_date": "1984-06-01", "region_id": "R1",
                  "gender": "female", "education": "school"}]  # fmt: skip
    regions = [{"region_id": "R1", "population": 5000, "average_income": 1000.0}]
    rows = make_on("a", "2024-01-25", kind="salary", amount=6000)
    row = _row(bank(rows, customers=customers, regions=regions), "geography")
    assert row["age_years"] == pytest.approx(40, abs=0.01)
    assert row["region_id"] == "R1"
    assert row["region_population"] == 5000
    assert row["salary_to_region"] == pytest.approx(0.5)
    assert "gender" not in row.index


def test_support_waits_a_day_before_it_calls_a_contact_unresolved(bank, make_on):
    def contact(number, when, resolved, satisfaction=None, **more):
        return {"contact_id": number, "customer_id": "a", "started_at": when, "resolved": resolved,
                "satisfaction": satisfaction, "direction": "inbound", "topic": "card", **more}  # fmt: skip

    contacts = [
        contact("1", "2024-05-31T00:00:00", False, 1, wait_seconds=40.4),
        contact("2", "2024-05-30T23:00:00", False, 2, wait_seconds=20.4),
        contact("3", "2024-05-01T10:00:00", True, 5),
        contact("4", "2023-12-01T10:00:00", False),
        contact("5", "2024-05-20T10:00:00", False, known_at="2024-06-02T00:00:00"),
    ]
    row = _row(bank(make_on("a", "2024-05-01"), contacts=contacts), "support")
    assert row["contacts_90d"] == 3
    assert row["unresolved_90d"] == 1
    assert row["unresolved_365d"] == 2
    assert row["unresolved_share_365d"] == pytest.approx(2 / 3)
    assert row["mean_satisfaction_90d"] == 3.5
    assert row["lowest_satisfaction_365d"] == 2
    assert row["mean_wait_90d"] == 30
    assert row["days_since_last_contact"] == 1
    assert row["topics_365d"] == 1


def test_attitude_knows_the_last_answer_and_not_one_that_arrives_later(bank, make_on):
    surveys = [
        {"survey_id": "1", "customer_id": "a", "answered_at": "2023-01-01T10:00:00", "nps": 2, "satisfaction": 1},
        {"survey_id": "2", "customer_id": "a", "answered_at": "2024-05-01T10:00:00", "nps": 9, "satisfaction": 5},
        {"survey_id": "3", "customer_id": "a", "answered_at": "2024-05-20T10:00:00", "nps": 0,
         "known_at": "2024-06-02T10:00:00"},
        {"survey_id": "4", "customer_id": "a", "answered_at": "2024-06-02T10:00:00", "nps": 1},
    ]  # fmt: skip
    row = _row(bank(make_on("a", "2023-01-01"), surveys=surveys), "attitude")
    assert row["last_nps"] == 9
    assert row["last_survey_satisfaction"] == 5
    assert row["surveys_answered"] == 2
    assert row["days_since_last_survey"] == 31
    assert "offers_365d" not in row


def test_attitude_counts_offers_not_controls_and_responses_only_once_they_came(bank, make_on):
    treatments = [
        {"campaign_id": "1", "customer_id": "a", "assigned_at": "2024-04-01", "arm": "offer",
         "responded_at": "2024-04-09"},
        {"campaign_id": "2", "customer_id": "a", "assigned_at": "2024-05-25", "arm": "offer",
         "responded_at": "2024-06-09"},
        {"campaign_id": "3", "customer_id": "a", "assigned_at": "2024-05-25", "arm": "control"},
        {"campaign_id": "4", "customer_id": "a", "assigned_at": "2023-01-25", "arm": "offer"},
    ]  # fmt: skip
    row = _row(bank(make_on("a", "2023-01-01"), treatments=treatments), "attitude")
    assert row["offers_365d"] == 2
    assert row["offers_90d"] == 2
    assert row["offer_responses_365d"] == 1
    assert row["offer_response_share"] == pytest.approx(1 / 3)
