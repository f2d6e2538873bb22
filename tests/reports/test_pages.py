"""Pages of the feedback stage: what they say, that they stand alone, and that no text becomes markup."""

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.reports.pages import LONGEST, management_page, operations_page, points

VOID = {"meta", "line", "circle", "br"}


class Reader(HTMLParser):
    """Collects text and attributes, and refuses tags that don't close."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self.open = "", [], []  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open.pop() == tag
        self.text += " " if tag in ("td", "th", "p", "h1", "h2", "h3", "li") else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def words(html: str) -> str:
    return re.sub(r"\s+", " ", read(html).text)


def verdict(part: str, said: str, effect: float, half: float, **more: object) -> dict[str, object]:
    return {
        "cut": "campaign", "lens": "", "part": part, "week": 4, "final": True, "basis": "by lot", "assigned": 2000,
        "control": 2000, "delivered": 1990, "reached": 1200, "responses": 280, "effect": effect, "low": effect - half,
        "high": effect + half, "p_value": 0.01, "smallest_found": 0.022, "net": -1.5, "net_low": -2.5, "net_high": -0.5,
        "discovery": True, "verdict": said, "pays": "costs more than it brings", **more,
    }  # fmt: skip


def page(
    extra: list[dict[str, object]] | None = None,
    name: str = "spring cards",
    cells: int = 0,
    place: str = "B7",
    basis: str = "by lot",
) -> str:
    table = pd.DataFrame([
        verdict("P1", "works", 0.02, 0.01), verdict("P2", "does not work", 0.001, 0.01, pays="not shown"),
        verdict("P3", "undecided", 0.0, np.inf, final=False, week=1, pays="not shown"), *(extra or []),
    ])  # fmt: skip
    facts = pd.DataFrame([
        {"campaign_id": p, "name": name, "offer": "card", "channel": "sms", "starts_at": pd.Timestamp("2026-01-31"),
         "window_days": 28, "assigned": 2000, "control": 2000, "delivered": 1990, "reached": 1200, "basis": basis,
         "no_estimate": "no control: everybody was assigned the offer" if p == "P4" else None, "remarks": ""}
        for p in ("P1", "P2", "P3", "P4")
    ])  # fmt: skip
    looks = pd.DataFrame([
        {**{k: row[k] for k in ("cut", "lens", "part")}, "outcome": "response", "week": week, "days": 7 * week,
         "effect": row["effect"] * week / 4, "low": row["low"], "high": row["high"]}
        for row in table.to_dict("records") if row["cut"] == "campaign" for week in range(1, int(row["week"]) + 1)
    ])  # fmt: skip
    found = pd.DataFrame(
        [{"campaign_id": "P1", "segment": "high", "person": place, "assigned": 300, "control": 290, "effect": 0.06,
          "low": 0.01, "high": 0.11, "basis": "observational", "discovery": i < 1} for i in range(cells)],
        columns=["campaign_id", "segment", "person", "assigned", "control", "effect", "low", "high", "basis",
                 "discovery"],
    )  # fmt: skip
    shown = management_page(
        facts, looks, table, found, pd.DataFrame(), as_of="2026-07-01", level=0.05, worthwhile=0.02, rejected=12,
        currency="XTS", cell_lens="my_value", holdout="nothing yet",
    )  # fmt: skip
    return shown.html


def test_every_campaign_is_shown_with_effect_interval_money_and_verdict() -> None:
    said = words(page())
    assert "▲ works Effect +2.0 points (+1.0 to +3.0), p = .010." in said
    assert "Net −1.50 per customer (−2.50 to −0.50), −3,000 in all: costs more than it brings." in said
    assert "2,000 assigned (100 % delivered, 60 % reached), 2,000 control, assigned by lot." in said
    assert "An effect of +2.2 would have been found four times in five." in said
    assert "4 campaigns: ▲ 1 works; ■ 1 does not work; ▼ 0 harms; ○ 1 undecided; 1 without an estimate." in said
    assert "12 rows of treatments were refused" in said
    assert "Money is in XTS." in said


def test_what_did_not_work_is_named_and_what_has_no_estimate_says_why() -> None:
    failed = words(page()).split("did not pay")[1].split("Each campaign")[0]
    assert "P2 spring cards ■ does not work" in failed
    assert "P1 spring cards ▲ works" in failed  # it works, and costs more than it brings
    assert "P3 spring cards" not in failed
    assert "P4 spring cards: no control: everybody was assigned the offer" in failed


def test_the_legend_says_what_each_verdict_takes() -> None:
    legend = words(page()).split("What did not work, or did not pay")[0]
    assert "lies above, below zero, be it before the response window has ended" in legend
    assert "a segment, region, branch or agent must also be a discovery among many" in legend
    assert "lies below +2.0 points, the smallest effect worth having, once the response window has ended" in legend
    assert "segments, regions and the like keep a wider boundary, since more campaigns may come" in legend


def test_a_campaign_that_runs_says_so_and_an_unknown_interval_is_not_drawn() -> None:
    html = page()
    assert "undecided (so far, after 7 of 28 days)" in words(html)
    assert html.count("not known yet") == 1
    assert "unknown to unknown" in words(html)
    assert "nan" not in html.lower().replace("financ", "")
    assert ">inf" not in html


def test_text_from_the_data_never_becomes_markup() -> None:
    html = page(name="<script>alert('x')</script> & <b>")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<script>alert('x')</script> & <b>" in read(html).text


def test_pages_stand_alone_and_print() -> None:
    for html in (page(), week()):
        assert not re.search(r"https?:|src=|href=|url\(|@import", html)
        assert "<script" not in html
        assert "@media print" in html
        assert 'lang="en"' in html
        assert html.startswith("<!doctype html>")


def test_nothing_is_told_by_colour_alone() -> None:
    html = page()
    colours = set(re.findall(r"#[0-9a-fA-F]{3,6}\b", html))
    assert all(len(set(c[1:])) == 1 for c in colours), "greys only: they print and need no colour vision"
    for tag, attributes in read(html).tags:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert str(attributes["aria-label"]).startswith("effect")


def test_drawings_stay_inside_their_frames() -> None:
    for tag, a in read(page()).tags:
        for name in ("x1", "x2", "cx"):
            if tag in ("line", "circle") and name in a:
                assert 0 <= float(str(a[name])) <= 200
        for name in ("y1", "y2", "cy"):
            if tag in ("line", "circle") and name in a:
                assert 0 <= float(str(a[name])) <= 76


def test_observational_cuts_are_labelled_and_long_tables_are_cut_to_what_is_decided() -> None:
    branches = [
        verdict(f"B{i:02}", "undecided", 0.0, 0.05, cut="branch", basis="observational") for i in range(LONGEST)
    ]
    one = verdict("B99", "works", 0.05, 0.01, cut="branch", basis="observational")
    whole, cut = page(branches), page([*branches, one])
    assert "Observational. Within a branch offers were assigned against control" in words(whole)
    assert words(whole).count("○ undecided") > LONGEST
    assert "30 more are undecided and left out here." in words(cut)
    assert "B99" in cut
    assert "B00" not in cut
    assert "Observational" not in words(page([verdict("sms", "works", 0.02, 0.01, cut="channel")]))


def test_cells_that_stand_out_are_named_among_how_many() -> None:
    assert "No cell stands out." in words(page())
    said = words(page(cells=5))
    assert "5 cells of campaign, segment and branch or agent were large enough to judge" in said
    assert "P1 high B7 300 290 +6.0 +1.0 to +11.0 observational" in said
    headings = said.split("Where a campaign works")[1].split("P1 high")[0]
    assert "campaign segment (my value) where assigned control effect, points interval basis" in headings


def test_a_cell_of_no_place_is_everywhere_and_no_lot_is_called_by_its_name() -> None:
    said = words(page(cells=1, place="", basis="stated propensities"))
    assert "2,000 control, assigned by stated propensities." in said
    assert "P1 high everywhere 300 290" in said


def test_no_campaign_at_all_is_said() -> None:
    html = page()
    empty = management_page(
        pd.DataFrame(columns=["campaign_id", "name", "starts_at", "no_estimate", "remarks", "basis", "assigned",
                              "control", "delivered", "reached"]),
        pd.DataFrame(columns=["cut", "outcome", "week", "low", "high", "part"]),
        pd.DataFrame([verdict("P1", "works", 0.02, 0.01)]).head(0), pd.DataFrame({"discovery": []}),
        pd.DataFrame(), as_of="2026-07-01", level=0.05, worthwhile=0.02, rejected=0, currency="XTS",
    ).html  # fmt: skip
    assert "No campaign has an estimate." in words(empty)
    assert "Nothing was shown not to work." in words(empty)
    assert "Nothing was shown not to work." not in words(html)


def week(current: bool = True, **more: object) -> str:
    row = {"control": 100, "assigned": 120, "delivered": 110, "reached": 60, "responded": 9, "assigned_week": 0,
           "delivered_week": 3, "reached_week": 2, "responded_week": 1}  # fmt: skip
    campaigns = pd.DataFrame([{"campaign_id": "P1", "name": "spring & cards", "channel": "sms", **row, **more}])
    channels = pd.DataFrame([{"channel": "sms", **row}])
    branches = pd.DataFrame([{"branch_id": "B1", **row}, {"branch_id": "B2", **row, "assigned": 7}])
    return operations_page(campaigns, channels, branches, as_of="2026-07-01", days=7, current=current, smallest=20).html


def test_the_week_shows_counts_by_campaign_channel_and_branch() -> None:
    said = words(week())
    assert "2026-06-24 to 2026-06-30." in said
    assert "P1 spring & cards sms 100 120 110 (92 %) 60 (50 %) 9 (8 %) 3 2 1" in said
    assert "B1 100 120 110 (92 %)" in said
    assert "B2 100 7 110 (–)" in said  # no share of seven customers
    assert "not effects" in said


@pytest.mark.slow
def test_the_last_column_of_the_week_is_seen_on_a_desk(browser_page: Any) -> None:
    html = week(name="randomised fee_waiver 2026-04", control=2269, assigned=2179, delivered=2177, reached=1831)
    browser_page.page.set_viewport_size({"width": 1280, "height": 800})
    browser_page.page.set_content(html)
    beyond = "() => Math.max(...[...document.querySelectorAll('.wide')].map(b => b.scrollWidth - b.clientWidth))"
    assert browser_page.page.evaluate(beyond) == 0


def test_a_week_without_a_campaign_says_so() -> None:
    assert "No response window was open in this week. The latest campaign is shown instead." in words(week(False))
    assert "No response window" not in words(week())
    nobody = pd.DataFrame(columns=["campaign_id"])
    html = operations_page(nobody, nobody, nobody, as_of="2026-07-01", days=7, current=False, smallest=20).html
    assert "No campaign has started yet." in words(html)


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.0"), (-0.0001, "0.0"), (0.1, "+10.0"), (np.nan, "unknown")])
def test_a_rounded_zero_has_no_sign(value: float, text: str) -> None:
    assert points(value) == text
