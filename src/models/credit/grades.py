"""Grades: bands of default probability that can be written in a policy, and whether each holds what it promises.

Grade 1 is the best. Bounds are upper bounds: a probability that equals one belongs to the better grade.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv
from scipy.stats import binom, chi2, rankdata

from ...errors import DataError, ParamsError, nearest
from ..calibration import logit, sigmoid

Array = NDArray[np.float64]

LEAST_GRADES, MOST_GRADES = 8, 12
TOO_LOW, IN_LINE, TOO_HIGH, NO_ROWS = "expected too low", "in line", "expected too high", "no rows"


@dataclass(frozen=True)
class GradeScale:
    """Named bands of default probability, best first.

    Parameters
    ----------
    names : names of the grades
    upper : upper bound of each grade, rising, the last 1.0
    notes : what a reader of the scale should know

    Examples
    --------
    >>> scale = GradeScale(("A", "B", "C"), (0.01, 0.1, 1.0))
    >>> scale.assign([0.005, 0.01, 0.011, 0.9]).tolist()
    ['A', 'A', 'B', 'C']
    >>> scale.bands()
    ('0 %–1 %', '1 %–10 %', '10 %–100 %')
    >>> GradeScale(("A", "B", "C"), (0.1, 0.05, 1.0))
    Traceback (most recent call last):
    afraz.errors.ParamsError: upper bounds must rise from above 0 to exactly 1.0; got (0.1, 0.05, 1.0)
    """

    names: tuple[str, ...]
    upper: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) != len(self.upper) or len(set(self.names)) != len(self.names):
            raise ParamsError(f"each upper bound needs a name of its own; got {self.names} for {self.upper}")
        steps = np.diff([0.0, *self.upper])
        if not (len(steps) and (steps > 0).all() and self.upper[-1] == 1.0):
            raise ParamsError(f"upper bounds must rise from above 0 to exactly 1.0; got {self.upper}")

    def assign(self, probability: ArrayLike) -> NDArray[np.str_]:
        """Name the grade of each probability."""
        return np.asarray(self.names, dtype=str)[self.position(probability)]

    def position(self, probability: ArrayLike) -> NDArray[np.int64]:
        """Place of each probability's grade on the scale; 0 is the best."""
        return np.searchsorted(np.asarray(self.upper), _probabilities(probability)).astype(np.int64)

    def bands(self) -> tuple[str, ...]:
        """Write out the bounds in percent, as a policy would."""
        lower = (0.0, *self.upper[:-1])
        return tuple(f"{100 * a:.6g} %–{100 * b:.6g} %" for a, b in zip(lower, self.upper, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Spell the scale for JSON."""
        return {"names": list(self.names), "upper": list(self.upper), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> "GradeScale":
        """Read what :meth:`to_dict` wrote.

        Examples
        --------
        >>> GradeScale.from_dict({"names": ["A", "B"], "upper": [0.1, 1.0]}).names
        ('A', 'B')
        >>> GradeScale.from_dict({"names": ["A", "B"], "uper": [0.1, 1.0]})
        Traceback (most recent call last):
        afraz.errors.ParamsError: a scale of grades has no key uper; did you mean upper?
        """
        for key in spelled:
            if key not in ("names", "upper", "notes"):
                raise ParamsError(f"a scale of grades has no key {key}; {nearest(key, ['names', 'upper', 'notes'])}")
        for key in ("names", "upper"):
            if key not in spelled:
                raise ParamsError(f"a scale of grades needs the key {key}; got {sorted(spelled)}")
        upper = tuple(float(bound) for bound in spelled["upper"])
        return cls(tuple(map(str, spelled["names"])), upper, tuple(map(str, spelled.get("notes", ()))))


def make_scale(
    probability: ArrayLike, *, n_grades: int = 10, least_share: float = 0.02, label: ArrayLike | None = None
) -> GradeScale:
    """Build a scale whose grades are about equally wide in log-odds.

    Bounds lie on an even grid of log-odds between the quantiles ``least_share`` and 1 − ``least_share``, rounded to
    two digits. Grades that would hold too few rows are merged with the smaller neighbour; the grid is made finer until
    the wanted number is left. With labels, neighbours whose observed rates stand the wrong way round are merged too, as
    long as more than eight grades are left.

    Parameters
    ----------
    probability : (n,) default probabilities
    n_grades : 8 to 12
    least_share : of rows, in every grade
    label : (n,) 0 or 1

    Returns
    -------
    GradeScale
        ``G01``, ``G02`` …; fewer than asked for where the probabilities take too few values, which ``notes`` says.

    Examples
    --------
    >>> p = 1 / (1 + np.exp(-np.linspace(-6, 1, 1000)))
    >>> make_scale(p, n_grades=8).upper
    (0.0074, 0.019, 0.048, 0.12, 0.26, 0.48, 0.7, 1.0)
    >>> make_scale([0.1, 0.2] * 50).notes
    ('2 grades of 10: the probabilities take too few values for more',)
    """
    if not LEAST_GRADES <= n_grades <= MOST_GRADES:
        raise ParamsError(f"n_grades must lie between {LEAST_GRADES} and {MOST_GRADES}; got {n_grades}")
    if not 0 < least_share <= 1 / n_grades:
        raise ParamsError(f"least_share must lie above 0 and not above 1 / n_grades; got {least_share}")
    p = np.sort(_probabilities(probability))
    if not len(p):
        raise DataError("probability has no rows; a scale needs some")
    best: list[float] = []
    for steps in range(n_grades - 1, 4 * n_grades):
        bounds = _merge_small(_grid(p, steps, least_share), p, least_share)
        if len(best) < len(bounds) < n_grades:
            best = bounds
        if len(bounds) == n_grades - 1:
            best = bounds
            break
    notes = []
    if len(best) + 1 < n_grades:
        notes.append(f"{len(best) + 1} grades of {n_grades}: the probabilities take too few values for more")
    if label is not None:
        found = _merge_unordered(best, *_labelled(probability, label))
        if len(found) < len(best):
            notes.append(f"{len(best) - len(found)} merged where the observed rate did not rise")
        best = found
    names = tuple(f"G{i + 1:02d}" for i in range(len(best) + 1))
    return GradeScale(names, (*best, 1.0), tuple(notes))


def grade_table(scale: GradeScale, probability: ArrayLike, label: ArrayLike, *, level: float = 0.95) -> pd.DataFrame:
    """Hold what each grade promised against what came.

    ``jeffreys_p`` is P(true rate ≤ expected) under the posterior Beta(bads + ½, goods + ½), the one-sided test of the
    *Instructions for reporting the validation results of internal models* (ECB 2019): a small value
    says that the grade's probability is too low. ``binomial_p`` is the exact probability of at least as many bads.
    Both take defaults as independent; a downturn that hits all customers at once makes them reject too often.

    Parameters
    ----------
    scale : the grades
    probability : (n,) default probabilities
    label : (n,) 0 or 1
    level : coverage of the interval; the one-sided test rejects below 1 − level

    Returns
    -------
    DataFrame
        One row a grade, best first: ``grade, band, rows, share, expected`` (mean probability), ``observed, bads,
        jeffreys_low, jeffreys_high`` (equal tails; reaching 0 without bads and 1 without goods, after Brown, Cai and
        DasGupta 2001, Statistical Science 16:101-133), ``jeffreys_p, binomial_p, verdict``: "expected too low", "in
        line", "expected too high" (above the interval) or "no rows".

    Examples
    --------
    >>> scale = GradeScale(("A", "B"), (0.1, 1.0))
    >>> table = grade_table(scale, [0.05] * 100 + [0.3] * 50, [0] * 85 + [1] * 25 + [0] * 40)
    >>> table[["grade", "expected", "observed", "jeffreys_p", "verdict"]].round(4)
      grade  expected  observed  jeffreys_p           verdict
    0     A      0.05      0.15      0.0001  expected too low
    1     B      0.30      0.20      0.9429           in line
    """
    if not 0 < level < 1:
        raise ParamsError(f"level must lie between 0 and 1, such as 0.95; got {level}")
    p, y = _labelled(probability, label)
    grade, size = scale.position(p), len(scale.names)
    rows, bads = np.bincount(grade, minlength=size), np.bincount(grade, y, size).astype(int)
    held = np.maximum(rows, 1)
    expected = np.where(rows > 0, np.bincount(grade, p, size) / held, np.nan)
    a, b, tail = bads + 0.5, rows - bads + 0.5, (1 - level) / 2
    low = np.where(bads == 0, 0.0, betaincinv(a, b, tail))
    high = np.where(bads == rows, 1.0, betaincinv(a, b, 1 - tail))
    below = betainc(a, b, expected)
    words = np.select([rows == 0, below < 1 - level, expected > high], [NO_ROWS, TOO_LOW, TOO_HIGH], IN_LINE)
    table = pd.DataFrame({
        "grade": scale.names,
        "band": scale.bands(),
        "rows": rows,
        "share": rows / max(1, len(p)),
        "expected": expected,
        "observed": np.where(rows > 0, bads / held, np.nan),
        "bads": bads,
        "jeffreys_low": np.where(rows > 0, low, np.nan),
        "jeffreys_high": np.where(rows > 0, high, np.nan),
        "jeffreys_p": below,
        "binomial_p": binom.sf(bads - 1, rows, expected),
    })  # fmt: skip
    return table.assign(verdict=words.astype(object))


def hosmer_lemeshow(
    label: ArrayLike, probability: ArrayLike, *, groups: int = 10, fitted: bool = False
) -> dict[str, float]:
    """Goodness of fit over groups of equal size (Hosmer and Lemeshow 1980, Communications in Statistics A9:1043-1069).

    Equal probabilities stay in one group, so that the order of rows does not matter. In large samples the test rejects
    a model whose gaps are too small to mind; read it with :func:`grade_table`.

    Parameters
    ----------
    label : (n,) 0 or 1
    probability : (n,) strictly between 0 and 1
    groups : number of groups wanted; ties may leave fewer
    fitted : the model was fitted to these rows, which costs two degrees of freedom

    Returns
    -------
    dict
        ``statistic, degrees_of_freedom`` (groups, or groups − 2 when fitted) and ``p_value``.

    Examples
    --------
    >>> hosmer_lemeshow([0, 0, 0, 1] * 5, [0.25] * 20, groups=1)
    {'statistic': 0.0, 'degrees_of_freedom': 1, 'p_value': 1.0}
    """
    p, y = _labelled(probability, label)
    if groups < 1:
        raise ParamsError(f"groups must be at least 1; got {groups}")
    if not ((p > 0) & (p < 1)).all():
        raise DataError("probabilities of exactly 0 or 1 can't be tested; calibrate them first")
    place = np.floor((rankdata(p) - 0.5) * groups / len(p)).astype(int)
    group = np.unique(place, return_inverse=True)[1]
    rows, bads, expected = np.bincount(group), np.bincount(group, y), np.bincount(group, p)
    freedom = len(rows) - (2 if fitted else 0)
    if freedom < 1:
        raise DataError(f"{len(rows)} groups are too few for a fitted model; probabilities take too few values")
    statistic = float(((bads - expected) ** 2 / (expected * (1 - expected / rows))).sum())
    return {"statistic": statistic, "degrees_of_freedom": freedom, "p_value": float(chi2.sf(statistic, freedom))}


def herfindahl(counts: ArrayLike, *, normalised: bool = False) -> float:
    """Concentration over grades: the sum of squared shares (Hirschman 1964, American Economic Review 54:761).

    Parameters
    ----------
    counts : (grades,) rows, amounts or shares, with the empty grades
    normalised : 0 for an even spread and 1 for a single grade, whatever their number

    Examples
    --------
    >>> herfindahl([50, 25, 25]), herfindahl([1, 1, 1, 1], normalised=True)
    (0.375, 0.0)
    """
    n = np.asarray(counts, float)
    if not (n.ndim == 1 and np.isfinite(n).all() and (n >= 0).all() and n.sum() > 0):
        raise DataError("counts must be finite, not negative, and not all zero")
    share = float(((n / n.sum()) ** 2).sum())
    if not normalised:
        return share
    return 1.0 if len(n) == 1 else (share - 1 / len(n)) / (1 - 1 / len(n))


def migration(before: ArrayLike, after: ArrayLike, names: Sequence[str]) -> pd.DataFrame:
    """Count customers by their grade before (rows) and after (columns).

    Parameters
    ----------
    before, after : (n,) grades of the same customers
    names : all grades, best first

    Returns
    -------
    DataFrame
        (grades, grades) int

    Examples
    --------
    >>> migration(["A", "A", "B"], ["A", "B", "B"], ["A", "B"])
    after   A  B
    before
    A       1  1
    B       0  1
    """
    code = {str(name): i for i, name in enumerate(names)}
    old, new = ([str(grade) for grade in np.asarray(side, dtype=object)] for side in (before, after))
    if len(old) != len(new):
        raise DataError(f"before and after must hold the same customers; got {len(old)} and {len(new)}")
    for grade in {*old, *new}:
        if grade not in code:
            raise DataError(f"grade {grade} isn't on the scale; {nearest(grade, code)}")
    counts = np.zeros((len(code), len(code)), dtype=np.int64)
    np.add.at(counts, ([code[g] for g in old], [code[g] for g in new]), 1)
    return pd.DataFrame(counts, pd.Index(code, name="before"), pd.Index(code, name="after"))


def migration_summary(matrix: pd.DataFrame) -> dict[str, float]:
    """Shares of customers who stayed, moved up (to a better grade) and moved down.

    Examples
    --------
    >>> migration_summary(migration(list("AABB"), list("ABBA"), ["A", "B"]))
    {'stayed': 0.5, 'up': 0.25, 'down': 0.25}
    """
    counts = matrix.to_numpy()
    total = counts.sum()
    if not total:
        raise DataError("the migration matrix is empty; no customer has a grade before and after")
    stayed, down = np.trace(counts), np.triu(counts, 1).sum()
    return {
        "stayed": float(stayed / total),
        "up": float((total - stayed - down) / total),
        "down": float(down / total),
    }


def _probabilities(values: ArrayLike) -> Array:
    p = np.asarray(values, float)
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("default probabilities must lie between 0 and 1 without gaps; score every row")
    return p


def _labelled(probability: ArrayLike, label: ArrayLike) -> tuple[Array, Array]:
    p, y = _probabilities(probability), np.asarray(label, float)
    if p.ndim != 1 or p.shape != y.shape or not len(p):
        raise DataError(f"probability and label must have one length above 0; got {p.shape} and {y.shape}")
    if not np.isin(y, (0.0, 1.0)).all():
        raise DataError("label must be 0 (good) or 1 (bad) in every row; leave out the rows whose outcome is unknown")
    return p, y


def _grid(p: Array, steps: int, least_share: float) -> list[float]:
    low, high = np.quantile(logit(p), [least_share, 1 - least_share])
    bounds = {float(f"{bound:.1e}") for bound in sigmoid(np.linspace(low, high, steps))}
    return sorted(bound for bound in bounds if 0 < bound < 1)


def _merge_small(bounds: list[float], p: Array, least_share: float) -> list[float]:
    """Take out bounds until every grade holds its share; ``p`` rises."""
    kept = list(bounds)
    while kept:
        counts = np.diff([0, *np.searchsorted(p, kept, side="right"), len(p)])
        least = int(np.argmin(counts))
        if counts[least] >= least_share * len(p):
            break
        left = counts[least - 1] if least else np.inf
        right = counts[least + 1] if least < len(kept) else np.inf
        kept.pop(least - 1 if left < right else least)
    return kept


def _merge_unordered(bounds: list[float], p: Array, y: Array) -> list[float]:
    """Merge the worst inversion first, while more than the least number of grades is left."""
    kept = list(bounds)
    while len(kept) >= LEAST_GRADES:
        grade = np.searchsorted(kept, p)
        rate = np.bincount(grade, y, len(kept) + 1) / np.maximum(np.bincount(grade, minlength=len(kept) + 1), 1)
        steps = np.diff(rate)
        if (steps >= 0).all():
            break
        kept.pop(int(np.argmin(steps)))
    return kept
