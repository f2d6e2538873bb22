"""Measure risk at a date, and at an earlier one with the models of today, so that a change is never the model's."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from .. import catalog
from ..errors import ArtifactError, DataError, GateError
from ..features.credit_scorable import running_loans
from ..features.scorable import customers_to_score
from ..features.segment_inputs import segment_inputs
from ..models.artifact import Artifact, load_artifact
from ..risk.aggregate import Measured, measure_units
from ..risk.board import Earlier
from ..risk.settings import RiskSettings
from ..risk.units import Terms
from .credit import rated_book
from .risk_frames import SCORES, frame_at
from .sinks import read_manifest


def measured_at(as_of: dt.date, settings: RiskSettings, names: Sequence[str] | None = None) -> Measured:
    """Let the units measure what the scores and tables of a date say."""
    terms = Terms(as_of.isoformat(), settings.horizon, settings.currency)
    return measure_units(lambda name: frame_at(name, as_of), terms, settings, names)


def measured_before(as_of: dt.date, months: int, settings: RiskSettings) -> Earlier:
    """Let the units measure ``months`` earlier.

    Scores of that date are made anew by the very models that scored ``as_of``: those fitted last, or fetched from the
    registry. Where a model is in neither, scores that were kept are read, and it is said if another model made them.
    Units for which nothing of this can be done are left out with the reason.
    """
    day = (pd.Timestamp(as_of) - pd.DateOffset(months=months)).date()
    remarks: dict[str, str] = {}

    def read(name: str) -> pd.DataFrame:
        if name not in SCORES:
            return frame_at(name, day)
        manifest = read_manifest(catalog.path(name, as_of=as_of)) or {}
        try:
            model, again = RESCORE[name]
            return again(day, _model(model, str(manifest.get("model_digest"))))
        except GateError:
            return _kept(name, day, manifest, remarks)

    terms = Terms(day.isoformat(), settings.horizon, settings.currency)
    found = measure_units(read, terms, settings)
    said = (*remarks.values(), *(f"not compared: {reason}" for reason in found.failed.values()))
    return Earlier(day.isoformat(), found if found.deliveries else None, said)


def _kept(name: str, day: dt.date, manifest: Mapping[str, Any], remarks: dict[str, str]) -> pd.DataFrame:
    place = catalog.path(name, as_of=day)
    if not place.exists():
        raise DataError(f"no {name.replace('_', ' ')} at {day}: none were kept, and the model of today's is neither "
                        f"the one fitted last nor in the registry")  # fmt: skip
    then = (read_manifest(place) or {}).get("model_digest")
    if then != manifest.get("model_digest"):
        remarks[name] = f"{name.replace('_', ' ')} of {day} are another model's: part of the change may be the model's"
    return frame_at(name, day)


def _model(name: str, digest: str) -> Artifact:
    """Load the model with this digest: the one fitted last if it is that, else a version of the registry."""
    try:
        return load_artifact(catalog.path(f"{name}_model"), digest)
    except ArtifactError:
        from ..governance.registry import version_of

        return load_artifact(version_of(name, digest).folder, digest)


def _credit(day: dt.date, model: Artifact) -> pd.DataFrame:
    return rated_book(model, running_loans(day), as_of=day)


def _churn(day: dt.date, model: Artifact) -> pd.DataFrame:
    rows = customers_to_score(day)
    return rows[["customer_id"]].join(model.predict(rows)).sort_values("customer_id", ignore_index=True)


def _value(day: dt.date, model: Artifact) -> pd.DataFrame:
    rows = segment_inputs([day])
    return rows[["customer_id"]].join(model.predict(rows)).sort_values("customer_id", ignore_index=True)


RESCORE: dict[str, tuple[str, Callable[[dt.date, Artifact], pd.DataFrame]]] = {
    "credit_book": ("credit", _credit), "churn_scores": ("churn", _churn), "value_scores": ("value", _value),
}  # fmt: skip
