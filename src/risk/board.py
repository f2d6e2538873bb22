"""What a board asks: how much, since when, what changed and why, within which limits, and what hangs on statements."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .aggregate import Measured, View, aggregate, dependence, unit_draws
from .changes import changes
from .limits import light, lights
from .measures import value_at_risk
from .positions import summary
from .settings import RiskSettings
from .stress import Reverse, reverse_stress, single_lever, stress
from .units import UNITS

SHARES = (0.5, 1.0, 1.5)  # of the stated correlation


@dataclass(frozen=True)
class Earlier:
    """The same units at an earlier date, or why there is nothing to compare with."""

    as_of: str
    measured: Measured | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Everything that the page for the board, the tables and the metrics are made of."""

    measured: Measured
    view: View
    before: View | None
    earlier: Earlier
    tables: dict[str, pd.DataFrame]
    reverse: list[Reverse]
    summary: dict[str, Any] = field(default_factory=dict)


def numbers(measured: Measured, view: View) -> dict[str, float]:
    """Name every number that a limit may ask for: ``total.…`` and ``<unit>.…``.

    ``…_rate`` is a share of the exposure.
    """
    found: dict[str, float] = {}
    for row in view.units.to_dict("records"):
        unit = str(row["unit"])
        for name in ("exposure", "probability", "severity", "expected_loss", "value_at_risk", "expected_shortfall",
                     "economic_capital", "capital_contribution"):  # fmt: skip
            found[f"{unit}.{name}"] = float(row[name])
        for name in ("expected_loss", "economic_capital"):
            found[f"{unit}.{name}_rate"] = float(row[name]) / max(float(row["exposure"]), 1e-9)
        found |= {f"{unit}.{name}": value for name, value in measured.deliveries[unit].measures.items()}
    found |= {f"total.{name}": float(value) for name, value in view.total.items()}
    for name in ("expected_loss", "economic_capital"):
        found[f"total.{name}_rate"] = found[f"total.{name}"] / max(found["total.exposure"], 1e-9)
    return found


def sensitivity(measured: Measured, settings: RiskSettings, seed: int) -> pd.DataFrame:
    """Draw units with other correlations: what is lost at the level for half and for one and a half of what is stated.

    Returns
    -------
    DataFrame
        ``unit, assumption, key, correlation, persistence, value_at_risk, economic_capital``; for units whose cases
        have factors of their own, also with one factor for all.
    """
    rows = []
    for unit, positions in measured.positions.items():
        stated, expected = measured.settings[unit], summary(positions)["expected_loss"]
        if not stated.correlation:
            continue
        ways = [(f"{share:g} × the stated correlation", f"correlation_times_{share:g}", share, stated.persistence)
                for share in SHARES]  # fmt: skip
        if positions["factor"].nunique() > 1 and stated.persistence < 1:
            ways.append(("the stated correlation, one factor for all", "one_factor", 1.0, 1.0))
        for words, key, share, persistence in ways:
            rho = min(stated.correlation * share, 0.999)
            told = stated.model_copy(update={"correlation": rho, "persistence": persistence})
            loss = value_at_risk(unit_draws(positions, told.dependence, settings.scenarios, seed), settings.level)
            rows.append((unit, words, key, rho, persistence, loss, loss - expected))
    return pd.DataFrame(rows, columns=["unit", "assumption", "key", "correlation", "persistence", "value_at_risk",
                                       "economic_capital"])  # fmt: skip


def changed(before: Measured, now: Measured) -> pd.DataFrame:
    """Explain the change of the expected loss of every unit that was measured at both dates.

    Returns
    -------
    DataFrame
        ``unit`` and the columns of :func:`.changes.changes`; the last row is their sum.
    """
    both = [u for u in now.positions if u in before.positions and u not in now.elsewhere]
    rows = {unit: changes(before.positions[unit], now.positions[unit]) for unit in both}
    table = pd.DataFrame(rows).T
    if rows:
        table.loc["total"] = table.sum()
    return table.rename_axis("unit").reset_index()


def report(measured: Measured, settings: RiskSettings, earlier: Earlier, seed: int) -> Report:
    """Aggregate, stress, compare and judge.

    Returns
    -------
    Report
        ``tables``: ``units, dependence, correlations, sensitivity, stress, lights, changes, capital_changes`` and, of
        each unit, ``<unit>_<table>``. ``summary``: plain values for ``experiments/metrics/risk.json``.
    """
    view = aggregate(measured, settings, seed)
    then = earlier.measured
    before = aggregate(then, settings, seed) if then is not None and then.deliveries else None
    judged = lights(numbers(measured, view), settings.limits, list(UNITS))
    if before is not None and then is not None:
        old = numbers(then, before)
        if set(then.deliveries) != set(measured.deliveries):  # a total of other units is another total
            old = {name: value for name, value in old.items() if not name.startswith("total.")}
        judged.insert(3, "before", [old.get(name, float("nan")) for name in judged["measure"]])
        limit_of = {limit.name: limit for limit in settings.limits}
        judged.insert(4, "was", [light(v, limit_of[name]) for name, v in zip(judged["limit"], judged["before"],
                                                                              strict=True)])  # fmt: skip
    tables = {
        "units": view.units, "dependence": dependence(view, settings, seed),
        "correlations": view.correlation.rename_axis("unit").reset_index(),
        "sensitivity": sensitivity(measured, settings, seed),
        "stress": stress(measured.positions, settings.stress, list(UNITS), measured.elsewhere), "lights": judged,
    }  # fmt: skip
    if then is not None:
        tables["changes"] = changed(then, measured)
    if before is not None:
        told = ["unit", "economic_capital", "capital_contribution"]
        tables["capital_changes"] = before.units[told].merge(view.units[told], on="unit", suffixes=("_before", "_now"))
    for unit, delivery in measured.deliveries.items():
        tables |= {f"{unit}_{name}": table for name, table in delivery.tables.items()}
    found, capital = [], view.total["economic_capital"]
    for share in settings.reverse_stress:
        loss = view.total["expected_loss"] + share * capital
        found.append(reverse_stress(view.marginal, view.joint, view.correlation.to_numpy(), loss))
        lever = single_lever(measured.positions, loss, measured.elsewhere)
        tables[f"reverse_{100 * share:.0f}"] = found[-1].units.merge(lever, on="unit", how="left")
    return Report(measured, view, before, earlier, tables, found, _summary(measured, view, before, tables))


def _key(words: Any) -> str:
    """Spell a name as keys of metrics are."""
    return re.sub(r"[^a-z0-9.]+", "_", str(words).lower()).strip("_")


def _summary(measured: Measured, view: View, before: View | None, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    told = ("exposure", "probability", "severity", "expected_loss", "value_at_risk", "expected_shortfall",
            "economic_capital", "capital_contribution", "shortfall_contribution")  # fmt: skip
    by_unit = view.units.set_index("unit")
    stressed = tables["stress"].groupby("scenario", sort=False)["added"].sum()
    return {
        "complete": not measured.failed, "failed": measured.failed, "notes": view.notes,
        "total": {k: v for k, v in view.total.items() if k != "euler_gap"}, "euler_gap": view.total["euler_gap"],
        "reconciliation_gap": abs(float(by_unit["expected_loss"].sum()) - view.total["expected_loss"]),
        "units": {str(unit): {k: float(row[k]) for k in told} for unit, row in by_unit.iterrows()},
        "sensitivity": {str(unit): dict(zip(part["key"], part["value_at_risk"], strict=True))
                        for unit, part in tables["sensitivity"].groupby("unit", sort=False)},
        "stress_added": {_key(name): float(added) for name, added in stressed.items()},
        "lights": tables["lights"]["light"].value_counts().to_dict(),
        "before": None if before is None else before.total,
    }  # fmt: skip
