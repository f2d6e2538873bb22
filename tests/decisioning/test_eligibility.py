"""Options are judged by all rules in turn; the first refusal is said, and everything adds up."""

import pandas as pd
import pytest

from afraz.decisioning.eligibility import all_options, judge
from afraz.decisioning.exclusions import checked_exclusions
from afraz.decisioning.limits import Limits
from afraz.errors import DataError, ParamsError

from .conftest import AS_OF

CHANNELS = {"loan_rate": ["call", "email"], "fee_waiver": ["email"]}


def test_the_first_refusal_is_said_and_the_counts_add_up(customers: pd.DataFrame) -> None:
    customers = customers.assign(marketing_consent=[True, False, True])
    excluded = checked_exclusions(pd.DataFrame({"customer_id": ["C2"], "reason": ["dispute"]}))
    known = pd.DataFrame({"customer_id": ["C1", "C2", "C3"], "default_probability": [0.01, 0.9, 0.9]})
    options = all_options(customers["customer_id"], CHANNELS).assign(score=1.0)
    limits = Limits(credit_offers=["loan_rate"])
    found = judge(options, customers, AS_OF, limits, probabilities=known, exclusions=excluded)
    assert found.counts.set_index("rule")[["options", "customers"]].to_dict("index") == {
        "eligible": {"options": 4, "customers": 2}, "exclusion": {"options": 3, "customers": 1},
        "consent": {"options": 0, "customers": 0}, "default_probability": {"options": 2, "customers": 1},
    }  # fmt: skip
    assert set(found.not_applicable) == {
        "departed", "open_contact", "open_campaign", "planned_contact", "contact_pressure", "arrears",
    }  # fmt: skip
    assert set(found.refused.loc[found.refused["customer_id"].eq("C2"), "reason"]) == {"excluded: dispute"}
    assert found.eligible[["customer_id", "offer"]].drop_duplicates().to_dict("records") == [
        {"customer_id": "C1", "offer": "loan_rate"}, {"customer_id": "C1", "offer": "fee_waiver"},
        {"customer_id": "C3", "offer": "fee_waiver"},
    ]  # fmt: skip
    assert list(found.eligible) == ["customer_id", "offer", "channel", "score"]
    assert len(found.eligible) + len(found.refused) == len(options)


def test_the_order_of_rows_changes_no_verdict_and_the_input_stays(customers: pd.DataFrame) -> None:
    customers = customers.assign(marketing_consent=[True, False, None])
    options = all_options(customers["customer_id"], CHANNELS)
    before = options.copy()
    straight = judge(options, customers, AS_OF, Limits()).options
    turned = judge(options.iloc[::-1], customers.iloc[::-1], AS_OF, Limits()).options.sort_index()
    pd.testing.assert_frame_equal(straight, turned)
    pd.testing.assert_frame_equal(options, before)


def test_nothing_to_judge_is_no_fault(customers: pd.DataFrame) -> None:
    found = judge(all_options(customers["customer_id"].head(0), CHANNELS), customers, AS_OF, Limits())
    assert len(found.eligible) == len(found.refused) == 0
    assert found.counts["options"].sum() == 0


def test_a_repeated_option_and_a_stranger_are_refused(customers: pd.DataFrame) -> None:
    options = all_options(customers["customer_id"], CHANNELS)
    with pytest.raises(DataError, match="9 options repeat"):
        judge(pd.concat([options, options]), customers, AS_OF, Limits())
    with pytest.raises(DataError, match="1 customers of the options are not in customers, 'C3'"):
        judge(options, customers.head(2), AS_OF, Limits())


def test_a_repeated_customer_is_refused(customers: pd.DataFrame) -> None:
    options = all_options(customers["customer_id"], CHANNELS)
    with pytest.raises(DataError, match="1 customers repeat in customers, 'C1' among them"):
        judge(options, pd.concat([customers, customers.head(1)]), AS_OF, Limits())


def test_without_probabilities_no_credit_is_offered(customers: pd.DataFrame) -> None:
    options = all_options(customers["customer_id"], CHANNELS)
    found = judge(options, customers, AS_OF, Limits(credit_offers=["loan_rate"]))
    assert set(found.eligible["offer"]) == {"fee_waiver"}
    assert "default_probability" not in found.not_applicable


def test_a_misspelt_offer_stops_the_round_and_one_that_is_not_offered_now_does_not(customers: pd.DataFrame) -> None:
    options = all_options(customers["customer_id"], CHANNELS)
    campaigns = pd.DataFrame({"campaign_id": ["P1"], "offer": ["support_call"]})
    with pytest.raises(ParamsError, match=r"limit credit_offers names the unknown offer 'loan_rte': .* loan_rate\?"):
        judge(options, customers, AS_OF, Limits(credit_offers=["loan_rte"]), campaigns=campaigns)
    with pytest.raises(ParamsError, match=r"limit service_offers names the unknown offer 'support_call'"):
        judge(options, customers, AS_OF, Limits(service_offers=["support_call"]))
    judge(options, customers, AS_OF, Limits(service_offers=["support_call"]), campaigns=campaigns)


def test_who_is_on_an_earlier_list_is_not_listed_again(customers: pd.DataFrame) -> None:
    planned = pd.DataFrame({
        "campaign_id": ["P1"], "customer_id": ["C2"], "contact_on": [pd.Timestamp("2026-06-26")],
        "expires_at": [pd.Timestamp("2026-07-10")],
    })  # fmt: skip
    options = all_options(customers["customer_id"], CHANNELS)
    found = judge(options, customers, AS_OF, Limits(), planned=planned)
    assert set(found.eligible["customer_id"]) == {"C1", "C3"}
    assert set(found.refused["rule"]) == {"planned_contact"}
