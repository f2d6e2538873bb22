"""The folder: CSV equals table, names are no markup and no formula, equal bytes, links that stay inside."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from afraz.errors import DataError
from afraz.reports.document import Document, Section, spell
from afraz.reports.site.listing import Listing
from afraz.reports.site.operations import changed, changes_document, lists_document
from afraz.reports.site.periods import windows
from afraz.reports.site.site import Site, SitePage

HOSTILE = "=1+1<script>alert(1)</script>\"'"
FRAME = pd.DataFrame({"segment": ["high", HOSTILE, "none"], "customers": [1200.0, "hidden", 7.0],
                      "margin": [1234.56789, np.nan, -0.5]})  # fmt: skip


def page(place: str, *listings: Listing) -> SitePage:
    return SitePage(place, place, Document("Title", "Lead.", [Section("s", "Section", listings)]))


def test_the_csv_holds_what_the_table_shows() -> None:
    listing = Listing.filed("sizes", FRAME, "Sizes", {"segment": "segment", "customers": "n", "margin": "margin, %"})
    read = pd.read_csv(io.StringIO(listing.csv()), dtype=object, keep_default_na=False)
    assert tuple(read.columns) == listing.headings

    def number(cell: str) -> str:
        return spell(float(cell)) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell or "–"

    cells = [tuple(number(c).removeprefix("'") for c in row) for row in read.itertuples(index=False)]
    assert cells == list(listing.rows)
    assert listing.numeric == (False, True, True)


def test_a_hostile_name_is_text_on_the_page_and_no_formula_in_the_file() -> None:
    files = Site([page("index.html", Listing.filed("a", FRAME, HOSTILE, choose=["segment"]))]).files()
    assert "<script>alert" not in files["index.html"]
    assert "&lt;script&gt;alert(1)" in files["index.html"]
    assert files["a.csv"].splitlines()[2].startswith("\"'=1+1")


def test_equal_content_gives_equal_bytes_and_saving_leaves_nothing_of_before(tmp_path: Path) -> None:
    one, two = (Site([page("index.html"), page("m/index.html", Listing.filed("a", FRAME, "A"))]) for _ in range(2))
    one.save(tmp_path / "site")
    (tmp_path / "site" / "m" / "old.csv").write_text("old")
    two.save(tmp_path / "site")
    there = {str(p.relative_to(tmp_path / "site")): p.read_text("utf-8") for p in (tmp_path / "site").rglob("*.*")}
    assert there == one.files()


def test_pages_link_to_their_own_folder_and_to_the_start_only() -> None:
    files = Site([page(p) for p in ("index.html", "m/index.html", "m/b.html", "o/index.html")]).files()
    links = {place: set(re.findall(r'href="([^"#]+)"', html)) for place, html in files.items()}
    assert links["index.html"] == {"index.html", "m/index.html", "o/index.html"}
    assert links["m/b.html"] == {"../index.html", "../m/index.html", "../m/b.html"}


def test_two_tables_of_one_name_are_refused() -> None:
    twice = page("index.html", *(Listing.filed("a", FRAME, "A") for _ in range(2)))
    with pytest.raises(DataError, match="give each table its own name"):
        Site([twice]).files()


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file() -> None:
    listing = Listing.filed("a", pd.DataFrame({"n": range(30)}), "A", most=10)
    assert (len(listing.rows), len(listing.csv().splitlines())) == (10, 31)
    assert "The first 10 of 30 rows" in Site([page("index.html", listing)]).files()["index.html"]


def test_the_week_of_a_year_earlier_has_the_same_weekdays() -> None:
    found = {(w.period, w.name): w for w in windows(pd.Timestamp("2026-07-01"))}
    assert found["week", "year before"].start.weekday() == found["week", "now"].start.weekday()
    assert found["quarter", "before"].end == found["quarter", "now"].start == pd.Timestamp("2026-04-01")
    assert found["month", "year before"].start == pd.Timestamp("2025-06-01")
    assert ("year", "year before") not in found


def contact(
    customer: str, priority: int, week: int = 1, channel: str = "call", offer: str = "card"
) -> dict[str, object]:
    return {"customer_id": customer, "offer": offer, "channel": channel, "week": week, "priority": priority,
            "net_value": 10.0 / priority}  # fmt: skip


def test_changes_name_what_is_new_dropped_or_otherwise_and_leave_out_what_is_not() -> None:
    before = pd.DataFrame([contact("A", 1), contact("B", 2), contact("C", 3), contact("D", 4)])
    now = pd.DataFrame([contact("A", 1), contact("B", 1), contact("C", 3, channel="sms"), contact("E", 2)])
    found = changed(now, before)
    assert dict(zip(found["customer_id"], found["change"], strict=True)) == {
        "E": "new", "D": "dropped", "C": "another channel", "B": "another priority"}  # fmt: skip


def test_the_list_is_that_of_the_week_in_order_of_priority() -> None:
    contacts = pd.DataFrame([contact("A", 2), contact("B", 1), contact("C", 1, week=2)])
    document = lists_document(contacts, None, {"proactive": "no support stage"}, as_of="2026-07-01", week=1)
    lists = [b for s in document.sections for b in s.blocks if isinstance(b, Listing)]
    assert lists[1].frame["customer"].tolist() == ["B", "A"]
    assert "no support stage" in document.page().html


def test_who_was_drawn_by_lot_is_told_from_who_was_chosen_by_worth() -> None:
    contacts = pd.DataFrame([contact("A", 1), contact("B", 2), contact("C", 3)])
    contacts["strip"] = ["decided", "decided", "exploration"]
    document = lists_document(contacts, None, {"proactive": ""}, as_of="2026-07-01", week=1)
    summary, rows = (b.frame for s in document.sections for b in s.blocks if isinstance(b, Listing))
    assert rows.set_index("customer")["chosen by"].to_dict() == {"A": "worth", "B": "worth", "C": "lot"}
    assert summary.set_index("chosen by")["customers"].to_dict() == {"lot": 1, "worth": 2}
    assert "by lot need not be worth it" in document.page().html


def test_who_was_drawn_not_to_be_called_is_on_no_list() -> None:
    calls = pd.DataFrame(
        {"rank": [1, 2], "customer_id": ["C1", "C2"], "arm": ["control", "call"], "weekday": [None, 3]}
    )
    html = lists_document(None, calls, {"contact_list": "no round"}, as_of="2026-07-01", week=1).page().html
    assert "C2" in html
    assert "Thursday" in html
    assert "C1" not in html


def test_who_is_on_the_weeks_list_or_set_apart_is_not_called_in_idle_hours() -> None:
    calls = pd.DataFrame({"customer_id": ["A", "B", "C", "D"], "arm": "call"})
    contacts = pd.DataFrame([contact("A", 1), contact("B", 1, week=2)])
    document = lists_document(contacts, calls, {}, as_of="2026-07-01", week=1, apart={"C"})
    lists = [b for s in document.sections for b in s.blocks if isinstance(b, Listing)]
    assert lists[-1].frame["customer"].tolist() == ["B", "D"]


def test_a_day_is_spelled_without_its_midnight() -> None:
    listing = Listing.filed("a", pd.DataFrame({"n": [1], "on": [pd.Timestamp("2026-07-03")]}), "A")
    assert listing.rows == (("1", "2026-07-03"),)


def test_without_an_earlier_round_the_page_says_so() -> None:
    document = changes_document(pd.DataFrame([contact("A", 1)]), None, "no list is stated", {}, 1)
    assert "Nothing to compare with: no list is stated" in document.page().html
