"""Management: what is expected: income, retention and risk, in the next months, the year, and beyond."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .. import figures
from ..document import Block, Chart, Document, Section, Text
from .listing import Listing
from .suppression import HIDDEN, MARK, marked, suppress

INCOME = {"expected_margin_6m": "margin_6m", "expected_margin_12m": "margin_12m"}
LEAVING = {"leave_30": "leavers_30", "leave_60": "leavers_60", "leave_90": "leavers_90",
           "revenue_at_stake": "margin_at_stake", "grow_90": "growing_90"}  # fmt: skip
CHANGES = {
    "unit": "unit", "before": "expected loss before", "came": "came", "went": "went", "exposure": "by exposure",
    "probability": "by probability", "severity": "by severity", "now": "expected loss now",
}  # fmt: skip
DEFAULTED = "in default"
HEADINGS = {
    "customers": "customers", "margin_6m": "margin of 6 months", "margin_12m": "margin of 12 months",
    "leavers_30": "leavers in 30 days", "leavers_60": "in 60 days", "leavers_90": "in 90 days",
    "margin_at_stake": "margin at stake", "growing_90": "growing in 90 days",
}  # fmt: skip


def headed(groups: pd.DataFrame) -> dict[str, str]:
    """Name the columns shown of :func:`by_group`.

    How many are scored is left out: beside the size of the group it would tell the few who are not.
    """
    return {str(c): HEADINGS.get(str(c), str(c)) for c in groups if c != "scored"}


def in_whole(groups: pd.DataFrame) -> pd.DataFrame:
    """Round expected numbers of customers: a sum of probabilities is not known to a part of a customer.

    Examples
    --------
    >>> in_whole(pd.DataFrame({"segment": ["a", "b"], "leavers_90": [464.32, "hidden"]}))["leavers_90"].tolist()
    [464, 'hidden']
    """
    counted = [c for c in LEAVING.values() if c in groups and c != "margin_at_stake"]
    return groups.assign(**{c: groups[c].map(lambda v: v if v == HIDDEN else round(v)) for c in counted})


def by_group(
    customers: pd.DataFrame, lenses: list[str], value: pd.DataFrame | None, churn: pd.DataFrame | None, smallest: int
) -> pd.DataFrame:  # fmt: skip
    """Sum what models expect over the groups of each column.

    Parameters
    ----------
    customers : DataFrame
        ``customer_id`` and the columns ``lenses``.
    value, churn : DataFrame, optional
        Scores by ``customer_id``.

    Returns
    -------
    DataFrame
        ``lens, segment, customers`` and sums: margins of 6 and 12 months, ``scored`` and expected leavers in 30, 60 and
        90 days, margin at stake, customers expected to grow. Hidden cells say so.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "value": ["low", "low", "high"]})
    >>> churn = pd.DataFrame({"customer_id": ["a", "c"], "leave_90": [0.25, 0.5]})
    >>> by_group(customers, ["value"], None, churn, 1).values.tolist()
    [['value', 'high', 1.0, 1.0, 0.5], ['value', 'low', 2.0, 1.0, 0.25]]
    """
    table, columns = customers, list[str]()
    for scores, names in ((value, INCOME), (churn, LEAVING)):
        if scores is not None:
            known = {old: new for old, new in names.items() if old in scores}
            part = scores[["customer_id", *known]].rename(columns=known)
            if names is LEAVING:
                part, columns = part.assign(scored=1.0), [*columns, "scored"]
            table, columns = table.merge(part, on="customer_id", how="left"), [*columns, *known.values()]
    parts = []
    for lens in lenses:
        groups = table.dropna(subset=lens).groupby(lens, sort=True)
        part = groups[columns].sum()
        part.insert(0, "customers", groups.size())
        parts.append(part.rename_axis("segment").reset_index().assign(lens=lens))
    if not parts or not columns:
        return pd.DataFrame()
    everything = pd.concat(parts, ignore_index=True)
    # a score covers fewer customers than the segment: where these are few, the segment is hidden as well
    few = everything["scored"].between(1, smallest - 1) if "scored" in everything else None
    shown = suppress(everything, ["lens"], columns, smallest=smallest, also=few)
    return marked(shown[["lens", "segment", "customers", *columns, MARK]], ["customers", *columns])


def income_document(
    groups: pd.DataFrame, manifest: Mapping[str, Any] | None, absent: str, *, as_of: str
) -> Document:  # fmt: skip
    """Tell of the expected income: the total with its own interval, and by segment."""
    if not manifest or "total" not in manifest:
        said = absent or "The scores give no total with an interval."
        return Document("Expected income", "What customers are expected to bring.",
                        [Section("absent", "Not there", [Text(said, "absent")])])  # fmt: skip
    months = {"margin_6m": "6 months", "margin_12m": "12 months"}
    rows = pd.DataFrame([{"horizon": months.get(k, k), **{n: float(v[n]) for n in ("value", "low", "high")}}
                         for k, v in sorted(manifest["total"].items(), key=lambda kv: len(kv[0]))])  # fmt: skip
    wide = (rows["high"] - rows["low"]) / 2 / rows["value"].abs()
    rows["within"] = 100 * wide
    blocks: list[Block] = [
        Text("; ".join(f"{r.horizon}: {r.value:,.0f}, between {r.low:,.0f} and {r.high:,.0f}"
                       for r in rows.itertuples()) + ".", "lead"),
        Chart.of(figures.interval_bars(rows, "horizon", "Expected margin of all customers", "margin"),
                 "Expected margin with its interval by horizon; the numbers are in the table below.",
                 "The interval is that of the total: single errors that go either way cancel, shared ones do not."),
        Listing.filed("income_total", rows, "Expected margin in total", {
            "horizon": "horizon", "value": "expected", "low": "low", "high": "high", "within": "half width, %"}),
    ]  # fmt: skip
    segments = groups[[str(c) for c in ("lens", "segment", "customers", *INCOME.values()) if c in groups]]
    return Document("Expected income", f"What today's customers are expected to bring, as of {as_of}.", [
        Section("total", "In total", blocks),
        Section("segments", "By segment", [
            Text("Expectations only: no interval is given for a segment, because that of the total was measured on "
                 "totals, and that of one customer does not add up."),
            Listing.filed("income_segments", segments, "Expected margin by segment", headed(segments),
                          choose=["lens"])]),
        Section("horizons", "Short, mid and long term", [
            Text("Short term (30 to 90 days): no margin is foretold for so short a time; who leaves and who grows is "
                 "(see Retention)."),
            Text("Mid term: 6 and 12 months, above. Customers still to come are not in it."),
            Text("Long term: beyond 12 months nothing is foretold or discounted. No model here was ever measured on so "
                 "long a time, and a number would be an invention.", "absent")]),
    ])  # fmt: skip


def retention_document(
    groups: pd.DataFrame, phases: pd.DataFrame, absent: str, *, as_of: str, smallest: int,
    performance: pd.DataFrame | None = None,
) -> Document:  # fmt: skip
    """Tell who is expected to leave and to grow, and what is at stake.

    Parameters
    ----------
    performance : DataFrame, optional
        The champions by month: ``model, as_of, observed_over_expected, ratio_low, ratio_high``.
    phases : DataFrame
        :func:`by_group` by phase of the lifecycle, over the customers scored.
    """
    if phases.empty:
        return Document("Retention", "Who is expected to leave.",
                        [Section("absent", "Not there", [Text(absent, "absent")])])  # fmt: skip
    columns = [c for c in LEAVING.values() if c in phases]
    known = phases.replace(HIDDEN, float("nan"))
    share = {n: 100 * known[n].astype(float) / known["scored"].astype(float) for n in columns if n != "margin_at_stake"}
    told = in_whole(phases).assign(
        **{f"{n}_share": s.round(1) for n, s in share.items() if n in ("leavers_90", "growing_90")}
    )
    names = {"segment": "phase", "scored": "customers", **{c: HEADINGS[c] for c in columns},
             "leavers_90_share": "leaving in 90 days, %", "growing_90_share": "growing in 90 days, %"}  # fmt: skip
    shown = in_whole(groups)[[c for c in ("lens", "segment", *columns) if c in groups]]
    return Document("Retention", f"Who is expected to leave and who to grow, as of {as_of}.", [
        Section("phases", "By phase of the lifecycle", [
            Text("Sums of probabilities: how many are expected to leave, not who. Margin at stake is the margin of a "
                 f"year times the probability to leave within 90 days. Groups of fewer than {smallest} are hidden."),
            Text(_held_against_what_came(performance), "lead"),
            Listing.filed("retention_phases", told, "Retention by phase",
                          {k: v for k, v in names.items() if k in told})]),
        Section("segments", "By segment", [
            Listing.filed("retention_segments", shown, "Retention by segment", {
                "lens": "lens", "segment": "segment", **{c: HEADINGS[c] for c in columns}},
                choose=["lens"])]),
        Section("horizons", "Short, mid and long term", [
            Text("Short term: 30, 60 and 90 days, above."),
            Text("Mid term: the risk page takes the probability of 90 days as constant over a year; whether it stays "
                 "so is not measured. Long term: nothing is foretold.", "absent")]),
    ])  # fmt: skip


def _held_against_what_came(performance: pd.DataFrame | None) -> str:
    """Say how many left for each one expected, in the last month whose outcome is known."""
    known = pd.DataFrame() if performance is None else performance[performance["model"] == "churn"]
    known = known.dropna(subset="observed_over_expected") if len(known) else known
    if known.empty:
        return "How many left for each one expected is not known yet of this model: take the sums as an order of size."
    last = known.sort_values("as_of").iloc[-1]
    low, high = float(last["ratio_low"]), float(last["ratio_high"])
    verdict = (
        "more left than expected" if low > 1 else "fewer left than expected" if high < 1 else "no clear difference"
    )
    return (f"Of the customers as of {last['as_of']}, the last whose 90 days are over, "
            f"{last['observed_over_expected']:.2f} left for each one expected (95 % interval {low:.2f} to {high:.2f}): "
            f"{verdict}. The sums here are not corrected for it.")  # fmt: skip


def risk_document(
    units: pd.DataFrame | None, lights: pd.DataFrame | None, changes: pd.DataFrame | None, grades: pd.DataFrame | None,
    absent: str, *, as_of: str,
) -> Document:  # fmt: skip
    """Tell of risk: units and limits where they were measured, and the book of loans."""
    sections = []
    if units is None:
        sections.append(Section("units", "All units", [Text(f"Risk of the whole: {absent}.", "absent")]))
    else:
        names = {"title": "unit", "exposure": "exposure", "probability": "probability, %", "severity": "severity, %",
                 "expected_loss": "expected loss", "value_at_risk": "value at risk",
                 "economic_capital": "capital alone", "capital_contribution": "capital within the whole"}  # fmt: skip
        blocks: list[Block] = [
            Text("Each unit measures its own losses over a year; how units move together is stated, not estimated, so "
                 "what is said of the tail is scenario analysis."),
            Listing.filed("risk_units", _percent(units, "probability", "severity"), "Risk by unit",
                          {k: v for k, v in names.items() if k in units}),
        ]  # fmt: skip
        if lights is not None:
            said = lights.assign(light=lights["sign"].astype("str") + " " + lights["light"].astype("str"))
            limits = {"limit": "limit", "light": "light", "value": "value, %", "before": "before, %",
                      "amber": "amber from, %", "red": "red from, %", "why": "why"}  # fmt: skip
            blocks.append(Listing.filed("risk_limits", _percent(said, "value", "before", "amber", "red"), "Limits",
                                        {k: v for k, v in limits.items() if k in said}))  # fmt: skip
        if changes is not None:
            titled = changes.assign(unit=changes["unit"].replace(units.set_index("unit")["title"].to_dict()))
            blocks += [Text("What changed the expected loss, in amounts of money: positions that came and went, and "
                            "what exposure, probability and severity changed of those that stayed."),
                       Listing.filed("risk_changes", titled, "What changed the expected loss", CHANGES)]  # fmt: skip
        sections.append(Section("units", "All units", blocks))
    if grades is not None:
        sections.append(Section("loans", "Loans by grade", [
            Text("The book of running loans. Expected loss is over the next 12 months. Loans in default stand by "
                 "themselves: what they are expected to cost is provided for already, and not in the risk by unit."),
            Listing.filed("risk_grades", grades, "Loans by grade")]))  # fmt: skip
    return Document("Risk", f"What may be lost, as of {as_of}.", sections)


def _percent(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Turn shares into per cent, in the columns that are there."""
    return table.assign(**{c: 100 * table[c].astype(float) for c in columns if c in table})


def grades_of(book: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Sum running loans by grade, those in default by themselves; rows of few customers are hidden.

    Parameters
    ----------
    book : DataFrame
        ``customer_id, loan_id, grade, in_default, balance, expected_loss``.
    """
    grade = book["grade"].where(~book["in_default"].astype(bool), DEFAULTED)
    by = book.assign(grade=grade, last=grade.eq(DEFAULTED)).groupby(["last", "grade"], sort=True)
    table = by.agg(customers=("customer_id", "nunique"), loans=("loan_id", "size"), balance=("balance", "sum"),
                   expected_loss=("expected_loss", "sum")).reset_index().drop(columns="last")  # fmt: skip
    table["expected_loss_share"] = 100 * table["expected_loss"] / table["balance"].where(table["balance"] != 0)
    values = ["loans", "balance", "expected_loss", "expected_loss_share"]
    shown = marked(suppress(table, [], values, smallest=smallest), ["customers", *values])
    return shown.rename(columns={"expected_loss_share": "expected loss, % of balance"})
