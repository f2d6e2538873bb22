"""What was offered so far, how it was met, and that nothing which came later counts."""

from datetime import date

import pytest

from afraz.features.table import build_features, not_applicable

AS_OF = date(2024, 7, 1)
CAMPAIGNS = [
    {"campaign_id": "P1", "channel": "call", "starts_at": "2023-01-01"},
    {"campaign_id": "P2", "channel": "sms", "starts_at": "2024-06-01"},
    {"campaign_id": "P3", "channel": "post", "starts_at": "2024-06-01"},
    {"campaign_id": "P4", "channel": "email", "starts_at": "2024-07-01"},
]


def _drawn(campaign: str, day: str, arm: str = "offer", **more) -> dict:
    return {"campaign_id": campaign, "customer_id": "a", "assigned_at": f"{day}T09:00:00", "arm": arm, **more}


@pytest.fixture
def features(bank, make_on):
    """Build the family for customer ``a`` at AS_OF."""

    def build(treatments, contacts=()):
        tables = bank(make_on("a", "2024-01-01"), treatments=treatments, campaigns=CAMPAIGNS, contacts=list(contacts))
        return build_features(tables, [AS_OF], families=["campaigns"]).to_pandas().iloc[0]

    return build


def test_offers_so_far_count_without_limit_and_those_of_a_year_by_channel(features):
    row = features([_drawn("P1", "2023-01-31"), _drawn("P2", "2024-06-10"), _drawn("P3", "2024-06-29")])
    assert row["offers_so_far"] == 3
    assert (row["offers_by_call_365d"], row["offers_by_message_365d"], row["offers_by_letter_365d"]) == (0, 1, 1)
    assert row["days_since_last_offer"] == 2


def test_a_control_group_is_no_offer_but_tells_who_acts_without_one(features):
    row = features([
        _drawn("P2", "2024-06-01", "control", responded_at="2024-06-05T10:00:00", response_value=30),
        _drawn("P3", "2024-06-01", "control"),
    ])  # fmt: skip
    assert (row["offers_so_far"], row["controls_so_far"], row["control_response_share"]) == (0, 2, 0.5)
    assert row[["days_since_last_offer", "days_since_last_response", "offers_reached_share"]].isna().all()
    assert row["mean_response_value"] == 30


def test_what_happens_at_the_midnight_or_later_changes_nothing(features):
    before = [_drawn("P1", "2024-06-10", delivered_at="2024-06-11T00:00:00")]
    later = [
        {**before[0], "reached_at": "2024-07-01T00:00:00", "responded_at": "2024-07-01T00:00:00", "response_value": 9},
        _drawn("P4", "2024-07-01"),  # the assignment of that very day
    ]
    assert features(later).equals(features(before))
    in_time = {**before[0], "reached_at": "2024-06-30T23:59:59", "responded_at": "2024-06-30T23:59:59"}
    assert features([in_time])["offers_reached_share"] == 1
    assert features([in_time])["days_since_last_response"] == 1


def test_pressure_adds_contacts_that_the_bank_began(features):
    contacts = [
        {"contact_id": "1", "customer_id": "a", "started_at": "2024-06-20T10:00:00", "direction": "outbound"},
        {"contact_id": "2", "customer_id": "a", "started_at": "2024-06-20T11:00:00", "direction": "inbound"},
        {"contact_id": "3", "customer_id": "a", "started_at": "2024-04-20T10:00:00", "direction": "outbound"},
        {"contact_id": "4", "customer_id": "a", "started_at": "2024-06-20T10:00:00", "direction": "outbound",
         "known_at": "2024-07-02T00:00:00"},
    ]  # fmt: skip
    row = features([_drawn("P2", "2024-06-10"), _drawn("P3", "2024-06-10", "control")], contacts)
    assert (row["contact_pressure_30d"], row["contact_pressure_90d"]) == (2, 3)


def test_what_a_source_lacks_is_not_applicable(bank, make_on):
    tables = bank(make_on("a", "2024-01-01"), treatments=[_drawn("P1", "2024-06-10")])
    reasons = not_applicable(tables, ["campaigns"])
    assert reasons["offers_by_call_365d"] == "no table campaigns"
    assert reasons["contact_pressure_30d"] == "no table contacts"
    assert build_features(tables, [AS_OF], families=["campaigns"]).to_pandas()["offers_so_far"].tolist() == [1]
    assert "offers_so_far" in not_applicable(bank(make_on("a", "2024-01-01")), ["campaigns"])
