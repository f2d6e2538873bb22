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
from threadpoolctl import threadpool_limits

from ..errors import DataError, ParamsError, nearest
from . import splits
from .binning import Binning, Overrides, bin_variables, checked_label
from .pyfunc_model import scorecard_margin
from .variable_choice import RIDGE, Rows, estimator, forward, rightly_signed, screen, twins

Array = NDArray[np.float64]

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
    0     late         < 0.5   541.0
    1     late  0.5 to < 1.5   525.0
    2     late        >= 1.5   504.0
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
    why = screen(binning, force, forbid, least_iv)
    names = [name for name, reason in why.items() if not reason]
    z = binning.woe(frame, names)
    with threadpool_limits(1, "blas"):  # the order of summation must not depend on the number of threads
        why |= twins(z, force, max_correlation)
        names = [name for name in names if not why[name]]
        apart = np.empty((len(y), len(names)))
        for train, valid in splits.folds(y, FOLDS, seed, groups):
            apart[valid] = binned(train, names).woe(frame.iloc[valid], names).to_numpy()
        chosen, said = forward(Rows(apart, y, w, ridge), names, force, significance, max_variables)
        chosen, wrong = rightly_signed(Rows(z[names].to_numpy(), y, w, ridge), names, chosen, force)
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


def _known(names: Iterable[str], known: Iterable[Any], what: str) -> None:
    existing = [str(name) for name in known]
    for name in names:
        if name not in existing:
            raise ParamsError(f"{what} {name!r} is no column: {nearest(str(name), existing)}")


def _selection(binning: Binning, slopes: Mapping[str, float], why: Mapping[str, str]) -> pd.DataFrame:
    rows = [(v.name, v.iv, v.name in slopes, slopes.get(v.name, np.nan), why[v.name], v.note)
            for v in binning.variables.values()]  # fmt: skip
    told = pd.DataFrame(rows, columns=["variable", "iv", "kept", "coefficient", "reason", "note"])
    return told.sort_values(["kept", "iv"], ascending=False, kind="stable", ignore_index=True)


def _rounded(values: Array) -> Array:
    """Keep significant digits only."""
    return np.array([float(f"{value:.{DIGITS - 1}e}") for value in values])
