"""What the value model is told."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from ..settings import FitSettings


class ValueSettings(FitSettings):
    """Settings of :func:`afraz.models.value.forecast.fit_forecast`; columns that are named nowhere here are features.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.

    Examples
    --------
    >>> ValueSettings(level=0.8).level
    0.8
    >>> ValueSettings(levels=0.8)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: unknown value setting 'levels': did you mean level?
    """

    word: ClassVar[str] = "value setting"

    horizons: dict[str, int] = Field(
        {"margin_6m": 181, "margin_12m": 365}, min_length=1, description="label → days of its window"
    )
    last_year: str = Field("margin_365d", description="feature that the simple candidate goes by")
    candidates: list[Literal["last_year", "lightgbm", "two_part"]] = Field(  # type: ignore[assignment]
        ["last_year", "lightgbm", "two_part"], min_length=1, description="the simplest first"
    )
    level: float = Field(0.9, gt=0, lt=1, description="share of customers whose margin lies in their interval")
    min_customers: int = Field(500, ge=300, description="fewer labelled customers in a cohort are refused")
    max_rounds: int = Field(600, ge=10)
    patience: int = Field(40, ge=5)
    cost_per_contact: float = Field(5.0, ge=0, description="cost to serve: currency per contact of the last year")
    high_share: float = Field(0.2, gt=0, lt=1, description="share of customers that deserve high investment")
    labels: list[str] = Field([], description="columns that say what came after as_of: no features")

    def outcome_columns(self) -> list[str]:
        """Columns that are no features."""
        return [*self.horizons, *self.labels]

    def trees(self, **more: Any) -> dict[str, Any]:
        """LightGBM parameters: shallow, slow enough for heavy tails."""
        chosen = {"learning_rate": 0.05, "min_data_in_leaf": 40, "feature_fraction": 0.4, "lambda_l2": 5.0}
        return {**chosen, **self.lightgbm, **more}
