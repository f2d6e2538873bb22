"""Run the checks that ``mlflow/registry.yaml`` asks of a model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import GateError, nearest
from .checks import CHECKS, Evidence, Outcome
from .entries import Entry, read_entries


def read_registry(file: Path) -> dict[str, Entry]:
    """Read the registry's rules and hold their checks against those that exist.

    Raises
    ------
    GateError
        As :func:`~afraz.governance.entries.read_entries`, and for an unknown check.
    """
    entries = read_entries(file)
    for name, entry in entries.items():
        for code in entry.checks:
            if code not in CHECKS:
                raise GateError(f"{file.name}: {name}: no check {code!r}: {nearest(code, CHECKS)}")
    return entries


@dataclass(frozen=True)
class Gate:
    """The outcomes for one model folder; ``passed`` means that no blocking check failed."""

    model: str
    digest: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> list[str]:
        return [o.code for o in self.outcomes if o.status == "fail" and o.severity == "blocking"]

    def table(self) -> pd.DataFrame:
        """One row per check: code, title, severity, status, evidence."""
        return pd.DataFrame([o.to_dict() for o in self.outcomes])

    def counts(self) -> dict[str, Any]:
        """How many checks passed, failed and did not apply, and whether the model may be used."""
        statuses = [o.status for o in self.outcomes]
        found = {s: statuses.count(s) for s in ("pass", "fail", "not_applicable")}
        return {self.model: {**found, "may_be_used": int(self.passed)}}

    def to_dict(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "digest": self.digest,
            "passed": self.passed,
            "outcomes": [o.to_dict() for o in self.outcomes],
        }


def run_checks(entry: Entry, digest: str, evidence: Evidence) -> Gate:
    """Run every check that the model's entry names, in that order."""
    return Gate(entry.name, digest, tuple(CHECKS[code](evidence) for code in entry.checks))
