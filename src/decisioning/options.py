"""What each option is expected to be worth: incremental margin, value retained, expected loss; in currency."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

OPTION = ("customer_id", "offer", "channel")
MARGIN = "expected_margin_12m"


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
        ``customer_id, default_probability``.
    credit : mapping
        Offer that lends → ``exposure`` (currency) and ``loss_given_default`` (share) of a loan that is taken up.

    Returns
    -------
    DataFrame
        ``scores`` with ``value_at_stake`` (expected margin of the coming year, at least 0), ``value_retained`` =
        −closing uplift × value at stake (negative where the offer drives customers away), ``expected_loss`` = response
        uplift × exposure × default probability × loss given default, ``net_value`` = incremental margin + value
        retained − expected loss, and ``expected_uplift``.

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
    table["value_at_stake"] = _by(table, value, MARGIN).clip(lower=0)
    table["value_retained"] = -table.get("closing_uplift", pd.Series(0.0, table.index)) * table["value_at_stake"]
    table["expected_loss"] = 0.0
    likely = _by(table, probabilities, "default_probability")
    for offer, terms in (credit or {}).items():
        lost = table["response_uplift"].clip(lower=0) * likely * terms["exposure"] * terms["loss_given_default"]
        table["expected_loss"] = table["expected_loss"].mask(table["offer"].eq(offer), lost)
    table["net_value"] = table["incremental_margin"] + table["value_retained"] - table["expected_loss"]
    return table.assign(expected_uplift=table["response_uplift"])


def _by(table: pd.DataFrame, known: pd.DataFrame | None, column: str) -> pd.Series:
    """Look a number up by customer, 0 where it is not known; of several rows of a customer the highest counts."""
    if known is None:
        return pd.Series(0.0, table.index)
    each = known.groupby("customer_id")[column].max()
    return table["customer_id"].map(each).astype(np.float64).fillna(0.0)
