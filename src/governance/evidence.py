"""Gather what the checks look at from the outputs of the stages."""

from typing import Any

import pandas as pd

from .. import catalog
from .checks import Evidence
from .gates import Entry, Gate, run_checks

LEAK_AUDIT, DICTIONARY = "leak_audit", "dictionary"


def gather(entry: Entry, platform_features: bool = True) -> Evidence:
    """Collect the evidence for one model.

    Parameters
    ----------
    entry : Entry
        Its row of ``mlflow/registry.yaml``.
    platform_features : bool
        False for a model of a ready table: leak audit and dictionary do not apply.
    """
    sample: pd.DataFrame = catalog.load(f"{entry.name}_sample")
    known = frozenset(catalog.load(DICTIONARY)["name"]) if platform_features else frozenset[str]()
    return Evidence(
        model=entry.name,
        folder=catalog.path(f"{entry.name}_model"),
        metrics=catalog.load(f"{entry.name}_metrics"),
        bounds=entry.bounds,
        sample=sample,
        predictions=sample,
        known_features=known,
        leak_audit=catalog.load(LEAK_AUDIT) if platform_features else None,
    )


def judge(entry: Entry) -> Gate:
    """Run a model's checks on its evidence."""
    metrics: dict[str, Any] = catalog.load(f"{entry.name}_metrics")
    evidence = gather(entry, platform_features=not metrics.get("ready_table", False))
    from ..models.artifact import folder_digest

    return run_checks(entry, folder_digest(evidence.folder), evidence)
