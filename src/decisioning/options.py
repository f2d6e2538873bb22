"""What each option is expected to be worth: incremental margin, value retained, expected loss; in currency."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from ..models.stated import Stated

MARGIN = "expected_margin_12m"


class Credit(Stated):
    """What an offer lends to whoever takes it up.

    Raises
    ------
    ParamsError
        For a term that is missing, unknown or out of range.

    Examples
    --------
    >>> Credit(exposure=5000)
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: credit term loss_given_default: field required, got {'exposure': 5000}
    """

    word: ClassVar[str] = "credit term"

    exposure: float = Field(ge=0, description="currency lent")
    loss_given_default: float = Field(ge=0, le=1, description="share of it that a default loses")


def weigh(
    scores: pd.DataFrame, *, value: pd.DataFrame | None = None, probabilities: pd.DataFrame | None = None,
    credit: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Put the parts of an option's expected net value beside each other.

    Parameters
    ----------
    scores : DataFrame
        :func:`afraz.scoring.promotion.score_promotion`: ``customer_id, offer, channel, incremental_margin`` (net of
        costs), and ``closing_uplift`` where the model knows.
    value : DataFrame, optional
        ``customer_id, expected_margin_12m``; without it nobody has value to lose.
    probabilities : DataFrame, optional
        ``customer_id, default_probability``. Whoever has none counts with the highest that anybody has, and as a
        certain default where nobody has one: what is not known is no reason to lend.
    credit : mapping
        Offer that lends → fields of :class:`Credit`.

    Returns
    -------
    DataFrame
        ``scores`` with ``value_at_stake`` (expected margin of the coming year, at least 0), ``value_retained`` =
        −closing uplift × value at stake (negative where the offer drives customers away), ``expected_loss`` = response
        uplift × exposure × default probability × loss given default, ``net_value`` = incremental margin + value
        retained − expected loss, and ``expected_uplift``.

    Raises
    ------
    ParamsError
        If the terms of a credit are incomplete or out of range.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a"], "offer": ["loan"], "channel": ["call"], "response_uplift": [0.02],
    ...                        "closing_uplift": [0.01], "incremental_margin": [5.0]})
    >>> found = weigh(scores, value=pd.DataFrame({"customer_id": ["a"], "expected_margin_12m": [100.0]}),
    ...               probabilities=pd.DataFrame({"customer_id": ["a"], "default_probability": [0.05]}),
    ...               credit={"loan": {"exposure": 1000.0, "loss_given_default": 0.4}})
    >>> found[["value_retained", "expected_loss", "net_value"]].round(3).values.tolist()
    [[-1.0, 0.4, 3.6]]
    """
    table = scores.copy()
    table["value_at_stake"] = _by(table, value, MARGIN).fillna(0.0).clip(lower=0)
    table["value_retained"] = -table.get("closing_uplift", pd.Series(0.0, table.index)) * table["value_at_stake"]
    table["expected_loss"] = 0.0
    likely = _by(table, probabilities, "default_probability")
    likely = likely.fillna(1.0 if probabilities is None else probabilities["default_probability"].max()).fillna(1.0)
    for offer, stated in (credit or {}).items():
        terms = Credit(**stated)
        lost = table["response_uplift"].clip(lower=0) * likely * terms.exposure * terms.loss_given_default
        table["expected_loss"] = table["expected_loss"].mask(table["offer"].eq(offer), lost)
    table["net_value"] = table["incremental_margin"] + table["value_retained"] - table["expected_loss"]
    return table.assign(expected_uplift=table["response_uplift"])


def _by(table: pd.DataFrame, known: pd.DataFrame | None, column: str) -> pd.Series:
    """Look a number up by customer, missing where it is not known; of several rows of a customer the highest counts."""
    if known is None:
        return pd.Series(np.nan, table.index)
    return table["customer_id"].map(known.groupby("customer_id")[column].max()).astype(np.float64)
