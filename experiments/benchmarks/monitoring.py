"""How long does it take to watch a month of a million customers? (limit 60 s on two cores).

One month goes by a model of 60 inputs (4 of them text) and 100 trees, as in `scoring.py`: inputs and score are
counted, the month is judged against its season a year ago, broken inputs are looked for, the AUC is estimated before
outcomes are known and measured with intervals once they are. The 17 months before it are counts.
"""

import argparse
import json
from time import perf_counter

import numpy as np
import pandas as pd
from scoring import model, table

from afraz.monitoring.broken import broken_inputs
from afraz.monitoring.drift import DriftTerms, judge, surprises
from afraz.monitoring.performance import probability_month
from afraz.monitoring.profile import Profile
from afraz.monitoring.watcher import RESAMPLED_ROWS, SCORE

MONTHS = 18
OUTPUT = "leave_90"


def main() -> None:
    """Count small months as history, then watch a large one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    rows = 20_000 if parser.parse_args().small else 1_000_000
    fitted, history = model(1), table(20_000, 2)
    inputs = Profile.of(history, list(history))
    scores = Profile.of(pd.DataFrame({SCORE: fitted.score(history, OUTPUT)}), [SCORE])
    dates = list(pd.date_range("2025-02-01", periods=MONTHS, freq="MS"))
    for i, month in enumerate(dates[:-1]):
        before = table(20_000, 10 + i)
        inputs.add(month, before)
        scores.add(month, pd.DataFrame({SCORE: fitted.score(before, OUTPUT)}))
    month = table(rows, 3)
    seconds, terms = {}, DriftTerms()

    started = perf_counter()
    inputs.add(dates[-1], month)
    seconds["count inputs"] = perf_counter() - started

    started = perf_counter()
    p = fitted.score(month, OUTPUT)
    scores.add(dates[-1], pd.DataFrame({SCORE: p}))
    seconds["score"] = perf_counter() - started

    started = perf_counter()
    found = judge(pd.concat([surprises(inputs, terms), surprises(scores, terms)]), terms)
    broken = broken_inputs(inputs)
    seconds["judge"] = perf_counter() - started

    label = pd.Series((np.random.default_rng(4).random(rows) < p).astype(float))
    n = int(np.clip(RESAMPLED_ROWS // rows, 30, 200))
    started = perf_counter()
    probability_month(pd.Series(p), None)
    probability_month(pd.Series(p), label, n=n)
    seconds["performance, estimated and measured"] = perf_counter() - started

    for what, took in seconds.items():
        print(f"  {what:40}{took:>8.1f} s")
    total = sum(seconds.values())
    print(f"{rows:,} customers × {len(month.columns)} inputs: {total:.1f} s (limit 60 s)")
    alarms = int(found["alarm"].sum())
    print(json.dumps({"rows": rows, "seconds": round(total, 1), "alarms": alarms, "broken": len(broken)}))


if __name__ == "__main__":
    main()
