"""What follows from the ledger's lines: which version is in use, which was, what waits, and who has agreed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from .ledger import MOVES, Decision


@dataclass(frozen=True)
class Standing:
    """A version as its reviewers left it.

    ``failed`` names the checks that failed when it was judged last; ``approved_by`` who has agreed since then.
    """

    model: str
    version: int
    digest: str
    builder: str
    since: str
    gates: str
    failed: tuple[str, ...]
    evidence: dict[str, str] = field(default_factory=dict)
    approved_by: tuple[str, ...] = ()
    rejected: Decision | None = None
    was_champion: bool = False


def champion(decisions: Sequence[Decision], at: str | None = None) -> Decision | None:
    """The move that made the champion of one model, now or at a moment (ISO, UTC); None if there was none.

    Examples
    --------
    >>> moved = [
    ...     Decision(1, "2026-01-05T08:00:00", "ana", "churn", "champion", 1, "a", "", {}, ""),
    ...     Decision(2, "2026-03-01T08:00:00", "ben", "churn", "champion", 2, "b", "", {}, ""),
    ... ]
    >>> champion(moved).version, champion(moved, "2026-02-01").version, champion(moved, "2026-01-01")
    (2, 1, None)
    """
    moves = [d for d in decisions if d.action in MOVES and (at is None or d.at <= at)]
    return moves[-1] if moves else None


def champions(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The move that made each model's champion of now."""
    return {line.model: line for line in decisions if line.action in MOVES}


def predecessor(decisions: Sequence[Decision]) -> Decision | None:
    """The move to which a rollback leads: what was in use before the champion, rollbacks undone.

    Examples
    --------
    >>> def move(n, action, version):
    ...     return Decision(n, f"2026-01-0{n}", "ana", "churn", action, version, str(version), "", {}, "")
    >>> history = [move(1, "champion", 1), move(2, "champion", 2), move(3, "champion", 3), move(4, "rolled_back", 2)]
    >>> predecessor(history).version  # not 3, which was just left
    1
    """
    stack: list[Decision] = []
    for line in decisions:
        if line.action == "champion":
            stack.append(line)
        elif line.action == "rolled_back":
            while stack and stack[-1].version != line.version:
                stack.pop()
            if not stack:
                stack.append(line)
    return stack[-2] if len(stack) > 1 else None


def standings(decisions: Iterable[Decision]) -> dict[tuple[str, int], Standing]:
    """One standing per model and version, in the order in which they were registered."""
    found: dict[tuple[str, int], Standing] = {}
    for line in decisions:
        key = (line.model, line.version)
        if line.action == "registered" or (line.action == "judged" and key in found):
            now = Standing(
                line.model, line.version, line.digest, line.who, line.at, line.evidence.get("gates", "unknown"),
                tuple(line.evidence.get("failed", "").split()), dict(line.evidence),
            )  # fmt: skip
            before = found.get(key)
            if before is not None:  # judged anew: it was built by whom it was, and who had agreed saw other outcomes
                now = replace(now, builder=before.builder, since=before.since, was_champion=before.was_champion,
                              evidence={**before.evidence, **line.evidence})  # fmt: skip
            found[key] = now
        elif key in found:
            found[key] = _after(found[key], line)
    return found


def numbers(decisions: Iterable[Decision]) -> dict[tuple[str, str], int]:
    """Model and digest → the number of the version that was registered with it."""
    return {(line.model, line.digest): line.version for line in decisions if line.action == "registered"}


def _after(standing: Standing, line: Decision) -> Standing:
    if line.action == "approved":
        return replace(standing, approved_by=(*standing.approved_by, line.who), rejected=None)
    if line.action == "rejected":
        return replace(standing, rejected=line, approved_by=())
    if line.action in MOVES:
        return replace(standing, was_champion=True, rejected=None)
    return standing


def waiting(decisions: Sequence[Decision]) -> list[Standing]:
    """Versions newer than their model's champion about which nobody has decided, newest first."""
    in_use = {model: move.version for model, move in champions(decisions).items()}
    return [
        s for s in reversed(standings(decisions).values())
        if s.version > in_use.get(s.model, 0) and s.rejected is None and not s.was_champion
    ]  # fmt: skip


def moved_alias(model: str, alias: int | None, line: Decision | None) -> str:
    """What to say, and to do, where the alias and the ledger disagree.

    Examples
    --------
    >>> moved_alias("churn", 3, None)
    'churn: the alias champion points at version 3, of which the ledger knows nothing: it was moved outside of Afraz; \
`afraz approve churn --version 3` makes it official'
    """
    if line is None:
        return (
            f"{model}: the alias champion points at version {alias}, of which the ledger knows nothing: it was moved "
            f"outside of Afraz; `afraz approve {model} --version {alias}` makes it official"
        )
    says = f"the ledger says version {line.version} ({line.digest[:12]}, {line.who}, {line.at[:10]})"
    back = f"`afraz champion {model} --restore` puts it back"
    if alias is None:
        return f"{model}: the alias champion is gone, {says}: it was removed outside of Afraz; {back}"
    return (
        f"{model}: the alias champion points at version {alias}, {says}: it was moved outside of Afraz; {back}, "
        f"`afraz approve {model} --version {alias}` makes it official"
    )
