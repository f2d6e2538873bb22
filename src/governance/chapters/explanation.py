"""Chapters of explanation: what the model looks at, and why a few customers score as they do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...models.explain import Explanation, explain
from ...models.reasons import phrases_of, references
from ...reports.document import Block, Chart, Facts, Heading, Section, Table, Text, spell
from ...reports.figures import bars, contributions, dependence
from ..subject import Subject

LEAST = 20  # customers; a smaller segment is not described
SHOWN = 20  # features in the global picture
NAMED = 8  # features of one customer
EXAMPLES = (
    (1.0, "the highest score"),
    (0.9, "a high score"),
    (0.5, "a score in the middle"),
    (0.0, "the lowest score"),
)


def overall(subject: Subject) -> Section:
    """Which features matter, how they act, how sure their order is."""
    title = "What the model looks at (SHAP)"
    if not subject.artifact.spec.get("heads"):
        return Section("shap", title, _profiles(subject))
    found = subject.explanation
    if found is None:
        why = "The stage saved neither an explanation nor rows to explain: what the model looks at is not known here."
        return Section("shap", title, [Text(why, "absent")])
    blocks: list[Block] = []
    if subject.explained_here:
        blocks.append(Text(f"Computed for this dossier from {found.report['rows']} rows: the stage's sample.", "note"))
    tables, report = found.tables, found.report
    blocks += [
        _strength(subject, tables["summary"], tables.get("ranking")),
        *_action(tables.get("dependence"), _scale(subject)),
    ]
    head = subject.artifact.spec["heads"][0]["name"]
    blocks.append(Facts.of({
        "explained": f"{head}, the first head of the model", "method": report.get("engine"), "rows": report.get("rows"),
        "scale": _scale(subject), "average": report.get("base"),
        "contributions miss a score by less than": report.get("additivity_error_below"),
    }))  # fmt: skip
    return Section("shap", title, blocks)


def _scale(subject: Subject) -> str:
    """Say what contributions are measured in: log-odds, or the inner scale of a model of money."""
    spec = subject.artifact.spec
    head = spec["heads"][0]["name"]
    links = {output.get("link", "logit") for output in spec["outputs"] if output["head"] == head}
    return "the model's inner scale (larger is more)" if links == {"identity"} else "log-odds"


def _strength(subject: Subject, summary: pd.DataFrame, ranking: pd.DataFrame | None) -> Chart:
    rows = summary.head(SHOWN).assign(meaning=[subject.meanings.get(f, "–") for f in summary["feature"].head(SHOWN)])
    if ranking is not None:
        rows = rows.merge(ranking[["feature", "rank_low", "rank_high"]], on="feature", how="left")
    words = "Strongest first: " + ", ".join(
        f"{f} {s:.0%}" for f, s in zip(rows["feature"].head(6), rows["share"].head(6), strict=True)
    )
    names = {"feature": "feature", "meaning": "meaning", "mean_abs_shap": "mean |SHAP|", "share": "share of all",
             "rank": "rank", "rank_low": "rank, low", "rank_high": "rank, high"}  # fmt: skip
    shown = Table.of(rows, f"The {len(rows)} strongest features", {c: n for c, n in names.items() if c in rows})
    drawn = bars(summary.round({"mean_abs_shap": 6}), "feature", "mean_abs_shap", "Mean size of contributions", SHOWN)
    return Chart.of(drawn, words + " of all contributions.", "Which features move scores most", shown)


def _action(table: pd.DataFrame | None, scale: str) -> list[Block]:
    if table is None or table.empty:
        return []
    rows = []
    for feature, part in table.groupby("feature", sort=False):
        known, absent = part[part["bin"] >= 0], part.loc[part["bin"] < 0, "shap_mean"]
        if len(known):
            rows.append({"feature": feature, "low values": known["shap_mean"].iloc[0],
                         "middle": known["shap_mean"].iloc[len(known) // 2], "high values": known["shap_mean"].iloc[-1],
                         "missing": absent.iloc[0] if len(absent) else np.nan})  # fmt: skip
    acts = pd.DataFrame(rows)
    words = "; ".join(
        f"{f}: high values {'raise' if h > w else 'lower'} the score"
        for f, w, h in zip(acts["feature"], acts["low values"], acts["high values"], strict=True)
    )
    shown = Table.of(acts, "Mean contribution at low, middle and high values")
    drawn = dependence(table.round(6), scale)
    return [Chart.of(drawn, words + ".", "How the strongest features act: mean contribution and middle 80 %", shown)]


def _profiles(subject: Subject) -> list[Block]:
    """Say by what the members of each segment differ, where there is no score to explain."""
    blocks: list[Block] = [
        Text("The model assigns segments by rules and distances and has no score, so there are no SHAP values. What "
             "sets each segment apart is shown instead.", "absent"),
    ]  # fmt: skip
    table = subject.table("profile")
    if table is None:
        return blocks
    for lens, part in table.groupby("lens", sort=False):
        rows = []
        for (_, name), of in part.groupby(["segment", "name"], sort=False):
            if of["customers"].iloc[0] < LEAST:
                rows.append({"segment": name, "customers": of["customers"].iloc[0], "share": of["share"].iloc[0],
                             "differs most by": f"fewer than {LEAST} customers: not described"})  # fmt: skip
                continue
            strongest = of.reindex(of["effect"].abs().sort_values(ascending=False, kind="stable").index).head(3)
            said = "; ".join(f"{w} {'▲' if e > 0 else '▼'} {spell(abs(e))}"
                             for w, e in zip(strongest["what"], strongest["effect"], strict=True))  # fmt: skip
            rows.append({"segment": name, "customers": of["customers"].iloc[0], "share": of["share"].iloc[0],
                         "differs most by": said})  # fmt: skip
        caption = f"Lens {str(lens).replace('_', ' ')}: ▲ more, ▼ less than everybody else, in standard deviations"
        blocks.append(Table.of(pd.DataFrame(rows), caption))
    return blocks


def examples(subject: Subject) -> Section:
    """Why a few customers score as they do; no id, and no value of theirs."""
    title = "A few customers, explained"
    sample, spec = subject.sample, subject.artifact.spec
    if sample is None or sample.empty:
        return Section("examples", title, [Text("The stage saved no rows to explain.", "absent")])
    if not spec.get("heads"):
        return Section("examples", title, _assigned(subject, sample))
    artifact = subject.artifact
    matrix = artifact.matrix(sample)
    order = np.argsort(artifact.predictor.head_margin(spec["heads"][0]["name"], matrix), kind="stable")
    places = [int(order[round(q * (len(order) - 1))]) for q, _ in EXAMPLES]
    told = explain(artifact, matrix[places], workers=1)
    outputs = artifact.predict(sample.iloc[places]).select_dtypes("number")
    kinds = _kinds(subject, matrix, places)
    blocks: list[Block] = [
        Text("Real rows of the stage's sample, known here by a letter only. Values are told as low, usual or high "
             "against what is usual for the model, never as numbers; contributions add up to the score."),
    ]  # fmt: skip
    for i, (_, words) in enumerate(EXAMPLES):
        letter = "ABCDEFGH"[i]
        blocks += _one(subject, f"Customer {letter}, {words}", told, i, outputs.iloc[i], kinds[i])
    return Section("examples", title, blocks)


def _kinds(subject: Subject, matrix: np.ndarray, places: Sequence[int]) -> list[list[str]]:
    """Say of each value how it lies to the usual one; of texts only whether they are known."""
    usual = references(subject.artifact, matrix, phrases_of(subject.dictionary) if len(subject.dictionary) else {})
    texts = [feature["type"] == "text" for feature in subject.artifact.spec["features"]]
    found = []
    for row in matrix[list(places)]:
        found.append([
            "not known" if np.isnan(x) else "as recorded" if text else "high" if x > u else "low" if x < u else "usual"
            for x, u, text in zip(row, usual, texts, strict=True)
        ])  # fmt: skip
    return found


def _one(
    subject: Subject, title: str, told: Explanation, i: int, outputs: "pd.Series[Any]", kinds: list[str]
) -> list[Block]:
    values = told.values[i].astype(float)
    first = np.argsort(-np.abs(values), kind="stable")[:NAMED]
    rest = float(values.sum() - values[first].sum())
    rows = pd.DataFrame({
        "feature": [told.names[j] for j in first], "meaning": [subject.meanings.get(told.names[j], "–") for j in first],
        "value": [kinds[j] for j in first],
        "effect": ["▲\u00a0raises" if values[j] >= 0 else "▼\u00a0lowers" for j in first],
        "contribution": np.round(values[first], 3),
    })  # fmt: skip
    drawn = pd.concat([rows[["feature", "contribution"]],
                       pd.DataFrame({"feature": ["all others"], "contribution": [round(rest, 3)]})])  # fmt: skip
    scale = _scale(subject)
    sums = f"average {told.base:.2f} and contributions {values.sum():+.2f} give {told.base + values.sum():.2f}".replace(
        "-", "−"
    )
    words = "; ".join(
        f"{told.names[j]} ({kinds[j]}) {'raises' if values[j] >= 0 else 'lowers'} by {abs(values[j]):.2f}"
        for j in first
    )
    said = ", ".join(f"{str(name).replace('_', ' ')} {spell(float(value))}" for name, value in outputs.items())
    return [
        Heading(title),
        Text(f"Outputs: {said}. On the scale of contributions: {sums}."),
        Chart.of(contributions(drawn, title, f"contribution, {scale}"), words + ".",
                 "What raised and what lowered this score (hatched)", Table.of(rows, f"{title}: contributions")),
    ]  # fmt: skip


def _assigned(subject: Subject, sample: pd.DataFrame) -> list[Block]:
    names = {
        lens["name"]: {segment["id"]: segment["name"] for segment in lens.get("segments", ())}
        for lens in subject.artifact.spec["lenses"]
    }
    lenses = [str(c) for c in sample if f"{c}_confidence" in sample]
    sure = sample[[f"{lens}_confidence" for lens in lenses]].min(axis=1).to_numpy()
    order = np.argsort(sure, kind="stable")
    places = {
        "A, assigned most surely": order[-1],
        "B, in the middle": order[len(order) // 2],
        "C, least surely": order[0],
    }
    rows = []
    for lens in lenses:
        said = {"lens": lens.replace("_", " ")}
        for name, place in places.items():
            found = str(sample[lens].iloc[place])
            known = names.get(lens, {}).get(found, found)
            said[f"customer {name}"] = f"{known} ({sample[f'{lens}_confidence'].iloc[place]:.2f})"
        rows.append(said)
    return [
        Text(
            "No score, hence no contributions: segments of three customers, with the confidence of each assignment.",
            "absent",
        ),
        Table.of(pd.DataFrame(rows), "Assigned segment, and confidence from 0 to 1"),
    ]
