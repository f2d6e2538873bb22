"""What goes with a credit score, kept in the model's spec: grades, loss given default, term structure, cut-off."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, ParamsError, nearest
from .common_shock import level_draws
from .cutoff import Economics
from .follow_up import BUCKETS
from .grades import GradeScale
from .loss_given_default import LossGivenDefault, fit_loss_given_default, realised
from .term_structure import TermStructure, fit_term_structure

Array = NDArray[np.float64]

MONTH = 365.25 / 12
DRAWS = 200
DEFAULT_DAYS = 90  # days past due
LONGEST = 120  # months on book
LATE = ("30-59", "60-89")


@dataclass(frozen=True)
class Lending:
    """What a bank states about its lending; everything else is estimated.

    Attributes
    ----------
    margin : float
        Earned over the life of a good loan, as a share of the amount.
    cost_per_application : float
        Currency.
    cutoff : float or None
        Highest default probability that is approved; None: the most profitable one.
    loss_given_default : float
        Where recoveries are not recorded.
    lgd_floor : float
        Lower bound of the estimated loss given default.
    workout_months : int
        After so many months nothing more is expected of a default.
    discount_rate : float
        Yearly, of recoveries.

    Examples
    --------
    >>> Lending.of({"margin": 0.12}).margin
    0.12
    >>> Lending.of({"margn": 0.12})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: lending: unknown setting 'margn': did you mean margin?
    """

    margin: float = 0.1
    cost_per_application: float = 0.0
    cutoff: float | None = None
    loss_given_default: float = 0.45
    lgd_floor: float = 0.05
    workout_months: int = 18
    discount_rate: float = 0.0

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> "Lending":
        """Read the settings.

        Raises
        ------
        ParamsError
            For an unknown one (with the nearest known one), or one that is no number.
        """
        known = {f.name for f in fields(cls)}
        for name, value in stated.items():
            if name not in known:
                raise ParamsError(f"lending: unknown setting {name!r}: {nearest(str(name), known)}")
            empty = value is None and name == "cutoff"
            if isinstance(value, bool) or not (isinstance(value, int | float) or empty):
                raise ParamsError(f"lending: {name}: expected a number, got {value!r}")
        return cls(**stated)


@dataclass(frozen=True)
class Rating:
    """Grades and what a grade costs; what the history does not tell is None or empty.

    Attributes
    ----------
    arrears : mapping
        Bucket of days past due (``30-59``, ``60-89``) → share of such loans that came into default within the window.
    levels : tuple of float
        Draws of observed over expected defaults: how uncertain the level of the probabilities is.
    """

    scale: GradeScale
    economics: Economics
    cutoff: float
    losses: LossGivenDefault | None = None
    terms: TermStructure | None = None
    arrears: Mapping[str, float] = field(default_factory=dict)
    levels: tuple[float, ...] = ()

    def loss_given_default(self, frame: pd.DataFrame) -> Array:
        """Share of the exposure that a default costs; shape (rows,)."""
        if self.losses is None:
            return np.full(len(frame), self.economics.loss_given_default)
        return self.losses.predict(frame)

    def next_year(self, default_probability: Array, age: Array, remaining: Array, days_past_due: Array) -> Array:
        """Probability that a running loan defaults within the window; shape (rows,).

        The application's probability wears off while a loan ages; a loan 30 or more days past due has at least the
        default rate of its bucket.

        Parameters
        ----------
        default_probability : (n,) as given at the application
        age, remaining : (n,) months
        days_past_due : (n,) at the last month's end
        """
        p = default_probability
        if self.terms is not None:
            longest = len(self.terms.cumulated) - 1 - self.terms.window
            quiet = np.clip(DEFAULT_DAYS - days_past_due, 0, None) * 12 / 365.25
            p = self.terms.next_window(p, np.minimum(age, longest), remaining, quiet)
        bucket = pd.Series(arrears_bucket(days_past_due)).map(dict(self.arrears)).to_numpy(dtype=float)
        return np.fmax(p, bucket)

    def to_dict(self) -> dict[str, Any]:
        """Spell it for the spec of a model."""
        return {
            "grades": self.scale.to_dict(),
            "economics": asdict(self.economics),
            "cutoff": self.cutoff,
            "loss_given_default": None if self.losses is None else self.losses.to_dict(),
            "term_structure": None if self.terms is None else self.terms.to_dict(),
            "arrears": dict(self.arrears),
            "levels": list(self.levels),
        }

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> "Rating":
        """Read what :meth:`to_dict` wrote."""
        losses, terms = spelled["loss_given_default"], spelled["term_structure"]
        return cls(
            GradeScale.from_dict(spelled["grades"]), Economics(**spelled["economics"]), float(spelled["cutoff"]),
            None if losses is None else LossGivenDefault.from_dict(losses),
            None if terms is None else TermStructure.from_dict(terms), dict(spelled["arrears"]),
            tuple(float(x) for x in spelled["levels"]),
        )  # fmt: skip


def arrears_bucket(days_past_due: Array) -> NDArray[np.object_]:
    """Name the bucket of days past due.

    Examples
    --------
    >>> arrears_bucket(np.array([0.0, 29.0, 30.0, 89.0, 90.0])).tolist()
    ['0', '1-29', '30-59', '60-89', '90+']
    """
    names = np.array(BUCKETS, dtype=object)
    return np.asarray(names[np.searchsorted([0, 29, 59, 89], np.nan_to_num(days_past_due), side="left")])


def estimate_arrears(history: pd.DataFrame) -> dict[str, float]:
    """Default rate of loans that were 30 or more days past due, by bucket (mean of the Jeffreys posterior).

    Parameters
    ----------
    history : DataFrame
        ``bucket, loans, defaults``: month ends whose window is over.
    """
    late = history[history["bucket"].isin(LATE)]
    return {str(b): float((d + 0.5) / (n + 1)) for b, n, d in zip(late["bucket"], late["loans"], late["defaults"],
                                                                strict=True)}  # fmt: skip


def estimate_levels(
    label: Array, probability: Array, group: Array, cohort: NDArray[np.object_], seed: int
) -> tuple[float, ...]:
    """Draw the level of default, other customers and other quarters; empty where there are too few quarters."""
    try:
        return tuple(float(x) for x in level_draws(label, probability, group, cohort, n=DRAWS, seed=seed).round(9))
    except DataError:
        return ()


def estimate_losses(
    defaults: pd.DataFrame, recovered: pd.DataFrame, lending: Lending, as_of: date, seed: int = 7
) -> tuple[LossGivenDefault | None, str]:
    """Estimate the loss given default from workouts; where they are too few, say so.

    Parameters
    ----------
    defaults : DataFrame
        loan_id, customer_id, defaulted_at, exposure, cured_at, has_collateral.
    recovered : DataFrame
        loan_id, received_at, amount.

    Returns
    -------
    losses : LossGivenDefault or None
    note : str
        Why there is none; empty otherwise.
    """
    worth = defaults[defaults["exposure"] > 0]
    mine = recovered[recovered["loan_id"].isin(worth["loan_id"])]
    try:
        workouts = realised(
            worth, mine, as_of=as_of, workout_months=lending.workout_months, discount_rate=lending.discount_rate
        )
        return fit_loss_given_default(workouts, floor=lending.lgd_floor, group="customer_id", n=DRAWS, seed=seed), ""
    except DataError as too_few:
        return None, f"the stated {lending.loss_given_default:.0%} is used: {too_few}"


def estimate_terms(loans: pd.DataFrame, as_of: date, window_months: int) -> TermStructure | None:
    """Estimate when loans default, from granted ones with a grant date; None where nothing can be seen.

    Parameters
    ----------
    loans : DataFrame
        granted_at, default_at, closed_at (missing: not) and, where known, term_months: a loan that is closed a month
        or more before its term, without default, was repaid early.
    """
    granted = loans[loans["granted_at"].notna()]
    now = pd.Timestamp(as_of)
    begun = pd.to_datetime(granted["granted_at"])
    default = (pd.to_datetime(granted["default_at"]) - begun).dt.total_seconds() / 86_400 / MONTH
    end = pd.to_datetime(granted["closed_at"]).fillna(now)
    seen = ((end.where(end < now, now) - begun).dt.total_seconds() / 86_400 / MONTH).clip(lower=0)
    seen = seen.where(default.isna(), default)
    term = granted["term_months"] if "term_months" in granted else pd.Series(np.inf, granted.index)
    early = granted["closed_at"].notna() & (end < now) & default.isna() & (seen < term - 1)
    try:
        return fit_term_structure(
            default.to_numpy(float), seen.to_numpy(float), repaid_early=early.to_numpy(bool), window=window_months,
            longest=LONGEST,
        )  # fmt: skip
    except DataError:
        return None
