import json
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
from mlflow.data import from_pandas

from afraz import tracking
from afraz.digests import file_digest, folder_digest
from afraz.errors import AfrazError, ParamsError
from afraz.models import artifact

_FIRST_USE = "from afraz.tracking import client, experiment_id; print(experiment_id(client(), 'afraz/first'))"


def _stage_folder(workspace: Path, name: str = "first") -> Path:
    folder = workspace / "experiments/runs" / name
    folder.mkdir(parents=True)
    document = {
        "stage": name, "notebook": f"notebooks/00_{name}.py", "notebook_sha256": "n", "params": {"seed": 7},
        "params_sha256": "p", "lock_sha256": None, "inputs": {"data/canonical": "d"},
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(document))
    (folder / "tables").mkdir()
    (folder / "tables/trials.csv").write_text("number,value,best_so_far\n0,0.7,0.7\n1,0.6,0.7\n2,0.8,0.8\n")
    metrics = workspace / "experiments/metrics"
    metrics.mkdir(exist_ok=True, parents=True)
    (metrics / f"{name}.json").write_text(json.dumps({"test": {"roc_auc": {"value": 0.8, "low": 0.7, "high": 0.9}}}))
    return folder


def _record(workspace: Path) -> list[tracking.Recorded]:
    return tracking.record_stages(workspace / "experiments/runs", workspace / "experiments/metrics")


@pytest.mark.slow
def test_six_processes_may_be_first_at_once(workspace: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", _FIRST_USE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    answers = [p.communicate(timeout=120) for p in started]
    assert [p.returncode for p in started] == [0] * 6, answers
    assert len({out.strip().splitlines()[-1] for out, _ in answers}) == 1  # one experiment, the same for all


@pytest.mark.slow
def test_a_folder_is_recorded_once_and_a_changed_one_again(workspace: Path) -> None:
    folder = _stage_folder(workspace)
    first = _record(workspace)[0]
    assert first.new
    assert not _record(workspace)[0].new
    run = tracking.client().get_run(first.run_id)
    assert run.data.metrics["test.roc_auc.value"] == 0.8
    assert run.data.params == {"seed": "7"}
    assert run.data.tags["afraz.input.data/canonical"] == "d"
    curve = tracking.client().get_metric_history(first.run_id, "tuning.best_so_far")
    assert [m.value for m in curve] == [0.7, 0.7, 0.8]
    (folder / "note.txt").write_text("changed")
    assert _record(workspace)[0].new


@pytest.fixture
def told(workspace: Path) -> Path:
    """A stage that learns, with words, a model and a figure under a heading; its folder."""
    pipeline = workspace / "dvc.yaml"
    meta = "desc: Fit the first model\n    meta: {reads: training, headline: [test.roc_auc]}\n    cmd:"
    pipeline.write_text(pipeline.read_text().replace("cmd:", meta))
    notebook = workspace / "notebooks/00_first.py"
    notebook.write_text("# %% [markdown]\n# # First: who leaves\n# Within 90 days.\n\n" + notebook.read_text())
    folder = _stage_folder(workspace)
    cells = [
        {"cell_type": "markdown", "source": "## What it learned"},
        {"cell_type": "code", "source": "", "outputs": [{"data": {"image/png": "…"}}]},
    ]
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": cells}))
    (folder / "figures").mkdir()
    (folder / "figures/figure-01.png").write_bytes(b"png")
    (folder / "model").mkdir()
    (folder / "model/model.json").write_text("{}")
    return folder


def _artifacts(run_id: str, place: str | None = None) -> set[str]:
    found = set()
    for entry in tracking.client().list_artifacts(run_id, place):
        found |= _artifacts(run_id, entry.path) if entry.is_dir else {entry.path}
    return found


@pytest.mark.slow
def test_a_run_says_what_was_asked_what_came_out_and_from_what(workspace: Path, told: Path) -> None:
    recorded = _record(workspace)[0]
    opened = tracking.client()
    run = opened.get_run(recorded.run_id)
    assert run.info.run_name == f"first · roc_auc 0.800 · {folder_digest(told)[:8]}"
    tags = run.data.tags
    assert tags["mlflow.user"] == tracking.who()
    assert tags["afraz.model_digest"] == artifact.folder_digest(told / "model")
    note = tags["mlflow.note.content"]
    assert "**First: who leaves** Fit the first model" in note
    assert "| test.roc_auc | 0.8 | 0.7 – 0.9 |" in note
    assert f"#/experiments/{run.info.experiment_id}/runs/{recorded.run_id}/artifacts/notebook.html" in note
    experiment = opened.get_experiment(run.info.experiment_id)
    assert "Within 90 days." in experiment.tags["mlflow.note.content"]
    assert _artifacts(recorded.run_id) == {
        "figures/what-it-learned/figure-01.png", "model/model.json", "notebook.ipynb", "provenance.json",
        "tables/trials.csv", "tables/trials.json",
    }  # fmt: skip
    trials = json.loads(Path(opened.download_artifacts(recorded.run_id, "tables/trials.json")).read_text())
    assert trials["columns"] == ["number", "value", "best_so_far"]
    assert [row[2] for row in trials["data"]] == [0.7, 0.7, 0.8]
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "tables/trials.json", "type": "table"}]


@pytest.mark.slow
def test_a_second_sync_by_another_user_at_another_commit_adds_nothing(
    workspace: Path, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything() -> list[object]:
        found = tracking.client().search_runs([tracking.experiment_id(tracking.client(), "afraz/first")])
        return [(r.data.to_dictionary(), r.inputs.to_dictionary(), _artifacts(r.info.run_id)) for r in found]

    _record(workspace)
    before = everything()
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody else")
    monkeypatch.setattr(tracking, "git_commit", lambda: "f" * 40)
    assert not _record(workspace)[0].new
    assert everything() == before


@pytest.mark.slow
def test_lineage_sees_a_change_that_mlflows_own_digest_overlooks(workspace: Path) -> None:
    folder = _stage_folder(workspace)
    rows = pd.DataFrame({"x": range(12_000)})
    changed = rows.assign(x=rows["x"].where(rows["x"] < 11_999, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about integers and missing values
        assert from_pandas(rows).digest == from_pandas(changed).digest
    seen = []
    for table in (rows, changed):
        table.to_parquet(workspace / "table.parquet")
        document = json.loads((folder / "provenance.json").read_text())
        digest = file_digest(workspace / "table.parquet")
        (folder / "provenance.json").write_text(json.dumps({**document, "inputs": {"data/t.parquet": digest}}))
        (logged,) = tracking.client().get_run(_record(workspace)[0].run_id).inputs.dataset_inputs
        assert {t.key: t.value for t in logged.tags} == {"mlflow.data.context": "input", "afraz.sha256": digest}
        assert (logged.dataset.name, logged.dataset.digest) == ("data/t.parquet", digest[:36])
        assert json.loads(logged.dataset.source) == {"uri": "data/t.parquet", "sha256": digest}
        seen.append(logged.dataset.digest)
    assert seen[0] != seen[1]


def test_a_commit_is_told_apart_from_what_was_changed_since(workspace: Path) -> None:
    assert tracking.git_commit() is None
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "dvc.yaml"], [*author, "commit", "-qm", "x"], ["tag", "-am", "v", "v1"]):
        subprocess.run(["git", *(author if "tag" in command else []), *command], check=True)
    commit = tracking.git_commit()
    assert commit is not None
    assert len(commit) == 40  # not the name of a tag
    (workspace / "dvc.yaml").write_text("stages: {}\n")
    assert tracking.git_commit() == f"{commit}-dirty"


@pytest.mark.slow
def test_a_run_that_was_cut_short_is_recorded_anew(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stage_folder(workspace)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "_log_values", cut)
    with pytest.raises(KeyboardInterrupt):
        _record(workspace)
    monkeypatch.undo()
    monkeypatch.chdir(workspace)
    assert _record(workspace)[0].new


def test_the_store_of_a_temporary_experiment_is_the_main_clones(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", "/main/clone")
    assert tracking.tracking_uri() == "sqlite:////main/clone/mlflow/store/mlflow.db"


@pytest.mark.parametrize("uri", ["mlruns", "sqlite:///mlflow.db", "file:mlruns"])
def test_a_relative_store_is_refused(workspace: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ParamsError, match="MLFLOW_TRACKING_URI is relative .* give an absolute path or a server"):
        tracking.tracking_uri()


@pytest.mark.slow
def test_a_database_that_is_down_is_one_line_without_the_password(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg://me:secret@127.0.0.1:9/none")
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOL_SIZE", "1")
    with pytest.raises(AfrazError, match="the tracking database does not answer") as caught:
        tracking.client()
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
