"""What a unit of risk is: a name, what it reads, how it measures, and what of that is stated and not estimated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
from pydantic import Field

from ...models.stated import Stated
from ..losses import Dependence

Frames = Mapping[str, pd.DataFrame]


class UnitSettings(Stated):
    """What every unit is told; units add their own.

    Examples
    --------
    >>> UnitSettings(corelation=0.1)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown setting of the unit 'corelation': did you mean correlation?
    """

    word: ClassVar[str] = "setting of the unit"

    correlation: float = Field(0.0, ge=0, lt=1, description="with the factor that moves the unit's cases together")
    persistence: float = Field(1.0, ge=0, le=1, description="correlation between the factors of groups of cases")
    severity_spread: float = Field(0.0, ge=0, le=1, description="variance of severity over severity × (1 − severity)")

    @property
    def dependence(self) -> Dependence:
        return Dependence(self.correlation, self.persistence, self.severity_spread)


@dataclass(frozen=True)
class Terms:
    """What all units share: the day, days of the horizon, the currency."""

    as_of: str
    horizon: float = 365
    currency: str = "XTS"

    def told(self) -> dict[str, Any]:
        return {"as_of": self.as_of, "horizon": self.horizon, "currency": self.currency}


@dataclass(frozen=True)
class Delivery:
    """Positions in the schema, further tables and numbers of the unit by name, and remarks for its readers."""

    positions: pd.DataFrame
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """A unit of risk.

    Attributes
    ----------
    reads : tuple of str
        Names of the frames that ``measure`` is given.
    settings : type
        What ``params/risk.yaml`` may say of it.
    estimated, stated : str
        What comes from data and models; what is an assumption.
    expected_elsewhere : bool
        The mean of its losses is part of another unit's already: only deviations from it count in the total.
    """

    name: str
    title: str
    reads: tuple[str, ...]
    settings: type[UnitSettings]
    measure: Callable[[Frames, Terms, Any], Delivery]
    estimated: str
    stated: str
    expected_elsewhere: bool = False
