"""Reviewers' decisions against a real MLflow store: who may, what it takes, what is refused, what is found."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from afraz import tracking
from afraz.errors import AfrazError, GateError, LedgerError
from afraz.governance import agenda, aliases, champions, registry, review
from afraz.governance.history import champion_on, in_use
from afraz.governance.ledger import Ledger, ledger
from afraz.governance.verification import ledger_faults

AddVersion = Callable[..., int]
pytestmark = pytest.mark.slow


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda name: monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)


def _by_hand(model: str, version: int) -> None:
    tracking.client().set_registered_model_alias(model, "champion", str(version))


def test_an_approval_makes_a_champion_and_everybody_can_read_who_and_why(
    add_version: AddVersion, acting: Callable[[str], None]
) -> None:
    acting("ana")
    first, second = add_version(0), add_version(1)
    assert [w.version for w in agenda.agenda().waiting] == [second, first]
    acting("ben")
    review.comment("churn", first, "recency reads well")
    review.approve("churn", first, "better in every month")
    waits = agenda.agenda()
    assert [w.version for w in waits.waiting] == [second]
    assert waits.champions["churn"].who == "ben"
    assert not waits.warnings
    kept = tracking.client().get_model_version("churn", str(first))
    assert kept.tags["afraz.review"] == "champion"
    assert kept.tags["afraz.review.note"] == "better in every month"
    said = [(d.who, d.action, d.note) for d in ledger().decisions("churn") if d.version == first]
    assert said == [
        ("ana", "registered", ""), ("ben", "commented", "recency reads well"),
        ("ben", "approved", "better in every month"), ("ben", "champion", "better in every month"),
    ]  # fmt: skip
    with pytest.raises(GateError, match="version 1 is the champion already"):
        review.approve("churn", first, "")


def test_who_built_a_version_cannot_approve_it_alone_where_two_must_agree(
    add_version: AddVersion, acting: Callable[[str], None]
) -> None:
    acting("ana")
    version = add_version(0, model="credit")
    alone = review.approve("credit", version, "mine")
    assert alone.missing == "1 of 2 approvals, by ana: somebody else has to agree"
    with pytest.raises(GateError, match="ana approved credit version 1 before: 1 of 2 approvals"):
        review.approve("credit", version, "again")
    with pytest.raises(GateError, match="credit has no champion"):
        registry.resolve_champion("credit")
    acting("ben")
    assert review.approve("credit", version, "agreed").missing == ""
    assert registry.resolve_champion("credit").version == version


def test_what_failed_or_was_rejected_needs_a_reason_that_stays(
    add_version: AddVersion, acting: Callable[[str], None]
) -> None:
    failed, rejected = add_version(0, "fail"), add_version(1)
    with pytest.raises(GateError, match="version 1 failed AFZ001"):
        review.approve("churn", failed, "")
    with pytest.raises(GateError, match="version 2 failed AFZ012"):
        review.approve("churn", rejected, "", failed=("AFZ012",))
    with pytest.raises(GateError, match="a rejection needs a note"):
        review.reject("churn", rejected, " ")
    acting("ben")
    review.reject("churn", rejected, "sees the future")
    assert [w.version for w in agenda.agenda().waiting] == [failed]
    with pytest.raises(GateError, match="was rejected by ben .sees the future."):
        review.approve("churn", rejected, "")
    review.approve("churn", failed, "", override_reason="the old one is worse")
    tags = tracking.client().get_model_version("churn", str(failed)).tags
    assert tags["afraz.override_reason"] == "the old one is worse"
    assert "although it failed AFZ001: the old one is worse" in in_use("churn", "2999-01-01")[1]
    with pytest.raises(GateError, match="is the champion: `afraz rollback churn` first"):
        review.reject("churn", failed, "no")


def test_a_rollback_goes_back_through_history_and_no_further(add_version: AddVersion) -> None:
    for seed in range(3):
        review.approve("churn", add_version(seed), "")
    assert [review.rollback("churn", "").line.version for _ in range(2)] == [2, 1]
    assert registry.resolve_champion("churn").version == 1
    with pytest.raises(GateError, match="nothing to roll back to"):
        review.rollback("churn", "")
    assert ledger_faults() == []


def test_an_alias_moved_by_hand_stops_scoring_until_somebody_decides(add_version: AddVersion) -> None:
    first, second = add_version(0), add_version(1)
    review.approve("churn", first, "")
    _by_hand("churn", second)
    message = "points at version 2, the ledger says version 1 .* moved outside of Afraz"
    with pytest.raises(GateError, match=message):
        registry.resolve_champion("churn")
    assert registry.resolve_champion("churn", accept_moved_alias=True).version == second
    assert "moved outside of Afraz" in agenda.agenda().warnings[0]
    assert "moved outside of Afraz" in ledger_faults()[0]
    registry.point_at_champions(["churn"])  # what sync does: git's file does not follow a move that nobody approved
    assert champions.read_champions()["churn"] == agenda.agenda().champions["churn"].digest
    assert agenda.agenda().champions["churn"].version == first
    review.restore("churn")
    assert registry.resolve_champion("churn").version == first
    with pytest.raises(GateError, match="nothing to restore"):
        review.restore("churn")

    tracking.client().delete_registered_model_alias("churn", "champion")
    with pytest.raises(GateError, match="the alias champion is gone"):
        registry.resolve_champion("churn")
    with pytest.raises(GateError, match="the alias champion is gone"):
        registry.champion_in_use("churn")
    review.restore("churn")
    _by_hand("churn", second)
    review.approve("churn", second, "it is better, after all")
    assert registry.resolve_champion("churn").version == second


def test_what_was_in_use_on_a_day_is_told_from_the_ledger(
    add_version: AddVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    from afraz.governance import ledger as module

    class Clock(dt.datetime):
        today = "2026-01-05T08:00:00"

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Clock":
            return cls.fromisoformat(cls.today).replace(tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Clock)
    for day, seed in (("2026-01-05T08:00:00", 0), ("2026-03-01T09:00:00", 1), ("2026-03-01T17:00:00", 2)):
        Clock.today = day
        review.approve("churn", add_version(seed), f"as of {day[:10]}")
    assert champion_on("churn", "2026-02-28").version == 1
    assert champion_on("churn", "2026-03-01T12:00").version == 2
    lines = in_use("churn", "2026-03-01")
    assert "version 3" in lines[0]
    assert len(lines) == 3
    assert "earlier that day: version 2" in lines[2]
    with pytest.raises(GateError, match="no champion on 2026-01-04: its first was named 2026-01-05T08:00"):
        champion_on("churn", "2026-01-04")


def test_a_broken_ledger_stops_a_move_before_the_alias_is_touched(add_version: AddVersion) -> None:
    first, second = add_version(0), add_version(1)
    review.approve("churn", first, "")
    book = ledger()
    lines = book.file.read_bytes().splitlines(keepends=True)
    book.file.write_bytes(b"".join(lines[:-1]))  # the move to version 1 is gone
    with pytest.raises(LedgerError, match="lines were removed or altered"):
        registry.move_alias("churn", second, "champion")
    assert tracking.client().get_model_version_by_alias("churn", "champion").version == first
    book.head.write_text(f"{book.decisions()[-1].number} {book.decisions()[-1].seal}\n")  # and so is its trace
    assert any("which the ledger does not hold" in fault for fault in ledger_faults())


def test_a_store_from_before_the_ledger_is_taken_over_but_a_lost_ledger_is_not(add_version: AddVersion) -> None:
    version = add_version(0)
    for file in (ledger().file, ledger().head):
        file.unlink()
    _by_hand("churn", version)
    assert registry.adopt("churn")
    assert registry.resolve_champion("churn").version == version
    assert not registry.adopt("churn")
    for file in (ledger().file, ledger().head):
        file.unlink()
    assert not registry.adopt("churn")
    assert "which the ledger does not hold" in ledger_faults()[0]


class _Stub:
    """What a move asks of MLflow, answered at once."""

    def set_registered_model_tag(self, *_: str) -> None:
        """Take the seal."""


def _move_often(times: int) -> None:
    for version in range(1, times + 1):
        registry.record_move(_Stub(), "churn", version, f"{version:064d}", "champion")


def test_a_thousand_moves_by_eight_processes_lose_nothing(rules: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    workers = [spawn.Process(target=_move_often, args=(125,)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 8
    book = Ledger(ledger().file)
    lines = book.decisions("churn")
    assert [line.number for line in lines] == list(range(1, 1001))
    assert book.faults() == []
    assert champions.read_champions() == {"churn": lines[-1].digest}


def test_aliases_asked_directly_are_those_that_mlflow_knows(
    add_version: AddVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aliases.champion_aliases() == {}
    review.approve("churn", add_version(0), "")
    review.approve("credit", add_version(1, model="credit"), "", override_reason="nobody else is here")
    asked = {
        name: tracking.client().get_model_version_by_alias(name, "champion").version for name in ("churn", "credit")
    }
    assert aliases.champion_aliases() == {name: int(found) for name, found in asked.items()}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/absent.db")
    assert aliases.champion_aliases() == {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(AfrazError, match="the MLflow server does not answer"):
        aliases.champion_aliases()


def test_the_champion_asked_directly_is_mlflows_and_a_version_altered_by_hand_is_none(
    add_version: AddVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aliases.tagged_champion("churn", registry.MODEL_DIGEST) is None
    first = add_version(0)
    add_version(1)
    assert aliases.tagged_champion("churn", registry.MODEL_DIGEST) is None  # a version, not yet in use
    review.approve("churn", first, "")
    opened = tracking.client()
    known = opened.get_model_version_by_alias("churn", "champion")
    asked = aliases.tagged_champion("churn", registry.MODEL_DIGEST)
    assert asked == (int(known.version), known.tags[registry.MODEL_DIGEST]) == (1, known.tags[registry.MODEL_DIGEST])
    assert aliases.tagged_champion("credit", registry.MODEL_DIGEST) is None

    opened.set_model_version_tag("churn", "1", registry.MODEL_DIGEST, "0" * 64)
    with pytest.raises(GateError, match="moved outside of Afraz"):
        registry.resolve_champion("churn")
    opened.delete_model_version_tag("churn", "1", registry.MODEL_DIGEST)
    assert aliases.tagged_champion("churn", registry.MODEL_DIGEST) == (1, "")
    with pytest.raises(GateError, match="version 1 was not registered by Afraz: it has no digest"):
        registry.resolve_champion("churn", accept_moved_alias=True)

    opened.delete_model_version("churn", "1")
    assert aliases.tagged_champion("churn", registry.MODEL_DIGEST) is None
    with pytest.raises(GateError, match="the alias champion is gone"):
        registry.resolve_champion("churn")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")  # a folder: no database answers there
    with pytest.raises(AfrazError, match="the tracking database does not answer"):
        aliases.tagged_champion("churn", registry.MODEL_DIGEST)
