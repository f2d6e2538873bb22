"""Names of measures and what they say, and the measures of a metrics file as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

# measure → what a reader calls it, and how to read it
MEASURES = {
    "roc_auc": ("ROC AUC", "chance that an event scores above a non-event: .5 is a coin, 1 perfect"),
    "roc_auc_delong": ("ROC AUC, interval of DeLong", "the same; the interval treats rows as independent"),
    "gini": ("Gini", "2 × ROC AUC − 1: 0 is a coin"),
    "average_precision": ("average precision", "mean precision over all list lengths: the base rate is a coin"),
    "lift_at_10pct": ("lift of the first 10 %", "events on a list of 10 %, against a list drawn at random"),
    "log_loss": ("log loss", "lower is better"),
    "brier": ("Brier score", "mean squared error of the probability: lower is better"),
    "calibration_error": ("calibration error", "mean gap of expected and observed share: 0 is best"),
    "calibration_slope": ("calibration slope", "1 is right; below 1 the scores are spread too far"),
    "calibration_intercept": ("calibration intercept", "0 is right; above 0 too little was expected"),
    "observed_over_expected": ("observed / expected", "1 is right; above 1 too little was expected"),
    "observed_over_expected_top_decile": ("observed / expected, highest 10 %", "the same, where lists are drawn"),
    "rank_correlation": ("rank correlation", "of forecast and outcome: 0 is none, 1 perfect"),
    "mean_absolute_error": ("mean absolute error", "money; lower is better"),
    "rmse": ("root mean squared error", "money; lower is better, and large errors weigh most"),
    "total_error": ("error of the total", "of all customers together, as a share: 0 is best"),
    "total": ("total of all customers", "money; forecast with its own interval"),
    "qini_auc": ("Qini area", "what ranking by the score gains over a random list: 0 is none"),
    "auuc": ("area under the uplift curve", "what ranking by the score gains over a random list: 0 is none"),
    "treated_share_gap": ("treated share, off", "0 is right: the score must not know who was treated"),
    "uplift_at_10pct": ("effect in the first 10 %", "share of responses that the offer adds there"),
    "uplift_at_30pct": ("effect in the first 30 %", "share of responses that the offer adds there"),
    "uplift_at_30pct_over_response": ("effect in the first 30 %, over a response list", "0 is no gain over it"),
    "baseline": ("one column alone", "what sorting by one column reaches"),
    "lead": ("lead over one column alone", "0 is no lead: then no model is needed"),
    **{
        f"gain_at_{share}pct": (f"gain of a list of {share} %", "responses added, per customer of all")
        for share in (10, 20, 30, 40, 50)
    },
}


def label(name: str) -> str:
    """Spell a measure, or its difference from a rival's.

    Examples
    --------
    >>> label("roc_auc"), label("roc_auc_minus_logistic"), label("some_new_measure")
    ('ROC AUC', 'ROC AUC, minus logistic', 'some new measure')
    """
    if name.startswith("minus_"):
        return f"difference from {name.removeprefix('minus_').replace('_', ' ')}"
    stem, minus, rival = name.partition("_minus_")
    said = MEASURES[stem][0] if stem in MEASURES else stem.replace("_", " ")
    return f"{said}, minus {rival.replace('_', ' ')}" if minus and rival else said


def measured(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """List every measure that has an interval.

    Parameters
    ----------
    metrics : mapping
        Nested; a measure is a mapping with ``value, low, high``.

    Returns
    -------
    DataFrame
        ``of`` (the keys above it), ``measure`` (its key), ``value, low, high``.

    Examples
    --------
    >>> measured({"six_months": {"gini": {"value": 0.6, "low": 0.5, "high": 0.7}}, "rows": 9}).values.tolist()
    [['six months', 'gini', 0.6, 0.5, 0.7]]
    """
    rows: list[tuple[str, str, float, float, float]] = []

    def collect(inner: Mapping[str, Any], above: str) -> None:
        for name, found in inner.items():
            if not isinstance(found, Mapping):
                continue
            if {"value", "low", "high"} <= set(found):
                rows.append((above, name, found["value"], found["low"], found["high"]))
            else:
                collect(found, f"{above}, {name.replace('_', ' ')}" if above else name.replace("_", " "))

    collect(metrics, "")
    return pd.DataFrame(rows, columns=["of", "measure", "value", "low", "high"])


def told(table: pd.DataFrame) -> pd.DataFrame:
    """Name measures for a reader, say how to read each, and put those that are read first first."""
    place = {name: i for i, name in enumerate(MEASURES)}
    of = {name: i for i, name in enumerate(dict.fromkeys(table["of"]))}
    order = sorted(
        range(len(table)),
        key=lambda i: (of[table["of"].iloc[i]], place.get(table["measure"].iloc[i], len(place))),
    )
    found = table.iloc[order].reset_index(drop=True)
    return found.assign(
        reading=[MEASURES.get(m, ("", ""))[1] for m in found["measure"]],
        measure=[label(m) for m in found["measure"]],
    )


def counted(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Take the plain values of one level: what a metrics file counts and names."""
    return {
        label(name): value
        for name, value in metrics.items()
        if isinstance(value, int | float | str) and not isinstance(value, bool)
    }
