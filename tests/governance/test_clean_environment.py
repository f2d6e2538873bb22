"""A registered version needs mlflow, lightgbm, numpy and pandas, and nothing of this project."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow.artifacts
import numpy as np
import pandas as pd
import pytest

from afraz import tracking
from afraz.models.artifact import Artifact

REPO = Path(__file__).resolve().parents[2]
_SCORE = """\
import importlib.util, sys
import mlflow.pyfunc, pandas as pd
assert importlib.util.find_spec("afraz") is None
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pd.read_csv(sys.argv[2])).to_csv(sys.argv[3], index=False)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def clean_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a new environment with the four libraries, at the versions of the lock."""
    folder = tmp_path_factory.mktemp("clean")
    uv = (sys.executable, "-m", "uv", "--quiet")
    python = folder / "venv" / "bin" / "python"
    install = ("pip", "install", "--python", str(python), "--constraint", str(REPO / "requirements.lock"))
    for command in (("venv", "--python", sys.executable, str(folder / "venv")),
                    (*install, "mlflow", "lightgbm", "numpy", "pandas")):  # fmt: skip
        done = subprocess.run([*uv, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no clean environment could be made: {done.stderr.strip().splitlines()[-1:]}")
    return python


def test_a_version_taken_elsewhere_scores_identically(
    clean_python: Path, add_version: Callable[..., int], small_artifact: Callable[[int], tuple[Artifact, pd.DataFrame]],
    tmp_path: Path,
) -> None:  # fmt: skip
    opened = tracking.client()
    source = opened.get_model_version("churn", str(add_version(0))).source
    package = mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=str(tmp_path / "taken"))
    artifact, rows = small_artifact(0)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "score.py").write_text(_SCORE)
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(clean_python), "-I", "score.py", package, "rows.csv", "scores.csv"], cwd=tmp_path, check=False,
        capture_output=True, text=True, env={**environment, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = pd.read_csv(tmp_path / "scores.csv")
    here = artifact.predict(pd.read_csv(tmp_path / "rows.csv"))
    np.testing.assert_array_equal(there["leave_90"], here["leave_90"])
