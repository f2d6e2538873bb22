"""Hold the ledger against itself, against what MLflow kept of it, and against what is in use."""

from collections.abc import Mapping, Sequence

from .champions import read_champions
from .ledger import Decision, ledger
from .registry import alias_moved, seals
from .standing import champion, champions


def ledger_faults() -> list[str]:
    """Everything that contradicts the ledger, in words; empty if nothing does."""
    chain = ledger().faults()
    if any("unreadable" in fault for fault in chain):
        return chain
    lines = ledger().decisions()
    by_model = {name: [line for line in lines if line.model == name] for name in {line.model for line in lines}}
    found = [*chain, *contradicted_seals(by_model, seals())]
    stated, in_use = read_champions(), champions(lines)
    for name in sorted(by_model):
        moved = alias_moved(name)
        if moved:
            found.append(moved)
        if name in in_use and stated.get(name) != in_use[name].digest:
            found.append(f"{name}: mlflow/champions.json says otherwise than the ledger: run `afraz sync`")
    return found


def contradicted_seals(by_model: Mapping[str, Sequence[Decision]], kept: Mapping[str, tuple[int, str]]) -> list[str]:
    """Compare the last move of each model with the seal that MLflow keeps of it.

    Examples
    --------
    >>> line = Decision(4, "2026-03-01", "ben", "churn", "champion", 2, "b", "", {}, "", "5ea1")
    >>> contradicted_seals({"churn": [line]}, {"churn": (4, "5ea1")})
    []
    >>> contradicted_seals({"churn": [line]}, {"churn": (4, "0dd")})
    ['churn: MLflow keeps another seal of line 4: the ledger was rewritten']
    >>> contradicted_seals({}, {"churn": (4, "5ea1")})
    ['churn: MLflow keeps the seal of line 4, which the ledger does not hold']
    """
    found = []
    for name, (number, seal) in sorted(kept.items()):
        own = {line.number: line for line in by_model.get(name, ())}
        last = champion(by_model.get(name, ()))
        if number not in own:
            found.append(f"{name}: MLflow keeps the seal of line {number}, which the ledger does not hold")
        elif own[number].seal != seal:
            found.append(f"{name}: MLflow keeps another seal of line {number}: the ledger was rewritten")
        elif last is not None and last.number != number:
            found.append(f"{name}: the ledger's last move is line {last.number}, MLflow knows of line {number}")
    return found
