"""The lasting holdout: the effect that was planted, no more false alarms than stated, nothing before its time."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from afraz import catalog
from afraz.decisioning.feedback.holdout import always_held, holdout_effect, lasting_holdout
from afraz.decisioning.strips import set_apart
from afraz.errors import DataError
from afraz.reports.pages import management_page

BEGAN = date(2025, 7, 1)
NOTHING = pd.DataFrame({"customer_id": pd.Series(dtype=str), "assigned_at": pd.Series(dtype="datetime64[us]"),
                        "delivered_at": pd.Series(dtype="datetime64[us]")})  # fmt: skip


def drawn(seed: int, effect: float = 0.0, n: int = 4000, held: float = 0.05) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members and margins; customers differ a lot, and stay as they are. A tenth came in the year before."""
    rng = np.random.default_rng(seed)
    members = pd.DataFrame({"customer_id": [f"C{i}" for i in range(n)], "held": rng.random(n) < held})
    level = rng.gamma(1.0, 100.0, n)
    half = level + 20 * rng.normal(size=n) + effect * ~members["held"]
    later = half + level + 20 * rng.normal(size=n) + effect * ~members["held"]
    known = members[["customer_id"]].assign(as_of=date(2024, 7, 1), margin_6m=level, margin_12m=2 * level)
    now = members[["customer_id"]].assign(as_of=BEGAN, margin_6m=half, margin_12m=later)
    return members, pd.concat([known[rng.random(n) < 0.9], now], ignore_index=True)


def test_the_planted_effect_lies_in_the_interval_and_the_year_before_makes_it_narrow() -> None:
    inside, bare, told = 0, [], []
    for seed in range(60):
        members, margins = drawn(seed, effect=15.0)
        found = holdout_effect(members, margins, began=BEGAN).set_index("outcome").loc["margin_6m"]
        inside += found["low"] < 15.0 < found["high"]
        bare.append(found["mean_others"] - found["mean_held"])
        told.append(found["effect"])
    assert inside >= binom.ppf(0.005, 60, 0.975)
    assert np.std(told) < np.std(bare) / 2
    assert np.mean(told) == pytest.approx(15.0, abs=3 * np.std(told) / 60**0.5)


def test_without_an_effect_both_looks_together_raise_no_more_alarms_than_stated() -> None:
    alarms = sum(
        (holdout_effect(*drawn(seed), began=BEGAN, level=0.05)["verdict"] != "undecided").any() for seed in range(300)
    )
    assert alarms <= binom.ppf(0.995, 300, 0.05)


def test_an_effect_of_the_stated_size_is_found_in_four_of_five_cases() -> None:
    planned = np.mean([holdout_effect(*drawn(s), began=BEGAN)["smallest_found"].iloc[0] for s in range(20)])
    found = [holdout_effect(*drawn(s, effect=planned), began=BEGAN)["verdict"].iloc[0] for s in range(200)]
    assert np.mean([word == "brings more" for word in found]) == pytest.approx(0.8, abs=0.1)


def test_harm_is_said() -> None:
    assert holdout_effect(*drawn(1, effect=-40.0), began=BEGAN)["verdict"].tolist() == ["brings less", "brings less"]


def test_a_window_that_is_not_over_has_no_look_and_customers_without_a_booking_count_as_0() -> None:
    members, margins = drawn(2)
    gone = margins["as_of"].eq(BEGAN) & margins["customer_id"].isin(["C1", "C2"])
    half = margins[~gone].assign(margin_12m=lambda t: t["margin_12m"].where(t["as_of"] < BEGAN))
    found = holdout_effect(members, half, began=BEGAN)
    assert found["outcome"].tolist() == ["margin_6m"]
    assert found["ends_on"].tolist() == ["2025-12-29"]
    assert found[["held", "others"]].sum(axis=1).tolist() == [4000]


@pytest.mark.parametrize("held", [2, 5])
def test_few_who_are_held_out_raise_no_more_alarms_than_stated(held: int) -> None:
    alarms = 0
    for seed in range(200):
        members, margins = drawn(seed, n=500)
        found = holdout_effect(members.assign(held=members.index < held), margins, began=BEGAN, level=0.1)
        alarms += found["verdict"].iloc[0] != "undecided"
    assert alarms <= binom.ppf(0.995, 200, 0.05)


@pytest.mark.parametrize(("held", "whom"), [(False, "nobody"), (True, "everybody")])
def test_no_holdout_is_an_error_that_says_where_to_state_it(held: bool, whom: str) -> None:
    members, margins = drawn(3)
    with pytest.raises(DataError, match=f"{whom} of 4,000 customers is in the holdout: .* of params/decide.yaml"):
        holdout_effect(members.assign(held=held), margins, began=BEGAN)


def test_customers_whose_membership_changed_with_the_share_are_left_out() -> None:
    ids = pd.Series([f"C{i}" for i in range(5000)])
    rounds = [set_apart(ids, holdout=share, exploration=0.02, round_key=str(share)) for share in (0.02, 0.05, 0.03)]
    found = always_held([*rounds, rounds[0][rounds[0]["customer_id"] != "C7"]]).set_index("customer_id")["held"]
    strip = {share: each.set_index("customer_id")["strip"] for share, each in zip((0.02, 0.05), rounds, strict=False)}
    assert set(found.index[found]) == set(ids[strip[0.02].loc[ids].eq("holdout").to_numpy()])
    assert set(found.index[~found]) == set(ids[strip[0.05].loc[ids].ne("holdout").to_numpy()])


def keep_rounds(customers: int = 600) -> pd.DataFrame:
    """A bank with bookings each month, and rounds decided on two days."""
    ids = pd.Series([f"C{i:03d}" for i in range(customers)])
    pd.DataFrame({"customer_id": ids, "joined_at": pd.Timestamp("2023-01-01")}).to_parquet(catalog.target("customers"))
    months = pd.date_range("2024-07-15", "2026-06-15", freq="MS") + pd.Timedelta(days=14)
    rows = pd.DataFrame({"customer_id": ids}).merge(pd.DataFrame({"booked_at": months}), how="cross")
    strips = set_apart(ids, holdout=0.2, exploration=0.02, round_key="x")
    others = rows["customer_id"].map(strips.set_index("customer_id")["strip"]).ne("holdout")
    more = others & (rows["booked_at"] >= pd.Timestamp(BEGAN))
    noise = np.random.default_rng(0).normal(size=len(rows))
    rows["margin"] = [Decimal(f"{x:.2f}") for x in 10 + 2 * more + noise]
    rows = rows.assign(amount=Decimal("-5.00"), kind="purchase", category="a")
    rows.to_parquet(catalog.target("transactions"))
    for day in ("2025-07-01", "2025-08-01"):
        catalog.save("round_strips", strips, as_of=day)
    return strips


def test_from_kept_rounds_and_canonical_tables_to_the_page(workspace: Path) -> None:
    strips = keep_rounds()
    held = int(strips["strip"].eq("holdout").sum())
    early = lasting_holdout("2025-10-01", NOTHING, level=0.05)
    assert early.table.empty
    assert early.said == (
        f"{held} customers get no campaign since 2025-07-01, {600 - held} others may; the next look is on 2025-12-29"
    )
    half = lasting_holdout("2026-01-01", NOTHING, level=0.05)
    assert half.table[["days", "held", "verdict"]].to_numpy().tolist() == [[181, held, "brings more"]]
    assert half.table["low"].iloc[0] < 12.0 < half.table["high"].iloc[0]  # six bookings of 2 more
    assert half.looks()["margin_6m"]["verdict"] == "brings more"
    assert half.said.endswith("the next look is on 2026-07-01")
    first = strips.loc[strips["strip"].eq("holdout"), "customer_id"].iloc[:3]
    got = pd.DataFrame({"customer_id": first, "assigned_at": pd.Timestamp("2025-09-01"),
                        "delivered_at": [pd.Timestamp("2025-09-02"), pd.NaT, pd.Timestamp("2025-09-02")]})  # fmt: skip
    whole = lasting_holdout("2026-07-01", got, level=0.05)
    assert whole.table["days"].tolist() == [181, 365]
    assert whole.said.endswith("; 2 of the holdout were contacted all the same, which makes the effect look smaller")
    page = management_page(
        pd.DataFrame(columns=["campaign_id", "name", "starts_at", "no_estimate", "remarks", "basis", "assigned",
                              "control", "delivered", "reached"]),
        pd.DataFrame(columns=["cut", "outcome", "week", "low", "high", "part"]),
        pd.DataFrame(columns=["cut", "part", "verdict", "effect", "low", "high", "basis", "assigned", "control",
                              "delivered", "reached", "pays"]),
        pd.DataFrame({"discovery": []}), whole.table, as_of="2026-07-01", level=0.05, worthwhile=0.02, rejected=0,
        currency="XTS", holdout=whole.said,
    ).html  # fmt: skip
    assert "181 days, to 2025-12-29" in page
    assert "brings more" in page
    assert whole.said in page


def test_before_the_first_round_the_holdout_is_not_compared(workspace: Path) -> None:
    catalog.save("round_strips", set_apart(pd.Series(["a"]), holdout=0.1, exploration=0.1, round_key="x"),
                 as_of="2026-07-01")  # fmt: skip
    found = lasting_holdout("2026-07-01", NOTHING, level=0.05)
    assert found.table.empty
    assert found.said.startswith("no round was decided before 2026-07-01")


def decided_again(strips: pd.DataFrame, held: int) -> pd.DataFrame:
    """The same customers, of whom the first ``held`` are held out."""
    return strips.assign(strip=np.where(np.arange(len(strips)) < held, "holdout", "decided"))


@pytest.mark.parametrize("held", [0, 1])
def test_without_a_holdout_it_is_said_and_nothing_fails(workspace: Path, held: int) -> None:
    strips = keep_rounds()
    for day in ("2025-07-01", "2025-08-01"):
        catalog.save("round_strips", decided_again(strips, held), as_of=day)
    found = lasting_holdout("2026-07-01", NOTHING, level=0.05)
    assert found.table.empty
    assert catalog.to_json(found.looks()) == "{}\n"
    words = "1 of 600 customers were held out in every round since 2025-07-01"
    assert found.said.startswith(words if held else "nobody was held out in a round before 2026-07-01")


def test_a_holdout_is_compared_from_its_first_round_and_still_when_it_has_ended_after_a_year(workspace: Path) -> None:
    strips = keep_rounds()
    held = int(strips["strip"].eq("holdout").sum())
    for day in ("2025-06-01", "2026-07-01"):
        catalog.save("round_strips", decided_again(strips, 0), as_of=day)
    later = pd.DataFrame({"customer_id": strips["customer_id"], "assigned_at": pd.Timestamp("2026-07-02"),
                          "delivered_at": pd.Timestamp("2026-07-03")})  # fmt: skip
    found = lasting_holdout("2026-08-01", later, level=0.05)
    assert found.table["held"].tolist() == [held, held]
    assert found.said == f"{held} customers get no campaign since 2025-07-01, {600 - held} others may"
    ended = lasting_holdout("2026-08-01", later.assign(assigned_at=pd.Timestamp("2026-06-30")), level=0.05)
    assert f"; {held} of the holdout were contacted" in ended.said


def test_customers_with_an_account_and_no_booking_yet_count_with_what_they_bring(workspace: Path) -> None:
    strips = keep_rounds()
    rows = pd.read_parquet(catalog.path("transactions"))
    asleep = rows["customer_id"].isin(strips["customer_id"].iloc[::2]) & (rows["booked_at"] < pd.Timestamp(BEGAN))
    rows[~asleep].to_parquet(catalog.target("transactions"))
    opened = pd.DataFrame({"account_id": strips["customer_id"], "customer_id": strips["customer_id"],
                           "opened_at": pd.Timestamp("2023-01-01"), "closed_at": pd.NaT})  # fmt: skip
    opened.astype({"closed_at": "datetime64[us]"}).to_parquet(catalog.target("accounts"))
    found = lasting_holdout("2026-01-01", NOTHING, level=0.05).table
    assert found[["mean_held", "mean_others"]].iloc[0].tolist() == pytest.approx([60.0, 72.0], abs=1.0)
