"""What a credit model is told beyond what every model is told: outcomes, expert choices, points, grades, economics."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..scorecard import Scaling
from ..settings import FitSettings

Candidate = Literal["scorecard", "logistic", "lightgbm", "blend"]

PENALTIES = (3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0)  # few bads: steps of ten miss the best by much


class CreditSettings(FitSettings):
    """Settings of :func:`afraz.models.credit.fit.fit_credit`; every column that is named nowhere here is an input.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> CreditSettings(grades=9).grades
    9
    >>> CreditSettings(grades=20)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: credit setting grades: input should be less than or equal to 12, got 20
    """

    word: ClassVar[str] = "credit setting"

    id: str | None = Field("loan_id", description="application; None: every row is one")
    customer: str | None = Field("customer_id", description="whose rows belong together in folds and resamples")
    label: str | None = Field("defaults", description="1 is bad; missing: no outcome (declined, or not yet known)")
    duration: str | None = Field(None, description="column: months until the default, the closing or the end of data")
    seen: str | None = Field(None, description="column: 1 where a default was seen, in the window or after it")
    candidates: list[Candidate] = Field(  # type: ignore[assignment]
        ["scorecard", "logistic", "lightgbm", "blend"], min_length=1, description="the simplest first"
    )
    equal_weights: bool = Field(True, description="parts of a blend count alike: few bads can't tell weights")
    min_events: int = Field(50, ge=10, description="fewer bad outcomes in training are refused")
    test_days: int = Field(183, ge=1, description="applications of so many last days with a known outcome are the test")
    refit: bool = Field(True, description="the model that is handed over learns from the test part too")
    outcomes: list[str] = Field([], description="columns that say what became of an application: kept, no inputs")
    protected: list[str] = Field([], description="protected attributes: kept for checks, no inputs")
    allow_protected: list[str] = Field([], description="protected attributes that are inputs all the same")
    force: list[str] = Field([], description="variables that stay in the scorecard")
    forbid: list[str] = Field([], description="variables that no candidate may use")
    bins: dict[str, dict[str, Any]] = Field({}, description="experts' bins: variable → splits, groups or monotonic")
    least_iv: float = Field(0.02, ge=0, description="variables of less information value are left out")
    max_variables: int = Field(15, ge=1, description="at most so many variables in the scorecard")
    points: float = Field(600, description="score at the odds …")
    odds: float = Field(50, gt=0, description="… of good to bad")
    pdo: float = Field(20, gt=0, description="points that double the odds")
    grades: int = Field(10, ge=8, le=12, description="rating grades")

    @field_validator("candidates")
    @classmethod
    def _has_parts(cls, value: list[Any]) -> list[Any]:
        if "blend" in value and (value[-1] != "blend" or len(set(value)) < 3 or len(set(value)) < len(value)):
            raise ValueError("blend adds up what is named before it: two or more others, each once, and blend last")
        return value

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.duration is None) != (self.seen is None):
            raise ValueError("duration and seen say together what was seen of a loan: name both or neither")
        return self

    @property
    def no_inputs(self) -> list[str]:
        """Columns that are set aside."""
        followed = [name for name in (self.duration, self.seen) if name is not None]
        return [*self.outcomes, *followed, *(name for name in self.protected if name not in self.allow_protected)]

    @property
    def scaling(self) -> Scaling:
        """Points of the score."""
        return Scaling(pdo=self.pdo, odds=self.odds, points=self.points)

    def logistic(self) -> dict[str, Any]:
        """Penalties in finer steps, and the signs that trees and scorecard keep, too."""
        return {"penalties": PENALTIES, "signs": self.monotone}

    def scorecard(self) -> dict[str, Any]:
        """Arguments of :func:`afraz.models.scorecard.fit_scorecard`."""
        return {
            "overrides": self.bins, "force": self.force, "least_iv": self.least_iv,
            "max_variables": self.max_variables, "scaling": self.scaling,
        }  # fmt: skip

    def too_few(self, events: int, rows: int) -> str:
        """Say how many bad outcomes there are, how many would be enough, and what to do."""
        return (
            f"{events} bad outcomes in {rows:,} rows to learn from, at least {self.min_events} are needed "
            f"({self.min_events - events} more): add applications of earlier months, or widen the definition of default"
        )
