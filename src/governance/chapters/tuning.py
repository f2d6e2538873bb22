"""Chapter of choices: which candidates were tried, how parameters were searched."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...reports.document import Block, Chart, Facts, Heading, Section, Table, Text
from ...reports.figures import tuning_curve
from ..measures import measured, told
from ..subject import Subject

_LEARNERS = {
    "learner": "learner", "policy_value": "gain of its list", "low": "low", "high": "high",
    "over_rival": "over the simple rule", "over_rival_low": "low ", "over_rival_high": "high ",
    "smallest_findable_lead": "lead that would be found",
}  # fmt: skip
_CLUSTERS = {
    "lens": "lens", "clusterer": "method", "clusters": "groups", "stability": "stability",
    "silhouette": "silhouette", "smallest": "smallest group", "eligible": "eligible", "chosen": "chosen",
}  # fmt: skip


def tuning(subject: Subject) -> Section:
    """What was tried, and why this was chosen."""
    blocks = [*_candidates(subject), *_learners(subject), *_clusters(subject), *_trials(subject)]
    return Section("tuning", "Candidates and tuning", blocks)


def _candidates(subject: Subject) -> list[Block]:
    found: Mapping[str, Any] = subject.metrics.get("candidates") or {}
    if not found:
        return []
    names = {"of": "candidate", "measure": "measure", "value": "value", "low": "low", "high": "high"}
    chosen = found.get("chosen") or {
        name: inner.get("chosen") for name, inner in found.items() if isinstance(inner, dict)
    }
    return [
        Heading("Candidates"),
        Text("A simple model stands beside the others, and wins unless the difference on the same folds is real."),
        Facts.of({"chosen": chosen}),
        Table.of(told(measured(found)), "Candidates, cross-validated, with 95 % intervals", names),
    ]


def _learners(subject: Subject) -> list[Block]:
    table = subject.table("learners")
    if table is None:
        return []
    verdict = subject.metrics.get("choice", {}).get("verdict")
    return [
        Heading("Learners of the effect"),
        *([Text(f"Verdict: {verdict}.", "lead")] if verdict else []),
        Table.of(
            table,
            "Learners, cross-fitted: responses gained per customer",
            {c: n for c, n in _LEARNERS.items() if c in table},
        ),
        *(
            Text(f"Outcome {name}: {other['verdict']}.")
            for name, other in (subject.metrics.get("outcomes") or {}).items()
            if isinstance(other, Mapping) and other.get("verdict")
        ),
    ]


def _clusters(subject: Subject) -> list[Block]:
    table = subject.table("evidence")
    if table is None or "clusters" not in table:
        return []
    names = {c: n for c, n in _CLUSTERS.items() if c in table}
    blocks: list[Block] = [Heading("How many groups")]
    if "chosen" in table:
        blocks.append(Table.of(table[table["chosen"].astype(bool)], "Chosen for each lens of clusters", names))
    return [*blocks, Table.of(table, "All that were tried", names, folded=True)]


def _trials(subject: Subject) -> list[Block]:
    table, summary = subject.table("trials"), subject.metrics.get("tuning")
    if table is None:
        return [
            Heading("Search"),
            Text("No parameters were searched: the stage uses those of its parameters file.", "absent"),
        ]
    blocks: list[Block] = [Heading("Search")]
    if summary:
        blocks.append(Facts.of({
            "trials": summary.get("trials"), "stopped early": summary.get("pruned"),
            "taken": summary.get("taken"), "gain over the defaults": summary.get("gain"),
            "its standard error": summary.get("gain_standard_error"), "parameters": summary.get("parameters"),
        }))  # fmt: skip
    shown = Table.of(table, "Trials of the search (lower loss is better)", folded=True)
    if "best_so_far" not in table or table["best_so_far"].isna().all():
        return [*blocks, shown]
    best = table.dropna(subset=["best_so_far"])
    first, last = best["best_so_far"].iloc[0], best["best_so_far"].iloc[-1]
    reached = int(best.loc[best["best_so_far"] == last, "trial"].iloc[0])
    words = f"Best loss so far: {first:.5f} after the first trial, {last:.5f} from trial {reached} on, of {len(table)}."
    return [*blocks, Chart.of(tuning_curve(pd.DataFrame(best)), words, "Best loss so far, by trial", shown)]
