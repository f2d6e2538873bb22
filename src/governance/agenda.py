"""What waits for a reviewer, and where registry and ledger disagree: quick, from the ledger and the aliases alone."""

from dataclasses import dataclass

from .aliases import champion_aliases
from .entries import Entry
from .ledger import Decision, ledger
from .standing import Standing, champions, moved_alias, waiting


@dataclass(frozen=True)
class Agenda:
    """Versions that wait, newest first; the champion of each model; and what was done outside of Afraz, in words."""

    waiting: tuple[Standing, ...]
    champions: dict[str, Decision]
    warnings: tuple[str, ...]


def agenda(model: str | None = None) -> Agenda:
    """Collect what waits.

    Parameters
    ----------
    model : str, optional
        One model; all by default.
    """
    lines = ledger().decisions(model)
    in_use = champions(lines)
    aliases = {n: v for n, v in champion_aliases().items() if model in {None, n}}
    warnings = [
        moved_alias(name, aliases.get(name), in_use.get(name))
        for name in sorted({*aliases, *in_use})
        if aliases.get(name) != (in_use[name].version if name in in_use else None)
    ]
    return Agenda(tuple(waiting(lines)), in_use, tuple(warnings))


def missing_approvals(standing: Standing, entry: Entry) -> str:
    """What a version still needs before it may replace the champion, in words; empty if nothing.

    Examples
    --------
    >>> entry = Entry("credit", "risk", 1, 2, 365, "purpose", "limits", (), {})
    >>> standing = Standing("credit", 3, "ab", "ana", "2026-01-01", "passed", (), {}, approved_by=("ana",))
    >>> missing_approvals(standing, entry)
    '1 of 2 approvals, by ana: somebody else has to agree'
    """
    agreed = len(set(standing.approved_by))
    if agreed >= entry.approvals:
        return ""
    if not agreed:
        return f"0 of {entry.approvals} approvals"
    return f"{agreed} of {entry.approvals} approvals, by {', '.join(standing.approved_by)}: somebody else has to agree"
