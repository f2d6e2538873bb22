"""Run one stage: check its parameters, execute its notebook, move its outputs into place, record it."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .. import catalog
from ..digests import file_digest, folder_digest
from ..errors import NotApplicable, StageError
from ..params import load_params, notebook_of
from ..tracking import PROVENANCE
from .lifeline import die_with_parent
from .meanwhile import loading
from .notebook import CellFailure, execute, pictures, say_not_applicable, write_html
from .stages import Stage, stage_of
from .sync_state import nothing_new

EXECUTED = "notebook.ipynb"


def run_stage(name: str, overrides: Mapping[str, Any] | None = None, record: bool = True) -> dict[str, Any]:
    """Run a stage of ``dvc.yaml`` in the workspace around the current folder.

    Outputs appear only when the whole notebook has succeeded: it writes into a staging folder, which is then moved
    into place output by output. A stage that measures something (it has ``metrics``) is recorded in MLflow.

    Returns
    -------
    dict
        ``seconds``, ``outs`` (the paths that were written) and ``not_applicable`` (why the stage had nothing to do;
        None: it had). A stage whose notebook raises ``NotApplicable`` succeeds with empty outputs.

    Raises
    ------
    StageError
        If the stage is unknown, is already running, failed, or did not write an output that it declares.
    ParamsError
        Before anything starts, for parameters that are unknown or of the wrong type.
    """
    started = time.monotonic()
    root = catalog.root()
    stage = stage_of(name, root)
    parameters = load_params(name, root, overrides)
    work = root / ".afraz"
    work.mkdir(exist_ok=True)
    lock = FileLock(work / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StageError(f"stage {name} is already running in {root}: wait for it, or stop it first") from None
    with lock:
        die_with_parent()
        staging = work / "staging" / name
        shutil.rmtree(staging, ignore_errors=True)
        folder = staging / "experiments" / "runs" / name
        folder.mkdir(parents=True)
        if record and "mlflow/champions.json" in stage.deps and not nothing_new():
            _sync()  # DVC may have restored what this stage reads without running anything
        _provenance(stage, parameters, root, folder)
        with loading(recorded=record and bool(stage.metrics)):
            reason = _execute(name, parameters, root, staging, folder)
        _show(folder)
        if reason is not None:
            _leave_empty(stage, staging, reason)
        _outputs(stage, staging, folder)
        written = _publish(stage, staging, root)
        shutil.rmtree(staging)
    if record and stage.metrics:
        _sync()
    return {"seconds": round(time.monotonic() - started, 1), "outs": written, "not_applicable": reason}


def _sync() -> None:
    from .sync import sync

    sync()


def _provenance(stage: Stage, parameters: dict[str, Any], root: Path, folder: Path) -> None:
    """Say what the stage was made of, in words that are the same for equal inputs."""
    inputs = {}
    for dep in stage.data_deps:
        place = root / dep
        if not place.exists():
            raise StageError(f"stage {stage.name} reads {dep}, which is not there: run `dvc repro {stage.name}`")
        inputs[dep] = folder_digest(place) if place.is_dir() else file_digest(place)
    notebook = notebook_of(stage.name, root)
    lock = root / "requirements.lock"
    document = {
        "stage": stage.name,
        "notebook": notebook.relative_to(root).as_posix(),
        "notebook_sha256": file_digest(notebook),
        "params": parameters,
        "params_sha256": hashlib.sha256(catalog.to_json(parameters).encode()).hexdigest(),
        "lock_sha256": file_digest(lock) if lock.exists() else None,
        "inputs": inputs,
    }
    (folder / PROVENANCE).write_text(catalog.to_json(document), "utf-8")


def _outputs(stage: Stage, staging: Path, folder: Path) -> None:
    """Add what the stage wrote to its provenance: a file leads back to its run, and a model folder can be checked."""
    outputs = {}
    for out in stage.outs:
        place = staging / out
        if place.exists() and place != folder:
            outputs[out] = folder_digest(place) if place.is_dir() else file_digest(place)
    file = folder / PROVENANCE
    document = {**json.loads(file.read_text("utf-8")), "outputs": outputs}
    if (folder / "model").is_dir():
        from ..models.artifact import folder_digest as model_digest  # as the check compares it

        document["model_sha256"] = model_digest(folder / "model")
    file.write_text(catalog.to_json(document), "utf-8")


def _execute(name: str, parameters: dict[str, Any], root: Path, staging: Path, folder: Path) -> str | None:
    """Run the notebook; give the reason if it says that the stage is not applicable."""
    executed, reason = folder / EXECUTED, None
    before = os.environ.get(catalog.STAGING)
    os.environ[catalog.STAGING] = str(staging)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(root / ".path"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )  # a temporary experiment runs its own copy of the code, not the clone that is installed
    try:
        execute(notebook_of(name, root), executed, parameters, root)
    except CellFailure as failure:
        if failure.name == NotApplicable.__name__:
            reason = failure.message.strip()
        else:
            raise _kept(name, failure, root, staging, executed) from None
    finally:
        os.environ.pop(catalog.STAGING) if before is None else os.environ.update({catalog.STAGING: before})
    if reason is not None:
        say_not_applicable(executed, reason)
    return reason


def _show(folder: Path) -> None:
    """Write the page and the pictures of the executed notebook beside it."""
    executed = folder / EXECUTED
    write_html(executed, folder / "notebook.html")
    pictures(executed, folder / "figures")


def _kept(name: str, failure: CellFailure, root: Path, staging: Path, executed: Path) -> StageError:
    """Keep what a failed stage had written, and say where."""
    kept = root / "experiments" / "runs" / "failures" / f"{name}.ipynb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if executed.exists():
        shutil.copyfile(executed, kept)
    shutil.rmtree(kept.with_suffix(""), ignore_errors=True)
    os.replace(staging, kept.with_suffix(""))  # what it had written: reject tables, say
    return StageError(
        f"stage {name} failed in cell {failure.cell}: {failure.first_line}\n"
        f"{failure.name}: {failure.message.strip() or '(no message)'}\n"
        f"the notebook up to there: {kept} (what it had written: {kept.with_suffix('')}{os.sep})"
    )


def _leave_empty(stage: Stage, staging: Path, reason: str) -> None:
    """Make the outputs that a stage without work did not write: empty folders, and measures that say why."""
    for out in stage.outs:
        place = staging / out
        if place.exists():
            continue
        if place.suffix == ".json":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(catalog.to_json({catalog.NOT_APPLICABLE: reason}), "utf-8")
        else:
            place.mkdir(parents=True)


def _publish(stage: Stage, staging: Path, root: Path) -> list[str]:
    """Move every declared output from the staging folder into the workspace; all exist, or nothing is moved."""
    missing = [out for out in stage.outs if not (staging / out).exists()]
    if missing:
        raise StageError(f"stage {stage.name} did not write {', '.join(missing)}, which dvc.yaml declares")
    for out in stage.outs:
        place = root / out
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir():
            gone = place.with_name(f".{place.name}.old")
            shutil.rmtree(gone, ignore_errors=True)
            os.replace(place, gone)
            os.replace(staging / out, place)
            shutil.rmtree(gone)
        else:
            os.replace(staging / out, place)
    return list(stage.outs)
