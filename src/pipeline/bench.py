"""Run the benchmarks of ``experiments/benchmarks/`` one after the other: two cores bear one at a time."""

import subprocess
import sys

from .. import catalog
from ..errors import StageError


def run_benchmarks(small: bool = False) -> None:
    """Run every benchmark; each prints the ratios that it measured within its run.

    Raises
    ------
    StageError
        Naming the benchmarks that failed, after all have run.
    """
    failed = []
    for script in sorted((catalog.root() / "experiments" / "benchmarks").glob("[a-z]*.py")):
        print(f"— {script.stem}", flush=True)
        done = subprocess.run([sys.executable, str(script), *(["--small"] if small else [])], check=False)  # noqa: S603
        if done.returncode:
            failed.append(script.stem)
    if failed:
        raise StageError(f"benchmarks failed: {', '.join(failed)}: their own words stand above")
