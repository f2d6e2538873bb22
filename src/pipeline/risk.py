"""Measure units of risk from the command line: one by itself, or all together."""

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from .. import catalog
from ..params import load_params
from ..risk.aggregate import View, aggregate
from ..risk.settings import RiskSettings
from ..risk.units import UNITS, unit_named
from ..scoring.risk import measured_at


@dataclass(frozen=True)
class Found:
    """What was measured: the view, the tables of the units by name, remarks, and what failed."""

    view: View
    tables: dict[str, pd.DataFrame]
    notes: list[str]
    failed: dict[str, str]
    settings: RiskSettings


def measure(unit: str | None = None, as_of: str | None = None) -> Found:
    """Measure one unit or all, with the parameters of the stage.

    Raises
    ------
    ParamsError
        For a unit that does not exist.
    DataError
        If nothing could be measured; the reason is the unit's.
    """
    if unit is not None:
        unit_named(unit)
    stated = load_params("risk", catalog.root())
    settings = RiskSettings(**{k: v for k, v in stated.items() if k in RiskSettings.model_fields})
    day = dt.date.fromisoformat(as_of or stated["as_of"])
    measured = measured_at(day, settings, None if unit is None else [unit])
    view = aggregate(measured, settings, stated["seed"])
    tables = {f"{name}: {title.replace('_', ' ')}": table for name, each in measured.deliveries.items()
              for title, table in each.tables.items()}  # fmt: skip
    notes = [f"{name}: {note}" for name, each in measured.deliveries.items() for note in each.notes]
    told = [f"{name}: stated, not estimated: {UNITS[name].stated}" for name in measured.deliveries]
    return Found(view, tables, view.notes + notes + told, measured.failed, settings)
