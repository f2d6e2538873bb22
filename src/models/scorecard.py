"""A scorecard: monotone bins, a logistic regression on their weights of evidence, and points that people can add up.

The way is the textbook's (Siddiqi 2006, *Credit Risk Scorecards*, ch. 6): variables that tell something, none twice,
each pushing in the direction that its bins show; then points, where ``pdo`` more points double the odds of good to bad.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from threadpoolctl import threadpool_limits

from ..errors import DataError, ParamsError, nearest
from . import splits
from .binning import Binning, Overrides, bin_variables, checked_label
from .calibration import sigmoid
from .pyfunc_model import scorecard_margin

Array = NDArray[np.float64]

RIDGE = 10.0  # prior precision of coefficients: where bads are few, a prior deviation of .3 beats tests and no tests
FOLDS = 5
FEWEST = 25  # goods, and bads: a bin needs ten when a fold is left out
DIGITS = 12  # of fitted numbers: fewer would move points by more than 1e-9, the rest differs between machines


@dataclass(frozen=True)
class Scaling:
    """Points: ``points`` at good:bad odds of ``odds``, and ``pdo`` more points double the odds.

    Examples
    --------
    Siddiqi 2006, ch. 6, "Scorecard scaling":

    >>> scaling = Scaling(pdo=20, odds=50, points=600)
    >>> round(scaling.factor, 4), round(scaling.offset, 3)
    (28.8539, 487.123)
    >>> scaling.of(-np.log([50.0, 100.0])).round(6).tolist()  # log-odds of bad
    [600.0, 620.0]
    >>> Scaling(pdo=0)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: pdo, odds and points must be above 0 and finite, got 0, 50 and 600
    """

    pdo: float = 20
    odds: float = 50
    points: float = 600

    def __post_init__(self) -> None:
        if not all(0 < value < np.inf for value in (self.pdo, self.odds, self.points)):
            raise ParamsError(
                f"pdo, odds and points must be above 0 and finite, got {self.pdo}, {self.odds} and {self.points}"
            )

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return float(self.pdo / np.log(2))

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return float(self.points - self.factor * np.log(self.odds))

    def of(self, margin: Array) -> Array:
        """Turn log-odds of bad into points."""
        return np.asarray(self.offset - self.factor * margin)

    def spelled(self) -> dict[str, float]:
        """Spell the scaling as a part of a head, or as an output with link "points" needs it."""
        return {"pdo": self.pdo, "odds": self.odds, "points": self.points, "factor": self.factor, "offset": self.offset}


@dataclass(frozen=True)
class Scorecard:
    """A fitted scorecard.

    Attributes
    ----------
    variables : tuple of str
        Chosen, in the order of choice.
    coefficients : ndarray, shape (variables,)
        Of the weights of evidence, in log-odds of bad: below 0 unless a variable was forced.
    reference_terms : ndarray, shape (variables,)
        Mean of ``coefficient * woe`` in training.
    selection : DataFrame
        ``variable, iv, kept, coefficient, reason, note`` for every column: kept ones first, then by falling iv.
    """

    variables: tuple[str, ...]
    coefficients: Array
    intercept: float
    reference_terms: Array
    binning: Binning
    selection: pd.DataFrame
    scaling: Scaling

    def features(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Spell ``names`` (default: the chosen variables) as features of a model."""
        return [self.binning.variables[name].feature() for name in self._named(names)]

    def head(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Spell the scorecard as a head (without its name) over features ``names`` (default: the chosen variables)."""
        place = {name: j for j, name in enumerate(self.variables)}
        features = self._named(names)
        return {
            "kind": "scorecard",
            "intercept": self.intercept,
            "bins": [self.binning.variables[name].bins() if name in place else None for name in features],
            "coefficients": [float(self.coefficients[place[n]]) if n in place else 0.0 for n in features],
            "reference_terms": [float(self.reference_terms[place[n]]) if n in place else 0.0 for n in features],
            "scaling": self.scaling.spelled(),
        }

    def margin(self, frame: pd.DataFrame) -> Array:
        """Give the log-odds of bad, as the model folder does; shape (rows,)."""
        columns = [self.binning.variables[name].encoded(frame[name]) for name in self.variables]
        return scorecard_margin(self.head(), np.column_stack(columns))

    def points(self, frame: pd.DataFrame) -> Array:
        """Give the points; shape (rows,)."""
        return self.scaling.of(self.margin(frame))

    def points_table(self, digits: int | None = None) -> pd.DataFrame:
        """Print the scorecard: one row per bin; a row's score is the sum of the points of its bins.

        Offset and intercept are spread evenly over the variables (Siddiqi 2006, ch. 6).

        Parameters
        ----------
        digits : int, optional
            Round points for print; sums of rounded points differ from the score.

        Returns
        -------
        DataFrame
            ``variable, bin, points, woe, count, bad_rate``.
        """
        parts = []
        for name, coefficient in zip(self.variables, self.coefficients, strict=True):
            table = self.binning.variables[name].table()
            share = (self.scaling.offset - self.scaling.factor * self.intercept) / len(self.variables)
            points = share - self.scaling.factor * coefficient * table["woe"]
            parts.append(table.assign(points=points if digits is None else points.round(digits)))
        return pd.concat(parts, ignore_index=True)[["variable", "bin", "points", "woe", "count", "bad_rate"]]

    def _named(self, names: Sequence[str] | None) -> list[str]:
        chosen = list(self.variables) if names is None else list(names)
        _known(chosen, self.binning.variables, "feature")
        absent = [name for name in self.variables if name not in chosen]
        if absent:
            raise ParamsError(f"the features leave out {', '.join(absent)}, which the scorecard uses: name them too")
        return chosen


def fit_scorecard(
    frame: pd.DataFrame,
    label: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    overrides: Overrides | None = None,
    force: Collection[str] = (),
    forbid: Collection[str] = (),
    least_iv: float = 0.02,
    max_correlation: float = 0.6,
    max_variables: int = 15,
    significance: float = 1.0,
    signs: Mapping[str, int] | None = None,
    max_bins: int = 6,
    min_bin_share: float = 0.05,
    ridge: float = RIDGE,
    scaling: Scaling | None = None,
    seed: int = 7,
    n_jobs: int = 2,
) -> Scorecard:
    """Bin, choose and fit.

    Variables are chosen forwards by score tests, on weights of evidence whose bins were found without the row's own
    fold: bins fitted to a few hundred bads make noise look significant, and a test on the same rows would believe it.
    A variable that then pushes against its own bins (a coefficient of 0 or above) leaves again.

    Parameters
    ----------
    frame : DataFrame
        Candidate variables: see :func:`afraz.models.binning.bin_variables`, which also explains ``overrides``,
        ``signs``, ``max_bins`` and ``min_bin_share``.
    label : (n,) 0 or 1
        1 is bad.
    weight : (n,) optional
        Counted as rows.
    groups : (n,) optional
        The customer of each row: rows of one customer share a fold.
    force, forbid : collection of str
        Variables that stay whatever the tests and signs say, and such that are never taken.
    least_iv : float
        Weaker variables are not looked at; below .02 is called unpredictive (Siddiqi 2006, ch. 6).
    max_correlation : float
        Of two variables whose weights of evidence correlate more, the one of lower information value leaves.
    max_variables : int
        At most so many, forced ones among them.
    significance : float
        A variable enters while its score test has a smaller p. By default nothing is tested away: the usual .05 drops
        what helps prediction where bads are few (Steyerberg, Eijkemans, Harrell and Habbema 2000, Statistics in
        Medicine 19:1059-1079), and the ridge restrains what is kept. Take .05 for a lean card from many doubtful
        columns.
    ridge : float
        Prior precision of the coefficients. With ``max_correlation`` it was set on five simulated banks and German
        credit by cross-validated AUC (study 002 says how much that brought).
    scaling : Scaling, optional
        Default: 600 points at odds of 50, 20 points double the odds.
    seed : int
        Deals out the folds.

    Raises
    ------
    DataError
        If no variable is left, there are fewer than 25 goods or bads, or the rows cannot be binned.
    ParamsError
        If a name is unknown, or forced and forbidden.

    Examples
    --------
    >>> rows = pd.DataFrame({"late": np.repeat([0, 1, 2], 100), "even": np.tile([0, 1], 150)})
    >>> bad = np.tile(np.arange(100), 3) < np.repeat([10, 20, 40], 100)
    >>> card = fit_scorecard(rows, bad)
    >>> card.points_table(digits=0)[["variable", "bin", "points"]]
      variable           bin  points
    0     late         < 0.5   547.0
    1     late  0.5 to < 1.5   526.0
    2     late        >= 1.5   501.0
    >>> fit_scorecard(rows, bad, force=["lat"])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: forced variable 'lat' is no column: did you mean late?
    """
    y, w = checked_label(label, weight, len(frame))
    _known(force, frame.columns, "forced variable")
    _known(forbid, frame.columns, "forbidden variable")
    both = sorted(set(force) & set(forbid))
    if both:
        raise ParamsError(f"{both[0]!r} is forced and forbidden: name it in one of them")
    if min((y == 1).sum(), (y == 0).sum()) < FEWEST:
        raise DataError(f"{int((y == 1).sum())} bads of {len(y)} rows: a scorecard needs {FEWEST} bads and goods")

    def binned(rows: NDArray[np.int64] | slice, names: Sequence[str]) -> Binning:
        return bin_variables(
            frame.iloc[rows][list(names)], y[rows], max_bins=max_bins, min_bin_share=min_bin_share, n_jobs=n_jobs,
            overrides={name: rule for name, rule in (overrides or {}).items() if name in names},
            signs={name: sign for name, sign in (signs or {}).items() if name in names},
            sample_weight=None if weight is None else w[rows],
        )  # fmt: skip

    for what, given in (("override", overrides), ("sign", signs)):
        _known(given or (), frame.columns, what)
    binning = binned(slice(None), list(frame.columns))
    why = _screen(binning, force, forbid, least_iv)
    names = [name for name, reason in why.items() if not reason]
    z = binning.woe(frame, names)
    with threadpool_limits(1, "blas"):  # the order of summation must not depend on the number of threads
        why |= _twins(z, force, max_correlation)
        names = [name for name in names if not why[name]]
        apart = np.empty((len(y), len(names)))
        for train, valid in splits.folds(y, FOLDS, seed, groups):
            apart[valid] = binned(train, names).woe(frame.iloc[valid], names).to_numpy()
        chosen, said = _forward(_Rows(apart, y, w, ridge), names, force, significance, max_variables)
        chosen, wrong = _rightly_signed(_Rows(z[names].to_numpy(), y, w, ridge), names, chosen, force)
        why |= said | wrong
        if not chosen:
            raise DataError("no variable tells goods from bads: force some, or raise significance or lower least_iv")
        inside = z[chosen].to_numpy()
        model = estimator(ridge).fit(inside, y, sample_weight=w)
        coefficients = np.asarray(model.coef_[0], dtype=np.float64)
        reference = (inside * coefficients * w[:, None]).sum(axis=0) / w.sum()
    return Scorecard(
        tuple(chosen), _rounded(coefficients), float(_rounded(model.intercept_)[0]), _rounded(reference), binning,
        _selection(binning, dict(zip(chosen, coefficients, strict=True)), why), scaling or Scaling(),
    )  # fmt: skip


def estimator(ridge: float = RIDGE) -> Any:
    """Give the logistic regression, not yet fitted; its intercept is free."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-10, max_iter=200)


def _known(names: Iterable[str], known: Iterable[Any], what: str) -> None:
    existing = [str(name) for name in known]
    for name in names:
        if name not in existing:
            raise ParamsError(f"{what} {name!r} is no column: {nearest(str(name), existing)}")


def _screen(binning: Binning, force: Collection[str], forbid: Collection[str], least_iv: float) -> dict[str, str]:
    """Say why a variable is left out at once, or "" where it is not. Ordered: forced ones, then by falling IV."""
    said = {}
    for v in sorted(binning.variables.values(), key=lambda v: (v.name not in force, -v.iv)):
        weak = f"iv below {least_iv:g}" if v.iv < least_iv and v.name not in force else ""
        said[v.name] = "forbidden" if v.name in forbid else weak
    return said


def _twins(z: pd.DataFrame, force: Collection[str], bound: float) -> dict[str, str]:
    """Leave out what repeats a stronger variable; the columns are ordered by strength."""
    x = z.to_numpy()
    spread = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found = np.abs(scaled.T @ scaled) / max(len(x), 1)
    kept: list[int] = []
    said = {}
    for j, name in enumerate(z.columns):
        twin = next((k for k in kept if found[j, k] > bound), None)
        if twin is not None and name not in force:
            said[name] = f"correlation {found[j, twin]:.2f} with {z.columns[twin]}"
        else:
            kept.append(j)
    return said


@dataclass(frozen=True)
class _Rows:
    """Weights of evidence, shape (rows, candidates), with labels, weights, and the ridge of every fit."""

    z: Array
    y: Array
    weight: Array
    ridge: float

    def fit(self, inside: Sequence[int]) -> tuple[float, Array]:
        if not inside:
            share = float(np.average(self.y, weights=self.weight))
            return float(np.log(share / (1 - share))), np.empty(0)
        model = estimator(self.ridge).fit(self.z[:, list(inside)], self.y, sample_weight=self.weight)
        return float(model.intercept_[0]), np.asarray(model.coef_[0], dtype=np.float64)

    def scores(self, inside: Sequence[int], waiting: Sequence[int]) -> Array:
        """Score statistics of further variables beside those inside (Rao 1948), as a normal deviate; below 0 is safer.

        The slope that a variable would start with, over its standard error given the variables inside.
        """
        intercept, slopes = self.fit(inside)
        known, new = self.z[:, list(inside)], self.z[:, list(waiting)]
        p = sigmoid(intercept + known @ slopes)
        v = self.weight * p * (1 - p)
        known = np.column_stack([np.ones(len(p)), known])
        weighted = known * v[:, None]
        cross, alone = weighted.T @ new, v @ new**2
        free = alone - (cross * np.linalg.solve(weighted.T @ known + 1e-9 * np.eye(known.shape[1]), cross)).sum(axis=0)
        told = free > 1e-6 * alone  # else it is a sum of those inside
        return np.where(told, ((self.weight * (self.y - p)) @ new) / np.sqrt(np.where(told, free, 1.0)), 0.0)


def _forward(
    rows: _Rows, names: Sequence[str], force: Collection[str], significance: float, most: int
) -> tuple[list[str], dict[str, str]]:
    """Take the variable with the smallest p again and again; give the chosen ones, and a reason for every name."""
    inside = [j for j, name in enumerate(names) if name in force]
    waiting = [j for j in range(len(names)) if j not in inside]
    said = {names[j]: "forced" for j in inside}
    while waiting:
        deviates = rows.scores(inside, waiting)
        p = stats.norm.sf(-deviates) * 2
        best = int(np.argmin(deviates))  # the right direction only: more weight of evidence, fewer bads
        if deviates[best] >= 0 or p[best] >= significance or len(inside) >= most:
            full = len(inside) >= most
            for j, deviate, chance in zip(waiting, deviates, p, strict=True):
                nothing = f"adds nothing (p {chance:.2g})" if deviate < 0 else "adds nothing (wrong sign)"
                said[names[j]] = f"{most} variables were stronger" if full and chance < significance else nothing
            break
        said[names[waiting[best]]] = f"p {p[best]:.1e} when it entered"
        inside.append(waiting.pop(best))
        kept, wrong = _rightly_signed(rows, names, [names[j] for j in inside], force)
        said |= wrong
        inside = [j for j in inside if names[j] in kept]
    return [names[j] for j in inside], said


def _rightly_signed(
    rows: _Rows, names: Sequence[str], chosen: Sequence[str], force: Collection[str]
) -> tuple[list[str], dict[str, str]]:
    """Leave out, one by one, the variable whose coefficient contradicts its bins most; forced ones stay."""
    kept, said = list(chosen), dict[str, str]()
    while True:
        slopes = dict(zip(kept, rows.fit([names.index(name) for name in kept])[1], strict=True))
        wrong = {name: slope for name, slope in slopes.items() if slope >= 0 and name not in force}
        if not wrong:
            return kept, said
        worst = max(wrong, key=lambda name: wrong[name])
        kept.remove(worst)
        said[worst] = "wrong sign beside the others"


def _selection(binning: Binning, slopes: Mapping[str, float], why: Mapping[str, str]) -> pd.DataFrame:
    rows = [(v.name, v.iv, v.name in slopes, slopes.get(v.name, np.nan), why[v.name], v.note)
            for v in binning.variables.values()]  # fmt: skip
    told = pd.DataFrame(rows, columns=["variable", "iv", "kept", "coefficient", "reason", "note"])
    return told.sort_values(["kept", "iv"], ascending=False, kind="stable", ignore_index=True)


def _rounded(values: Array) -> Array:
    """Keep significant digits only."""
    return np.array([float(f"{value:.{DIGITS - 1}e}") for value in values])
