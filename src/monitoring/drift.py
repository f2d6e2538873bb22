"""Drift of inputs and score: every month of every feature, judged together, so that many features raise no more alarms.

An alarm needs three things: a month that is unusual against the same season a year ago (:mod:`.unusual`), after Holm's
correction for the number of features; a difference large enough to matter, whatever the number of customers; and that
what it is held against was not itself an alarm a year ago.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from ..errors import ParamsError
from ..models.cells import NUMBERS
from ..models.holm import holm
from ..models.stability import contributions
from ..models.stated import Stated
from .profile import Profile
from .unusual import YEAR, Surprise, surprise

SEASON, MONTH = "the same season a year ago", "the month before"
NO_YEAR = "there is no year to hold it against, so it may be the season"
LEAP_DAY = "a leap day lies in the months before, or did a year ago"
OUR_DOING = "the bank's own doing moves it"


class DriftTerms(Stated):
    """When a month is called drift.

    Raises
    ------
    ParamsError
        For an unknown term (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> DriftTerms(levle=0.01)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown drift term 'levle': did you mean level?
    """

    word: ClassVar[str] = "drift term"

    level: float = Field(0.003, gt=0, lt=1, description="Holm-adjusted p below which a month is unusual")
    least_psi: float = Field(0.005, ge=0, description="what matters: a PSI of so much …")
    least_shift: float = Field(0.05, ge=0, description="… or a shift of so many standard deviations")
    window: int = Field(12, ge=2, description="at most so many months say what is usual")
    least: int = Field(6, ge=2, description="and at least so many")
    bins: int = Field(10, ge=2, description="quantile bins of a number")
    own_doing: tuple[str, ...] = Field(
        (), description="features that campaigns of the bank move: noted, never an alarm"
    )

    @model_validator(mode="after")
    def _fits(self) -> "DriftTerms":
        if self.window < self.least:
            raise ParamsError(f"drift: window >= least >= 2 expected; got window {self.window}, least {self.least}")
        return self

    def matters(self, found: Surprise) -> bool:
        return found.psi >= self.least_psi or abs(found.shift) >= self.least_shift


def surprises(profile: Profile, terms: DriftTerms) -> pd.DataFrame:
    """Hold every month of every feature against what was expected of it.

    Returns
    -------
    DataFrame
        One row per month and feature: ``as_of, feature, psi, shift, p, matters, held_against, remark``.
    """
    months, rows = profile.months, []
    held = [_lag(months, i, terms) for i in range(len(months))]
    for name, cells in profile.cells.items():
        counts = profile.table(name)
        for i, month in enumerate(months):
            found = surprise(counts, i, held[i][0], window=terms.window, least=terms.least,
                             ranked=cells.kind == NUMBERS)  # fmt: skip
            against = held[i][1] if np.isfinite(found.p) else ""
            rows.append((month, name, found.psi, found.shift, found.p, terms.matters(found), against, found.why_not))
    names = ["as_of", "feature", "psi", "shift", "p", "matters", "held_against", "remark"]
    return pd.DataFrame(rows, columns=names).sort_values("as_of", kind="stable", ignore_index=True)


def judge(found: pd.DataFrame, terms: DriftTerms) -> pd.DataFrame:
    """Judge the features of one model together.

    Parameters
    ----------
    found : DataFrame
        :func:`surprises` of its inputs and its score.

    Returns
    -------
    DataFrame
        With ``p_adjusted`` (over the features of the month), ``alarm``, and ``noted``: unusual, but no alarm, for the
        reason in ``remark``: it may be the season (there is none to hold it against), a leap day, or the bank's own
        doing.
    """
    table = found.reset_index(drop=True)
    asked = table[table["p"].notna()]
    table["p_adjusted"] = asked.groupby("as_of")["p"].transform(lambda p: holm(p.to_numpy(float)))
    unusual = (table["p_adjusted"] < terms.level) & table["matters"]
    season, ours = table["held_against"] == SEASON, table["feature"].isin(terms.own_doing)
    months = pd.to_datetime(table["as_of"])
    leap = season & months.map({month: after_a_leap_day(month) for month in months.unique()})
    candidates = unusual & season & ~ours & ~leap
    alarms: set[tuple[pd.Timestamp, str]] = set()
    echoes = pd.Series(False, index=table.index)
    pairs = zip(table.index, months, table["feature"], candidates, strict=True)
    for i, month, name, candidate in sorted(pairs, key=lambda pair: pair[1]):
        if not candidate:
            continue
        if (month - pd.DateOffset(years=1), name) in alarms:
            echoes[i] = True
        else:
            alarms.add((month, name))
    table.loc[echoes, "remark"] = "what it is held against was an alarm a year ago"
    for cases, why in ((~season, NO_YEAR), (leap, LEAP_DAY), (ours, OUR_DOING)):
        table.loc[unusual & cases, "remark"] = why
    return table.assign(alarm=candidates & ~echoes, noted=unusual & (~season | ours | leap))


def after_a_leap_day(month: pd.Timestamp) -> bool:
    """Whether the 90 days before a date hold a leap day, or did a year ago.

    Then windows of 30 and 90 days begin on another day of the calendar than they did a year ago, and may hold one
    payday or one end of a month more: the season cannot be compared.

    Examples
    --------
    >>> [after_a_leap_day(pd.Timestamp(day)) for day in ("2024-03-01", "2025-05-01", "2025-06-01", "2026-04-01")]
    [True, True, False, False]
    """
    days = [pd.date_range(end - pd.Timedelta(days=90), end) for end in (month, month - pd.DateOffset(years=1))]
    return any(((part.month == 2) & (part.day == 29)).any() for part in days)


def against_learned(profile: Profile, learned: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """PSI of every month and feature against the months learned from: ``as_of, feature, psi_learned``."""
    rows, inside = [], [month for month in learned if month in profile.rows]
    for name in profile.cells:
        was = profile.pooled(name, inside)
        for month, now in zip(profile.months, profile.table(name), strict=True):
            known = was.sum() and now.sum()
            rows.append((month, name, float(contributions(was, now).sum()) if known else np.nan))
    return pd.DataFrame(rows, columns=["as_of", "feature", "psi_learned"])


def drift_by_month(profile: Profile, terms: DriftTerms) -> pd.DataFrame:
    """Judge every month of every feature of one profile: :func:`surprises`, then :func:`judge`.

    Examples
    --------
    >>> rng, kept = np.random.default_rng(0), None
    >>> for i, month in enumerate(pd.date_range("2024-07-01", periods=20, freq="MS")):
    ...     rows = pd.DataFrame(rng.normal(size=(4000, 2)), columns=["spend", "age"])
    ...     kept = kept or Profile.of(rows, ["spend", "age"])
    ...     kept.add(month, rows.assign(spend=rows["spend"] + (0.3 if i == 19 else 0.0)))
    >>> found = drift_by_month(kept, DriftTerms())
    >>> found.loc[found["alarm"], ["as_of", "feature"]].values.tolist()
    [[Timestamp('2026-02-01 00:00:00'), 'spend']]
    """
    return judge(surprises(profile, terms), terms)


def _lag(months: list[pd.Timestamp], place: int, terms: DriftTerms) -> tuple[int, str]:
    """A year where these are months in a row and enough of them; else one month."""
    enough = place >= YEAR + terms.least
    whole = enough and months[place] - pd.DateOffset(years=1) == months[place - YEAR]
    return (YEAR, SEASON) if whole else (1, MONTH)
