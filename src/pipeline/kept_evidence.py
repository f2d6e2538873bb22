"""What a version was judged on, kept beside its run in MLflow: so that its dossier can be written again later."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..governance.checks import Outcome
from ..governance.comparison import Comparison
from ..governance.dossier import Subject
from ..governance.entries import Entry
from ..tracking import PROVENANCE

PLACE = "review"
_FRAMES = ("measures", "migration", "sides", "reasons")


def keep(subject: Subject, folder: Path) -> None:
    """Write down what the run's own folder does not hold: measures, outcomes, dictionary, label, audit, comparison."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "outcomes": [o.to_dict() for o in subject.outcomes], "metrics": subject.metrics, "label": subject.label,
        "label_terms": subject.label_terms, "audit": subject.audit, "digest": subject.digest, "commit": subject.commit,
        "comparison": _written(subject.comparison) if isinstance(subject.comparison, Comparison) else None,
    }  # fmt: skip
    (folder / "evidence.json").write_text(catalog.to_json(said), "utf-8")
    subject.dictionary.to_csv(folder / "dictionary.csv", index=False)


def kept_subject(run: Path, entry: Entry, version: int, decisions: list[Mapping[str, Any]]) -> Subject | None:
    """Read a subject from the artifacts of a version's run; None where none was kept.

    Parameters
    ----------
    run : Path
        The run's artifacts on this disk.
    """
    place = run / PLACE
    if not (place / "evidence.json").exists():
        return None
    said = json.loads((place / "evidence.json").read_text("utf-8"))
    return Subject(
        entry=entry, version=version, digest=said["digest"], outcomes=tuple(Outcome(**o) for o in said["outcomes"]),
        metrics=said["metrics"], run=run, provenance=json.loads((run / PROVENANCE).read_text("utf-8")),
        dictionary=pd.read_csv(place / "dictionary.csv"), decisions=decisions, label=said["label"],
        label_terms=said["label_terms"], audit=said["audit"], commit=said["commit"],
        comparison=_read(said["comparison"]) if said["comparison"] else None,
    )  # fmt: skip


def _written(comparison: Comparison) -> dict[str, Any]:
    plain = {f.name: getattr(comparison, f.name) for f in fields(comparison) if f.name not in _FRAMES}
    frames = {}
    for name in _FRAMES:
        frame: pd.DataFrame = getattr(comparison, name)
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        frames[name] = {"columns": list(frame.columns), "rows": rows}
    return {**plain, **frames}


def _read(said: dict[str, Any]) -> Comparison:
    frames = {name: pd.DataFrame(said[name]["rows"], columns=said[name]["columns"]) for name in _FRAMES}
    measured = frames["measures"].columns.difference(["measure"])
    frames["measures"] = frames["measures"].astype(dict.fromkeys(measured, float))
    return Comparison(**{**said, **frames})
