"""Commands that run the pipeline and say how it stands."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .screen import console
from .terminal import app, use_the_code_of_this_workspace

Override = Annotated[list[str] | None, typer.Option("-P", help="name=value, over the params file; value as YAML")]


@app.command()
def run(
    stage: str,
    param: Override = None,
    record: Annotated[bool, typer.Option(help="record what was measured in MLflow")] = True,
) -> None:
    """Run one stage (what dvc.yaml calls)."""
    use_the_code_of_this_workspace()
    from ..pipeline.run import run_stage

    result = run_stage(stage, _overrides(param), record)
    console.print(f"{stage}: {result['seconds']} s → {', '.join(result['outs'])}", markup=False)
    if result["not_applicable"]:
        console.print(f"{stage}: not applicable: {result['not_applicable']}", markup=False)


def _overrides(pairs: list[str] | None) -> dict[str, object]:
    import yaml

    from ..errors import ParamsError

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
    from ..pipeline.fit import fit_table

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


def _measures(title: str, measures: dict[str, dict[str, float]]) -> Table:
    table = Table("measure", "value", "95 % interval", title=title)
    for name, m in measures.items():
        interval = f"{m['low']:.4f} – {m['high']:.4f}" if "low" in m else ""
        table.add_row(name, f"{m['value']:.4f}", interval)
    return table


@app.command()
def sync(
    quick: Annotated[bool, typer.Option("--quick", help="ask MLflow only if a stage made something since")] = False,
) -> None:
    """Record stage folders and models that MLflow does not know yet."""
    from ..pipeline.sync_state import nothing_new

    if quick and nothing_new():
        console.print("new runs: none since the last sync", markup=False)
        return
    from ..pipeline.sync import sync as bring_up

    done = bring_up()
    known = ", ".join(f"{m} version {v}" for m, v in done.versions.items()) or "no model"
    console.print(f"new runs: {', '.join(done.new_runs) or 'none'}; registered: {known}", markup=False)
    for model in done.crowned:
        console.print(f"{model}: first version that passed its checks, now champion", markup=False)


@app.command()
def monitor(
    fail_on: Annotated[
        str, typer.Option(help="exit with 3 if a verdict is as grave: watch, retrain, withdraw; keep: always")
    ] = "",
    run_first: Annotated[bool, typer.Option("--run", help="run the stage first, on the data that are there")] = False,
    history: Annotated[bool, typer.Option("--history", help="every verdict ever recorded, oldest first")] = False,
) -> None:
    """What is to be done with the models in use: keep, watch, retrain or withdraw, and why."""
    from ..pipeline import monitored

    if run_first:
        run("monitor")
    if history:
        for line in monitored.history():
            console.print(f"{line.evidence['as_of']} {line.model} {line.digest[:12]} ({line.at[:16]}): {line.note}",
                          markup=False)  # fmt: skip
        return
    found = monitored.last_verdicts()
    for row in found.verdicts.to_dict("records"):
        console.print(f"{row['as_of']:%Y-%m-%d} {row['model']}: {row['verdict']}: {row['evidence']}", markup=False)
    for model, why in found.not_watched.items():
        console.print(f"{model}: not watched: {why}", markup=False)
    if fail_on and (reached := found.reached(fail_on)):
        console.print(f"{fail_on} or graver: {', '.join(reached)}", markup=False)
        raise typer.Exit(3)


@app.command()
def summary() -> None:
    """What the pipeline built, how good it is, and where to look."""
    from ..pipeline.summary import summarise

    for part in summarise():
        console.print(part)


@app.command()
def doctor() -> None:
    """Versions, database, sources: what is there, what is missing, and how to get it."""
    from ..pipeline.doctor import examine

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
    from ..pipeline.study import run_study

    file = run_study(number)
    console.print(f"wrote {file}", markup=False)


@app.command()
def bench(
    small: Annotated[bool, typer.Option(help="small sizes: does it run? (ratios mean little)")] = False,
) -> None:
    """Measure speed as ratios within one run."""
    from ..pipeline.bench import run_benchmarks

    run_benchmarks(small)


@app.command()
def deps(write: Annotated[bool, typer.Option(help="rewrite the code deps in dvc.yaml")] = False) -> None:
    """Compare each stage's code deps in dvc.yaml with what its notebook imports."""
    from ..pipeline.stages import compare_deps

    differences = compare_deps(write)
    for line in differences:
        console.print(line, markup=False)
    if differences and not write:
        raise typer.Exit(1)
