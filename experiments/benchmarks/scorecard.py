"""What developing a scorecard costs: 150,000 rows × 50 variables (8 of them text), binning, choice, regression, points.

One run from the table to the printed points, as an analyst waits for it. The import of optbinning comes before.
"""

import argparse
import json
import warnings
from time import perf_counter

import numpy as np
import pandas as pd

from afraz.models.binning import bin_variables
from afraz.models.metrics import measure
from afraz.models.scorecard import fit_scorecard

NUMBERS, TEXTS, TELLING = 42, 8, 14
LIMIT = 60.0


def table(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw applications of which about one in twenty goes bad; fourteen of the variables tell something."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, NUMBERS + TEXTS))
    x[:, 1::3] = 0.7 * x[:, ::3][:, : x[:, 1::3].shape[1]] + 0.7 * x[:, 1::3]  # neighbours repeat one another
    slopes = np.zeros(x.shape[1])
    slopes[rng.choice(x.shape[1], TELLING, replace=False)] = rng.uniform(0.2, 0.6, TELLING)
    bad = (rng.random(rows) < 1 / (1 + np.exp(3.6 - np.tanh(x) @ slopes * 1.5))).astype(int)
    frame = pd.DataFrame(x[:, :NUMBERS], columns=[f"number_{j}" for j in range(NUMBERS)])
    frame = frame.mask(pd.DataFrame(rng.random(frame.shape) < 0.05, columns=frame.columns))
    for j in range(TEXTS):
        levels = np.clip(np.digitize(x[:, NUMBERS + j], np.linspace(-2, 2, 11 + 2 * j)), 0, None)
        frame[f"text_{j}"] = pd.Series([f"level {k}" for k in levels], dtype="str")
    return frame, bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="5,000 rows: shows that it runs, not how fast")
    rows = 5_000 if parser.parse_args().small else 150_000
    warnings.simplefilter("ignore")
    frame, bad = table(rows + rows // 5, 7)
    train, later = frame.iloc[:rows], frame.iloc[rows:]
    bin_variables(frame.iloc[:1000, :1], bad[:1000])  # imports
    start = perf_counter()
    bin_variables(train, bad[:rows])
    binning = perf_counter() - start
    start = perf_counter()
    card = fit_scorecard(train, bad[:rows])
    points = card.points_table(digits=0)
    seconds = perf_counter() - start
    start = perf_counter()
    score = card.points(later)
    scoring = perf_counter() - start
    found = {
        "benchmark": "scorecard", "rows": rows, "variables": NUMBERS + TEXTS, "bads": int(bad[:rows].sum()),
        "binning_seconds": round(binning, 2), "development_seconds": round(seconds, 2), "limit": LIMIT,
        "scoring_seconds_per_100k": round(scoring * 100_000 / len(later), 3), "chosen": len(card.variables),
        "bins": len(points), "roc_auc": round(measure(bad[rows:], -score, ("roc_auc",))["roc_auc"], 4),
    }  # fmt: skip
    print(f"{'':40}{'s':>9}")
    print(f"{'binning alone':40}{found['binning_seconds']:>9}")
    print(f"{'development, table to points':40}{found['development_seconds']:>9}   (at most {LIMIT:g})")
    print(f"{'scoring, per 100,000 rows':40}{found['scoring_seconds_per_100k']:>9}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
