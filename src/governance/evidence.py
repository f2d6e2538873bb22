"""Gather what the checks look at from the outputs of the stages."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .. import catalog
from .checks import Evidence
from .gates import Entry, Gate, run_checks

# where each model's features come from: their leak audit and their dictionary
ORIGIN = {
    "churn": ("leak_audit", "dictionary"),
    "credit": ("application_audit", "application_dictionary"),
    "segmentation": ("leak_audit", "dictionary"),
    "value": ("leak_audit", "dictionary"),
    "promotion": ("assignment_audit", "assignment_dictionary"),
}


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
    audit, dictionary = ORIGIN[entry.name]
    known = frozenset(catalog.load(dictionary)["name"]) if platform_features else frozenset[str]()
    return Evidence(
        model=entry.name,
        folder=catalog.path(f"{entry.name}_model"),
        metrics=catalog.load(f"{entry.name}_metrics"),
        bounds=entry.bounds,
        sample=sample,
        predictions=sample,
        known_features=known,
        leak_audit=catalog.load(audit) if platform_features else None,
    )


def judge(entry: Entry) -> Gate:
    """Run a model's checks on its evidence."""
    metrics: dict[str, Any] = catalog.load(f"{entry.name}_metrics")
    evidence = gather(entry, platform_features=not metrics.get("ready_table", False))
    from ..models.artifact import folder_digest

    return run_checks(entry, folder_digest(evidence.folder), evidence)


def judge_all(entries: Mapping[str, Entry]) -> list[Gate]:
    """Run the checks of every model that was fitted; one that is not applicable to this source has none."""
    fitted = [entry for name, entry in entries.items() if catalog.reason_not_applicable(f"{name}_metrics") is None]
    return [judge(entry) for entry in fitted]


def by_model(entries: Mapping[str, Entry], gates: list[Gate]) -> dict[str, pd.DataFrame]:
    """One table per model: its checks and the digest that they speak of; empty for a model that does not apply."""
    found = {gate.model: gate.table().assign(digest=gate.digest) for gate in gates}
    return {name: found.get(name, pd.DataFrame({"code": [], "digest": []})) for name in entries}


def side_by_side(gates: list[Gate]) -> pd.DataFrame:
    """One row per model and check."""
    tables = [gate.table().assign(model=gate.model) for gate in gates]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"model": []})
