"""What stands in a version's description in MLflow: the checks' outcomes, then what reviewers said and decided."""

from collections.abc import Iterable

from .checks import Outcome
from .ledger import Decision

LIMIT = 5000  # characters that MLflow keeps of a description
_HEADING = "\n\n## Decisions\n"
_TOLD = {"approved", "rejected", "commented", "champion", "rolled_back"}


def judgement(outcomes: Iterable[Outcome]) -> str:
    """One line per check, with its evidence: Markdown.

    Examples
    --------
    >>> judgement([Outcome("AFZ001", "Quality", "blocking", "pass", "ROC AUC 0.81")])
    '- AFZ001 Quality: **pass** (ROC AUC 0.81)'
    """
    return "\n".join(f"- {o.code} {o.title}: **{o.status}** ({o.evidence})" for o in outcomes)


def compose(description: str, decisions: Iterable[Decision]) -> str:
    """Put the decisions under the judgement that a description begins with; the oldest give way to the limit.

    Examples
    --------
    >>> line = Decision(2, "2026-03-01T08:00:00", "ben", "churn", "approved", 1, "a", "better in every month", {}, "")
    >>> print(compose("- AFZ001 Quality: **pass**", [line]))
    - AFZ001 Quality: **pass**
    <BLANKLINE>
    ## Decisions
    - 2026-03-01 ben **approved**: better in every month
    >>> print(compose(compose("checks", [line]), []))
    checks
    """
    said = description.partition(_HEADING)[0]
    lines = [_line(d) for d in decisions if d.action in _TOLD]
    if not lines:
        return said[:LIMIT]
    said = said[: LIMIT // 2] if len(said) + sum(map(len, lines)) + len(lines) + len(_HEADING) > LIMIT else said
    while len(lines) > 1 and len(said) + len(_HEADING) + sum(map(len, lines)) + len(lines) > LIMIT:
        del lines[0]
    return (said + _HEADING + "\n".join(lines))[:LIMIT]


def _line(decision: Decision) -> str:
    note = f": {decision.note}" if decision.note else ""
    return f"- {decision.at[:10]} {decision.who} **{decision.action.replace('_', ' ')}**{note}"
