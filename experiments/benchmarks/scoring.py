"""What scoring costs beside bare LightGBM: 1,000,000 rows × 60 inputs (4 of them text), 100 trees of 31 leaves.

Bare is ``Booster.predict`` on the encoded matrix, which exists already. Ours starts from the table (check, cast,
encode, predict, calibrate), through the unwrapped MLflow model. Both alternate in one process; the ratio of medians
counts.
"""

import argparse
import json
import logging
import os
import tempfile
import warnings
from pathlib import Path
from time import perf_counter

import lightgbm as lgb
import numpy as np
import pandas as pd

from afraz.models.artifact import Artifact, folder_inside, load_artifact, log_kwargs, save_artifact
from afraz.scoring.batch import score_frame

NUMBERS, TEXTS = 56, 4
LEVELS = [f"level {i}" for i in range(12)]
ROUNDS = 5
LIMIT = 1.3


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for j in range(NUMBERS):
        values = rng.normal(size=rows)
        values[rng.random(rows) < 0.05] = np.nan
        columns[f"number_{j}"] = values
    for j in range(TEXTS):
        columns[f"text_{j}"] = pd.Series(np.array(LEVELS)[rng.integers(0, len(LEVELS), rows)])
    return pd.DataFrame(columns)


def model(seed: int) -> Artifact:
    frame = table(20_000, seed)
    levels = {level: i / 10 for i, level in enumerate(LEVELS)}
    features = [{"name": f"number_{j}", "type": "double"} for j in range(NUMBERS)]
    features += [
        {"name": f"text_{j}", "type": "text", "levels": levels, "missing": -1.0, "other": 0.5} for j in range(TEXTS)
    ]
    x = np.column_stack([frame[n].map(levels) if n.startswith("text") else frame[n] for n in frame]).astype(float)
    signal = np.nansum(x[:, :12], axis=1) + x[:, -4:].sum(axis=1)
    y = (signal + np.random.default_rng(seed).normal(size=len(x)) * 3 > 3).astype(int)
    settings = {"objective": "binary", "num_leaves": 31, "verbose": -1, "seed": seed}
    booster = lgb.train(settings, lgb.Dataset(x, y), 100)
    knots = [-6.0, -2.0, 0.0, 2.0, 6.0]
    spec = {
        "format": 1, "model": "benchmark", "features": features,
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}],
        "outputs": [{"name": f"leave_{days}", "head": "leave", "knots_margin": knots,
                     "knots_log_odds": [k - 3 + days / 30 for k in knots]} for days in (30, 60, 90)],
    }  # fmt: skip
    return Artifact(spec, {"leave": booster})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 rows: shows that it runs, not how fast")
    rows = 20_000 if parser.parse_args().small else 1_000_000
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    import mlflow

    with tempfile.TemporaryDirectory() as scratch:
        folder = save_artifact(model(7), Path(scratch) / "model")
        mlflow.pyfunc.save_model(Path(scratch) / "stored", **log_kwargs(folder))
        registered = mlflow.pyfunc.load_model(str(Path(scratch) / "stored")).unwrap_python_model().predictor
        artifact = load_artifact(folder_inside(Path(scratch) / "stored"))
    frame = table(rows, 8)
    matrix = artifact.matrix(frame)
    booster = artifact.boosters["leave"]
    bare, ours = [], []
    for _ in range(ROUNDS):
        start = perf_counter()
        booster.predict(matrix)
        bare.append(perf_counter() - start)
        start = perf_counter()
        scores = score_frame(registered, frame)
        ours.append(perf_counter() - start)
    assert np.array_equal(scores.to_numpy(), artifact.predict(frame).to_numpy())
    found = {
        "benchmark": "scoring", "rows": rows, "inputs": NUMBERS + TEXTS, "trees": 100, "rounds": ROUNDS,
        "bare_seconds": round(float(np.median(bare)), 3), "ours_seconds": round(float(np.median(ours)), 3),
        "ratio": round(float(np.median(ours) / np.median(bare)), 3), "limit": LIMIT,
    }  # fmt: skip
    print(f"{'':24}{'median s':>10}{'ratio':>8}")
    print(f"{'bare Booster.predict':24}{found['bare_seconds']:>10}{1:>8}")
    print(f"{'registered model':24}{found['ours_seconds']:>10}{found['ratio']:>8}   (at most {LIMIT})")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
