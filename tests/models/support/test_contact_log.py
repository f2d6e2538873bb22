"""Contacts fit to count."""

import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.models.support.contact_log import gaps, per_month, read_contacts

UNTIL = pd.Timestamp("2026-03-01")


def contacts(**more: object) -> pd.DataFrame:
    rows = pd.DataFrame({
        "contact_id": ["k1", "k2", "k3"], "customer_id": ["a", "a", "b"],
        "started_at": pd.to_datetime(["2026-01-05 10:00", "2026-01-07 10:00", "2026-01-05 12:00"]),
        "duration_seconds": [60.0, 90.0, 30.0], "wait_seconds": [5.0, 0.0, 9.0], "agent_id": ["g1", "g1", "g2"],
        "resolved": [False, True, True],
    })  # fmt: skip
    return rows.assign(**more)


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ({"duration_seconds": [60.0, -1.0, 30.0]}, "ends before it starts"),
        ({"ended_at": pd.to_datetime(["2026-01-05 11:00", "2026-01-07 09:59", "2026-01-05 12:01"])},
         "ends before it starts"),
        ({"wait_seconds": [5.0, -3.0, 9.0]}, "waits less than no time"),
        ({"customer_id": ["a", None, "b"]}, "has no customer"),
        ({"started_at": pd.to_datetime(["2026-01-05", None, "2026-01-05"])}, "has no time"),
        ({"started_at": pd.to_datetime(["2026-01-05", "2026-03-01", "2026-01-05"])}, "lies after the end of the data"),
    ],
)  # fmt: skip
def test_a_contact_that_cannot_be_is_named_counted_and_not_used(planted: dict[str, object], fault: str) -> None:
    log = read_contacts(contacts(**planted), UNTIL)
    assert len(log.rows) == 2
    assert log.refused == 1
    named = log.faults[log.faults["rows"] > 0]
    assert named[["fault", "rows", "example"]].values.tolist() == [[fault, 1, "k2"]]


def test_sound_contacts_stay_and_outbound_ones_are_left_aside() -> None:
    assert read_contacts(contacts(), UNTIL).refused == 0
    log = read_contacts(contacts(direction=["inbound", "outbound", None]), UNTIL)
    assert (len(log.rows), log.refused) == (2, 0)


def test_a_repeat_follows_an_unresolved_contact_within_a_week() -> None:
    log = read_contacts(contacts(), UNTIL)
    assert log.rows["repeat"].tolist() == [False, True, False]
    later = contacts(started_at=pd.to_datetime(["2026-01-05", "2026-01-13", "2026-01-05"]))
    assert not read_contacts(later, UNTIL).rows["repeat"].any()
    assert not read_contacts(contacts(resolved=[True, True, True]), UNTIL).rows["repeat"].any()


def test_a_call_that_met_nobody_was_abandoned() -> None:
    log = read_contacts(contacts(duration_seconds=[None, 90.0, None], agent_id=[None, "g1", "g2"]), UNTIL)
    assert log.rows["abandoned"].tolist() == [True, False, False]


def test_months_without_contacts_have_none() -> None:
    log = read_contacts(contacts(started_at=pd.to_datetime(["2025-11-02", "2026-02-03", "2026-02-04"])), UNTIL)
    found = per_month(log.rows, pd.Timestamp("2025-10-15"), UNTIL)
    assert found.set_index("month")["contacts"].to_dict() == {
        "2025-10": 0, "2025-11": 1, "2025-12": 0, "2026-01": 0, "2026-02": 2,
    }  # fmt: skip
    assert found["contacts"].sum() == len(log.rows)


def test_a_gap_is_censored_when_the_customer_leaves() -> None:
    log = read_contacts(contacts(), UNTIL)
    left = pd.Series({"b": pd.Timestamp("2026-01-15 12:00")})
    found = gaps(log.rows, UNTIL, left).set_index("customer_id")
    assert found.loc["b", "days"] == 10
    assert not found.loc["b", "came_back"]
    assert found.loc["a", "days"].tolist()[0] == 2


def test_a_table_without_times_is_refused() -> None:
    with pytest.raises(DataError, match="expected columns customer_id, started_at, missing started_at"):
        read_contacts(contacts().drop(columns="started_at"))
