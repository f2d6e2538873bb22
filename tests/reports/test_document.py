"""One document, as a page and as Markdown."""

import pandas as pd
import pytest

from afraz.reports import figures
from afraz.reports.document import Chart, Document, Facts, Heading, Section, Table, Text, kept
from afraz.reports.markdown import to_markdown

FRAME = pd.DataFrame({"grade": ["G1", "G2", "G3"], "rate": [0.01, 0.02, None], "good": [True, False, True]})


def told(*blocks: object) -> Document:
    return Document("Title", "Lead.", [Section("one", "First & only", list(blocks))])  # type: ignore[arg-type]


def test_the_first_column_names_the_row_and_numbers_stand_on_the_right() -> None:
    html = told(Table.of(FRAME, "Grades")).page().html
    assert '<th scope="row">G1</th><td class="n">0.01</td><td>yes</td>' in html
    assert '<td class="n">–</td>' in html
    assert "<caption>Grades</caption>" in html
    assert "First &amp; only" in html


def test_folded_tables_open_on_demand_and_wide_ones_scroll_by_keyboard() -> None:
    wide = pd.DataFrame({f"c{i}": [i] for i in range(9)})
    assert "<details><summary>Grades (3 rows)</summary>" in told(Table.of(FRAME, "Grades", folded=True)).page().html
    assert 'role="region" tabindex="0" aria-label="Wide"' in told(Table.of(wide, "Wide")).page().html
    assert 'tabindex="0"' not in told(Table.of(FRAME, "Grades")).page().html
    assert "Grades: no rows." in told(Table.of(FRAME.head(0), "Grades")).page().html


def test_chosen_columns_come_in_order_under_their_headings() -> None:
    table = Table.of(FRAME, "Grades", {"rate": "bad rate", "grade": "grade"})
    assert table.headings == ("bad rate", "grade")
    assert table.rows[1] == ("0.02", "G2")


def test_a_picture_has_words_and_the_same_bytes() -> None:
    curve = pd.DataFrame({"trial": [0, 1], "best_so_far": [0.2, 0.1]})
    one, other = (Chart.of(figures.tuning_curve(curve), "falls", "Tuning") for _ in range(2))
    assert one == other
    assert one.picture.startswith(b"<?xml")
    assert b"<dc:date>" not in one.picture
    assert 'alt="falls"' in told(one).page().html


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(None, ["G1", "G2", "G3", "note", "### Part"]), (1, ["G1", "2 more rows", "note"]), (0, [])],
)
def test_a_shortened_text_cuts_tables_and_says_so(rows: int | None, expected: list[str]) -> None:
    card = to_markdown(told(Heading("Part"), Text("a note", "note"), Table.of(FRAME, "Grades")), rows)
    assert "## First &amp; only" in card
    for words in ("G1", "G2", "G3", "note", "### Part", "2 more rows"):
        assert (words in card) == (words in expected or (words == "### Part" and rows == 1))


def test_essential_tables_and_facts_survive() -> None:
    card = to_markdown(told(kept(Table.of(FRAME, "Grades")), Facts.of({"owner": "risk"})), 0)
    assert "- G3: –; yes" in card
    assert "- owner: risk" in card
