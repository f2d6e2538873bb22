import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from afraz.digests import file_digest, folder_digest
from afraz.errors import ParamsError, StageError
from afraz.models import artifact
from afraz.pipeline.run import run_stage


def test_a_stage_writes_its_outputs_notebook_page_and_provenance(workspace: Path) -> None:
    result = run_stage("first", {"rows": 2}, record=False)
    assert result["outs"] == ["data/first-7", "experiments/runs/first", "experiments/metrics/first.json"]
    assert (workspace / "data/first-7/rows.txt").read_text() == "x\nx\n"
    folder = workspace / "experiments/runs/first"
    assert json.loads((folder / "provenance.json").read_text())["params"] == {"seed": 7, "rows": 2, "fail": False}
    page = (folder / "notebook.html").read_text()
    assert "<table" in page
    assert not (workspace / ".afraz/staging/first").exists()


def test_a_stage_that_makes_a_model_states_its_digest_and_another_states_none(workspace: Path) -> None:
    run_stage("first", record=False)
    provenance = workspace / "experiments/runs/first/provenance.json"
    assert "model_sha256" not in json.loads(provenance.read_text())
    making = """
# %%
model = staging / "experiments/runs/first/model"
model.mkdir(parents=True)
(model / "model.json").write_text("{}")
(model / "__pycache__").mkdir()
(model / "__pycache__/pyfunc.pyc").write_bytes(b"of this machine")
"""
    notebook = workspace / "notebooks" / "00_first.py"
    notebook.write_text(notebook.read_text() + making)
    run_stage("first", record=False)
    model = provenance.parent / "model"
    assert (model / "__pycache__").is_dir()
    assert json.loads(provenance.read_text())["model_sha256"] == artifact.folder_digest(model)


def test_provenance_names_what_was_written_by_its_content(workspace: Path) -> None:
    run_stage("first", record=False)
    outputs = json.loads((workspace / "experiments/runs/first/provenance.json").read_text())["outputs"]
    assert outputs == {
        "data/first-7": folder_digest(workspace / "data/first-7"),
        "experiments/metrics/first.json": file_digest(workspace / "experiments/metrics/first.json"),
    }


def test_the_kernel_talks_over_private_sockets_not_the_network(workspace: Path) -> None:
    notebook = workspace / "notebooks/00_first.py"
    look = "import ipykernel.kernelapp as k\n(Path(os.environ['AFRAZ_STAGING']) / '../../transport').write_text("
    look += "k.IPKernelApp.instance().transport)\n"
    notebook.write_text(notebook.read_text().replace("staging = Path", look + "staging = Path"))
    run_stage("first", record=False)
    assert (workspace / ".afraz/transport").read_text() == "ipc"


def test_two_runs_leave_the_same_bytes(workspace: Path) -> None:
    folder = workspace / "experiments/runs/first"
    run_stage("first", record=False)
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    run_stage("first", record=False)
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before
    assert b"0x0" in before["notebook.ipynb"]  # the address of object() was there, and is gone


def test_the_page_asks_nothing_of_the_network(workspace: Path) -> None:
    run_stage("first", record=False)
    page = (workspace / "experiments/runs/first/notebook.html").read_text()
    for loader in ('src="http', "src='http", 'href="http', "@import", "cdnjs", "import("):
        assert loader not in page


def test_a_sentence_in_a_table_is_shown_whole_and_settings_of_the_user_are_not_read(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ipython" / "profile_default" / "startup"
    own.mkdir(parents=True)
    (own / "mine.py").write_text("import pandas\npandas.set_option('display.max_colwidth', 9)\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook, said = workspace / "notebooks/00_first.py", " ".join(["word"] * 24)
    notebook.write_text(f"{notebook.read_text()}\n# %%\nimport pandas as pd\npd.DataFrame({{'said': ['{said}']}})\n")
    run_stage("first", record=False)
    assert f"<td>{said}</td>" in (workspace / "experiments/runs/first/notebook.html").read_text()


def test_a_failure_names_cell_error_and_file_and_leaves_old_outputs(workspace: Path) -> None:
    run_stage("first", record=False)
    with pytest.raises(StageError) as caught:
        run_stage("first", {"rows": 9, "fail": True}, record=False)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith('assert not fail, "asked to fail"')
    assert lines[1] == "AssertionError: asked to fail"
    assert str(workspace / "experiments/runs/failures/first.ipynb") in lines[2]
    assert (workspace / "experiments/runs/failures/first/data/first-7/rows.txt").read_text() == "x\n" * 9
    assert "asked to fail" in (workspace / "experiments/runs/failures/first.ipynb").read_text()
    assert (workspace / "data/first-7/rows.txt").read_text() == "x\nx\nx\n"


def test_parameters_are_refused_before_anything_starts(workspace: Path) -> None:
    with pytest.raises(ParamsError, match="unknown parameter 'row'"):
        run_stage("first", {"row": 2}, record=False)
    assert not (workspace / "experiments").exists()


def test_an_output_that_is_not_written_is_an_error_and_nothing_is_moved(workspace: Path) -> None:
    pipeline = workspace / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace("outs: [", "outs: [data/more, "))
    with pytest.raises(StageError, match="stage first did not write data/more, which dvc.yaml declares"):
        run_stage("first", record=False)
    assert not (workspace / "data/first-7").exists()


def _start(workspace: Path, *, shell: bool = False) -> subprocess.Popen[bytes]:
    notebook = workspace / "notebooks/00_first.py"
    slow = "import time\n(Path('started')).write_text('x')\ntime.sleep(60)\n"
    notebook.write_text(notebook.read_text().replace("staging = Path", slow + "staging = Path"))
    command = [sys.executable, "-m", "afraz.cli", "run", "first"]
    if shell:  # a parent that can be killed, as DVC can
        command = [sys.executable, "-c", f"import subprocess; subprocess.run({command!r})"]
    process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if (workspace / "started").exists():
            return process
        time.sleep(0.05)
    raise AssertionError("the stage did not start")


def _gone(processes: list[psutil.Process], seconds: float = 8) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["parent", "runner", "kernel"])
def test_killing_any_process_leaves_no_orphan_and_the_next_run_completes(workspace: Path, victim: str) -> None:
    source = (workspace / "notebooks/00_first.py").read_text()
    parent = _start(workspace, shell=True)
    tree = psutil.Process(parent.pid).children(recursive=True)
    kernel = next(p for p in tree if "ipykernel_launcher" in " ".join(p.cmdline()))
    runner = next(p for p in tree if "afraz.cli" in " ".join(p.cmdline()))
    {"parent": psutil.Process(parent.pid), "runner": runner, "kernel": kernel}[victim].kill()
    parent.wait(30)
    assert _gone(tree)
    assert not (workspace / "data/first-7").exists()
    (workspace / "notebooks/00_first.py").write_text(source)
    assert run_stage("first", record=False)["outs"]
    assert os.path.exists("data/first-7/rows.txt")


@pytest.mark.slow
def test_a_second_runner_of_the_same_stage_is_refused(workspace: Path) -> None:
    process = _start(workspace)
    try:
        with pytest.raises(StageError, match="stage first is already running"):
            run_stage("first", record=False)
    finally:
        process.kill()
        process.wait()


def test_a_stage_with_nothing_to_do_says_why_and_leaves_empty_outputs(workspace: Path) -> None:
    notebook = workspace / "notebooks/00_first.py"
    said = "from afraz.errors import NotApplicable\nraise NotApplicable('there is no table of loans')\n\n# %%\n"
    notebook.write_text(notebook.read_text().replace("staging = Path", said + "staging = Path"))
    result = run_stage("first", record=False)
    assert result["not_applicable"] == "there is no table of loans"
    assert list((workspace / "data/first-7").iterdir()) == []
    measured = json.loads((workspace / "experiments/metrics/first.json").read_text())
    assert measured == {"not_applicable": "there is no table of loans"}
    page = (workspace / "experiments/runs/first/notebook.html").read_text()
    assert "not applicable: there is no table of loans" in page
    assert "Traceback" not in page
    assert not (workspace / "experiments/runs/failures/first.ipynb").exists()
