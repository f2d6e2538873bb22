"""The only place that writes the model registry: versions, the alias ``champion``, and its copy in git."""

import json
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import catalog
from ..errors import ArtifactError, GateError, NotApplicable, nearest
from ..models.artifact import folder_digest, folder_inside, log_kwargs
from ..tracking import client, store_lock, store_root
from .gates import Entry, Gate, read_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"
MODEL_DIGEST = "afraz.model_digest"
GATES = "afraz.gates"
FAILED = "afraz.failed_checks"
PACKAGE = "package"


@dataclass(frozen=True)
class Champion:
    """The version in use: ``folder`` holds the model, checked against ``digest``."""

    name: str
    version: int
    digest: str
    folder: Path


def champions_file() -> Path:
    """``mlflow/champions.json`` of the workspace: model name → digest of its champion, in git."""
    return catalog.root() / "mlflow" / "champions.json"


def read_champions() -> dict[str, str]:
    file = champions_file()
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except ValueError:
        raise GateError(f"{file} is not JSON: restore it with `git checkout mlflow/champions.json`") from None


def registry_entries() -> dict[str, Entry]:
    return read_registry(catalog.root() / "mlflow" / "registry.yaml")


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


def register(gate: Gate, folder: Path, run_id: str, entry: Entry) -> int:
    """Register a model folder as a version of its model, once per digest; judged anew, it carries the new outcomes.

    Parameters
    ----------
    gate : Gate
        The outcomes of its checks; a version that failed is registered too, marked so, and cannot become champion.
    folder : Path
        The model folder; its digest must be the one that was checked.
    run_id : str
        The MLflow run that made it.

    Returns
    -------
    int
        The version.

    Raises
    ------
    ArtifactError
        If the folder is not the one that the checks saw.
    """
    found = folder_digest(folder)
    if found != gate.digest:
        raise ArtifactError(
            f"{gate.model}: the checks saw {gate.digest[:12]}, the folder is {found[:12]}: run `dvc repro govern`"
        )
    opened = client()
    with store_lock():
        known = _version_of(opened, gate.model, found)
        outcome = {GATES: "passed" if gate.passed else "failed", FAILED: " ".join(gate.failures)}
        said = "\n".join(f"- {o.code} {o.title}: **{o.status}** ({o.evidence})" for o in gate.outcomes)
        if known is not None:  # the same model, judged anew: what is said of it is the last judgement
            if known.description != said or any(known.tags.get(tag) != value for tag, value in outcome.items()):
                for tag, value in outcome.items():
                    opened.set_model_version_tag(gate.model, known.version, tag, value)
                opened.update_model_version(gate.model, known.version, description=said)
            return int(known.version)
        _ensure_model(opened, entry)
        source = _package(opened, folder, run_id, f"{PACKAGE}-{found[:12]}")
        version = opened.create_model_version(
            gate.model, source=source, run_id=run_id, tags={MODEL_DIGEST: found, **outcome}, description=said
        )
        return int(version.version)


def _ensure_model(opened: "MlflowClient", entry: Entry) -> None:
    if not opened.search_registered_models(f"name = '{entry.name}'"):
        opened.create_registered_model(
            entry.name, tags={"afraz.owner": entry.owner, "afraz.tier": str(entry.tier)},
            description=f"{entry.purpose}\n\nLimits: {entry.limits}",
        )  # fmt: skip


def _package(opened: "MlflowClient", folder: Path, run_id: str, place: str) -> str:
    """Save the model folder as an MLflow pyfunc without pickle, among the artifacts of its run."""
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings():
        # type hints of the model's code are not MLflow's business, and an input example would hold customers' data
        warnings.simplefilter("ignore", UserWarning)
        import mlflow.pyfunc

        package, copy = Path(temporary) / PACKAGE, Path(temporary) / "model"
        shutil.copytree(folder, copy)  # MLflow runs the code and caches it beside: the stage's output stays as it is
        mlflow.pyfunc.save_model(path=str(package), **log_kwargs(copy))
        opened.log_artifacts(run_id, str(package), place)
    return f"{opened.get_run(run_id).info.artifact_uri}/{place}"


def _version_of(opened: "MlflowClient", name: str, digest: str) -> "ModelVersion | None":
    # newest first: a tag filter joins tables of every version, which the registry does not index
    for version in opened.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"], max_results=1000):
        if version.tags.get(MODEL_DIGEST) == digest:
            return version
    return None


def resolve_champion(name: str) -> Champion:
    """Resolve the alias once, fetch the version's folder, and hold it against its digest.

    Raises
    ------
    GateError
        If the model has no champion in this store.
    ArtifactError
        If the files are not those that were registered.
    """
    chosen_entries([name])
    opened = client()
    version = _alias(opened, name)
    if version is None:
        wanted = read_champions().get(name)
        hint = (
            f"mlflow/champions.json names {wanted[:12]}, which this store does not hold: set MLFLOW_TRACKING_URI to "
            "the store that does, or put {} into the file and run `dvc repro`"
            if wanted
            else "run `dvc repro govern`: the first version that passes its checks becomes champion"
        )
        raise GateError(f"{name} has no champion: {hint}")
    digest = version.tags[MODEL_DIGEST]
    return Champion(name, int(version.version), digest, _fetch(version, digest))


def champion_in_use(name: str) -> Champion:
    """Resolve the champion for a stage of the pipeline, which goes on where a model has none yet.

    Raises
    ------
    NotApplicable
        If the model has no champion: no version has passed its checks, and none was crowned.
    GateError, ArtifactError
        As :func:`resolve_champion`.
    """
    if name not in read_champions() and _alias(client(), name) is None:
        raise NotApplicable(f"{name} has no champion: no version has passed its checks (experiments/runs/govern)")
    return resolve_champion(name)


def _alias(opened: "MlflowClient", name: str) -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return opened.get_model_version_by_alias(name, ALIAS)
    except MlflowException:
        return None


def _fetch(version: "ModelVersion", digest: str) -> Path:
    """Download into a folder named by the digest; a folder that is already there is checked, not trusted."""
    import mlflow.artifacts

    place = store_root() / "mlflow" / "store" / "models" / digest
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=_parent(place)) as temporary:
            package = mlflow.artifacts.download_artifacts(artifact_uri=version.source, dst_path=temporary)
            os.replace(folder_inside(Path(package)), _free(place))
    found = folder_digest(place)
    if found != digest:
        shutil.rmtree(place)  # a copy; the next call fetches it again and says if the source itself was altered
        raise ArtifactError(
            f"{version.name} version {version.version}: digest mismatch, its files are {found[:12]}, registered was "
            f"{digest[:12]}: they were altered; run again to fetch them anew, and if that fails register it again"
        )
    return place


def _parent(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.parent


def _free(place: Path) -> Path:
    if place.exists():  # a rival fetched it meanwhile
        shutil.rmtree(place)
    return place


def move_champion(name: str, version: int, reason: str | None = None) -> None:
    """Point the alias at a version whose checks passed, and say so in ``mlflow/champions.json``.

    Parameters
    ----------
    reason : str, optional
        Why a version that failed its checks is used all the same; it is kept on the version.

    Raises
    ------
    GateError
        If the version is unknown, or failed its checks and no reason is given, or inside a DVC experiment.
    """
    from mlflow.exceptions import MlflowException

    if os.environ.get("DVC_EXP_NAME"):
        raise GateError("an experiment never crowns a champion: apply it first (`dvc exp apply`), then run again")
    opened = client()
    try:
        found = opened.get_model_version(name, str(version))
    except MlflowException:
        raise GateError(f"{name} has no version {version} in the registry: see `make ui`") from None
    failed = found.tags.get(FAILED, "")
    if found.tags.get(GATES) != "passed" and not reason:
        raise GateError(
            f"{name} version {version} failed {failed or 'its checks'}: mend it, or give --reason to override"
        )
    if reason:
        opened.set_model_version_tag(name, str(version), "afraz.override_reason", reason)
    opened.set_registered_model_alias(name, ALIAS, str(version))
    write_champions(opened)


def write_champions(opened: "MlflowClient | None" = None) -> dict[str, str]:
    """Rewrite ``mlflow/champions.json`` from the aliases, keeping models that this store does not know."""
    opened = opened or client()
    with store_lock():
        before = read_champions()
        now = dict(before)
        for model in opened.search_registered_models():
            version = _alias(opened, model.name)
            if version is not None and MODEL_DIGEST in version.tags:
                now[model.name] = version.tags[MODEL_DIGEST]
        if now != before:
            file = champions_file()
            partial = file.with_name(f".{file.name}.{os.getpid()}")
            partial.write_text(catalog.to_json(now), "utf-8")
            os.replace(partial, file)
    return now


def crown_first(name: str, gate: Gate, version: int) -> bool:
    """Make a version champion if its checks passed and the model has none, here or in ``champions.json``."""
    if not gate.passed or os.environ.get("DVC_EXP_NAME"):
        return False
    named = read_champions().get(name)
    if _alias(client(), name) is not None or named not in {None, gate.digest}:
        return False
    move_champion(name, version)
    return True


def versions(name: str) -> list[dict[str, Any]]:
    """List the versions of a model, newest first: version, digest, gates, champion."""
    opened = client()
    champion = _alias(opened, name)
    return [
        {
            "version": int(v.version),
            "digest": v.tags.get(MODEL_DIGEST, "")[:12],
            "gates": v.tags.get(GATES, "unknown"),
            "champion": champion is not None and v.version == champion.version,
        }
        for v in opened.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])
    ]
