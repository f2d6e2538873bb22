"""`afraz …`: thin commands over the package."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from .errors import AfrazError

if TYPE_CHECKING:
    from .governance.review import Decided

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
ledger_app = typer.Typer(no_args_is_help=True, help="Who moved which champion when, and why.")
app.add_typer(ledger_app, name="ledger")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

_SHOWN = 20  # versions that wait

Override = Annotated[list[str] | None, typer.Option("-P", help="name=value, over the params file; value as YAML")]


def main() -> None:
    """Run a command; an :class:`AfrazError` becomes one or two lines and exit code 1."""
    try:
        app()
    except AfrazError as error:
        errors.print(f"error: {error}", style="red", markup=False)
        sys.exit(1)
    except Exception as error:
        from .tracking import refused

        said = refused(error)
        if said is None:
            raise
        errors.print(f"error: {said}", style="red", markup=False)
        sys.exit(1)


@app.command()
def run(
    stage: str,
    param: Override = None,
    record: Annotated[bool, typer.Option(help="record what was measured in MLflow")] = True,
) -> None:
    """Run one stage (what dvc.yaml calls)."""
    _use_the_code_of_this_workspace()
    from .pipeline.run import run_stage

    result = run_stage(stage, _overrides(param), record)
    console.print(f"{stage}: {result['seconds']} s → {', '.join(result['outs'])}", markup=False)
    if result["not_applicable"]:
        console.print(f"{stage}: not applicable: {result['not_applicable']}", markup=False)


def _use_the_code_of_this_workspace() -> None:
    """Start again with the workspace's own code: a temporary experiment is another folder than the installed one."""
    from .catalog import root

    link = root() / ".path"
    mine = Path(__file__).resolve().parent
    if link.exists() and (link / "afraz").resolve() != mine and os.environ.get("AFRAZ_REEXEC") != "1":
        path = os.pathsep.join([str(link), *filter(None, [os.environ.get("PYTHONPATH")])])
        os.execve(  # noqa: S606 our own interpreter with our own arguments
            sys.executable, [sys.executable, "-m", "afraz.cli", *sys.argv[1:]],
            {**os.environ, "PYTHONPATH": path, "AFRAZ_REEXEC": "1"},
        )  # fmt: skip


def _overrides(pairs: list[str] | None) -> dict[str, object]:
    import yaml

    from .errors import ParamsError

    found: dict[str, object] = {}
    for pair in pairs or []:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ParamsError(f"-P {pair}: expected name=value")
        value = yaml.safe_load(text)
        found[name] = value if isinstance(value, str | int | float | bool | list | dict | None) else text
    return found


@app.command()
def fit(
    model: str,
    table: Annotated[Path, typer.Option(help="a CSV, TSV or Parquet table, one row per customer")],
    label: Annotated[str, typer.Option(help="the column to predict: 0/1, yes/no or true/false")],
    id: Annotated[str | None, typer.Option(help="the column that names a customer")] = None,
    date: Annotated[str | None, typer.Option(help="the column with the as_of date: splits become out-of-time")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="a column that is no input; may be repeated")] = None,
    delimiter: Annotated[str | None, typer.Option(help="of a text file; default: found in its header")] = None,
    event: Annotated[str | None, typer.Option(help="the value of the label that is the event (2 = bad, say)")] = None,
    protected: Annotated[list[str] | None, typer.Option(help="credit: a protected attribute, kept for checks")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Optuna trials")] = 20,
    folds: Annotated[int, typer.Option(min=2, help="cross-validation folds for the printed AUC")] = 5,
    seed: int = 7,
    out: Annotated[Path | None, typer.Option(help="model folder; default experiments/runs/fit/<model>-<table>")] = None,
) -> None:
    """Fit a model on a ready table: cross-validated measures, and a model folder that can score."""
    from .pipeline.fit import fit_table

    result = fit_table(
        model, table, label, id_column=id, date_column=date, drop=drop or [], delimiter=delimiter, event=event,
        protected=protected or [], n_trials=trials, folds=folds, seed=seed, out=out,
    )  # fmt: skip
    console.print(_measures(f"{model} on {table.name}", result.measures))
    for line in result.notes:
        console.print(line, markup=False)
    console.print(f"model: {result.folder}", markup=False)
    for kind, place in result.evidence.items():
        console.print(f"{kind}: {place}", markup=False)


@app.command()
def score(
    as_of: Annotated[str, typer.Option(help="ISO date: what was known before that day")],
    model: Annotated[str, typer.Option(help="a model with a champion")] = "churn",
    accept_moved_alias: Annotated[
        bool, typer.Option("--accept-moved-alias", help="score although the alias was moved outside of Afraz")
    ] = False,
) -> None:
    """Score as of a date with the champion: customers (churn, segmentation, value), or loans (credit)."""
    from .pipeline.score import score_as_of

    _use_the_code_of_this_workspace()
    for file, rows, written in score_as_of(model, as_of, accept_moved_alias):
        said = "" if written else " (unchanged: same model, same inputs)"
        console.print(f"{rows:,} rows → {file}{said}", markup=False)


@app.command()
def audience(
    condition: Annotated[str, typer.Argument(help="such as: value == 'high' and loyalty == 'at_risk'")],
    as_of: Annotated[str | None, typer.Option(help="ISO date with segments; default: that of the params")] = None,
    out: Annotated[Path | None, typer.Option(help="write the customers to this .csv, .xlsx or .parquet file")] = None,
) -> None:
    """Find customers by segment, feature or attribute: count them, describe them against the rest, export them."""
    from .catalog import root
    from .params import load_params
    from .pipeline.audience import find_audience
    from .scoring.export import write_table

    found = find_audience(condition, as_of or load_params("score_segments", root())["as_of"])
    share = len(found.customers) / max(found.of, 1)
    console.print(f"{len(found.customers):,} of {found.of:,} customers ({share:.1%}) as of {found.as_of}", markup=False)
    table = Table("what", "they", "the rest", "effect size", title="What sets them apart")
    for row in found.description.itertuples():
        table.add_row(str(row.what), f"{row.inside:.3g}", f"{row.outside:.3g}", f"{row.effect:+.2f}")
    if len(found.description):
        console.print(table)
    if out:
        console.print(f"wrote {write_table(found.customers, out)}", markup=False)


@app.command()
def next_action(
    customer: Annotated[str, typer.Argument(help="the customer_id")],
    json: Annotated[bool, typer.Option("--json", help="for programs: one JSON object")] = False,
    on: Annotated[str | None, typer.Option(help="ISO date on which it is asked; default: today")] = None,
) -> None:
    """What to do for a customer who calls or comes in: worth, risk, the next offer, or why there is none."""
    from dataclasses import asdict

    from .params import iso_date
    from .pipeline.next_action import next_action as look_up

    found = asdict(look_up(customer, iso_date(on, "--on") if on else None))
    if json:
        from json import dumps

        print(dumps(found, ensure_ascii=False))
        return
    table = Table(show_header=False)
    for name, value in found.items():
        if value is not None:
            table.add_row(name.replace("_", " "), Text(str(value)))
    console.print(table)


@app.command()
def lists(
    out: Annotated[Path, typer.Option(help="folder for the files; it is created")] = Path("lists"),
    by: Annotated[str, typer.Option(help="one file per campaign_id, channel, branch_id …")] = "campaign_id",
    ending: Annotated[str, typer.Option(help=".xlsx or .csv")] = ".xlsx",
    send: Annotated[
        str | None, typer.Option(help="environment variable with a database's SQLAlchemy URL: lists go there, too")
    ] = None,
) -> None:
    """Hand out the contact lists of the round: files, and a table that sending again does not change."""
    from .pipeline.lists import hand_out

    out.mkdir(parents=True, exist_ok=True)
    files, sent = hand_out(out, by=by, ending=ending, url_env=send)
    for file in files:
        console.print(f"wrote {file}", markup=False)
    if sent is not None:
        console.print(
            f"sent {sent.rows:,} rows; {sent.left_over:,} of these campaigns are no longer listed", markup=False
        )


@app.command()
def responses(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet of what came back")],
    out: Annotated[Path, typer.Option(help="rows of treatments: name it as a source of kind files")],
    received: Annotated[str | None, typer.Option(help="ISO date on which they came; default: today")] = None,
) -> None:
    """Hold responses against the round's lists; what fits becomes treatments, the rest is kept with its rule."""
    import datetime as dt

    import pandas as pd

    from .params import iso_date
    from .pipeline.lists import take_in

    day = iso_date(received, "--received") if received else dt.date.today()
    found = take_in(file, out, pd.Timestamp(day) + pd.Timedelta(days=1))
    console.print(f"{found.accepted:,} accepted → {found.treatments}", markup=False)
    if found.rejected:
        console.print(f"{found.rejected:,} refused → {found.rejects}", markup=False)


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
    from .governance.history import in_use

    if as_of is not None:
        for line in in_use(model, as_of):
            console.print(line, markup=False)
        return
    from .governance import registry
    from .pipeline import review

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
    from .errors import ParamsError

    if version is None:
        if comment:
            raise ParamsError("--comment needs a model and --version")
        _show_agenda(model)
        return
    if model is None:
        raise ParamsError("--version needs a model: afraz review MODEL --version N")
    from .pipeline.review import comment as say
    from .pipeline.review import version_under_review

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
    from .governance.agenda import agenda, missing_approvals
    from .governance.entries import chosen_entries, registry_entries

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
    from .errors import ParamsError

    if override != bool(reason):
        raise ParamsError("--override and --reason go together: a version that failed is used for a stated reason")
    from .pipeline.review import approve as decide

    _say(decide(model, version, note, reason))


@app.command()
def reject(
    model: str,
    version: Annotated[int, typer.Option(help="the version that must not be used")],
    note: Annotated[str, typer.Option(help="why")],
) -> None:
    """Say no to a version, with the reason; it waits no longer."""
    from .pipeline.review import reject as decide

    _say(decide(model, version, note))


@app.command()
def rollback(
    model: str,
    note: Annotated[str, typer.Option(help="why; it stays in the ledger")] = "",
) -> None:
    """Go back to the version that was in use before the champion."""
    from .pipeline.review import rollback as decide

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
    from .governance.ledger import ledger
    from .governance.verification import ledger_faults

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
    from .governance.ledger import ledger

    table = Table("line", "when (UTC)", "who", "model", "version", "what", "why")
    for d in ledger().decisions(model)[-last:]:
        table.add_row(str(d.number), d.at[:19].replace("T", " "), Text(d.who), d.model, str(d.version),
                      d.action.replace("_", " "), Text(d.note))  # fmt: skip
    console.print(table)


@app.command()
def rescore(
    model: str,
    as_of: Annotated[str, typer.Option(help="ISO date whose scores are made again")],
    out: Annotated[Path | None, typer.Option(help="keep what was made in this folder")] = None,
) -> None:
    """Score a date again with the version that scored it then, and say whether the bytes are the same."""
    from .pipeline.rescore import rescore as make_again

    _use_the_code_of_this_workspace()
    different = False
    for found in make_again(model, as_of, out):
        console.print(found.told(), markup=False)
        different |= not found.same
    if different:
        raise typer.Exit(1)


@app.command()
def shadow(
    model: str,
    as_of: Annotated[str | None, typer.Option(help="ISO date to score with every challenger")] = None,
    version: Annotated[int | None, typer.Option(help="this challenger only")] = None,
) -> None:
    """Score a date with versions that wait, beside the champion; without a date, compare what has matured."""
    from .pipeline.shadow import compare_in_shadow, score_in_shadow

    if as_of is not None:
        for done in score_in_shadow(model, as_of, version):
            said = "" if done.written else " (unchanged)"
            console.print(f"version {done.version}: {done.rows:,} rows → {done.place}{said}", markup=False)
        return
    for number, found in compare_in_shadow(model, version).items():
        title = f"version {number} against champion version {found.champion_version}: {found.rows:,} rows"
        table = Table("measure", "champion", "challenger", "difference", "95 % interval", "margin", title=title)
        for r in found.measures.itertuples():
            table.add_row(str(r.measure), f"{r.champion:.4f}", f"{r.challenger:.4f}", f"{r.difference:+.4f}",
                          f"{r.low:+.4f} to {r.high:+.4f}", f"{r.margin:g}")  # fmt: skip
        console.print(table)
        console.print(found.note, markup=False)


@app.command()
def lineage(
    file: Annotated[Path, typer.Argument(help="a scores file, such as data/scores/as_of=2026-07-01/churn.parquet")],
    customer: Annotated[str, typer.Option(help="the customer_id")],
    json: Annotated[bool, typer.Option("--json", help="for programs: one JSON object")] = False,
) -> None:
    """Walk from one customer's score to its model, version, run, notebook, parameters and input files."""
    from .pipeline.lineage import trace

    found = trace(file, customer)
    if json:
        from dataclasses import asdict
        from json import dumps

        print(dumps(asdict(found), ensure_ascii=False))
        return
    for title, rows in found.told():
        table = Table(*(Column(overflow="fold") for _ in rows[0]), show_header=False, title=title, title_justify="left")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    for note in found.notes:
        console.print(f"note: {note}", markup=False)


@app.command()
def sync() -> None:
    """Record stage folders and models that MLflow does not know yet."""
    from .pipeline.sync import sync as bring_up

    done = bring_up()
    known = ", ".join(f"{m} version {v}" for m, v in done.versions.items()) or "no model"
    console.print(f"new runs: {', '.join(done.new_runs) or 'none'}; registered: {known}", markup=False)
    for model in done.crowned:
        console.print(f"{model}: first version that passed its checks, now champion", markup=False)


@app.command()
def summary() -> None:
    """What the pipeline built, how good it is, and where to look."""
    from .pipeline.summary import summarise

    for part in summarise():
        console.print(part)


@app.command()
def doctor() -> None:
    """Versions, database, sources: what is there, what is missing, and how to get it."""
    from .pipeline.doctor import examine

    table = Table("what", "state", "detail", show_lines=False)
    findings = examine()
    for finding in findings:
        mark = {"ok": "[green]ok[/]", "missing": "[yellow]missing[/]", "broken": "[red]broken[/]"}[finding.state]
        table.add_row(finding.what, mark, finding.detail)
    console.print(table)
    if any(f.state == "broken" for f in findings):
        raise typer.Exit(1)


@app.command()
def study(number: str) -> None:
    """Re-run a study of experiments/ and rewrite its results.json."""
    from .pipeline.study import run_study

    file = run_study(number)
    console.print(f"wrote {file}", markup=False)


@app.command()
def bench(
    small: Annotated[bool, typer.Option(help="small sizes: does it run? (ratios mean little)")] = False,
) -> None:
    """Measure speed as ratios within one run."""
    from .pipeline.bench import run_benchmarks

    run_benchmarks(small)


@app.command()
def deps(write: Annotated[bool, typer.Option(help="rewrite the code deps in dvc.yaml")] = False) -> None:
    """Compare each stage's code deps in dvc.yaml with what its notebook imports."""
    from .pipeline.stages import compare_deps

    differences = compare_deps(write)
    for line in differences:
        console.print(line, markup=False)
    if differences and not write:
        raise typer.Exit(1)


@app.command()
def ui(port: int = 5000) -> None:
    """Open MLflow on 127.0.0.1."""
    from .tracking import client, tracking_uri

    client()
    os.execvp(  # noqa: S606
        sys.executable,
        [
            sys.executable,
            "-m",
            "mlflow",
            "ui",
            "--backend-store-uri",
            tracking_uri(),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
    )


@app.command()
def server(
    host: Annotated[str, typer.Option(help="another than this one needs a proxy with TLS before it")] = "127.0.0.1",
    port: int = 5000,
    workers: Annotated[int, typer.Option(min=1, help="processes; see mlflow/README.md before taking more")] = 2,
) -> None:
    """Start MLflow for a team: PostgreSQL, users with roles. Settings: mlflow/README.md, Team server."""
    from .pipeline.team_server import serve

    serve(host, port, workers)


@app.command()
def server_user(
    name: Annotated[str | None, typer.Argument(help="without it: list users and roles")] = None,
    role: Annotated[str, typer.Option(help="reader, data-scientist or reviewer")] = "reader",
    remove: Annotated[bool, typer.Option(help="delete the user; what the user recorded stays")] = False,
) -> None:
    """Give a user of the team server a role (for administrators); who is new is asked for a password."""
    from .governance import server_users

    if name is None:
        for user, held in server_users.list_roles().items():
            console.print(f"{user}: {held}", markup=False)
    elif remove:
        server_users.remove_user(name)
        console.print(f"{name}: removed", markup=False)
    else:
        password = os.environ.get(server_users.PASSWORD)
        if not password and name not in server_users.list_roles():
            password = typer.prompt(f"password of {name}", hide_input=True, confirmation_prompt=True)
        new = server_users.set_role(name, role, password)
        console.print(f"{name}: {role}{' (new)' if new else ''}", markup=False)


@app.command()
def lab(
    port: int = 8888,
    options: Annotated[list[str] | None, typer.Argument(help="handed to JupyterLab, after --")] = None,
) -> None:
    """Open JupyterLab on 127.0.0.1; stage notebooks open as notebooks on a double click."""
    from .catalog import root

    os.chdir(root())
    settings = root() / ".jupyter" / "lab"  # holds overrides.json
    command = ["jupyter", "lab", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.root_dir=."]
    command += [f"--LabApp.app_settings_dir={settings}", *(options or [])]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 our own interpreter


def _measures(title: str, measures: dict[str, dict[str, float]]) -> Table:
    table = Table("measure", "value", "95 % interval", title=title)
    for name, m in measures.items():
        interval = f"{m['low']:.4f} – {m['high']:.4f}" if "low" in m else ""
        table.add_row(name, f"{m['value']:.4f}", interval)
    return table


if __name__ == "__main__":
    main()
