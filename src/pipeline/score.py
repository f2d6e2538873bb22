"""Score as of any date with the champion, outside the pipeline."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import GateError, ParamsError, nearest
from ..features.credit_scorable import applications_to_score, running_loans
from ..features.offers import tried_offers
from ..features.promotion_scorable import customers_for_offers
from ..features.scorable import customers_to_score
from ..features.segment_inputs import segment_inputs
from ..features.value_training import quarterly_margin
from ..governance.entries import chosen_entries
from ..governance.registry import Champion, resolve_champion
from ..models.value.margin_curve import level_error
from ..params import iso_date, load_params
from ..scoring.batch import score
from ..scoring.credit import score_applications, score_book
from ..scoring.promotion import score_promotion
from ..scoring.segments import assign_segments
from ..scoring.sinks import write_scores
from ..scoring.value import score_value
from .scored import record_scored
from .sync import sync

Scored = tuple[str, pd.DataFrame, dict[str, Any]]


def score_as_of(model: str, as_of: str, accept_moved_alias: bool = False) -> list[tuple[Path, int, bool]]:
    """Write the scores of a date under ``data/scores/as_of=<date>/``, each with its manifest.

    Churn, value and offers are scored and segments assigned by customer; credit is rated by application and, for the
    running book, by loan.

    Parameters
    ----------
    accept_moved_alias : bool
        Score although somebody moved the alias outside of Afraz.

    Returns
    -------
    list of (file, rows, written)
        ``written`` is False if the very same scores were there already.

    Raises
    ------
    ParamsError
        For a date that is none, or an unknown model.
    GateError
        If the model has no champion, or its alias was moved outside of Afraz.
    """
    day = iso_date(as_of)
    make_scores = scorer_of(model)
    sync()
    champion = resolve_champion(model, accept_moved_alias)
    done = []
    for name, scores, manifest in make_scores(champion, day):
        place = catalog.target(name, as_of=as_of)
        done.append((place, len(scores), write_scores(scores, manifest, place)))
    record_scored()
    return done


def scorer_of(model: str) -> "Callable[[Champion, date], list[Scored]]":
    """How a model scores a date.

    Raises
    ------
    ParamsError
        For a model that is unknown or is not scored by date.
    """
    try:
        chosen_entries([model])
    except GateError as unknown:
        raise ParamsError(str(unknown)) from None
    if model not in SCORERS:
        raise ParamsError(f"{model} is not scored by date: {nearest(model, SCORERS)}")
    return SCORERS[model]


def _churn(champion: Champion, day: date) -> list[Scored]:
    scores, manifest = score(
        champion.folder, customers_to_score(day), as_of=day, dictionary=catalog.load("dictionary"),
        model_digest=champion.digest,
    )  # fmt: skip
    return [("churn_scores", scores, manifest)]


def _credit(champion: Champion, day: date) -> list[Scored]:
    stated = load_params("score_credit", catalog.root())
    scores, manifest = score_applications(
        champion.folder, applications_to_score(day, stated["application_days"]), as_of=day,
        dictionary=catalog.load("application_dictionary"), model_digest=champion.digest, untold=tuple(stated["untold"]),
    )  # fmt: skip
    book, said = score_book(
        champion.folder, running_loans(day), as_of=day, model_digest=champion.digest, seed=stated["seed"]
    )
    return [("credit_scores", scores, manifest), ("credit_book", book, said)]


def _segmentation(champion: Champion, day: date) -> list[Scored]:
    segments, manifest = assign_segments(
        champion.folder, segment_inputs([day]), as_of=day, model_digest=champion.digest
    )  # fmt: skip
    return [("segmentation_scores", segments, manifest)]


def _value(champion: Champion, day: date) -> list[Scored]:
    stated = load_params("score_value", catalog.root())
    error, degrees = level_error(quarterly_margin(day))
    scores, manifest = score_value(
        champion.folder, segment_inputs([day], predicted=False), as_of=day, cost_per_contact=stated["cost_per_contact"],
        high_share=stated["high_share"], level_error=error, degrees=degrees, model_digest=champion.digest,
    )  # fmt: skip
    return [("value_scores", scores, manifest)]


def _promotion(champion: Champion, day: date) -> list[Scored]:
    stated = load_params("score_promotion", catalog.root())
    scores, manifest = score_promotion(
        champion.folder, customers_for_offers(day), tried_offers(day), as_of=day,
        dictionary=catalog.load("assignment_dictionary"), reasons=stated["reasons"], model_digest=champion.digest,
    )  # fmt: skip
    return [("promotion_scores", scores, manifest)]


SCORERS: dict[str, Callable[[Champion, date], list[Scored]]] = {
    "churn": _churn, "credit": _credit, "segmentation": _segmentation, "value": _value,
    "promotion": _promotion,
}  # fmt: skip
