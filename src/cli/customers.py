"""Commands that score customers, find them, list them, and trace a score back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from .desk import tell
from .screen import console
from .terminal import app, use_the_code_of_this_workspace


@app.command()
def score(
    as_of: Annotated[str, typer.Option(help="ISO date: what was known before that day")],
    model: Annotated[str, typer.Option(help="a model with a champion")] = "churn",
    accept_moved_alias: Annotated[
        bool, typer.Option("--accept-moved-alias", help="score although the alias was moved outside of Afraz")
    ] = False,
) -> None:
    """Score as of a date with the champion: customers (churn, segmentation, value), or loans (credit)."""
    from ..pipeline.score import score_as_of

    use_the_code_of_this_workspace()
    for file, rows, written in score_as_of(model, as_of, accept_moved_alias):
        said = "" if written else " (unchanged: same model, same inputs)"
        console.print(f"{rows:,} rows → {file}{said}", markup=False)


@app.command()
def rescore(
    model: str,
    as_of: Annotated[str, typer.Option(help="ISO date whose scores are made again")],
    out: Annotated[Path | None, typer.Option(help="keep what was made in this folder")] = None,
) -> None:
    """Score a date again with the version that scored it then, and say whether the bytes are the same."""
    from ..pipeline.rescore import rescore as make_again

    use_the_code_of_this_workspace()
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
    from ..pipeline.shadow import compare_in_shadow, score_in_shadow

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
    from ..pipeline.lineage import trace

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
def audience(
    condition: Annotated[str, typer.Argument(help="such as: value == 'high' and loyalty == 'at_risk'")],
    as_of: Annotated[str | None, typer.Option(help="ISO date with segments; default: that of the params")] = None,
    out: Annotated[Path | None, typer.Option(help="write the customers to this .csv, .xlsx or .parquet file")] = None,
) -> None:
    """Find customers by segment, feature or attribute: count them, describe them against the rest, export them."""
    from ..catalog import root
    from ..params import load_params
    from ..pipeline.audience import find_audience
    from ..scoring.export import write_table

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
    tell(customer, json=json, on=on)


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
    from ..pipeline.lists import hand_out

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
    out: Annotated[Path, typer.Option(help=".csv or .parquet: rows of treatments, completed by each later file")],
    received: Annotated[str | None, typer.Option(help="ISO date on which they came; default: today")] = None,
) -> None:
    """Hold responses against all lists handed out; what fits becomes treatments, the rest is kept with its rule.

    A later file completes and corrects: what it states replaces what was known, what it leaves empty stays. Beside
    OUT, <out>_campaigns holds the campaigns of these rows: name both, as treatments and campaigns, in one source of
    kind files in params/ingest.yaml. Refused rows are kept in <out>_rejects.csv. Customers count as assigned from the
    week they were planned for: a contact or a response before it is refused.
    """
    import datetime as dt

    import pandas as pd

    from ..params import iso_date
    from ..pipeline.lists import take_in

    day = iso_date(received, "--received") if received else dt.date.today()
    found = take_in(file, out, pd.Timestamp(day) + pd.Timedelta(days=1))
    console.print(f"{found.accepted:,} accepted → {found.treatments}, {found.campaigns}", markup=False)
    if found.rejected:
        console.print(f"{found.rejected:,} refused → {found.rejects}", markup=False)
