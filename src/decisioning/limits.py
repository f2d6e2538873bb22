"""What the bank allows itself: how often a customer may be contacted, and who may be offered what."""

from typing import ClassVar, Literal

from pydantic import Field

from ..models.stated import Stated


class Limits(Stated):
    """Limits on contacts and offers; see the field descriptions.

    Raises
    ------
    ParamsError
        For an unknown limit (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> Limits(per_week=2).per_week
    2
    >>> Limits(per_weak=2)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown limit 'per_weak': did you mean per_week?
    >>> Limits(max_default_probability=3)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: limit max_default_probability: input should be less than or equal to 1, got 3
    """

    word: ClassVar[str] = "limit"

    per_week: int = Field(1, ge=1, description="contacts within 7 days, over all campaigns")
    per_month: int = Field(3, ge=1, description="… and within 30 days")
    response_window_days: int = Field(30, ge=1, description="of a campaign whose own window is unknown")
    unresolved_days: int = Field(30, ge=1, description="after so many days an unresolved contact no longer holds back")
    credit_offers: list[str] = Field([], description="offers that lend money: they need a low probability of default")
    max_default_probability: float = Field(0.1, ge=0, le=1, description="above it no credit is offered")
    without_probability: Literal["refuse", "accept"] = Field("refuse", description="credit offers to the unscored")
    max_days_past_due: int = Field(30, ge=0, description="more at the last month's end and nothing is sold")
    service_offers: list[str] = Field(
        [], description="calls that sell nothing: they need no consent, and arrears or an open contact do not stop them"
    )
