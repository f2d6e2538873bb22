"""How long does a desk wait for one customer of a million? (limit 100 ms per look-up; a whole command beside it).

Look-ups by key in the SQLite index, by a process that keeps it open and by one that opens it each time; the same row
out of Parquet by pyarrow and by DuckDB; an unknown customer, who is answered with the nearest known ids; and whole
commands, from the start of Python to the answer.
"""

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import afraz
from afraz.decisioning.desk import desk_table, write_index
from afraz.decisioning.next_action import Desk
from afraz.errors import DataError

LIMIT = 100.0  # milliseconds
COMMANDS = 7


def table(rows: int, seed: int) -> pd.DataFrame:
    """Draw a desk table: a third of the customers has an offer."""
    rng = np.random.default_rng(seed)
    ids = pd.Series([f"C{i:08d}" for i in range(rows)])
    value = pd.DataFrame({"customer_id": ids, "expected_margin_12m": rng.lognormal(3, 1.2, rows),
                          "tier": rng.choice(["high", "medium", "none"], rows)})  # fmt: skip
    churn = pd.DataFrame({"customer_id": ids, "leave_90": rng.beta(1, 15, rows)})
    offered = ids[rng.random(rows) < 1 / 3]
    contacts = pd.DataFrame({
        "customer_id": offered, "campaign_id": "2026-07-01-fee_waiver", "priority": np.arange(len(offered)),
        "contact_on": pd.Timestamp("2026-07-06"), "offer": "fee_waiver", "channel": "call",
        "reason_1": "pays many fees, and pays more of them than a year ago", "expires_at": pd.Timestamp("2026-07-20"),
    })  # fmt: skip
    return desk_table(pd.DataFrame({"customer_id": ids}), dt.date(2026, 7, 1), churn=churn, value=value,
                      contacts=contacts)  # fmt: skip


def milliseconds(look_up: Callable[[str], object], ids: list[str]) -> tuple[float, float]:
    """Median and 99th percentile over the customers."""
    took = []
    for one in ids:
        start = perf_counter()
        look_up(one)
        took.append(1000 * (perf_counter() - start))
    return float(np.median(took)), float(np.quantile(took, 0.99))


def opened_each_time(place: Path) -> Callable[[str], object]:
    def look_up(customer_id: str) -> object:
        with Desk(place) as desk:
            return desk.next_action(customer_id)

    return look_up


def refused(desk: Desk) -> Callable[[str], object]:
    def look_up(customer_id: str) -> object:
        try:
            return desk.next_action(customer_id)
        except DataError as unknown:
            return unknown

    return look_up


def command(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Median milliseconds of a whole process that runs the code measured here: on the clock, and of a processor."""
    code = str(Path(afraz.__file__).absolute().parents[1])
    took, worked = [], []
    for _ in range(COMMANDS):
        start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PYTHONPATH": code})  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(1000 * (perf_counter() - start))
        worked.append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return float(np.median(took)), float(np.median(worked))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 customers: shows that it runs, not how fast")
    rows = 20_000 if parser.parse_args().small else 1_000_000
    os.environ.pop("AFRAZ_STAGING", None)
    desk = table(rows, 7)
    ids = [f"C{i:08d}" for i in np.random.default_rng(8).integers(0, rows, 500)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "dvc.yaml").write_text("stages: {}\n")
        (folder / "data" / "decisions").mkdir(parents=True)
        start = perf_counter()
        place = write_index(desk, folder / "data" / "decisions" / "desk.sqlite")
        written = perf_counter() - start
        parquet = folder / "desk.parquet"
        desk.to_parquet(parquet, index=False, compression="zstd")
        query = duckdb.connect()
        question = f"SELECT * FROM read_parquet('{parquet}') WHERE customer_id = ?"  # noqa: S608 our own file
        with Desk(place) as kept:
            found = {
                "index, kept open": milliseconds(kept.next_action, ids),
                "index, opened": milliseconds(opened_each_time(place), ids),
                "unknown customer": milliseconds(refused(kept), [f"{i}x" for i in ids]),
                "Parquet, pyarrow": milliseconds(
                    lambda i: pq.read_table(parquet, filters=[("customer_id", "=", i)]), ids[:20]
                ),
                "Parquet, DuckDB": milliseconds(lambda i: query.execute(question, [i]).fetchall(), ids[:50]),
            }
        bare = command(["-c", "pass"], folder)
        whole = command(["-m", "afraz.cli", "next-action", ids[0]], folder)
        size = place.stat().st_size / 1e6
    print(f"{rows:,} customers; index written in {written:.1f} s, {size:.0f} MB")
    print(f"{'milliseconds':24}{'median':>10}{'99 %':>10}")
    for what, (median, tail) in found.items():
        print(f"{what:24}{median:>10.3f}{tail:>10.3f}")
    for what, (clock, worked) in (("whole command", whole), ("Python alone", bare)):
        print(f"{what:24}{clock:>10.0f}   ({worked:.0f} of a processor)")
    slowest = max(found[what][1] for what in ("index, kept open", "index, opened", "unknown customer"))
    print(json.dumps({"benchmark": "next_action", "rows": rows, "command_ms": round(whole[0]),
                      "command_processor_ms": round(whole[1]),
                      **{what: round(median, 3) for what, (median, _) in found.items()},
                      "slowest_99": round(slowest, 3), "limit": LIMIT}))  # fmt: skip
    assert slowest < LIMIT, "a desk waits too long"


if __name__ == "__main__":
    main()
