"""Are groups of customers treated alike where the model decides about them."""

import numpy as np
import pandas as pd

from .check import Evidence, Found, verdict

LEAST_GOODS = 50  # of a group; an interval of fewer reaches everywhere
Z = 1.96


def opportunity(evidence: Evidence) -> Found:
    """Judge what the model itself does wrong: good customers turned away, and risk overstated, by group.

    Hardt, Price and Srebro 2016 (equal opportunity); calibration within groups as Kleinberg, Mullainathan and Raghavan
    2017. A difference counts that is beyond the bound and whose interval leaves 0 out.
    """
    groups = evidence.table("fairness")
    if groups is None:
        return "not_applicable", "the stage compared no groups: no protected attribute is known"
    bound, reach = evidence.bounds["equal_opportunity"], evidence.bounds["calibration_tolerance"]
    told = groups[groups["goods"] >= LEAST_GOODS]
    bad, worst = [], (0.0, "")
    for attribute, part in told.groupby("attribute", sort=True):
        best = part.iloc[int(part["true_positive_rate"].argmax())]
        for _, row in part.iterrows():
            gap = float(row["true_positive_rate"] - best["true_positive_rate"])
            name = f"{attribute} {row['group']}"
            worst = min(worst, (gap, name))
            if gap < -bound and gap + Z * _error(row, best) < 0:
                bad.append(f"{name}: good customers approved {-gap:.1%} less often than {best['group']}")
            if row["calibration_high"] < 1 - reach:
                bad.append(f"{name}: risk overstated, observed/expected {row['calibration']:.2f} at most "
                           f"{row['calibration_high']:.2f}")  # fmt: skip
    small = len(groups) - len(told)
    where = f" ({worst[1]})" if worst[1] else ""
    said = "; ".join(bad) if bad else (
        f"{len(told)} groups; largest gap in approving good customers {-worst[0]:.1%}{where}, nobody's risk overstated "
        f"beyond {reach:.0%}"
    )  # fmt: skip
    aside = f", {small} groups too small" if small else ""
    return verdict(not bad), f"{said}; bound {bound:.0%}{aside}. Of granted loans only: others have no outcome"


def _error(one: pd.Series, other: pd.Series) -> float:
    """Standard error of the difference of two shares."""
    parts = [r["true_positive_rate"] * (1 - r["true_positive_rate"]) / r["goods"] for r in (one, other)]
    return float(np.sqrt(sum(parts)))


def selection(evidence: Evidence) -> Found:
    """Say whether a group is approved less than four fifths as often as the best one (29 CFR 1607.4 D)."""
    groups = evidence.table("fairness")
    if groups is None:
        return "not_applicable", "the stage compared no groups: no protected attribute is known"
    bound = evidence.bounds["selection_ratio"]
    low = groups[groups["selection_rate_ratio"] < bound]
    named = ", ".join(f"{r['attribute']} {r['group']} {r['selection_rate_ratio']:.2f}" for _, r in low.iterrows())
    least = groups.iloc[int(groups["selection_rate_ratio"].argmin())]
    return verdict(low.empty), (
        f"approved less often than {bound:g} of the best group: {named}" if named else
        f"the lowest ratio of approval rates is {least['selection_rate_ratio']:.2f} ({least['attribute']} "
        f"{least['group']}); bound {bound:g}"
    )  # fmt: skip
