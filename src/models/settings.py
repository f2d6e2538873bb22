"""What every supervised model is told: which columns are what, how to split, how long to search."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from .stated import Stated


class FitSettings(Stated):
    """Settings that all models share; every column that is named nowhere in them is a feature.

    Raises
    ------
    ParamsError
        For an unknown setting (with the nearest known one) or a value out of range.
    """

    word: ClassVar[str] = "model setting"

    id: str | None = Field("customer_id", description="customer; None: every row is a customer of its own")
    as_of: str | None = Field("as_of", description="date of the features; None: the test part is drawn at random")
    label: str | None = Field(None, description="the one label of a ready table")
    event: str | None = Field(None, description="the value of the label that is the event, if it is not 0/1 or yes/no")
    soft_label: bool = Field(False, description="labels are known probabilities instead of outcomes")
    outcome_days: int | None = Field(None, ge=1, description="days until the label is known")
    drop: list[str] = Field([], description="columns that are no features")
    monotone: dict[str, Literal[-1, 0, 1]] = Field({}, description="feature → sign of its effect on the event")
    candidates: list[str] = Field(["logistic"], min_length=1, description="the simplest first")
    test_dates: int = Field(3, ge=1, description="how many of the last as_of dates are the test")
    test_share: float = Field(0.2, gt=0, lt=0.5, description="share of customers in the test of a table without dates")
    folds: int = Field(5, ge=3, le=20)
    n_trials: int = Field(20, ge=1)
    equal_weights: bool = Field(False, description="parts of a blend count alike; else they are weighed by stacking")
    tuning_rows: int = Field(40_000, ge=500, description="the search sees at most so many rows, of whole customers")
    max_rounds: int = Field(1500, ge=10)
    patience: int = Field(60, ge=5, description="rounds without improvement before a fold stops")
    lightgbm: dict[str, float | int] = Field({}, description="parameters that are set instead of searched")
    space: dict[str, dict[str, Any]] = Field({}, description="changes to the search space, by parameter")
    threads: int = Field(2, ge=1, description="folds that are trained at once; the result does not depend on it")
    bootstrap: int = Field(200, ge=20, description="resamples of customers behind every interval")
    min_events: int = Field(30, ge=5, description="fewer events in training are refused")
    leak_auc: float = Field(0.95, gt=0.5, le=1, description="a feature that ranks this well alone is suspected")
    leak_share: float = Field(0.25, gt=0, le=1, description="… or one whose removal costs this share of the Gini")
    leak_features: int = Field(3, ge=0, description="how many of the top features are removed in turn; 0: none")
    seed: int = Field(7, ge=0)

    def logistic(self) -> dict[str, Any]:
        """Give ``penalties`` and ``signs`` by feature of the logistic regression, where they are not the usual ones."""
        return {}

    def scorecard(self) -> dict[str, Any]:
        """Arguments of :func:`afraz.models.scorecard.fit_scorecard`."""
        return {}

    def too_few(self, events: int, rows: int) -> str:
        """Say how many events there are, how many are needed, and what to do."""
        return f"{events} events in {rows:,} training rows, {self.min_events} are needed: add rows or dates"


def check_blend(candidates: list[str]) -> None:
    """Refuse a blend whose parts are not named before it."""
    if "blend" in candidates and set(candidates[: candidates.index("blend")]) != {"logistic", "lightgbm"}:
        raise ValueError("blend adds up logistic and lightgbm, which must be named before it")
