"""What a promotion model is told: which columns say who got the offer, and what came of it."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from ..settings import FitSettings

Learner = Literal["response", "proportional", "linear", "s", "t", "x", "dr", "transformed", "average", "one_rule"]


class PromotionSettings(FitSettings):
    """Settings of :func:`afraz.models.promotion.promotion.fit_promotion`; columns that are named nowhere are features.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> PromotionSettings().control
    'control'
    >>> PromotionSettings(learners=["s", "t"])
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: promotion setting learners: response must be among them: ... got ['s', 't']
    >>> PromotionSettings(tretment="arm")
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown promotion setting 'tretment': did you mean treatment?
    """

    word: ClassVar[str] = "promotion setting"

    label: str = Field("responded", description="the response: 0 or 1; rows where it is missing are left out")
    treatment: str = Field("arm", description="who got what: an arm by name, or 0 and 1")
    control: str = Field("control", description="the arm that got nothing")
    offer: str | None = Field(None, description="the only arm to compare with control; None: any offer")
    propensity: str | None = Field("propensity", description="probability of the arm a customer got, where it is known")
    block: str | None = Field("campaign_id", description="within a block customers were assigned alike")
    value: str | None = Field("net_value", description="what the customer brought, net of costs")
    closing: str | None = Field("closed_after", description="whether the customer left afterwards")
    extras: list[str] = Field([], description="columns kept aside, no features")
    learners: list[Learner] = Field(
        ["response", "proportional", "linear", "s", "t", "x", "dr", "transformed", "average", "one_rule"], min_length=2
    )
    second_learners: list[Learner] = Field(
        ["proportional", "linear"], description="learners of value and of leaving, beside the response"
    )
    test_dates: int = Field(2, ge=1, description="how many of the last dates of assignment are the test")
    trial_rows: int = Field(20_000, ge=1000, description="whether it was a trial is asked of so many rows")
    max_rounds: int = Field(150, ge=10, description="trees at most")

    @field_validator("learners")
    @classmethod
    def _with_rival(cls, value: list[str]) -> list[str]:
        if "response" not in value:
            raise ValueError("response must be among them: it is the rival of all others")
        if not set(value) - {"response", "average", "one_rule"}:
            raise ValueError("one that estimates an effect must be among them, beside response, average and one_rule")
        return value

    @field_validator("second_learners")
    @classmethod
    def _of_other_outcomes(cls, value: list[str]) -> list[str]:
        if "proportional" not in value or not set(value) - {"proportional", "average", "one_rule"}:
            raise ValueError("proportional must be among them, it is the rival of leaving, and another one that "
                             "estimates an effect, beside average and one_rule")  # fmt: skip
        if "response" in value:
            raise ValueError("response can't be among them: the order of the response's champion is the rival of value")
        return value
