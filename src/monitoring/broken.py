"""Inputs that broke from one month to the next: gone, empty, or the same for everybody. No season explains that."""

import pandas as pd

from .profile import Counts, Profile

VANISHED, EMPTY, CONSTANT = "vanished", "empty", "constant"
COLUMNS = ("as_of", "feature", "broken", "words")
ALL, SPREAD = 0.999, 0.95  # nearly all values: so broken now; so little of that before


def broken_inputs(profile: Profile) -> pd.DataFrame:
    """Find features that broke, month by month, held against the last month before that had rows.

    Returns
    -------
    DataFrame
        ``as_of, feature, broken, words``: from the month in which it broke until the one in which it is whole again.

    Examples
    --------
    >>> rows = pd.DataFrame({"spend": [1.0, 2.0, 3.0], "age": [30, 40, 50], "visits": [1, 2, 3], "home": ["own"] * 3})
    >>> kept = Profile.of(rows, list(rows))
    >>> kept.add(pd.Timestamp("2026-06-01"), rows)
    >>> kept.add(pd.Timestamp("2026-07-01"), rows.drop(columns="spend").assign(age=None, visits=2))
    >>> broken_inputs(kept)[["feature", "broken"]].values.tolist()
    [['spend', 'vanished'], ['age', 'empty'], ['visits', 'constant']]
    """
    months, rows = [m for m in profile.months if profile.rows[m]], []
    for name in profile.cells:
        whole: Counts | None = None  # of the last month in which it was not broken
        for month in months:
            now = profile.counts.get(name, {}).get(month)
            how = _broken(whole, now)
            if how is None:
                whole = now
            else:
                rows.append((month, name, how, _words(name, how)))
    order = {name: i for i, name in enumerate(profile.cells)}
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.sort_values(["as_of", "feature"], key=lambda c: c.map(order) if c.name == "feature" else c,
                             kind="stable", ignore_index=True)  # fmt: skip


def _broken(whole: Counts | None, now: Counts | None) -> str | None:
    if whole is None or not whole.sum():
        return None  # it never was whole: nothing broke
    if now is None:
        return VANISHED
    if not now.sum():
        return None
    was, known = whole[:-1].sum() / whole.sum(), now[:-1].sum() / now.sum()
    if known <= 1 - ALL < 1 - SPREAD < was:
        return EMPTY
    if not was or not now[:-1].sum():
        return None
    before, after = (part[:-1].max() / part[:-1].sum() for part in (whole, now))
    return CONSTANT if after >= ALL > SPREAD > before else None


def _words(name: str, how: str) -> str:
    return {
        VANISHED: f"{name} is no longer in the table",
        EMPTY: f"{name} is missing for everybody",
        CONSTANT: f"{name} is the same for everybody",
    }[how]
