"""A small bank without faults, a real churn model fitted to it, and the evidence that its stage would leave."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from afraz.governance.checks import Evidence
from afraz.governance.entries import Entry, read_entries
from afraz.models.artifact import Artifact, folder_digest
from afraz.models.churn import ChurnResult, ChurnSettings, fit_churn
from afraz.models.explanation import explain_globally

REPO = Path(__file__).resolve().parents[2]
CHURN: Entry = read_entries(REPO / "mlflow" / "registry.yaml")["churn"]
SIGNS = {"silence": 1, "complaints": 1, "outflow": 1, "visits": -1, "products": -1, "tenure": -1}
FEATURES = (*SIGNS, "noise")
TEST_FROM = "2025-11-01"


def small_bank(customers: int = 1200, months: int = 12, seed: int = 0) -> pd.DataFrame:
    """Months of customers of whom six things are known that matter alike, and one that does not."""
    rng = np.random.default_rng(seed)
    usual = rng.normal(size=(customers, len(FEATURES)))
    frames = []
    for month in pd.date_range("2025-01-01", periods=months, freq="MS"):
        x = 0.8 * usual + 0.6 * rng.normal(size=usual.shape)
        frame = pd.DataFrame(x.round(4), columns=list(FEATURES))
        z = -2.8 + sum(0.6 * sign * frame[name] for name, sign in SIGNS.items())
        leaves = rng.random(customers) < 1 / (1 + np.exp(-z))
        phase = np.where(frame["visits"] > 0, "growing", "steady")
        frame = frame.assign(customer_id=[f"c{i:05d}" for i in range(customers)], as_of=month, phase=phase)
        frames.append(frame.assign(at_risk=True, censored=False, leaves_90=leaves.astype(float)))
    return pd.concat(frames, ignore_index=True)


def fitted(table: pd.DataFrame, **asked: Any) -> ChurnResult:
    """Fit as the stage does, with the simple candidate."""
    settings = {"candidates": ["logistic"], "horizons": [90], "bootstrap": 60, "test_dates": 2, **asked}
    return fit_churn(table, ChurnSettings(**settings))


def evidence_of(
    result: ChurnResult, table: pd.DataFrame, folder: Path, model: Artifact | None = None, **more: Any
) -> Evidence:
    """Save the model and gather what the stage would leave; ``model`` stands in for the one that was fitted."""
    model = model or result.model
    model.save(folder)
    why = explain_globally(model, table, groups="customer_id", when="as_of", rows=2000)
    inputs = [feature["name"] for feature in model.spec["features"]]
    sample = result.sample[["row", *inputs]].join(model.predict(result.sample[inputs]))
    stated: dict[str, Any] = {
        "metrics": {**result.metrics, "explanation": why.report},
        "sample": sample, "predictions": sample, "known_features": frozenset(FEATURES),
        "leak_audit": {"passed": True, "findings": []}, "signs": SIGNS, "tables": {**result.tables, **why.tables},
        "refused": pd.DataFrame({"table": ["accounts"], "read": [1000], "rejected": [7], "share": [0.007]}),
        "stated_digest": folder_digest(folder),
    }  # fmt: skip
    return Evidence("churn", folder, bounds=CHURN.bounds, **{**stated, **more})
