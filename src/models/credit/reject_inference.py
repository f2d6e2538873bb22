"""Default rate of all who applied, though only those who were granted a loan show whether they default.

What a declined applicant would have done is known in one way only: some of those who fail the policy are granted a loan
by lot (the *strip*). Everything else rests on an assumption: that the model holds for the declined at equal score, or
that their odds of default are so many times those of the accepted. Crook and Banasik (2004, Journal of Banking &
Finance 28:857-874) find that such reject inference adds next to nothing; here it gives a range, never an estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import DataError, ParamsError
from .common_shock import LEAST_COHORTS, cohort_factors

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLUMNS = ("passed", "granted", "at_random", "label", "default_probability", "group", "cohort")
FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0)
FEW_BADS, FEW_LOANS = 5, 30
NO_INFORMATION = (
    "Low to high is what the assumed odds ratios make of it, not a confidence interval: augmentation and parcelling "
    "add no information of their own, they repeat the assumption."
)


@dataclass(frozen=True)
class _Applications:
    """Columns of the frame as arrays; ``known`` marks granted loans whose outcome is known."""

    passed: Flags
    granted: Flags
    strip: Flags
    known: Flags
    label: Array
    probability: Array
    customer: NDArray[np.int64]
    cohort: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "_Applications":
        absent = [name for name in COLUMNS if name not in frame.columns]
        if absent or not len(frame):
            raise DataError(f"expected applications with {', '.join(COLUMNS)}, got {len(frame)} without {absent}")
        passed, granted, by_lot = (frame[c].to_numpy(dtype=bool, na_value=False) for c in COLUMNS[:3])
        label, p = (pd.to_numeric(frame[c]).to_numpy(dtype=float, na_value=np.nan) for c in COLUMNS[3:5])
        codes = [pd.factorize(frame[c], sort=True)[0].astype(np.int64) for c in COLUMNS[5:]]
        faults = {
            "granted at random though they passed": by_lot & passed,
            "at random but not granted": by_lot & ~granted,
            "labelled but not granted": ~np.isnan(label) & ~granted,
            "with a label other than 0, 1 or missing": ~(np.isnan(label) | np.isin(label, (0, 1))),
            "without a default_probability from 0 to 1": ~((p >= 0) & (p <= 1)),
            "without group or cohort": (codes[0] < 0) | (codes[1] < 0),
        }
        found = [f"{int(rows.sum()):,} {fault}" for fault, rows in faults.items() if rows.any()]
        if found:
            raise DataError(f"applications contradict themselves: {'; '.join(found)}; check how the columns were made")
        known = granted & ~np.isnan(label)
        if not known[passed].any():
            raise DataError("expected outcomes of applicants who passed the policy, got none: check passed and label")
        return cls(passed, granted, by_lot, known, np.where(known, label, 0.0), p, codes[0], codes[1])

    def counts(self, rows: Flags) -> tuple[int, int]:
        return int((rows & self.known).sum()), int(self.label[rows & self.known].sum())

    def sums(self, columns: Sequence[Array | Flags], rng: np.random.Generator, n: int) -> Array:
        """Sum columns over customers drawn with replacement: (n, columns)."""
        own = np.stack([np.bincount(self.customer, weights=c) for c in columns])
        out, customers = np.empty((n, len(own))), own.shape[1]
        for i in range(n):
            out[i] = (own * np.bincount(rng.integers(0, customers, customers), minlength=customers)).sum(axis=1)
        return out

    def quarters(self, rows: Flags, n: int, seed: int) -> Array:
        """Draw the common factor of the cohorts: what it multiplies the bad rate of ``rows`` by; 1 if they are few."""
        used = rows & self.known
        if len(np.unique(self.cohort[used])) < LEAST_COHORTS or not self.label[used].any():
            return np.ones(n)
        level = np.full(int(used.sum()), self.label[used].mean())
        return cohort_factors(self.label[used], level, self.customer[used], self.cohort[used], n, seed)


def times_odds(probability: Array | float, factor: Array | float) -> Array:
    """Multiply the odds of a probability.

    Examples
    --------
    >>> times_odds(np.array([0.1, 0.5, 1.0]), 2.0).round(3).tolist()
    [0.182, 0.667, 1.0]
    """
    return np.asarray(factor * probability / (1 + (factor - 1) * np.asarray(probability)))


def _rate(estimate: float, drawn: Array, level: float, **more: float) -> dict[str, float]:
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return {"estimate": float(estimate), "low": float(low), "high": float(min(high, 1.0)), **more}


def accepts_rate(frame: pd.DataFrame, *, n: int = 500, seed: int = 0, level: float = 0.95) -> dict[str, float]:
    """Bad rate of the granted loans whose outcome is known; it says nothing of those who were declined.

    The interval covers other customers and other cohorts (:func:`.expected_loss.cohort_factors`).

    Returns
    -------
    dict
        ``estimate, low, high, loans, bads``.
    """
    a = _Applications.of(frame)
    loans, bads = a.counts(a.granted)
    drawn = a.sums([a.known, a.label], np.random.default_rng(seed), n)
    rates = drawn[:, 1] / np.maximum(drawn[:, 0], 1) * a.quarters(a.granted, n, seed)
    return _rate(bads / loans, rates, level, loans=loans, bads=bads)


def extrapolated_rate(frame: pd.DataFrame, *, n: int = 500, seed: int = 0, level: float = 0.95) -> dict[str, float]:
    """Mean of the model's probability over all who applied: right only if it holds for the declined at equal score.

    The interval covers other customers and other cohorts, not that assumption, and not the fit of the model.

    Returns
    -------
    dict
        ``estimate, low, high, loans`` (applications).
    """
    a = _Applications.of(frame)
    drawn = a.sums([np.ones(len(frame)), a.probability], np.random.default_rng(seed), n)
    rates = drawn[:, 1] / drawn[:, 0] * a.quarters(a.granted, n, seed)
    return _rate(float(a.probability.mean()), rates, level, loans=len(frame))


def inverse_propensity_rate(
    frame: pd.DataFrame, *, n: int = 500, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """Default rate of all who applied, with the strip speaking for those who failed.

    Share passed × bad rate of the passed + share failed × bad rate of the strip: every loan of the strip stands for
    1 / propensity applicants, the propensity being the share of the failed who were granted a loan by lot (Horvitz and
    Thompson 1952, JASA 47:663-685, with weights that add up, Hájek 1971). The lot is taken to be drawn among all who
    fail; overrides count as failed, their outcomes don't count at all. Outcomes that aren't known yet are taken to be
    like the known ones of their kind.

    A draw for the interval takes other customers (for the shares and the passed), a rate of the strip from its Jeffreys
    posterior (a bootstrap of few bads is too narrow; a customer's loans count as one), and another level of the cohorts
    (they move the log-odds of passed and failed alike).

    Returns
    -------
    dict
        ``estimate, low, high, propensity, share_passed, rate_passed, rate_failed, strip_loans, strip_bads``.

    Raises
    ------
    DataError
        If there is no strip with outcomes.
    """
    a = _Applications.of(frame)
    loans, bads = a.counts(a.strip)
    if not loans:
        raise DataError("no loan was granted at random with a known outcome: the declined are known by assumption only")
    taken, taken_bads = a.counts(a.passed)
    share, passed, failed = a.passed.mean(), taken_bads / taken, bads / loans
    rng, own = np.random.default_rng(seed), a.known & a.passed
    drawn = a.sums([np.ones(len(frame)), a.passed, own, np.where(own, a.label, 0.0)], rng, n)
    shares, rates = drawn[:, 1] / drawn[:, 0], drawn[:, 3] / np.maximum(drawn[:, 2], 1)
    moved = np.minimum(rates * a.quarters(a.passed, n, seed), 0.999)
    odds = np.divide(moved * (1 - rates), rates * (1 - moved), out=np.ones(n), where=rates > 0)
    each = np.bincount(a.customer[a.strip & a.known])
    effective = loans**2 / (each**2).sum() / loans  # Kish: loans of one customer are taken to be alike
    strip = rng.beta(bads * effective + 0.5, (loans - bads) * effective + 0.5, n)
    return _rate(
        share * passed + (1 - share) * failed, shares * moved + (1 - shares) * times_odds(strip, odds), level,
        propensity=float(a.strip.sum() / (~a.passed).sum()), share_passed=float(share), rate_passed=passed,
        rate_failed=failed, strip_loans=loans, strip_bads=bads,
    )  # fmt: skip


def fuzzy_augmentation(frame: pd.DataFrame, factors: Sequence[float] = FACTORS) -> pd.DataFrame:
    """Give each declined applicant the model's odds of default, times an assumed factor.

    A declined applicant counts as p of a bad and 1 − p of a good loan (Siddiqi 2006, *Credit Risk Scorecards*, ch. 6);
    known outcomes count as they are, other granted loans and withdrawals as the model says. The factor is an
    assumption: see :data:`NO_INFORMATION`.

    Parameters
    ----------
    factors : odds of the declined over odds of the accepted at equal score; 1: no difference

    Returns
    -------
    DataFrame
        ``factor, declined_rate, rate`` (of all who applied).
    """
    a = _Applications.of(frame)
    return _sensitivity(a, a.probability, factors)


def parcelling(frame: pd.DataFrame, factors: Sequence[float] = FACTORS, bands: int = 10) -> pd.DataFrame:
    """Give each declined applicant the odds of the known loans in the same band of the score, times an assumed factor.

    Bands hold equally many known loans (Siddiqi 2006, ch. 6); declined applicants beyond the last one get its rate,
    which is why parcelling tends to flatter them. A band's rate is (bads + ½) / (loans + 1). The factor is an
    assumption: see :data:`NO_INFORMATION`.

    Returns
    -------
    DataFrame
        ``factor, declined_rate, rate`` (of all who applied).
    """
    if bands < 1:
        raise ParamsError(f"bands is a whole number from 1 on, got {bands}")
    a = _Applications.of(frame)
    edges = np.unique(np.quantile(a.probability[a.known], np.linspace(0, 1, bands + 1)[1:-1]))
    band = np.searchsorted(edges, a.probability, side="left")
    loans = np.bincount(band[a.known], minlength=len(edges) + 1)
    bads = np.bincount(band[a.known], weights=a.label[a.known], minlength=len(edges) + 1)
    return _sensitivity(a, ((bads + 0.5) / (loans + 1))[band], factors)


def _sensitivity(a: _Applications, probability: Array, factors: Sequence[float]) -> pd.DataFrame:
    if not len(factors) or not all(np.isfinite(f) and f > 0 for f in factors):
        raise ParamsError(f"factors are ratios of odds above 0, got {tuple(factors)}")
    declined = ~a.passed & ~a.granted
    rest = np.where(a.known, a.label, a.probability)
    rows = []
    for factor in factors:
        each = np.where(declined, times_odds(probability, factor), rest)
        rows.append((float(factor), float(each[declined].mean()) if declined.any() else np.nan, float(each.mean())))
    return pd.DataFrame(rows, columns=["factor", "declined_rate", "rate"])


def compare(
    frame: pd.DataFrame,
    *,
    factors: Sequence[float] = FACTORS,
    bands: int = 10,
    n: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Set the methods side by side, each with what it assumes.

    Returns
    -------
    DataFrame
        ``method, estimate, low, high, assumption, note``. The two sensitivity ranges have no estimate; without a strip
        the inverse propensity row has neither, and its note says why.
    """
    a = _Applications.of(frame)
    few = len(np.unique(a.cohort[a.known])) < LEAST_COHORTS
    cohorts = f"fewer than {LEAST_COHORTS} cohorts: the interval leaves the common factor out" if few else ""
    rows: list[tuple[str, float, float, float, str, str]] = []

    def add(method: str, found: dict[str, float], assumption: str, note: str) -> None:
        rows.append((method, found["estimate"], found["low"], found["high"], assumption, note))

    accepts, extrapolated = (f(frame, n=n, seed=seed, level=level) for f in (accepts_rate, extrapolated_rate))
    add("accepts", accepts, "none; speaks of granted loans only", cohorts)
    add("extrapolation", extrapolated, "the declined default as the model, fitted on granted loans, says", cohorts)
    lot = "loans of the strip were drawn by lot among all who failed the policy"
    loans, bads = a.counts(a.strip)
    if loans:
        thin = loans < FEW_LOANS or bads < FEW_BADS
        few_outcomes = f"few outcomes in the strip: {bads} bads in {loans} loans" if thin else ""
        note = "; ".join(filter(None, (few_outcomes, cohorts)))
        add("inverse propensity", inverse_propensity_rate(frame, n=n, seed=seed, level=level), lot, note)
    else:
        note = (
            "not applicable: no loan was granted at random with a known outcome; the sensitivity range is what remains"
        )
        rows.append(("inverse propensity", np.nan, np.nan, np.nan, lot, note))
    assumed = f"odds of default of declined to accepted at equal score from {min(factors):g} to {max(factors):g}"
    tables = {"fuzzy augmentation": fuzzy_augmentation(frame, factors), "parcelling": parcelling(frame, factors, bands)}
    for method, table in tables.items():
        rows.append((method, np.nan, float(table["rate"].min()), float(table["rate"].max()), assumed, NO_INFORMATION))
    return pd.DataFrame(rows, columns=["method", "estimate", "low", "high", "assumption", "note"])
