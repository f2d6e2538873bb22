"""Hold what was scored against the truth that a simulated bank knows; other sources have none."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import DataError, NotApplicable
from ..features.offers import response_worth
from ..models.artifact import load_artifact
from ..models.metrics import finite
from ..models.oracle import (
    book_against_truth,
    credit_against_truth,
    declined_against_truth,
    groups_found,
    offers_against_truth,
    support_against_truth,
    true_offers,
    value_against_truth,
)
from ..models.promotion.worth import LAST_YEAR, expected_worth
from .sinks import read_scores

TABLES = ("churn", "credit", "book", "value", "groups", "treatments", "support")


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

    A probability of an application that the model has learned from would flatter it: that of the model's own procedure
    without its fold is judged instead (``credit_applicants``).

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
        "by_population": credit_against_truth(_unlearned(scores), truth["credit"], top),
        "book": book_against_truth(book, truth["book"], performing["low"], performing["high"]),
        "all_applicants": _declined(truth["credit"]),
    }


def _unlearned(scores: pd.DataFrame) -> pd.DataFrame:
    said = catalog.load("credit_applicants").set_index("loan_id")  # of a ready table: other loans
    apart = scores["loan_id"].map(said["default_probability"])
    return scores.assign(default_probability=apart.fillna(scores["default_probability"]))


def value_oracle(truth: pd.DataFrame) -> dict[str, float]:
    """Hold the forecast of the last cohort whose year is over against what came; the truth does so beside it."""
    if catalog.reason_not_applicable("value_metrics") is not None:
        return {}
    return finite(value_against_truth(catalog.load("value_predictions"), truth))


def support_oracle(truth: pd.DataFrame) -> dict[str, float]:
    """Hold the contacts expected of customers against the true expectation at the same date."""
    if catalog.reason_not_applicable("support_metrics") is not None:
        return {}
    return finite(support_against_truth(catalog.load("support_customers"), truth))


def segment_oracle(truth: pd.DataFrame, as_of: str) -> dict[str, float]:
    """Say how well planted groups were found again by the lenses of the registered segmentation."""
    if catalog.reason_not_applicable("score_segments_metrics") is not None:
        return {}
    segments, _ = read_scores(catalog.path("segmentation_scores", as_of=as_of))
    return finite(groups_found(segments, truth))


def promotion_oracle(truth: dict[str, pd.DataFrame], share: float) -> dict[str, Any]:
    """Judge the list that the promotion model would have made for the campaigns of its test part."""
    if catalog.reason_not_applicable("promotion_metrics") is not None:
        return {}
    offers = offers_of_test()
    if offers.empty:
        return {}
    true = true_offers(offers, truth["treatments"], truth["value"], _worth())
    return finite(offers_against_truth(offers, true, share))


def offers_of_test() -> pd.DataFrame:
    """Everybody drawn for the randomised campaigns of the model's test dates, with what the model says of them.

    Returns
    -------
    DataFrame
        The features of assignments, the model's outputs, ``offer_cost, contact_cost`` of the campaign, and
        ``expected_worth``, responses counted at the mean worth of those before the first of these dates. Ordered by
        campaign and customer.
    """
    dates = pd.to_datetime(catalog.load("promotion_predictions")["as_of"].unique())
    rows = with_costs(catalog.load("assignment_features"))
    rows = rows[rows["as_of"].isin(dates) & (rows["kind"] == "randomised")].reset_index(drop=True)
    outputs = load_artifact(catalog.path("promotion_model")).predict(rows)
    worth = expected_worth(
        outputs, rows.get(LAST_YEAR), response_value=_worth(dates.min().date()),
        offer_cost=rows["offer_cost"], contact_cost=rows["contact_cost"],
    )  # fmt: skip
    return pd.concat([rows, outputs], axis=1).assign(expected_worth=worth)


def with_costs(assigned: pd.DataFrame) -> pd.DataFrame:
    """Put the campaign's costs beside assigned customers; ordered by campaign and customer."""
    costs = catalog.load("campaigns")[["campaign_id", "offer_cost", "contact_cost"]]
    costs = costs.astype({"offer_cost": float, "contact_cost": float})
    rows = assigned.merge(costs, on="campaign_id", how="left", validate="many_to_one")
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    return rows.sort_values(["campaign_id", "customer_id"], ignore_index=True)


def _worth(before: date | None = None) -> float:
    """Mean worth of responses to offers (:func:`afraz.features.offers.response_worth`), where there is any."""
    found = response_worth(before)
    if found is None:
        raise DataError("no response to an offer has a value: what a contact is worth cannot be told")
    return found


def _declined(truth: pd.DataFrame) -> dict[str, Any]:
    place = catalog.path("credit_tables") / "declined.csv"
    if not place.exists():
        return {}
    learned = catalog.load("credit_metrics")["population"]
    rows = catalog.load("application_outcomes")
    when = pd.to_datetime(rows["as_of"])
    spoken_of = (when >= learned["train_from"]) & (when <= learned["test_to"]) & (rows["decision"] != "withdrawn")
    return finite(declined_against_truth(pd.read_csv(place), truth, rows.loc[spoken_of, "loan_id"]))
