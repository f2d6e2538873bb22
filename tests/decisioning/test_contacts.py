"""The contact list: ordered by what is at stake, timed, placed, and nobody on it who was set apart."""

import pandas as pd
import pytest

from afraz.decisioning.contacts import contact_list
from afraz.errors import DataError

from .conftest import AS_OF

STRIPS = pd.DataFrame({
    "customer_id": ["C1", "C2", "C3", "E1", "E2", "H1"],
    "strip": ["decided", "decided", "decided", "exploration", "exploration", "holdout"],
})  # fmt: skip


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["C2", "C1", "C3", "E1", "E2"], "offer": ["fee_waiver"] * 3 + ["loan_rate"] * 2,
        "channel": ["call", "call", "call", "letter", "letter"], "week": [2, 2, 2, 1, 1],
        "net_value": [5.0, 5.0, 9.0, 1.0, 2.0],
        "strip": ["decided", "decided", "control", "exploration", "exploration"],
        "arm": ["fee_waiver", "fee_waiver", "control", "loan_rate", "control"],
        "propensity": [0.9, 0.9, 0.1, 0.5, 0.5], "option_propensity": 1.0,
        "reason_1": ["pays many fees", "leaving", "x", "drawn", None],
    })  # fmt: skip


@pytest.fixture
def times() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["C1", "C2", "C3"], "channel": "call", "day": [0, 4, 2], "hour": [18, 9, 9], "confidence": 0.8,
    })  # fmt: skip


def test_the_list_is_ordered_timed_and_placed(rows, times, customers) -> None:
    contacts, withheld = contact_list(rows, customers, STRIPS, AS_OF, times=times, reasons=["reason_1"])
    shown = contacts[["customer_id", "priority", "week", "day", "hour", "branch_id"]].astype(object)
    assert shown.to_dict("records")[1:] == [
        {"customer_id": "C1", "priority": 1, "week": 2, "day": "Monday", "hour": 18, "branch_id": "B1"},
        {"customer_id": "C2", "priority": 2, "week": 2, "day": "Friday", "hour": 9, "branch_id": "B1"},
    ]  # fmt: skip
    by = contacts.set_index("customer_id")
    # the first of July 2026 is a Wednesday: week 2 runs from the 8th to the 14th
    assert by["contact_on"].dt.day.to_dict() == {"E1": 1, "C1": 13, "C2": 10}
    assert by.loc["C1", "expires_at"] == pd.Timestamp("2026-07-27")
    assert by.loc["E1", "expires_at"] == pd.Timestamp("2026-07-21")  # any day of its week, then 14 more
    assert pd.isna(by.loc["E1", "hour"])
    assert by.loc["C1", "campaign_id"] == "2026-07-01-fee_waiver"
    assert by.loc["C1", "reason_1"] == "leaving"
    assert set(withheld["customer_id"]) == {"C3", "E2"}
    assert withheld[["day", "hour", "contact_on", "expires_at"]].isna().all(axis=None)
    assert set(contacts) == {*withheld, "priority"}


def test_the_largest_net_value_comes_first_and_a_tie_is_settled_by_customer(rows, customers) -> None:
    worth = rows.assign(net_value=[8.0, 5.0, 9.0, 1.0, 2.0])
    for table, first in ((worth, "C2"), (rows, "C1")):
        contacts, _ = contact_list(table, customers, STRIPS, AS_OF)
        second_week = contacts[contacts["week"].eq(2)]
        assert second_week["priority"].tolist() == [1, 2]
        assert second_week["customer_id"].iloc[0] == first


def test_the_order_of_rows_does_not_matter_and_the_input_stays(rows, times, customers) -> None:
    before = rows.copy()
    one = contact_list(rows, customers, STRIPS, AS_OF, times=times)
    two = contact_list(rows.iloc[::-1], customers, STRIPS, AS_OF, times=times.iloc[::-1])
    for straight, turned in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(straight, turned)
    pd.testing.assert_frame_equal(rows, before)


def test_without_times_and_places_there_is_still_a_list(rows, customers) -> None:
    contacts, _ = contact_list(rows, customers[["customer_id"]], STRIPS, AS_OF)
    assert contacts[["day", "hour", "branch_id", "region_id"]].isna().all(axis=None)
    assert contacts["contact_on"].dt.day.tolist() == [1, 8, 8]


def test_a_campaign_without_a_name_gets_one_and_a_named_one_keeps_it(rows, customers) -> None:
    named = rows.assign(campaign_id=["P1", "P1", "P1", None, None])
    contacts, withheld = contact_list(named, customers, STRIPS, AS_OF)
    assert set(contacts["campaign_id"]) == {"P1", "2026-07-01-exploration-loan_rate"}
    assert set(withheld["campaign_id"]) == {"P1", "2026-07-01-exploration-loan_rate"}


def test_an_offer_that_ends_earlier_ends_the_contact(rows, customers) -> None:
    ends = rows.assign(expires_at=pd.Timestamp("2026-07-10"))
    contacts, _ = contact_list(ends, customers, STRIPS, AS_OF)
    assert contacts["expires_at"].eq(pd.Timestamp("2026-07-10")).all()
    with pytest.raises(DataError, match="2 contacts would be made after their offer ends"):
        contact_list(rows.assign(expires_at=pd.Timestamp("2026-07-08")), customers, STRIPS, AS_OF)


def test_who_was_set_apart_is_refused(rows, customers) -> None:
    held = rows.assign(customer_id=["C2", "H1", "C3", "E1", "E2"])
    with pytest.raises(DataError, match="1 rows are of customers in the holdout"):
        contact_list(held, customers, STRIPS, AS_OF)
    both = rows.assign(strip=["decided", "decided", "control", "decided", "exploration"])
    with pytest.raises(DataError, match="1 rows have another strip"):
        contact_list(both, customers, STRIPS, AS_OF)
    drawn = rows.assign(strip=["exploration", "decided", "control", "exploration", "exploration"])
    with pytest.raises(DataError, match="1 rows have another strip"):
        contact_list(drawn, customers, STRIPS, AS_OF)


def test_faulty_rows_are_refused(rows, customers) -> None:
    with pytest.raises(DataError, match="lack 'net_value'"):
        contact_list(rows.drop(columns="net_value"), customers, STRIPS, AS_OF)
    with pytest.raises(DataError, match="lack 'reason_9'"):
        contact_list(rows, customers, STRIPS, AS_OF, reasons=["reason_9"])
    with pytest.raises(DataError, match="1 rows have no week"):
        contact_list(rows.assign(week=[2, 2, 0, 1, 1]), customers, STRIPS, AS_OF)
    with pytest.raises(DataError, match="1 rows repeat customer and campaign"):
        contact_list(rows.assign(customer_id=["C2", "C2", "C3", "E1", "E2"]), customers, STRIPS, AS_OF)


def test_an_explored_offer_is_a_campaign_of_its_own_with_its_own_control(rows, customers) -> None:
    contacts, withheld = contact_list(rows, customers, STRIPS, AS_OF)
    ids = pd.concat([contacts, withheld]).set_index("customer_id")["campaign_id"]
    assert ids["E1"] == ids["E2"] == "2026-07-01-exploration-loan_rate"
    assert ids["C1"] == ids["C3"] == "2026-07-01-fee_waiver"
    assert "E2" not in set(contacts["customer_id"])
    same = rows.assign(offer="fee_waiver", arm=["fee_waiver", "fee_waiver", "control", "fee_waiver", "control"])
    contacts, _ = contact_list(same, customers, STRIPS, AS_OF)
    assert contacts.groupby("campaign_id")["strip"].unique().map(list).to_dict() == {
        "2026-07-01-exploration-fee_waiver": ["exploration"], "2026-07-01-fee_waiver": ["decided"]}  # fmt: skip
