"""Management: size, value, volume and score of segments, with trends and periods held against each other."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from .. import figures
from ..document import Chart, Document, Section, Text
from .listing import Listing
from .outlook import headed, in_whole
from .periods import change, compared
from .suppression import HIDDEN, MARK, marked, suppress

BACK = {"month": 1, "quarter": 3, "year": 12}
EVERYBODY = "everybody"  # a lens of one segment: all customers
PERIODS = {
    "lens": "lens", "segment": "segment", "period": "period", "measure": "measure", "now": "now", "before": "before",
    "change": "change, %", "year_before": "a year earlier", "year_change": "change on a year, %",
}  # fmt: skip
MEASURES = ("customers", "bookings", "volume", "margin")


def hidden_segments(history: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Suppress the sizes and margins of every lens at every date."""
    return suppress(history.reset_index(drop=True), ["lens", "as_of"], ["margin"], smallest=smallest)


def sizes(history: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Sizes now, and how they changed since a month, a quarter and a year ago, in per cent.

    Parameters
    ----------
    history : DataFrame
        ``lens, as_of`` (ISO), ``segment, customers, margin`` (of the year before).
    """
    shown = hidden_segments(history, smallest)
    last = pd.Timestamp(shown["as_of"].max())
    now = shown[shown["as_of"] == f"{last:%Y-%m-%d}"].set_index(["lens", "segment"])
    # the share of those whose number is shown: the whole lens would tell what its hidden rows hold together
    total = now.groupby("lens")["customers"].transform("sum")
    out = pd.DataFrame({"customers": now["customers"], "share": (100 * now["customers"] / total).round(1)})
    for name, months in BACK.items():
        then = shown[shown["as_of"] == f"{last - pd.DateOffset(months=months):%Y-%m-%d}"]
        before = then.set_index(["lens", "segment"])["customers"].reindex(now.index)
        out[f"since_{name}"] = change(now["customers"], before).round(1)
    out["margin"], out["margin_each"] = now["margin"], now["margin"] / now["customers"]
    out[MARK] = now[MARK]
    columns = [str(c) for c in out if c != MARK]
    return marked(out.reset_index(), columns)


def periods(bookings: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Customers who booked, bookings, volume and margin by week, month, quarter and year."""
    shown = suppress(bookings.reset_index(drop=True), ["lens", "period", "window"], ["bookings", "volume", "margin"],
                     smallest=smallest)  # fmt: skip
    table = compared(shown, ["lens", "segment"], MEASURES)
    said = table.copy()
    for column in ("now", "before", "year_before"):
        mask = table[f"hidden_{column}"].to_numpy(bool)
        said[column] = said[column].astype(object).mask(mask, HIDDEN)
    for column, other in (("change", "before"), ("year_change", "year_before")):
        mask = (table["hidden_now"] | table[f"hidden_{other}"]).to_numpy(bool)
        said[column] = said[column].astype(object).mask(mask, HIDDEN)
    return said[[c for c in said if not str(c).startswith("hidden_")]]


def segments_document(
    history: pd.DataFrame, bookings: pd.DataFrame, scores: pd.DataFrame, lenses: list[str], *, as_of: str,
    smallest: int, answered: Mapping[str, float] = MappingProxyType({}),
) -> Document:  # fmt: skip
    """Tell of segments.

    Parameters
    ----------
    scores : DataFrame
        From :func:`.outlook.by_group`, already suppressed and marked.
    answered : mapping of str to float
        Lens that looks at answers → share of customers who ever gave one.
    """
    shown = hidden_segments(history, smallest)
    charts = [_trend(shown, lens) for lens in lenses]
    by_period = periods(bookings, smallest)
    everybody = by_period["lens"] == EVERYBODY
    monthly = marked(shown, ["customers", "margin"])
    sections = [
        Section("now", "Size and value now", [
            Text(f"As of {as_of}. Margin is what the customers of a segment brought in the year before. Changes are of "
                 "the number of customers, in per cent, since a month, a quarter and a year ago."),
            Text("Segments hold the customers of this day. The margin of all customers by period, below, counts those "
                 "who have left since as well: the margins of a lens do not add up to it.", "note"),
            *(Text(f"{lens.capitalize()}: {100 * (1 - share):.0f} % of the customers of this lens never answered; they "
                   "are placed by what resembles them.", "note") for lens, share in answered.items()),
            _small(smallest),
            Listing.filed("sizes", sizes(history, smallest), "Segments: size and value", {
                "lens": "lens", "segment": "segment", "customers": "customers", "share": "share of those shown, %",
                "since_month": "since a month, %", "since_quarter": "since a quarter, %",
                "since_year": "since a year, %", "margin": "margin of the year", "margin_each": "per customer",
            }, choose=["lens"]),
        ]),
        Section("scores", "Scores", [
            Text("What models expect of the customers of a segment: how many leave, the margin that would go with "
                 "them, how many grow, and the margin of the next twelve months."),
            *([Listing.filed("scores", in_whole(scores), "Segments: scores", headed(scores),
                               choose=["lens"])] if len(scores) else
              [Text("No scores at this date.", "absent")]),
        ]),
        Section("periods", "Volume, period against period", [
            Text(f"The last week, month, quarter and year before {as_of}, each held against the one before and the "
                 "same a year earlier (weeks: 52 weeks earlier, so that weekdays agree). A dash: not known."),
            Text("Weeks with and without a payday differ: the week before tells less than the year before.", "note"),
            Listing.filed("periods_all", by_period[everybody], "All customers by period", {
                k: PERIODS[k] for k in ("measure", "period", *PERIODS) if k not in ("lens", "segment")},
                choose=["period", "measure"]),
            Text("A booking counts for the segment its customer was in at the first of its month.", "note"),
            Listing.filed("periods", by_period[~everybody], "Segments by period", PERIODS,
                       choose=["lens", "period", "measure"], folded=True),
        ]),
        Section("trends", "Size by month", [*charts, Listing.filed(
            "months", monthly, "Segments by month", {"lens": "lens", "segment": "segment", "as_of": "month",
            "customers": "customers", "margin": "margin of the year before"}, choose=["lens", "as_of"], folded=True)]),
    ]  # fmt: skip
    return Document("Segments", "Size, value, volume and scores of groups of customers, and how they change.", sections)


def _small(smallest: int) -> Text:
    return Text(f"Groups of fewer than {smallest} customers are hidden, and the next larger ones with them where a "
                "hidden number could be computed from the others.", "note")  # fmt: skip


def _trend(shown: pd.DataFrame, lens: str) -> Chart:
    part = shown[shown["lens"] == lens]
    wide = part.pivot_table("customers", "as_of", "segment", sort=True, dropna=False).dropna(axis=1, how="all")
    first, last = wide.iloc[0], wide.iloc[-1]
    told = "; ".join(f"{name}: {_count(first[str(name)])} to {_count(last[str(name)])}" for name in wide)
    gaps = " Hidden numbers are not drawn: a line breaks there, or is absent." if part[MARK].any() else ""
    return Chart.of(figures.trend_lines(wide, f"Customers by segment: {lens}", "customers"),
                    f"Customers by month, {wide.index[0]} to {wide.index[-1]}. {told}.",
                    f"Lens {lens}. The numbers are in the table below and in its file.{gaps}")  # fmt: skip


def _count(value: float) -> str:
    return HIDDEN if np.isnan(value) else f"{value:,.0f}"
