"""Who may do what on the team server: three roles, and every call of MLflow's API in one of four classes.

What is not listed here is for an administrator, so a route that a newer MLflow adds is refused until it is listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A user of the team server has one; an administrator needs none and may do everything."""

    READER = "reader"
    DATA_SCIENTIST = "data-scientist"
    REVIEWER = "reviewer"


# Calls are named as in MLflow's API; those without a message have the name of their function in the server.
# Reads that travel as a POST
QUERIES = frozenset({
    "GetLatestVersions", "SearchDatasets", "SearchEvaluationDatasets", "SearchExperiments", "SearchLoggedModels",
    "SearchRuns", "serve_search_datasets",
})  # fmt: skip
# Experiments, runs, artifacts: the daily work
WORK = frozenset({
    "AbortMultipartUpload", "CompleteMultipartUpload", "CreateExperiment", "CreateLoggedModel", "CreateMultipartUpload",
    "CreateRegisteredModel", "CreateRun", "DeleteExperimentTag", "DeleteLoggedModelTag", "DeleteTag",
    "FinalizeLoggedModel", "LogBatch", "LogInputs", "LogLoggedModelParamsRequest", "LogMetric", "LogModel",
    "LogOutputs", "LogParam", "SetExperimentTag", "SetLoggedModelTags", "SetTag", "UpdateRun", "UploadArtifact",
    "serve_upload_artifact",
})  # fmt: skip
# Those of them that write files: closed for runs with a version that was decided on
FILES = frozenset({
    "AbortMultipartUpload", "CompleteMultipartUpload", "CreateMultipartUpload", "UploadArtifact",
    "serve_upload_artifact",
})  # fmt: skip
# What a data scientist may say of a version, within the bounds of :func:`refusal`
VERSION = frozenset({"CreateModelVersion", "DeleteModelVersionTag", "SetModelVersionTag", "UpdateModelVersion"})
# Words of the refusal for what only a reviewer may do
REVIEW = {
    "SetRegisteredModelAlias": "move an alias",
    "DeleteRegisteredModelAlias": "delete an alias",
    "TransitionModelVersionStage": "move a version to another stage",
    "DeleteModelVersion": "delete a version",
    "DeleteRegisteredModel": "delete a registered model",
    "RenameRegisteredModel": "rename a registered model",
    "UpdateRegisteredModel": "change what is said of a registered model",
    "SetRegisteredModelTag": "tag a registered model",
    "DeleteRegisteredModelTag": "delete a tag of a registered model",
    "UpdateExperiment": "rename an experiment",
    "DeleteExperiment": "delete an experiment",
    "RestoreExperiment": "restore an experiment",
    "DeleteRun": "delete a run",
    "RestoreRun": "restore a run",
    "DeleteLoggedModel": "delete a logged model",
    "DeleteArtifact": "delete an artifact",
}
# MLflow lets everybody change their own password, and only that
OWN = frozenset({"update_user_password"})
# MLflow's page reports clicks to itself; with telemetry off nothing is kept or sent
SILENT = frozenset({"serve_post_ui_telemetry"})

OF_REVIEW = ("afraz.review", "afraz.override")
OF_REGISTRATION = "afraz.model_digest"
_OURS = ("afraz.", "mlflow.")


@dataclass(frozen=True)
class Call:
    """What a request asks for.

    ``name``: the message of MLflow's API, or the function that serves it. ``writes``: False for GET, HEAD, OPTIONS and
    GraphQL queries. ``tags``: the keys that it sets or deletes; ``describes``: it changes the description.
    ``decided``: the version that it names, or one of the run that it writes files of, bears an alias or a reviewer's
    word. ``places``: it chooses where on the server's disk, or beyond, artifacts lie.
    """

    name: str
    writes: bool = True
    places: bool = False
    tags: tuple[str, ...] = ()
    describes: bool = False
    decided: bool = False


def refusal(role: Role, call: Call) -> str | None:
    """Say why a role may not do what a call asks for; None if it may.

    A data scientist registers versions with tags and description, and may state the outcome of checks anew until a
    version bears an alias or a reviewer's word; the digest stays what it was at registration, and the tags of the
    review (``afraz.review…``, ``afraz.override…``) are a reviewer's from the start.

    Examples
    --------
    >>> refusal(Role.DATA_SCIENTIST, Call("LogBatch"))
    >>> refusal(Role.READER, Call("LogBatch"))
    'a reader may not write (LogBatch)'
    >>> refusal(Role.DATA_SCIENTIST, Call("SetRegisteredModelAlias"))
    'only a reviewer may move an alias'
    >>> refusal(Role.DATA_SCIENTIST, Call("SetModelVersionTag", tags=("afraz.gates",)))
    >>> refusal(Role.DATA_SCIENTIST, Call("SetModelVersionTag", tags=("afraz.gates",), decided=True))
    'only a reviewer may change afraz.gates of a version that was decided on or bears an alias'
    >>> refusal(Role.REVIEWER, Call("SetRegisteredModelAlias"))
    >>> refusal(Role.REVIEWER, Call("MergeRegisteredModels"))
    'only an administrator may do what is not listed (MergeRegisteredModels)'
    """
    if not call.writes or call.name in QUERIES | OWN | SILENT:
        return None
    said = None
    if role is Role.READER:
        said = f"a reader may not write ({call.name})"
    elif call.name not in WORK | VERSION | set(REVIEW):
        said = f"only an administrator may do what is not listed ({call.name})"
    elif call.places:  # MLflow would write there as the server's own user
        said = "only an administrator may choose an artifact location: leave it out"
    elif role is Role.DATA_SCIENTIST:
        said = _beyond_a_data_scientist(call)
    return said


def _beyond_a_data_scientist(call: Call) -> str | None:
    if call.name in REVIEW:
        return f"only a reviewer may {REVIEW[call.name]}"
    if call.name in FILES and call.decided:
        return "only a reviewer may write files of a run with a version that was decided on or bears an alias"
    return _of_version(call) if call.name in VERSION else None


def _of_version(call: Call) -> str | None:
    reserved = [tag for tag in call.tags if tag.startswith(OF_REVIEW)]
    if reserved:
        return f"only a reviewer may write {reserved[0]}"
    if call.name == "CreateModelVersion":
        return None
    if OF_REGISTRATION in call.tags:
        return f"only a reviewer may change {OF_REGISTRATION}: it names the model that was registered"
    ours = [tag for tag in call.tags if tag.startswith(_OURS)] + (["the description"] if call.describes else [])
    if ours and call.decided:
        return f"only a reviewer may change {ours[0]} of a version that was decided on or bears an alias"
    return None


def is_decided(aliases: Iterable[str], tags: Iterable[str]) -> bool:
    """Tell whether a version bears an alias or a reviewer's word.

    Examples
    --------
    >>> is_decided([], ["afraz.gates", "note"]), is_decided(["champion"], []), is_decided([], ["afraz.review.by"])
    (False, True, True)
    """
    return bool(list(aliases)) or any(tag.startswith(OF_REVIEW) for tag in tags)
