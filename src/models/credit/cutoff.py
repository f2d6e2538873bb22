"""Where to draw the line: what each cut-off approves, what it earns, and who swaps places with the old decision.

Profit is expected, not realised: a good loan earns its margin, a bad one loses what isn't recovered, and every
application costs something, approved or not (Thomas, Crook and Edelman 2017, *Credit Scoring and Its Applications*,
2nd ed.).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ...errors import DataError, ParamsError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SETS = {
    (True, True): "approved by both",
    (False, True): "swap in",
    (True, False): "swap out",
    (False, False): "refused by both",
}


@dataclass(frozen=True)
class Economics:
    """What a loan earns and loses, as shares of its amount.

    Parameters
    ----------
    margin : interest less funding and running costs over the life of a good loan, as a share of the amount
    loss_given_default : share of the amount lost on a bad one
    cost_per_application : in the currency of the amounts, whatever the decision

    Examples
    --------
    >>> round(Economics(margin=0.1, loss_given_default=0.6).break_even, 4)
    0.1429
    >>> Economics(margin=10, loss_given_default=60)
    Traceback (most recent call last):
    afraz.errors.ParamsError: margin and loss_given_default must be shares above 0 and not above 1; got 10 and 60
    """

    margin: float
    loss_given_default: float
    cost_per_application: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.margin <= 1 and 0 < self.loss_given_default <= 1):
            raise ParamsError(
                "margin and loss_given_default must be shares above 0 and not above 1; "
                f"got {self.margin} and {self.loss_given_default}"
            )
        if not 0 <= self.cost_per_application < np.inf:
            raise ParamsError(f"cost_per_application must be 0 or more; got {self.cost_per_application}")

    @property
    def break_even(self) -> float:
        """Default probability at which a loan earns as much as it loses: margin / (margin + loss given default)."""
        return self.margin / (self.margin + self.loss_given_default)


def approve(default_probability: ArrayLike, cutoff: float) -> Flags:
    """Approve everyone at or below the cut-off.

    Examples
    --------
    >>> approve([0.02, 0.05, 0.2], 0.05).tolist()
    [True, True, False]
    >>> approve([0.02, 0.05], 0.01)
    Traceback (most recent call last):
    afraz.errors.ParamsError: a cut-off of 0.01 approves nobody: the lowest default ...; choose at least 0.02
    """
    p = _probabilities(default_probability)
    if not 0 <= cutoff <= 1:
        raise ParamsError(f"a cut-off is a default probability between 0 and 1; got {cutoff}")
    approved: Flags = p <= cutoff
    if not approved.any():
        least = float(p.min())
        raise ParamsError(
            f"a cut-off of {cutoff:.6g} approves nobody: the lowest default probability is {least:.6g}; "
            f"choose at least {np.ceil(least * 1e6) / 1e6:.6g}"  # rounded up, so that the advice works
        )
    return approved


def cutoff_table(
    default_probability: ArrayLike,
    *,
    economics: Economics,
    amount: ArrayLike | None = None,
    old_decision: ArrayLike | None = None,
    label: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    steps: int = 20,
) -> pd.DataFrame:
    """Show what each of several cut-offs would do.

    Cut-offs are those that approve 1/steps, 2/steps … of all rows (equal probabilities stay together), and the
    break-even probability.

    Parameters
    ----------
    default_probability : (n,) of every application, refused ones too
    economics : earnings and losses
    amount : (n,) of the loan; None: 1 each, so that profit counts loans of one unit
    old_decision : (n,) bool, approved by the present rule
    label : (n,) 0, 1 or missing where no loan was granted
    weight : (n,) how many applications each row stands for
    steps : number of approval rates

    Returns
    -------
    DataFrame
        By rising cut-off: ``cutoff, approval_rate, approved, bad_rate_expected, bad_rate_observed`` (of approved rows
        with a known label: granted by the old rule, hence better than those whom it refused), ``expected_profit``,
        ``swap_in, swap_in_bad_rate`` (approved now, refused before), ``swap_out, swap_out_bad_rate`` (the reverse), all
        weighted, bad rates of swaps expected. Rates of nobody are missing; swaps are missing without an old decision.

    Examples
    --------
    >>> deal = Economics(margin=0.1, loss_given_default=0.5)
    >>> table = cutoff_table([0.05, 0.1, 0.2, 0.4], economics=deal, steps=4)
    >>> table[["cutoff", "approval_rate", "bad_rate_expected", "expected_profit"]].round(4)
       cutoff  approval_rate  bad_rate_expected  expected_profit
    0  0.0500           0.25             0.0500             0.07
    1  0.1000           0.50             0.0750             0.11
    2  0.1667           0.50             0.0750             0.11
    3  0.2000           0.75             0.1167             0.09
    4  0.4000           1.00             0.1875            -0.05
    """
    p = _probabilities(default_probability)
    if steps < 1:
        raise ParamsError(f"steps must be at least 1; got {steps}")
    w, money = _positive(weight, p, "weight"), _positive(amount, p, "amount")
    y = None if label is None else _labels(label, p)
    old = None if old_decision is None else _decisions(old_decision, p, "old_decision")
    gain = w * money * ((1 - p) * economics.margin - p * economics.loss_given_default)
    cost = economics.cost_per_application * float(w.sum())
    at = np.ceil(np.arange(1, steps + 1) * len(p) / steps).astype(int) - 1
    rows = []
    for cutoff in np.unique(np.append(np.sort(p)[at], economics.break_even)).tolist():
        now: Flags = p <= cutoff
        row = {
            "cutoff": cutoff,
            "approval_rate": _mean(now.astype(float), w),
            "approved": float(w[now].sum()),
            "bad_rate_expected": _mean(p[now], w[now]),
            "bad_rate_observed": _observed(y, w, now),
            "expected_profit": float(gain[now].sum()) - cost,
        }
        for name in ("swap_in", "swap_out"):
            moved = np.zeros(len(p), bool) if old is None else now & ~old if name == "swap_in" else old & ~now
            row[name] = float("nan") if old is None else float(w[moved].sum())
            row[f"{name}_bad_rate"] = _mean(p[moved], w[moved])
        rows.append(row)
    return pd.DataFrame(rows)


def recommended_cutoff(table: pd.DataFrame) -> dict[str, float]:
    """Choose the row of :func:`cutoff_table` with the highest expected profit; among equals the lowest cut-off.

    Returns
    -------
    dict
        ``cutoff, approval_rate, approved, bad_rate_expected, bad_rate_observed, expected_profit``. With one margin and
        one loss for all loans this is the break-even probability, or a cut-off with the same approvals.

    Raises
    ------
    DataError
        Every cut-off that approves anybody would earn less than approving nobody.

    Examples
    --------
    >>> deal = Economics(margin=0.1, loss_given_default=0.5)
    >>> recommended_cutoff(cutoff_table([0.05, 0.1, 0.2, 0.4], economics=deal, steps=4))["cutoff"]
    0.1
    >>> recommended_cutoff(cutoff_table([0.3, 0.4], economics=deal))
    Traceback (most recent call last):
    afraz.errors.DataError: no cut-off pays: the best is to approve nobody at 0.1667; lend at a higher margin ...
    """
    best = table.iloc[int(np.argmax(table["expected_profit"].to_numpy()))]
    if best["approved"] == 0:
        raise DataError(
            f"no cut-off pays: the best is to approve nobody at {best['cutoff']:.4g}; "
            "lend at a higher margin or not at all"
        )
    names = ("cutoff", "approval_rate", "approved", "bad_rate_expected", "bad_rate_observed", "expected_profit")
    return {name: float(best[name]) for name in names}


def swap_set(
    old_decision: ArrayLike, new_decision: ArrayLike, default_probability: ArrayLike, label: ArrayLike | None = None
) -> pd.DataFrame:
    """Cross the old decision with the new one.

    Parameters
    ----------
    old_decision, new_decision : (n,) bool, approved
    default_probability : (n,)
    label : (n,) 0, 1 or missing

    Returns
    -------
    DataFrame
        Four rows: ``set`` ("approved by both", "swap in", "swap out", "refused by both"), ``old_decision,
        new_decision, rows, share, bad_rate_expected, rows_observed, bad_rate_observed``. A new rule is better where
        those it swaps in are less risky than those it swaps out.

    Examples
    --------
    >>> old, new = [True, True, False, False], [True, False, True, False]
    >>> table = swap_set(old, new, [0.1, 0.3, 0.2, 0.4], [0, 1, None, None])
    >>> table[["set", "rows", "bad_rate_expected", "bad_rate_observed"]]
                    set  rows  bad_rate_expected  bad_rate_observed
    0  approved by both     1                0.1                0.0
    1           swap in     1                0.2                NaN
    2          swap out     1                0.3                1.0
    3   refused by both     1                0.4                NaN
    """
    p = _probabilities(default_probability)
    old, new = _decisions(old_decision, p, "old_decision"), _decisions(new_decision, p, "new_decision")
    y = np.full(len(p), np.nan) if label is None else _labels(label, p)
    ones = np.ones(len(p))
    rows = []
    for (was, now), name in SETS.items():
        members = (old == was) & (new == now)
        known = members & ~np.isnan(y)
        rates = (_mean(p[members], ones[members]), int(known.sum()), _mean(y[known], ones[known]))
        rows.append((name, was, now, int(members.sum()), float(members.mean()), *rates))
    columns = ["set", "old_decision", "new_decision", "rows", "share"]
    return pd.DataFrame(rows, columns=[*columns, "bad_rate_expected", "rows_observed", "bad_rate_observed"])


def _mean(values: Array, weight: Array) -> float:
    """Weighted mean by plain sums; of nobody it is missing."""
    total = float(weight.sum())
    return float((weight * values).sum()) / total if total > 0 else float("nan")


def _observed(label: Array | None, weight: Array, members: Flags) -> float:
    if label is None:
        return float("nan")
    known = members & ~np.isnan(label)
    return _mean(label[known], weight[known])


def _probabilities(values: ArrayLike) -> Array:
    p = np.asarray(values, float)
    if p.ndim != 1 or not len(p) or not ((p >= 0) & (p <= 1)).all():
        raise DataError("default probabilities must lie between 0 and 1, one for each application without gaps")
    return p


def _positive(values: ArrayLike | None, p: Array, name: str) -> Array:
    out = np.ones(len(p)) if values is None else np.asarray(values, float)
    if out.shape != p.shape or not (np.isfinite(out) & (out >= 0)).all() or not out.sum() > 0:
        raise DataError(f"{name} must be a number of 0 or more for each of {len(p)} applications, not all zero")
    return out


def _labels(values: ArrayLike, p: Array) -> Array:
    y = pd.to_numeric(pd.Series(values)).to_numpy(dtype=float, na_value=np.nan)
    if y.shape != p.shape or not (np.isin(y, (0.0, 1.0)) | np.isnan(y)).all():
        raise DataError(f"label must be 0 (good), 1 (bad) or missing for each of {len(p)} applications")
    return np.asarray(y)


def _decisions(values: ArrayLike, p: Array, name: str) -> Flags:
    out = pd.Series(np.asarray(values, dtype=object))
    if out.shape != p.shape or out.isna().any() or not out.isin([True, False]).all():
        raise DataError(f"{name} must be true (approved) or false for each of {len(p)} applications")
    return out.to_numpy(dtype=bool)
