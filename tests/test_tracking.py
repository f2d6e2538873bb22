import json
import subprocess
import sys
from pathlib import Path

import pytest

from afraz import tracking
from afraz.errors import AfrazError, ParamsError

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
    (metrics / f"{name}.json").write_text(json.dumps({"test": {"roc_auc": {"value": 0.8, "low": 0.7}}}))
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
