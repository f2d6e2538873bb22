"""The page on segments: what its tables and figures say of themselves."""

import pandas as pd

from afraz.reports.document import Chart, Document
from afraz.reports.site.segments import segments_document

HISTORY = pd.DataFrame([
    {"lens": lens, "as_of": f"{day:%Y-%m-%d}", "segment": name, "customers": n, "margin": 2.0 * n}
    for lens, sizes in {"value": {"high": 100, "low": 900}, "loyalty": {"loyal": 100, "lost": 3, "new": 20}}.items()
    for day in pd.date_range("2026-05-01", "2026-07-01", freq="MS") for name, n in sizes.items()
])  # fmt: skip
BOOKINGS = pd.DataFrame([
    {"lens": lens, "segment": name, "period": "week", "window": w, "customers": n, "bookings": n, "volume": 1.5 * n,
     "margin": 0.5 * n}
    for lens, name, n in (("everybody", "all", 999), ("value", "high", 100), ("value", "low", 899))
    for w in ("now", "before", "year before")
])  # fmt: skip


def told(answered: dict[str, float] | None = None) -> Document:
    return segments_document(
        HISTORY, BOOKINGS, pd.DataFrame(), ["value", "loyalty"], as_of="2026-07-01", smallest=10,
        answered=answered or {},
    )  # fmt: skip


def test_a_figure_with_gaps_says_why_and_one_without_does_not() -> None:
    charts = {b.caption.split(".")[0]: b.caption for s in told().sections for b in s.blocks if isinstance(b, Chart)}
    assert "Hidden numbers are not drawn" in charts["Lens loyalty"]
    assert "Hidden" not in charts["Lens value"]


def test_margins_of_segments_and_of_everybody_are_told_apart() -> None:
    assert "counts those who have left since as well" in told().page().html


def test_a_lens_that_looks_at_answers_says_how_many_never_gave_one() -> None:
    html = told({"loyalty": 0.4502}).page().html
    assert "Loyalty: 55 % of the customers of this lens never answered; they are placed by what resembles them." in html
    assert "never answered" not in told().page().html
