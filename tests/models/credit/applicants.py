"""Applications for loans whose log-odds of default are planted, for the tests of the credit model."""

import numpy as np
import pandas as pd

INPUTS = ("late_months", "income", "debt_share", "purpose", "noise")
OUTCOMES = ("amount", "decision", "granted", "passed", "at_random", "granted_at", "default_at", "closed_at", "cohort")
PROTECTED = ("gender", "age_years")
QUICK = {"n_trials": 2, "folds": 3, "max_rounds": 40, "patience": 10, "bootstrap": 20, "leak_features": 0}
COLUMNS = {"outcomes": list(OUTCOMES), "protected": list(PROTECTED)}
END = "2026-01-01"


def applicants(rows: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Applications of two years with their outcome and the true probability ``p`` of default.

    ``late_months``, ``debt_share`` and the purpose "car" raise the risk, ``income`` lowers it, ``noise`` does nothing.
    The old policy declines who was late more than three months, one in ten of them is granted a loan by lot; windows
    of loans of the last 90 days have not ended.
    """
    rng = np.random.default_rng(seed)
    begin, end = pd.Timestamp("2024-01-01"), pd.Timestamp(END)
    as_of = begin + pd.to_timedelta(np.sort(rng.integers(0, (end - begin).days, rows)), unit="D").as_unit("us")
    late, income = rng.poisson(1.2, rows), rng.normal(size=rows).round(3)
    debt, purpose = rng.random(rows).round(3), rng.choice(["car", "house", "other"], rows)
    z = -2.8 + 0.6 * late - 0.7 * income + 1.4 * debt + 0.7 * (purpose == "car")
    p = 1 / (1 + np.exp(-z))
    bad = rng.random(rows) < p
    passed = late <= 3
    at_random = ~passed & (rng.random(rows) < 0.1)
    granted = passed | at_random
    known = granted & (as_of < end - pd.Timedelta(days=90))
    granted_at = pd.Series(as_of).where(granted)
    frame = pd.DataFrame({
        "loan_id": [f"l{i:05d}" for i in rng.permutation(rows)],
        "customer_id": [f"c{i:04d}" for i in rng.integers(0, int(rows * 0.8), rows)],
        "as_of": as_of, "late_months": late, "income": income, "debt_share": debt, "purpose": purpose,
        "noise": rng.normal(size=rows).round(3), "gender": rng.choice(["female", "male"], rows),
        "age_years": rng.integers(20, 70, rows).astype(float), "amount": rng.integers(1, 20, rows) * 500.0,
        "decision": np.where(granted, "granted", "declined"), "granted": granted, "passed": passed,
        "at_random": at_random, "granted_at": granted_at,
        "default_at": (granted_at + pd.to_timedelta(rng.integers(30, 90, rows), unit="D")).where(bad & known),
        "closed_at": pd.Series(pd.NaT, index=range(rows)),
        "cohort": pd.Series(as_of).dt.to_period("Q").astype(str), "defaults": np.where(known, bad, np.nan), "p": p,
    })  # fmt: skip
    frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
    return frame
