"""Drift of inputs and score: every month of every feature, judged together, so that many features raise no more alarms.

An alarm needs three things: a month that is unusual against the same season a year ago (:mod:`.unusual`), after Holm's
correction for the number of features; a difference large enough to matter, whatever the number of customers; and that
what it is held against was not itself an alarm a year ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import ParamsError
from ..models.cells import NUMBERS
from ..models.segmentation.migration import holm
from ..models.stability import contributions
from .profile import Profile
from .unusual import YEAR, Surprise, surprise

SEASON, MONTH = "the same season a year ago", "the month before"
COLUMNS = (
    "as_of",
    "feature",
    "psi",
    "shift",
    "p",
    "p_adjusted",
    "psi_learned",
    "held_against",
    "alarm",
    "noted",
    "remark",
)


@dataclass(frozen=True)
class DriftTerms:
    """When a month is called drift.

    Attributes
    ----------
    level : float
        Holm-adjusted p below which a month is unusual.
    least_psi, least_shift : float
        What matters: a PSI of so much, or a shift of so many standard deviations.
    window, least : int
        Months that say what is usual.
    bins : int
        Quantile bins of a number.
    """

    level: float = 1e-3
    least_psi: float = 0.005
    least_shift: float = 0.05
    window: int = 6
    least: int = 3
    bins: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ParamsError(f"drift level must lie between 0 and 1; got {self.level}")
        if self.least < 2 or self.window < self.least:
            raise ParamsError(f"drift: window >= least >= 2 expected; got window {self.window}, least {self.least}")

    def matters(self, found: Surprise) -> bool:
        return found.psi >= self.least_psi or abs(found.shift) >= self.least_shift


def drift_by_month(profile: Profile, terms: DriftTerms, learned: Sequence[pd.Timestamp] = ()) -> pd.DataFrame:
    """Judge every month of every feature.

    Parameters
    ----------
    profile : Profile
    terms : DriftTerms
    learned : sequence of Timestamp
        Months that the model learned from, for ``psi_learned``.

    Returns
    -------
    DataFrame
        One row per month and feature: ``psi`` and ``shift`` against what was expected, ``p`` and ``p_adjusted`` (over
        the features of the month), ``psi_learned`` (against the rows learned from), ``held_against``, ``alarm``,
        ``noted`` (unusual against the month before, where there is no season to hold it against: no alarm, since it may
        be the season), ``remark``.

    Examples
    --------
    >>> rng, kept = np.random.default_rng(0), None
    >>> for i, month in enumerate(pd.date_range("2024-07-01", periods=18, freq="MS")):
    ...     rows = pd.DataFrame(rng.normal(size=(4000, 2)), columns=["spend", "age"])
    ...     kept = kept or Profile.of(rows, ["spend", "age"])
    ...     kept.add(month, rows.assign(spend=rows["spend"] + (0.3 if i == 17 else 0.0)))
    >>> found = drift_by_month(kept, DriftTerms())
    >>> found.loc[found["alarm"], ["as_of", "feature"]].values.tolist()
    [[Timestamp('2025-12-01 00:00:00'), 'spend']]
    """
    months = profile.months
    tables = {name: profile.table(name) for name in profile.cells}
    was_learned = {name: profile.pooled(name, [m for m in learned if m in profile.rows]) for name in profile.cells}
    parts, alarms = [], {name: np.zeros(len(months), bool) for name in tables}
    for i, month in enumerate(months):
        lag, held = _lag(months, i, terms)
        rows = []
        for name, counts in tables.items():
            found = surprise(counts, i, lag, window=terms.window, least=terms.least,
                             ranked=profile.cells[name].kind == NUMBERS)  # fmt: skip
            rows.append((month, name, found.psi, found.shift, found.p, _against(was_learned[name], counts[i]),
                         terms.matters(found), found.why_not))  # fmt: skip
        part = pd.DataFrame(rows, columns=["as_of", "feature", "psi", "shift", "p", "psi_learned", "matters", "remark"])
        judged = part["p"].notna()
        part["p_adjusted"] = np.nan
        part.loc[judged, "p_adjusted"] = holm(part.loc[judged, "p"].to_numpy())
        unusual = (part["p_adjusted"] < terms.level) & part["matters"]
        echo = part["feature"].map(lambda name, at=i: bool(_year_ago(alarms[name], at))) & unusual
        part["held_against"] = np.where(judged, held, "")
        part["alarm"] = unusual & ~echo & (held == SEASON)
        part["noted"] = unusual & (held == MONTH)
        part.loc[echo, "remark"] = "what it is held against was an alarm a year ago"
        for name in part.loc[part["alarm"], "feature"]:
            alarms[name][i] = True
        parts.append(part[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _lag(months: list[pd.Timestamp], place: int, terms: DriftTerms) -> tuple[int, str]:
    """A year where these are months in a row and enough of them; else one month."""
    enough = place >= YEAR + terms.least
    whole = enough and months[place] - pd.DateOffset(years=1) == months[place - YEAR]
    return (YEAR, SEASON) if whole else (1, MONTH)


def _year_ago(alarms: np.ndarray, place: int) -> bool:
    return place >= YEAR and alarms[place - YEAR]


def _against(learned: np.ndarray, now: np.ndarray) -> float:
    return float(contributions(learned, now).sum()) if learned.sum() and now.sum() else np.nan
