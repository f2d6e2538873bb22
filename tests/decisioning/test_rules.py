"""Each rule finds the planted fault and leaves its innocent neighbour alone; nothing after as_of is seen."""

import pandas as pd
import pytest

from afraz.decisioning.limits import Limits
from afraz.decisioning.rules import (
    arrears,
    consent,
    contact_pressure,
    contacts_made,
    default_probability,
    departed,
    open_campaign,
    open_contact,
    planned_contact,
)
from afraz.errors import DataError, NotApplicable

from .conftest import AS_OF


def _contacts(*rows: tuple[str, str, str, object]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["customer_id", "started_at", "direction", "resolved"])
    return table.assign(started_at=pd.to_datetime(table["started_at"], format="ISO8601"))


def _treatments(*rows: tuple[str, str, str, str, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm", "assigned_at", "delivered_at"])
    return table.assign(
        assigned_at=pd.to_datetime(table["assigned_at"]), delivered_at=pd.to_datetime(table["delivered_at"])
    )


def test_whoever_closed_the_last_account_has_left() -> None:
    accounts = pd.DataFrame({
        "customer_id": ["left", "left", "stays", "stays", "leaves_later", "new"],
        "opened_at": pd.to_datetime(["2020-01-01"] * 5 + ["2026-07-01"]),
        "closed_at": pd.to_datetime(["2026-01-01", "2026-06-30", "2026-01-01", None, "2026-07-01", None]),
    })  # fmt: skip
    assert departed(accounts, AS_OF).words.to_dict() == {"left": "all accounts are closed"}
    with pytest.raises(NotApplicable, match="no accounts"):
        departed(None, AS_OF)


def test_consent_must_be_on_record() -> None:
    customers = pd.DataFrame({"customer_id": ["C1", "C2", "C3"], "marketing_consent": [True, False, None]})
    rule = consent(customers, Limits(service_offers=["support_call"]))
    assert rule.words.to_dict() == {"C2": "marketing consent was not given", "C3": "no marketing consent is on record"}
    assert rule.concerns("fee_waiver")
    assert not rule.concerns("support_call")
    assert len(consent(customers.drop(columns="marketing_consent"), Limits()).words) == 3


def test_contacts_of_all_campaigns_and_outbound_calls_add_up() -> None:
    treatments = _treatments(
        ("P1", "C1", "fee_waiver", "2026-06-20", "2026-06-28"),
        ("P2", "C1", "loan_rate", "2026-06-10", None),
        ("P3", "C1", "fee_waiver", "2026-05-31", "2026-05-31"),  # 31 days ago
        ("P1", "C2", "control", "2026-06-28", None),  # a control is not contacted
        ("P4", "C3", "fee_waiver", "2026-07-01", "2026-07-02"),  # not yet
    )
    contacts = _contacts(
        ("C1", "2026-06-28 10:00", "outbound", True),  # the call of P1 once more
        ("C1", "2026-06-24 10:00", "outbound", True),
        ("C2", "2026-06-25 10:00", "inbound", True),
        ("C3", "2026-07-01 10:00", "outbound", True),
    )
    assert contacts_made(treatments, contacts, AS_OF).to_dict("index") == {"C1": {"week": 2, "month": 3}}
    week = contact_pressure(treatments, contacts, AS_OF, Limits(per_week=2, per_month=9)).words
    assert week.to_dict() == {"C1": "2 contacts in the last 7 days, the limit is 2"}
    month = contact_pressure(treatments, contacts, AS_OF, Limits(per_week=3, per_month=3)).words
    assert month.to_dict() == {"C1": "3 contacts in the last 30 days, the limit is 3"}
    assert not len(contact_pressure(treatments, contacts, AS_OF, Limits(per_week=3, per_month=4)).words)
    assert contacts_made(None, contacts, AS_OF).to_dict("index") == {"C1": {"week": 2, "month": 2}}
    with pytest.raises(NotApplicable, match="neither"):
        contacts_made(None, None, AS_OF)


def test_a_window_that_is_open_holds_the_customer_back_and_the_control_too() -> None:
    treatments = _treatments(
        ("P1", "C1", "fee_waiver", "2026-06-02", "2026-06-03"),
        ("P1", "C2", "control", "2026-06-02", None),
        ("P2", "C3", "loan_rate", "2026-06-02", "2026-06-03"),
    )
    campaigns = pd.DataFrame({"campaign_id": ["P1", "P2"], "response_window_days": [30, 29]})
    said = open_campaign(treatments, campaigns, AS_OF, Limits()).words.to_dict()
    assert said == dict.fromkeys(["C1", "C2"], "campaign P1 runs until 2026-07-02")
    assert not len(open_campaign(treatments, None, AS_OF, Limits(response_window_days=29)).words)
    with pytest.raises(DataError, match="1 campaigns repeat, 'P1' among them"):
        open_campaign(treatments, pd.concat([campaigns, campaigns.head(1)]), AS_OF, Limits())


def test_a_planned_contact_holds_back_until_it_was_made_or_its_offer_ended() -> None:
    planned = pd.DataFrame({
        "campaign_id": ["P1", "P1", "P1", "P1", "P2"], "customer_id": ["waits", "made", "ended", "later", "later"],
        "contact_on": pd.to_datetime(["2026-06-26"] * 4 + ["2026-07-03"]),
        "expires_at": pd.to_datetime(["2026-07-02", "2026-07-10", "2026-07-01", "2026-07-02", "2026-07-17"]),
    })  # fmt: skip
    treatments = _treatments(
        ("P1", "made", "card", "2026-06-24", "2026-06-27"),
        ("P1", "waits", "card", "2026-06-24", None),
        ("P2", "later", "card", "2026-06-24", "2026-07-01"),  # after as_of: not yet made
    )
    said = planned_contact(planned, treatments, AS_OF).words.to_dict()
    assert said == {
        "waits": "a contact planned for 2026-06-26 may still be made, its offer ends on 2026-07-02",
        "later": "a contact planned for 2026-07-03 may still be made, its offer ends on 2026-07-17",
    }
    assert set(planned_contact(planned, None, AS_OF).words.index) == {"waits", "made", "later"}
    assert not len(planned_contact(planned.head(0), treatments, AS_OF).words)
    with pytest.raises(NotApplicable, match="no lists of earlier rounds"):
        planned_contact(None, treatments, AS_OF)


def test_an_open_contact_holds_back_until_it_is_answered_or_old() -> None:
    contacts = _contacts(
        ("waits", "2026-06-20", "inbound", False),
        ("answered", "2026-06-20", "inbound", False), ("answered", "2026-06-22", "inbound", True),
        ("again", "2026-06-20", "inbound", True), ("again", "2026-06-22", "inbound", False),
        ("old", "2026-05-20", "inbound", False),
        ("unknown", "2026-06-20", "inbound", None),
        ("today", "2026-06-30 12:00", "inbound", None),
        ("called", "2026-06-20", "outbound", False),
        ("later", "2026-07-01 00:00", "inbound", False),
    )  # fmt: skip
    rule = open_contact(contacts, AS_OF, Limits(service_offers=["support_call"]))
    assert set(rule.words.index) == {"waits", "again", "today"}
    assert rule.words["waits"] == "a contact of 2026-06-20 is not resolved"
    assert not rule.concerns("support_call")


def test_a_contact_that_reached_the_bank_later_is_not_seen() -> None:
    contacts = _contacts(("C1", "2026-06-20", "inbound", False)).assign(known_at=pd.Timestamp("2026-07-02"))
    assert not len(open_contact(contacts, AS_OF, Limits()).words)
    assert len(open_contact(contacts.assign(known_at=pd.NaT), AS_OF, Limits()).words) == 1


def test_arrears_are_those_of_the_last_month_end_of_running_loans() -> None:
    loans = pd.DataFrame({
        "loan_id": ["late", "cured", "closed", "edge"], "customer_id": ["C1", "C2", "C3", "C4"],
        "closed_at": pd.to_datetime([None, None, "2026-06-15", None]),
    })  # fmt: skip
    months = pd.DataFrame({
        "loan_id": ["late", "late", "cured", "cured", "closed", "edge", "late"],
        "month_end": pd.to_datetime(["2026-05-31", "2026-06-30", "2026-05-31", "2026-06-30", "2026-05-31",
                                     "2026-06-30", "2026-07-31"]),
        "days_past_due": [0, 31, 60, 0, 90, 30, 0],
    })  # fmt: skip
    rule = arrears(loans, months, AS_OF, Limits())
    assert rule.words.to_dict() == {"C1": "31 days past due at 2026-06-30"}
    with pytest.raises(NotApplicable, match="no months of loans"):
        arrears(loans, None, AS_OF, Limits())


def test_credit_needs_a_probability_below_the_ceiling(customers: pd.DataFrame) -> None:
    known = pd.DataFrame({"customer_id": ["C1", "C2", "C2"], "default_probability": [0.1, 0.02, 0.11]})
    limits = Limits(credit_offers=["loan_rate"], max_default_probability=0.1)
    rule = default_probability(customers, known, limits)
    assert rule.words.to_dict() == {
        "C2": "probability of default 11.0% is above 10.0%", "C3": "no probability of default is known",
    }  # fmt: skip
    assert rule.concerns("loan_rate")
    assert not rule.concerns("deposit_rate")
    lenient = Limits(credit_offers=["loan_rate"], without_probability="accept")
    assert list(default_probability(customers, known, lenient).words.index) == ["C2"]
    assert set(default_probability(customers, None, limits).words) == {"no probability of default is known"}
    assert list(default_probability(customers, None, limits).words.index) == ["C1", "C2", "C3"]
    with pytest.raises(NotApplicable, match="no probabilities"):
        default_probability(customers, None, lenient)
    with pytest.raises(NotApplicable, match="no offer is named as credit"):
        default_probability(customers, known, Limits())
