"""The page on risk for the board: how much, within which limits, what changed and why, and what is only stated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from .document import Block, Chart, Document, Facts, Heading, Section, Table, Text, kept, spell
from .figures import bars, contributions

Kind = Literal["text", "money", "share", "number", "times"]
SAME_MODELS = (
    "Scores of both dates are of the same models unless said otherwise, so that no change is a model's. Effects of "
    "positions that stayed are means over all orders of change, and add up."
)
STATED = (
    "What is estimated and what is not. Each unit's probabilities, severities and exposures come from data and models, "
    "as far as its section says so. How losses of different units move together is stated, not estimated: a few units "
    "and a few years of months cannot tell it. Value at risk, economic capital and everything else about the tail of "
    "the whole are therefore scenario analysis: consequences of what is stated. Section 4 shows how much hangs on it."
)


@dataclass(frozen=True)
class Told:
    """What the page says beside tables: plain words and numbers.

    Attributes
    ----------
    total : mapping
        ``expected_loss, value_at_risk, expected_shortfall, economic_capital, sum_of_units_capital,
        diversification_benefit, exposure``.
    words : mapping
        Unit → (title, what is estimated, what is stated, remarks).
    reverse : sequence
        Loss, its probability, and a table by unit ``unit, loss, times_expected, once_in, times, probability``.
    stories : mapping
        Stress scenario → what happens in it.
    """

    as_of: str
    currency: str
    horizon: float
    level: float
    shortfall_level: float
    total: Mapping[str, float]
    failed: Mapping[str, str]
    notes: Sequence[str]
    words: Mapping[str, tuple[str, str, str, Sequence[str]]]
    reverse: Sequence[tuple[float, float, pd.DataFrame]] = ()
    stories: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    total_before: Mapping[str, float] | None = None
    remarks: Sequence[str] = ()


def said(value: Any, kind: Kind) -> str:
    """Spell a value for a cell.

    Examples
    --------
    >>> said(0.0123, "share"), said(1234567.8, "money"), said(2.345, "times"), said(float("nan"), "share")
    ('1.2 %', '1,234,568', '× 2.3', '–')
    """
    if kind == "text" or value is None or (isinstance(value, float) and np.isnan(value)):
        return spell(value)
    if kind == "number":
        return spell(value)
    digits, scale = (0, 1) if kind == "money" else (1, 100 if kind == "share" else 1)
    shown = f"{round(scale * float(value), digits) + 0.0:,.{digits}f}".replace("-", "−")
    return {"share": f"{shown} %", "times": f"× {shown}"}.get(kind, shown)


def table(frame: pd.DataFrame, caption: str, columns: Mapping[str, tuple[str, Kind]], folded: bool = False) -> Table:
    """Spell the named columns of a frame; the first one names the row."""
    rows = tuple(
        tuple(said(value, kind) for value, (_, kind) in zip(row, columns.values(), strict=True))
        for row in frame[list(columns)].itertuples(index=False, name=None)
    )
    numeric = tuple(i > 0 and kind != "text" for i, (_, kind) in enumerate(columns.values()))
    return Table(caption, tuple(heading for heading, _ in columns.values()), numeric, rows, folded)


def risk_document(tables: Mapping[str, pd.DataFrame], told: Told) -> Document:
    """Tell a report on risk.

    Parameters
    ----------
    tables : mapping
        ``units, lights, dependence, sensitivity, correlations, stress``, perhaps ``changes``, and ``<unit>_<table>``
        of each unit (:class:`afraz.risk.board.Report`).

    Returns
    -------
    Document
        One page: :meth:`.document.Document.page`.
    """
    whole = "the whole" if not told.failed else f"INCOMPLETE: without {', '.join(told.failed)}"
    lead = (f"What may be lost within {told.horizon:,.0f} days from {told.as_of}, in {told.currency}: {whole}. "
            f"Signs and words say what colours would.")  # fmt: skip
    return Document("Risk of the whole", lead, (
        Section("glance", "At a glance", _glance(tables, told)),
        Section("units", "How much, and where", _units(tables["units"], told)),
        Section("changes", "What changed, and why", _changes(tables, told)),
        Section("stated", "How much hangs on what is stated", _stated(tables, told)),
        Section("stress", "Stress: what if", _stress(tables["stress"], told)),
        Section("reverse", "Reverse stress: what would have to happen", _reverse(told)),
        Section("each", "Each unit by itself", _each(tables, told)),
        Section("terms", "Terms", _terms(told)),
    ))  # fmt: skip


def _glance(tables: Mapping[str, pd.DataFrame], told: Told) -> list[Block]:
    total, old = told.total, told.total_before
    blocks: list[Block] = []
    if told.failed:
        blocks.append(Text(f"Incomplete. Not in the total: {'; '.join(told.failed.values())}.", "lead"))
    rows = [(words, total[name], np.nan if old is None else old[name]) for name, words in (
        ("expected_loss", "Expected loss"), ("value_at_risk", f"Value at risk, {100 * told.level:g} %"),
        ("expected_shortfall", f"Expected shortfall, {100 * told.shortfall_level:g} %"),
        ("economic_capital", "Economic capital: value at risk less expected loss"),
        ("sum_of_units_capital", "Capital of the units, each by itself, added up"))]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["what", "now", "before"])
    columns: dict[str, tuple[str, Kind]] = {"what": ("what", "text"), "now": (told.as_of, "money")}
    if old is not None:
        columns["before"] = (str(told.before), "money")
    blocks.append(kept(table(frame, f"The whole, in {told.currency}", columns)))
    less = said(total["diversification_benefit"], "share")
    blocks.append(
        Text(f"Because not everything goes wrong at once, the whole needs {less} less capital than its units added up.")
    )
    lights = tables["lights"]
    if len(lights):
        marked = lights.assign(light=lights["sign"] + " " + lights["light"])
        shown: dict[str, tuple[str, Kind]] = {
            "limit": ("limit", "text"), "light": ("light", "text"), "value": ("now", "share"),
        }  # fmt: skip
        if "before" in lights:
            shown |= {"before": (str(told.before), "share"), "was": ("then", "text")}
        shown |= {"amber": ("amber from", "share"), "red": ("red from", "share"), "why": ("because", "text")}
        blocks.append(kept(table(marked, "Limits: ● within, ▲ amber, ■ red, ○ not measured", shown)))
    blocks.append(Text(STATED, "lead"))
    return blocks + [Text(note, "note") for note in told.notes]


def _units(units: pd.DataFrame, told: Told) -> list[Block]:
    shown = table(units, f"Units, in {told.currency}; capital contributions add up to the whole", {
        "unit": ("unit", "text"), "exposure": ("exposure", "money"), "probability": ("probability", "share"),
        "severity": ("severity", "share"), "expected_loss": ("expected loss", "money"),
        "value_at_risk": ("value at risk by itself", "money"), "economic_capital": ("capital by itself", "money"),
        "capital_contribution": ("adds to capital", "money"), "capital_standard_error": ("± (standard error)", "money"),
    })  # fmt: skip
    axis = f"economic capital, thousand {told.currency}"
    by = units.assign(**{axis: units["capital_contribution"] / 1000})
    chart = Chart.of(
        bars(by, "unit", axis, "What each unit adds to economic capital"),
        "; ".join(f"{r['unit']}: {said(r['capital_contribution'], 'money')}" for r in units.to_dict("records")),
        "By Euler's rule: what each unit loses in the scenarios in which the whole loses its value at risk",
    )
    more = table(units, "Expected shortfall, and what each unit adds to it", {
        "unit": ("unit", "text"), "expected_shortfall": ("by itself", "money"),
        "shortfall_contribution": ("adds to the whole", "money"),
        "shortfall_standard_error": ("± (standard error)", "money"), "method": ("probability from", "text"),
    }, folded=True)  # fmt: skip
    return [shown, chart, more]


def _changes(tables: Mapping[str, pd.DataFrame], told: Told) -> list[Block]:
    blocks: list[Block] = [Text(remark, "absent") for remark in told.remarks]
    found = tables.get("changes")
    if found is None or found.empty:
        return [*blocks, Text("Nothing to compare with: no unit could be measured at an earlier date.", "absent")]
    words = {"came": "came", "went": "went", "exposure": "exposure", "probability": "probability",
             "severity": "severity"}  # fmt: skip
    blocks.append(kept(table(found, f"Expected loss from {told.before} to {told.as_of}, in {told.currency}", {
        "unit": ("unit", "text"), "before": (str(told.before), "money"),
        **{name: (word, "money") for name, word in words.items()}, "now": (told.as_of, "money"),
    })))  # fmt: skip
    last = found.iloc[-1]
    effects = pd.DataFrame({"feature": list(words.values()), "contribution": [last[n] / 1000 for n in words]})
    effects = effects.reindex(effects["contribution"].abs().sort_values(ascending=False).index)
    blocks.append(Chart.of(
        contributions(effects, "What changed the expected loss of all units", f"thousand {told.currency}"),
        "; ".join(f"{r['feature']}: {r['contribution']:+.0f} thousand" for r in effects.to_dict("records")),
        "Came, went: positions that are there at one of the two dates only. The other three: of positions that stayed",
    ))  # fmt: skip
    capital = tables.get("capital_changes", pd.DataFrame())
    if len(capital):
        blocks.append(table(capital, f"Economic capital by itself, from {told.before} to {told.as_of}", {
            "unit": ("unit", "text"), "economic_capital_before": (str(told.before), "money"),
            "economic_capital_now": (told.as_of, "money"),
        }))  # fmt: skip
    blocks.append(Text(SAME_MODELS, "note"))
    return blocks


def _stated(tables: Mapping[str, pd.DataFrame], told: Told) -> list[Block]:
    return [
        table(tables["dependence"], f"The whole, if units moved together otherwise, in {told.currency}", {
            "dependence": ("how units move together", "text"), "value_at_risk": ("value at risk", "money"),
            "expected_shortfall": ("expected shortfall", "money"), "economic_capital": ("economic capital", "money"),
        }),
        table(tables["sensitivity"], f"Each unit at {100 * told.level:g} %, if its cases moved together otherwise", {
            "unit": ("unit", "text"), "assumption": ("assumption", "text"), "correlation": ("correlation", "number"),
            "value_at_risk": ("value at risk", "money"), "economic_capital": ("economic capital", "money"),
        }),
        Table.of(tables["correlations"], "Stated correlations between units", folded=True),
    ]  # fmt: skip


def _stress(stress: pd.DataFrame, told: Told) -> list[Block]:
    blocks: list[Block] = [Text("Stated courses of events. Nothing is said of how likely they are.", "note")]
    if stress.empty:
        return [*blocks, Text("No scenario is stated.", "absent")]
    by = stress.groupby("scenario", sort=False)[["expected_loss", "stressed_loss", "added"]].sum().reset_index()
    by["of_capital"] = by["added"] / told.total["economic_capital"]
    by["story"] = by["scenario"].map(told.stories).fillna("")
    blocks.append(table(by, f"Expected loss in each scenario, in {told.currency}", {
        "scenario": ("scenario", "text"), "story": ("what happens", "text"), "stressed_loss": ("loss", "money"),
        "added": ("beyond the expected", "money"), "of_capital": ("of economic capital", "share"),
    }))  # fmt: skip
    wide = stress.pivot_table("added", "unit", "scenario", sort=False).reset_index()
    shown: dict[str, tuple[str, Kind]] = {"unit": ("unit", "text")}
    shown |= {str(c): (str(c), "money") for c in wide.columns if c != "unit"}
    blocks.append(table(wide, "Beyond the expected, by unit", shown, folded=True))
    return blocks


def _reverse(told: Told) -> list[Block]:
    blocks: list[Block] = [Text(
        "The other way round: the most probable way to lose so much, under the stated correlations; and by what one "
        "unit's probabilities alone would have to multiply for the expected losses to reach it.", "note")]  # fmt: skip
    for loss, probability, by in told.reverse:
        often = f"about once in {1 / probability:,.0f} years" if probability > 0 else "in no scenario drawn"
        often = often if told.horizon == 365 else f"with probability {said(probability, 'share')}"
        blocks.append(Heading(f"To lose {said(loss, 'money')} {told.currency}: {often}"))
        blocks.append(table(by, "The most probable way", {
            "unit": ("unit", "text"), "loss": ("loses", "money"), "times_expected": ("of its expected loss", "times"),
            "once_in": ("alone, once in … horizons", "number"), "times": ("or its probabilities alone", "times"),
            "probability": ("which are now", "share"),
        }))  # fmt: skip
    return blocks


def _each(tables: Mapping[str, pd.DataFrame], told: Told) -> list[Block]:
    blocks: list[Block] = []
    for unit, (title, estimated, stated, remarks) in told.words.items():
        blocks.append(Heading(title))
        if unit in told.failed:
            blocks.append(Text(f"Not measured: {told.failed[unit]}", "absent"))
            continue
        blocks.append(Facts((("estimated", estimated), ("stated", stated))))
        blocks += [Text(remark, "note") for remark in remarks]
        for name, frame in tables.items():
            if name.startswith(f"{unit}_"):
                blocks.append(Table.of(frame, f"{unit}: {name.removeprefix(f'{unit}_').replace('_', ' ')}"))
    return blocks


def _terms(told: Told) -> list[Block]:
    return [Facts((
        ("expected loss", "exposure × probability × severity, added up: the cost of doing business"),
        ("value at risk", f"loss that is exceeded with probability {100 * (1 - told.level):.3g} % within the horizon"),
        ("expected shortfall", f"mean loss in the worst {100 * (1 - told.shortfall_level):.3g} % of scenarios"),
        ("economic capital", "value at risk less expected loss: what own funds are to cover"),
        ("adds to capital", "Euler's rule; contributions of all units add up to the whole"),
        ("severity", "share of the exposure that is lost if it happens"),
    ))]  # fmt: skip
