"""Chapter of fairness: whether groups of people are treated alike."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ...models.fairness import age_bands
from ...reports.document import Block, Facts, Heading, Section, Table, Text
from ..subject import Subject

LEAST_ROWS = 20  # a smaller group is named, not measured
_SAVED = {
    "attribute": "attribute", "group": "group", "rows": "rows", "selection_rate": "approved",
    "selection_rate_ratio": "of the best group", "true_positive_rate": "good and approved",
    "equal_opportunity_difference": "difference", "bad_rate_observed": "bad rate",
    "calibration": "observed / expected", "calibration_low": "low", "calibration_high": "high",
}  # fmt: skip


def fairness(subject: Subject) -> Section:
    """What the stage measured by group; where it measured nothing, what its sample can say."""
    saved = subject.table("fairness")
    if saved is not None:
        return Section("fairness", "Fairness", _measured(subject, saved))
    groups = people(subject.sample) if subject.sample is not None else {}
    if not groups:
        why = (
            "Neither a table by group nor a sample that names one (gender, age) was saved with this run, so groups of "
            "people were not compared."
        )
        return Section("fairness", "Fairness", [Text(why, "absent")])
    look = _segments if subject.artifact.assigns else _first
    return Section("fairness", "Fairness", look(subject, groups))


def people(sample: pd.DataFrame) -> "dict[str, pd.Series[Any]]":
    """Name the group of each row, for each attribute that the sample holds: gender, and age in bands."""
    groups: dict[str, pd.Series[Any]] = {}
    if "gender" in sample:
        groups["gender"] = sample["gender"].astype("str").where(sample["gender"].notna())
    if "age_years" in sample:
        groups["age"] = pd.Series(age_bands(sample["age_years"]), index=sample.index)
    return groups


def _measured(subject: Subject, table: pd.DataFrame) -> list[Block]:
    summary = subject.metrics.get("fairness") or {}
    blocks: list[Block] = [Table.of(table, "By group", {c: n for c, n in _SAVED.items() if c in table})]
    for attribute, values in summary.items():
        said = attribute.replace("_", " ")
        if isinstance(values, dict):
            blocks += [Heading(f"By {said}"), Facts.of({n.replace("_", " "): v for n, v in values.items()})]
        proxies = subject.table(f"proxies_{attribute}")
        if proxies is not None:
            blocks.append(Table.of(proxies, f"Inputs that give {said} away (AUC: .5 says nothing)", folded=True))
    if summary.get("note"):
        blocks.append(Text(str(summary["note"]), "note"))
    return blocks


def _first(subject: Subject, groups: "dict[str, pd.Series[Any]]") -> list[Block]:
    """Of each group, the share among the first tenth of the scores."""
    assert subject.sample is not None
    score = subject.artifact.margins(subject.sample)[subject.artifact.spec["heads"][0]["name"]]
    first = pd.Series(score >= np.quantile(score, 0.9), index=subject.sample.index)
    rows = []
    for attribute, of in groups.items():
        for group, part in first.groupby(of, observed=True, sort=True):
            known = len(part) >= LEAST_ROWS
            reach = binomtest(int(part.sum()), len(part)).proportion_ci(method="wilson") if known else None
            rows.append({
                "attribute": attribute, "group": str(group), "rows": len(part),
                "in the first tenth": float(part.mean()) if known else np.nan,
                "low": reach.low if reach else np.nan, "high": reach.high if reach else np.nan,
            })  # fmt: skip
    words = (
        "The stage saved no table by group. From its sample, by what the model itself is given: who would be in the "
        "first tenth of the scores. Outcomes are not in the sample, so errors by group are not known."
    )
    return [Text(words), Table.of(pd.DataFrame(rows), "Share in the first tenth, by group, with 95 % intervals")]


def _segments(subject: Subject, groups: "dict[str, pd.Series[Any]]") -> list[Block]:
    """Of each lens and attribute, the segment in which the shares of the groups lie furthest apart."""
    sample, rows = subject.sample, []
    assert sample is not None
    for lens in [str(c) for c in sample if f"{c}_confidence" in sample]:
        for attribute, of in groups.items():
            counts = pd.crosstab(of, sample[lens])
            counts = counts[counts.sum(axis=1) >= LEAST_ROWS]
            if len(counts) < 2:
                continue
            shares = counts.div(counts.sum(axis=1), axis=0)
            widest = (shares.max() - shares.min()).idxmax()
            rows.append({
                "lens": lens.replace("_", " "), "attribute": attribute, "segment": str(widest),
                "most often": str(shares[widest].idxmax()), "share": shares[widest].max(),
                "least often": str(shares[widest].idxmin()), "share there": shares[widest].min(),
            })  # fmt: skip
    words = (
        "Nobody is chosen or refused by a segment alone, and there is no outcome. From its sample: for each lens "
        "the segment in which groups of people are spread most unevenly."
    )
    return [Text(words), Table.of(pd.DataFrame(rows), "Where the shares of groups lie furthest apart")]
