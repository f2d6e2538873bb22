"""What is to be done with a model: keep it, watch it, build it anew, or stop using it; with the evidence in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ParamsError, nearest
from .coverage import Coverage
from .performance import ASSUMES

KEEP, WATCH, RETRAIN, WITHDRAW = "keep", "watch", "retrain", "withdraw"
VERDICTS = (KEEP, WATCH, RETRAIN, WITHDRAW)
NAMED = 5  # features that a sentence names


@dataclass(frozen=True)
class Finding:
    """One piece of evidence: what it asks for (``keep`` asks for nothing and informs) and what was seen."""

    asks: str
    about: str
    words: str


@dataclass(frozen=True)
class Promise:
    """What a model was approved with; missing where it is not known.

    Attributes
    ----------
    rank : float
        AUC or rank correlation of its test.
    margin : float
        A loss of so much is another model (registry: ``margin_…``).
    least : float
        Below this it may not be used (registry: ``…_low``).
    calibration : float
        Observed over expected may be off by so much.
    score_psi : float
        PSI of score or shares from which another population is scored than was learned from.
    """

    rank: float = np.nan
    margin: float = 0.01
    least: float = np.nan
    calibration: float = 0.25
    score_psi: float = 0.25


def worst(verdicts: Iterable[str]) -> str:
    """The gravest of some verdicts; keep where there is none.

    Examples
    --------
    >>> worst(["watch", "keep", "retrain"]), worst([])
    ('retrain', 'keep')
    """
    return max(verdicts, key=VERDICTS.index, default=KEEP)


def at_least(verdict: str, limit: str) -> bool:
    """Whether a verdict is as grave as a limit.

    Raises
    ------
    ParamsError
        For a limit that is no verdict.

    Examples
    --------
    >>> at_least("withdraw", "retrain"), at_least("watch", "retrain")
    (True, False)
    >>> at_least("watch", "retrian")
    Traceback (most recent call last):
    afraz.errors.ParamsError: no verdict 'retrian': did you mean retrain?
    """
    if limit not in VERDICTS:
        raise ParamsError(f"no verdict {limit!r}: {nearest(limit, VERDICTS)}")
    return VERDICTS.index(verdict) >= VERDICTS.index(limit)


def from_broken(broken: pd.DataFrame) -> list[Finding]:
    """An input that vanished, is empty or constant: the model reads nothing there, its scores mean something else."""
    if broken.empty:
        return []
    said = "; ".join(broken["words"].head(NAMED)) + _more(len(broken))
    return [Finding(WITHDRAW, "inputs", f"an input broke: {said}. Scores rest on what the model reads there: mend the "
                                        "source, or go back to scores of the month before")]  # fmt: skip


def from_drift(drift: pd.DataFrame, score: str, promise: Promise, weights: Mapping[str, float]) -> list[Finding]:
    """Unusual inputs ask for a look; a score that left the population learned from asks for a new model.

    Parameters
    ----------
    drift : DataFrame
        Rows of :func:`.drift.drift_by_month` of the month in question.
    score : str
        Name of the score among its features.
    weights : mapping of feature to share of the model's importance
    """
    found = []
    alarms = drift[drift["alarm"] & (drift["feature"] != score)]
    if len(alarms):
        first = alarms.sort_values("p_adjusted", kind="stable").head(NAMED)
        said = ", ".join(_moved(row, weights) for row in first.to_dict("records")) + _more(len(alarms))
        found.append(Finding(WATCH, "input drift", f"unusual against {first['held_against'].iloc[0]}: {said}"))
    noted = drift[drift["noted"]]
    for why, part in noted.sort_values("p_adjusted", kind="stable").groupby("remark", sort=False):
        names = ", ".join(part["feature"].head(NAMED)) + _more(len(part))
        found.append(Finding(KEEP, "input drift", f"changed, but only noted ({why}): {names}"))
    own = drift[drift["feature"] == score]
    if len(own):
        row = own.iloc[0]
        if bool(row["alarm"]):
            found.append(Finding(WATCH, "score drift", f"the score is unusual against {row['held_against']}: "
                                                       f"{_moved(row.to_dict(), {})}"))  # fmt: skip
        if row["psi_learned"] >= promise.score_psi:
            found.append(Finding(RETRAIN, "score drift", f"the score's PSI against the rows learned from is "
                                                         f"{row['psi_learned']:.2f}; from {promise.score_psi:.2f} on "
                                                         "another population is scored"))  # fmt: skip
    return found


def _moved(row: Mapping[Any, Any], weights: Mapping[str, float]) -> str:
    how = [f"PSI {row['psi']:.3f}"]
    if np.isfinite(row["shift"]):
        how.append(f"shift {row['shift']:+.2f} SD")
    if row["feature"] in weights:
        how.append(f"{weights[str(row['feature'])]:.1%} of the model's weight")
    return f"{row['feature']} ({', '.join(how)})"


def from_performance(known: pd.DataFrame, latest: pd.DataFrame, promise: Promise) -> list[Finding]:
    """What outcomes say, and what is expected of the months whose outcomes have not come.

    Parameters
    ----------
    known : DataFrame
        Rows of :data:`.performance.COLUMNS` of the months that were not learned from, whose outcomes are known.
    latest : DataFrame
        The row of the month in question.
    """
    found, missed = [], False
    seen = known[known["realised"].notna()]
    if len(seen):
        last = seen.iloc[-1]
        missed = bool(pd.notna(last["missed"]) and last["missed"])
        found += _ranking(last, promise) + _calibration(last, promise)
        if missed:
            found.append(Finding(RETRAIN, "relation", f"{last['as_of']:%Y-%m}: estimated from the inputs "
                                 f"{last['estimated']:.3f}, realised {_interval(last)}: the relation of inputs and "
                                 "outcome has changed; estimates of later months miss it too"))  # fmt: skip
    ahead = latest[latest["realised"].isna() & latest["estimated"].notna()] if len(latest) else latest
    if len(ahead):
        found.append(_estimate(ahead.iloc[0], promise, missed))
    return found


def _interval(row: pd.Series) -> str:
    return f"{row['realised']:.3f} ({row['low']:.3f}–{row['high']:.3f})"


def _ranking(last: pd.Series, promise: Promise) -> list[Finding]:
    name = {"roc_auc": "AUC", "rank_correlation": "rank correlation"}[last["measure"]]
    said = f"{last['as_of']:%Y-%m}: {name} {_interval(last)}"
    if np.isfinite(promise.least) and last["high"] < promise.least:
        return [Finding(WITHDRAW, "performance", f"{said} lies below {promise.least:.2f}, under which it is of no use")]
    if np.isfinite(promise.rank) and last["high"] < promise.rank - promise.margin:
        return [Finding(RETRAIN, "performance", f"{said} lies below the {promise.rank:.3f} that it was approved with, "
                                                f"by more than {promise.margin:.2f}")]  # fmt: skip
    return [Finding(KEEP, "performance", f"{said}, as approved" if np.isfinite(promise.rank) else said)]


def _calibration(last: pd.Series, promise: Promise) -> list[Finding]:
    low, high, off = last["ratio_low"], last["ratio_high"], promise.calibration
    said = f"{last['as_of']:%Y-%m}: observed over expected {last['observed_over_expected']:.2f} ({low:.2f}–{high:.2f})"
    if high < 1 - off or low > 1 + off:
        return [Finding(RETRAIN, "calibration", f"{said}, more than {off:.0%} off: probabilities are multiplied with "
                                                "money")]  # fmt: skip
    if not low <= 1 <= high:
        return [Finding(WATCH, "calibration", f"{said}: it leaves 1 out, within the {off:.0%} that is borne")]
    return []


def _estimate(row: pd.Series, promise: Promise, missed: bool) -> Finding:
    said = (f"{row['as_of']:%Y-%m}: estimated AUC {row['estimated']:.3f} "
            f"({row['estimated_low']:.3f}–{row['estimated_high']:.3f}); this {ASSUMES}")  # fmt: skip
    if missed:
        return Finding(KEEP, "estimate", f"{said}, which the last outcomes contradict")
    if np.isfinite(promise.rank) and row["estimated_high"] < promise.rank - promise.margin:
        return Finding(WATCH, "estimate", f"{said}; it was approved with {promise.rank:.3f}")
    return Finding(KEEP, "estimate", said)


def from_age(learned_until: pd.Timestamp | None, month: pd.Timestamp, valid_for_days: int, warn: int) -> list[Finding]:
    """The age of the last outcome that it learned from, against what the registry allows."""
    if learned_until is None:
        return [Finding(WATCH, "age", "the model does not say until when it learned: build it anew to know its age "
                                      "and which months it has seen")]  # fmt: skip
    days = (month - learned_until).days
    if days > valid_for_days:
        return [Finding(RETRAIN, "age", f"the last outcome that it learned from was known {days} days ago; valid are "
                                        f"{valid_for_days}")]  # fmt: skip
    if days > valid_for_days - warn:
        return [
            Finding(WATCH, "age", f"its outcomes are {days} days old and valid for {valid_for_days}: build the next")
        ]
    return []


def from_coverage(found: Coverage, least: float) -> list[Finding]:
    """Those to be scored who are not, and scores that cannot be traced to the champion, ask for a look."""
    said = []
    if found.untraced:
        said.append(Finding(WATCH, "coverage", found.untraced))
    if found.share < least:
        why = "; ".join(f"{n:,} {reason}" for reason, n in found.reasons.items())
        said.append(Finding(WATCH, "coverage", f"{found.scored:,} of {found.eligible:,} to be scored were "
                                               f"({found.share:.1%}); not: {why}"))  # fmt: skip
    return said


def from_segments(rows: pd.DataFrame, limit: float) -> list[Finding]:
    """Shares that moved within a year ask for new segments, an unusual month for a look."""
    found = []
    for row in rows.to_dict("records"):
        if row["psi_year"] >= limit:
            found.append(Finding(RETRAIN, "segments", f"{row['lens']}: PSI of its shares over a year is "
                                                      f"{row['psi_year']:.2f}; from {limit:.2f} on lists and budgets "
                                                      "by segment have to be planned anew"))  # fmt: skip
        if row["unusual"]:
            found.append(Finding(WATCH, "segments", f"{row['lens']}: unusual movement of {row['segments']}"))
    return found


def _more(count: int) -> str:
    return f" and {count - NAMED} more" if count > NAMED else ""
