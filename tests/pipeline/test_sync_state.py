import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from afraz.governance.ledger import ledger
from afraz.pipeline import run, sync_state
from afraz.pipeline.sync import sync


def _write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")


def _made_anew(file: Path) -> None:
    shutil.copyfile(file, file.with_suffix(".new"))
    os.replace(file.with_suffix(".new"), file)


@pytest.fixture
def synced(workspace: Path) -> Path:
    """A workspace with one stage folder and a store, as a sync leaves it."""
    _write(workspace / "experiments" / "runs" / "earlier" / "provenance.json")
    _write(workspace / "mlflow" / "store" / "mlflow.db")
    assert not sync_state.nothing_new()
    sync_state.remember(sync_state.inputs())
    return workspace


@pytest.mark.parametrize(
    "change",
    [
        lambda root: _write(root / "experiments/runs/earlier/model/model.json"),
        lambda root: _write(root / "experiments/runs/later/provenance.json"),
        lambda root: (root / "mlflow/champions.json").write_text('{"churn": "ab"}\n'),
        lambda root: (root / "mlflow/registry.yaml").write_text("churn: {}\n"),
        lambda root: ledger().append("churn", "champion", 1, "ab"),
        lambda root: (root / "mlflow/store/mlflow.db").unlink(),
        lambda root: _made_anew(root / "mlflow/store/mlflow.db"),
        lambda root: os.environ.update(MLFLOW_TRACKING_URI=f"sqlite:///{root}/another.db"),
        lambda root: os.environ.update(DVC_EXP_NAME="tried"),
    ],
    ids=[
        "folder",
        "new folder",
        "pointer",
        "rules",
        "ledger",
        "store lost",
        "store made anew",
        "another store",
        "experiment",
    ],
)
def test_whatever_a_sync_would_act_upon_makes_it_due(
    synced: Path, change: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_URI", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")  # put back afterwards
        monkeypatch.delenv(name)
    _write(synced / "data" / "scores.json")
    assert sync_state.nothing_new()  # what no run, version or champion depends on
    change(synced)
    assert not sync_state.nothing_new()


@pytest.mark.slow
def test_a_stage_that_reads_champions_syncs_only_where_something_changed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = workspace / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace("first.py]", "first.py, mlflow/champions.json]"))
    ran: list[int] = []
    folder = workspace / "experiments" / "runs" / "first"

    def counted() -> None:
        ran.append(len(list(folder.glob("*"))))
        sync()

    monkeypatch.setattr(run, "_sync", counted)
    run.run_stage("first")
    assert ran == [0, 3]  # before: nothing was ever synced; and afterwards, to record what it measured
    run.run_stage("first")
    assert ran[2:] == [3]  # only afterwards
    _write(folder / "restored.json")
    run.run_stage("first")
    assert ran[3:] == [4, 3]
