"""Chapters of the review: what is asked, what the checks found, who decided."""

from collections import Counter

import pandas as pd

from ...reports.document import Block, Facts, Section, Table, Text, kept, spell
from ..checks import CHECKS, Status
from ..measures import measured, told
from ..subject import Subject

TIERS = {1: "decides about people or capital", 2: "spends money", 3: "describes"}
SIGNS: dict[Status, str] = {"pass": "●\u00a0pass", "fail": "▲\u00a0FAIL", "not_applicable": "○ not applicable"}


def at_a_glance(subject: Subject) -> Section:
    """What has to be decided, and what speaks against it."""
    failed = [o for o in subject.outcomes if o.status == "fail"]
    blocking = [o for o in failed if o.severity == "blocking"]
    found = Counter(o.status for o in subject.outcomes)
    counts = ", ".join(f"{SIGNS[s]}: {found[s]}" for s in SIGNS)
    if not subject.outcomes:
        verdict = "No check has looked at this version: it may not be used before they have."
    elif blocking:
        verdict = f"▲ May not be used without an override: {', '.join(o.code for o in blocking)} failed."
    else:
        verdict = "● Passed every check that blocks: it may be used once the reviewers agree."
    warnings = [o for o in failed if o.severity == "warning"]
    blocks: list[Block] = [
        Text(verdict, "lead"),
        Facts.of({
            "checks": counts, "first measures": _headline(subject),
            "reviewers who must agree": subject.entry.approvals,
            "compared with the champion": f"version {subject.comparison.champion_version}"
            if subject.comparison else "no: see the section on it",
            "question to the reviewer": f"may version {subject.version} decide what this model is for (section 2)?",
            "model": subject.name, "version": subject.version, "digest": subject.digest,
        }),
        *(Text(f"▲ Warning {o.code}, {o.title}: {o.evidence}") for o in warnings),
    ]  # fmt: skip
    return Section("glance", "At a glance", blocks)


def _headline(subject: Subject) -> str:
    """Spell the first measures with their intervals, or the stability of segments."""
    lenses = subject.metrics.get("lenses")
    if lenses:
        found = {name: lens["stability"] for name, lens in lenses.items() if lens.get("stability") is not None}
        return "; ".join(f"lens {name} stability {spell(value)}" for name, value in found.items()) or "none"
    rows = told(measured(subject.metrics.get("test") or {})).groupby("of", sort=False).head(3)
    said = [
        f"{row['of']}{' ' if row['of'] else ''}{row['measure']} {spell(row['value'])} "
        f"({spell(row['low'])} to {spell(row['high'])})"
        for row in rows.to_dict("records")
    ]
    return "; ".join(said) or "none saved"


def purpose(subject: Subject) -> Section:
    """What the model is for, what not, who answers for it."""
    entry = subject.entry
    builder = ", the builder counts for one at most" if entry.approvals > 1 else ""
    blocks: list[Block] = [
        Text(entry.purpose),
        Text(f"Limits: {entry.limits}"),
        Facts.of({
            "owner": entry.owner,
            "tier": f"{entry.tier} ({TIERS.get(entry.tier, 'not described')})",
            "approvals needed": f"{entry.approvals}{builder}",
            "valid for": f"{entry.valid_for_days} days after the last outcome it learned from",
            "bounds it must keep": dict(entry.bounds),
        }),
    ]  # fmt: skip
    return Section("purpose", "Purpose and limits", blocks)


def checks(subject: Subject) -> Section:
    """Every check with its evidence, and what it guards against."""
    if not subject.outcomes:
        return Section("checks", "Checks", [Text("No check has looked at this version yet.", "absent")])
    rows = pd.DataFrame([
        {"check": f"{o.code} {o.title}", "found": SIGNS[o.status], "evidence": o.evidence,
         "if it fails": "blocks" if o.severity == "blocking" else "warns",
         "guards against": CHECKS[o.code].explanation if o.code in CHECKS else "not described"}
        for o in subject.outcomes
    ])  # fmt: skip
    return Section("checks", "Checks", [kept(Table.of(rows, "What each check found"))])


def decisions(subject: Subject) -> Section:
    """Who said what, when."""
    if not subject.decisions:
        why = "Nobody has decided about this version yet."
        return Section("decisions", "Reviewers' decisions", [Text(why, "absent")])
    names = {"at": "when (UTC)", "who": "who", "action": "decision", "version": "version", "note": "note"}
    rows = pd.DataFrame([{key: decision.get(key) for key in names} for decision in subject.decisions])
    rows["version"] = rows["version"].astype(str)
    return Section("decisions", "Reviewers' decisions", [Table.of(rows, "Decisions, oldest first", names)])
