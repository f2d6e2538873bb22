"""Run the checks that ``mlflow/registry.yaml`` asks of a model."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import GateError, nearest
from .checks import CHECKS, Check, Evidence, Outcome
from .entries import Entry

if TYPE_CHECKING:
    from .comparison import Comparison


def asked_checks(entry: Entry) -> list[Check]:
    """The checks that a model's entry names, in that order.

    Raises
    ------
    GateError
        For a code that no check has.
    """
    for code in entry.checks:
        if code not in CHECKS:
            raise GateError(f"registry.yaml: {entry.name}: no check {code!r}: {nearest(code, CHECKS)}")
    return [CHECKS[code] for code in entry.checks]


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
    """Run every check that the model's entry names and that the stage can judge, in that order."""
    return Gate(entry.name, digest, tuple(check(evidence) for check in asked_checks(entry) if check.at == "stage"))


def review_checks(
    entry: Entry, folder: Path, *, today: date, comparison: "Comparison | None" = None
) -> tuple[Outcome, ...]:
    """Run the checks that only a review can judge: they depend on the champion and on the date.

    Parameters
    ----------
    folder : Path
        The version's model folder, which says until when it learned.
    today : date
        The date judged.
    comparison : Comparison, optional
        With the champion; None where there is none, or the version is the champion.

    Returns
    -------
    tuple of Outcome
        In the order of the entry's checks.
    """
    evidence = Evidence(
        entry.name, folder, {}, entry.bounds, comparison=comparison, today=today, valid_for_days=entry.valid_for_days
    )
    return tuple(check(evidence) for check in asked_checks(entry) if check.at == "review")
