"""The last words of `make demo`: what was built, how good it is, where to look."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from .. import catalog


def summarise() -> list[Any]:
    """Rich renderables: tables of data, of measures, and of places."""
    root = catalog.root()
    return [part for part in (_data(), _measures(root / "experiments" / "metrics"), _places(root)) if part is not None]


def _data() -> Table | None:
    place = catalog.path("coverage")
    if not place.exists():
        return None
    coverage = json.loads(place.read_text("utf-8"))
    table = Table("table", "rows", "from", "to", title="What was built from")
    for name, entry in coverage.items():
        if isinstance(entry, dict) and "rows" in entry:
            table.add_row(
                name, f"{entry['rows']:,}", str(entry.get("first") or "")[:10], str(entry.get("last") or "")[:10]
            )
    return table


def _measures(folder: Path) -> Table | None:
    table = Table("measure", "value", "95 % interval", title="Headline measures")
    churn = _read(folder / "churn.json").get("test", {})
    for name in ("roc_auc", "average_precision", "lift_at_10pct", "calibration_error"):
        if name in churn:
            m = churn[name]
            table.add_row(f"churn, later months: {name}", f"{m['value']:.3f}", f"{m['low']:.3f} – {m['high']:.3f}")
    oracle = _read(folder / "oracle.json").get("churn", {})
    for name, value in sorted(oracle.items()):
        if isinstance(value, int | float):
            table.add_row(f"churn, against the truth: {name}", f"{value:.3f}", "")
    return table if table.row_count else None


def _places(root: Path) -> Table:
    table = Table("where to look", "what", title="Where to look")
    table.add_row("make ui", "MLflow: runs, models, the champion (http://127.0.0.1:5000)")
    table.add_row("make lab", "JupyterLab: the stage notebooks (http://127.0.0.1:8888)")
    for page in sorted((root / "experiments" / "runs").glob("*/notebook.html")):
        table.add_row(str(page.relative_to(root)), "executed notebook")
    for scores in sorted((root / "data" / "scores").glob("as_of=*/*.parquet")):
        table.add_row(str(scores.relative_to(root)), "scores, one row per customer, with reasons")
    rejects = root / "data" / "rejects"
    if rejects.exists():
        table.add_row(str(rejects.relative_to(root)), "source rows that were refused, with the rule")
    return table


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
