"""Coded checks of a model: each passes, fails or does not apply, and says on what evidence."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

Status = Literal["pass", "fail", "not_applicable"]


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: the outputs of the stages that made the model.

    ``sample`` holds rows as scoring will meet them; ``predictions`` what the model said of them at training time.
    ``bounds`` are the limits that ``mlflow/registry.yaml`` states for this model.
    """

    model: str
    folder: Path
    metrics: Mapping[str, Any]
    bounds: Mapping[str, float]
    sample: pd.DataFrame
    predictions: pd.DataFrame
    known_features: frozenset[str]
    leak_audit: Mapping[str, Any] | None


@dataclass(frozen=True)
class Outcome:
    """What a check found."""

    code: str
    title: str
    severity: Literal["blocking", "warning"]
    status: Status
    evidence: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A coded check; ``explanation`` tells a reviewer what it guards against."""

    code: str
    title: str
    severity: Literal["blocking", "warning"]
    explanation: str
    look: Callable[[Evidence], tuple[Status, str]]

    def __call__(self, evidence: Evidence) -> Outcome:
        status, found = self.look(evidence)
        return Outcome(self.code, self.title, self.severity, status, found)


def _verdict(good: bool) -> Status:
    return "pass" if good else "fail"


def _quality(evidence: Evidence) -> tuple[Status, str]:
    auc = evidence.metrics["test"]["roc_auc"]
    bound = evidence.bounds["roc_auc_low"]
    return _verdict(auc["low"] >= bound), (
        f"ROC AUC {auc['value']:.3f} ({auc['low']:.3f}–{auc['high']:.3f}) on later months; "
        f"its lower end must reach {bound}"
    )


def _calibration(evidence: Evidence) -> tuple[Status, str]:
    test = evidence.metrics["test"]
    slope, ratio = test["calibration_slope"], test["observed_over_expected"]
    reach = evidence.bounds["calibration_tolerance"]
    # judged by the interval: a small test part must not fail a model for noise, nor pass one that is far off
    good = all(m["low"] <= 1 + reach and m["high"] >= 1 - reach for m in (slope, ratio))
    return _verdict(good), (
        f"slope {slope['value']:.2f} ({slope['low']:.2f}–{slope['high']:.2f}), "
        f"observed/expected {ratio['value']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f}); "
        f"both intervals must reach 1 ± {reach}"
    )


def _leaks(evidence: Evidence) -> tuple[Status, str]:
    audit = evidence.leak_audit
    if audit is None:
        return "not_applicable", "a ready table: no events to rebuild its features from"
    names = sorted({str(f.get("feature")) for f in audit["findings"] if not f.get("waived")})
    if audit["passed"]:
        return "pass", "no feature changes when the future is removed or altered"
    return "fail", f"features that change with the future: {', '.join(names)}"


def _single_feature(evidence: Evidence) -> tuple[Status, str]:
    suspects = evidence.metrics.get("suspected_leaks", [])
    names = ", ".join(str(s["feature"]) if isinstance(s, dict) else str(s) for s in suspects)
    return _verdict(not suspects), f"suspected: {names}" if suspects else "no single feature carries the model"


def _contract(evidence: Evidence) -> tuple[Status, str]:
    from ..models.contract import contract_findings

    findings = contract_findings(evidence.folder, evidence.sample)
    return _verdict(not findings), "; ".join(findings) if findings else (
        "missing, boolean, integer, unseen and shuffled inputs score; a missing column is refused by name; no pickle"
    )


def _same_predictions(evidence: Evidence) -> tuple[Status, str]:
    from ..models.artifact import load_artifact

    now = load_artifact(evidence.folder).predict(evidence.sample)
    then = evidence.predictions
    shared = [c for c in now.columns if c in then.columns]
    measured = [c for c in shared if pd.api.types.is_numeric_dtype(now[c])]
    gap = float(np.nan_to_num(np.abs(now[measured].to_numpy() - then[measured].to_numpy())).max(initial=0.0))
    named = [c for c in shared if c not in measured]
    differ = sum(int((now[c].fillna("") != then[c].fillna("")).sum()) for c in named)
    return _verdict(bool(shared) and gap <= 1e-12 and not differ), (
        f"largest difference {gap:.1e}{f', {differ} other segments' if named else ''} over {len(now)} rows, "
        f"{', '.join(shared)}"
    )


def _dictionary(evidence: Evidence) -> tuple[Status, str]:
    from ..models.artifact import load_artifact

    if not evidence.known_features:
        return "not_applicable", "a ready table brings no dictionary"
    used = [f["name"] for f in load_artifact(evidence.folder).spec["features"]]
    absent = [name for name in used if name not in evidence.known_features]
    return _verdict(
        not absent
    ), f"no dictionary row: {', '.join(absent)}" if absent else f"all {len(used)} features have one"


def _segments(evidence: Evidence) -> tuple[Status, str]:
    lenses = evidence.metrics.get("lenses")
    if not lenses:
        return "not_applicable", "the model assigns no segments"
    found = {name: lens["stability"] for name, lens in lenses.items() if lens.get("stability") is not None}
    bound = evidence.bounds["stability"]
    weak = [f"{name} ({value:.2f})" for name, value in found.items() if value < bound]
    said = ", ".join(f"{name} {value:.2f}" for name, value in found.items()) or "no lens of clusters has structure"
    return _verdict(not weak), f"adjusted Rand over bootstrap refits: {said}; each must reach {bound}"


def _forecast(evidence: Evidence) -> tuple[Status, str]:
    test = {
        h: m for h, m in evidence.metrics.get("test", {}).items() if isinstance(m, dict) and "rank_correlation" in m
    }
    if not test:
        return "not_applicable", "the model forecasts no margin"
    bound, reach = evidence.bounds["rank_correlation_low"], evidence.bounds["coverage_tolerance"]
    good, said = True, []
    for horizon, measures in test.items():
        rank, covered = measures["rank_correlation"], measures["coverage"]["overall"]
        good &= rank["low"] >= bound and abs(covered - evidence.metrics["level"]) <= reach
        said.append(f"{horizon}: rank correlation {rank['value']:.3f} ({rank['low']:.3f}–{rank['high']:.3f}), "
                    f"intervals cover {covered:.3f}")  # fmt: skip
    return _verdict(good), f"{'; '.join(said)}; asked are {bound} and {evidence.metrics['level']} ± {reach}"


def _effect(evidence: Evidence) -> tuple[Status, str]:
    test = evidence.metrics.get("test", {})
    if "uplift_at_30pct" not in test:
        return "not_applicable", "the model estimates no effect of an offer"
    uplift, gap, later = test["uplift_at_30pct"], test["treated_share_gap"], test["gain_at_50pct"]
    choice = evidence.metrics["choice"]
    gained = choice["learners"][choice["chosen"]]
    bound = evidence.bounds["treated_share_gap"]
    blind = gap["low"] <= bound and gap["high"] >= -bound
    # two later campaigns leave wide intervals: they must not contradict what all campaigns together show
    good = blind and gained["low"] > 0 and later["high"] > 0
    return _verdict(good), (
        f"lists gain {gained['policy_value']:.4f} ({gained['low']:.4f} to {gained['high']:.4f}) responses a customer, "
        f"cross-fitted; on later campaigns their first half {later['value']:.4f} ({later['low']:.4f} to "
        f"{later['high']:.4f}), their first 30 % respond {uplift['value']:+.4f} more with the offer; the share treated "
        f"among these is {gap['value']:+.3f} off ({gap['low']:+.3f} to {gap['high']:+.3f}) and must reach ±{bound}: a "
        f"score must not know who was treated. {choice['verdict']}"
    )


CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        Check("AFZ001", "Quality on later months", "blocking",
              "The model ranks customers of months that it has not seen better than the stated bound.", _quality),
        Check("AFZ002", "Calibration on later months", "blocking",
              "Probabilities mean what they say: decisions multiply them with money.", _calibration),
        Check("AFZ003", "Leak audit", "blocking",
              "No feature knows anything dated after its as_of.", _leaks),
        Check("AFZ004", "No feature carries the model alone", "warning",
              "A feature that is nearly the answer usually is the answer, recorded afterwards.", _single_feature),
        Check("AFZ005", "Artifact contract", "blocking",
              "The scoring job's inputs, odd ones included, score; wrong ones are refused by name.", _contract),
        Check("AFZ006", "Same predictions as at training", "blocking",
              "The folder that is registered is the model that was measured.", _same_predictions),
        Check("AFZ007", "Dictionary complete", "blocking",
              "Every input has a meaning that a reviewer and a branch employee can read.", _dictionary),
        Check("AFZ008", "Segments hold", "blocking",
              "Segments that a resample of the same customers would not find again are no segments.", _segments),
        Check("AFZ009", "Forecast of value on a later cohort", "blocking",
              "Customers are ranked by what they brought, and intervals hold what they promise.", _forecast),
        Check("AFZ010", "Effect of offers on later campaigns", "blocking",
              "Lists gain more than contacting nobody, and the score does not know who was treated.", _effect),
    )
}  # fmt: skip
