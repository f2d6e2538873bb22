"""What ``params/risk.yaml`` says of the whole: how units move together, what is stressed, where limits lie."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import ParamsError, nearest
from ..models.stated import Stated
from .copula import Kind, nearest_correlation


class CopulaSettings(Stated):
    """How losses of units move together.

    Examples
    --------
    >>> stated = CopulaSettings(correlations={"credit": {"attrition": 0.3}}, otherwise=0.1)
    >>> stated.matrix(["attrition", "credit", "service"])[0].tolist()
    [[1.0, 0.3, 0.1], [0.3, 1.0, 0.1], [0.1, 0.1, 1.0]]
    """

    word: ClassVar[str] = "copula setting"

    kind: Kind = "t"
    degrees: float = Field(4.0, gt=0, description="of freedom of the t copula")
    otherwise: float = Field(0.0, ge=-1, le=1, description="correlation of two units that are not named together")
    correlations: dict[str, dict[str, float]] = Field({}, description="unit → other unit → correlation")

    def matrix(self, units: Sequence[str]) -> tuple[NDArray[np.float64], str]:
        """Give the correlation matrix of these units, and what had to be repaired in it (empty: nothing)."""
        found = np.full((len(units), len(units)), self.otherwise)
        for one, others in self.correlations.items():
            for other, value in others.items():
                if {one, other} <= set(units):
                    i, j = units.index(one), units.index(other)
                    found[i, j] = found[j, i] = value
        np.fill_diagonal(found, 1.0)
        repaired, moved = nearest_correlation(found)
        if moved == 0:
            return repaired, ""
        return repaired, (f"the stated correlations contradict each other (not positive definite): replaced by the "
                          f"nearest that do not, which moves one by {moved:.3f} at most")  # fmt: skip

    def check_names(self, known: Sequence[str]) -> None:
        """Refuse units that do not exist.

        Raises
        ------
        ParamsError
            With the nearest known unit.
        """
        for name in {*self.correlations, *(other for others in self.correlations.values() for other in others)}:
            if name not in known:
                raise ParamsError(f"copula correlations: no unit of risk {name!r}: {nearest(name, known)}")


class Shock(Stated):
    """What a scenario multiplies in one unit."""

    word: ClassVar[str] = "shock field"

    exposure: float = Field(1.0, ge=0)
    probability: float = Field(1.0, ge=0)
    severity: float = Field(1.0, ge=0)


class StressScenario(Stated):
    """A stated course of events: not a forecast, no probability is claimed."""

    word: ClassVar[str] = "stress scenario field"

    name: str
    story: str
    units: dict[str, Shock]


class Limit(Stated):
    """A limit with its two thresholds, and why they lie there."""

    word: ClassVar[str] = "limit field"

    name: str
    measure: str = Field(description="such as total.economic_capital_rate")
    amber: float
    red: float
    why: str
    harmful: Literal["above", "below"] = "above"


class RiskSettings(Stated):
    """All of it.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> RiskSettings(scenario=10)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown risk setting 'scenario': did you mean scenarios?
    """

    word: ClassVar[str] = "risk setting"

    horizon: float = Field(365, ge=1, description="days, for all units")
    currency: str = Field("XTS", pattern="^[A-Z]{3}$", description="ISO 4217")
    level: float = Field(0.999, gt=0, lt=1, description="of value at risk and economic capital")
    shortfall_level: float = Field(0.975, gt=0, lt=1, description="of expected shortfall")
    scenarios: int = Field(100_000, ge=1000)
    copula: CopulaSettings = CopulaSettings()
    units: dict[str, dict[str, Any]] = Field({}, description="unit → its settings")
    stress: list[StressScenario] = Field([], description="stated courses of events")
    reverse_stress: list[float] = Field([0.5, 1.0], description="shares of economic capital that are to be lost")
    limits: list[Limit] = Field([], description="with the lights that they light")
