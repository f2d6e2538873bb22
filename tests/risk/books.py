"""Small books and units for tests of risk."""

from typing import Any

import numpy as np
import pandas as pd

from afraz.risk.positions import positions
from afraz.risk.units import Terms

TERMS = Terms("2026-07-01", 365, "XTS")


def rows(unit: str = "credit", n: int = 500, **given: Any) -> pd.DataFrame:
    """Equal positions, unless told otherwise."""
    told = {"exposure": 1.0, "probability": 0.02, "severity": 1.0, "method": "stated", **TERMS.told(), **given}
    return positions(unit, [f"{unit}-{i:05d}" for i in range(n)], **told)


def frames(seed: int = 7, n: int = 400) -> dict[str, pd.DataFrame]:
    """What all units read, drawn."""
    rng = np.random.default_rng(seed)
    who = [f"C{i:04d}" for i in range(n)]
    p = rng.uniform(0.005, 0.06, n)
    book = pd.DataFrame({
        "loan_id": [f"L{i:04d}" for i in range(n)], "customer_id": who, "balance": rng.lognormal(8, 1, n).round(2),
        "applied_on": pd.Timestamp("2026-01-15") - pd.to_timedelta(rng.integers(0, 700, n), "D"),
        "default_probability": p, "application_probability": p * rng.uniform(0.5, 2, n),
        "loss_given_default": 0.45, "days_past_due": np.where(rng.random(n) < 0.03, 35.0, 0.0),
        "remaining_months": rng.integers(1, 48, n).astype(float), "in_default": rng.random(n) < 0.02,
    })  # fmt: skip
    return {
        "credit_book": book,
        "customers": pd.DataFrame({"customer_id": who, "region_id": rng.choice(["R1", "R2", "R3"], n, p=[0.6, 0.3, 0.1])
                                   }),
        "loans": pd.DataFrame({"loan_id": book["loan_id"], "purpose": rng.choice(["car", "business"], n)}),
        "churn_scores": pd.DataFrame({"customer_id": who, "leave_30": 0.01, "leave_90": rng.uniform(0.01, 0.1, n)}),
        "value_scores": pd.DataFrame({"customer_id": who, "expected_margin_12m": rng.normal(200, 150, n)}),
        "balances": pd.DataFrame({"customer_id": who, "balance": rng.normal(5000, 4000, n)}),
        "contacts_by_topic": pd.DataFrame({"topic": ["card", "fees"], "contacts": [900.0, 500.0],
                                           "unresolved": [90.0, 150.0], "days": 365}),
    }  # fmt: skip
