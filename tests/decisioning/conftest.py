"""Campaigns with known effects; and a bank of three customers: nothing stands against C1, C2 and C3 get faults."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

AS_OF = dt.date(2026, 7, 1)


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["C1", "C2", "C3"], "marketing_consent": [True, True, True],
        "branch_id": ["B1", "B1", "B2"], "region_id": ["R1", "R1", "R2"],
    })  # fmt: skip


START = pd.Timestamp("2026-01-31 09:00")


def make_campaign(
    name: str = "P1", n: int = 20_000, control: float = 0.06, effect: float = 0.02, seed: int = 1, *,
    chance: float | np.ndarray = 0.5, reach: float = 0.6, start: pd.Timestamp = START, spread_days: int = 0,
    rate: np.ndarray | None = None, value: float = 40.0,
) -> pd.DataFrame:  # fmt: skip
    """Draw treatments: responses come evenly over 28 days, offers work only through those who are reached."""
    rng = np.random.default_rng(seed)
    chance = np.broadcast_to(chance, n)
    treated = rng.random(n) < chance
    assigned = start + pd.to_timedelta(rng.integers(0, spread_days + 1, n), "D")
    delivered = assigned + pd.to_timedelta(rng.integers(1, 24, n), "h")
    reached = treated & (rng.random(n) < reach)
    base = control if rate is None else rate
    responded = rng.random(n) < base + effect / reach * reached
    answer = assigned + pd.to_timedelta(rng.integers(2 * 24, 28 * 24, n), "h")
    return pd.DataFrame({
        "campaign_id": name, "customer_id": [f"C{i:06}" for i in range(n)], "assigned_at": assigned,
        "arm": np.where(treated, "card", "control"), "propensity": np.where(treated, chance, 1 - chance),
        "delivered_at": pd.Series(delivered).where(treated),
        "reached_at": pd.Series(delivered + pd.Timedelta(hours=1)).where(reached),
        "responded_at": pd.Series(answer).where(responded),
        "response_value": pd.Series(np.where(responded, value, np.nan)),
    })  # fmt: skip


def make_calendar(*names: str, **more: Any) -> pd.DataFrame:
    """Spell campaigns that cost 1 a contact and 5 an offer."""
    names = names or ("P1",)
    return pd.DataFrame({
        "campaign_id": names, "name": [f"campaign {n}" for n in names], "offer": "card", "channel": "sms",
        "starts_at": START, "ends_at": START + pd.Timedelta(days=30), "contact_cost": 1.0, "offer_cost": 5.0,
        "response_window_days": 28, **more,
    })  # fmt: skip


@pytest.fixture
def campaign() -> Callable[..., pd.DataFrame]:
    return make_campaign


@pytest.fixture
def calendar() -> Callable[..., pd.DataFrame]:
    return make_calendar
