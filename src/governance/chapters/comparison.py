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
    step = (moves["champion_decile"] - moves["challenger_decile"]).abs()
    stayed, far = moves.loc[step == 0, "customers"].sum(), moves.loc[step >= 2, "customers"].sum()
    grid = moves.pivot_table(
        "customers", "champion_decile", "challenger_decile", aggfunc="sum", fill_value=0, observed=True
    )
    rows = grid.astype(int).rename(columns=lambda c: f"to {c}").reset_index()
    rows["champion_decile"] = [f"from {d}" for d in rows["champion_decile"]]
    names = {"champion_decile": "champion's tenth", **{c: str(c) for c in rows.columns if c != "champion_decile"}}
    return [
        Text(f"{stayed / everybody:.0%} stay in their tenth of the scores, {far / everybody:.0%} move by two or more."),
        Table.of(
            rows,
            "Customers by tenth under the champion (rows) and under this version (columns); 1 scores highest",
            names,
        ),
    ]
