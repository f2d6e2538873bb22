"""One model over the months: its inputs are counted, its champion scores them, outcomes are held against the scores."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import catalog
from ..errors import ArtifactError, NotApplicable
from ..features.matured import matured_outcomes
from ..governance.comparison_measures import KINDS
from ..models.artifact import Artifact, learned_until, load_artifact
from .coverage import Coverage, coverage_of, scores_at
from .performance import COLUMNS, amount_month, probability_month
from .profile import Profile
from .subjects import Subject, not_to_score

SCORE = "(score)"
OUTCOME = {"probability": "label", "amount": "realised"}
RESAMPLED_ROWS = 20_000_000  # in all resamples: with more rows, fewer resamples are as good


@dataclass
class Watcher:
    """What is kept of a model while its months go by.

    Attributes
    ----------
    until : Timestamp or None
        When the last outcome was known that it learned from; months before are in sample.
    names : list of str
        Inputs that are watched.
    refused : dict of month to str
        Months that the model could not score, and why.
    """

    model: str
    subject: Subject
    artifact: Artifact
    digest: str
    until: pd.Timestamp | None
    names: list[str]
    bootstrap: int = 200
    seed: int = 7
    scores: Profile = field(default_factory=lambda: Profile({}))
    output: str = ""
    performance: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[pd.Timestamp, str] = field(default_factory=dict)
    coverage: dict[pd.Timestamp, Coverage] = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: str, subject: Subject, folder: Path, digest: str, known: Iterable[str], **more: Any
    ) -> "Watcher":
        """Open a champion; ``known`` are the features of the dictionary.

        A model without a score of its own is watched by those of its inputs that are features.
        """
        artifact = load_artifact(folder, digest)
        names = [str(f["name"]) for f in artifact.spec["features"]]
        if not subject.measure:
            names = [name for name in names if name in set(known)]
        return cls(model, subject, artifact, digest, learned_until(folder), names, **more)

    def in_sample(self, month: pd.Timestamp) -> bool | None:
        """Whether the month lies before the last outcome that the model learned from; None where it does not say."""
        return None if self.until is None else bool(month < self.until)

    def learn_cells(self, reference: pd.DataFrame, bins: int) -> None:
        """Cut the score by those of the rows of reference; where these cannot be scored, the score is not watched."""
        if not self.subject.measure:
            return
        names = [str(output["name"]) for output in self.artifact.spec["outputs"]]
        self.output = KINDS[self.model].score(pd.DataFrame(columns=names))
        with suppress(ArtifactError):  # the months themselves say why
            scored = pd.DataFrame({SCORE: self.artifact.score(reference, self.output)})
            self.scores = Profile.of(scored, [SCORE], bins)

    def add(self, month: pd.Timestamp, rows: pd.DataFrame) -> None:
        """Score a month, and hold outcomes against it unless the model has learned from them.

        Parameters
        ----------
        rows : DataFrame
            Those that the model speaks of.
        """
        if not self.output or rows.empty:
            return
        try:
            scored = self.artifact.score(rows, self.output)
        except ArtifactError as refused:
            self.refused[month] = str(refused)
            return
        self.scores.add(month, pd.DataFrame({SCORE: scored}))
        if self.in_sample(month) is False:
            self.performance.append({"as_of": month, **self._performance(month, rows, scored)})

    def cover(self, month: pd.Timestamp, rows: pd.DataFrame, always: bool = False) -> None:
        """Hold the scores that were written for a month against those who should have some, if there are any."""
        place = catalog.path(self.subject.scores, as_of=f"{month:%Y-%m-%d}")
        if always or place.exists():
            scored, untraced = scores_at(place, self.subject.key, self.digest)
            reasons = not_to_score(self.subject, rows)
            self.coverage[month] = coverage_of(rows[self.subject.key], reasons, scored, untraced)

    def _performance(self, month: pd.Timestamp, rows: pd.DataFrame, scored: np.ndarray) -> dict[str, Any]:
        outcomes = self._outcomes(month, rows)
        n = int(np.clip(RESAMPLED_ROWS // len(rows), 30, max(30, self.bootstrap)))
        if self.subject.measure == "amount":
            return amount_month(pd.Series(scored), outcomes, n=n, seed=self.seed)
        who = rows.get("customer_id")
        return probability_month(pd.Series(scored), outcomes, who, n=n, seed=self.seed)

    def _outcomes(self, month: pd.Timestamp, rows: pd.DataFrame) -> pd.Series | None:
        try:
            known = self._applied if self.subject.rows == "applications" else matured_outcomes(self.model, month.date())
        except NotApplicable:
            return None
        key, column = self.subject.key, OUTCOME[self.subject.measure]
        return rows[[key]].merge(known[[key, column]].drop_duplicates(key), on=key, how="left")[column]

    @cached_property
    def _applied(self) -> pd.DataFrame:
        """Outcomes of all applications, whenever they were made: one table, read once for all months."""
        return matured_outcomes(self.model, date.fromisoformat(catalog.load("coverage")["observed_until"][:10]))

    def performances(self) -> pd.DataFrame:
        """One row per month that was not learned from; in ``known_at`` the outcomes of its last row are known."""
        table = pd.DataFrame(self.performance, columns=list(COLUMNS)).astype({"as_of": "datetime64[ns]"})
        known_at = [month + self.subject.wait for month in table["as_of"]]
        return table.assign(known_at=pd.Series(known_at, index=table.index, dtype="datetime64[ns]"))

    def learned(self, months: Sequence[pd.Timestamp]) -> list[pd.Timestamp]:
        """The months that the model learned from, as far as is known."""
        return [month for month in months if self.in_sample(month)]


def weights_of(model: str) -> dict[str, float]:
    """Share of each input in the model's explanation; empty where the last run has none."""
    from ..datasets import CATALOG

    name = f"{model}_explanation"
    place = catalog.path(name) / "summary.csv" if name in CATALOG else None
    if place is None or not place.exists():
        return {}
    told = pd.read_csv(place)
    return dict(zip(told["feature"].astype(str), told["share"].astype(float), strict=True))
