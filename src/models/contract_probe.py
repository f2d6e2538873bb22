"""Load a model folder through MLflow as a stranger would: this project not importable, pickle disallowed.

Run by :mod:`afraz.models.contract` in a process of its own: ``python -I contract_probe.py FOLDER TABLE RESULT``.
It needs what a model folder needs and nothing else.
"""

import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any


class NoAfraz:
    """An import hook that hides this project."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Refuse the package, let everything else pass."""
        if name.split(".", 1)[0] in ("afraz", "src"):
            raise ImportError(f"{name} is hidden: a model folder must not need it")


def probe(folder: Path, table: Path, result: Path) -> None:
    """Save as an MLflow model, load it again, score through the wrapper and through the unwrapped model."""
    import mlflow
    import pandas as pd

    spec = json.loads((folder / "model.json").read_text("utf-8"))
    frame = pd.read_parquet(table)
    with tempfile.TemporaryDirectory() as scratch:
        stored = Path(scratch) / "stored"
        mlflow.pyfunc.save_model(
            stored,
            python_model=str(folder / "pyfunc.py"),
            artifacts={"model": str(folder)},
            signature=runpy.run_path(str(folder / "pyfunc.py"))["signature"](spec),
            pip_requirements=["mlflow"],
        )
        pickles = sorted(p.name for p in stored.rglob("*") if p.suffix in (".pkl", ".pickle", ".joblib"))
        model = mlflow.pyfunc.load_model(str(stored))
        wrapped = model.predict(frame)
        unwrapped = model.unwrap_python_model().predictor.predict(frame)
        unwrapped.columns = [f"unwrapped {name}" for name in unwrapped]
        pd.concat([wrapped, unwrapped], axis=1).to_parquet(result)
    if pickles:
        raise SystemExit(f"pickles were written: {', '.join(pickles)}")


if __name__ == "__main__":
    sys.meta_path.insert(0, NoAfraz)
    os.environ |= {
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    probe(*(Path(argument) for argument in sys.argv[1:4]))
