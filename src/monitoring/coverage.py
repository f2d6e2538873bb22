"""Who was not scored at a date, and why; and whether the scores can be traced to a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import DataError
from ..scoring.sinks import read_scores

NOT_IN_FILE = "no reason known: missing from the scores"


@dataclass(frozen=True)
class Coverage:
    """How many of a population were scored.

    Attributes
    ----------
    eligible : int
        Who should have been: everybody but those with a reason.
    scored : int
    reasons : dict of reason to number
        Of those who were not.
    untraced : str
        Why the scores cannot be traced to a model; empty where they can.
    """

    eligible: int
    scored: int
    reasons: Mapping[str, int]
    untraced: str = ""

    @property
    def share(self) -> float:
        return self.scored / self.eligible if self.eligible else 1.0

    def table(self) -> pd.DataFrame:
        """One row per reason, those who were scored first."""
        rows = [("scored", self.scored), *sorted(self.reasons.items())]
        return pd.DataFrame(rows, columns=["what", "rows"])


def coverage_of(population: pd.Series, reasons: pd.Series, scored: pd.Series, untraced: str = "") -> Coverage:
    """Hold those who were scored against the population.

    Parameters
    ----------
    population : (n,) keys
    reasons : (n,) why somebody is not to be scored; missing for those who are
    scored : keys in the file of scores

    Examples
    --------
    >>> found = coverage_of(pd.Series(["a", "b", "c"]), pd.Series([None, "dormant", None]), pd.Series(["a"]))
    >>> found.share, dict(found.reasons)
    (0.5, {'dormant': 1, 'no reason known: missing from the scores': 1})
    """
    inside = population.isin(set(scored))
    out = reasons[~inside].fillna(NOT_IN_FILE).value_counts()
    eligible = int((reasons.isna() | inside).sum())
    return Coverage(eligible, int(inside.sum()), {str(why): int(n) for why, n in out.items()}, untraced)


def scores_at(place: Path, key: str, digest: str) -> tuple[pd.Series, str]:
    """Read the keys of a file of scores, and say why it cannot be traced to the champion, if it can't.

    Scores without a manifest, or with one that speaks of another file or another model, are counted and said.
    """
    if not place.exists():
        return pd.Series([], dtype=str), "there are no scores of this date"
    try:
        rows, manifest = read_scores(place)
    except DataError as broken:
        return pd.read_parquet(place, columns=[key])[key], str(broken)
    other = manifest.get("model_digest") != digest
    made = str(manifest.get("model_digest", ""))[:12]
    return rows[key], f"the scores were made by {made}, the champion is {digest[:12]}" if other else ""
