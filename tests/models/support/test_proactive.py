"""What a call before the call changes, and who gets one."""

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError, NotApplicable
from afraz.models.support.proactive import Effect, estimate_effect, proactive_list, spare_slots

DRAWN, UNTIL = pd.Timestamp("2026-01-10 09:00"), pd.Timestamp("2026-03-01")


def trial(n: int, seed: int, factor: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    expected = rng.gamma(2.0, 0.2, n)
    treated = rng.random(n) < 0.5
    who = np.repeat(np.arange(n), rng.poisson(expected * np.where(treated, factor, 1.0)))
    at = DRAWN + pd.to_timedelta(rng.uniform(0, 30 * 86_400, len(who)), "s")
    names = np.array([f"c{i}" for i in range(n)])
    assigned = pd.DataFrame({"customer_id": names, "assigned_at": DRAWN, "arm": np.where(treated, "call", "control"),
                             "expected": expected})  # fmt: skip
    outside = pd.DataFrame({"customer_id": names, "started_at": DRAWN + pd.Timedelta(days=31)})
    return assigned, pd.concat([pd.DataFrame({"customer_id": names[who], "started_at": at}), outside])


def test_a_planted_effect_is_found_and_contacts_outside_the_window_do_not_count() -> None:
    found = estimate_effect(*trial(20_000, 1, 0.75), UNTIL)
    assert found.low < 0.25 < found.high
    assert found.reduction == pytest.approx(0.25, abs=0.04)
    assert found.shown
    assert found.table["part"].tolist() == ["all", "expected low", "expected middle", "expected high"]
    assert found.table.loc[1:, "control"].sum() == found.table.loc[0, "control"]


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = [
        one.low <= 0.25 <= one.high for one in (estimate_effect(*trial(1_500, s, 0.75), UNTIL) for s in range(80))
    ]
    assert 0.88 <= np.mean(covered) <= 1.0
    false = [estimate_effect(*trial(1_500, s, 1.0), UNTIL).shown for s in range(80)]
    assert np.mean(false) <= 0.08


def test_everybody_assigned_counts_in_the_arm_of_the_draw() -> None:
    assigned, contacts = trial(4_000, 2, 0.75)
    one = estimate_effect(assigned, contacts, UNTIL)
    other = estimate_effect(assigned.assign(reached_at=pd.NaT), contacts, UNTIL)
    assert one.reduction == other.reduction, "whether they were reached does not matter"


def test_a_window_that_is_not_over_and_small_arms_are_not_applicable() -> None:
    assigned, contacts = trial(4_000, 2, 0.75)
    with pytest.raises(NotApplicable, match="needs 100 customers in each arm whose 30 days are over, got 0 and 0"):
        estimate_effect(assigned, contacts, DRAWN + pd.Timedelta(days=29))
    with pytest.raises(NotApplicable, match="contacts in both arms"):
        estimate_effect(assigned, contacts.head(0), UNTIL)
    with pytest.raises(DataError, match="assigned twice"):
        estimate_effect(pd.concat([assigned, assigned]), contacts, UNTIL)


def slots(n: int) -> pd.DataFrame:
    return pd.DataFrame({"weekday": [0, 1], "hour": [18, 19], "slots": [n, n]})


def listed(effect: Effect, n: int = 5, **more: float) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    customers = pd.DataFrame({"customer_id": [f"c{i:03d}" for i in range(200)], "expected_30": rng.gamma(1, 0.2, 200)})
    return proactive_list(customers, effect, slots(n), **{"most": 50, "control_share": 0.2, "seed": 1, **more})


SHOWN = Effect(0.25, 0.1, 0.4, 30, pd.DataFrame())


def test_the_list_takes_those_with_most_to_avoid_and_holds_some_back() -> None:
    found = listed(SHOWN)
    assert found["expected_30"].is_monotonic_decreasing
    assert (found["arm"] == "control").sum() == round(0.2 * len(found))
    assert (found["arm"] == "call").sum() <= 10, "no more calls than slots"
    called = found[found["arm"] == "call"]
    assert called["expected_avoided"].to_numpy() == pytest.approx(0.25 * called["expected_30"].to_numpy())
    assert called["hour"].notna().all()
    held = found[found["arm"] == "control"]
    assert held["hour"].isna().all()
    assert (held["expected_avoided"] == 0).all()


def test_no_other_choice_of_as_many_customers_avoids_more() -> None:
    found = listed(SHOWN, control_share=0.0)
    every = listed(SHOWN, n=100, most=200, control_share=0.0)
    rng = np.random.default_rng(0)
    best = found["expected_avoided"].sum()
    assert all(every["expected_avoided"].sample(len(found), random_state=rng).sum() <= best + 1e-12 for _ in range(50))


def test_nobody_is_listed_where_the_trial_showed_nothing_or_nobody_is_idle() -> None:
    assert listed(Effect(0.1, -0.1, 0.3, 30, pd.DataFrame())).empty
    assert listed(SHOWN, n=0).empty


def test_only_quiet_hours_in_which_one_may_call_are_used() -> None:
    hour = np.tile(np.arange(24), 7)
    staffing = pd.DataFrame({
        "weekday": np.repeat(np.arange(7), 24), "hour": hour, "calls": np.where(hour == 10, 20.0, 2.0),
        "occupancy": np.where(hour == 10, 0.8, 0.1), "open": True, "spare_hours": 1.0,
    })  # fmt: skip
    found = spare_slots(staffing, 240, use=0.5, first=9, last=12)
    assert set(found["hour"]) == {9, 11}
    assert set(found["weekday"]) == {0, 1, 2, 3, 4}
    assert (found["slots"] == 7).all()
