"""What ``mlflow/registry.yaml`` states of each model: read without pandas or MLflow, so that asking is quick."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import catalog
from ..errors import GateError, nearest
from ..params import read_yaml

_FIELDS = {"owner", "tier", "approvals", "valid_for_days", "purpose", "limits", "checks", "bounds"}


@dataclass(frozen=True)
class Entry:
    """A model's row: ``approvals`` reviewers must say yes; ``valid_for_days`` after its last outcome it is too old."""

    name: str
    owner: str
    tier: int
    approvals: int
    valid_for_days: int
    purpose: str
    limits: str
    checks: tuple[str, ...]
    bounds: Mapping[str, float]


def read_entries(file: Path) -> dict[str, Entry]:
    """Read the registry's rules; whether its checks exist, :func:`afraz.governance.gates.asked_checks` asks.

    Raises
    ------
    GateError
        For an unknown field, a missing field, or a tier, approvals or days that are no whole number above 0.
    """
    entries = {}
    for name, raw in read_yaml(file).items():
        for field in raw:
            if field not in _FIELDS:
                raise GateError(f"{file.name}: {name}: unknown field {field!r}: {nearest(field, _FIELDS)}")
        missing = sorted(_FIELDS - set(raw))
        if missing:
            raise GateError(f"{file.name}: {name}: {', '.join(missing)} missing: every model states them")
        for field in ("tier", "approvals", "valid_for_days"):
            if type(raw[field]) is not int or raw[field] < 1:
                raise GateError(f"{file.name}: {name}: {field} must be a whole number above 0, got {raw[field]!r}")
        entries[name] = Entry(name, **{**raw, "checks": tuple(raw["checks"])})
    return entries


def registry_entries() -> dict[str, Entry]:
    """The workspace's ``mlflow/registry.yaml``."""
    return read_entries(catalog.root() / "mlflow" / "registry.yaml")


def chosen_entries(models: list[str]) -> dict[str, Entry]:
    """Look models up.

    Raises
    ------
    GateError
        For one that ``mlflow/registry.yaml`` does not know.
    """
    entries = registry_entries()
    for name in models:
        if name not in entries:
            raise GateError(f"no model {name!r} in mlflow/registry.yaml: {nearest(name, entries)}")
    return {name: entries[name] for name in models}
