"""What the machinery costs beside the work: a `dvc repro` that has nothing to do, and a notebook's kernel and imports.

    python experiments/benchmarks/pipeline.py [--small]

Needs a pipeline that is up to date (`make demo`). For every stage notebook: the seconds of an empty kernel, of its
import cell in a fresh kernel, and of the executed whole, measured one after the other in this run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from afraz.catalog import root
from afraz.errors import AfrazError
from afraz.pipeline.notebook import execute

EMPTY = "# %%\n1\n"


def timed(command: list[str], folder: Path) -> float:
    """Seconds of a whole process."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def import_cell(notebook: Path) -> str:
    """The notebook cut down to its import cell."""
    cells = notebook.read_text("utf-8").split("# %%\n")
    return "# %%\n" + next(cell for cell in cells if cell.startswith(("import ", "from ")))


def notebook_seconds(text: str) -> float:
    """Seconds to execute a notebook given as py:percent text, kernel included."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "00_cut.py"
        source.write_text(text)
        started = time.perf_counter()
        execute(source, Path(name) / "done.ipynb", {}, root())
        return time.perf_counter() - started


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--small", action="store_true", help="one repeat, no whole stages")
    small = asked.parse_args().small
    here = root()
    dvc = [str(Path(sys.executable).parent / "dvc")]
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    state = json.loads(subprocess.run([*dvc, "status", "--json"], cwd=here, capture_output=True, check=True).stdout)
    if state:
        raise AfrazError(f"the pipeline is not up to date ({', '.join(state)}): run `make demo` first")
    idle = [timed([*dvc, "repro"], here) for _ in range(1 if small else 3)]
    start = [timed([*dvc, "--version"], here) for _ in range(len(idle))]
    print(f"dvc repro with nothing to do: {median(idle):.2f} s ({median(idle) / median(start):.1f} × `dvc --version`)")
    kernel = median(notebook_seconds(EMPTY) for _ in range(1 if small else 3))
    print(f"an empty notebook: {kernel:.2f} s; per stage, in this run:")
    rows = {}
    for notebook in sorted((here / "notebooks").glob("[0-9][0-9]_*.py")):
        stage = notebook.stem[3:]
        imports = notebook_seconds(import_cell(notebook)) - kernel
        whole = 0.0 if small else timed([*dvc, "repro", "--force", "--single-item", "--no-commit", stage], here)
        share = f", {(kernel + imports) / whole:5.0%} of the stage's {whole:.1f} s" if whole else ""
        print(f"  {stage:10s} kernel {kernel:.1f} s + imports {imports:4.1f} s{share}", flush=True)
        rows[stage] = {"kernel": kernel, "imports": imports, "whole": whole}
    print(json.dumps({"no_op_repro_seconds": median(idle), "stages": rows}))


if __name__ == "__main__":
    main()
