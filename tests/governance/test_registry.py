"""The registry against a real MLflow store: idempotent, gated, and checked against altered files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from afraz import catalog, tracking
from afraz.errors import ArtifactError, GateError, NotApplicable
from afraz.governance import champions, registry, review
from afraz.governance.checks import Outcome
from afraz.governance.entries import Entry
from afraz.governance.gates import Gate
from afraz.models.artifact import Artifact, folder_digest, load_artifact

Maker = Callable[[int], tuple[Artifact, object]]
ENTRY = Entry("churn", "owner", 2, 1, 365, "purpose", "limits", ("AFZ001",), {})

pytestmark = pytest.mark.slow


def _gate(folder: Path, status: str = "pass") -> Gate:
    return Gate("churn", folder_digest(folder), (Outcome("AFZ001", "Quality", "blocking", status, "evidence"),))


@pytest.fixture(autouse=True)
def _rules(rules: Path) -> None:
    """Every test here has a store and its rules."""


@pytest.fixture
def run_id(workspace: Path) -> str:
    opened = tracking.client()
    return str(opened.create_run(tracking.experiment_id(opened, "afraz/churn")).info.run_id)


@pytest.fixture
def folder(workspace: Path, small_artifact: Maker) -> Path:
    small_artifact(0)[0].save(workspace / "model")
    return workspace / "model"


def test_the_first_that_passes_is_crowned_later_ones_wait_and_moves_are_gated(
    workspace: Path, run_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch, small_artifact: Maker
) -> None:
    failed = _gate(folder, "fail")
    small_artifact(1)[0].save(workspace / "other")
    first = registry.register(failed, folder, run_id, ENTRY)
    assert not registry.crown_first("churn", failed, first)
    with pytest.raises(GateError, match="churn has no champion: run `dvc repro govern`"):
        registry.resolve_champion("churn")

    passed = _gate(workspace / "other")
    second = registry.register(passed, workspace / "other", run_id, ENTRY)
    assert registry.register(passed, workspace / "other", run_id, ENTRY) == second  # once per digest
    assert registry.crown_first("churn", passed, second)
    assert json.loads(champions.champions_file().read_text()) == {"churn": passed.digest}
    champion = registry.resolve_champion("churn")
    assert (champion.version, champion.digest) == (second, passed.digest)
    assert load_artifact(champion.folder, champion.digest)

    with pytest.raises(GateError, match="version 1 failed AFZ001: mend it, or `--override --reason` to use it"):
        review.approve("churn", first, "")
    monkeypatch.setenv("DVC_EXP_NAME", "try")
    with pytest.raises(GateError, match="an experiment never crowns"):
        registry.move_alias("churn", second, "champion")
    monkeypatch.delenv("DVC_EXP_NAME")
    review.approve("churn", first, "", override_reason="asked for by risk")
    assert champions.read_champions() == {"churn": failed.digest}
    assert registry.resolve_champion("churn").version == first


def test_a_version_that_is_judged_anew_carries_the_new_outcomes_and_its_neighbour_keeps_its_own(
    workspace: Path, run_id: str, folder: Path, small_artifact: Maker
) -> None:
    small_artifact(1)[0].save(workspace / "other")
    first = registry.register(_gate(folder, "fail"), folder, run_id, ENTRY)
    registry.register(_gate(workspace / "other", "fail"), workspace / "other", run_id, ENTRY)
    mended = _gate(folder)
    assert registry.register(mended, folder, run_id, ENTRY) == first
    assert registry.crown_first("churn", mended, first)
    assert [(row["version"], row["gates"]) for row in registry.versions("churn")] == [(2, "failed"), (1, "passed")]
    with pytest.raises(GateError, match="version 2 failed AFZ001"):
        review.approve("churn", 2, "")


def test_files_altered_on_disk_are_refused_with_both_digests(workspace: Path, run_id: str, folder: Path) -> None:
    gate = _gate(folder)
    version = registry.register(gate, folder, run_id, ENTRY)
    assert {p.name for p in folder.iterdir()} == {"leave.txt", "model.json", "pyfunc.py"}  # nothing was cached there
    registry.crown_first("churn", gate, version)
    kept = registry.resolve_champion("churn").folder
    text = (kept / "leave.txt").read_text()
    (kept / "leave.txt").write_text(text.replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(ArtifactError, match=f"digest mismatch, its files are .* registered was {gate.digest[:12]}"):
        registry.resolve_champion("churn")
    assert registry.resolve_champion("churn").digest == gate.digest  # the copy was thrown away and fetched anew


def test_a_folder_that_was_not_checked_is_not_registered(run_id: str, folder: Path, small_artifact: Maker) -> None:
    gate = _gate(folder)
    small_artifact(2)[0].save(folder)
    with pytest.raises(ArtifactError, match="the checks saw .* the folder is .*: run `dvc repro govern`"):
        registry.register(gate, folder, run_id, ENTRY)


def test_an_unknown_model_names_the_known_ones(workspace: Path) -> None:
    with pytest.raises(GateError, match=r"no model 'chrun' in mlflow/registry.yaml: did you mean churn\?"):
        registry.resolve_champion("chrun")


def test_a_champion_of_another_store_is_explained(workspace: Path) -> None:
    champions.champions_file().write_text(catalog.to_json({"churn": "f" * 64}))
    with pytest.raises(GateError, match="names ffffffffffff, which this store does not hold: set MLFLOW_TRACKING_URI"):
        registry.resolve_champion("churn")


def test_a_stage_goes_on_where_no_version_has_passed_and_an_altered_or_foreign_champion_still_stops_it(
    workspace: Path, run_id: str, folder: Path
) -> None:
    registry.register(_gate(folder, "fail"), folder, run_id, ENTRY)
    with pytest.raises(NotApplicable, match="churn has no champion: no version has passed its checks"):
        registry.champion_in_use("churn")
    (workspace / "mlflow/champions.json").write_text('{"churn": "abc"}')
    with pytest.raises(GateError, match="names abc"):
        registry.champion_in_use("churn")
    review.approve("churn", 1, "", override_reason="the reviewer said so")
    assert registry.champion_in_use("churn").version == 1
