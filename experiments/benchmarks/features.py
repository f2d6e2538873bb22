"""How long the feature table takes: against a straightforward pandas version, and against one bare scan of the file.

    python experiments/benchmarks/features.py [--rows 5000000] [--dates 12] [--repeats 3]

Writes a canonical transactions file into a temporary folder and runs, interleaved in one process: the families value,
behaviour, loyalty and lifecycle by ``build_features``, cut to the features of the pandas baseline of
``tests/baselines``, that baseline itself, and one grouped sum over the file by DuckDB. Results are compared before
anything is printed.
"""

import argparse
import importlib.util
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from types import ModuleType

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from afraz.data.schemas import CHANNELS, KINDS
from afraz.features.snapshots import snapshot_dates
from afraz.features.table import build_features

FAMILIES = ["value", "behaviour", "loyalty", "lifecycle"]
LAST = date(2026, 7, 1)
DAYS = 1096


def baseline() -> ModuleType:
    """Load the pandas version from the tests."""
    path = Path(__file__).parents[2] / "tests" / "baselines" / "pandas_features.py"
    spec = importlib.util.spec_from_file_location("pandas_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _names(codes: np.ndarray, names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names)).cast(pa.string())


def _money(values: np.ndarray) -> pa.Array:
    return pa.array(np.round(values, 2)).cast(pa.decimal128(18, 2))


def write_bank(folder: Path, rows: int, seed: int = 7) -> None:
    """Write ``rows`` transactions, 360 a customer in three years, clustered by customer; 1 % of them known late."""
    rng = np.random.default_rng(seed)
    customers = max(rows // 360, 1)
    who = np.sort(rng.integers(0, customers, rows))
    seconds = rng.integers(0, DAYS * 86400, rows)
    order = np.lexsort((seconds, who))
    who, seconds = who[order], seconds[order]
    booked = np.datetime64(LAST, "us") - np.timedelta64(DAYS, "D") + seconds.astype("timedelta64[s]")
    late = np.where(rng.random(rows) < 0.99, rng.random(rows), 30.0) * 86400
    kind = rng.choice(len(KINDS), rows, p=[0.5, 0.1, 0.05, 0.06, 0.1, 0.08, 0.04, 0.03, 0.03, 0.01])
    sign = np.where(np.isin(kind, [2, 3, 5, 7, 9]), 1, -1)
    bought = kind == 0
    category = np.where(bought, rng.integers(0, 12, rows), 0)
    names = pa.array([f"C{i:08d}" for i in range(customers)])
    table = pa.table({
        "transaction_id": pa.array(np.arange(rows)).cast(pa.string()),
        "customer_id": names.take(pa.array(who)),
        "booked_at": pa.array(booked),
        "amount": _money(rng.lognormal(3.5, 1.0, rows) * sign),
        "margin": _money(rng.normal(0.5, 2.0, rows)),
        "kind": _names(kind, KINDS),
        "channel": _names(rng.choice(7, rows, p=[0.4, 0.1, 0.15, 0.2, 0.05, 0.02, 0.08]), CHANNELS),
        "category": pa.array(np.where(bought, np.char.add("category ", category.astype(str)), ""), mask=~bought),
        "known_at": pa.array(booked + late.astype("timedelta64[s]")),
    })  # fmt: skip
    pq.write_table(table, folder / "transactions.parquet", compression="zstd")
    joined = pa.array(np.full(customers, np.datetime64("2020-01-01", "us")))
    pq.write_table(pa.table({"customer_id": names, "joined_at": joined}), folder / "customers.parquet")


def ours(folder: Path, dates: list[date], names: list[str]) -> pd.DataFrame:
    """Build the named features from the files, in a fresh database."""
    backend = ibis.duckdb.connect()
    tables = {name: backend.read_parquet(folder / f"{name}.parquet") for name in ("customers", "transactions")}
    return build_features(tables, dates, families=FAMILIES).select(names).to_pyarrow().to_pandas()


def bare_scan(folder: Path, dates: list[date]) -> pd.DataFrame:
    """Sum one column per customer."""
    rows = ibis.duckdb.connect().read_parquet(folder / "transactions.parquet")
    return rows.group_by("customer_id").aggregate(total=rows.amount.sum(), rows=rows.count()).to_pandas()


def compare(mine: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Refuse to go on unless every feature of the baseline agrees to 1e-9 (relative); return how many do."""
    one, two = (f.assign(as_of=pd.to_datetime(f["as_of"])).set_index(["customer_id", "as_of"]) for f in (mine, theirs))
    two = two.loc[one.index]
    for name in two.columns:
        right, left = two[name].to_numpy(float), one[name].to_numpy(float)
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-6, err_msg=name)
    return len(two.columns)


def main() -> None:
    """Run and print the ratios."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=5_000_000)
    asked.add_argument("--dates", type=int, default=12)
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--small", action="store_true", help="does it run? (the ratio means little)")
    options = asked.parse_args()
    if options.small:
        options.rows, options.dates, options.repeats = 100_000, 3, 1
    warnings.filterwarnings("ignore", message=".*(fetch_arrow|infer_string)")
    dates, pandas = snapshot_dates(LAST, options.dates), baseline()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bank(folder, options.rows)
        first = pandas.read_transactions(folder / "transactions.parquet").head(1000)
        names = list(pandas.pandas_features(first, dates[:1]).columns)  # both build these, and nothing else
        runs: dict[str, Callable[[], pd.DataFrame]] = {
            "features": lambda: ours(folder, dates, names),
            "pandas": lambda: pandas.pandas_features(pandas.read_transactions(folder / "transactions.parquet"), dates),
            "bare scan": lambda: bare_scan(folder, dates),
        }
        seconds: dict[str, list[float]] = {n: [] for n in runs}
        for repeat in range(options.repeats):
            results = {}
            for label, run in runs.items():
                started = time.perf_counter()
                results[label] = run()
                seconds[label].append(time.perf_counter() - started)
            if repeat == 0:
                agreeing, built = compare(results["features"], results["pandas"]), results["features"].shape
    print(f"{options.rows:,} transactions × {options.dates} dates: {built[0]:,} rows × {built[1] - 2} features")
    for label, times in seconds.items():
        print(f"  {label:10s} median {median(times):7.2f} s   (runs: {', '.join(f'{t:.2f}' for t in times)})")
    ratios = [p / f for p, f in zip(seconds["pandas"], seconds["features"], strict=True)]
    scans = [f / s for f, s in zip(seconds["features"], seconds["bare scan"], strict=True)]
    print(f"  pandas / features    = {median(ratios):6.1f}   ({agreeing} features agree to 1e-9; at least 5 wanted)")
    print(f"  features / bare scan = {median(scans):6.1f}")


if __name__ == "__main__":
    main()
