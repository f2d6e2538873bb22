"""One row per customer of everything that is expected: margin, next purchase, next product, investment tier."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..models.artifact import load_artifact
from ..models.value.margin_curve import total_interval
from ..models.value.next_purchase import Habit, Timing
from ..models.value.tiers import investment_tiers, net_value, percentiles
from .batch import frame_digest, score_frame

ID = "customer_id"


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
    """
    artifact = load_artifact(model_folder, model_digest)
    rows = frame.sort_values(ID, kind="stable", ignore_index=True)
    outputs = score_frame(artifact, rows)
    scores = pd.DataFrame({ID: rows[ID], "as_of": pd.Timestamp(as_of).as_unit("us")})
    scores = pd.concat([scores, outputs.round(6)], axis=1)
    extra = artifact.spec["next_purchase"]
    if "timing" in extra:
        timing = Timing(**extra["timing"])
        p = outputs[f"buys_{round(timing.days)}"].to_numpy()
        scores["next_days"] = np.round(np.minimum(timing.quantile(p, 0.5), 9999.0), 1)
        scores["next_days_low"] = np.round(np.minimum(timing.quantile(p, 0.05), 9999.0), 1)
        scores["next_days_high"] = np.round(np.minimum(timing.quantile(p, 0.95), 9999.0), 1)
    if "habit" in extra:
        habit = Habit(**extra["habit"])
        counts = rows.reindex(columns=sorted(habit.popularity), fill_value=0.0)
        scores = pd.concat([scores, habit.top(counts).round(4)], axis=1)
    if "amount" in extra:
        said = extra["amount"]
        usual = rows["mean_purchase_365d"].fillna(said["usual"]).clip(lower=0.01)
        logs = said["intercept"] + said["slope"] * np.log(usual)
        scores["next_amount"] = np.round(np.exp(logs) * said["smear"], 2)
    longest = next(o["name"] for o in artifact.spec["outputs"] if o["name"].startswith("expected_")).removesuffix(
        "_low"
    )
    contacts = rows["contacts_365d"].to_numpy(dtype=float) if "contacts_365d" in rows else np.zeros(len(rows))
    net = net_value(outputs[longest].to_numpy(), contacts, cost_per_contact)
    scores["net_value_12m"], scores["percentile"] = np.round(net, 2), np.round(percentiles(net), 1)
    scores["tier"] = investment_tiers(net, high_share)
    totals = {}
    for horizon, shape in artifact.spec["deviations"].items():
        expected = outputs[f"expected_{horizon}"].to_numpy()
        score = artifact.margins(rows)[horizon]
        totals[horizon] = total_interval(
            expected, np.interp(score, shape["score"], shape["spread"]), level_error, degrees
        )
    manifest = {
        "model": artifact.spec["model"], "model_digest": model_digest, "as_of": as_of.isoformat(),
        "input_digest": frame_digest(rows[artifact.predictor.names].reset_index(drop=True)), "rows": len(scores),
        "total": totals, "columns": list(scores.columns),
    }  # fmt: skip
    return scores, manifest


def income_by_segment(scores: pd.DataFrame, segments: pd.DataFrame, lens: str) -> pd.DataFrame:
    """Sum the expected income of the coming year by segment of a lens.

    Returns
    -------
    DataFrame
        ``lens, segment, customers, expected_12m, share``.
    """
    both = scores[[ID, "expected_margin_12m"]].merge(segments[[ID, f"{lens}_name"]], on=ID)
    table = both.groupby(f"{lens}_name")["expected_margin_12m"].agg(customers="size", expected_12m="sum").reset_index()
    table = table.rename(columns={f"{lens}_name": "segment"}).assign(lens=lens)
    table["share"] = table["expected_12m"] / table["expected_12m"].sum()
    return table[["lens", "segment", "customers", "expected_12m", "share"]]
