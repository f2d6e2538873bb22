"""The only place that writes the model registry: versions, the alias ``champion``, and the ledger's line for each."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalog import to_json
from ..digests import text_digest
from ..errors import ArtifactError, GateError, NotApplicable, NotPermittedError
from ..models.artifact import folder_digest
from ..run_notes import origin_tags, version_tag
from ..tracking import client, refused, store_lock, tracking_uri
from .aliases import tagged_champion
from .champions import point, read_champions
from .entries import Entry, chosen_entries
from .gates import Gate
from .ledger import Action, Decision, ledger
from .package import PACKAGE, fetch, pack
from .standing import champion, champions, moved_alias

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ALIAS = "champion"
MODEL_DIGEST = "afraz.model_digest"
GATES = "afraz.gates"
FAILED = "afraz.failed_checks"
JUDGED = "afraz.judged"
DOSSIER = "afraz.dossier"  # the judgement that the dossier tells of
SEAL = "afraz.ledger"


@dataclass(frozen=True)
class Champion:
    """The version in use: ``folder`` holds the model, checked against ``digest``."""

    name: str
    version: int
    digest: str
    folder: Path


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
    evidence = {"gates": "passed" if gate.passed else "failed", "failed": " ".join(gate.failures), "run": run_id}
    judged = {GATES: evidence["gates"], FAILED: evidence["failed"], JUDGED: text_digest(to_json(gate.to_dict()))}
    with store_lock(), ledger().held():
        known = _version_of(opened, gate.model, found)
        if known is None:
            _ensure_model(opened, entry)
            source = pack(opened, folder, run_id, f"{PACKAGE}-{found[:12]}")
            origin = origin_tags(opened.get_run(run_id).data.tags)
            known = opened.create_model_version(
                gate.model, source=source, run_id=run_id, tags={MODEL_DIGEST: found, **judged, **origin}
            )
            for tag, value in version_tag(gate.model, int(known.version)).items():
                opened.set_tag(run_id, tag, value)
            ledger().append(gate.model, "registered", int(known.version), found, evidence=evidence)
        elif not any(d.version == int(known.version) for d in ledger().decisions(gate.model)):
            # its first sync died between the registry and the ledger
            ledger().append(gate.model, "registered", int(known.version), found, evidence=evidence)
        elif any(known.tags.get(tag) != value for tag, value in judged.items()):
            # the same model, judged anew: what is said of it is the last judgement
            describe(gate.model, int(known.version), judged)  # the server is asked first: who may not leaves no line
            ledger().append(gate.model, "judged", int(known.version), found, evidence=evidence)
    return int(known.version)


def _ensure_model(opened: "MlflowClient", entry: Entry) -> None:
    if not opened.search_registered_models(f"name = '{entry.name}'"):
        opened.create_registered_model(
            entry.name, tags={"afraz.owner": entry.owner, "afraz.tier": str(entry.tier)},
            description=f"{entry.purpose}\n\nLimits: {entry.limits}",
        )  # fmt: skip


def _version_of(opened: "MlflowClient", name: str, digest: str) -> "ModelVersion | None":
    # newest first: a tag filter joins tables of every version, which the registry does not index
    for version in all_versions(opened, name):
        if version.tags.get(MODEL_DIGEST) == digest:
            return version
    return None


def resolve_champion(name: str, accept_moved_alias: bool = False) -> Champion:
    """Resolve the alias once, fetch the version's folder, and hold it against its digest.

    Parameters
    ----------
    accept_moved_alias : bool
        Go on with a champion that the ledger does not know, because somebody moved the alias outside of Afraz.

    Raises
    ------
    GateError
        If the model has no champion in this store, or another one than the ledger says.
    ArtifactError
        If the files are not those that were registered.
    """
    chosen_entries([name])
    found = _in_use(name)
    moved = _disagreement(name, found)
    if moved and not accept_moved_alias:
        raise GateError(moved)
    if found is None:
        wanted = read_champions().get(name)
        hint = (
            f"mlflow/champions.json names {wanted[:12]}, which this store does not hold: set MLFLOW_TRACKING_URI to "
            "the store that does, or put {} into the file and run `dvc repro`"
            if wanted
            else "run `dvc repro govern`: the first version that passes its checks becomes champion"
        )
        raise GateError(f"{name} has no champion: {hint}")
    version, digest = found
    if not digest:
        raise GateError(_foreign(name, version))
    return Champion(name, version, digest, fetch(name, version, digest))


def alias_moved(name: str) -> str | None:
    """Say what the alias was moved to outside of Afraz; None where alias and ledger agree."""
    return _disagreement(name, _in_use(name))


def _in_use(name: str) -> tuple[int, str] | None:
    """Version and digest under the alias: a database is asked directly, a team server through MLflow."""
    if not tracking_uri().startswith("http"):
        return tagged_champion(name, MODEL_DIGEST)
    version = _alias(client(), name)
    return None if version is None else (int(version.version), version.tags.get(MODEL_DIGEST, ""))


def _disagreement(name: str, found: tuple[int, str] | None) -> str | None:
    line = champion(ledger().decisions(name))
    if found == ((line.version, line.digest) if line is not None else None):
        return None
    return moved_alias(name, found[0] if found is not None else None, line)


def _foreign(name: str, version: int) -> str:
    return f"{name} version {version} was not registered by Afraz: it has no digest and no checks"


def champion_in_use(name: str) -> Champion:
    """Resolve the champion for a stage of the pipeline, which goes on where a model has none yet.

    Raises
    ------
    NotApplicable
        If the model has no champion: no version has passed its checks, and none was crowned.
    GateError, ArtifactError
        As :func:`resolve_champion`.
    """
    if name not in read_champions() and _in_use(name) is None and champion(ledger().decisions(name)) is None:
        raise NotApplicable(f"{name} has no champion: no version has passed its checks (experiments/runs/govern)")
    return resolve_champion(name)


def version_of(name: str, digest: str) -> Champion:
    """Fetch the version of a model that has this digest, champion or not.

    Raises
    ------
    GateError
        If the store does not hold it.
    """
    version = _version_of(client(), name, digest)
    if version is None:
        raise GateError(
            f"{name}: no version with digest {digest[:12]} in this store: it was deleted, or made elsewhere"
        )
    return Champion(name, int(version.version), digest, fetch(name, int(version.version), digest))


def move_alias(
    name: str, version: int, action: Action, *, note: str = "", evidence: Mapping[str, str] | None = None
) -> Decision:
    """Point the alias at a version, write the ledger's line, and rewrite ``mlflow/champions.json``: the three as one.

    Whether the version may be used has been asked: see :mod:`afraz.governance.review`.

    Raises
    ------
    GateError
        If the version is unknown, inside a DVC experiment, or if the server does not let this user.
    LedgerError
        If the ledger is broken; the alias stays where it was.
    """
    if os.environ.get("DVC_EXP_NAME"):
        raise GateError("an experiment never crowns a champion: apply it first (`dvc exp apply`), then run again")
    opened = client()
    digest = version_tags(opened, name, version)[MODEL_DIGEST]
    with store_lock(), ledger().held():
        ledger().check_end()
        with permitted(f"moving the alias {ALIAS} of {name}"):
            opened.set_registered_model_alias(name, ALIAS, str(version))
        return record_move(opened, name, version, digest, action, note=note, evidence=evidence)


def record_move(
    opened: "MlflowClient", name: str, version: int, digest: str, action: Action, *, note: str = "",
    evidence: Mapping[str, str] | None = None,
) -> Decision:  # fmt: skip
    """Write a move down: a line of the ledger, its seal on the model in MLflow, and the pointer file."""
    with ledger().held():
        line = ledger().append(name, action, version, digest, note=note, evidence=evidence)
        opened.set_registered_model_tag(name, SEAL, f"{line.number} {line.seal}")
        point({name: digest})
        return line


def version_tags(opened: "MlflowClient", name: str, version: int) -> dict[str, str]:
    """The tags of a version.

    Raises
    ------
    GateError
        If the registry does not know it, or it was not registered by Afraz.
    """
    from mlflow.exceptions import MlflowException

    try:
        tags = dict(opened.get_model_version(name, str(version)).tags)
    except MlflowException:
        raise GateError(f"{name} has no version {version} in the registry: see `afraz champion {name}`") from None
    if MODEL_DIGEST not in tags:
        raise GateError(_foreign(name, version))
    return tags


def crown_first(name: str, gate: Gate, version: int) -> bool:
    """Make a version champion if its checks passed and the model never had one, here or in ``champions.json``."""
    if not gate.passed or os.environ.get("DVC_EXP_NAME"):
        return False
    named = read_champions().get(name)
    opened = client()
    if _alias(opened, name) is not None or named not in {None, gate.digest} or champion(ledger().decisions(name)):
        return False
    try:
        move_alias(name, version, "champion", note="the first version that passed its checks")
    except NotPermittedError:  # on a team server only a reviewer moves an alias: the version waits for one
        return False
    fetch(name, version, gate.digest)  # the stages that score find their copy, and need not load MLflow for it
    return True


def point_at_champions(names: list[str]) -> None:
    """Bring ``mlflow/champions.json`` up to the ledger, after a move that was made in another clone."""
    with ledger().held():
        point({name: move.digest for name, move in champions(ledger().decisions()).items() if name in names})


def adopt(name: str) -> bool:
    """Begin the ledger of a model that had versions before there was one; does nothing where it has a line.

    A model that carries a seal had a ledger: its absence is a finding, not a beginning.
    """
    opened = client()
    if ledger().decisions(name):
        return False
    known = opened.search_registered_models(f"name = '{name}'")
    if not known or SEAL in known[0].tags:
        return False
    for version in reversed(all_versions(opened, name)):
        if MODEL_DIGEST in version.tags:
            evidence = {"gates": version.tags.get(GATES, "unknown"), "failed": version.tags.get(FAILED, ""),
                        "run": version.run_id or ""}  # fmt: skip
            ledger().append(name, "registered", int(version.version), version.tags[MODEL_DIGEST], evidence=evidence,
                            note="before the ledger began")  # fmt: skip
    current = _alias(opened, name)
    if current is not None and MODEL_DIGEST in current.tags:
        digest = current.tags[MODEL_DIGEST]
        record_move(opened, name, int(current.version), digest, "champion", note="in use before the ledger began")
    return True


def seals() -> dict[str, tuple[int, str]]:
    """Number and seal of each model's last move as MLflow keeps them: the ledger must hold these very lines."""
    found = {}
    for model in client().search_registered_models():
        number, _, seal = model.tags.get(SEAL, "").partition(" ")
        if seal:
            found[model.name] = (int(number), seal)
    return found


def has_dossier(name: str, version: int) -> bool:
    """Whether the dossier beside a version's run tells of its last judgement."""
    tags = client().get_model_version(name, str(version)).tags
    return JUDGED in tags and tags.get(DOSSIER) == tags[JUDGED]


def describe(name: str, version: int, tags: Mapping[str, str], description: str | None = None) -> None:
    """Put tags on a version, and a description, so that a reviewer finds them in MLflow."""
    opened = client()
    with permitted(f"describing {name} version {version}"):
        for tag, value in tags.items():
            opened.set_model_version_tag(name, str(version), tag, value)
        if description is not None:
            opened.update_model_version(name, str(version), description=description)


def versions(name: str) -> list[dict[str, Any]]:
    """List the versions of a model, newest first: version, digest, gates, champion."""
    opened = client()
    current = _alias(opened, name)
    return [
        {
            "version": int(v.version),
            "digest": v.tags.get(MODEL_DIGEST, "")[:12],
            "gates": v.tags.get(GATES, "unknown"),
            "champion": current is not None and v.version == current.version,
        }
        for v in all_versions(opened, name)
    ]


def all_versions(opened: "MlflowClient", name: str) -> "list[ModelVersion]":
    """List every version of a model, newest first."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = opened.search_model_versions(
            f"name = '{name}'", order_by=["version_number DESC"], max_results=1000, page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def _alias(opened: "MlflowClient", name: str) -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return opened.get_model_version_by_alias(name, ALIAS)
    except MlflowException:
        return None


@contextmanager
def permitted(what: str) -> Iterator[None]:
    """Turn the server's refusal into an error that says what to do.

    Raises
    ------
    NotPermittedError
        If the server does not let this user do it.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        said = refused(error)
        if said is None:
            raise
        raise NotPermittedError(f"{said} ({what}): ask a reviewer") from None
