"""Subjects of dossiers for every kind of model, small enough to be made in every test."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.governance.checks import Outcome
from afraz.governance.dossier import Subject
from afraz.governance.gates import Entry
from afraz.models.artifact import Artifact, folder_digest, save_artifact

FEATURES = ("recency", "spend")


MEASURE = {"value": 0.8, "low": 0.7, "high": 0.9}
LINEAGE = {
    "inputs": {"data/features": "ab" * 32}, "notebook": "notebooks/41_churn.py", "notebook_sha256": "cd" * 32,
    "params": {"seed": 7, "lending": {"margin": 0.06}, "table": {}}, "params_sha256": "ef" * 32,
    "lock_sha256": "01" * 32,
}  # fmt: skip
EFFECTS = {
    "choice": {"chosen": "dr", "verdict": "the offer changes the response by +0.02 a customer", "learners": {}},
    "test": {"qini_auc": MEASURE, "treated_share_gap": MEASURE, "rows": 600},
    "trial": {"randomised": True, "why": "nothing speaks against a draw", "estimator": "stated propensities"},
    "outcomes": {"closing": {"verdict": "the offer changes the closing by +0.004"}},
}
METRICS: dict[str, dict[str, Any]] = {
    "churn": {
        "test": {"roc_auc": MEASURE, "rows": 600}, "test_by_output": {"leave_90": {"gini": MEASURE}},
        "candidates": {"chosen": "lightgbm", "logistic": {"roc_auc": MEASURE}},
        "population": {"rows": 600, "split": "out of time"}, "notes": ["holds_current: left out"],
        "calibration_method": {"leave_90": {"method": "beta", "gain": 0.01}},
        "tuning": {"trials": 2, "taken": "tuned", "parameters": {"max_depth": 4}},
        "baseline": {"what": "recency alone", "measure": "roc_auc", "baseline": MEASURE, "lead": MEASURE},
        "suspected_leaks": [{"feature": "spend", "kind": "alone", "value": 0.96, "limit": 0.95}],
    },
    "credit": {
        "test": {"roc_auc": MEASURE}, "drift": {"psi_score": 0.02},
        "fairness": {"gender": {"selection_rate_ratio": 0.97}, "note": "observed on granted loans only"},
    },
    "segmentation": {
        "customers": 600,
        "lenses": {"needs": {"kind": "kmeans", "segments": 2, "stability": 0.91, "confidence": 0.8,
                             "shares": {"needs_1": 0.6, "needs_2": 0.4},
                             "silence": {"warning": "silence is not random"}}},
        "months_flagged": {"months": 3, "needs": 1, "by_chance_alone": {"needs": 1}},
    },
    "value": {"level": 0.9, "test": {"margin_12m": {"rank_correlation": MEASURE, "cohort": "2025-07-01"}}},
    "promotion": EFFECTS,
}  # fmt: skip
_TRIALS = pd.DataFrame({"trial": [0, 1], "state": ["complete"] * 2, "loss": [0.3, 0.2], "best_so_far": [0.3, 0.2]})
_GRADES = pd.DataFrame({
    "grade": ["G1", "G2"], "band": ["0–1 %", "1–2 %"], "rows": [50, 50], "expected": [0.01, 0.02],
    "observed": [0.0, 0.04], "jeffreys_low": [0.0, 0.03], "jeffreys_high": [0.03, 0.08],
    "verdict": ["in line", "expected too low"],
})  # fmt: skip
_FAIRNESS = pd.DataFrame({"attribute": ["gender"] * 2, "group": ["f", "m"], "rows": [300, 300],
                          "selection_rate": [0.8, 0.82], "selection_rate_ratio": [0.97, 1.0]})  # fmt: skip
_LEARNERS = pd.DataFrame({"learner": ["dr", "random"], "policy_value": [0.01, 0.0], "low": [0.0, -0.01],
                          "high": [0.02, 0.01]})  # fmt: skip
_DECILES = pd.DataFrame({"decile": [1, 2], "customers": [50, 50], "predicted": [0.03, 0.01], "observed": [0.04, 0.05],
                         "low": [0.0, 0.02], "high": [0.08, 0.08]})  # fmt: skip
_CLUSTERS = pd.DataFrame({"lens": ["needs"] * 2, "clusterer": ["kmeans"] * 2, "clusters": [2, 3],
                          "stability": [0.9, 0.5], "chosen": [True, False]})  # fmt: skip
_PROFILE = pd.DataFrame({
    "lens": ["needs"] * 3, "segment": ["needs_1", "needs_1", "needs_2"], "name": ["borrows", "borrows", "saves"],
    "customers": [360, 360, 5], "share": [0.6, 0.6, 0.4], "what": ["recency", "spend", "recency"],
    "effect": [0.2, -1.5, 3.0],
})  # fmt: skip
_CUTOFFS = pd.DataFrame({"cutoff": [0.1, 0.2], "approval_rate": [0.5, 0.9], "bad_rate_expected": [0.02, 0.06],
                         "expected_profit": [5.0, 2.0]})  # fmt: skip
TABLES = {
    "churn": {"trials": _TRIALS, "phases": pd.DataFrame({"phase": ["growing"], "leave_90_expected": [0.02]}),
              "parts": pd.DataFrame({"kind": ["month"], "part": ["2026-03"], "rows": [9], "roc_auc": [0.8]}),
              "a_new_table": pd.DataFrame({"what": ["kept"], "n": [1]})},
    "credit": {"grades_test": _GRADES, "fairness": _FAIRNESS, "cutoffs": _CUTOFFS,
               "csi": pd.DataFrame({"feature": ["recency"], "psi": [0.3]}),
               "proxies_gender": pd.DataFrame({"feature": ["spend"], "auc": [0.6]})},
    "segmentation": {"evidence": _CLUSTERS, "profile": _PROFILE},
    "value": {},
    "promotion": {"learners": _LEARNERS, "calibration_by_decile": _DECILES},
}  # fmt: skip
_GAINS = {
    "churn": pd.DataFrame({"contacted": [0.0, 0.1, 1.0], "caught": [0.0, 0.4, 1.0]}),
    "promotion": pd.DataFrame({"score": ["dr"] * 3, "share_of_customers": [0.0, 0.3, 1.0],
                               "gained_per_customer": [0.0, 0.01, 0.02]}),
}  # fmt: skip
_CURVE = pd.DataFrame({"output": ["leave_90"] * 2, "bin": [1, 2], "rows": [300, 300], "expected": [0.1, 0.4],
                       "observed": [0.12, 0.6], "low": [0.08, 0.5], "high": [0.16, 0.7]})  # fmt: skip


def compared() -> SimpleNamespace:
    """A comparison with the champion, as the dossier reads it."""
    return SimpleNamespace(
        champion_version=2, champion_digest="fe" * 32, rows=600, customers=500, note="on the test part",
        measures=pd.DataFrame({"measure": ["roc_auc", "brier"], "champion": [0.78, 0.05], "challenger": [0.8, 0.05],
                               "difference": [0.02, 0.0], "low": [0.01, -0.01], "high": [0.03, 0.01],
                               "margin": [0.01, np.nan]}),
        migration=pd.DataFrame({"champion_decile": [1, 1, 3], "challenger_decile": [1, 2, 1],
                                "customers": [60, 30, 10]}),
        sides=pd.DataFrame({"top_share": [0.1], "stay": [50], "enter": [10], "leave": [10], "stay_rate": [0.4],
                            "enter_rate": [0.3], "leave_rate": [0.1]}),
        reasons=pd.DataFrame({"feature": ["recency"], "champion_rank": [2], "challenger_rank": [1]}),
    )  # fmt: skip


def _segments() -> Artifact:
    lens = {
        "name": "needs", "kind": "tiers", "columns": [{"name": "recency", "cuts": [0.0], "lower_is_better": False}],
        "segments": [{"id": "needs_2", "name": "saves", "lowest": 2.0},
                     {"id": "needs_1", "name": "borrows", "lowest": 1.0}],
    }  # fmt: skip
    features = [{"name": "recency", "type": "double"}]
    return Artifact({"format": 1, "model": "segmentation", "features": features, "lenses": [lens]}, {})


@pytest.fixture
def subject(tmp_path: Path, small_artifact: Callable[[int], tuple[Artifact, pd.DataFrame]]) -> Callable[..., Subject]:
    """Make the subject of a dossier: ``subject("credit", comparison=…)``, its run folder written to disk."""

    def make(kind: str = "churn", **changes: Any) -> Subject:
        run = tmp_path / f"run_{kind}"
        artifact, rows = small_artifact(0)
        sample = rows.assign(age_years=np.arange(len(rows)) % 60 + 18, row=range(len(rows)))
        if kind == "segmentation":
            artifact = _segments()
            sample = sample.assign(gender=["f", "m"] * (len(rows) // 2), **artifact.predict(sample))
        save_artifact(artifact, (run / "model"))
        sample.head(200).to_parquet(run / "sample.parquet")
        tables = {"tables": dict(TABLES[kind]), "curves": {}}
        if kind in _GAINS:
            tables["curves"]["gains"] = _GAINS[kind]
        if kind in ("churn", "credit"):
            tables["curves"]["calibration"] = _CURVE
            chance = artifact.predict(rows)["leave_90"]
            pd.DataFrame({"customer_id": [f"C{i:05}" for i in range(len(rows))], "label": (rows["recency"] > 0.5) * 1,
                          "as_of": pd.to_datetime(["2026-03-01", "2026-04-01"] * (len(rows) // 2)),
                          "leave_90": chance}).to_parquet(run / "predictions.parquet")  # fmt: skip
        if kind == "value":
            came = rows["spend"] * 100
            pd.DataFrame({"customer_id": [f"C{i:05}" for i in range(len(rows))], "realised": came,
                          "expected_margin_12m": came + 1, "expected_margin_12m_low": came - 9,
                          "expected_margin_12m_high": came + 9}).to_parquet(run / "predictions.parquet")  # fmt: skip
        for folder, found in tables.items():
            (run / folder).mkdir(exist_ok=True)
            for name, table in found.items():
                table.to_csv(run / folder / f"{name}.csv", index=False)
        entry = Entry(
            kind, "customer analytics", 1, 2, 365, "Who leaves.", "Not for credit.", ("AFZ001",), {"low": 0.6}
        )
        known = pd.DataFrame({
            "name": list(FEATURES), "family": "behaviour", "meaning": ["days since the last visit", "money spent"],
            "unit": ["days", "currency"], "window": "90 days", "type": "double", "low": "little", "high": "much",
        })  # fmt: skip
        values: dict[str, Any] = {
            "entry": entry, "version": 3, "digest": folder_digest(run / "model"),
            "outcomes": (Outcome("AFZ001", "Quality on later months", "blocking", "pass", "ROC AUC 0.80 (0.70–0.90)"),
                         Outcome("AFZ004", "No feature carries the model alone", "warning", "fail", "spend")),
            "metrics": METRICS[kind], "run": run, "provenance": LINEAGE, "dictionary": known,
            "label": "" if kind == "segmentation" else "A customer leaves.\n\nWithin 90 days.",
            "label_terms": {"horizons": [30, 60, 90]},
            "audit": {"customers": 300, "features": 2, "as_of": ["2026-06-01"], "findings": [], "passed": True,
                      "waived": [{"column": "customers.education", "reason": "changes seldom"}]},
        }  # fmt: skip
        return Subject(**(values | changes))

    return make


@pytest.fixture
def comparison() -> SimpleNamespace:
    return compared()
