"""What this machine and this checkout have, what is missing, and how to get it."""

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .. import catalog
from ..data.sources.choice import chosen
from ..errors import AfrazError
from ..params import load_params

_LIBRARIES = (
    "pandas", "duckdb", "ibis-framework", "pandera", "lightgbm", "scikit-learn", "optuna", "mlflow", "dvc",
    "papermill", "jupytext", "shap", "woodelf-explainer", "optbinning", "fairlearn",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    state: Literal["ok", "missing", "broken"]
    detail: str


def examine() -> list[Finding]:
    """Look at versions, workspace, tracking database, sources, data, champions and their ledger."""
    return [*_versions(), *_database(), *_sources(), *_datasets(), *_champions(), *_ledger()]


def _versions() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    yield Finding(
        "python", "ok" if good else "broken", sys.version.split()[0] + ("" if good else ": 3.11 or newer is needed")
    )
    for name in _LIBRARIES:
        try:
            yield Finding(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "broken", "not installed: make setup")


def _database() -> Iterator[Finding]:
    from ..tracking import client, tracking_uri

    try:
        client()
        shown = tracking_uri()
        yield Finding("tracking database", "ok", shown if "@" not in shown else shown.rpartition("@")[2])
    except AfrazError as error:
        yield Finding("tracking database", "broken", str(error))


def _sources() -> Iterator[Finding]:
    try:
        params = load_params("ingest", catalog.root())
        sources = chosen(params["sources"], params["source"])
    except AfrazError as error:
        yield Finding("sources", "broken", str(error))
        return
    for source in sources:
        kind, place = source.get("kind", "?"), source.get("path")
        if source.get("url_env") and not os.environ.get(source["url_env"]):
            yield Finding(
                f"source {kind}", "missing", f"set the environment variable {source['url_env']} to the database URL"
            )
        elif place and not (catalog.root() / place).exists():
            how = "run `dvc repro simulate`" if kind == "demo" else "mend the path in params/ingest.yaml"
            yield Finding(f"source {kind}", "missing", f"{place}: {how}")
        else:
            yield Finding(f"source {kind}", "ok", str(place or source.get("url_env") or ""))
    public = os.environ.get("AFRAZ_PUBLIC_DATA")
    yield Finding(
        "public data sets", "ok" if public and os.path.isdir(public) else "missing",
        public or "set AFRAZ_PUBLIC_DATA to their folder to run the studies on real data",
    )  # fmt: skip


def _datasets() -> Iterator[Finding]:
    for name in ("canonical", "features", "applications", "churn_model", "credit_model", "checks"):
        there = catalog.path(name).exists()
        stage = catalog.dataset(name).stage
        yield Finding(
            name, "ok" if there else "missing", catalog.dataset(name).path if there else f"run `dvc repro {stage}`"
        )


def _champions() -> Iterator[Finding]:
    from ..governance.champions import read_champions
    from ..governance.entries import registry_entries
    from ..governance.registry import alias_moved, resolve_champion

    for name in registry_entries():
        try:
            moved = alias_moved(name)
            if moved:
                yield Finding(f"champion {name}", "broken", moved)
                continue
            now = resolve_champion(name)
            stated = read_champions().get(name)
            if stated == now.digest:
                yield Finding(f"champion {name}", "ok", f"version {now.version}, {now.digest[:12]}")
            else:
                yield Finding(f"champion {name}", "broken", "mlflow/champions.json says otherwise: run `afraz sync`")
        except AfrazError as error:
            yield Finding(f"champion {name}", "missing", str(error))


def _ledger() -> Iterator[Finding]:
    from ..governance.ledger import ledger

    faults = ledger().faults()
    if faults:
        yield Finding("ledger", "broken", f"{faults[0]}; see `afraz ledger verify`")
    else:
        yield Finding("ledger", "ok", f"{len(ledger().decisions())} lines, each sealed")
