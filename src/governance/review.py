"""A reviewer's decisions: comment, approve, reject, roll back; each a line of the ledger and a word in MLflow."""

from dataclasses import dataclass

from ..errors import GateError
from ..tracking import client, who
from .agenda import missing_approvals
from .entries import chosen_entries
from .ledger import Action, Decision, ledger
from .registry import alias_moved, describe, move_alias, version_tags
from .standing import Standing, champion, predecessor, standings

REVIEW = "afraz.review"
NOTE = "afraz.review.note"
OVERRIDE = "afraz.override_reason"


@dataclass(frozen=True)
class Decided:
    """What a decision led to: ``missing`` says what else is needed; empty where the version is champion now."""

    line: Decision
    missing: str = ""


def approve(
    model: str, version: int, note: str, *, override_reason: str | None = None, failed: tuple[str, ...] = ()
) -> Decided:
    """Say yes to a version; with the last approval that its model needs, it becomes champion.

    Parameters
    ----------
    note : str
        Why; it stays on the version and in the ledger.
    override_reason : str, optional
        Why a version is used although a check failed, it was rejected, or an approval is missing that a second person
        would have to give.
    failed : tuple of str
        Blocking checks that are judged at review and failed: worse than the champion, too old.

    Raises
    ------
    GateError
        If the version is unknown or in use, if a check failed or it was rejected and there is no reason to override, or
        if the same person said yes before.
    """
    entry = chosen_entries([model])[model]
    lines = ledger().decisions(model)
    standing, current = _standing(model, version, lines), champion(lines)
    moved = alias_moved(model)
    if current is not None and current.version == version and not moved:
        raise GateError(f"{model} version {version} is the champion already")
    blocking = (*standing.failed, *failed) or (("its checks",) if standing.gates != "passed" else ())
    if blocking and not override_reason:
        raise GateError(
            f"{model} version {version} failed {', '.join(blocking)}: mend it, or `--override --reason` to use it"
        )
    if standing.rejected and not override_reason:
        raise GateError(
            f"{model} version {version} was rejected by {standing.rejected.who} ({standing.rejected.note}): build "
            "another, or `--override --reason`"
        )
    if who() in standing.approved_by and missing_approvals(standing, entry) and not override_reason:
        raise GateError(f"{who()} approved {model} version {version} before: {missing_approvals(standing, entry)}")
    evidence = {"failed": " ".join(blocking), "override": override_reason or ""}
    line = _decide(model, version, standing.digest, "approved", note or override_reason or "", evidence)
    # read again: somebody else may have agreed in the same moment
    missing = missing_approvals(standings(ledger().decisions(model))[(model, version)], entry)
    if missing and not override_reason:
        describe(model, version, {REVIEW: f"approved, {missing}"})
        return Decided(line, missing)
    if override_reason:
        describe(model, version, {OVERRIDE: override_reason})
    return Decided(_move(model, version, "champion", note or override_reason or "", evidence))


def reject(model: str, version: int, note: str) -> Decided:
    """Say no to a version; it waits no longer.

    Raises
    ------
    GateError
        If the version is unknown or in use, or no note says why.
    """
    lines = ledger().decisions(model)
    standing, current = _standing(model, version, lines), champion(lines)
    if not note.strip():
        raise GateError("a rejection needs a note: who builds the next version has to know why")
    if current is not None and current.version == version:
        raise GateError(f"{model} version {version} is the champion: `afraz rollback {model}` first")
    line = _decide(model, version, standing.digest, "rejected", note, {})
    return Decided(line)


def comment(model: str, version: int, note: str) -> Decided:
    """Say something about a version.

    Raises
    ------
    GateError
        If the version is unknown or the note is empty.
    """
    standing = _standing(model, version, ledger().decisions(model))
    if not note.strip():
        raise GateError("a comment needs words")
    return Decided(_decide(model, version, standing.digest, "commented", note, {}))


def rollback(model: str, note: str) -> Decided:
    """Go back to what was in use before the champion; it was approved then and needs no new approval.

    Raises
    ------
    GateError
        If nothing was in use before.
    """
    chosen_entries([model])
    before = predecessor(ledger().decisions(model))
    if before is None:
        raise GateError(f"{model} had no champion before this one: nothing to roll back to")
    return Decided(_move(model, before.version, "rolled_back", note, {}))


def restore(model: str) -> Decided:
    """Point the alias at what the ledger says is in use, after somebody moved it outside of Afraz.

    Raises
    ------
    GateError
        If the ledger knows no champion, or the alias is where it should be.
    """
    chosen_entries([model])
    current = champion(ledger().decisions(model))
    if current is None:
        raise GateError(f"the ledger knows no champion of {model}: `afraz approve {model} --version …`")
    moved = alias_moved(model)
    if not moved:
        raise GateError(f"{model}: alias and ledger agree on version {current.version}: nothing to restore")
    return Decided(_move(model, current.version, "champion", "the alias was moved outside of Afraz; put back", {}))


def _standing(model: str, version: int, lines: list[Decision]) -> Standing:
    chosen_entries([model])
    version_tags(client(), model, version)
    found = standings(lines).get((model, version))
    if found is None:
        raise GateError(f"{model} version {version} is not in the ledger: run `afraz sync`")
    return found


def _decide(model: str, version: int, digest: str, action: Action, note: str, evidence: dict[str, str]) -> Decision:
    with ledger().held():
        ledger().check_end()
        # the server is asked first: who may not decide leaves no line
        describe(model, version, {REVIEW: action, NOTE: note})
        return ledger().append(model, action, version, digest, note=note, evidence=evidence)


def _move(model: str, version: int, action: Action, note: str, evidence: dict[str, str]) -> Decision:
    line = move_alias(model, version, action, note=note, evidence=evidence)
    describe(model, version, {REVIEW: action, NOTE: note})
    return line
