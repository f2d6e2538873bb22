"""From a score back to its origin: what fits is followed, what was altered is told, what is unknown is said."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from afraz import catalog, tracking
from afraz.cli.commands import app
from afraz.digests import file_digest, folder_digest
from afraz.errors import DataError
from afraz.governance import registry
from afraz.models import artifact
from afraz.pipeline.lineage import trace
from afraz.scoring.sinks import manifest_place, write_scores

AS_OF = "2026-07-01"
# dataset → key, another column, number of rows of customer c2
KINDS = {
    "churn_scores": ("customer_id", "leave_90", 1),
    "segmentation_scores": ("customer_id", "value", 1),
    "value_scores": ("customer_id", "tier", 1),
    "promotion_scores": ("customer_id", "offer", 2),
    "credit_scores": ("loan_id", "grade", 2),
    "credit_book": ("loan_id", "balance", 2),
}


def _provenance(workspace: Path, stage: str, notebook: str, **more: Any) -> Path:
    folder = workspace / "experiments/runs" / stage
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "stage": stage, "notebook": notebook, "notebook_sha256": file_digest(workspace / notebook),
        "params": {"seed": 7}, "params_sha256": "p", "lock_sha256": file_digest(workspace / "requirements.lock"),
        "inputs": {"data/features": folder_digest(workspace / "data/features")}, **more,
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def scored(workspace: Path) -> Callable[[str], Path]:
    """Make a model stage and its scores of three rows; the file."""
    (workspace / "requirements.lock").write_text("pandas==3\n")
    (workspace / "data/features").mkdir(parents=True)
    (workspace / "data/features/table.txt").write_text("features")

    def make(name: str = "churn_scores") -> Path:
        key, column, _ = KINDS[name]
        model = name.partition("_")[0]
        folder = _provenance(workspace, model, "notebooks/00_first.py")
        (folder / "model").mkdir(exist_ok=True)
        (folder / "model/model.json").write_text(f'{{"model": "{model}"}}')
        customers = ["c1", "c2", "c2" if KINDS[name][2] == 2 else "c3"]
        rows = pd.DataFrame({"customer_id": customers, "as_of": pd.Timestamp(AS_OF), column: [0.1, 0.2, 0.3],
                             "reason_1": ["pays little", None, "is new"]})  # fmt: skip
        if key == "loan_id":
            rows.insert(0, "loan_id", ["l1", "l2", "l3"])
        place = catalog.target(name, as_of=AS_OF)
        manifest = {"model": model, "model_digest": artifact.folder_digest(folder / "model"), "as_of": AS_OF,
                    "input_digest": "i", "rows": rows[key].nunique(), "columns": list(rows.columns)}  # fmt: skip
        write_scores(rows, manifest, place)
        return place

    return make


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_score_leads_to_its_model_without_a_store(
    workspace: Path, scored: Callable[[str], Path], name: str
) -> None:
    found = trace(scored(name), "c2")
    assert [row["customer_id"] for row in found.scores] == ["c2"] * KINDS[name][2]
    assert found.scores[0]["as_of"] == AS_OF
    assert found.scores[0]["reason_1"] is None
    assert found.trained is not None
    assert found.trained.stage == found.model == name.partition("_")[0]
    assert found.trained.run_id is None
    assert (found.trained.notebook.today, [s.today for s in found.trained.inputs]) == ("same", ["same"])
    assert found.trained.params == {"seed": 7}
    assert any("has no store yet" in note for note in found.notes)
    assert not (workspace / "mlflow/store/mlflow.db").exists()  # the question made none


def test_what_changed_since_is_told_from_what_is_gone_and_from_what_is_the_same(
    workspace: Path, scored: Callable[[str], Path]
) -> None:
    file = scored("churn_scores")
    (workspace / "data/features/table.txt").write_text("other features")
    (workspace / "requirements.lock").unlink()
    made = trace(file, "c1").trained
    assert made is not None
    assert made.lock is not None
    assert ([s.today for s in made.inputs], made.lock.today, made.notebook.today) == (["changed"], "gone", "same")


def test_the_stage_run_that_wrote_the_file_is_known_by_the_digests_that_it_noted(
    workspace: Path, scored: Callable[[str], Path]
) -> None:
    file = scored("churn_scores")
    assert trace(file, "c1").scored is None
    outs = {f"data/scores/as_of={AS_OF}/{p.name}": file_digest(p) for p in (file, manifest_place(file))}
    _provenance(workspace, "score", "notebooks/00_first.py", outputs=outs)
    found = trace(file, "c1")
    assert found.scored is not None
    assert found.scored.stage == "score"
    _provenance(workspace, "score", "notebooks/00_first.py", outputs={**outs, next(iter(outs)): "another file"})
    found = trace(file, "c1")
    assert found.scored is None
    assert any("no stage run is known to have written this very file" in note for note in found.notes)


def test_a_folder_of_scores_is_known_by_its_digest(workspace: Path, scored: Callable[[str], Path]) -> None:
    file = scored("value_scores")
    outs = {f"data/scores/as_of={AS_OF}/value": folder_digest(file.parent)}
    _provenance(workspace, "score_value", "notebooks/00_first.py", outputs=outs)
    assert trace(file, "c1").scored is not None
    (file.parent / "more.txt").write_text("x")
    assert trace(file, "c1").scored is None


def _edit(file: Path, **changes: Any) -> None:
    beside = manifest_place(file)
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **changes}))


def _replace(file: Path) -> None:
    pd.read_parquet(file).head(1).to_parquet(file)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "churn.parquet is not there: give a scores file"),
        (lambda file: manifest_place(file).unlink(), r"has no readable manifest \(churn.json\) beside it"),
        (lambda file: manifest_place(file).write_text("{"), "has no readable manifest"),
        (lambda file: _edit(file, model_digest=None), "is no manifest of scores, it lacks model_digest"),
        (_replace, "churn.json does not belong to churn.parquet: it speaks of .* the file is .*: score again"),
        (lambda file: _edit(file, rows=4), "it speaks of 4 scored as of 2026-07-01, the file has 3 as of 2026-07-01"),
        (lambda file: _edit(file, as_of="2026-06-01"), "3 scored as of 2026-06-01, the file has 3 as of 2026-07-01"),
        (lambda file: _edit(file, columns=["customer_id"]), "does not belong to churn.parquet: it names other columns"),
        (lambda file: _edit(file, model_digest="f" * 64), "scored with churn ffffffffffff, which neither the MLflow"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    scored: Callable[[str], Path], harm: Callable[[Path], object], said: str
) -> None:
    file = scored("churn_scores")
    harm(file)
    with pytest.raises(DataError, match=said):
        trace(file, "c1")


def test_a_customer_who_is_not_there_is_refused_without_naming_others(scored: Callable[[str], Path]) -> None:
    with pytest.raises(DataError, match=r"churn.parquet has 3 rows, none of customer 'c4'") as refused:
        trace(scored("churn_scores"), "c4")
    assert "c3" not in str(refused.value)


def test_the_command_tells_people_and_programs_the_same(scored: Callable[[str], Path]) -> None:
    file = scored("churn_scores")
    told = CliRunner().invoke(app, ["lineage", str(file), "--customer", "c1"])
    assert told.exit_code == 0
    assert "pays little" in told.output
    assert "this workspace has no store yet" in told.output
    plain = CliRunner().invoke(app, ["lineage", str(file), "--customer", "c1", "--json"])
    assert json.loads(plain.output) == json.loads(json.dumps(asdict(trace(file, "c1"))))


@pytest.mark.slow
def test_the_store_adds_version_and_run_and_is_believed_before_the_folder_of_today(
    workspace: Path, scored: Callable[[str], Path]
) -> None:
    file = scored("churn_scores")
    runs = workspace / "experiments/runs"
    outs = {f"data/scores/as_of={AS_OF}/{p.name}": file_digest(p) for p in (file, manifest_place(file))}
    _provenance(workspace, "score", "notebooks/00_first.py", outputs=outs)
    recorded = {r.stage: r.run_id for r in tracking.record_stages(runs, workspace / "experiments/metrics")}
    before = trace(file, "c1")
    assert before.versions == ()
    assert any("no version of churn in the registry has this digest" in note for note in before.notes)

    opened = tracking.client()
    opened.create_registered_model("churn")
    for digest in ("another model", before.model_digest):
        tags = {registry.MODEL_DIGEST: digest, registry.GATES: "passed"}
        opened.create_model_version("churn", source="file:///x", run_id=recorded["churn"], tags=tags)
    opened.set_registered_model_alias("churn", registry.ALIAS, "2")
    # today's folders are other ones: only the store still knows
    _provenance(workspace, "churn", "notebooks/00_first.py", params={"seed": 8})
    _provenance(workspace, "score", "notebooks/00_first.py")
    found = trace(file, "c1")
    assert [(v.version, v.run_id, v.checks, v.aliases) for v in found.versions] == [
        (2, recorded["churn"], "passed", ("champion",))
    ]
    assert found.trained is not None
    assert (found.trained.run_id, found.trained.params) == (recorded["churn"], {"seed": 7})
    assert found.trained.user == tracking.who()
    assert found.scored is not None
    assert found.scored.run_id == recorded["score"]
    _edit(file, model_digest="f" * 64)
    with pytest.raises(DataError, match="neither the MLflow store nor experiments/runs/churn knows"):
        trace(file, "c1")
