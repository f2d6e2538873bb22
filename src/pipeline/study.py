"""Re-run a study: the notebook of a folder ``experiments/NNN-slug/`` that writes its ``results.json``."""

import os
from pathlib import Path

from .. import catalog
from ..errors import StageError
from ..params import parameters_cell
from .notebook import CellFailure, execute, write_html


def run_study(number: str) -> Path:
    """Execute ``experiments/<number>-*/study.py`` and return its ``results.json``.

    Raises
    ------
    StageError
        If there is no such study, a cell fails, or no results appear.
    """
    root = catalog.root()
    found = sorted((root / "experiments").glob(f"{number}-*/study.py"))
    if not found:
        known = ", ".join(p.parent.name for p in sorted((root / "experiments").glob("[0-9]*/study.py")))
        raise StageError(f"no study {number!r} in experiments/: there are {known or 'none'}")
    folder = found[0].parent
    runs = root / "experiments" / "runs" / f"study-{folder.name}"
    runs.mkdir(parents=True, exist_ok=True)
    results = folder / "results.json"
    before = results.stat().st_mtime_ns if results.exists() else None
    values = {p.name: p.default for p in parameters_cell(found[0].read_text("utf-8"))}
    # a study works in its own folder, where a relative path to the code leads nowhere, and an installed clone would run
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root / ".path"), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        execute(found[0], runs / "notebook.ipynb", values, folder)
    except CellFailure as failure:
        raise StageError(
            f"study {folder.name} failed in cell {failure.cell}: {failure.first_line}\n"
            f"{failure.name}: {failure.message.strip()}\nthe notebook up to there: {runs / 'notebook.ipynb'}"
        ) from None
    write_html(runs / "notebook.ipynb", runs / "notebook.html")
    if not results.exists() or results.stat().st_mtime_ns == before:
        raise StageError(f"study {folder.name} did not write {results}")
    return results
