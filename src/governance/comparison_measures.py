"""How two versions of each kind of model are compared: which rows, which measures, and what an outcome is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..models.metrics import interval_of, measure, paired_difference, rank_correlation
from ..models.promotion.curves import bootstrap_uplift

Positions = NDArray[np.int64]
Measure = Callable[[pd.DataFrame, Positions, int, int], pd.DataFrame]

LEAST_EVENTS = 20
LOWER_IS_BETTER = {"brier", "log_loss", "mean_absolute_error"}


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Attributes
    ----------
    saved : str
        File of the run folder with the rows.
    key, customer : columns
    needed : columns without which nothing can be measured
    measure : callable
        (rows with ``champion`` and ``challenger``, customers, resamples, seed) to one row per measure.
    outcome : callable, optional
        What became of rows, as a mean; None: rows have no outcome.
    note : str
        What the comparison cannot say.
    """

    saved: str
    key: tuple[str, ...]
    customer: str
    needed: tuple[str, ...]
    measure: Measure
    outcome: Callable[[pd.DataFrame], float] | None
    note: str = ""
    assigns: bool = False

    def score(self, predictions: pd.DataFrame) -> str:
        """Name the column with the score: the longest horizon of the model's headline."""
        for name in ("default_probability", "response_uplift", "expected_margin_12m"):
            if name in predictions:
                return name
        leaving = [str(c) for c in predictions if str(c).startswith("leave_") and str(c)[6:].isdigit()]
        return max(leaving, key=lambda name: int(name[6:]), default="score")

    def short(self, both: pd.DataFrame) -> str:
        """Say why rows do not suffice, if they don't: too few events, or one arm only."""
        if self.measure is probabilities:
            events = int(both["label"].sum())
            if min(events, len(both) - events) < LEAST_EVENTS:
                return f"Too few events to compare: {events} in {len(both):,} rows, {LEAST_EVENTS} are needed"
        if self.measure is uplifts and both["treated"].nunique() < 2:
            return "Only one arm among the common rows: an uplift needs both"
        return ""

    def migration(self, both: pd.DataFrame) -> pd.DataFrame:
        """Count customers by where each version puts them."""
        names = ["champion_decile", "challenger_decile"]
        if self.assigns:
            parts = [
                pd.DataFrame({f"{who}_decile": f"{lens}: " + both[f"{who} {lens}"].fillna("none")
                              for who in ("champion", "challenger")})
                for lens in _lenses(both)
            ]  # fmt: skip
            placed = pd.concat(parts, ignore_index=True)
        else:
            placed = pd.DataFrame({f"{who}_decile": deciles(both[who]) for who in ("champion", "challenger")})
        return placed.groupby(names).size().rename("customers").reset_index()


def deciles(score: pd.Series) -> pd.Series:
    """Number tenths of a list from 1, the highest scores, to 10.

    Examples
    --------
    >>> deciles(pd.Series([0.9, 0.1, 0.5, 0.7])).tolist()
    [1, 8, 6, 3]
    """
    place = score.rank(ascending=False, method="first") - 1
    return (place * 10 // len(score) + 1).astype(int)


def probabilities(both: pd.DataFrame, customers: Positions, n: int, seed: int) -> pd.DataFrame:
    """Compare how well events are ranked and how near probabilities come to them."""
    label, rows = both["label"].to_numpy(float), []
    for name in ("roc_auc", "average_precision", "lift_at_10pct", "brier", "log_loss"):
        one, other = (measure(label, both[who], (name,))[name] for who in ("champion", "challenger"))
        gap = paired_difference(label, both["challenger"], both["champion"], customers, name=name, n=n, seed=seed)
        rows.append(_row(name, one, other, gap["value"], gap["low"], gap["high"]))
    return pd.DataFrame(rows)


def amounts(both: pd.DataFrame, customers: Positions, n: int, seed: int) -> pd.DataFrame:
    """Compare how well customers are ranked by what they brought, and how far forecasts are off."""
    realised = both["realised"].to_numpy(float)
    forecasts = {who: both[who].to_numpy(float) for who in ("champion", "challenger")}

    def ranked(who: str, at: Positions) -> float:
        return rank_correlation(forecasts[who][at], realised[at])

    def off(who: str, at: Positions) -> float:
        return float(np.abs(forecasts[who][at] - realised[at]).mean())

    def lead(of: Callable[[str, Positions], float], at: Positions) -> float:
        return of("challenger", at) - of("champion", at)

    rows, everybody = [], np.arange(len(both))
    for name, of in (("rank_correlation", ranked), ("mean_absolute_error", off)):
        gap = interval_of(partial(lead, of), customers, n=n, seed=seed)
        one, other = of("champion", everybody), of("challenger", everybody)
        rows.append(_row(name, one, other, gap["value"], gap["low"], gap["high"]))
    return pd.DataFrame(rows)


def uplifts(both: pd.DataFrame, customers: Positions, n: int, seed: int) -> pd.DataFrame:
    """Compare how well customers are ordered by what the offer changed in them; arms weighed to their campaign."""
    share = both.groupby("campaign_id")["treated"].transform("mean").to_numpy()
    treated = both["treated"].to_numpy(float)
    got = np.where(treated == 1, share, 1 - share)
    scores = {who: both[who].to_numpy(float) for who in ("champion", "challenger")}
    names = ("uplift_at_30pct", "uplift_at_10pct", "qini_auc")
    found = bootstrap_uplift(
        both["label"], treated, scores, customers, weight=1 / np.maximum(got, 1e-9), rival="champion", names=names, n=n,
        seed=seed,
    )  # fmt: skip
    new, old = (
        found[found["score"] == who].set_index("measure").to_dict("index") for who in ("challenger", "champion")
    )
    rows = []
    for name in names:
        lead = [float(new[name][end]) for end in ("over_rival", "over_rival_low", "over_rival_high")]
        rows.append(_row(name, float(old[name]["value"]), float(new[name]["value"]), *lead))
    return pd.DataFrame(rows)


def agreement(both: pd.DataFrame, customers: Positions, n: int, seed: int) -> pd.DataFrame:
    """Say lens by lens how far the two agree: adjusted Rand index (Hubert and Arabie 1985), 1 for equal segments."""
    from sklearn.metrics import adjusted_rand_score

    rows = []
    for lens in _lenses(both):
        old, new = (pd.factorize(both[f"{who} {lens}"].fillna("none"))[0] for who in ("champion", "challenger"))
        found = interval_of(partial(_rand, adjusted_rand_score, old, new), customers, n=n, seed=seed)
        rows.append(_row(f"agreement_{lens}", np.nan, found["value"], np.nan, found["low"], found["high"]))
    return pd.DataFrame(rows)


def _rand(index: Callable[..., float], old: Positions, new: Positions, at: Positions) -> float:
    return float(index(old[at], new[at]))


def _lenses(both: pd.DataFrame) -> list[str]:
    return [str(name).removeprefix("champion ") for name in both if str(name).startswith("champion ")]


def _row(name: str, champion: float, challenger: float, difference: float, low: float, high: float) -> dict[str, Any]:
    return {"measure": name, "champion": champion, "challenger": challenger, "difference": difference, "low": low,
            "high": high}  # fmt: skip


def _event_rate(rows: pd.DataFrame) -> float:
    return float(rows["label"].mean())


def _realised(rows: pd.DataFrame) -> float:
    return float(rows["realised"].mean())


def _difference(rows: pd.DataFrame) -> float:
    by_arm = rows.groupby("treated")["label"].mean()
    return float(by_arm.get(1, np.nan) - by_arm.get(0, np.nan))


KINDS: dict[str, Kind] = {
    "churn": Kind("predictions", ("customer_id", "as_of"), "customer_id", ("label",), probabilities, _event_rate,
                  "Rates are those of leaving within the longest window."),
    "credit": Kind("predictions", ("loan_id",), "group", ("label",), probabilities, _event_rate,
                   "Only granted loans have outcomes: of applicants whom a version would take in from the declined, "
                   "it says nothing. Both are seen as fitted to training rows, before they learned from all outcomes."),
    "value": Kind("predictions", ("customer_id", "as_of"), "customer_id", ("realised",), amounts, _realised,
                  "Rates are the mean margin that came."),
    "promotion": Kind("predictions", ("campaign_id", "customer_id"), "customer_id", ("label", "treated"), uplifts,
                      _difference, "Rates are responses with the offer minus without it, among those in the group."),
    "segmentation": Kind("sample", (), "", (), agreement, None,
                         "Segments have no outcome: this says how many customers move, not which version is better.",
                         assigns=True),
}  # fmt: skip
