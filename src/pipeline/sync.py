"""Bring MLflow up to what the stage folders say: runs, versions, the first champion. Twice changes nothing."""

import json
from dataclasses import dataclass
from pathlib import Path

from .. import catalog
from ..governance.checks import Outcome
from ..governance.entries import registry_entries
from ..governance.gates import Gate
from ..governance.ledger import ledger
from ..governance.registry import adopt, crown_first, has_dossier, point_at_champions, register
from ..models.artifact import folder_digest
from ..tracking import record_stages
from . import sync_state
from .monitored import record_monitored
from .scored import record_scored


@dataclass(frozen=True)
class Synced:
    """What :func:`sync` did: new runs by stage, registered versions by model, models that got their first champion."""

    new_runs: tuple[str, ...]
    versions: dict[str, int]
    crowned: tuple[str, ...]


def sync() -> Synced:
    """Record stage folders that have no run, register checked models, and copy the aliases into git's file."""
    root = catalog.root()
    read = sync_state.inputs()
    recorded = record_stages(root / "experiments" / "runs", root / "experiments" / "metrics")
    run_ids = {r.stage: r.run_id for r in recorded}
    versions: dict[str, int] = {}
    crowned = []
    checks = catalog.path("checks")
    entries = registry_entries()
    for name in entries if recorded else ():
        adopt(name)
    for raw in json.loads(checks.read_text("utf-8")) if checks.exists() else []:
        gate = Gate(raw["model"], raw["digest"], tuple(Outcome(**o) for o in raw["outcomes"]))
        folder = catalog.path(f"{gate.model}_model")
        if gate.model not in run_ids or not folder.exists():
            continue  # checked earlier, its stage is being made anew
        if _stale(gate, folder):
            continue
        versions[gate.model] = register(gate, folder, run_ids[gate.model], entries[gate.model])
        if crown_first(gate.model, gate, versions[gate.model]):
            crowned.append(gate.model)
        if not has_dossier(gate.model, versions[gate.model]):
            from .review import prepare  # features and figures: seconds that most calls need not wait

            prepare(gate, versions[gate.model])
    with ledger().held():
        record_scored()
        record_monitored()
        point_at_champions(list(entries))
        sync_state.remember(read)
    return Synced(tuple(r.stage for r in recorded if r.new), versions, tuple(crowned))


def _stale(gate: Gate, folder: Path) -> bool:
    return folder_digest(folder) != gate.digest  # the model is newer than its checks: govern has yet to run
