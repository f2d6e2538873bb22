"""Risk of the units and of the whole."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .screen import console
from .terminal import app

if TYPE_CHECKING:
    import pandas as pd

SHOWN = {
    "unit": "unit", "exposure": "exposure", "probability": "probability", "severity": "severity",
    "expected_loss": "expected loss", "value_at_risk": "value at risk", "economic_capital": "capital by itself",
    "capital_contribution": "adds to capital",
}  # fmt: skip


@app.command()
def risk(
    unit: Annotated[str | None, typer.Option(help="one unit by itself, such as credit; default: all together")] = None,
    as_of: Annotated[str | None, typer.Option(help="ISO date with scores; default: that of the params")] = None,
    json: Annotated[bool, typer.Option("--json", help="for programs: one JSON object")] = False,
) -> None:
    """Measure what may be lost: each unit by itself, and the whole with stated dependence."""
    from ..params import iso_date
    from ..pipeline.risk import measure

    found = measure(unit, str(iso_date(as_of, "--as-of")) if as_of else None)
    if json:
        from ..catalog import to_json

        print(to_json({"total": found.view.total, "units": found.view.units.to_dict("records"),
                       "failed": found.failed, "notes": found.notes}), end="")  # fmt: skip
        return
    s = found.settings
    day = found.view.units["as_of"].iloc[0]
    title = f"as of {day}, {s.horizon:g} days, {100 * s.level:g} %, {s.currency}"
    _show(found.view.units[list(SHOWN)].rename(columns=SHOWN), title)
    if unit is None:
        import pandas as pd

        total = {k: v for k, v in found.view.total.items() if k in SHOWN or k == "diversification_benefit"}
        _show(pd.DataFrame({"total": list(total), "": list(total.values())}), "The whole")
    else:
        for title, table in found.tables.items():
            _show(table, title)
    if found.failed:
        console.print("INCOMPLETE: see what is not in the total", markup=False)
    for reason in found.failed.values():
        console.print(f"not in the total: {reason}", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", markup=False)


def _show(frame: "pd.DataFrame", title: str) -> None:
    from ..reports.document import spell

    table = Table(*(str(c).replace("_", " ") for c in frame.columns), title=title, title_justify="left")
    for row in frame.itertuples(index=False, name=None):
        table.add_row(*(spell(value) for value in row))
    console.print(table)
