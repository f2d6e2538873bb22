"""One row per customer of everything that is expected: margin, next purchase, next product, investment tier."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..models.artifact import Artifact, load_artifact
from ..models.value.amount import USUAL, Amount
from ..models.value.margin_curve import total_interval
from ..models.value.next_purchase import Habit, Timing
from ..models.value.tiers import investment_tiers, net_value, percentiles
from .batch import ID, provenance, rows_at

YEAR = "expected_margin_12m"
FAR = 9999.0  # days: a purchase further ahead than any window says anything of


def score_value(
    model_folder: Path, frame: pd.DataFrame, *, as_of: dt.date, cost_per_contact: float, high_share: float,
    level_error: float, degrees: int, model_digest: str | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """Score the customers of one date.

    Parameters
    ----------
    frame : DataFrame
        Features and items of that date (:func:`afraz.features.segment_inputs.segment_inputs`).
    cost_per_contact : float
        Cost to serve: currency per contact of the last year.
    high_share : float
        Share of customers that deserve high investment.
    level_error, degrees
        How much the level of a year swings (:func:`afraz.models.value.margin_curve.level_error`).

    Returns
    -------
    scores : DataFrame
        Ordered by customer: the model's outputs, ``next_days`` with its interval, ``next_1`` … ``next_5``,
        ``next_amount``, ``net_value_12m``, ``percentile``, ``tier``.
    manifest : dict
        Model and input digests; ``total``: expected income of all customers with an interval, by horizon.

    Raises
    ------
    ArtifactError
        If the model folder was altered or refuses the table.
    DataError
        If there is no row at ``as_of`` or a customer repeats.
    """
    artifact = load_artifact(model_folder, model_digest)
    rows = rows_at(frame, as_of)
    margins = artifact.margins(rows)
    outputs = pd.DataFrame(artifact.predictor.outputs(margins), index=rows.index)
    net = net_value(outputs[YEAR].to_numpy(), rows, cost_per_contact)
    scores = pd.concat(
        [
            pd.DataFrame({ID: rows[ID], "as_of": pd.Timestamp(as_of).as_unit("us")}),
            outputs.round(6),
            _next_purchase(artifact, rows, outputs),
            pd.DataFrame({
                "net_value_12m": net.round(2), "percentile": percentiles(net).round(1),
                "tier": investment_tiers(net, high_share),
            }),
        ],
        axis=1,
    )  # fmt: skip
    totals = {}
    for horizon, shape in artifact.spec["deviations"].items():
        deviation = np.interp(margins[horizon], shape["score"], shape["spread"])
        expected = outputs[f"expected_{horizon}"].to_numpy()
        totals[horizon] = total_interval(expected, deviation, level_error, degrees, artifact.spec["level"])
    return scores, {
        **provenance(artifact, model_folder, rows, as_of),
        "total": totals,
        "columns": list(scores.columns),
    }


def _next_purchase(artifact: Artifact, rows: pd.DataFrame, outputs: pd.DataFrame) -> pd.DataFrame:
    """Say when, what and how much, as far as the model answers."""
    told = artifact.spec["next_purchase"]
    found: dict[str, Any] = {}
    if "timing" in told:
        timing = Timing(**told["timing"])
        p, out = outputs[f"buys_{round(timing.days)}"].to_numpy(), (1 - artifact.spec["level"]) / 2
        for name, share in (("next_days", 0.5), ("next_days_low", out), ("next_days_high", 1 - out)):
            found[name] = np.minimum(timing.quantile(p, share), FAR).round(1)
    if "habit" in told:
        habit = Habit(**told["habit"])
        counts = rows.reindex(columns=sorted(habit.popularity), fill_value=0.0)
        found |= {str(name): column for name, column in habit.top(counts).round(4).items()}
    if "amount" in told:
        found["next_amount"] = Amount(**told["amount"]).expected(rows[USUAL].to_numpy(dtype=float)).round(2)
    return pd.DataFrame(found, index=rows.index)


def income_by_segment(scores: pd.DataFrame, segments: pd.DataFrame, lenses: list[str]) -> pd.DataFrame:
    """Sum the expected income of the coming year by segment of each lens.

    Returns
    -------
    DataFrame
        ``lens, segment, customers, expected_12m, share``; customers without a segment are left out.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "expected_margin_12m": [30.0, 10.0]})
    >>> segments = pd.DataFrame({"customer_id": ["a", "b"], "value_name": ["high", "low"]})
    >>> income_by_segment(scores, segments, ["value"])
        lens segment  customers  expected_12m  share
    0  value    high          1          30.0   0.75
    1  value     low          1          10.0   0.25
    """
    both = scores[[ID, YEAR]].merge(segments, on=ID)
    parts = []
    for lens in lenses:
        by = both.groupby(f"{lens}_name")[YEAR]
        table = pd.DataFrame({"customers": by.size(), "expected_12m": by.sum()}).rename_axis("segment").reset_index()
        table.insert(0, "lens", lens)
        parts.append(table.assign(share=table["expected_12m"] / table["expected_12m"].sum()))
    return pd.concat(parts, ignore_index=True)
