"""Ask the registry, changing nothing: which versions hold a model of this digest, and which one is in use."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .registry import ALIAS, FAILED, GATES, MODEL_DIGEST, all_versions

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Registered:
    """A version: its number, the run that made it, how its checks went, the aliases that point at it today."""

    version: int
    run_id: str
    checks: str
    failed: str
    aliases: tuple[str, ...]

    @property
    def in_use(self) -> bool:
        return ALIAS in self.aliases


def versions_with(opened: "MlflowClient", model: str, digest: str) -> list[Registered]:
    """List the versions of a model whose files have this digest, newest first."""
    from mlflow.exceptions import MlflowException

    try:
        pointed = opened.get_registered_model(model).aliases
    except MlflowException:  # no version was ever registered
        return []
    found = []
    for v in all_versions(opened, model):
        if v.tags.get(MODEL_DIGEST) == digest:
            names = tuple(sorted(name for name, version in pointed.items() if str(version) == str(v.version)))
            checks = v.tags.get(GATES, "unknown")
            found.append(Registered(int(v.version), str(v.run_id), checks, v.tags.get(FAILED, ""), names))
    return found
