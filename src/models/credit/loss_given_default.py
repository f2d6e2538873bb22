"""Loss given default from recoveries, with workouts that aren't over yet developed to their end, and a floor.

Long-run averages weigh defaults, not amounts (CRR, Regulation (EU) 575/2013, Article 181(1)(a)). Taking unfinished
workouts for finished ones overstates the loss; leaving them out overstates cures, which are over soon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, ParamsError

Array = NDArray[np.float64]

MONTH = 365.25 / 12  # days
MONTHLY = "recovered_within_"
_OWN = ("recovered", "recovered_late", "months_observed", "complete", "loss_given_default")


def realised(
    defaults: pd.DataFrame,
    recoveries: pd.DataFrame,
    *,
    as_of: str | date,
    workout_months: int = 18,
    discount_rate: float = 0.0,
) -> pd.DataFrame:
    """Add up what each default has brought back, as it was known at ``as_of``.

    Defaults, cures and recoveries from ``as_of`` on aren't known yet and don't appear. A cured default loses nothing:
    on the day of its cure all that was still owed counts as recovered. Money received after the workout doesn't lower
    the loss; it is shown as ``recovered_late``.

    Parameters
    ----------
    defaults : loan_id, defaulted_at, exposure (balance at default), cured_at (missing: not) and, where known,
        closed_at: a closed loan can't be seen to cure, so its workout counts until then; other columns are kept
    recoveries : loan_id, received_at, amount (negative: a recovery taken back)
    as_of : first moment that the data don't cover
    workout_months : months after default, of 30.4 days, when a workout counts as over
    discount_rate : per year, from the day of default

    Returns
    -------
    DataFrame
        The defaults with ``cured`` (bool), ``recovered`` (share of the exposure so far), ``recovered_late``,
        ``months_observed`` (at most
        the workout), ``complete`` (cured, or observed to the end), ``loss_given_default`` (1 − recovered within 0 and
        1; where not complete, an upper bound) and ``recovered_within_1 …``: cumulated share by month since default,
        within 0 and 1, missing where the month is not over.

    Raises
    ------
    DataError
        For exposures that are not above 0, repeated loans, recoveries without a default or before it, with counts.

    Examples
    --------
    >>> d = pd.DataFrame({"loan_id": ["a", "b"], "defaulted_at": pd.to_datetime(["2025-01-01", "2025-11-01"]),
    ...                   "exposure": [100.0, 200.0], "cured_at": [pd.NaT, pd.NaT]})
    >>> r = pd.DataFrame({"loan_id": ["a"], "received_at": pd.to_datetime(["2025-03-01"]), "amount": [60.0]})
    >>> found = realised(d, r, as_of="2026-01-01", workout_months=6)
    >>> found[["loan_id", "recovered", "months_observed", "complete", "loss_given_default"]].round(2)
      loan_id  recovered  months_observed  complete  loss_given_default
    0       a        0.6              6.0      True                 0.4
    1       b        0.0              2.0     False                 1.0
    >>> realised(d.assign(exposure=[0.0, 200.0]), r, as_of="2026-01-01")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: defaults: 1 without an exposure above 0: leave such loans out, and say how many they are
    """
    if workout_months < 1 or not discount_rate > -1:
        raise ParamsError(
            f"expected workout_months from 1 on and discount_rate above -1, got {workout_months} and {discount_rate}"
        )
    _need(defaults, ("loan_id", "defaulted_at", "exposure", "cured_at"), "defaults")
    _need(recoveries, ("loan_id", "received_at", "amount"), "recoveries")
    now = pd.Timestamp(as_of)
    out = defaults[defaults["defaulted_at"] < now].sort_values("loan_id", ignore_index=True)
    exposure = pd.to_numeric(out["exposure"]).to_numpy(dtype=float, na_value=np.nan)
    _refuse("defaults", int((~(exposure > 0) | np.isinf(exposure)).sum()), "without an exposure above 0",
            "leave such loans out, and say how many they are")  # fmt: skip
    _refuse("defaults", int(out["loan_id"].duplicated().sum()), "repeat a loan_id", "keep one row a default")
    _refuse("defaults", int(defaults["defaulted_at"].isna().sum()), "without defaulted_at", "check the source")
    unknown = int((~recoveries["loan_id"].isin(defaults["loan_id"])).sum())
    _refuse("recoveries", unknown, "of loans without a default", "pass all defaults, or only their recoveries")

    place = pd.Series(np.arange(len(out)), index=out["loan_id"])
    known = recoveries[(recoveries["received_at"] < now) & recoveries["loan_id"].isin(out["loan_id"])]
    row = place.loc[known["loan_id"]].to_numpy()
    days = (known["received_at"].to_numpy() - out["defaulted_at"].to_numpy()[row]) / np.timedelta64(1, "D")
    amount = pd.to_numeric(known["amount"]).to_numpy(dtype=float, na_value=np.nan)
    _refuse("recoveries", int((days < 0).sum()), "before the default", "check both dates in the source")
    _refuse("recoveries", int((~np.isfinite(amount)).sum()), "without an amount", "check the source")
    _refuse("recoveries", int(recoveries["received_at"].isna().sum()), "without received_at", "check the source")

    share = amount / (1 + discount_rate) ** (days / 365.25) / exposure[row]
    month = np.minimum((days / MONTH).astype(int), workout_months)  # the last column: too late
    paid = np.zeros((len(out), workout_months + 1))
    np.add.at(paid, (row, month), share)
    by_month = np.clip(paid[:, :-1].cumsum(axis=1), 0, 1)
    until = pd.Series(now, index=out.index)
    if "closed_at" in out:
        until = out["closed_at"].where(out["closed_at"] < now, now).where(out["closed_at"].notna(), now)
    age = ((until - out["defaulted_at"]).dt.total_seconds().to_numpy() / 86_400 / MONTH).clip(min=0)
    cured_at = pd.to_datetime(out["cured_at"])
    _refuse("defaults", int((cured_at < out["defaulted_at"]).sum()), "cured before the default", "check both dates")
    out["cured"] = cured = (cured_at < now).to_numpy()
    healed = np.floor((cured_at - out["defaulted_at"]).dt.total_seconds().to_numpy() / 86_400 / MONTH)
    by_month = np.where(cured[:, None] & (np.arange(workout_months) >= healed[:, None]), 1.0, by_month)
    out["recovered"] = paid[:, :-1].sum(axis=1)
    out["recovered_late"] = paid[:, -1]
    out["months_observed"] = np.minimum(age, workout_months)
    out["complete"] = cured | (age >= workout_months)
    out["loss_given_default"] = np.where(cured, 0.0, np.clip(1 - out["recovered"], 0, 1))
    by_month[np.arange(1, workout_months + 1) > age[:, None]] = np.nan
    columns = {f"{MONTHLY}{m + 1}": by_month[:, m] for m in range(workout_months)}
    return pd.concat([out, pd.DataFrame(columns, index=out.index)], axis=1)


def _need(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise DataError(f"{what}: expected columns {', '.join(names)}, missing {', '.join(absent)}")


def _refuse(what: str, count: int, fault: str, remedy: str) -> None:
    if count:
        raise DataError(f"{what}: {count:,} {fault}: {remedy}")


@dataclass(frozen=True)
class Segment:
    """One segment, or all (``values`` is empty): defaults, and the loss before and after shrinking and floor."""

    values: tuple[Any, ...]
    defaults: int
    complete: int
    cures: int
    mean: float
    shrunk: float
    floored: float
    low: float
    high: float


@dataclass(frozen=True)
class LossGivenDefault:
    """Mean loss by segment. ``pattern`` is the share of all recoveries that has come by each month of a workout.

    ``draws`` are the bootstrap's mean losses over the estimate: factors for ``portfolio_loss``'s ``lgd_draws``.
    """

    names: tuple[str, ...]
    floor: float
    segments: tuple[Segment, ...]
    overall: Segment
    pattern: tuple[float, ...]
    draws: tuple[float, ...]

    def predict(self, frame: pd.DataFrame) -> Array:
        """Look up each loan's segment; segments that were never seen get the overall mean.

        Returns
        -------
        (n,) from the floor to 1
        """
        _need(frame, self.names, "loans")
        known = {segment.values: segment.floored for segment in self.segments}
        return np.array([known.get(key, self.overall.floored) for key in _keys(frame, self.names)], float)

    def table(self) -> pd.DataFrame:
        """Show every segment, and all of them last.

        Returns
        -------
        DataFrame
            ``segment, defaults, complete, cures, mean`` (developed), ``shrunk, floored, low, high`` (bootstrap interval
            of ``shrunk``).
        """
        rows = []
        for segment in (*self.segments, self.overall):
            named = ", ".join(f"{n}={v}" for n, v in zip(self.names, segment.values, strict=False)) or "all"
            rows.append({"segment": named, **{k: v for k, v in vars(segment).items() if k != "values"}})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Spell it for JSON."""
        return {
            "names": list(self.names), "floor": self.floor, "pattern": list(self.pattern), "draws": list(self.draws),
            "segments": [vars(s) | {"values": list(s.values)} for s in (*self.segments, self.overall)],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> "LossGivenDefault":
        """Read what :meth:`to_dict` wrote."""
        read = [Segment(**{**s, "values": tuple(s["values"])}) for s in spelled["segments"]]
        return cls(
            tuple(spelled["names"]), float(spelled["floor"]), tuple(read[:-1]), read[-1], tuple(spelled["pattern"]),
            tuple(spelled["draws"]),
        )  # fmt: skip


def fit_loss_given_default(
    realised: pd.DataFrame,
    *,
    segments: Sequence[str] = ("has_collateral",),
    floor: float = 0.05,
    least: int = 30,
    group: str | None = None,
    n: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> LossGivenDefault:
    """Estimate the loss by segment, unfinished workouts developed to their end.

    The pattern is the additive method's: the mean recovery of a month, over the workouts in which that month is over
    (each default observed so far speaks for those which are not, as in Mack 1993, ASTIN Bulletin 23:213-225, but
    without his ratios, which nothing recovered in the first months makes wild). The level of a segment is what it has
    recovered over the share of the pattern that it has lived through (the Cape Cod method, Bühlmann 1983).
    Segment means are shrunk to the overall mean as far as segments don't differ
    beyond chance (DerSimonian and Laird 1986, Controlled Clinical Trials 7:177-188); those with fewer than ``least``
    defaults' worth of observation take it as it is. The floor comes last.

    Parameters
    ----------
    realised : as :func:`realised` returns it
    segments : columns; every combination that occurs is a segment; none: one mean for all
    floor : lower bound; the one of Basel III (BCBS d424, 2017) is 5 % for residential mortgages
    least : fewer defaults' worth of observation, over all segments, are refused
    group : column of the customer, who is drawn whole in the bootstrap; None: every default on its own
    n, seed, level : of the bootstrap

    Raises
    ------
    DataError
        If there are too few defaults, or the later months of a workout haven't been seen once.
    ParamsError
        If the floor is not within 0 and 1.
    """
    if not 0 <= floor <= 1:
        raise ParamsError(f"floor is a share from 0 to 1, got {floor}")
    _need(realised, ("cured", *_OWN, *segments, *([group] if group else [])), "realised")
    data = _Workouts.of(realised, segments)
    seen = data.worth().sum()
    if seen < least or not len(realised):
        raise DataError(f"expected the worth of {least} observed defaults, got {seen:.0f} of {len(realised):,}: wait")
    estimate, pattern = data.estimate(np.ones(len(realised)), least)
    codes = np.arange(len(realised)) if group is None else pd.factorize(realised[group], sort=True)[0]
    _refuse("realised", int((codes < 0).sum()), f"without {group}", "every default needs its customer")
    rng, drawn = np.random.default_rng(seed), np.empty((n, len(data.keys) + 1))
    for i in range(n):
        times = np.bincount(rng.integers(0, codes.max() + 1, codes.max() + 1), minlength=codes.max() + 1)
        drawn[i] = data.estimate(times[codes].astype(float), least)[0][1]
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)

    def spell(values: tuple[Any, ...], rows: NDArray[np.bool_], at: int) -> Segment:
        counts = (int(rows.sum()), int(data.complete[rows].sum()), int(data.cured[rows].sum()))
        mean, shrunk = (float(x[at]) for x in estimate)
        return Segment(values, *counts, mean, shrunk, max(shrunk, floor), float(low[at]), float(high[at]))

    parts = tuple(spell(key, data.segment == s, s) for s, key in enumerate(data.keys))
    overall = spell((), np.ones(len(realised), bool), len(data.keys))
    draws = drawn[:, -1] / overall.mean if overall.mean else np.ones(n)
    return LossGivenDefault(
        tuple(segments), floor, parts, overall, tuple(float(x) for x in pattern), tuple(float(x) for x in draws)
    )


def _keys(frame: pd.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Segment of each row, in plain values that JSON knows; missing is None."""
    columns = [
        [None if pd.isna(v) else v.item() if isinstance(v, np.generic) else v for v in frame[name]] for name in names
    ]
    return list(zip(*columns, strict=True)) if columns else [()] * len(frame)


@dataclass(frozen=True)
class _Workouts:
    """``steps`` are the recoveries by month, of which ``seen`` are over; a cure recovers what was still owed."""

    steps: Array
    seen: Array
    cured: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    segment: NDArray[np.int64]
    keys: list[tuple[Any, ...]]

    @classmethod
    def of(cls, realised: pd.DataFrame, segments: Sequence[str]) -> "_Workouts":
        by_month = realised[[c for c in realised.columns if str(c).startswith(MONTHLY)]].to_numpy(float)
        cured = realised["cured"].to_numpy(dtype=bool, na_value=False)
        seen = np.isfinite(by_month)
        steps = np.where(seen, np.diff(by_month, axis=1, prepend=0.0), 0.0)
        unseen = int((~seen.any(axis=0)).sum())
        if unseen:
            raise DataError(
                f"no workout has been observed in the last {unseen} of {seen.shape[1]} months: "
                "give `realised` fewer workout_months, or wait"
            )
        each = _keys(realised, segments)
        keys = sorted(set(each), key=lambda key: [(str(type(v)), str(v)) for v in key])
        place = {key: i for i, key in enumerate(keys)}
        complete = realised["complete"].to_numpy(dtype=bool)
        return cls(steps, seen.astype(float), cured, complete, np.array([place[k] for k in each], np.int64), keys)

    def pattern(self, weight: Array) -> Array:
        paid, over = (self.steps * weight[:, None]).sum(axis=0), (self.seen * weight[:, None]).sum(axis=0)
        rate = np.divide(paid, over, out=np.zeros_like(paid), where=over > 0)
        return np.cumsum(rate) / rate.sum() if rate.sum() > 0 else np.ones(len(rate))

    def worth(self, pattern: Array | None = None) -> Array:
        """Share of its workout, in recoveries to be expected, that each default has lived through."""
        shape = self.pattern(np.ones(len(self.cured))) if pattern is None else pattern
        return np.where(self.seen[:, -1] > 0, 1.0, np.append(0.0, shape)[self.seen.sum(axis=1).astype(int)])

    def estimate(self, weight: Array, least: int) -> tuple[Array, Array]:
        """Means and shrunk means (2, segments + 1, all of them last), and the pattern; rows count ``weight`` times."""
        pattern, count = self.pattern(weight), len(self.keys)
        worth, paid = self.worth(pattern), self.steps.sum(axis=1)

        def total(values: Array) -> Array:  # bincount, not a matrix product: the order of summation stays
            return np.bincount(self.segment, weight * values, count).astype(float)

        rows, lived = total(np.ones(len(weight))), total(worth)
        everywhere = (paid * weight).sum() / lived.sum() if lived.sum() > 0 else 0.0
        recovery = np.divide(total(paid), lived, out=np.full(count, everywhere), where=lived > 0)
        losses = rows * np.clip(1 - recovery, 0, 1)
        overall = losses.sum() / rows.sum()
        mean = np.divide(losses, rows, out=np.full(count, overall), where=rows > 0)
        # what a default's loss differs from its segment's mean by; the part not observed yet holds no information
        developed = 1 - paid - (1 - worth) * recovery[self.segment]
        gap = np.asarray(developed - mean[self.segment], float)
        within = total(gap**2).sum() / max(total(worth).sum() - count, 1)
        size = total(worth)
        spread = size.sum() - (size**2).sum() / size.sum()
        between = ((size * (mean - overall) ** 2).sum() - (count - 1) * within) / max(spread, 1e-12)
        trust = np.where(size >= least, size / (size + within / between), 0.0) if between > 0 else np.zeros(count)
        shrunk = overall + trust * (mean - overall)
        return np.array([np.append(mean, overall), np.append(shrunk, overall)]), pattern
