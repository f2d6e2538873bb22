"""What became of granted credit: vintages, roll rates, realised against predicted defaults, overrides.

Everything counts only what has been observed to its end: the last points of a vintage curve, and the last cohorts of a
comparison, would otherwise look better than they are.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv

from ...errors import DataError, ParamsError

Array = NDArray[np.float64]

BUCKETS = ("0", "1-29", "30-59", "60-89", "90+")
CLOSED = "closed"
_EDGES = (1, 30, 60, 90)


def jeffreys_interval(bads: float, rows: float, level: float = 0.95) -> tuple[float, float]:
    """Equal-tailed Jeffreys interval of a rate, open to 0 and 1 at the ends.

    Brown, Cai and DasGupta 2001, Statistical Science 16:101-133; the ECB tests default probabilities with the same
    posterior (*Instructions for reporting the validation results of internal models*, 2019, section 2.5.3.1).

    Examples
    --------
    >>> [round(x, 4) for x in jeffreys_interval(0, 10)], [round(x, 4) for x in jeffreys_interval(5, 10)]
    ([0.0, 0.2172], [0.2235, 0.7765])
    """
    if rows <= 0:
        return float("nan"), float("nan")
    tail, a, b = (1 - level) / 2, bads + 0.5, rows - bads + 0.5
    low = 0.0 if bads <= 0 else float(betaincinv(a, b, tail))
    return low, 1.0 if bads >= rows else float(betaincinv(a, b, 1 - tail))


def _need(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise DataError(f"{what}: expected columns {', '.join(names)}, missing {', '.join(absent)}")


def _moments(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).dt.tz_localize(None)


def _numbers(column: pd.Series) -> Array:
    return pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)


def vintage_curves(loans: pd.DataFrame, *, as_of: str | date, by: str = "Q", longest: int = 24) -> pd.DataFrame:
    """Share of each cohort's loans that were in default by each month on book.

    A month is shown once all loans of the cohort have been observed for it, that is so many months after the cohort's
    last day: a point that is shown never changes, and no curve bends down at its end. Loans that were repaid stay in
    the denominator: they can't default any more.

    Parameters
    ----------
    loans : granted_at, defaulted_at, closed_at (missing: not); loans without granted_at don't count
    as_of : first moment that the data don't cover
    by : period of the grant, as pandas spells it
    longest : months on book

    Returns
    -------
    DataFrame
        ``cohort, months_on_book, loans, defaulted_share`` (cumulated).

    Raises
    ------
    DataError
        For defaults before the grant or after the loan was closed, with their number.

    Examples
    --------
    >>> loans = pd.DataFrame({"granted_at": pd.to_datetime(["2025-01-10", "2025-03-20"]), "closed_at": pd.NaT,
    ...                       "defaulted_at": pd.to_datetime(["2025-02-25", None])})
    >>> vintage_curves(loans, as_of="2025-06-15")
       cohort  months_on_book  loans  defaulted_share
    0  2025Q1               1      2              0.0
    1  2025Q1               2      2              0.5
    """
    _need(loans, ("granted_at", "defaulted_at", "closed_at"), "loans")
    now = pd.Timestamp(as_of)
    granted, defaulted, closed = (_moments(loans[c]) for c in ("granted_at", "defaulted_at", "closed_at"))
    wrong = int(((defaulted < granted) | (defaulted > closed)).sum())
    if wrong:
        raise DataError(
            f"loans: {wrong:,} in default before they were granted or after they were closed: check the dates"
        )
    kept = granted < now
    granted, defaulted = granted[kept], defaulted[kept]
    try:
        cohort = granted.dt.to_period(by)
    except ValueError:
        raise ParamsError(f"by is a period such as Q, M or Y, got {by!r}") from None
    ends = (cohort.dt.end_time + pd.Timedelta(nanoseconds=1)).dt.as_unit("us")  # the first moment after the cohort
    parts = []
    for month in range(1, longest + 1):
        wait = pd.DateOffset(months=month)
        over = ends + wait <= now
        bad = (defaulted < granted + wait)[over]
        table = bad.groupby(cohort[over]).agg(["size", "mean"]).set_axis(["loans", "defaulted_share"], axis=1)
        parts.append(table.rename_axis("cohort").reset_index().assign(months_on_book=month))
    out = pd.concat(parts, ignore_index=True).sort_values(["cohort", "months_on_book"], ignore_index=True)
    out["cohort"] = out["cohort"].astype(str)
    return out[["cohort", "months_on_book", "loans", "defaulted_share"]].astype({"defaulted_share": float})


def roll_rates(loan_months: pd.DataFrame, closings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Share of loans that go from one bucket of days past due to another within a month.

    Only two month ends in a row make a transition: over a gap nobody knows the way. A loan whose last month end is
    followed by its closing, in that month or the next, goes to ``closed``; without ``closings`` the last month end of a
    loan leads nowhere.

    Parameters
    ----------
    loan_months : loan_id, month_end, days_past_due; rows without days_past_due are gaps
    closings : loan_id, closed_at

    Returns
    -------
    DataFrame
        ``from_bucket, to_bucket, transitions, share`` (of those that leave the same bucket; NaN where none does), every
        pair, in the order of ``BUCKETS``.

    Raises
    ------
    DataError
        For a loan with two rows in a month, or negative days.

    Examples
    --------
    >>> months = pd.DataFrame({"loan_id": ["a", "a", "a"], "days_past_due": [0, 12, 41],
    ...                        "month_end": pd.to_datetime(["2025-01-31", "2025-02-28", "2025-04-30"])})
    >>> found = roll_rates(months)
    >>> found[found["transitions"] > 0]
      from_bucket to_bucket  transitions  share
    1           0      1-29            1    1.0
    """
    _need(loan_months, ("loan_id", "month_end", "days_past_due"), "loan_months")
    days = _numbers(loan_months["days_past_due"])
    month = _month(loan_months["month_end"])
    rows = pd.DataFrame({"loan_id": loan_months["loan_id"].to_numpy(), "month": month, "days": days})
    repeated, negative = int(rows.duplicated(["loan_id", "month"]).sum()), int((days < 0).sum())
    if repeated or negative:
        raise DataError(
            f"loan_months: {repeated:,} repeat a loan's month and {negative:,} have negative days_past_due: "
            "expected one month end a month, from 0 days on"
        )
    rows = rows.dropna(subset=["days"]).sort_values(["loan_id", "month"], ignore_index=True)
    rows["bucket"] = np.searchsorted(_EDGES, rows["days"], side="right")
    later = rows.groupby("loan_id")[["month", "bucket"]].shift(-1)
    follows = later["month"] - rows["month"] == 1
    to = later["bucket"].where(follows)
    if closings is not None:
        _need(closings, ("loan_id", "closed_at"), "closings")
        dated = closings.dropna(subset=["closed_at"])
        closed = pd.Series(_month(dated["closed_at"]), index=dated["loan_id"].to_numpy()).groupby(level=0).min()
        wait = rows["loan_id"].map(closed) - rows["month"]
        to = to.mask(later["month"].isna() & wait.isin([0, 1]), len(BUCKETS))
    known = to.notna()
    names = [*BUCKETS, CLOSED] if closings is not None else [*BUCKETS]
    pairs = rows["bucket"][known].to_numpy() * len(names) + to[known].to_numpy(dtype=np.int64)
    counts = np.bincount(pairs, minlength=len(BUCKETS) * len(names)).reshape(len(BUCKETS), len(names))
    leaving = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, leaving, out=np.full(counts.shape, np.nan), where=leaving > 0)
    return pd.DataFrame({
        "from_bucket": np.repeat(BUCKETS, len(names)), "to_bucket": np.tile(names, len(BUCKETS)),
        "transitions": counts.ravel(), "share": share.ravel(),
    })  # fmt: skip


def _month(column: pd.Series) -> NDArray[np.int64]:
    """Count months since year 0."""
    when = _moments(column)
    if when.isna().any():
        raise DataError(f"{column.name}: expected a date in every row, {int(when.isna().sum()):,} have none")
    return (when.dt.year * 12 + when.dt.month).to_numpy(dtype=np.int64)


def realised_against_predicted(
    frame: pd.DataFrame, by: Sequence[str] = ("grade", "cohort"), *, level: float = 0.95
) -> pd.DataFrame:
    """Hold defaults that came against those that were expected, over loans whose window has ended.

    The interval takes loans as independent. Within one cohort they move together, so that a single bad quarter may well
    lie outside without anything being wrong with the model.

    Parameters
    ----------
    frame : default_probability, label (1 = default, missing: window not ended), and the columns ``by``

    Returns
    -------
    DataFrame
        ``by``, ``rows`` (windows ended), ``unfinished``, ``bads``, ``expected`` (mean probability), ``realised``,
        ``low, high`` (Jeffreys interval of ``realised``), ``verdict``: as expected, more / fewer defaults than
        expected, no finished window.

    Examples
    --------
    >>> frame = pd.DataFrame({"grade": ["A"] * 100 + ["B"], "default_probability": 0.02,
    ...                       "label": [1.0] * 9 + [0.0] * 91 + [None]})
    >>> found = realised_against_predicted(frame, by=["grade"])
    >>> found[["grade", "rows", "unfinished", "bads", "realised", "verdict"]]
      grade  rows  unfinished  bads  realised                      verdict
    0     A   100           0     9      0.09  more defaults than expected
    1     B     0           1     0       NaN           no finished window
    """
    by = list(by)
    _need(frame, [*by, "default_probability", "label"], "loans")
    p, label = _numbers(frame["default_probability"]), _checked_label(frame["label"])
    wrong = int((~((p >= 0) & (p <= 1))).sum())
    if wrong or not by:
        raise DataError(f"expected columns in `by` and probabilities from 0 to 1, {wrong:,} probabilities are not")
    done = ~np.isnan(label)
    each = frame[by].assign(
        rows=done.astype(np.int64), unfinished=(~done).astype(np.int64), bads=np.where(done, label, 0).astype(np.int64),
        expected=np.where(done, p, 0.0),
    )  # fmt: skip
    out = each.groupby(by, sort=True, dropna=False, observed=True).sum().reset_index()
    rows = out["rows"].where(out["rows"] > 0)
    out["expected"], out["realised"] = out["expected"] / rows, out["bads"] / rows
    limits = [jeffreys_interval(b, n, level) for b, n in zip(out["bads"], out["rows"], strict=True)]
    out["low"], out["high"] = [np.array([x[i] for x in limits], float) for i in (0, 1)]
    out["verdict"] = np.select(
        [out["rows"] == 0, out["expected"] < out["low"], out["expected"] > out["high"]],
        ["no finished window", "more defaults than expected", "fewer defaults than expected"],
        "as expected",
    )
    return out


def _checked_label(column: pd.Series) -> Array:
    label = _numbers(column)
    wrong = int((~(np.isnan(label) | np.isin(label, (0, 1)))).sum())
    if wrong:
        raise DataError(f"label: expected 1 for a default, 0 or missing, {wrong:,} rows have something else")
    return label


def override_rates(applications: pd.DataFrame, *, bands: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Loans granted against the policy, by the reason that was given, beside loans that the policy approved.

    Comparable are approved loans with a known outcome in the same band of the model's probability, weighted as the
    overrides are; bands hold equally many overrides and end with the lowest and the highest of them. The difference
    says whether those who override know more than the model; its interval joins two Jeffreys intervals (Zou and Donner
    2008, Statistics in Medicine 27:1693-1702).

    Parameters
    ----------
    applications : passed (bool: the policy approved), granted (bool), at_random (bool: granted by lot),
        override_reason (missing: none was given), label (1 = default, missing: unknown), default_probability
    bands : of the probability; few bands compare overrides with loans of somewhat lower risk (five overstate the
        difference by .010 on simulated loans, ten by .005), many leave bands without an approved loan

    Returns
    -------
    DataFrame
        ``reason`` (the last row, ``all``), ``overrides``, ``share`` (of all decisions), ``known`` (with an outcome),
        ``bads, default_rate, low, high``, ``comparable`` (approved loans in the same bands), ``comparable_rate``,
        ``difference, difference_low, difference_high``. Where a band of the overrides holds no approved loan there is
        no comparison (NaN).

    Raises
    ------
    DataError
        For outcomes of loans that weren't granted, and probabilities out of range.
    """
    columns = ("passed", "granted", "at_random", "override_reason", "label", "default_probability")
    _need(applications, columns, "applications")
    if bands < 1:
        raise ParamsError(f"bands is a whole number from 1 on, got {bands}")
    passed, granted, by_lot = (applications[c].to_numpy(dtype=bool, na_value=False) for c in columns[:3])
    label, p = _checked_label(applications["label"]), _numbers(applications["default_probability"])
    wrong = [int(x.sum()) for x in (~np.isnan(label) & ~granted, ~((p >= 0) & (p <= 1)))]
    if any(wrong):
        raise DataError(
            f"applications: {wrong[0]:,} labelled but not granted, {wrong[1]:,} without a default_probability "
            "from 0 to 1: check how the columns were made"
        )
    override, done = granted & ~passed & ~by_lot, ~np.isnan(label)
    given = applications["override_reason"]
    reason = given.astype(object).where(given.notna(), "not given").astype(str).to_numpy()
    cuts = np.linspace(0, 1, bands + 1)[1:-1]
    edges = np.unique(np.quantile(p[override], cuts)) if override.any() else np.array([])
    band = np.searchsorted(edges, p, side="right")
    least, most = (p[override].min(), p[override].max()) if override.any() else (0.0, 1.0)
    approved = passed & granted & done & (p >= least) & (p <= most)
    loans = np.bincount(band[approved], minlength=len(edges) + 1)
    bads = np.bincount(band[approved], weights=label[approved], minlength=len(edges) + 1)
    rows = []
    for name in [*sorted(set(reason[override])), "all"]:
        mine = override & ((reason == name) | (name == "all"))
        known = mine & done
        n, hits = int(known.sum()), int(label[known].sum())
        held = np.bincount(band[known], minlength=len(edges) + 1)
        rate, (low, high) = hits / n if n else np.nan, jeffreys_interval(hits, n, level)
        used, other, gap = held > 0, np.nan, (np.nan, np.nan)
        if n and (loans[used] > 0).all():
            weight = held[used] / n
            other = float((weight * bads[used] / loans[used]).sum())
            worth = 1 / (weight**2 / loans[used]).sum()  # equally precise loans of one band
            less, more = jeffreys_interval(other * worth, worth, level)
            reach = np.hypot(rate - low, more - other), np.hypot(high - rate, other - less)
            gap = float(rate - other - reach[0]), float(rate - other + reach[1])
        rows.append((name, int(mine.sum()), mine.sum() / max(len(p), 1), n, hits, rate, low, high,
                     int(loans[used].sum()), other, rate - other, *gap))  # fmt: skip
    names = ["reason", "overrides", "share", "known", "bads", "default_rate", "low", "high", "comparable",
             "comparable_rate", "difference", "difference_low", "difference_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def headline(by_grade: pd.DataFrame, by_cohort: pd.DataFrame, overrides: pd.DataFrame) -> dict[str, Any]:
    """Say in a few numbers what the tables show.

    Parameters
    ----------
    by_grade, by_cohort : of :func:`realised_against_predicted`
    overrides : of :func:`override_rates`

    Returns
    -------
    dict
        ``outside_interval`` (grades and cohorts whose defaults differ from what was expected), ``overrides`` (the row
        of all overrides; what is not known is left out).

    Examples
    --------
    >>> table = pd.DataFrame({"verdict": ["as expected", "more defaults than expected"]})
    >>> headline(table, table.head(1), pd.DataFrame({"reason": ["all"], "overrides": [3], "difference": [np.nan]}))
    {'outside_interval': {'grades': 1, 'cohorts': 0}, 'overrides': {'overrides': 3.0}}
    """
    outside = [int(t["verdict"].str.endswith("than expected").sum()) for t in (by_grade, by_cohort)]
    every = overrides[overrides["reason"] == "all"].drop(columns="reason").astype(float)
    known = (
        {str(name): float(value) for name, value in every.iloc[0].items() if np.isfinite(value)} if len(every) else {}
    )
    return {"outside_interval": {"grades": outside[0], "cohorts": outside[1]}, "overrides": known}
