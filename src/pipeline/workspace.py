"""The same stages on other data: a workspace of its own, with the code of this one."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .. import catalog
from ..errors import StageError
from ..params import read_yaml

_COPIED = ("dvc.yaml", "requirements.lock", "mlflow/registry.yaml")


def make_workspace(folder: Path, params: Mapping[str, Mapping[str, Any]]) -> Path:
    """Copy pipeline, notebooks, params and code into an empty folder, with some values changed.

    Parameters
    ----------
    folder : Path
        Made if absent.
    params : mapping
        File stem under ``params/`` → name → value, over what stands there.
    """
    root = catalog.root()
    for name in _COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    for name in ("notebooks", "src"):  # copied, not linked: DVC follows no links
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns(".*", "explore", "__pycache__"))
    (folder / "mlflow" / "champions.json").write_text("{}\n", "utf-8")
    (folder / ".path").mkdir()
    (folder / ".path" / "afraz").symlink_to(Path("..") / "src")
    (folder / "params").mkdir()
    for file in sorted((root / "params").glob("*.yaml")):
        changed = {**read_yaml(file), **params.get(file.stem, {})}
        (folder / "params" / file.name).write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    return folder


def run_there(folder: Path, *stages: str) -> None:
    """Run stages in another workspace, one process each, recording nothing in this one's MLflow.

    Raises
    ------
    StageError
        With the words of the stage that failed.
    """
    for stage in stages:
        command = [sys.executable, "-m", "afraz.cli", "run", stage, "--no-record"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise StageError(done.stderr.strip().removeprefix("error: ") or f"stage {stage} failed without a word")
