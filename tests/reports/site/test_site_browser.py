"""The site in a real browser: filters and sorting work, nothing leaves, everybody can read it, also without scripts."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from afraz.reports.document import Document, Section
from afraz.reports.site.listing import Listing
from afraz.reports.site.operations import lists_document
from afraz.reports.site.segments import segments_document
from afraz.reports.site.site import Site, SitePage

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Path:
    history = pd.DataFrame([
        {"lens": "value", "as_of": f"{day:%Y-%m-%d}", "segment": s, "customers": n + m, "margin": 2.0 * n}
        for m, day in enumerate(pd.date_range("2025-07-01", "2026-07-01", freq="MS"))
        for s, n in {"high": 100, "low": 900, "none": 30, "few": 2}.items()
    ])  # fmt: skip
    bookings = pd.DataFrame([
        {"lens": lens, "segment": s, "period": "week", "window": w, "customers": n, "bookings": n, "volume": 1.5 * n,
         "margin": 0.5 * n}
        for lens, s, n in (("everybody", "all", 999), ("value", "high", 100), ("value", "low", 899))
        for w in ("now", "before", "year before")
    ])  # fmt: skip
    contacts = pd.DataFrame([
        {"customer_id": f"C{n:02}", "offer": "card" if n % 3 else "<b>loan</b>", "channel": "call" if n % 2 else "sms",
         "week": 1, "priority": n // 2 + 1, "net_value": 100.0 - 9 * n, "branch_id": f"B{n % 4}",
         "contact_on": pd.Timestamp("2026-07-03"), "value_at_stake": 21042.5, "reason_1": "makes much use of the app"}
        for n in range(20)
    ])  # fmt: skip
    none = pd.DataFrame()
    small = Listing.filed("small", pd.DataFrame({"a": ["x"], "n": [1]}), "Small")
    Site([
        SitePage("index.html", "Start", Document("Reports", "Lead.", [Section("s", "Section", [small])])),
        SitePage("management/index.html", "Segments", segments_document(
            history, bookings, none, ["value"], as_of="2026-07-01", smallest=10)),
        SitePage("operations/index.html", "Lists", lists_document(contacts, None, {"proactive": "none"},
                                                                  as_of="2026-07-01", week=1)),
    ]).save(tmp_path / "site")  # fmt: skip
    return tmp_path / "site"


def rows(page: Any, caption: str) -> list[list[str]]:
    """Cells of the rows that are seen."""
    return page.evaluate(
        """caption => {
          const table = [...document.querySelectorAll("table")].find(t => t.caption.textContent === caption);
          return [...table.tBodies[0].rows].filter(r => !r.hidden).map(r => [...r.cells].map(c => c.textContent));
        }""",
        caption,
    )


def test_filters_narrow_the_table_say_how_many_are_left_and_let_go_again(site: Path, browser_page: Any) -> None:
    page = browser_page.page
    page.goto((site / "operations" / "index.html").as_uri())
    tools = page.get_by_role("group", name="Filter: Whom to contact")
    assert len(rows(page, "Whom to contact")) == 20
    tools.get_by_label("channel").select_option("call")
    assert {row[2] for row in rows(page, "Whom to contact")} == {"call"}
    tools.get_by_label("offer").select_option("<b>loan</b>")
    found = rows(page, "Whom to contact")
    assert {row[1] for row in found} == {"C03", "C09", "C15"}
    assert tools.get_by_role("status").text_content() == "3 of 20 rows"
    tools.get_by_label("containing").fill("c09")
    assert [row[1] for row in rows(page, "Whom to contact")] == ["C09"]
    tools.get_by_label("containing").fill("")
    tools.get_by_label("channel").select_option("all")
    tools.get_by_label("offer").select_option("all")
    assert len(rows(page, "Whom to contact")) == 20
    assert browser_page.errors == []


def test_a_heading_sorts_numbers_as_numbers_and_says_which_way(site: Path, browser_page: Any) -> None:
    page = browser_page.page
    page.goto((site / "operations" / "index.html").as_uri())
    head = page.locator("table", has_text="Whom to contact").get_by_role("columnheader", name="net value")
    head.get_by_role("button").click()
    values = [float(row[6].replace("−", "-")) for row in rows(page, "Whom to contact")]
    assert values == sorted(values)
    assert (min(values), max(values)) == (-71, 100)
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert float(rows(page, "Whom to contact")[0][6]) == 100
    assert head.get_attribute("aria-sort") == "descending"


def test_hidden_cells_come_last_when_numbers_are_sorted(site: Path, browser_page: Any) -> None:
    page = browser_page.page
    page.goto((site / "management" / "index.html").as_uri())
    page.locator("summary", has_text="Segments by month").click()
    head = page.locator("table", has_text="Segments by month").get_by_role("columnheader", name="customers")
    for _ in range(2):
        head.get_by_role("button").click()
        column = [row[3] for row in rows(page, "Segments by month")]
        assert column[-16:] == ["hidden"] * 16  # eight months of fewer than ten, and what covers for them
        assert "hidden" not in column[:-16]


@pytest.mark.parametrize("place", ["index.html", "management/index.html", "operations/index.html"])
def test_nothing_leaves_every_link_stays_inside_and_axe_finds_nothing_serious(
    place: str, site: Path, browser_page: Any
) -> None:
    browser_page.page.goto((site / place).as_uri())
    browser_page.page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert browser_page.errors == []
    asked = [a for a in browser_page.requests if not a.startswith("data:")]
    assert asked == [(site / place).as_uri()]
    assert min(browser_page.pictures() or [1]) > 0
    assert browser_page.violations() == {}
    links = browser_page.page.evaluate("() => [...document.links].map(a => a.href.split('#')[0])")
    assert links
    for link in links:
        assert link.startswith(site.as_uri())
        assert Path(link.removeprefix("file://")).is_file()


def test_a_script_that_is_not_ours_does_not_run(site: Path, browser_page: Any) -> None:
    file = site / "operations" / "index.html"
    file.write_text(file.read_text("utf-8").replace("<main", "<script>document.title = 'taken'</script><main"), "utf-8")
    browser_page.page.goto(file.as_uri())
    assert browser_page.page.title() == "This week's lists"
    assert any("Content Security Policy" in said for said in browser_page.errors)
    assert browser_page.page.get_by_role("group", name="Filter: Whom to contact").count() == 1  # ours still does


def test_without_scripts_and_on_paper_every_row_is_there_and_no_dead_control(site: Path, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "operations" / "index.html").as_uri())
    assert page.locator("tbody tr").count() == 20 + 4  # the list, and the week in numbers
    assert page.locator("select, input, button").count() == 0
    context.close()


@pytest.mark.parametrize("place", ["management/index.html", "operations/index.html"])
def test_on_a_phone_tables_scroll_within_their_box_and_no_number_or_date_is_broken(
    place: str, site: Path, browser_page: Any
) -> None:
    page = browser_page.page
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto((site / place).as_uri())
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    broken = page.evaluate(
        """() => [...document.querySelectorAll("td")].filter(cell => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          const lines = new Set([...range.getClientRects()].map(place => Math.round(place.top)));
          return /^[\\d.,−-]+$/.test(cell.textContent) && lines.size > 1;
        }).map(cell => cell.textContent)"""
    )
    assert broken == []
    boxes = page.evaluate("() => [...document.querySelectorAll('.wide')].map(b => [b.scrollWidth - b.clientWidth,"
                          " b.clientHeight / innerHeight])")  # fmt: skip
    assert max(wider for wider, _ in boxes) > 100
    assert max(high for _, high in boxes) < 0.9
