"""A small bank whose contacts are known: two groups of customers, a trial of calls, and desks that open at eight."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from afraz.models.support.inputs import SupportInputs

START, UNTIL = pd.Timestamp("2025-01-06"), pd.Timestamp("2026-07-06")
DATES = [pd.Timestamp(day) for day in ("2026-01-06", "2026-04-06", "2026-07-06")]


def _contacts(rng: np.random.Generator, n: int, days: int, called: np.ndarray, drawn_at: int) -> pd.DataFrame:
    often = np.arange(n) % 3 == 0
    rate = rng.gamma(3.0, 1 / 3.0, n) * np.where(often, 5.0, 1.0) / 365
    who = np.repeat(np.arange(n), rng.poisson(rate * days))
    day = rng.integers(0, days, len(who))
    avoided = called[who] & (day >= drawn_at) & (day < drawn_at + 30) & (rng.random(len(who)) < 0.4)
    who, day = who[~avoided], day[~avoided]
    hour = rng.choice(np.arange(8, 18), len(who))
    at = START + pd.to_timedelta(day, "D") + pd.to_timedelta(hour * 3600 + rng.integers(0, 3600, len(who)), "s")
    abandoned = rng.random(len(who)) < 0.1
    digital = often[who] & (rng.random(len(who)) < 0.9)
    return pd.DataFrame({
        "contact_id": [f"k{i}" for i in range(len(who))], "customer_id": [f"c{i:04d}" for i in who], "started_at": at,
        "channel": np.where(digital, "chat", "phone"), "topic": np.where(digital, "app", "account"),
        "agent_id": np.where(abandoned, None, [f"g{i}" for i in rng.integers(0, 5, len(who))]),
        "wait_seconds": rng.exponential(60, len(who)).round(),
        "duration_seconds": np.where(abandoned, np.nan, rng.gamma(2.0, 120, len(who)).round()),
        "resolved": pd.array(np.where(abandoned, None, rng.random(len(who)) < 0.8), dtype="object"),
        "satisfaction": np.where(rng.random(len(who)) < 0.5, rng.integers(1, 6, len(who)), np.nan),
    })  # fmt: skip


@pytest.fixture(scope="session")
def make_bank() -> Callable[..., SupportInputs]:
    def make(n: int = 1_500, seed: int = 1) -> SupportInputs:
        rng = np.random.default_rng(seed)
        days = (UNTIL - START).days
        drawn_at = (pd.Timestamp("2026-05-01") - START).days
        called = rng.random(n) < 0.5
        names = [f"c{i:04d}" for i in range(n)]
        contacts = _contacts(rng, n, days, called, drawn_at)
        customers = pd.concat([pd.DataFrame({
            "customer_id": names, "as_of": day, "contacts_90d": 0.0, "unresolved_90d": 0.0,
            "digital_share_90d": rng.random(n), "last_price_sensitivity": np.where(rng.random(n) < 0.4, 0.5, np.nan),
            "phase": "steady",
        }) for day in DATES], ignore_index=True)  # fmt: skip
        return SupportInputs(
            contacts=contacts, customers=customers, start=START, until=UNTIL,
            joined=pd.Series(START - pd.Timedelta(days=400), index=names),
            places=pd.DataFrame({"customer_id": names, "branch_id": np.where(np.arange(n) % 2, "B1", "B2")}),
            assigned=pd.DataFrame({"customer_id": names, "assigned_at": START + pd.Timedelta(days=drawn_at),
                                   "arm": np.where(called, "call", "control")}),
            outcomes=pd.DataFrame({"customer_id": names, "as_of": DATES[1], "leaves": (rng.random(n) < 0.05) * 1.0,
                                   "margin": np.nan}),
            strata=("phase",),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def bank(make_bank: Callable[..., SupportInputs]) -> SupportInputs:
    return make_bank()
