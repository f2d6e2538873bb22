"""Best times: a planted rhythm is found, noise is not believed, and nothing outside the opening hours is said."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from afraz.decisioning.rhythm import OPENINGS, Opening, best_times, moments, openings
from afraz.errors import ParamsError

AS_OF = dt.date(2026, 7, 1)
CALL = {"call": Opening(range(6), 9, 20, ("phone", "mobile"))}


def _seen(rng: np.random.Generator, customer: str, n: int, share: float) -> pd.DataFrame:
    """Draw ``n`` events, a share of them on Tuesdays at 18 h, the others anywhere in the open hours."""
    own = rng.random(n) < share
    return pd.DataFrame({
        "customer_id": customer, "source": "mobile", "day": np.where(own, 1, rng.integers(0, 6, n)),
        "hour": np.where(own, 18, rng.integers(9, 20, n)), "events": 1,
    })  # fmt: skip


def test_a_planted_rhythm_is_found_and_noise_is_not_believed() -> None:
    rng = np.random.default_rng(3)
    regular = [f"R{i}" for i in range(40)]
    random = [f"N{i}" for i in range(400)]
    seen = pd.concat([*(_seen(rng, c, 60, 0.5) for c in regular), *(_seen(rng, c, 60, 0) for c in random)])
    found = best_times(seen, pd.Series([*regular, *random]), CALL).set_index("customer_id")
    assert (found.loc[regular, "day"].eq(1) & found.loc[regular, "hour"].eq(18)).mean() > 0.95
    assert found.loc[regular, "confidence"].median() > 0.99
    assert found.loc[random, "confidence"].median() < 0.9
    assert found.loc[random, "confidence"].quantile(0.95) < found.loc[regular, "confidence"].quantile(0.2)


def test_without_events_the_population_decides_and_confidence_is_low() -> None:
    rng = np.random.default_rng(4)
    seen = _seen(rng, "R", 500, 0.3)
    found = best_times(seen, pd.Series(["R", "silent"]), CALL).set_index("customer_id")
    assert found.loc["silent", ["day", "hour", "events"]].tolist() == [1, 18, 0]
    assert found.loc["silent", "confidence"] < found.loc["R", "confidence"]


def test_few_events_lean_on_the_population() -> None:
    rng = np.random.default_rng(5)
    crowd = _seen(rng, "R", 2000, 0.3)
    few = pd.DataFrame({"customer_id": ["F"] * 2, "source": "mobile", "day": 4, "hour": 10, "events": [1, 1]})
    many = few.assign(customer_id="M", events=40)
    found = best_times(pd.concat([crowd, few, many]), pd.Series(["F", "M"]), CALL).set_index("customer_id")
    assert found.loc["F", ["day", "hour"]].tolist() == [1, 18]
    assert found.loc["M", ["day", "hour"]].tolist() == [4, 10]


def test_nothing_is_said_outside_the_opening_hours_or_of_other_sources() -> None:
    seen = pd.DataFrame({
        "customer_id": "C1", "source": ["mobile", "mobile", "atm", "mobile"], "day": [6, 2, 3, 2],
        "hour": [12, 22, 12, 15], "events": [99, 99, 99, 1],
    })  # fmt: skip
    found = best_times(seen, pd.Series(["C1"]), CALL).iloc[0]
    assert (found["day"], found["hour"], found["events"]) == (2, 15, 1)
    assert len(best_times(seen, pd.Series(["C1"]), {})) == 0


def test_moments_are_counted_in_local_time_as_known_then() -> None:
    transactions = pd.DataFrame({
        "customer_id": "C1", "kind": ["purchase", "purchase", "fee", "salary", "purchase", "purchase"],
        "channel": ["pos", "pos", "pos", "automatic", "pos", "pos"],
        "booked_at": pd.to_datetime(["2026-06-28 22:40", "2026-06-21 22:50", "2026-06-21 22:50", "2026-06-21 22:50",
                                     "2026-07-01 00:00", "2026-06-21 22:50"]),
        "known_at": pd.to_datetime([None, "2026-06-22", "2026-06-22", "2026-06-22", "2026-07-01", "2026-07-02"]),
    })  # fmt: skip
    contacts = pd.DataFrame({
        "customer_id": "C1", "channel": "phone", "direction": ["inbound", "outbound"],
        "started_at": pd.to_datetime(["2026-06-22 10:00", "2026-06-22 10:00"]),
    })  # fmt: skip
    tables = {"transactions": ibis.memtable(transactions), "contacts": ibis.memtable(contacts)}
    found = moments(tables, AS_OF, utc_offset_minutes=210)
    assert found.to_dict("records") == [
        {"customer_id": "C1", "source": "phone", "day": 0, "hour": 13, "events": 1},
        {"customer_id": "C1", "source": "pos", "day": 0, "hour": 2, "events": 2},
    ]
    alone = moments({"transactions": tables["transactions"]}, AS_OF, days=7)
    assert alone.to_dict("records") == [{"customer_id": "C1", "source": "pos", "day": 6, "hour": 22, "events": 1}]


def test_opening_hours_from_parameters_replace_the_usual_ones() -> None:
    found = openings({"call": {"days": [0], "first_hour": 10, "last_hour": 12, "sources": ["phone"]}})
    assert found["call"].cells() == ((0,), (10, 11))
    assert found["branch"] == OPENINGS["branch"]
    with pytest.raises(ParamsError, match="0 <= first_hour < last_hour <= 24, not 20 and 9"):
        Opening([0], 20, 9, ["phone"])
    with pytest.raises(ParamsError, match="sources is empty"):
        Opening([0], 9, 20, [])
    with pytest.raises(ParamsError, match="pseudo_count is a positive number"):
        best_times(pd.DataFrame(), pd.Series(["C1"]), CALL, pseudo_count=0)
