"""What the bank allows itself: how often a customer may be contacted, and who may be offered what."""

from collections.abc import Iterable
from typing import ClassVar, Literal

import pandas as pd
from pydantic import Field

from ..errors import ParamsError, nearest
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


class Round(Stated):
    """What a round sets apart, and how long its contacts may be made; see the field descriptions.

    Raises
    ------
    ParamsError
        For a setting that is missing, unknown or out of range.

    Examples
    --------
    >>> Round(holdout=0.02)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: setting of a round exploration: field required, got {'holdout': 0.02}
    >>> Round(holdout=0.02, exploration=0.02, valid_days=0)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: setting of a round valid_days: input should be greater than or equal to 1, got 0
    """

    word: ClassVar[str] = "setting of a round"

    holdout: float = Field(ge=0, lt=1, description="share of all customers that gets no campaign, ever")
    exploration: float = Field(ge=0, lt=1, description="share of the others whose offer is drawn")
    valid_days: int = Field(14, ge=1, description="a contact not made so many days after its own is not made at all")


def check_offers(what: str, named: Iterable[str], *tables: pd.DataFrame | None) -> None:
    """Refuse the name of an offer that no table knows: a misspelt one would let everything pass.

    Parameters
    ----------
    what : str
        Where the names stand, for the message.
    tables : DataFrame, optional
        Their columns ``offer`` name what there is, now or in any campaign; without any offer nothing is checked.

    Raises
    ------
    ParamsError
        For an unknown offer, with the nearest known one.

    Examples
    --------
    >>> check_offers("credit", ["loan_rte"], pd.DataFrame({"offer": ["loan_rate"]}))
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: credit names the unknown offer 'loan_rte': did you mean loan_rate?
    """
    columns = [table["offer"] for table in tables if table is not None and "offer" in table]
    known = {str(offer) for column in columns for offer in column.dropna().unique()}
    unknown = [name for name in named if name not in known]
    if known and unknown:
        raise ParamsError(f"{what} names the unknown offer {unknown[0]!r}: {nearest(unknown[0], known)}")
