"""What the support period is told."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, field_validator

from ..stated import Stated
from .arrivals import METHODS
from .contact_forecast import CANDIDATES
from .cost_to_serve import Cost
from .packages import Package
from .staffing import Service


class Proactive(Stated):
    """Calls that the bank makes when agents are idle."""

    word: ClassVar[str] = "proactive setting"

    days: int = Field(30, ge=1, description="window of the effect, and of the expected contacts that order the list")
    call_seconds: float = Field(240, gt=0, description="of a call that is made, attempts that reach nobody included")
    use: float = Field(0.5, gt=0, le=1, description="share of idle time that is planned")
    first_hour: int = Field(9, ge=0, le=23, description="customers may be called from")
    last_hour: int = Field(20, ge=1, le=24, description="… and until")
    weekdays: tuple[int, ...] = Field((0, 1, 2, 3, 4), description="0: Monday")
    most: int = Field(500, ge=0, description="customers on the list")
    control_share: float = Field(0.1, ge=0, lt=1, description="drawn not to be called: the effect is seen again")


class SupportSettings(Stated):
    """Settings of :func:`.support.fit_support`.

    Examples
    --------
    >>> SupportSettings(costs={"other": {"contact": 3}}).service.within_seconds
    20
    >>> SupportSettings(costs={"other": {"contract": 3}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown cost of a channel 'contract': did you mean contact?
    """

    word: ClassVar[str] = "support setting"

    candidates: tuple[str, ...] = Field(CANDIDATES, min_length=1, description="by customer, the simplest first")
    folds: int = Field(3, ge=2, description="of customers, behind the choice and the calibration")
    features: tuple[str, ...] = Field((), description="columns that the trees look at; absent ones are left out")
    patterns: dict[str, Any] = Field({}, description="when groups count as real; see SegmentationSettings")
    service: Service = Service()
    staffed: tuple[str, ...] = Field(("phone",), description="channels whose callers queue for an agent")
    wrap_up_seconds: float = Field(0, ge=0, description="work after a call, before the next")
    day_groups: dict[str, tuple[int, ...]] = Field(
        {"working days": (0, 1, 2, 3, 4), "Saturday": (5,), "Sunday": (6,)}, description="weekdays that are alike"
    )
    methods: tuple[str, ...] = Field(METHODS, description="of the forecast by hour")
    rate_weeks: int = Field(26, ge=2, description="weeks that the hourly rates are learned from")
    test_weeks: int = Field(8, ge=2, description="last weeks of the backtest: half to choose by, half to measure")
    open_calls: float = Field(0.2, ge=0, description="an hour with fewer calls is one in which the desk is closed")
    proactive: Proactive = Proactive()
    costs: dict[str, Cost] = Field(min_length=1, description="channel → cost of a contact")
    packages: dict[str, Package] = Field({}, description="scenario of support packages; none: nothing is priced")
    seed: int = Field(7, ge=0)

    @field_validator("costs", mode="before")
    @classmethod
    def _costs(cls, value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _made(Cost, one) for name, one in value.items()}

    @field_validator("packages", mode="before")
    @classmethod
    def _packages(cls, value: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _made(Package, one) for name, one in value.items()}

    @field_validator("service", mode="before")
    @classmethod
    def _service(cls, value: Any) -> Any:
        return _made(Service, value)

    @field_validator("proactive", mode="before")
    @classmethod
    def _proactive(cls, value: Any) -> Any:
        return _made(Proactive, value)


def _made(kind: type[Stated], value: Any) -> Any:
    return kind(**value) if isinstance(value, Mapping) else value
