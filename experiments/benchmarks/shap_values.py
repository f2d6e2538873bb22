"""What exact SHAP values cost beside LightGBM's ``pred_contrib``: 200,000 rows × 60 inputs, 300 trees of depth 6.

Both explain every row; chunks of the two alternate, so that another load on the machine slows both.
"""

import argparse
import json
from time import perf_counter

import lightgbm as lgb
import numpy as np

from afraz.models.artifact import Artifact
from afraz.models.explain import explain

WIDTH = 60
ROUNDS = 5
WANTED, TOLERANCE = 6.0, 1e-4


def rows_of(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, WIDTH))
    x[rng.random(x.shape) < 0.05] = np.nan
    x[:, -4:] = rng.integers(0, 12, (count, 4)) / 10  # encoded texts
    return x


def model(trees: int) -> Artifact:
    x = rows_of(20_000, 7)
    signal = np.nansum(x[:, :20] * np.linspace(1, 0.1, 20), axis=1) + np.nan_to_num(x[:, 0] * x[:, 1]) + x[:, -1]
    y = (signal + np.random.default_rng(9).normal(size=len(x)) * 2 > 0.5).astype(int)
    settings = {
        "objective": "binary",
        "max_depth": 6,
        "num_leaves": 63,
        "learning_rate": 0.05,
        "verbose": -1,
        "seed": 7,
    }
    booster = lgb.train(settings, lgb.Dataset(x, y), trees)
    spec = {
        "format": 1, "model": "benchmark", "features": [{"name": f"f{j}", "type": "double"} for j in range(WIDTH)],
        "heads": [{"name": "leave", "kind": "lightgbm", "file": "leave.txt"}],
        "outputs": [{"name": "p", "head": "leave"}],
    }  # fmt: skip
    return Artifact(spec, {"leave": booster})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="2,000 rows, 50 trees: shows that it runs, not how fast")
    small = parser.parse_args().small
    rows, trees = (2_000, 50) if small else (200_000, 300)
    artifact, x = model(trees), rows_of(rows, 8)
    explain(artifact, x[:500])  # imports
    reference, reference_seconds = [], 0.0
    ours_seconds: list[float] = []
    for part in np.array_split(x, ROUNDS):
        start = perf_counter()
        reference.append(
            np.asarray(artifact.boosters["leave"].predict(part, pred_contrib=True))[:, :-1].astype("float32")
        )
        reference_seconds += perf_counter() - start
        start = perf_counter()
        told = explain(artifact, x)
        ours_seconds.append(perf_counter() - start)
    difference = float(np.abs(told.values - np.vstack(reference)).max())
    seconds = float(np.median(ours_seconds))
    found = {
        "benchmark": "shap", "rows": rows, "inputs": WIDTH, "trees": trees, "engine": told.engine, "rounds": ROUNDS,
        "pred_contrib_seconds": round(reference_seconds, 2), "ours_seconds": round(seconds, 2),
        "times_faster": round(reference_seconds / seconds, 2), "wanted": WANTED, "difference": difference,
        "difference_limit": TOLERANCE, "additivity_error": told.additivity_error,
    }  # fmt: skip
    print(f"{'':32}{'s':>9}{'times faster':>14}")
    print(f"{'pred_contrib, all rows once':32}{found['pred_contrib_seconds']:>9}{1:>14}")
    ours = f"explain ({told.engine}), median"
    print(f"{ours:32}{found['ours_seconds']:>9}{found['times_faster']:>14}   (at least {WANTED:g})")
    print(
        f"largest difference {difference:.1e} log-odds (at most {TOLERANCE:g}), sums within {told.additivity_error:.1e}"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
