"""Gather what is known of a model version for its dossier."""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from .. import catalog
from ..features.default_labels import default_labels
from ..features.labels import churn_labels
from ..features.response_labels import response_labels
from ..features.value_labels import value_labels
from ..governance.dossier import Compared, Subject
from ..governance.evidence import ORIGIN
from ..governance.gates import Entry, Gate
from ..tracking import PROVENANCE

# model → where the outcome it learns is defined, the stage that makes it, and the parameters the definition leaves open
LABELS: dict[str, tuple[Callable[..., Any], str, tuple[str, ...]]] = {
    "churn": (churn_labels, "features", ("churn_definition", "silent_days", "horizons")),
    "credit": (default_labels, "applications", ("days_past_due", "window_months")),
    "value": (value_labels, "features", ()),
    "promotion": (
        response_labels, "assignments", ("response_window_days", "value_days", "churn_definition", "silent_days")
    ),
}  # fmt: skip


def subject_of(
    entry: Entry, gate: Gate, version: int, *, decisions: Sequence[Mapping[str, Any]] = (),
    comparison: Compared | None = None, commit: str | None = None,
) -> Subject:  # fmt: skip
    """Collect the subject of a dossier from the outputs of the stages.

    Parameters
    ----------
    entry, gate : Entry, Gate
        What ``mlflow/registry.yaml`` states of the model, and what its checks found.
    version : int
        In the registry.
    decisions : sequence of mapping
        Of the ledger.
    comparison : Compared, optional
        With the champion.
    commit : str, optional
        The git commit of the run.
    """
    run = catalog.path(f"{entry.name}_run")
    metrics = catalog.load(f"{entry.name}_metrics")
    audit, dictionary = ORIGIN[entry.name]
    own = not metrics.get("ready_table", False)
    label, terms = _label(entry.name) if own else ("", {})
    return Subject(
        entry=entry, version=version, digest=gate.digest, outcomes=gate.outcomes, metrics=metrics, run=run,
        provenance=json.loads((run / PROVENANCE).read_text("utf-8")),
        dictionary=catalog.load(dictionary) if own else pd.DataFrame(columns=["name", "meaning"]),
        decisions=decisions, comparison=comparison, label=label, label_terms=terms,
        audit=catalog.load(audit) if own else None, commit=commit,
    )  # fmt: skip


def _label(model: str) -> tuple[str, dict[str, Any]]:
    if model not in LABELS:
        return "", {}
    function, stage, names = LABELS[model]
    place = catalog.root() / "experiments" / "runs" / stage / PROVENANCE
    params = json.loads(place.read_text("utf-8"))["params"] if place.exists() else {}
    return definition(function), {name: params[name] for name in names if name in params}


def definition(function: Callable[..., Any]) -> str:
    """Take the written definition from a docstring: its paragraphs before the first section, without markup.

    Examples
    --------
    >>> definition(churn_labels).split("\\n\\n")[2][:60]
    'At risk are customers who, as known at as_of, had a customer'
    """
    told = re.split(r"\n\n\w[\w ]*\n-{3,}", inspect.getdoc(function) or "")[0]
    plain = re.sub(r":\w+:`~?([^`]+)`", r"\1", told).replace("**", "").replace("`", "")
    plain = re.sub(r"(?<!\w)\*(\w+)\*", r"\1", plain)
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in plain.split("\n\n"))
