"""Chapters of quality: measures with intervals, and whether probabilities and forecasts mean what they say."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...reports.document import Block, Chart, Facts, Heading, Section, Table, Text
from ...reports.figures import (
    calibration_curve,
    cutoff_curve,
    expected_and_observed,
    gains_curve,
    lead_time_curve,
    uplift_gains,
)
from ..measures import counted, label, measured, told
from ..subject import Subject

NAMES = {"measure": "measure", "value": "value", "low": "low", "high": "high", "reading": "how to read it"}
WITH_OF = {"of": "of", **NAMES}


def quality(subject: Subject) -> Section:
    """How good the model is on rows that it has not seen."""
    metrics = subject.metrics
    blocks: list[Block] = []
    test = metrics.get("test")
    if test:
        found = told(measured(test))
        blocks += [
            Text("On rows later than all it learned from; intervals hold 95 % and resample customers, not rows."),
            *([Facts.of(counts)] if (counts := counted(test)) else []),
            Table.of(found, "Measures on the test part, with intervals", WITH_OF if found["of"].any() else NAMES),
        ]
    for key, caption in (
        ("test_by_output", "The same for every output"), ("cross_fitted", "Cross-fitted, all rows with an outcome"),
        ("next_purchase", "Next purchase: when, what, how much"),
    ):  # fmt: skip
        inner = metrics.get(key)
        found = told(measured(inner)) if inner else pd.DataFrame()
        if len(found):
            blocks.append(Table.of(found, caption, WITH_OF if found["of"].any() else NAMES, folded=True))
    blocks += [*_rival(metrics), *_trial(metrics), *_lenses(metrics), *_lists(subject)]
    if not blocks:
        blocks.append(Text("The stage saved no measures: nothing can be said about quality.", "absent"))
    return Section("measures", "Quality, with intervals", blocks)


def _rival(metrics: Mapping[str, Any]) -> list[Block]:
    """Show the lead over one column alone, where the stage measured it for the model as a whole."""
    rival = metrics.get("baseline")
    found = measured(rival) if rival else pd.DataFrame()
    if rival is None or found.empty:
        return []
    return [
        Heading("Against one column alone"),
        Text(f"The rival: {rival.get('what', 'not named')}; measure: {label(str(rival.get('measure', '')))}."),
        Table.of(told(found), "What the rival reaches, and the lead over it, with intervals", NAMES),
    ]


def _trial(metrics: Mapping[str, Any]) -> list[Block]:
    trial = metrics.get("trial")
    if not trial:
        return []
    return [
        Heading("Were offers drawn by lot?"),
        Text(f"{'Yes' if trial.get('randomised') else 'No'}: {trial.get('why', 'the stage gives no reason')}."),
        Facts.of({
            "estimator": trial.get("estimator"), "largest standardised difference of the arms": trial.get("max_smd"),
            "allowed by chance": trial.get("max_smd_by_chance"), "outside the overlap": trial.get("outside_overlap"),
        }),
    ]  # fmt: skip


def _lenses(metrics: Mapping[str, Any]) -> list[Block]:
    lenses = metrics.get("lenses")
    if not lenses:
        return []
    rows = pd.DataFrame([
        {"lens": name, "method": lens.get("kind"), "segments": lens.get("segments"),
         "stability": lens.get("stability"), "mean confidence": lens.get("confidence"),
         "largest segment": max(shares, default=None), "smallest segment": min(shares, default=None)}
        for name, lens in lenses.items() for shares in [(lens.get("shares") or {}).values()]
    ])  # fmt: skip
    silent = [f"Lens {n}: {lens['silence']['warning']}." for n, lens in lenses.items() if lens.get("silence")]
    return [
        Text("Segments have no outcome to be held against. What can be measured: whether a resample finds them again "
             "(adjusted Rand: 1 is always; rules and tiers are fixed and have none), and how sure assignments are."),
        Table.of(rows, "Lenses: stability, confidence and sizes"),
        *(Text(words, "note") for words in silent),
    ]  # fmt: skip


def _lists(subject: Subject) -> list[Block]:
    """What lists and cut-offs made from the scores bring: charts where the stage saved their curves."""
    blocks: list[Block] = []
    gains = subject.table("gains", "curves")
    if gains is not None and "score" in gains:
        ends = gains[np.isclose(gains["share_of_customers"], 0.3)].set_index("score")["gained_per_customer"]
        words = "Additional responses per customer of all when the first 30 % get the offer: " + ", ".join(
            f"{name} {value:+.4f}" for name, value in ends.items()
        )
        blocks.append(Chart.of(uplift_gains(gains), words + ".", "What a list of a given length adds"))
    elif gains is not None:
        found = {share: float(np.interp(share, gains.iloc[:, 0], gains.iloc[:, 1])) for share in (0.05, 0.1, 0.2, 0.5)}
        rows = pd.DataFrame({"list": [f"{s:.0%}" for s in found], "share found": found.values()})
        words = "Share of events that a list finds: " + ", ".join(f"{s:.0%} finds {v:.0%}" for s, v in found.items())
        blocks.append(Chart.of(gains_curve(gains), words + ".", "What a list of a given length finds",
                               Table.of(rows, "The same in figures")))  # fmt: skip
    lead = subject.table("lead_time")
    if lead is not None:
        words = "Share of leavers on the list, by month: " + ", ".join(
            f"month {m}: {s:.0%}" for m, s in zip(lead["month"], lead["share_caught"], strict=True)
        )
        blocks.append(Chart.of(lead_time_curve(lead), words + ".", "How early leavers are seen",
                               Table.of(lead, "The same in figures")))  # fmt: skip
    cutoffs = subject.table("cutoffs")
    if cutoffs is not None:
        best = cutoffs.iloc[int(cutoffs["expected_profit"].argmax())]
        words = (
            f"Expected profit is largest at a cut-off of {best['cutoff']:.3f}: it approves {best['approval_rate']:.0%} "
            f"with an expected bad rate of {best['bad_rate_expected']:.1%}."
        )
        blocks.append(Chart.of(cutoff_curve(cutoffs), words, "What each cut-off approves, loses and earns",
                               Table.of(cutoffs, "Cut-offs", folded=True)))  # fmt: skip
    return [Heading("What lists and cut-offs bring"), *blocks] if blocks else []


def calibration(subject: Subject) -> Section:
    """Expected against observed."""
    blocks = [*_reliability(subject), *_by_grade(subject), *_by_decile(subject), *_forecast(subject)]
    method = subject.metrics.get("calibration_method")
    if method:
        blocks += [Heading("How scores become probabilities"), Facts.of(method)]
    if not blocks:
        why = "The model states no probability and no amount, so there is nothing to hold against what came."
        blocks = [Text(why, "absent")]
    return Section("calibration", "Calibration", blocks)


def _reliability(subject: Subject) -> list[Block]:
    curve = subject.table("calibration", "curves")
    if curve is None:
        return []
    gap = (curve["observed"] - curve["expected"]).abs()
    outside = int(((curve["expected"] < curve["low"]) | (curve["expected"] > curve["high"])).sum())
    words = (
        f"{len(curve)} groups of equal size: the largest gap of expected and observed share is {gap.max():.3f}, and "
        f"in {outside} of them the expected share lies outside the interval of the observed one."
    )
    shown = Table.of(curve, "Expected and observed share, by group", {
        "output": "output", "bin": "group", "rows": "rows", "expected": "expected", "observed": "observed",
        "low": "low", "high": "high"}, folded=True)  # fmt: skip
    return [Text(words), Chart.of(calibration_curve(curve), words, "Expected against observed share", shown)]


def _by_grade(subject: Subject) -> list[Block]:
    blocks: list[Block] = []
    for name, caption in (("grades_cross_fitted", "Grades, cross-fitted"), ("grades_test", "Grades, test part")):
        table = subject.table(name)
        if table is None:
            continue
        off = table.loc[table["verdict"] != "in line", "grade"]
        words = f"{len(table) - len(off)} of {len(table)} grades are in line" + (
            f"; not: {', '.join(map(str, off))}." if len(off) else "."
        )
        drawn = table.rename(columns={"jeffreys_low": "low", "jeffreys_high": "high"})
        shown = Table.of(drawn, caption, {"grade": "grade", "band": "band", "rows": "rows", "expected": "expected",
                         "observed": "observed", "low": "low", "high": "high", "verdict": "verdict"})  # fmt: skip
        blocks += [Heading(caption), Chart.of(expected_and_observed(drawn, "grade", caption, "bad rate"), words,
                                              f"{caption}: {words}", shown)]  # fmt: skip
    return blocks


def _by_decile(subject: Subject) -> list[Block]:
    table = subject.table("calibration_by_decile")
    if table is None:
        return []
    drawn = table.rename(columns={"predicted": "expected"})
    inside = int(((drawn["expected"] >= drawn["low"]) & (drawn["expected"] <= drawn["high"])).sum())
    words = (
        f"In {inside} of {len(drawn)} tenths of the score the stated effect lies within the interval of the observed."
    )
    return [Chart.of(expected_and_observed(drawn, "decile", "Effect by tenth of the score", "effect"), words,
                     f"Stated and observed effect of the offer. {words}",
                     Table.of(drawn, "Stated and observed effect, by tenth"))]  # fmt: skip


def _forecast(subject: Subject) -> list[Block]:
    """Hold a forecast of money against what came, by tenth of the forecast."""
    rows = subject.predictions
    stated = [str(c) for c in rows if f"{c}_low" in rows and f"{c}_high" in rows] if rows is not None else []
    if rows is None or not stated or "realised" not in rows:
        return []
    name = stated[0]
    within = (rows["realised"] >= rows[f"{name}_low"]) & (rows["realised"] <= rows[f"{name}_high"])
    tenth = pd.qcut(rows[name].rank(method="first"), 10, labels=range(1, 11)).astype(int)
    by = rows.assign(tenth=tenth, within=within).groupby("tenth")
    table = by.agg(customers=("realised", "size"), expected=(name, "mean"), observed=("realised", "mean"),
                   spread=("realised", "sem"), within=("within", "mean")).reset_index()  # fmt: skip
    table = table.assign(
        low=table["observed"] - 1.96 * table["spread"], high=table["observed"] + 1.96 * table["spread"]
    )
    words = (f"Of {len(rows):,} customers {within.mean():.1%} lie within their own interval (asked: "
             f"{subject.metrics.get('level', float('nan')):.0%}), in tenths of the forecast from "
             f"{table['within'].min():.0%} to {table['within'].max():.0%}.")  # fmt: skip
    shown = Table.of(table, "Mean forecast and mean outcome, by tenth of the forecast (lowest first)", {
        "tenth": "tenth", "customers": "customers", "expected": "forecast", "observed": "came", "low": "low",
        "high": "high", "within": "within interval"})  # fmt: skip
    return [Text(words), Chart.of(expected_and_observed(table, "tenth", f"{name.replace('_', ' ')}, by tenth", "money"),
                                  words, "Forecast against what came", shown)]  # fmt: skip
