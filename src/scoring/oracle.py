"""Hold what was scored against the truth that a simulated bank knows; other sources have none."""

from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import NotApplicable
from ..models.metrics import finite
from ..models.oracle import (
    book_against_truth,
    credit_against_truth,
    declined_against_truth,
    groups_found,
    value_against_truth,
)
from .sinks import read_scores

TABLES = ("churn", "credit", "book", "value", "groups")


def truth_of(source: str, folder: Path) -> dict[str, pd.DataFrame]:
    """Read the planted truth.

    Raises
    ------
    NotApplicable
        If the source is not the simulated bank.
    """
    if source != "demo":
        raise NotApplicable(f"{source} has no truth")
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def credit_oracle(truth: dict[str, pd.DataFrame], as_of: str, top: float) -> dict[str, Any]:
    """Judge scored applications, the running book, and what was said of the declined.

    Returns
    -------
    dict
        ``by_population`` (all, granted), ``book`` and ``all_applicants``; each empty where credit does not apply.
    """
    reason = catalog.reason_not_applicable("score_credit_metrics")
    if reason is not None:
        return {"by_population": {}, "book": {}, "all_applicants": {}}
    scores, _ = read_scores(catalog.path("credit_scores", as_of=as_of))
    book, manifest = read_scores(catalog.path("credit_book", as_of=as_of))
    performing = manifest["portfolio"]["performing"]
    return {
        "by_population": credit_against_truth(scores, truth["credit"], top),
        "book": book_against_truth(book, truth["book"], performing["low"], performing["high"]),
        "all_applicants": _declined(truth["credit"]),
    }


def value_oracle(truth: pd.DataFrame) -> dict[str, float]:
    """Hold the forecast of the last cohort whose year is over against what came; the truth does so beside it."""
    if catalog.reason_not_applicable("value_metrics") is not None:
        return {}
    return finite(value_against_truth(catalog.load("value_predictions"), truth))


def segment_oracle(truth: pd.DataFrame, as_of: str) -> dict[str, float]:
    """Say how well planted groups were found again by the lenses of the registered segmentation."""
    if catalog.reason_not_applicable("score_segments_metrics") is not None:
        return {}
    segments, _ = read_scores(catalog.path("segmentation_scores", as_of=as_of))
    return finite(groups_found(segments, truth))


def _declined(truth: pd.DataFrame) -> dict[str, Any]:
    place = catalog.path("credit_tables") / "declined.csv"
    if not place.exists():
        return {}
    learned = catalog.load("credit_metrics")["population"]
    rows = catalog.load("application_outcomes")
    when = pd.to_datetime(rows["as_of"])
    spoken_of = (when >= learned["train_from"]) & (when <= learned["test_to"]) & (rows["decision"] != "withdrawn")
    return finite(declined_against_truth(pd.read_csv(place), truth, rows.loc[spoken_of, "loan_id"]))
