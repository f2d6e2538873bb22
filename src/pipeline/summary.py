"""The last words of `make demo`: what was built, how good it is, where to look."""

import json
from pathlib import Path
from typing import Any

from rich.table import Column, Table

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
    table = Table(Column("measure", overflow="fold"), "value", "95 % interval", title="Headline measures")
    churn = _read(folder / "churn.json").get("test", {})
    for name in ("roc_auc", "average_precision", "lift_at_10pct", "calibration_error"):
        if name in churn:
            m = churn[name]
            table.add_row(f"churn, test: {name}", f"{m['value']:.3f}", f"{m['low']:.3f} – {m['high']:.3f}")
    credit = _read(folder / "credit.json").get("test", {})
    for name in ("roc_auc", "h_measure_prior_adjusted", "ks", "calibration_slope"):
        if name in credit:
            m = credit[name] if isinstance(credit[name], dict) else {"value": credit[name]}
            interval = f"{m['low']:.3f} – {m['high']:.3f}" if "low" in m else ""
            table.add_row(f"credit, test: {name}", f"{m['value']:.3f}", interval)
    oracle = _read(folder / "oracle.json")
    for model in ("churn", "credit", "value", "segmentation", "promotion"):
        for name, value in sorted(oracle.get(model, {}).items()):
            if isinstance(value, int | float):
                table.add_row(f"{model}, truth: {name}", f"{value:,.3f}", "")
    return table if table.row_count else None


def _places(root: Path) -> Table:
    table = Table("what", Column("where to look", overflow="fold"), title="Where to look")
    table.add_row("runs, models, champion", "make ui (http://127.0.0.1:5000)")
    table.add_row("notebooks", "make lab (http://127.0.0.1:8888)")
    for page in sorted((root / "experiments" / "runs").glob("*/notebook.html")):
        table.add_row(f"executed: {page.parent.name}", str(page.relative_to(root)))
    for scores in sorted((root / "data" / "scores").glob("as_of=*/**/*.parquet")):
        table.add_row("scores with reasons", str(scores.relative_to(root)))
    rejects = root / "data" / "rejects"
    if rejects.exists():
        table.add_row("refused source rows", str(rejects.relative_to(root)))
    return table


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}
