"""What a dossier speaks of: one version of a model, and everything that is known about it. Plain data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from ..models.artifact import Artifact, load_artifact
from ..models.explanation import GlobalExplanation, explain_globally
from .checks import Outcome
from .gates import Entry

PERSONAL = {"customer_id", "loan_id", "account_id", "row"}
"""A table with one of these columns has rows of single customers: it is never shown."""


class Compared(Protocol):
    """What the dossier reads of a comparison with the champion on the same rows."""

    @property
    def champion_version(self) -> int: ...
    @property
    def champion_digest(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def customers(self) -> int: ...
    @property
    def measures(self) -> pd.DataFrame: ...
    @property
    def migration(self) -> pd.DataFrame: ...
    @property
    def sides(self) -> pd.DataFrame: ...
    @property
    def reasons(self) -> pd.DataFrame: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True)
class Subject:
    """One version of a model.

    Attributes
    ----------
    entry : Entry
        Its row of ``mlflow/registry.yaml``.
    version : int
        Its number in the registry.
    digest : str
        Names the model folder by its content.
    outcomes : tuple of Outcome
        What the checks found.
    metrics : mapping
        ``experiments/metrics/<model>.json``.
    run : Path
        The stage's output folder: model, tables, curves, explanation, sample.
    provenance : mapping
        ``provenance.json`` of that folder.
    dictionary : DataFrame
        One row per feature: name, meaning, unit, window …; empty for a ready table.
    decisions : sequence of mapping
        ``at, who, action, version, note``, oldest first.
    comparison : Compared, optional
        With the champion; None where there is none to compare with.
    label : str
        Definition of the outcome it learned; empty where it learns none.
    label_terms : mapping
        The parameters that the definition leaves open.
    audit : mapping, optional
        The leak audit of its features.
    commit : str, optional
        The git commit of the run.
    """

    entry: Entry
    version: int
    digest: str
    outcomes: tuple[Outcome, ...]
    metrics: Mapping[str, Any]
    run: Path
    provenance: Mapping[str, Any]
    dictionary: pd.DataFrame
    decisions: Sequence[Mapping[str, Any]] = ()
    comparison: Compared | None = None
    label: str = ""
    label_terms: Mapping[str, Any] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None
    commit: str | None = None

    @property
    def name(self) -> str:
        return self.entry.name

    @cached_property
    def artifact(self) -> Artifact:
        """The model itself."""
        return load_artifact(self.run / "model")

    @cached_property
    def sample(self) -> pd.DataFrame | None:
        """Rows as scoring meets them, without an id of a customer; None where the stage saved none."""
        return self._rows("sample.parquet")

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """What the model said of the test part, and what came; summed up in the dossier, never shown."""
        return self._rows("predictions.parquet")

    @cached_property
    def meanings(self) -> dict[str, str]:
        """Feature → what it means."""
        return (
            dict(zip(self.dictionary["name"], self.dictionary["meaning"], strict=True)) if len(self.dictionary) else {}
        )

    @cached_property
    def explanation(self) -> GlobalExplanation | None:
        """The global picture that the stage saved, else one of its sample; None without a score or without rows."""
        names = ("summary", "ranking", "dependence")
        saved = {name: found for name in names if (found := self.table(name, "explanation")) is not None}
        if "summary" in saved:
            return GlobalExplanation(dict(self.metrics.get("explanation") or {}), saved)
        if not self.artifact.spec.get("heads") or self.sample is None or self.sample.empty:
            return None
        return explain_globally(self.artifact, self.sample, groups=None, rows=len(self.sample))

    @property
    def explained_here(self) -> bool:
        """Whether that picture was computed for the dossier."""
        return not (self.run / "explanation" / "summary.csv").exists()

    def table(self, name: str, folder: str = "tables") -> pd.DataFrame | None:
        """Read a table of the stage; None where it is absent, empty, or holds rows of single customers."""
        place = self.run / folder / f"{name}.csv"
        if not place.exists():
            return None
        try:
            found = pd.read_csv(place)
        except pd.errors.EmptyDataError:
            return None
        return None if found.empty or PERSONAL & set(found.columns) else found

    def table_names(self) -> list[str]:
        return sorted(place.stem for place in (self.run / "tables").glob("*.csv"))

    def _rows(self, name: str) -> pd.DataFrame | None:
        place = self.run / name
        return pd.read_parquet(place) if place.exists() else None


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested keys with dots; lists of mappings are spelled as JSON.

    Examples
    --------
    >>> flat({"lending": {"margin": 0.06}, "moves": [{"lens": "value"}], "table": {}})
    {'lending.margin': 0.06, 'moves': '[{"lens": "value"}]', 'table': {}}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
            found[f"{prefix}{name}"] = json.dumps(value, sort_keys=True, ensure_ascii=False)
        else:
            found[f"{prefix}{name}"] = value
    return found
