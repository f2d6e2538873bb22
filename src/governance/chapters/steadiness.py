"""Chapter of steadiness: over time, and between segments."""

import numpy as np
import pandas as pd

from ...models.metrics import measure
from ...reports.document import Block, Facts, Heading, Section, Table, Text
from ..subject import Subject

LEAST_EVENTS = 20  # a period with fewer has no ROC AUC that means anything
_SHIFT: dict[str, str] = {"psi": "PSI", "psi_by_chance": "PSI by chance"}


def stability(subject: Subject) -> Section:
    """Whether the model and its inputs hold from period to period."""
    blocks = [*_periods(subject), *_parts(subject), *_shifts(subject), *_ranking(subject), *_segments(subject)]
    if not blocks:
        blocks = [Text("The stage saved nothing by period or segment: steadiness was not measured.", "absent")]
    return Section("stability", "Stability over time and segments", blocks)


def _periods(subject: Subject) -> list[Block]:
    """Hold the test part's periods against one another: month by month, or by quarter where there are many."""
    rows = subject.predictions
    outputs = [c for c in subject.artifact.spec.get("outputs", ()) if c.get("link") not in {"points", "identity"}]
    names = [str(o["name"]) for o in outputs if rows is not None and o["name"] in rows]
    if rows is None or not {"as_of", "label"} <= set(rows) or not names or "treated" in rows:
        return []
    stated = names[_longest(names)]
    when = pd.to_datetime(rows["as_of"])
    unit = "M" if when.dt.to_period("M").nunique() <= 6 else "Q"
    found = []
    for period, part in rows.groupby(when.dt.to_period(unit), sort=True):
        events = float(part["label"].sum())
        enough = min(events, len(part) - events) >= LEAST_EVENTS
        found.append({
            "period": str(period), "rows": len(part), "events": int(events), "expected share": part[stated].mean(),
            "observed share": part["label"].mean(),
            "observed / expected": part["label"].mean() / part[stated].mean(),
            "ROC AUC": measure(part["label"], part[stated], ("roc_auc",))["roc_auc"] if enough else np.nan,
        })  # fmt: skip
    caption = f"Test part by period, output {stated} (no ROC AUC below {LEAST_EVENTS} events)"
    phases = subject.table("phases")
    by_phase = [] if phases is None else [Table.of(phases, "Expected and observed share, by phase of the customer")]
    return [Heading("Over time"), Table.of(pd.DataFrame(found), caption), *by_phase]


def _parts(subject: Subject) -> list[Block]:
    table = subject.table("parts")
    if table is None:
        return []
    names = {"part": "part", "kind": "kind", "rows": "rows", "events": "events", "roc_auc": "ROC AUC", "low": "low",
             "high": "high"}  # fmt: skip
    shown = {c: n for c, n in names.items() if c in table}
    return [Heading("Part by part"), Table.of(table, "Ranking in every period and segment by itself", shown)]


def _longest(names: list[str]) -> int:
    """Choose the output that the label speaks of: of horizons of one event the longest, the stem of the first."""
    stem = names[0].rsplit("_", 1)[0]
    return max(i for i, name in enumerate(names) if name.rsplit("_", 1)[0] == stem)


def _shifts(subject: Subject) -> list[Block]:
    """Show how inputs and scores shifted, whichever tables of PSI the stage saved."""
    blocks: list[Block] = []
    if subject.metrics.get("drift"):
        blocks.append(Facts.of({name.replace("_", " "): v for name, v in subject.metrics["drift"].items()}))
    for name in subject.table_names():
        table = subject.table(name)
        if table is not None and "psi" in table:
            ordered = table.sort_values("psi", ascending=False, kind="stable")
            caption = f"Shift from training to test: {name.replace('_', ' ')} (PSI below .1 is small, above .25 large)"
            shown = {str(c): _SHIFT.get(str(c), str(c).replace("_", " ")) for c in ordered}
            blocks.append(Table.of(ordered, caption, shown, folded=len(ordered) > 12))
    return [Heading("Shift of inputs and scores"), *blocks] if blocks else []


def _ranking(subject: Subject) -> list[Block]:
    told = subject.explanation
    found = told.report.get("ranking_stability") if told is not None else None
    if not found:
        return []
    return [
        Heading("Order of the features"),
        Text("How far resamples of the customers agree on which features matter: 1 is full agreement."),
        Facts.of({
            "rank correlation (Spearman)": found.get("spearman"), "rank correlation (Kendall)": found.get("kendall"),
            "same first features (Jaccard)": found.get("jaccard"), "lowest of these": found.get("jaccard_low"),
        }),
    ]  # fmt: skip


def _segments(subject: Subject) -> list[Block]:
    blocks: list[Block] = []
    flagged = subject.metrics.get("months_flagged")
    if flagged:
        rows = [
            {"lens": lens, "months that stand out": n, "by chance alone": flagged["by_chance_alone"].get(lens)}
            for lens, n in flagged.items() if isinstance(n, int) and lens != "months"
        ]  # fmt: skip
        caption = f"Months in which moves stand out, of {flagged['months']}"
        blocks += [Heading("Moves between segments"), Table.of(pd.DataFrame(rows), caption)]
    refit = subject.table("causes_refit")
    if refit is not None:
        blocks.append(Table.of(refit, "Would a fit to later customers assign differently, beyond chance?"))
    causes = subject.table("causes")
    if causes is not None and "refit_moved" in causes:
        blocks.append(Table.of(causes, "What changed the sizes: customers, or the refit", folded=True))
    return blocks
