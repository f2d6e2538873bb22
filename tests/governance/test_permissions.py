"""Who may do what, held against every call that the installed MLflow serves."""

import pytest

from afraz.governance.permissions import FILES, OWN, QUERIES, REVIEW, SILENT, VERSION, WORK, Call, Role, refusal


@pytest.fixture(scope="module")
def registry_writes() -> set[str]:
    """The calls of MLflow's registry that travel as anything but a GET."""
    from mlflow.server.handlers import get_endpoints

    return {
        message.__name__
        for _, message, methods in get_endpoints(lambda message: message)
        if getattr(getattr(message, "DESCRIPTOR", None), "file", None) is not None
        and message.DESCRIPTOR.file.name == "model_registry.proto"
        and set(methods) - {"GET"}
    }


def test_every_write_of_the_installed_registry_is_judged_by_name(registry_writes: set[str]) -> None:
    assert len(registry_writes) > 12
    assert registry_writes - (set(REVIEW) | VERSION | WORK | QUERIES) == set()
    assert registry_writes & WORK == {"CreateRegisteredModel"}
    assert registry_writes & QUERIES == {"GetLatestVersions"}


def test_the_classes_of_calls_do_not_overlap() -> None:
    classes = [QUERIES, WORK, VERSION, frozenset(REVIEW), OWN, SILENT]
    assert sum(map(len, classes)) == len(frozenset().union(*classes))
    assert FILES <= WORK


def test_only_a_reviewer_moves_deletes_and_renames() -> None:
    for name in REVIEW:
        assert refusal(Role.REVIEWER, Call(name)) is None
        assert refusal(Role.DATA_SCIENTIST, Call(name)) == f"only a reviewer may {REVIEW[name]}"
        assert refusal(Role.READER, Call(name)) == f"a reader may not write ({name})"


def test_a_reader_reads_and_changes_the_own_password() -> None:
    for name in WORK | VERSION | set(REVIEW) | {"SomethingNew"}:
        assert refusal(Role.READER, Call(name)) == f"a reader may not write ({name})"
    for name in QUERIES | OWN:
        assert refusal(Role.READER, Call(name)) is None
    assert refusal(Role.READER, Call("SomethingNew", writes=False)) is None


@pytest.mark.parametrize("role", [Role.DATA_SCIENTIST, Role.REVIEWER])
def test_what_is_not_listed_is_for_an_administrator(role: Role) -> None:
    for name in ("MergeRegisteredModels", "POST /api/4.0/mlflow/registered-models/alias", "assign_role", "create_user"):
        assert refusal(role, Call(name)) == f"only an administrator may do what is not listed ({name})"


def test_a_version_is_registered_with_everything_but_a_word_of_the_review() -> None:
    said = ("afraz.gates", "afraz.model_digest", "afraz.failed_checks", "note")
    assert refusal(Role.DATA_SCIENTIST, Call("CreateModelVersion", tags=said)) is None
    for tag in ("afraz.review.decision", "afraz.reviewed_by", "afraz.override_reason"):
        planted = Call("CreateModelVersion", tags=(*said, tag))
        assert refusal(Role.DATA_SCIENTIST, planted) == f"only a reviewer may write {tag}"
        assert refusal(Role.REVIEWER, planted) is None


@pytest.mark.parametrize("name", ["SetModelVersionTag", "DeleteModelVersionTag"])
def test_outcomes_are_stated_anew_until_somebody_decided_and_the_digest_never(name: str) -> None:
    def asked(tag: str, decided: bool) -> str | None:
        return refusal(Role.DATA_SCIENTIST, Call(name, tags=(tag,), decided=decided))

    assert asked("afraz.gates", decided=False) is None
    assert str(asked("afraz.gates", decided=True)).startswith("only a reviewer may change afraz.gates of a version")
    assert str(asked("mlflow.prompt.is_prompt", decided=True)).startswith("only a reviewer may change mlflow.prompt")
    assert asked("note", decided=True) is None
    for decided in (False, True):
        assert "names the model that was registered" in str(asked("afraz.model_digest", decided))
        assert asked("afraz.review.note", decided) == "only a reviewer may write afraz.review.note"


def test_description_and_files_are_closed_once_somebody_decided() -> None:
    for call, words in (
        (Call("UpdateModelVersion", describes=True), "only a reviewer may change the description"),
        *((Call(name), "only a reviewer may write files of a run") for name in sorted(FILES)),
    ):
        assert refusal(Role.DATA_SCIENTIST, call) is None
        closed = Call(call.name, describes=call.describes, decided=True)
        assert str(refusal(Role.DATA_SCIENTIST, closed)).startswith(words)
        assert refusal(Role.REVIEWER, closed) is None


def test_nobody_but_an_administrator_chooses_where_artifacts_lie() -> None:
    for role in (Role.DATA_SCIENTIST, Role.REVIEWER):
        assert refusal(role, Call("CreateExperiment")) is None
        assert "choose an artifact location" in str(refusal(role, Call("CreateExperiment", places=True)))
