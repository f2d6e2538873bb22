"""Stress: what a stated course of events would cost, and, the other way round, what would have to happen to lose X.

Neither is a forecast. Nothing says how likely a stated scenario is; what reverse stress calls probable is so under the
stated correlations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from ..errors import ParamsError, nearest
from .positions import expected_loss
from .settings import Shock, StressScenario

Array = NDArray[np.float64]
FAR = 5.0  # standard deviations: beyond them a scenario is one in millions


def shocked(rows: pd.DataFrame, shock: Shock) -> pd.DataFrame:
    """Multiply positions; probability and severity stay at most 1.

    Examples
    --------
    >>> from .positions import positions
    >>> rows = positions("credit", ["a"], exposure=100.0, probability=0.4, severity=0.5, horizon=365, currency="EUR",
    ...                  as_of="2026-07-01", method="stated")
    >>> float(expected_loss(shocked(rows, Shock(probability=3.0))).iloc[0])
    50.0
    """
    return rows.assign(
        exposure=rows["exposure"] * shock.exposure,
        probability=np.minimum(rows["probability"] * shock.probability, 1.0),
        severity=np.minimum(rows["severity"] * shock.severity, 1.0),
    )


def stress(positions: Mapping[str, pd.DataFrame], scenarios: Sequence[StressScenario], known: Sequence[str],
           elsewhere: Sequence[str] = ()) -> pd.DataFrame:  # fmt: skip
    """Price stated scenarios.

    Parameters
    ----------
    positions : mapping
        Unit → its positions.
    known : sequence of str
        Units that exist, measured or not.
    elsewhere : sequence of str
        Units whose expected loss is part of others': only what a scenario adds to it counts.

    Returns
    -------
    DataFrame
        By scenario and unit: ``scenario, unit``, ``expected_loss`` as it stands, ``stressed_loss``, ``added``.

    Raises
    ------
    ParamsError
        If a scenario names a unit that does not exist.
    """
    found = []
    for scenario in scenarios:
        for name in scenario.units:
            if name not in known:
                raise ParamsError(f"stress {scenario.name!r}: no unit of risk {name!r}: {nearest(name, known)}")
        for unit, rows in positions.items():
            base = float(expected_loss(rows).sum())
            after = float(expected_loss(shocked(rows, scenario.units.get(unit, Shock()))).sum())
            counted = 0.0 if unit in elsewhere else base
            found.append((scenario.name, unit, counted, counted + after - base, after - base))
    return pd.DataFrame(found, columns=["scenario", "unit", "expected_loss", "stressed_loss", "added"])


@dataclass(frozen=True)
class Reverse:
    """The most probable way to a loss: by unit, and how often so much is lost at all."""

    loss: float
    probability: float
    units: pd.DataFrame


def reverse_stress(losses: pd.DataFrame, joint: Array, correlation: Array, loss: float) -> Reverse:
    """Find the most probable combination of losses that adds up to ``loss``.

    With an elliptical copula that is the point of the smallest z'R⁻¹z at which the units' losses add up to it (McNeil
    and Smith 2012, *Multivariate stress scenarios and solvency*, Insurance: Mathematics and Economics 50:299-308).

    Parameters
    ----------
    losses : DataFrame, shape (m, k)
        Draws of each unit by itself.
    joint : (n, k)
        Draws of all together, for the probability.
    correlation : (k, k)

    Returns
    -------
    Reverse
        ``units``: ``unit, loss, expected, times_expected`` and ``once_in`` (horizons in which the unit alone loses as
        much once).

    Raises
    ------
    ParamsError
        If even everything going wrong at once would not lose so much.
    """
    grid = np.linspace(-FAR, FAR, 401)
    curves = np.stack([np.quantile(losses[c], ndtr(grid)) for c in losses], axis=1)
    worst = curves[-1].sum()
    if loss > worst:
        raise ParamsError(f"reverse stress: {loss:,.0f} is more than the worst of the scenarios ({worst:,.0f})")
    inverse, k = np.linalg.inv(correlation), curves.shape[1]

    def lost(z: Array) -> float:
        return float(sum(np.interp(z[j], grid, curves[:, j]) for j in range(k)))

    best = _along(correlation.sum(axis=1), lost, loss)
    for start in (best, *(np.eye(k) * 3.0)):
        found = minimize(
            lambda z: z @ inverse @ z, start, jac=lambda z: 2 * inverse @ z, method="SLSQP", bounds=[(-FAR, FAR)] * k,
            constraints={"type": "ineq", "fun": lambda z: (lost(z) - loss) / max(abs(loss), 1e-9)},
        )  # fmt: skip
        reached = lost(found.x) >= loss * (1 - 1e-4)
        if reached and found.x @ inverse @ found.x < best @ inverse @ best:
            best = found.x
    each = np.array([np.interp(best[j], grid, curves[:, j]) for j in range(k)])
    expected = losses.mean().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(expected > 0, each / expected, np.nan)
    units = pd.DataFrame({"unit": losses.columns, "loss": each, "expected": expected, "times_expected": times,
                          "once_in": 1 / np.maximum(ndtr(-best), ndtr(-FAR))})  # fmt: skip
    return Reverse(loss, float((joint.sum(axis=1) >= loss).mean()), units)


def _along(direction: Array, lost: Callable[[Array], float], loss: float) -> Array:
    """Go in one direction until the loss is reached: a way that always exists, to better from."""
    ray = np.maximum(direction, 0.1) / np.maximum(direction, 0.1).min()
    low, high = -FAR, FAR
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if lost(np.clip(middle * ray, -FAR, FAR)) < loss else (low, middle)
    return np.clip(high * ray, -FAR, FAR)


def single_lever(positions: Mapping[str, pd.DataFrame], loss: float, elsewhere: Sequence[str] = ()) -> pd.DataFrame:
    """Say by what one unit's probabilities would have to multiply for the expected losses alone to reach ``loss``.

    Returns
    -------
    DataFrame
        ``unit``, ``times`` (NaN: not even if everything happens), ``probability`` (as it stands, weighted with exposure
        × severity).
    """
    total = sum(float(expected_loss(rows).sum()) for name, rows in positions.items() if name not in elsewhere)
    found = []
    for name, rows in positions.items():
        worth = (rows["exposure"] * rows["severity"]).to_numpy(float)
        p = rows["probability"].to_numpy(float)
        base = float(worth @ p)
        need = loss - total + base
        mean = base / worth.sum() if worth.sum() else 0.0
        found.append((name, _times(worth, p, need), mean))
    return pd.DataFrame(found, columns=["unit", "times", "probability"])


def _times(worth: Array, p: Array, need: float) -> float:
    """Solve Σ worth × min(1, t × p) = need for t by halving."""
    if not 0 < need <= worth[p > 0].sum():
        return float("nan")
    low, high = 0.0, 1.0 / p[p > 0].min()
    for _ in range(100):
        middle = (low + high) / 2
        if worth @ np.minimum(1, middle * p) < need:
            low = middle
        else:
            high = middle
    return high
