"""What a churn model is told: which columns are what, how to split, how long to search."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import ParamsError, nearest

Candidate = Literal["logistic", "lightgbm", "blend"]


class ChurnSettings(BaseModel):
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

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field("customer_id", description="customer; None: every row is a customer of its own")
    as_of: str | None = Field("as_of", description="date of the features; None: the test part is drawn at random")
    label: str | None = Field(None, description="the one label of a ready table; None: labels by horizon")
    soft_label: bool = Field(False, description="labels are known probabilities instead of outcomes")
    horizons: list[int] = Field([30, 60, 90], description="outcome windows in days; the model learns the longest")
    outcome_days: int | None = Field(None, ge=1, description="days until the label is known; None: the longest horizon")
    label_prefix: str = Field("leaves_", description="labels by horizon are <prefix><days>")
    at_risk: str = Field("at_risk", description="only rows where this column is true are used, if it is there")
    censored: str = Field("censored", description="rows where this column is true are left out, if it is there")
    month: str = Field("leaves_month", description="month after as_of in which the customer left: the lead-time curve")
    phase: str = Field("phase", description="lifecycle phase at as_of: the table of phases")
    grows: str = Field("grows_90", description="label of the growing phase: a second head, if it is there")
    revenue: str = Field("revenue_12m", description="revenue of the last 12 months: revenue at stake")
    drop: list[str] = Field([], description="columns that are no features")
    monotone: dict[str, Literal[-1, 0, 1]] = Field({}, description="feature → sign of its effect on leaving")
    candidates: list[Candidate] = Field(
        ["logistic", "lightgbm", "blend"], min_length=1, description="the simplest first"
    )
    test_dates: int = Field(3, ge=1, description="how many of the last as_of dates are the test")
    test_share: float = Field(0.2, gt=0, lt=0.5, description="share of customers in the test of a table without dates")
    folds: int = Field(5, ge=3, le=20)
    n_trials: int = Field(20, ge=1)
    tuning_rows: int = Field(40_000, ge=500, description="the search sees at most so many rows, of whole customers")
    max_rounds: int = Field(1500, ge=10)
    patience: int = Field(60, ge=5, description="rounds without improvement before a fold stops")
    lightgbm: dict[str, float | int] = Field({}, description="parameters that are set instead of searched")
    space: dict[str, dict[str, Any]] = Field({}, description="changes to the search space, by parameter")
    threads: int = Field(2, ge=1, description="folds that are trained at once; the result does not depend on it")
    bootstrap: int = Field(200, ge=20, description="resamples of customers behind every interval")
    min_events: int = Field(30, ge=5, description="fewer leavers in training are refused")
    leak_auc: float = Field(0.95, gt=0.5, le=1, description="a feature that ranks this well alone is suspected")
    leak_share: float = Field(0.25, gt=0, le=1, description="… or one whose removal costs this share of the Gini")
    leak_features: int = Field(3, ge=0, description="how many of the top features are removed in turn; 0: none")
    seed: int = Field(7, ge=0)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as problem:
            raise _readable(problem, type(self)) from None

    @field_validator("horizons")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        if not value or sorted(set(value)) != value or value[0] < 1:
            raise ValueError("horizons must be positive days, rising")
        return value

    @field_validator("candidates")
    @classmethod
    def _has_parts(cls, value: list[Candidate]) -> list[Candidate]:
        if "blend" in value and set(value[: value.index("blend")]) != {"logistic", "lightgbm"}:
            raise ValueError("blend adds up logistic and lightgbm, which must be named before it")
        return value

    @property
    def labels(self) -> dict[str, str]:
        """Output name → label column, from the shortest horizon to the longest."""
        if self.label is not None:
            return {"leave": self.label}
        return {f"leave_{days}": f"{self.label_prefix}{days}" for days in self.horizons}


def _readable(problem: ValidationError, model: type[BaseModel]) -> ParamsError:
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return ParamsError(f"unknown churn setting {where!r}: {nearest(where, model.model_fields)}")
    message = first["msg"].removeprefix("Value error, ")
    return ParamsError(f"churn setting {where}: {message[0].lower()}{message[1:]}, got {first['input']!r}")
