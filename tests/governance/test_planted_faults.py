"""Faults planted in a real model are caught by the check meant for them, by no other; the clean model trips none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz.governance.checks import CHECKS, Evidence
from afraz.governance.comparison import Contender, compare
from afraz.governance.gates import review_checks, run_checks
from afraz.models.artifact import Artifact, folder_digest
from afraz.models.churn import ChurnResult, ChurnSettings
from afraz.models.explanation import explain_globally
from afraz.models.fairness import group_fairness
from afraz.models.learning import measured_on
from afraz.models.over_time import quality_by_part

from .small_bank import CHURN, FEATURES, SIGNS, TEST_FROM, evidence_of, fitted, small_bank

SLOW = "AFZ005"  # starts a process of its own: asked once, of the clean model
TODAY = date(2026, 2, 1)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return small_bank()


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> ChurnResult:
    return fitted(table)


@pytest.fixture(scope="module")
def clean(result: ChurnResult, table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return evidence_of(result, table, tmp_path_factory.mktemp("clean") / "model")


def failed(evidence: Evidence, codes: tuple[str, ...] = CHURN.checks) -> list[str]:
    entry = replace(CHURN, checks=tuple(code for code in codes if code != SLOW))
    gate = run_checks(entry, folder_digest(evidence.folder), evidence)
    return [o.code for o in gate.outcomes if o.status == "fail"]


def contender(result: ChurnResult, evidence: Evidence, version: int = 1) -> Contender:
    digest = folder_digest(evidence.folder)
    return Contender(version, digest, evidence.folder, result.predictions, evidence.tables["summary"])


def test_the_clean_model_trips_nothing_and_every_check_of_its_set_applies(
    clean: Evidence, result: ChurnResult, table: pd.DataFrame
) -> None:
    files = sorted(p.name for p in clean.folder.rglob("*"))
    gate = run_checks(CHURN, folder_digest(clean.folder), clean)
    assert sorted(p.name for p in clean.folder.rglob("*")) == files  # a stage's output is looked at, not touched
    assert {o.code: o.status for o in gate.outcomes if o.status != "pass"} == {}
    older = contender(result, clean)
    found = review_checks(
        CHURN, clean.folder, today=TODAY, comparison=compare("churn", older, older, bounds=CHURN.bounds)
    )
    assert [(o.code, o.status) for o in found] == [("AFZ012", "pass"), ("AFZ022", "pass")]
    assert {o.code for o in (*gate.outcomes, *found)} == set(CHURN.checks)


def test_a_leaking_feature_is_suspected(table: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    closing = table["leaves_90"] + 0.7 * rng.normal(size=len(table))  # recorded when the account was closed
    leaking = table.assign(closing_call=closing.round(4))
    found = evidence_of(
        fitted(leaking), leaking, tmp_path / "model", known_features=frozenset({*FEATURES, "closing_call"})
    )
    assert failed(found) == ["AFZ004"]
    assert "closing_call" in CHECKS["AFZ004"](found).evidence


def test_a_feature_that_the_audit_finds_fails_the_audit_and_is_named(clean: Evidence) -> None:
    audit = {"passed": False, "findings": [{"feature": "visits", "kind": "removed"}]}
    found = replace(clean, leak_audit=audit)
    assert failed(found) == ["AFZ003"]
    assert "visits" in CHECKS["AFZ003"](found).evidence


def test_a_miscalibrated_model_fails_on_calibration(result: ChurnResult, table: pd.DataFrame, tmp_path: Path) -> None:
    spec = {**result.model.spec}
    spec["outputs"] = [{**o, "knots_log_odds": [k + 1.0 for k in o["knots_log_odds"]]} for o in spec["outputs"]]
    model = Artifact({k: v for k, v in spec.items() if k != "files"}, {})
    later = table[table["as_of"] >= TEST_FROM]
    stated = model.predict(later)["leave_90"].to_numpy()
    groups = pd.factorize(later["customer_id"])[0]
    test = measured_on(later["leaves_90"].to_numpy(), stated, groups, ChurnSettings(bootstrap=60))
    found = evidence_of(result, table, tmp_path / "model", model)
    assert failed(replace(found, metrics={**found.metrics, "test": test})) == ["AFZ002"]


def test_an_input_that_moved_is_unstable_and_its_neighbours_are_not_named(table: pd.DataFrame, tmp_path: Path) -> None:
    later = table["as_of"] >= TEST_FROM
    moved = table.assign(noise=table["noise"].where(~later, table["noise"] + 3))  # another source since November
    found = evidence_of(fitted(moved), moved, tmp_path / "model")
    assert failed(found) == ["AFZ015"]
    said = CHECKS["AFZ015"](found).evidence
    assert "noise" in said
    assert not any(name in said for name in SIGNS)


def test_a_population_that_moved_a_little_in_everything_shifts_the_score(table: pd.DataFrame, tmp_path: Path) -> None:
    """The risk of the last months is true, and no single input moved much; but it is another population."""
    rng, shifted, later = np.random.default_rng(5), table.copy(), table["as_of"] >= TEST_FROM
    for name, sign in SIGNS.items():
        shifted.loc[later, name] += 0.3 * sign
    z = -2.8 + sum(0.6 * sign * shifted[name] for name, sign in SIGNS.items())
    drawn = (rng.random(len(shifted)) < 1 / (1 + np.exp(-z))).astype(float)
    shifted["leaves_90"] = shifted["leaves_90"].where(~later, drawn)
    found = evidence_of(fitted(shifted), shifted, tmp_path / "model")
    assert failed(found) == ["AFZ013"]


def test_a_month_in_which_the_model_is_of_no_use_is_named(table: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    blind = (table["as_of"] == "2025-12-01") & (table["phase"] == "growing")  # outcomes that nothing foretells
    lost = table.assign(leaves_90=table["leaves_90"].where(~blind, (rng.random(len(table)) < 0.05).astype(float)))
    found = evidence_of(fitted(lost, test_dates=2), lost, tmp_path / "model")
    only = replace(found, tables={**found.tables, "parts": _parts(found, lost)})
    assert failed(only) == ["AFZ014"]
    said = CHECKS["AFZ014"](only).evidence
    assert "growing in December" in said
    assert "steady" not in said


def _parts(found: Evidence, table: pd.DataFrame) -> pd.DataFrame:
    later = table[table["as_of"] >= TEST_FROM].reset_index(drop=True)
    p = found.artifact.predict(later)["leave_90"]
    part = later["phase"] + " in " + later["as_of"].dt.month_name()
    return quality_by_part(later["leaves_90"], p, later["customer_id"], {"segment": part}, n=60)


def test_reasons_that_change_with_time_are_unstable(clean: Evidence) -> None:
    """Features that act alike; half of them were recorded in the earlier months only, the others later."""
    rng = np.random.default_rng(0)
    names = [f"f{i}" for i in range(24)]
    frame = pd.DataFrame(rng.normal(size=(600, 24)), columns=names)
    frame["as_of"] = np.repeat(pd.to_datetime(["2025-01-01", "2025-07-01"]), 300)
    frame.loc[:299, names[:12]] *= 0.01
    frame.loc[300:, names[12:]] *= 0.01
    head = {"name": "leave", "kind": "linear", "intercept": 0.0, "coefficients": [1.0] * 24, "means": [0.0] * 24,
            "scales": [1.0] * 24}  # fmt: skip
    spec = {"format": 1, "model": "churn", "features": [{"name": n, "type": "double"} for n in names],
            "heads": [head], "outputs": [{"name": "leave_90", "head": "leave"}]}  # fmt: skip
    why = explain_globally(Artifact(spec, {}), frame, groups=None, when="as_of")
    found = replace(clean, metrics={**clean.metrics, "explanation": why.report})
    assert failed(found) == ["AFZ016"]


def test_an_effect_against_the_dictionary_is_named(table: pd.DataFrame, tmp_path: Path) -> None:
    turned = table.assign(visits=-table["visits"])  # a source that counts backwards
    found = evidence_of(fitted(turned), turned, tmp_path / "model")
    assert failed(found) == ["AFZ017"]
    assert "visits (raises the score" in CHECKS["AFZ017"](found).evidence


def test_a_model_no_better_than_one_column_fails_beside_it(table: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    z = -2.8 + 1.5 * table["silence"]  # one thing decides
    single = table.assign(leaves_90=(rng.random(len(table)) < 1 / (1 + np.exp(-z))).astype(float))
    # of the others, which do nothing here, experience has nothing to say either
    found = evidence_of(fitted(single, leak_features=0), single, tmp_path / "model", signs={"silence": 1})
    assert failed(found) == ["AFZ011"]
    assert "silence alone" in CHECKS["AFZ011"](found).evidence


def test_a_challenger_that_lacks_what_the_champion_knows_fails_the_comparison(
    clean: Evidence, result: ChurnResult, table: pd.DataFrame, tmp_path: Path
) -> None:
    poorer = table.drop(columns=["silence", "visits"])
    worse = fitted(poorer)
    found = evidence_of(worse, poorer, tmp_path / "model")
    assert failed(found) == []  # by itself it is a fair model
    against = compare("churn", contender(worse, found, 2), contender(result, clean), bounds=CHURN.bounds)
    judged = {o.code: o for o in review_checks(CHURN, found.folder, today=TODAY, comparison=against)}
    assert judged["AFZ012"].status == "fail"
    assert "roc_auc -0.0" in judged["AFZ012"].evidence
    assert judged["AFZ022"].status == "pass"
    better = compare("churn", contender(result, clean), contender(worse, found, 2), bounds=CHURN.bounds)
    assert review_checks(CHURN, clean.folder, today=TODAY, comparison=better)[0].status == "pass"


def _groups(overstated: float = 0.0, stricter: float = 0.0, cutoff: float = 0.2) -> pd.DataFrame:
    """Two groups of equal risk; a model that adds log-odds to one of them, or a cut-off that is stricter with it."""
    rng = np.random.default_rng(4)
    group = np.repeat(["a", "b"], 3000)
    z = rng.normal(-2.5, 1.0, 6000)
    label = (rng.random(6000) < 1 / (1 + np.exp(-z))).astype(float)
    stated = 1 / (1 + np.exp(-z - np.where(group == "b", overstated, 0.0)))
    approved = stated < np.where(group == "b", cutoff - stricter, cutoff)
    return group_fairness(approved, label, group, default_probability=stated).assign(attribute="gender")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({}, []),
        (
            {"overstated": 0.8, "cutoff": 1.0},
            ["AFZ018"],
        ),  # everybody is approved, and one group pays for risk it is not
        ({"overstated": 0.8}, ["AFZ018", "AFZ019"]),
        ({"stricter": 0.1}, ["AFZ018", "AFZ019"]),
    ],
)
def test_an_unfair_group_is_named(clean: Evidence, groups: dict[str, float], expected: list[str]) -> None:
    bounds = {**clean.bounds, "equal_opportunity": 0.1, "selection_ratio": 0.8}
    found = replace(clean, tables={**clean.tables, "fairness": _groups(**groups)}, bounds=bounds)
    assert failed(found, (*CHURN.checks, "AFZ018", "AFZ019")) == expected
    for code in expected:
        assert "gender b" in CHECKS[code](found).evidence
        assert "gender a" not in CHECKS[code](found).evidence


def _altered(clean: Evidence, folder: Path, change: Callable[[str], str], file: str) -> Evidence:
    clean.artifact.save(folder)
    text = (folder / file).read_text("utf-8")
    assert change(text) != text
    (folder / file).write_text(change(text), "utf-8")
    return replace(clean, folder=folder)


def test_an_altered_file_is_found_and_checks_that_need_the_model_leave_it_at_that(
    clean: Evidence, tmp_path: Path
) -> None:
    found = _altered(clean, tmp_path / "model", lambda code: code + "\n# nothing to see\n", "pyfunc.py")
    gate = run_checks(CHURN, "", found)
    assert [o.code for o in gate.outcomes if o.status == "fail"] == ["AFZ020"]
    assert {o.code for o in gate.outcomes if o.status == "not_applicable"} == {"AFZ005", "AFZ006", "AFZ007"}
    assert "pyfunc.py was altered" in CHECKS["AFZ020"](found).evidence


def test_an_altered_coefficient_is_found_by_the_digest_that_the_run_states(clean: Evidence, tmp_path: Path) -> None:
    found = _altered(
        clean, tmp_path / "model", lambda text: text.replace('"intercept": -', '"intercept": '), "model.json"
    )
    assert failed(found) == ["AFZ006", "AFZ020"]  # it is whole by itself, and is not the model that was measured
    unstated = replace(found, stated_digest=None)
    assert CHECKS["AFZ020"](unstated).status == "not_applicable"


def test_a_stale_model_is_too_old_on_the_day_after_its_last_valid_one(clean: Evidence) -> None:
    until = date(2025, 8, 1).toordinal() + 90  # the last month learned from, and its outcome window
    last = date.fromordinal(until + CHURN.valid_for_days)
    assert [o.status for o in review_checks(CHURN, clean.folder, today=last)] == ["not_applicable", "pass"]
    judged = review_checks(CHURN, clean.folder, today=date.fromordinal(last.toordinal() + 1))
    assert [(o.code, o.status) for o in judged] == [("AFZ012", "not_applicable"), ("AFZ022", "fail")]
    assert "2025-10-30" in judged[1].evidence


def test_a_missing_dictionary_row_is_named(clean: Evidence) -> None:
    found = replace(clean, known_features=frozenset(FEATURES) - {"tenure"})
    assert failed(found) == ["AFZ007"]
    assert CHECKS["AFZ007"](found).evidence == "no dictionary row: tenure"


def test_a_broken_delivery_is_named(clean: Evidence) -> None:
    refused = pd.DataFrame({"table": ["accounts", "loans"], "read": [1000, 1000], "rejected": [7, 80]})
    found = replace(clean, refused=refused.assign(share=refused["rejected"] / refused["read"]))
    assert failed(found) == ["AFZ021"]
    assert "loans 80 of 1,000 rows" in CHECKS["AFZ021"](found).evidence
    assert "accounts" not in CHECKS["AFZ021"](found).evidence
