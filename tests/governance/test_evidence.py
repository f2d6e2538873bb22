"""What the checks look at is gathered from the stages; models that do not apply have no gate."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog
from afraz.errors import DataError
from afraz.governance.entries import Entry
from afraz.governance.evidence import by_model, gather, inputs_for, judge, judge_all, side_by_side
from afraz.models.artifact import Artifact, folder_digest

Maker = Callable[[int], tuple[Artifact, pd.DataFrame]]
CODES = ("AFZ001", "AFZ003", "AFZ006", "AFZ007")
ENTRIES = {
    n: Entry(n, "owner", 2, 1, 365, "purpose", "limits", CODES, {"roc_auc_low": 0.65}) for n in ("churn", "credit")
}
MADE_BY = {"churn": ("leak_audit", "dictionary"), "credit": ("application_audit", "application_dictionary")}


def _stages(name: str, small: Maker, auc: float = 0.8, known: tuple[str, ...] = ("recency", "spend")) -> None:
    """Write what the stages of a model would."""
    artifact, rows = small(0)
    sample = rows.head(20).join(artifact.predict(rows.head(20)))
    catalog.save(f"{name}_model", artifact)
    catalog.save(f"{name}_sample", sample.assign(row=range(len(sample))))
    measured = {"roc_auc": {"value": auc, "low": auc - 0.02, "high": auc + 0.02}}
    catalog.save(f"{name}_metrics", {"test": measured, "suspected_leaks": []})
    audit, dictionary = MADE_BY[name]
    catalog.save(audit, {"passed": True, "findings": []})
    catalog.save(dictionary, pd.DataFrame({"name": list(known)}))


def test_each_model_is_judged_by_its_own_audit_and_dictionary(workspace: Path, small_artifact: Maker) -> None:
    _stages("churn", small_artifact)
    _stages("credit", small_artifact, known=("recency",))
    catalog.save("application_audit", {"passed": False, "findings": [{"feature": "spend"}]})
    gates = {gate.model: gate for gate in judge_all(ENTRIES)}
    assert gates["churn"].passed
    assert gates["credit"].failures == ["AFZ003", "AFZ007"]
    assert gates["credit"].digest == folder_digest(catalog.path("credit_model"))


def test_a_model_that_does_not_apply_to_the_source_has_no_gate(workspace: Path, small_artifact: Maker) -> None:
    _stages("churn", small_artifact, auc=0.6)
    catalog.save("credit_metrics", {"not_applicable": "there are no applications for loans in this source"})
    gates = judge_all(ENTRIES)
    assert [(gate.model, gate.failures) for gate in gates] == [("churn", ["AFZ001"])]


def test_a_model_that_was_not_fitted_is_an_error_and_not_a_pass(workspace: Path, small_artifact: Maker) -> None:
    _stages("churn", small_artifact)
    with pytest.raises(DataError, match="credit_metrics is not there .* run `dvc repro credit` first"):
        judge_all(ENTRIES)


def test_a_ready_table_needs_neither_audit_nor_dictionary(workspace: Path, small_artifact: Maker) -> None:
    _stages("credit", small_artifact)
    for name in MADE_BY["credit"]:
        catalog.path(name).unlink()
    catalog.save("credit_metrics", {**catalog.load("credit_metrics"), "ready_table": True})
    found = {o.code: o.status for o in judge(ENTRIES["credit"]).outcomes}
    assert found == {"AFZ001": "pass", "AFZ003": "not_applicable", "AFZ006": "pass", "AFZ007": "not_applicable"}


def test_the_evidence_is_that_of_the_entry(workspace: Path, small_artifact: Maker) -> None:
    _stages("credit", small_artifact)
    evidence = gather(ENTRIES["credit"])
    assert evidence.model == "credit"
    assert evidence.folder == catalog.path("credit_model")
    assert evidence.bounds == {"roc_auc_low": 0.65}
    assert evidence.known_features == {"recency", "spend"}
    assert len(evidence.sample) == 20


def test_every_model_has_a_table_of_checks_and_one_that_does_not_apply_an_empty_one(
    workspace: Path, small_artifact: Maker
) -> None:
    _stages("churn", small_artifact)
    catalog.save("credit_metrics", {"not_applicable": "no loans"})
    tables = by_model(ENTRIES, judge_all(ENTRIES))
    assert list(tables) == ["churn", "credit"]
    assert tables["churn"]["code"].tolist() == list(CODES)
    assert set(tables["churn"]["digest"]) == {folder_digest(catalog.path("churn_model"))}
    assert tables["credit"].empty
    assert tables["credit"].columns.tolist() == ["code", "digest"]


def test_gates_are_shown_beside_one_another(workspace: Path, small_artifact: Maker) -> None:
    for name in ENTRIES:
        _stages(name, small_artifact)
    shown = side_by_side(judge_all(ENTRIES))
    assert shown["model"].tolist() == ["churn"] * 4 + ["credit"] * 4
    assert shown["code"].tolist() == [*CODES, *CODES]


def test_what_the_stages_saved_reaches_the_checks(workspace: Path, small_artifact: Maker) -> None:
    _stages("churn", small_artifact)
    told = {"name": ["recency", "spend", "late"], "family": ["behaviour", "value", "repayment"], "sign": [1, 0, 1]}
    catalog.save("dictionary", pd.DataFrame(told))
    catalog.save("churn_tables", {"csi": pd.DataFrame({"feature": ["spend"], "psi": [0.1]}), "trials": pd.DataFrame()})
    catalog.save("churn_explanation", {"summary": pd.DataFrame({"feature": ["spend"], "rank": [1]})})
    catalog.save("ingest_tables", {"accepted": pd.DataFrame({"table": ["loans"], "share": [0.01]})})
    stated = {"model_sha256": folder_digest(catalog.path("churn_model"))}
    (catalog.path("churn_model").parent / "provenance.json").write_text(catalog.to_json(stated))
    evidence = gather(ENTRIES["churn"])
    assert set(evidence.tables) == {"csi", "summary"}  # an empty table is none
    assert evidence.signs == {"recency": 1}  # repayment speaks of default, not of leaving
    assert evidence.refused is not None
    assert evidence.refused["table"].tolist() == ["loans"]
    assert evidence.stated_digest == stated["model_sha256"]
    catalog.save("churn_metrics", {**catalog.load("churn_metrics"), "ready_table": True})
    ready = gather(ENTRIES["churn"])
    assert (ready.signs, ready.refused, ready.leak_audit) == ({}, None, None)


def test_inputs_of_predicted_rows_are_found_whatever_their_dates_are_made_of(workspace: Path) -> None:
    rows = pd.DataFrame({"customer_id": ["a", "a", "b"], "as_of": pd.to_datetime(["2026-01-01", "2026-02-01"] * 2)[:3]})
    catalog.save("customer_features", rows.assign(as_of=rows["as_of"].dt.date, spend=[1.0, 2.0, 3.0]))
    found = inputs_for("churn", rows.iloc[[1]])
    assert found is not None
    assert found["spend"].tolist() == [2.0]
    assert inputs_for("segmentation", rows) is None
    assert inputs_for("credit", rows) is None
