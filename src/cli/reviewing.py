"""Commands of the reviewer: what waits, what was decided, by whom and why."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from .screen import console, errors
from .terminal import app, ledger_app

if TYPE_CHECKING:
    from ..governance.review import Decided

_SHOWN = 20  # versions that wait


@app.command()
def champion(
    model: str,
    to: Annotated[int | None, typer.Option(help="approve this version and make it champion")] = None,
    reason: Annotated[
        str | None, typer.Option(help="why a version that failed its checks is used all the same")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="ISO date or time (UTC): what was in use then")] = None,
    restore: Annotated[bool, typer.Option(help="put an alias back that was moved outside of Afraz")] = False,
) -> None:
    """Say which version of a model is in use or was on a day, or move to another."""
    from ..governance.history import in_use

    if as_of is not None:
        for line in in_use(model, as_of):
            console.print(line, markup=False)
        return
    from ..governance import registry
    from ..pipeline import review

    if restore:
        _say(review.restore(model))
    if to is not None:
        _say(review.approve(model, to, reason or "", reason))
    now = registry.resolve_champion(model)
    console.print(f"{model}: version {now.version}, digest {now.digest}", markup=False)
    table = Table("version", "digest", "checks", "champion")
    for row in registry.versions(model):
        table.add_row(str(row["version"]), str(row["digest"]), str(row["gates"]), "●" if row["champion"] else "")
    console.print(table)


@app.command()
def review(
    model: Annotated[str | None, typer.Argument(help="one model; all by default")] = None,
    version: Annotated[int | None, typer.Option(help="show this version: checks, dossier, decisions")] = None,
    comment: Annotated[str | None, typer.Option(help="say something about the version")] = None,
) -> None:
    """What waits for a reviewer; or one version, with its evidence."""
    from ..errors import ParamsError

    if version is None:
        if comment:
            raise ParamsError("--comment needs a model and --version")
        _show_agenda(model)
        return
    if model is None:
        raise ParamsError("--version needs a model: afraz review MODEL --version N")
    from ..pipeline.review import comment as say
    from ..pipeline.review import version_under_review

    if comment:
        _say(say(model, version, comment))
    shown = version_under_review(model, version)
    for line in shown.lines:
        console.print(line, markup=False)
    table = Table("check", "what", "status", "evidence", show_lines=True)
    for outcome in shown.outcomes:
        table.add_row(outcome.code, outcome.title, outcome.status.replace("_", " "), Text(outcome.evidence))
    console.print(table)


def _show_agenda(model: str | None) -> None:
    from ..governance.agenda import agenda, missing_approvals
    from ..governance.entries import chosen_entries, registry_entries

    entries = chosen_entries([model]) if model else registry_entries()
    found = agenda(model)
    for warning in found.warnings:
        errors.print(f"warning: {warning}", style="yellow", markup=False)
    table = Table("model", "version", "since", "built by", "checks", "approvals")
    for waits in found.waiting[:_SHOWN]:
        needs = missing_approvals(waits, entries[waits.model]) if waits.model in entries else "not in registry.yaml"
        needs = needs.replace(" approvals", "")
        checks = "passed" if not waits.failed else f"failed {', '.join(waits.failed)}"
        table.add_row(waits.model, str(waits.version), waits.since[:16].replace("T", " "), waits.builder, checks, needs)
    if found.waiting:
        console.print(table)
    more = len(found.waiting) - _SHOWN
    console.print(
        "nothing waits" if not found.waiting
        else f"{len(found.waiting)} wait{f' ({more} older ones not shown)' if more > 0 else ''}: "
        "`afraz review MODEL --version N` shows one"
    )  # fmt: skip
    for name, move in sorted(found.champions.items()):
        console.print(f"{name}: champion is version {move.version}, since {move.at[:10]}, {move.who}", markup=False)


@app.command()
def approve(
    model: str,
    version: Annotated[int, typer.Option(help="the version to use")],
    note: Annotated[str, typer.Option(help="why; it stays on the version and in the ledger")] = "",
    override: Annotated[bool, typer.Option(help="although a check failed, or an approval is missing")] = False,
    reason: Annotated[str | None, typer.Option(help="why it is used all the same; with --override")] = None,
) -> None:
    """Say yes to a version; with the last approval that its model needs, it becomes champion."""
    from ..errors import ParamsError

    if override != bool(reason):
        raise ParamsError("--override and --reason go together: a version that failed is used for a stated reason")
    from ..pipeline.review import approve as decide

    _say(decide(model, version, note, reason))


@app.command()
def reject(
    model: str,
    version: Annotated[int, typer.Option(help="the version that must not be used")],
    note: Annotated[str, typer.Option(help="why")],
) -> None:
    """Say no to a version, with the reason; it waits no longer."""
    from ..pipeline.review import reject as decide

    _say(decide(model, version, note))


@app.command()
def rollback(
    model: str,
    note: Annotated[str, typer.Option(help="why; it stays in the ledger")] = "",
) -> None:
    """Go back to the version that was in use before the champion."""
    from ..pipeline.review import rollback as decide

    _say(decide(model, note))


def _say(decided: "Decided") -> None:
    line = decided.line
    what = line.action.replace("_", " ")
    console.print(
        f"{line.model} version {line.version}: {what} by {line.who} (ledger line {line.number})", markup=False
    )
    if decided.missing:
        console.print(f"not champion yet: {decided.missing}", markup=False)


@ledger_app.command("verify")
def ledger_verify() -> None:
    """Find any line that was altered, removed or reordered, and any alias moved outside of Afraz."""
    from ..governance.ledger import ledger
    from ..governance.verification import ledger_faults

    faults = ledger_faults()
    for fault in faults:
        errors.print(fault, style="red", markup=False)
    if faults:
        raise typer.Exit(1)
    console.print(f"{len(ledger().decisions())} lines, each sealed; registry and ledger agree", markup=False)


@ledger_app.command("show")
def ledger_show(
    model: Annotated[str | None, typer.Argument(help="one model; all by default")] = None,
    last: Annotated[int, typer.Option(min=1, help="how many lines")] = 50,
) -> None:
    """Who did what, when and why."""
    from ..governance.ledger import ledger

    table = Table("line", "when (UTC)", "who", "model", "version", "what", "why")
    for d in ledger().decisions(model)[-last:]:
        table.add_row(str(d.number), d.at[:19].replace("T", " "), Text(d.who), d.model, str(d.version),
                      d.action.replace("_", " "), Text(d.note))  # fmt: skip
    console.print(table)
