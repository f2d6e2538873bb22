"""What a check is: a coded object that looks at evidence, and passes, fails or does not apply."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from ...errors import ArtifactError
from ...models.artifact import Artifact, load_artifact

if TYPE_CHECKING:
    from ..comparison import Comparison

Status = Literal["pass", "fail", "not_applicable"]
Found = tuple[Status, str]
Severity = Literal["blocking", "warning"]


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: the outputs of the stages that made the model.

    Attributes
    ----------
    bounds : mapping
        The limits that ``mlflow/registry.yaml`` states for this model.
    sample, predictions : DataFrame
        Rows as scoring will meet them, and what the model said of them at training time.
    known_features : frozenset of str
        Features with a row in the dictionary; empty for a ready table.
    leak_audit : mapping, optional
    signs : mapping
        Feature → 1 or −1: the way in which experience says that it acts on this model's outcome.
    tables : mapping of str to DataFrame
        What the model's stage saved as tables and as explanation.
    refused : DataFrame, optional
        ``table, read, rejected, share``: what ingest refused; None where the model did not learn from ingested tables.
    stated_digest : str, optional
        Digest of the model folder that its run states.
    comparison : Comparison, optional
        With the champion; known at registration and review only.
    today : date, optional
        The date judged; known at registration and review only.
    valid_for_days : int, optional
    """

    model: str
    folder: Path
    metrics: Mapping[str, Any]
    bounds: Mapping[str, float]
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    predictions: pd.DataFrame = field(default_factory=pd.DataFrame)
    known_features: frozenset[str] = frozenset()
    leak_audit: Mapping[str, Any] | None = None
    signs: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    refused: pd.DataFrame | None = None
    stated_digest: str | None = None
    comparison: "Comparison | None" = None
    today: date | None = None
    valid_for_days: int | None = None

    @cached_property
    def artifact(self) -> Artifact:
        """The model, loaded once for all checks; ``folder.unaltered`` reads the files anew.

        Raises
        ------
        ArtifactError
            If it was altered or is incomplete.
        """
        return load_artifact(self.folder)

    def table(self, name: str) -> pd.DataFrame | None:
        """Give a table; None where the stage saved none of this name, or an empty one."""
        found = self.tables.get(name)
        return None if found is None or found.empty else found


@dataclass(frozen=True)
class Outcome:
    """What a check found."""

    code: str
    title: str
    severity: Severity
    status: Status
    evidence: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """A coded check; ``explanation`` tells a reviewer what it guards against, ``docs/checks/<code>.md`` the rest.

    Attributes
    ----------
    at : {"stage", "review"}
        Where it is judged: in the stage ``govern``, whose outcome depends on its inputs alone, or when a version is
        registered and reviewed, where the champion and the date are known.
    loads : bool
        Whether it looks at the model itself; where that does not load, AFZ020 says so, and this check does not apply.
    """

    code: str
    title: str
    severity: Severity
    explanation: str
    look: Callable[[Evidence], Found]
    at: Literal["stage", "review"] = "stage"
    loads: bool = False

    def __call__(self, evidence: Evidence) -> Outcome:
        status, found = self._looked(evidence)
        return Outcome(self.code, self.title, self.severity, status, found)

    def _looked(self, evidence: Evidence) -> Found:
        if self.loads:
            try:
                _ = evidence.artifact
            except ArtifactError:
                return "not_applicable", "the model folder does not load: AFZ020 says why"
        return self.look(evidence)


def verdict(good: bool) -> Status:
    """Spell a finding.

    Examples
    --------
    >>> verdict(True), verdict(False)
    ('pass', 'fail')
    """
    return "pass" if good else "fail"


def spelled(measure: Mapping[str, float], digits: int = 3) -> str:
    """Spell a measure with its interval.

    Examples
    --------
    >>> spelled({"value": 0.81, "low": 0.79, "high": 0.83}, 2)
    '0.81 (0.79–0.83)'
    """
    return f"{measure['value']:.{digits}f} ({measure['low']:.{digits}f}–{measure['high']:.{digits}f})"
