"""When loans default: how the probability that was given at the application wears off while a loan ages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, ParamsError
from .common_shock import within

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TermStructure:
    """When loans default: ``cumulated[m]`` is the share in default within ``m`` months on book, were none repaid.

    ``observed`` months rest on loans; from there on the mean hazard of the last ``window`` months is carried on.
    ``staying[m]`` is the share not repaid before its time within ``m`` months, were none in default; empty: nobody
    repays early.
    """

    window: int
    observed: int
    cumulated: tuple[float, ...]
    staying: tuple[float, ...] = ()

    def next_window(
        self, default_probability: ArrayLike, age_months: ArrayLike, remaining_months: ArrayLike,
        quiet_months: ArrayLike = 0.0,
    ) -> Array:  # fmt: skip
        """Give the probability that a loan not in default so far defaults within the next window and before its end.

        With F the shape, S the share that stays, H = ∫ S dF what defaults before it is repaid, a the age, w the window,
        cut at the end of the loan, and q the months in which no default can come yet:
        p·[H(a+w) − H(a+q)]/H(window) / (S(a)·(1 − p·F(a+q)/H(window))). Every loan has the shape of all, at its own
        level. Where a high p would leave no survivors at this age, the answer is 1 (or 0 after the end).

        Parameters
        ----------
        default_probability : (n,) for the first ``window`` months, as given at the application
        age_months, remaining_months : (n,) from 0 on
        quiet_months : (n,) a loan that is d days past due cannot be 90 days past due within 90 − d days

        Raises
        ------
        DataError
            Where age and window reach beyond the curve.

        Examples
        --------
        >>> shape = TermStructure(2, 4, (0.0, 0.1, 0.2, 0.25, 0.3))
        >>> shape.next_window([0.2, 0.2, 0.2], [0, 2, 2], [4, 2, 1]).round(4).tolist()
        [0.2, 0.125, 0.0625]
        >>> shape.next_window([0.2], [3], [9])
        Traceback (most recent call last):
        ...
        afraz.errors.DataError: 1 loans reach 5 months on book, the curve ends at 4: fit it with a larger `longest`
        """
        p = within("default_probability", default_probability, 1.0)
        age, left = within("age_months", age_months, np.inf), within("remaining_months", remaining_months, np.inf)
        end, longest = age + np.minimum(left, self.window), len(self.cumulated) - 1
        beyond = (end > longest) & (left > 0)
        if beyond.any():
            raise DataError(
                f"{int(beyond.sum()):,} loans reach {end[beyond].max():g} months on book, the curve ends at {longest}: "
                "fit it with a larger `longest`"
            )
        months, shape = np.arange(longest + 1.0), np.asarray(self.cumulated)
        staying = np.asarray(self.staying) if self.staying else np.ones(longest + 1)
        meant = np.append(0.0, np.cumsum(np.diff(shape) * (staying[1:] + staying[:-1]) / 2))  # defaults before repaying
        scale = p / meant[self.window]
        begin = np.minimum(age + np.asarray(quiet_months, float), end)
        alive = np.interp(age, months, staying) * (1 - scale * np.interp(begin, months, shape))
        then = scale * (np.interp(end, months, meant) - np.interp(begin, months, meant))
        coming = np.divide(then, alive, out=np.ones_like(p), where=alive > 0)
        return np.where(left > 0, np.clip(coming, 0, 1), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Spell it for JSON."""
        spelled = {"window": self.window, "observed": self.observed, "cumulated": list(self.cumulated)}
        return {**spelled, "staying": list(self.staying)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> "TermStructure":
        """Read what :meth:`to_dict` wrote."""
        curves = (tuple(float(x) for x in spelled[name]) for name in ("cumulated", "staying"))
        return cls(int(spelled["window"]), int(spelled["observed"]), *curves)


def fit_term_structure(
    months_on_book_at_default: ArrayLike, months_observed: ArrayLike, *, repaid_early: ArrayLike | None = None,
    window: int = 12, longest: int = 60,
) -> TermStructure:  # fmt: skip
    """Estimate when loans default, from loans some of which have been seen for a short time only.

    The hazard of a month is its defaults over the loans that were at risk (Kaplan and Meier 1958, JASA 53:457-481); a
    loan seen for part of a month counts for that part (the actuarial estimate, Cutler and Ederer 1958, Journal of
    Chronic Diseases 8:699-712). Loans that are repaid leave as if they had been lost from sight; when
    they leave before their time is estimated in the same way.

    Parameters
    ----------
    months_on_book_at_default : (n,) months from the grant; NaN: not in default. Whole or fractional: the first month
        is up to and with 1.
    months_observed : (n,) months from the grant to default, to the end of the loan, or to the date of the data
    repaid_early : (n,) bool: the end of the loan came before its time, without default; None: nobody repays early

    Raises
    ------
    DataError
        If a default comes after the observation, none comes within the window, or no loan is seen for a whole window.

    Examples
    --------
    >>> fit_term_structure([1, np.nan, np.nan, 2], [1, 1, 3, 2], window=2, longest=3).cumulated
    (0.0, 0.25, 0.625, 0.625)
    """
    if not 1 <= window <= longest:
        raise ParamsError(f"expected 1 ≤ window ≤ longest, got window {window} and longest {longest}")
    at, seen = np.asarray(months_on_book_at_default, float), within("months_observed", months_observed, np.inf)
    bad = ~np.isnan(at)
    wrong = int((bad & ((at < 0) | (at > seen))).sum())
    if wrong:
        raise DataError(f"{wrong:,} loans default before the grant or after months_observed: check both columns")
    month = np.maximum(np.ceil(at[bad]), 1).astype(int)
    defaults = np.bincount(np.minimum(month, longest + 1), minlength=longest + 2)[1 : longest + 1]
    exposed = np.where(bad, np.maximum(np.ceil(at), 1), seen)  # who defaults was at risk to the month's end
    at_risk = np.array([np.clip(exposed - m, 0, 1).sum() for m in range(longest)])
    observed = int((at_risk >= 1).argmin()) if (at_risk < 1).any() else longest
    if observed < window or not defaults[:window].any():
        raise DataError(
            f"expected defaults and loans seen for {window} months, got {defaults[:window].sum()} defaults and "
            f"{observed} months: wait, or take a shorter window"
        )
    cumulated = 1 - _surviving(defaults, at_risk, observed, window)
    staying: Array = np.empty(0)
    if repaid_early is not None:
        early = np.asarray(repaid_early, bool) & ~bad
        month = np.maximum(np.ceil(seen[early]), 1).astype(int)
        ends = np.bincount(np.minimum(month, longest + 1), minlength=longest + 2)[1 : longest + 1]
        exposed = np.where(early, np.maximum(np.ceil(seen), 1), seen)
        there = np.array([np.clip(exposed - m, 0, 1).sum() for m in range(longest)])
        staying = _surviving(ends, there, observed, window)
    spelled = (tuple(float(round(x, 12)) for x in curve) for curve in (cumulated, staying))
    return TermStructure(window, observed, *spelled)


def _surviving(events: NDArray[np.int64], at_risk: Array, observed: int, window: int) -> Array:
    """Share without the event by month; beyond what was observed the last window's mean hazard is carried on."""
    hazard = events[:observed] / at_risk[:observed]
    carried = events[observed - window : observed].sum() / at_risk[observed - window : observed].sum()
    hazard = np.append(hazard, np.full(len(events) - observed, carried))
    return np.cumprod(np.append(1.0, 1 - np.clip(hazard, 0, 1)))
