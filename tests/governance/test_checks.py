"""Each planted fault is caught by the check meant for it, and by no other; a clean model trips none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afraz.errors import GateError
from afraz.governance.checks import CHECKS, Evidence
from afraz.governance.entries import Entry, read_entries
from afraz.governance.gates import asked_checks, review_checks, run_checks
from afraz.models.artifact import Artifact, folder_digest, load_artifact
from afraz.models.stability import psi

REPO = Path(__file__).resolve().parents[2]
FEATURES = ("recency", "spend")
Maker = Callable[[int], tuple[Artifact, pd.DataFrame]]


def _interval(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, small_artifact: Maker) -> Evidence:
    artifact, rows = small_artifact(0)
    folder = tmp_path_factory.mktemp("model") / "model"
    artifact.save(folder)
    sample = rows.head(50).join(artifact.predict(rows.head(50)))
    metrics = {
        "test": {
            "roc_auc": _interval(0.8),
            "calibration_slope": _interval(1.0),
            "observed_over_expected": _interval(1.0),
        },
        "suspected_leaks": [],
    }
    bounds = {"roc_auc_low": 0.65, "calibration_tolerance": 0.25}
    audit = {"passed": True, "findings": []}
    return Evidence("churn", folder, metrics, bounds, sample, sample, frozenset(FEATURES), audit)


# the contract test starts a process of its own; once is enough
QUICK = tuple(code for code in CHECKS if code != "AFZ005")


def _entry(codes: tuple[str, ...] = QUICK) -> Entry:
    return Entry("churn", "owner", 2, 1, 365, "purpose", "limits", codes, {})


def _failed(evidence: Evidence) -> list[str]:
    return [
        o.code for o in run_checks(_entry(), folder_digest(evidence.folder), evidence).outcomes if o.status == "fail"
    ]


def _with_test(evidence: Evidence, **measures: Any) -> Evidence:
    return replace(evidence, metrics={**evidence.metrics, "test": {**evidence.metrics["test"], **measures}})


def test_what_was_not_measured_does_not_apply_and_is_no_pass(clean: Evidence) -> None:
    gate = run_checks(_entry(), folder_digest(clean.folder), clean)
    assert gate.passed
    applied = {o.code for o in gate.outcomes if o.status == "pass"}
    assert applied == {"AFZ001", "AFZ002", "AFZ003", "AFZ004", "AFZ006", "AFZ007"}
    left = [o for o in gate.outcomes if o.code not in applied]
    assert {o.status for o in left} == {"not_applicable"}
    assert all(o.evidence for o in left)


def test_the_model_is_loaded_once_and_its_files_are_read_anew(clean: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    for place in ("check", "folder"):

        def load(folder: Path, place: str = place) -> Artifact:
            loaded.append(place)
            return load_artifact(folder)

        monkeypatch.setattr(f"afraz.governance.checks.{place}.load_artifact", load)
    fresh = replace(clean)  # what one piece of evidence has loaded is not carried to another
    assert run_checks(_entry(), folder_digest(clean.folder), fresh).passed
    assert sorted(loaded) == ["check", "folder"]


def test_checks_of_the_review_are_not_judged_in_the_stage(clean: Evidence) -> None:
    entry = _entry(tuple(CHECKS))
    judged = {o.code for o in run_checks(_entry(), "", clean).outcomes}
    assert judged.isdisjoint({"AFZ012", "AFZ022"})
    found = review_checks(entry, clean.folder, today=date(2026, 1, 1))
    assert [(o.code, o.status) for o in found] == [("AFZ012", "not_applicable"), ("AFZ022", "not_applicable")]
    assert "no other champion" in found[0].evidence


def test_every_check_has_a_page_that_says_what_it_is_and_every_page_its_check() -> None:
    pages = {page.stem: page.read_text("utf-8") for page in (REPO / "docs" / "checks").glob("*.md")}
    index = pages.pop("README")
    assert set(pages) == set(CHECKS)
    for code, check in CHECKS.items():
        assert pages[code].startswith(f"# {code} {check.title}\n\nSeverity: {check.severity}.")
        for part in ("## What it guards against", "## What it measures", "## Bound", "## When it fails"):
            assert part in pages[code], f"{code}: {part}"
        assert f"| [{code}]({code}.md) | {check.title} | {check.severity} | {check.at} |" in index


def test_every_bound_in_the_registry_is_told_on_the_page_of_a_check_that_the_model_is_asked() -> None:
    for entry in read_entries(REPO / "mlflow" / "registry.yaml").values():
        assert "AFZ020" in entry.checks, "checks that need the model leave an altered one to it"
        pages = [(REPO / "docs" / "checks" / f"{code}.md").read_text("utf-8") for code in entry.checks]
        told = " ".join(page.split("## Bound")[1].split("## When")[0] for page in pages)
        names = {"margin_<measure>" if name.startswith("margin_") else name for name in entry.bounds}
        assert {name for name in names if name not in told} == set()


def _forecasting(evidence: Evidence, rank: float, covered: float) -> list[str]:
    horizon = {"rank_correlation": _interval(rank), "coverage": {"overall": covered}}
    found = replace(
        evidence, metrics={"level": 0.9, "test": {"margin_12m": horizon}},
        bounds={"rank_correlation_low": 0.5, "coverage_tolerance": 0.05},
    )  # fmt: skip
    outcomes = run_checks(_entry(("AFZ009",)), "", found).outcomes
    return [o.code for o in outcomes if o.status == "fail"]


def test_a_forecast_fails_that_ranks_badly_or_whose_intervals_do_not_hold(clean: Evidence) -> None:
    assert _forecasting(clean, 0.7, 0.91) == []
    assert _forecasting(clean, 0.51, 0.91) == ["AFZ009"]
    assert _forecasting(clean, 0.7, 0.84) == ["AFZ009"]
    assert _forecasting(clean, 0.7, 0.96) == ["AFZ009"]


def _promoting(evidence: Evidence, gained: float = 0.02, gap: float = 0.0, later: float = 0.005) -> tuple[str, str]:
    test = {"uplift_at_30pct": _interval(0.04), "treated_share_gap": _interval(gap),
            "gain_at_50pct": _interval(later, 0.01)}  # fmt: skip
    learner = {"policy_value": gained, "low": gained - 0.01, "high": gained + 0.01}
    metrics = {"test": test, "choice": {"verdict": "these data do not support more than response ranking",
                                        "chosen": "response", "learners": {"response": learner}}}  # fmt: skip
    found = CHECKS["AFZ010"](replace(evidence, metrics=metrics, bounds={"treated_share_gap": 0.05}))
    return found.status, found.evidence


def test_a_list_of_offers_fails_that_gains_nothing_or_knows_who_was_treated(clean: Evidence) -> None:
    status, said = _promoting(clean)
    assert status == "pass"
    assert "lists gain 0.0200 (0.0100 to 0.0300)" in said
    assert said.endswith("these data do not support more than response ranking")
    assert _promoting(clean, gained=0.009)[0] == "fail"
    assert _promoting(clean, later=-0.011)[0] == "fail", "later campaigns contradict"
    for gap in (0.08, -0.08):
        status, said = _promoting(clean, gap=gap)
        assert status == "fail"
        assert f"{gap:+.3f} off" in said
    assert _promoting(clean, gap=0.06)[0] == "pass", "its interval reaches the bound"


def _beyond_response(clean: Evidence, chosen: str, **low: float) -> tuple[str, str]:
    leads = {name: {"over_rival": end + 0.001, "over_rival_low": end, "over_rival_high": end + 0.002}
             for name, end in low.items()}  # fmt: skip
    found = CHECKS["AFZ011"](replace(clean, metrics={"choice": {"chosen": chosen, "learners": leads}}))
    return found.status, found.evidence


def test_the_lead_that_decided_the_choice_is_the_one_that_is_judged(clean: Evidence) -> None:
    status, said = _beyond_response(clean, "dr", dr=-0.0005, average=0.001)
    assert status == "pass"
    assert said == (
        "dr is used, and the average of the learners gains 0.00200 (0.00100–0.00300) more than response ranking"
    )
    assert _beyond_response(clean, "dr", dr=0.001, average=-0.0005)[0] == "fail", "the best of many leads by luck"
    assert _beyond_response(clean, "one_rule", one_rule=0.001, average=-0.0005)[0] == "pass"
    assert _beyond_response(clean, "dr", dr=-0.0005)[0] == "fail"
    assert _beyond_response(clean, "response")[0] == "not_applicable"


def test_the_effect_of_offers_is_not_asked_of_another_model(clean: Evidence) -> None:
    found = CHECKS["AFZ010"](clean)
    assert (found.status, found.severity) == ("not_applicable", "blocking")
    assert found.evidence == "the model estimates no effect of an offer"


def test_segments_that_a_resample_does_not_find_again_are_named(clean: Evidence) -> None:
    lenses = {"needs": {"stability": 0.4}, "behaviour": {"stability": 0.9}, "noise": {"stability": None}}
    found = replace(clean, metrics={**clean.metrics, "lenses": lenses}, bounds={**clean.bounds, "stability": 0.6})
    assert _failed(found) == ["AFZ008"]
    said = next(o for o in run_checks(_entry(), "", found).outcomes if o.code == "AFZ008").evidence
    assert "needs 0.40" in said
    assert "noise" not in said


def test_a_weak_model_fails_on_quality_alone(clean: Evidence) -> None:
    assert _failed(_with_test(clean, roc_auc=_interval(0.66))) == ["AFZ001"]


def test_a_miscalibrated_model_fails_on_calibration_alone(clean: Evidence) -> None:
    assert _failed(_with_test(clean, observed_over_expected=_interval(1.4))) == ["AFZ002"]
    assert _failed(_with_test(clean, calibration_slope=_interval(0.6))) == ["AFZ002"]


def test_a_leaking_feature_fails_on_the_audit_alone_and_is_named(clean: Evidence) -> None:
    audit = {"passed": False, "findings": [{"feature": "spend", "kind": "removed"}]}
    leaking = replace(clean, leak_audit=audit)
    assert _failed(leaking) == ["AFZ003"]
    assert "spend" in CHECKS["AFZ003"](leaking).evidence


def _flows(*sizes: dict[str, int]) -> pd.DataFrame:
    months = pd.date_range("2026-01-01", periods=len(sizes), freq="MS").strftime("%Y-%m-%d")
    rows = [(month, name, size) for month, part in zip(months, sizes, strict=True) for name, size in part.items()]
    return pd.DataFrame(rows, columns=["as_of", "segment", "size"])


def test_shares_of_segments_are_compared_as_if_each_customer_were_a_row(clean: Evidence) -> None:
    first, last = {"a": 300, "b": 100, "once": 0}, {"a": 120, "b": 280, "once": 0}
    shares = replace(
        clean, metrics={**clean.metrics, "lenses": {"needs": {}, "calm": {}}}, bounds={**clean.bounds, "psi": 0.25},
        tables={"flows_needs": _flows(first, {"a": 200, "b": 190, "once": 10}, last),
                "flows_calm": _flows(first, first)},
    )  # fmt: skip
    found = CHECKS["AFZ013"](shares)
    expected = psi(["a"] * 300 + ["b"] * 100, ["a"] * 120 + ["b"] * 280)
    assert found.status == "fail"
    assert f"shifted: needs {expected:.3f};" in found.evidence
    assert "calm 0.000" in found.evidence
    steady = replace(shares, tables={"flows_needs": _flows(first, first)})
    assert CHECKS["AFZ013"](steady).status == "pass"


def test_a_segment_that_is_empty_in_both_months_is_none(clean: Evidence) -> None:
    """Of two segments chance would explain less than of twenty, of which eighteen were never seen."""
    first, last = {"a": 20, "b": 20}, {"a": 10, "b": 30}
    empty = dict.fromkeys([f"s{i}" for i in range(18)], 0)
    bounds = {**clean.bounds, "psi": 0.1}
    for more in ({}, empty):
        tables = {"flows_needs": _flows({**first, **more}, {**last, **more})}
        shares = replace(clean, metrics={**clean.metrics, "lenses": {"needs": {}}}, bounds=bounds, tables=tables)
        assert CHECKS["AFZ013"](shares).status == "fail"


def test_a_suspicious_feature_warns_but_does_not_block(clean: Evidence) -> None:
    suspicious = replace(clean, metrics={**clean.metrics, "suspected_leaks": [{"feature": "spend"}]})
    gate = run_checks(_entry(), folder_digest(clean.folder), suspicious)
    assert [o.code for o in gate.outcomes if o.status == "fail"] == ["AFZ004"]
    assert gate.passed


def test_another_model_than_the_measured_one_is_noticed(clean: Evidence) -> None:
    moved = clean.predictions.assign(leave_90=clean.predictions["leave_90"] + 1e-6)
    assert _failed(replace(clean, predictions=moved)) == ["AFZ006"]


def test_a_feature_without_dictionary_row_is_named(clean: Evidence) -> None:
    unknown = replace(clean, known_features=frozenset({"recency"}))
    assert _failed(unknown) == ["AFZ007"]
    assert "spend" in CHECKS["AFZ007"](unknown).evidence


def test_a_ready_table_has_no_audit_and_no_dictionary_to_fail(clean: Evidence) -> None:
    ready = replace(clean, leak_audit=None, known_features=frozenset())
    outcomes = {o.code: o.status for o in run_checks(_entry(), "", ready).outcomes}
    assert outcomes["AFZ003"] == outcomes["AFZ007"] == "not_applicable"
    assert "fail" not in outcomes.values()


def test_the_registry_file_names_what_is_wrong_in_it(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    good = (
        "churn: {owner: o, tier: 1, approvals: 1, valid_for_days: 365, purpose: p, limits: l, checks: [AFZ001], "
        "bounds: {}}\n"
    )
    file.write_text(good)
    assert read_entries(file)["churn"].checks == ("AFZ001",)
    file.write_text(good.replace("AFZ001", "AFZ01"))
    with pytest.raises(GateError, match="registry.yaml: churn: no check 'AFZ01': did you mean AFZ0"):
        asked_checks(read_entries(file)["churn"])
    file.write_text(good.replace("owner", "owners"))
    with pytest.raises(GateError, match="unknown field 'owners': did you mean owner"):
        read_entries(file)
    file.write_text(good.replace("limits: l, ", ""))
    with pytest.raises(GateError, match="churn: limits missing"):
        read_entries(file)
    file.write_text(good.replace("approvals: 1", "approvals: none"))
    with pytest.raises(GateError, match="churn: approvals must be a whole number above 0, got 'none'"):
        read_entries(file)
