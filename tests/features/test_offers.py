"""Offers that were tried before a date, what they cost, and what a response was worth then."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import NotApplicable
from afraz.features.offers import response_worth, tried_offers

CAMPAIGNS = [
    {"campaign_id": "P1", "offer": "bonus", "channel": "email", "starts_at": "2024-01-10T00:00:00",
     "contact_cost": "0.10", "offer_cost": "5.00"},
    {"campaign_id": "P2", "offer": "bonus", "channel": "email", "starts_at": "2024-03-10T00:00:00",
     "contact_cost": "0.20", "offer_cost": "7.00"},
    {"campaign_id": "P3", "offer": "bonus", "channel": "call", "starts_at": "2024-03-20T00:00:00",
     "contact_cost": "3.00", "offer_cost": "7.00"},
    {"campaign_id": "P4", "offer": "empty letter", "channel": "email", "starts_at": "2024-02-01T00:00:00"},
    {"campaign_id": "P5", "offer": "rate", "channel": "email", "starts_at": "2024-06-01T00:00:00"},
]  # fmt: skip


def responded(campaign: str, customer: str, arm: str, day: str | None, value: str | None) -> dict[str, str | None]:
    at = None if day is None else f"{day}T12:00:00"
    return {"campaign_id": campaign, "customer_id": customer, "assigned_at": "2024-01-10T09:00:00", "arm": arm,
            "responded_at": at, "response_value": value}  # fmt: skip


TREATMENTS = [
    responded("P1", "a", "bonus", "2024-01-20", "30.00"), responded("P1", "b", "bonus", "2024-02-20", "50.50"),
    responded("P1", "c", "bonus", None, None), responded("P1", "d", "bonus", "2024-02-21", None),
]  # fmt: skip
INNOCENT = [
    responded("P1", "e", "control", "2024-01-21", "900.00"),
    responded("P4", "f", "empty letter", "2024-02-02", "900.00"),
    responded("P1", "g", "bonus", "2024-04-01", "900.00"),
]  # fmt: skip


@pytest.fixture
def source(workspace: Path, bank):  # type: ignore[no-untyped-def]
    def fill(campaigns=CAMPAIGNS, treatments=(*TREATMENTS, *INNOCENT)) -> None:  # type: ignore[no-untyped-def]
        for name, table in bank(customers=[], campaigns=campaigns, treatments=treatments).items():
            catalog.save(name, table)
        kinds = ["placebo" if c["campaign_id"] == "P4" else "randomised" for c in campaigns]
        drawn = pd.DataFrame({"campaign_id": [c["campaign_id"] for c in campaigns], "customer_id": "a", "kind": kinds})
        catalog.save("assignment_features", drawn)

    return fill


def test_offers_that_were_tried_are_listed_with_the_costs_of_the_last_campaign(source) -> None:  # type: ignore[no-untyped-def]
    source()
    found = tried_offers(date(2024, 4, 1))
    assert found.drop(columns="response_value").to_numpy().tolist() == [
        ["bonus", "call", 1, 3.0, 7.0], ["bonus", "email", 2, 0.2, 7.0],
    ]  # fmt: skip


def test_later_campaigns_do_not_count(source) -> None:  # type: ignore[no-untyped-def]
    source()
    found = tried_offers(date(2024, 3, 10))
    assert found.drop(columns="response_value").to_numpy().tolist() == [["bonus", "email", 1, 0.1, 5.0]]
    assert set(tried_offers(date(2024, 6, 2))["offer"]) == {"bonus", "rate"}


def test_later_responses_control_and_placebo_are_worth_nothing(source) -> None:  # type: ignore[no-untyped-def]
    source()
    mean = (30.0 + 50.5) / 2
    assert tried_offers(date(2024, 4, 1))["response_value"].tolist() == [mean] * 2
    assert tried_offers(date(2024, 2, 1))["response_value"].tolist() == [30.0]
    after = tried_offers(date(2024, 4, 2))["response_value"].iloc[0]
    assert after == pytest.approx((30.0 + 50.5 + 900.0) / 3), "by then it is known"


def test_what_nobody_responded_to_is_worth_nothing_yet(source) -> None:  # type: ignore[no-untyped-def]
    source(treatments=[responded("P1", "a", "bonus", None, None)])
    assert tried_offers(date(2024, 4, 1))["response_value"].tolist() == [0.0, 0.0]
    assert response_worth() is None


def test_a_campaign_that_offered_nothing_is_known_by_its_kind_and_only_by_that(source) -> None:  # type: ignore[no-untyped-def]
    source()
    assert "empty letter" not in set(tried_offers(date(2024, 4, 1))["offer"])
    kinds = catalog.load("assignment_features").assign(kind="randomised")
    catalog.save("assignment_features", kinds)
    found = tried_offers(date(2024, 4, 1))
    assert found.loc[found["offer"] == "empty letter", ["contact_cost", "offer_cost"]].to_numpy().tolist() == [[0, 0]]
    assert response_worth(date(2024, 3, 1)) == pytest.approx((30.0 + 50.5 + 900.0) / 3)


def test_a_source_without_campaigns_or_before_the_first_is_not_applicable(workspace: Path, source) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotApplicable, match="no campaigns in this source: nothing was tried"):
        tried_offers(date(2024, 4, 1))
    source()
    with pytest.raises(NotApplicable, match="no campaign with an offer began before 2024-01-10"):
        tried_offers(date(2024, 1, 10))
