"""Expected credit loss by the stages of IFRS 9, weighted over scenarios (IFRS 9, 5.5.1 to 5.5.20)."""

from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ..models.stated import Stated


class Scenario(Stated):
    """A course of the economy: its weight, and by what it multiplies default probabilities and losses."""

    word: ClassVar[str] = "scenario field"

    weight: float = Field(ge=0, le=1)
    probability: float = Field(1.0, ge=0)
    severity: float = Field(1.0, ge=0)


class Provisioning(Stated):
    """When a loan's risk has risen significantly, and which scenarios are weighted.

    Raises
    ------
    ParamsError
        For weights that don't add up to 1, unknown fields, values out of range.

    Examples
    --------
    >>> Provisioning(scenarios={"base": {"weight": 0.7}})
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: provisioning setting scenarios: weights must add up to 1, got {'base': {'weight': 0.7}}
    """

    word: ClassVar[str] = "provisioning setting"

    stage_2_days: float = Field(30, ge=1, description="days past due that mean a significant increase (5.5.11)")
    stage_2_increase: float = Field(3.0, gt=1, description="times the probability at origination that do so")
    stage_2_least: float = Field(0.02, ge=0, description="below that probability a loan stays of low risk (5.5.10)")
    discount_rate: float = Field(0.0, ge=0, description="effective interest a year")
    scenarios: dict[str, Scenario] = Field({"base": {"weight": 1.0}}, validate_default=True)

    @field_validator("scenarios")
    @classmethod
    def _whole(cls, value: dict[str, Scenario]) -> dict[str, Scenario]:
        if abs(sum(each.weight for each in value.values()) - 1) > 1e-9:
            raise ValueError("weights must add up to 1")
        return value


def stages(book: pd.DataFrame, settings: Provisioning) -> NDArray[np.int64]:
    """Give each loan its stage: 1 performing, 2 risen significantly, 3 in default.

    Examples
    --------
    >>> book = pd.DataFrame({"in_default": [False, False, False, True], "days_past_due": [0, 31, 0, 95],
    ...                      "default_probability": [0.01, 0.01, 0.2, 1.0], "application_probability": 0.02})
    >>> stages(book, Provisioning()).tolist()
    [1, 2, 2, 3]
    """
    p = book["default_probability"].to_numpy(float)
    risen = (p >= settings.stage_2_increase * book["application_probability"].to_numpy(float)) & (
        p >= settings.stage_2_least
    )
    late = book["days_past_due"].to_numpy(float) >= settings.stage_2_days
    return np.where(book["in_default"].to_numpy(bool), 3, np.where(late | risen, 2, 1)).astype(np.int64)


def lifetime_loss(
    probability: NDArray[np.float64], severity: NDArray[np.float64], balance: NDArray[np.float64],
    months: NDArray[np.float64], rate: float,
) -> NDArray[np.float64]:  # fmt: skip
    """Expected loss until the loan ends: a constant hazard on a balance that falls evenly, discounted, year by year.

    The balance of a year is that at its start, as in the twelve months of stage 1.

    Examples
    --------
    >>> lifetime_loss(np.array([0.1]), np.array([0.5]), np.array([1000.0]), np.array([12.0]), 0.0).round(6).tolist()
    [50.0]
    >>> lifetime_loss(np.array([0.1]), np.array([0.5]), np.array([1000.0]), np.array([36.0]), 0.0).round(2).tolist()
    [93.5]
    """
    years = np.maximum(months / 12, 1e-9)
    total = np.zeros_like(balance)
    for year in range(int(np.ceil(years.max(initial=0)))):
        part = np.clip(years - year, 0, 1)  # of this year
        left = np.clip(1 - year / years, 0, 1)
        dies = (1 - probability) ** year * (1 - (1 - probability) ** part)
        total += dies * severity * balance * left / (1 + rate) ** (year + part / 2)
    return total


def provisions(book: pd.DataFrame, settings: Provisioning) -> pd.DataFrame:
    """Expected credit loss by stage: of twelve months in stage 1, of the whole life in 2, of what is lost in 3.

    Parameters
    ----------
    book : DataFrame
        ``balance, default_probability, application_probability, loss_given_default, days_past_due, remaining_months,
        in_default``.

    Returns
    -------
    DataFrame
        By ``stage``: ``loans, exposure``, the loss in each scenario (``ecl_<scenario>``), ``ecl`` (weighted) and
        ``coverage`` (share of the exposure); stages without loans included.
    """
    stage = stages(book, settings)
    p, lgd, owed = (book[c].to_numpy(float) for c in ("default_probability", "loss_given_default", "balance"))
    found = {}
    for name, scenario in settings.scenarios.items():
        q, s = np.minimum(p * scenario.probability, 1), np.minimum(lgd * scenario.severity, 1)
        life = lifetime_loss(q, s, owed, book["remaining_months"].to_numpy(float), settings.discount_rate)
        found[f"ecl_{name}"] = np.where(stage == 3, s * owed, np.where(stage == 2, life, q * s * owed))
    rows = pd.DataFrame({"stage": stage, "exposure": owed, **found})
    rows["ecl"] = sum(each.weight * rows[f"ecl_{name}"] for name, each in settings.scenarios.items())
    by = rows.groupby("stage")
    table = by.sum().reindex([1, 2, 3], fill_value=0.0)
    table.insert(0, "loans", by.size().reindex([1, 2, 3], fill_value=0))
    table["coverage"] = (table["ecl"] / table["exposure"].where(table["exposure"] > 0)).fillna(0.0)
    return table.reset_index()
