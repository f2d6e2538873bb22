"""Loyalty by rules that people can check: lost, at risk, new, loyal, potential, passing."""

from typing import Any

import pandas as pd

from .settings import RulesLens

ROLES = {
    "tenure": "tenure_days", "silence": "days_since_last_initiated", "gaps": "silence_over_usual_gap",
    "change": "initiated_on_last_year_90d", "rhythm": "active_day_share_365d", "products": "product_breadth",
    "salary": "salary_regularity_365d", "satisfaction": "last_survey_satisfaction",
}  # fmt: skip


def loyalty_rules(table: pd.DataFrame, lens: RulesLens) -> dict[str, Any] | None:
    """Spell the rules for the columns that the table has; None where it has none.

    The first that fits holds:

    1. **lost**: no transaction of one's own for ``lost_days`` days and ``lost_gaps`` times the usual gap.
    2. **new**: with the bank for less than ``new_days`` days.
    3. **at_risk**: silent for ``risk_gaps`` times the usual gap, or activity fell against last year by more than
       ``risk_drop`` says, or the last answer was at most ``risk_satisfaction``.
    4. **loyal**: with the bank for ``loyal_tenure`` days, active on the share ``loyal_rhythm`` of days, and holding
       ``loyal_products`` kinds of products or receiving the salary here (``loyal_salary`` of the months).
    5. **potential**: active like the loyal (``potential_rhythm``) or holding ``potential_products`` kinds of products.
    6. **passing**: all others.

    A condition on a column that is missing holds for nobody.
    """
    names = {**ROLES, **lens.columns}
    here = {role: name for role, name in names.items() if name in table}
    if not here:
        return None

    def least(role: str, value: float) -> dict[str, Any]:
        return {"role": role, "at_least": value}

    def below(role: str, value: float) -> dict[str, Any]:
        return {"role": role, "below": value}

    loyal = [least("tenure", lens.loyal_tenure), least("rhythm", lens.loyal_rhythm)]
    rules: dict[str, list[list[dict[str, Any]]]] = {
        "lost": [[least("silence", lens.lost_days), least("gaps", lens.lost_gaps)]],
        "new": [[below("tenure", lens.new_days)]],
        "at_risk": [
            [least("gaps", lens.risk_gaps)],
            [below("change", lens.risk_drop)],
            [below("satisfaction", lens.risk_satisfaction + 1e-9)],
        ],
        "loyal": [[*loyal, least("products", lens.loyal_products)], [*loyal, least("salary", lens.loyal_salary)]],
        "potential": [[least("rhythm", lens.potential_rhythm)], [least("products", lens.potential_products)]],
    }
    segments: list[dict[str, Any]] = []
    for name, ways in rules.items():
        kept = [[_spelled(c, here) for c in way] for way in ways if all(c["role"] in here for c in way)]
        if kept:
            segments.append({"id": name, "name": name.replace("_", " "), "when": kept})
    segments.append({"id": "passing", "name": "passing", "when": [[]]})
    used = sorted({c["column"] for segment in segments for way in segment["when"] for c in way})
    return {"kind": "rules", "columns": used, "segments": segments} if used else None


def _spelled(condition: dict[str, Any], here: dict[str, str]) -> dict[str, Any]:
    bound = {key: value for key, value in condition.items() if key != "role"}
    return {"column": here[condition["role"]], **bound}
