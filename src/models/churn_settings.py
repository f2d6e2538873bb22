"""What a churn model is told beyond what every model is told: horizons, and the columns that describe leaving."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from .settings import FitSettings, check_blend

Candidate = Literal["logistic", "lightgbm", "blend"]


class ChurnSettings(FitSettings):
    """Settings of :func:`afraz.models.churn.fit_churn`; every column that is named nowhere here is a feature.

    Two kinds of table work. A table *with horizons* has one label per horizon (``leaves_30`` …) and the columns of
    ``churn_labels``. A *ready* table has one label, named in ``label``, and any other columns.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> ChurnSettings(n_trials=5).n_trials
    5
    >>> ChurnSettings(n_trails=5)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown churn setting 'n_trails': did you mean n_trials?
    >>> ChurnSettings(folds=1)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: churn setting folds: input should be greater than or equal to 3, got 1
    """

    word: ClassVar[str] = "churn setting"

    label: str | None = Field(None, description="the one label of a ready table; None: labels by horizon")
    horizons: list[int] = Field([30, 60, 90], description="outcome windows in days; the model learns the longest")
    outcome_days: int | None = Field(None, ge=1, description="days until the label is known; None: the longest horizon")
    label_prefix: str = Field("leaves_", description="labels by horizon are <prefix><days>")
    at_risk: str = Field("at_risk", description="only rows where this column is true are used, if it is there")
    censored: str = Field("censored", description="rows where this column is true are left out, if it is there")
    month: str = Field("leaves_month", description="month after as_of in which the customer left: the lead-time curve")
    phase: str = Field("phase", description="lifecycle phase at as_of: the table of phases")
    grows: str = Field("grows_90", description="label of the growing phase: a second head, if it is there")
    revenue: str = Field("revenue_12m", description="revenue of the last 12 months: revenue at stake")
    candidates: list[Candidate] = Field(  # type: ignore[assignment]
        ["logistic", "lightgbm", "blend"], min_length=1, description="the simplest first"
    )

    @field_validator("horizons")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        if not value or sorted(set(value)) != value or value[0] < 1:
            raise ValueError("horizons must be positive days, rising")
        return value

    @field_validator("candidates")
    @classmethod
    def _has_parts(cls, value: list[Any]) -> list[Any]:
        check_blend(value)
        return value

    @property
    def labels(self) -> dict[str, str]:
        """Output name → label column, from the shortest horizon to the longest."""
        if self.label is not None:
            return {"leave": self.label}
        return {f"leave_{days}": f"{self.label_prefix}{days}" for days in self.horizons}

    def too_few(self, events: int, rows: int) -> str:
        """Say how many leavers there are, how many are needed, and what to do."""
        return (
            f"label {list(self.labels.values())[-1]!r} has {events} leavers in {rows:,} training rows, "
            f"{self.min_events} are needed: add rows or dates, or take a longer horizon"
        )
