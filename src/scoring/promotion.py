"""One row per customer and offer through a channel: what it changes in the customer, and what that is worth."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..models.artifact import load_artifact
from ..models.explain import explain
from ..models.promotion.promotion import WHY
from ..models.promotion.worth import expected_worth
from ..models.reason_codes import shap_reasons
from ..models.reasons import phrases_of, references
from .batch import ID, provenance, rows_at, text_levels

CONTEXT = ("offer", "channel")


def score_promotion(
    model_folder: Path, customers: pd.DataFrame, offers: pd.DataFrame, *, as_of: dt.date, dictionary: pd.DataFrame,
    reasons: int = 3, model_digest: str | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    """Score every customer with every offer that was tried.

    Parameters
    ----------
    customers : DataFrame
        One row per customer (:func:`afraz.features.promotion_scorable.customers_for_offers`).
    offers : DataFrame
        :func:`afraz.features.offers.tried_offers`.
    reasons : int
        How many reasons; they are those of the customer's best offer.

    Returns
    -------
    scores : DataFrame
        Ordered by customer, offer, channel: ``response_uplift`` (probability of a response that the offer adds),
        ``response_offer`` (probability of a response with it), ``closing_uplift`` (probability of leaving that it adds,
        where the model knows), ``incremental_margin`` in currency: what the contact is expected to bring net of its
        costs (:func:`afraz.models.promotion.worth.expected_worth` without leaving, which decisions weigh with the value
        that is at stake); ``reason_1`` ….
    manifest : dict
        Model and input digests, and whether the model supports targeting.

    Raises
    ------
    ArtifactError
        If the model folder was altered or refuses the table.
    DataError
        If there is no row at ``as_of`` or a customer repeats.
    """
    artifact = load_artifact(model_folder, model_digest)
    rows = rows_at(customers, as_of)
    parts = []
    for option in offers.to_dict("records"):
        outputs = artifact.predict(rows.assign(**{name: option[name] for name in CONTEXT}))
        part = pd.DataFrame({ID: rows[ID], **{name: option[name] for name in CONTEXT}}).join(outputs)
        worth = expected_worth(
            outputs, None, response_value=option["response_value"], offer_cost=option["offer_cost"],
            contact_cost=option["contact_cost"],
        )  # fmt: skip
        part["incremental_margin"] = worth
        parts.append(part)
    scores = pd.concat(parts, ignore_index=True).sort_values([ID, *CONTEXT], kind="stable", ignore_index=True)
    scores.insert(1, "as_of", pd.Timestamp(as_of).as_unit("us"))
    if reasons:
        scores = scores.merge(_reasons(artifact, rows, scores, dictionary, reasons), on=ID, validate="many_to_one")
    manifest = {**provenance(artifact, model_folder, rows, as_of), "offers": offers.to_dict("records"),
                "targeting": artifact.spec["targeting"], "learner": artifact.spec["learner"],
                "columns": list(scores.columns)}  # fmt: skip
    return scores, manifest


def _reasons(
    artifact: Any, rows: pd.DataFrame, scores: pd.DataFrame, dictionary: pd.DataFrame, count: int
) -> pd.DataFrame:
    """Say of each customer what makes the best offer change more in this one than in others."""
    best = scores.loc[scores.groupby(ID, sort=True)["incremental_margin"].idxmax(), [ID, *CONTEXT]]
    asked = rows.merge(best, on=ID)
    matrix = artifact.matrix(asked)
    told, phrases = explain(artifact, matrix, WHY), phrases_of(dictionary)
    mute = [name for name in CONTEXT if name in told.names]
    said = shap_reasons(told, matrix, phrases, references(artifact, matrix, phrases), count, untold=mute,
                        texts=text_levels(artifact, asked))  # fmt: skip
    return pd.concat([asked[[ID]], said], axis=1)


def best_offers(scores: pd.DataFrame) -> pd.DataFrame:
    """Sum up the options: how many customers each would bring money with, and how many are best served by it.

    Returns
    -------
    DataFrame
        ``offer, channel, mean_uplift, mean_margin, pays_with``; ``best_for`` (customers for whom it pays and no other
        option brings as much), ``best_with_others`` (customers for whom others bring exactly as much).

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "a"], "offer": ["x", "y"], "channel": ["call", "email"],
    ...                       "response_uplift": [0.1, 0.2], "incremental_margin": [-1.0, 2.0]})
    >>> best_offers(table)[["offer", "pays_with", "best_for"]].values.tolist()
    [['x', 0, 0], ['y', 1, 1]]
    """
    pays = scores["incremental_margin"] > 0
    first = pays & (scores.groupby(ID)["incremental_margin"].transform("max") == scores["incremental_margin"])
    several = first.groupby(scores[ID]).transform("sum") > 1
    found = {"pays_with": pays, "best_for": first & ~several, "best_with_others": first & several}
    table = scores.assign(**{name: each.astype(np.int64) for name, each in found.items()})
    return table.groupby(list(CONTEXT), as_index=False).agg(
        mean_uplift=("response_uplift", "mean"), mean_margin=("incremental_margin", "mean"),
        **{name: (name, "sum") for name in found},
    )  # fmt: skip


def told_apart(scores: pd.DataFrame) -> str:
    """Say whether the model expects different effects of the offers in a customer.

    Examples
    --------
    >>> told_apart(pd.DataFrame({"customer_id": ["a", "a"], "response_uplift": [0.1, 0.1]}))
    'the model expects every offer to change a customer alike: only costs and what a response brings tell them apart'
    """
    by = scores.groupby(ID)["response_uplift"]
    apart = float((by.max() - by.min()).mean())
    if apart == 0:
        left = "only costs and what a response brings tell them apart"
        return f"the model expects every offer to change a customer alike: {left}"
    return f"between the offers to a customer, the expected effect differs by {apart:.2g} on average"
