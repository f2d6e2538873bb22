"""Put the units together: one distribution of the whole, and what each unit adds to it."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import AfrazError, DataError, ParamsError
from .copula import copula_draws, with_ranks
from .losses import Dependence, loss_draws
from .measures import measures, quantile_contributions, shortfall_contributions
from .positions import checked, summary
from .settings import RiskSettings
from .units import UNITS, Delivery, Terms, UnitSettings, unit_named

Array = NDArray[np.float64]
Reader = Callable[[str], pd.DataFrame]


@dataclass(frozen=True)
class Measured:
    """What units delivered, by name; ``failed`` says of the others why they did not."""

    deliveries: dict[str, Delivery]
    settings: dict[str, UnitSettings]
    failed: dict[str, str]

    @property
    def positions(self) -> dict[str, pd.DataFrame]:
        return {name: each.positions for name, each in self.deliveries.items()}

    def all_positions(self) -> pd.DataFrame:
        """Every position of every unit, ordered by unit and position."""
        rows = pd.concat(list(self.positions.values()), ignore_index=True)
        return rows.sort_values(["unit", "position"], kind="stable", ignore_index=True)

    @property
    def elsewhere(self) -> list[str]:
        """Units whose expected loss is part of others'."""
        return [name for name in self.deliveries if UNITS[name].expected_elsewhere]


def measure_units(read: Reader, terms: Terms, settings: RiskSettings, names: Sequence[str] | None = None) -> Measured:
    """Let each unit measure by itself; one that cannot is named with its reason, and the others go on.

    Parameters
    ----------
    read : callable
        Name of a frame → the frame (:attr:`.units.Unit.reads`); asked once for each.
    names : sequence of str, optional
        Default: all units.

    Raises
    ------
    ParamsError
        For a unit that does not exist, or a setting that it does not know.
    """
    wanted = [unit_named(name) for name in (UNITS if names is None else names)]
    for name in settings.units:
        unit_named(name)
    told = {unit.name: unit.settings(**settings.units.get(unit.name, {})) for unit in wanted}
    deliveries, failed, once = {}, {}, cache(read)
    for unit in wanted:
        try:
            delivery = unit.measure({name: once(name) for name in unit.reads}, terms, told[unit.name])
            checked(delivery.positions, unit.name)
        except KeyError as problem:
            failed[unit.name] = f"{unit.name}: expected the column {problem} in what it reads, it is not there"
        except ParamsError:  # what is stated is mended, not left out
            raise
        except AfrazError as problem:
            failed[unit.name] = str(problem)
        else:
            deliveries[unit.name] = delivery
    return Measured(deliveries, told, failed)


@dataclass(frozen=True)
class View:
    """One view of the whole.

    Attributes
    ----------
    units : DataFrame
        A row per unit: its schema summed up, its own measures, what it adds to the total.
    total : Series
        Measures of the whole; ``diversification_benefit``, ``euler_gap``.
    marginal, joint
        Draws of each unit by itself, and of all together.
    notes : list of str
        What had to be repaired in what is stated.
    """

    units: pd.DataFrame
    total: dict[str, float]
    correlation: pd.DataFrame
    marginal: pd.DataFrame
    joint: Array
    notes: list[str] = field(default_factory=list)


def unit_draws(rows: pd.DataFrame, how: Dependence, n: int, seed: int, *, centred: bool = False) -> Array:
    """Draw a unit's losses from a stream of its own, so that other units change nothing in it."""
    rng = np.random.default_rng([seed, zlib.crc32(str(rows["unit"].iloc[0]).encode())])
    losses = loss_draws(rows, how, n, rng)
    return losses - summary(rows)["expected_loss"] if centred else losses


def aggregate(measured: Measured, settings: RiskSettings, seed: int) -> View:
    """Draw every unit, let the copula order the draws, and measure the sum.

    Raises
    ------
    DataError
        If no unit delivered.
    """
    if not measured.deliveries:
        raise DataError(f"no unit of risk delivered anything: {'; '.join(measured.failed.values())}")
    names, n = list(measured.deliveries), settings.scenarios
    settings.copula.check_names(list(UNITS))
    marginal = pd.DataFrame({
        name: unit_draws(rows, measured.settings[name].dependence, n, seed, centred=name in measured.elsewhere)
        for name, rows in measured.positions.items()
    })  # fmt: skip
    matrix, repaired = settings.copula.matrix(names)
    joint = _joined(marginal, matrix, settings, seed)
    expected = np.array([0.0 if name in measured.elsewhere else summary(rows)["expected_loss"]
                         for name, rows in measured.positions.items()])  # fmt: skip
    units, total = _contributions(measured.positions, marginal, joint, expected, settings)
    notes = [repaired] if repaired else []
    return View(units, total, pd.DataFrame(matrix, names, names), marginal, joint, notes)


def _joined(marginal: pd.DataFrame, matrix: Array, settings: RiskSettings, seed: int) -> Array:
    stated = settings.copula
    rng = np.random.default_rng([seed, zlib.crc32(b"copula")])
    return with_ranks(marginal.to_numpy(), copula_draws(matrix, len(marginal), rng, stated.kind, stated.degrees))


def _measured(losses: Array, expected: float, settings: RiskSettings) -> dict[str, float]:
    """Measures with the exact expected loss in place of the mean of the draws, so that units reconcile."""
    found = {str(k): float(v) for k, v in measures(losses, settings.level, settings.shortfall_level).items()}
    drift = found["expected_loss"] - expected
    return {**found, "expected_loss": expected, "economic_capital": found["value_at_risk"] - expected, "drift": drift}


def _contributions(
    positions: Mapping[str, pd.DataFrame], marginal: pd.DataFrame, joint: Array, expected: Array, settings: RiskSettings
) -> tuple[pd.DataFrame, dict[str, float]]:
    quantile = quantile_contributions(joint, settings.level)
    shortfall = shortfall_contributions(joint, settings.shortfall_level)
    rows = []
    for i, (name, own) in enumerate(positions.items()):
        alone = _measured(marginal[name].to_numpy(), float(expected[i]), settings)
        first = own.iloc[0]
        rows.append({
            "unit": name, "title": UNITS[name].title, **{k: v for k, v in summary(own).items() if k != "expected_loss"},
            **{k: first[k] for k in ("horizon", "currency", "as_of", "method")}, **alone,
            "capital_contribution": quantile.parts[i] - expected[i], "capital_standard_error":
            quantile.standard_errors[i], "shortfall_contribution": shortfall.parts[i],
            "shortfall_standard_error": shortfall.standard_errors[i],
        })  # fmt: skip
    units = pd.DataFrame(rows)
    total = _measured(joint.sum(axis=1), float(expected.sum()), settings)
    counted = units["unit"].map(lambda name: UNITS[name].expected_elsewhere)  # its exposure is another unit's
    added_up = float(units["economic_capital"].sum())
    capital_gap = abs(float(units["capital_contribution"].sum()) - total["economic_capital"])
    return units, {
        **total, "exposure": float(units.loc[~counted, "exposure"].sum()), "sum_of_units_capital": added_up,
        "diversification_benefit": 1 - total["economic_capital"] / added_up if added_up else 0.0,
        "euler_gap": max(quantile.gap, shortfall.gap, capital_gap / max(abs(total["economic_capital"]), 1e-300)),
    }  # fmt: skip


def dependence(view: View, settings: RiskSettings, seed: int) -> pd.DataFrame:
    """Measure the total if units moved otherwise: the answer to how much hangs on what is stated.

    Parameters
    ----------
    seed : int
        That of the view, so that the stated way gives its very total.

    Returns
    -------
    DataFrame
        ``dependence, value_at_risk, expected_shortfall, economic_capital``.
    """
    marginal, matrix, expected = view.marginal, view.correlation.to_numpy(float), view.total["expected_loss"]
    k = marginal.shape[1]
    ways = {
        "independent": ("gaussian", np.eye(k)), "Gaussian copula, stated correlations": ("gaussian", matrix),
        f"t copula ({settings.copula.degrees:g} degrees), stated correlations": ("t", matrix),
    }  # fmt: skip
    rows = []
    for words, (kind, correlation) in ways.items():
        other = settings.model_copy(update={"copula": settings.copula.model_copy(update={"kind": kind})})
        rows.append(
            {
                "dependence": words,
                **_measured(_joined(marginal, correlation, other, seed).sum(axis=1), expected, settings),
            }
        )
    together = np.sort(marginal.to_numpy(), axis=0).sum(axis=1)
    rows.append({"dependence": "all at their worst together", **_measured(together, expected, settings)})
    columns = ["dependence", "value_at_risk", "expected_shortfall", "economic_capital"]
    return pd.DataFrame(rows)[columns]
