"""Chapters of steadiness: over time and between segments, and between groups of people."""

import numpy as np
import pandas as pd

from ...models.metrics import measure
from ...reports.document import Block, Facts, Heading, Section, Table, Text
from ..subject import Subject

LEAST_EVENTS = 20  # a period with fewer has no ROC AUC that means anything
LEAST_ROWS = 20  # a smaller group is named, not measured
BANDS = ((18, 26, "18–25"), (26, 36, "26–35"), (36, 51, "36–50"), (51, 66, "51–65"), (66, 200, "66 and older"))
_SHIFT = {"psi": "PSI", "psi_by_chance": "PSI by chance"}


def stability(subject: Subject) -> Section:
    """Whether the model and its inputs hold from period to period."""
    blocks = [*_periods(subject), *_shifts(subject), *_ranking(subject), *_segments(subject)]
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
    return [Heading("Over time"), Table.of(pd.DataFrame(found), caption)]


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
            shown = {c: _SHIFT.get(c, c.replace("_", " ")) for c in ordered}
            blocks.append(Table.of(ordered, caption, shown, folded=len(ordered) > 12))
    return [Heading("Shift of inputs and scores"), *blocks] if blocks else []


def _ranking(subject: Subject) -> list[Block]:
    found = subject.metrics.get("explanation", {}).get("ranking_stability")
    if not found:
        return []
    return [
        Heading("Order of the features"),
        Text("How far resamples of the customers agree on which features matter: 1 is full agreement."),
        Facts.of({"rank correlation (Spearman)": found.get("spearman"), "rank correlation (Kendall)": found.get("kendall"),
                  "same first features (Jaccard)": found.get("jaccard"), "lowest of these": found.get("jaccard_low")}),
    ]  # fmt: skip


def _segments(subject: Subject) -> list[Block]:
    blocks: list[Block] = []
    flagged = subject.metrics.get("months_flagged")
    if flagged:
        rows = [
            {"lens": lens, "months that stand out": n, "by chance alone": flagged["by_chance_alone"].get(lens)}
            for lens, n in flagged.items() if isinstance(n, int) and lens != "months"
        ]  # fmt: skip
        blocks += [Heading("Moves between segments"),
                   Table.of(pd.DataFrame(rows), f"Months in which moves stand out, of {flagged['months']}")]  # fmt: skip
    refit = subject.table("causes_refit")
    if refit is not None:
        blocks.append(Table.of(refit, "Would a fit to later customers assign differently, beyond chance?"))
    causes = subject.table("causes")
    if causes is not None and "refit_moved" in causes:
        blocks.append(Table.of(causes, "What changed the sizes: customers, or the refit", folded=True))
    return blocks


def fairness(subject: Subject) -> Section:
    """Whether groups of people are treated alike."""
    saved = subject.table("fairness")
    if saved is not None:
        return Section("fairness", "Fairness", _saved(subject, saved))
    found = _groups(subject)
    if found is None:
        why = (
            "Neither a table by group nor an input that names one (gender, age) was saved with this run, so groups "
            "of people were not compared."
        )
        return Section("fairness", "Fairness", [Text(why, "absent")])
    words = (
        "The stage saved no table by group. From its sample, by what the model itself is given: who would be among the "
        "first tenth of the scores. Outcomes are not in the sample, so errors by group are not known."
    )
    return Section("fairness", "Fairness", [Text(words), Table.of(found, "Share in the first tenth, by group")])


def _saved(subject: Subject, table: pd.DataFrame) -> list[Block]:
    names = {"attribute": "attribute", "group": "group", "rows": "rows", "selection_rate": "approved",
             "selection_rate_ratio": "of the best group", "true_positive_rate": "good and approved",
             "equal_opportunity_difference": "difference", "bad_rate_observed": "bad rate",
             "calibration": "observed / expected", "calibration_low": "low", "calibration_high": "high"}  # fmt: skip
    summary = subject.metrics.get("fairness") or {}
    blocks: list[Block] = [Table.of(table, "By group", {c: n for c, n in names.items() if c in table})]
    for attribute, values in summary.items():
        if isinstance(values, dict):
            blocks += [
                Heading(attribute.replace("_", " ")),
                Facts.of({n.replace("_", " "): v for n, v in values.items()}),
            ]
        proxies = subject.table(f"proxies_{attribute}")
        if proxies is not None:
            caption = f"Inputs that give {attribute.replace('_', ' ')} away (AUC: .5 says nothing)"
            blocks.append(Table.of(proxies, caption, folded=True))
    if summary.get("note"):
        blocks.append(Text(str(summary["note"]), "note"))
    return blocks


def _groups(subject: Subject) -> pd.DataFrame | None:
    sample = subject.sample
    heads = subject.artifact.spec.get("heads")
    if sample is None or not heads:
        return None
    groups: dict[str, pd.Series] = {}
    if "gender" in sample:
        groups["gender"] = sample["gender"]
    if "age_years" in sample:
        edges = [low for low, _, _ in BANDS] + [BANDS[-1][1]]
        groups["age"] = pd.cut(sample["age_years"], edges, right=False, labels=[name for _, _, name in BANDS])
    if not groups:
        return None
    score = subject.artifact.margins(sample)[heads[0]["name"]]
    first = score >= np.quantile(score, 0.9)
    rows = []
    for attribute, of in groups.items():
        shares = {str(g): (int((of == g).sum()), float(first[(of == g).to_numpy()].mean()))
                  for g in sorted(of.dropna().unique(), key=str)}  # fmt: skip
        best = max(share for n, share in shares.values() if n >= LEAST_ROWS)
        for group, (n, share) in shares.items():
            known = n >= LEAST_ROWS
            rows.append({"attribute": attribute, "group": group, "rows": n, "in the first tenth": share if known else np.nan,
                         "of the largest share": share / best if known and best else np.nan})  # fmt: skip
    return pd.DataFrame(rows)
