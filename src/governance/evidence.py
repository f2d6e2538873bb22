"""Gather what the checks look at from the outputs of the stages."""

import json
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pandas as pd

from .. import catalog
from ..datasets import CATALOG
from ..models.artifact import folder_digest
from .checks import Evidence
from .entries import Entry
from .gates import Gate, asked_checks, run_checks

# where each model's features come from: their leak audit and their dictionary
ORIGIN = {
    "churn": ("leak_audit", "dictionary"),
    "credit": ("application_audit", "application_dictionary"),
    "segmentation": ("leak_audit", "dictionary"),
    "value": ("leak_audit", "dictionary"),
    "promotion": ("assignment_audit", "assignment_dictionary"),
}
# the table that holds the inputs of each model's test rows, and its key
INPUTS = {
    "churn": ("customer_features", ["customer_id", "as_of"]),
    "credit": ("application_features", ["loan_id"]),
    "value": ("customer_features", ["customer_id", "as_of"]),
    "promotion": ("assignment_features", ["campaign_id", "customer_id"]),
}
ABOUT_DEFAULT = ("repayment", "application")  # families whose signs speak of default; those of the others of leaving


def gather(entry: Entry) -> Evidence:
    """Collect the evidence for one model: to a ready table no leak audit, dictionary or ingest applies."""
    metrics: dict[str, Any] = catalog.load(f"{entry.name}_metrics")
    platform_features = not metrics.get("ready_table", False)
    sample: pd.DataFrame = catalog.load(f"{entry.name}_sample")
    audit, dictionary = ORIGIN[entry.name]
    told: pd.DataFrame | None = catalog.load(dictionary) if platform_features else None
    return Evidence(
        model=entry.name,
        folder=catalog.path(f"{entry.name}_model"),
        metrics=metrics,
        bounds=entry.bounds,
        sample=sample,
        predictions=sample,
        known_features=frozenset[str]() if told is None else frozenset(told["name"]),
        leak_audit=catalog.load(audit) if platform_features else None,
        signs={} if told is None else stated_signs(entry.name, told),
        tables={**_tables(f"{entry.name}_tables"), **_tables(f"{entry.name}_explanation")},
        refused=_refused() if platform_features else None,
        stated_digest=_stated_digest(entry.name),
    )


def inputs_for(model: str, predictions: pd.DataFrame) -> pd.DataFrame | None:
    """Find the inputs of rows that a run predicted, so that another version can score them in a comparison.

    Returns
    -------
    DataFrame or None
        Key and features; None for a segmentation, a ready table, or where the features are not there.
    """
    name, key = INPUTS.get(model, ("", []))
    if not name or not set(key) <= set(predictions.columns) or not catalog.path(name).exists():
        return None
    features: pd.DataFrame = catalog.load(name)
    wanted = predictions[key]
    if "as_of" in key:
        features, wanted = (part.assign(as_of=pd.to_datetime(part["as_of"])) for part in (features, wanted))
    return features.merge(wanted.drop_duplicates(), on=key)


def stated_signs(model: str, dictionary: pd.DataFrame) -> dict[str, int]:
    """Give the signs of the dictionary that speak of the model's outcome: leaving, or default; else none.

    Examples
    --------
    >>> told = pd.DataFrame({"name": ["late", "visits", "age"], "family": ["repayment", "behaviour", "geography"],
    ...                      "sign": [1, -1, 0]})
    >>> stated_signs("credit", told), stated_signs("churn", told), stated_signs("value", told)
    ({'late': 1}, {'visits': -1}, {})
    """
    if model not in ("churn", "credit") or "sign" not in dictionary:
        return {}
    speaks = dictionary["family"].isin(ABOUT_DEFAULT) == (model == "credit")
    stated = dictionary[(dictionary["sign"] != 0) & speaks]
    return {str(name): int(sign) for name, sign in zip(stated["name"], stated["sign"], strict=True)}


def _tables(name: str) -> dict[str, pd.DataFrame]:
    """Read a folder of CSV files; empty where the stage has none."""
    folder = catalog.path(name) if name in CATALOG else None
    if folder is None or not folder.exists():
        return {}
    return {file.stem: read for file in sorted(folder.glob("*.csv")) if not (read := _read(file)).empty}


def _read(file: Any) -> pd.DataFrame:
    try:
        return pd.read_csv(file)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _refused() -> pd.DataFrame | None:
    """Say what ingest refused, by table; None where these features came about without it."""
    return _tables("ingest_tables").get("accepted")


def _stated_digest(model: str) -> str | None:
    """Digest of the model folder as the run's provenance states it."""
    place = catalog.path(f"{model}_model").parent / "provenance.json"
    return json.loads(place.read_text("utf-8")).get("model_sha256") if place.exists() else None


def judge(entry: Entry) -> Gate:
    """Run a model's checks on its evidence."""
    evidence = gather(entry)
    return run_checks(entry, folder_digest(evidence.folder), evidence)


def judge_all(entries: Mapping[str, Entry], *, at_once: int = 2) -> list[Gate]:
    """Run the checks of every model that was fitted; one that is not applicable to this source has none.

    Parameters
    ----------
    at_once : int
        Models that are judged side by side, in processes: hundreds of small tables are scored for each. The outcome
        does not depend on it.
    """
    fitted = [entry for name, entry in entries.items() if catalog.reason_not_applicable(f"{name}_metrics") is None]
    for entry in entries.values():
        asked_checks(entry)  # a code that no check has is said before anything is judged
    if at_once == 1:
        return [judge(entry) for entry in fitted]
    with ProcessPoolExecutor(at_once, get_context("spawn")) as pool:
        return list(pool.map(judge, fitted))


def by_model(entries: Mapping[str, Entry], gates: list[Gate]) -> dict[str, pd.DataFrame]:
    """One table per model: its checks and the digest that they speak of; empty for a model that does not apply."""
    found = {gate.model: gate.table().assign(digest=gate.digest) for gate in gates}
    return {name: found.get(name, pd.DataFrame({"code": [], "digest": []})) for name in entries}


def side_by_side(gates: list[Gate]) -> pd.DataFrame:
    """One row per model and check."""
    tables = [gate.table().assign(model=gate.model) for gate in gates]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"model": []})
