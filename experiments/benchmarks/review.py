"""How long does a reviewer wait for what waits? (limit 2 s with 1,000 versions and 5,000 runs in the store).

The whole command `afraz review`, from the start of Python to the answer, on a SQLite store of that size and a ledger of
one line per version and one move in ten. Beside it: loading MLflow, which the command does without.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import sqlalchemy as sa

import afraz
from afraz import tracking
from afraz.governance.ledger import ledger

LIMIT = 2.0  # seconds
COMMANDS = 5
MODELS = ("churn", "credit", "segmentation", "value", "promotion")
RULES = "{owner: o, tier: 2, approvals: 2, valid_for_days: 365, purpose: p, limits: l, checks: [], bounds: {}}"


def fill(versions: int, runs: int) -> None:
    """Register versions by way of MLflow's tables: its client would register them one by one."""
    opened = tracking.client()
    for model in MODELS:
        opened.create_registered_model(model)
    first = opened.create_run(tracking.experiment_id(opened, "afraz/churn")).info.run_id
    opened.create_model_version("churn", source="file:///nowhere", run_id=first)
    engine = sa.create_engine(tracking.tracking_uri())
    tables = sa.MetaData()
    tables.reflect(engine)
    book = ledger()
    with engine.begin() as connection:
        for name, change in (
            ("runs", [{"run_uuid": f"{i:032x}"} for i in range(runs)]),
            ("model_versions", [{"name": MODELS[i % 5], "version": 2 + i // 5, "storage_location": None}
                                for i in range(versions)]),
        ):  # fmt: skip
            table = tables.tables[name]
            row = dict(connection.execute(sa.select(table).limit(1)).mappings().one())
            connection.execute(table.insert(), [{**row, **values} for values in change])
    for i in range(versions):
        model, version, digest = MODELS[i % 5], 2 + i // 5, f"{i:064x}"
        book.append(model, "registered", version, digest, who="ana", evidence={"gates": "passed", "failed": ""})
        if version < versions // 10:
            opened.set_registered_model_alias(model, "champion", str(version))
            book.append(model, "champion", version, digest, who="ben", note="better in every month")


def command(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Fastest of several runs of a whole process: seconds on the clock, and of a processor."""
    code = str(Path(afraz.__file__).absolute().parents[1])
    found = []
    for _ in range(COMMANDS):
        start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "PYTHONPATH": code})  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((perf_counter() - start, worked))
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="50 versions: shows that it runs, not how fast")
    versions, runs = (50, 100) if parser.parse_args().small else (1000, 5000)
    for setting in (tracking.URI, "AFRAZ_LEDGER"):
        os.environ.pop(setting, None)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "dvc.yaml").write_text("stages: {}\n")
        (folder / "mlflow").mkdir()
        (folder / "mlflow" / "registry.yaml").write_text("".join(f"{name}: {RULES}\n" for name in MODELS))
        os.chdir(folder)
        fill(versions, runs)
        waits = command(["-m", "afraz.cli", "review"], folder)
        loading = command(["-c", "import mlflow"], folder)
    print(f"{versions:,} versions, {runs:,} runs in the store")
    for what, (clock, worked) in (("afraz review", waits), ("loading MLflow", loading)):
        print(f"{what:16}{clock:6.2f} s ({worked:.2f} of a processor)")
    print(json.dumps({"benchmark": "review", "versions": versions, "runs": runs, "seconds": round(waits[0], 2),
                      "processor_seconds": round(waits[1], 2), "limit": LIMIT,
                      "share_of_loading_mlflow": round(waits[0] / loading[0], 2)}))  # fmt: skip
    assert waits[1] < LIMIT, "a reviewer waits too long"


if __name__ == "__main__":
    main()
