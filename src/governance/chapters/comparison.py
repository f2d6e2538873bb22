"""Chapter of comparison: what changes if this version replaces the champion."""

import pandas as pd

from ...reports.document import Block, Facts, Heading, Section, Table, Text
from ..measures import label
from ..subject import Subject

_MEASURES = {
    "measure": "measure", "champion": "champion", "challenger": "this version", "difference": "difference",
    "low": "low", "high": "high", "margin": "may be worse by", "judged": "judged",
}  # fmt: skip


def comparison(subject: Subject) -> Section:
    """Measures, scores that move, who changes side, reasons that changed."""
    title = "Against the champion"
    found = subject.comparison
    if found is None:
        why = (
            "There is no champion to compare with, or this version is the champion, or its scores were not computed on "
            "the same rows."
        )
        return Section("comparison", title, [Text(why, "absent")])
    if not found.rows:
        return Section("comparison", title, [Text(found.note, "absent")])
    measures = found.measures.assign(
        measure=[label(str(name)) for name in found.measures["measure"]],
        judged=["not judged" if pd.isna(m) else "" for m in found.measures["margin"]],
    )
    blocks: list[Block] = [
        Text(found.note),
        Facts.of({"champion": f"version {found.champion_version}", "its digest": found.champion_digest,
                  "rows": found.rows, "customers": found.customers}),
        Table.of(measures, "Both on the same rows; difference with interval, customers resampled", _MEASURES),
        Heading("Scores that move"), *_migration(found.migration),
        Heading("Who changes side"), _shown(found.sides, "Customers who stay, enter and leave, by list length"),
        Heading("Reasons that changed"), _shown(found.reasons, "Features by their rank in both models"),
    ]  # fmt: skip
    return Section("comparison", title, blocks)


def _shown(frame: pd.DataFrame, caption: str) -> Table | Text:
    return Table.of(frame, caption) if len(frame) else Text(f"{caption}: not computed for this model.", "absent")


def _migration(moves: pd.DataFrame) -> list[Block]:
    if moves.empty:
        return [Text("Scores of the two models were not held against one another.", "absent")]
    everybody = max(int(moves["customers"].sum()), 1)
    ranked = all(pd.api.types.is_numeric_dtype(moves[f"{who}_decile"]) for who in ("champion", "challenger"))
    same = moves["champion_decile"].astype(str) == moves["challenger_decile"].astype(str)
    said = f"{moves.loc[same, 'customers'].sum() / everybody:.0%} stay in their {'tenth' if ranked else 'segment'}"
    if ranked:
        far = (moves["champion_decile"] - moves["challenger_decile"]).abs() >= 2
        said += f", {moves.loc[far, 'customers'].sum() / everybody:.0%} move by two tenths or more"
    grid = moves.pivot_table(
        "customers", "champion_decile", "challenger_decile", aggfunc="sum", fill_value=0, observed=True
    )
    rows = grid.astype(int).rename(columns=lambda to: f"to {to}").reset_index()
    rows["champion_decile"] = [f"from {place}" for place in rows["champion_decile"]]
    names = {"champion_decile": "champion", **{c: str(c) for c in rows.columns if c != "champion_decile"}}
    caption = "Customers by place under the champion (rows) and this version (columns)"
    return [Text(f"{said}."), Table.of(rows, f"{caption}{'; tenth 1 scores highest' if ranked else ''}", names)]
