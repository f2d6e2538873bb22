"""The page on risk: says what is stated, names what is missing, tells nothing by colour alone, works in a browser."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from afraz.reports.document import Document
from afraz.reports.risk_page import STATED, Told, risk_document, said

TOTAL = {"expected_loss": 700.0, "value_at_risk": 2000.0, "expected_shortfall": 1800.0, "economic_capital": 1300.0,
         "sum_of_units_capital": 1500.0, "diversification_benefit": 0.133, "exposure": 90_000.0}  # fmt: skip


def tables() -> dict[str, pd.DataFrame]:
    units = pd.DataFrame({
        "unit": ["credit", "service"], "exposure": [80_000.0, 10_000.0], "probability": [0.02, 0.2],
        "severity": [0.4, 1.0], "expected_loss": [600.0, 100.0], "value_at_risk": [1700.0, 300.0],
        "expected_shortfall": [1500.0, 280.0], "economic_capital": [1100.0, 200.0], "method": ["scorecard", "counts"],
        "capital_contribution": [1150.0, 150.0], "capital_standard_error": [30.0, 10.0],
        "shortfall_contribution": [1600.0, 200.0], "shortfall_standard_error": [5.0, 2.0],
    })  # fmt: skip
    return {
        "units": units,
        "lights": pd.DataFrame({
            "limit": ["capital", "loss"], "measure": ["total.x", "credit.y"], "value": [0.03, 0.01],
            "before": [0.02, np.nan], "was": ["amber", "not measured"], "amber": [0.02, 0.02], "red": [0.05, 0.03],
            "light": ["amber", "green"], "sign": ["▲", "●"], "why": ["own funds", "margin"],
        }),
        "dependence": pd.DataFrame({"dependence": ["independent", "stated"], "value_at_risk": [1800.0, 2000.0],
                                    "expected_shortfall": [1700.0, 1800.0], "economic_capital": [1100.0, 1300.0]}),
        "sensitivity": pd.DataFrame({"unit": ["credit"], "assumption": ["0.5 × the stated correlation"],
                                     "correlation": [0.025], "value_at_risk": [1500.0], "economic_capital": [900.0]}),
        "correlations": pd.DataFrame({"unit": ["credit", "service"], "credit": [1, 0.1], "service": [0.1, 1]}),
        "stress": pd.DataFrame({"scenario": ["downturn"] * 2, "unit": ["credit", "service"],
                                "expected_loss": [600.0, 100], "stressed_loss": [1200.0, 100], "added": [600.0, 0]}),
        "changes": pd.DataFrame({"unit": ["credit", "total"], "before": [500.0, 500], "came": [50.0, 50],
                                 "went": [-20.0, -20], "exposure": [0.0, 0], "probability": [70.0, 70],
                                 "severity": [0.0, 0], "now": [600.0, 600]}),
        "credit_provisions": pd.DataFrame({"stage": [1, 2, 3], "loans": [90, 8, 2], "ecl": [1.0, 2.0, 3.0]}),
    }  # fmt: skip


def told(**changed: Any) -> Told:
    reverse = pd.DataFrame({"unit": ["credit"], "loss": [1500.0], "times_expected": [2.5], "once_in": [70.0],
                            "times": [4.0], "probability": [0.02]})  # fmt: skip
    words = {"credit": ("Credit: loans that default", "probabilities", "correlation", ["2 loans are in default"]),
             "service": ("Service: contacts", "counts", "cost", [])}  # fmt: skip
    given: dict[str, Any] = {
        "as_of": "2026-07-01", "currency": "XTS", "horizon": 365, "level": 0.999, "shortfall_level": 0.975,
        "total": TOTAL, "failed": {}, "notes": [], "words": words, "reverse": [(2000.0, 0.001, reverse)],
        "stories": {"downturn": "Unemployment doubles"}, "before": "2026-04-01", "total_before": TOTAL, **changed,
    }  # fmt: skip
    return Told(**given)


def document(**changed: Any) -> Document:
    return risk_document(tables(), told(**changed))


def text_of(found: Document) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.page().html))


def test_it_says_plainly_what_is_scenario_analysis_and_not_estimation() -> None:
    html = document().page().html
    assert "scenario analysis" in STATED
    assert f'<p class="lead">{STATED}'.replace("'", "&#39;") in html
    assert "Nothing is said of how likely they are" in html


def test_lights_are_told_by_sign_and_word_with_their_reason() -> None:
    text = text_of(document())
    assert "▲ amber 3.0 % 2.0 % amber 2.0 % 5.0 % own funds" in text
    assert "● green 1.0 % – not measured 2.0 % 3.0 % margin" in text


def test_what_is_missing_is_named_first_and_the_whole_is_called_incomplete() -> None:
    found = document(failed={"service": "service: delivered no position"})
    text = text_of(found)
    assert "INCOMPLETE: without service" in found.lead
    assert text.index("Not in the total: service: delivered no position") < text.index("Expected loss 700")
    assert "Not measured: service: delivered no position" in text
    assert "INCOMPLETE" not in document().lead


def test_repairs_and_remarks_are_shown() -> None:
    text = text_of(document(notes=["the stated correlations contradict each other"], remarks=["not compared: value"]))
    assert "the stated correlations contradict each other" in text
    assert "not compared: value" in text


def test_without_an_earlier_date_it_says_so() -> None:
    without = tables()
    del without["changes"]
    text = text_of(risk_document(without, told(before="2026-04-01", total_before=None)))
    assert "Nothing to compare with" in text


def test_what_changed_is_told_with_its_causes() -> None:
    text = text_of(document())
    assert "credit 500 50 −20 0 70 0 600" in text


def test_numbers_are_spelled_for_readers() -> None:
    assert said(-1234.4, "money") == "−1,234"
    assert said(-0.2, "money") == "0"
    assert said(np.nan, "times") == "–"
    assert said(None, "money") == "–"


def test_data_cannot_write_into_the_page() -> None:
    html = document(failed={"service": "<script>alert(1)</script>"}).page().html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1100])
def test_in_a_browser_it_is_readable_for_everybody_and_asks_nothing_of_the_network(
    width: int, browser_page: Any, tmp_path: Path
) -> None:
    place = tmp_path / "board.html"
    document(failed={"service": "delivered nothing"}, remarks=["not compared"]).page().save(place)
    browser_page.page.set_viewport_size({"width": width, "height": 800})
    browser_page.page.goto(place.as_uri())
    browser_page.page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert browser_page.violations() == {}
    assert browser_page.errors == []
    assert [a for a in browser_page.requests if not a.startswith("data:")] == [place.as_uri()]
    assert min(browser_page.pictures()) > 0
    assert browser_page.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.slow
def test_the_contents_are_reached_by_keyboard_and_tables_are_whole_on_paper(browser_page: Any, tmp_path: Path) -> None:
    place = tmp_path / "board.html"
    found = document()
    found.page().save(place)
    page = browser_page.page
    page.goto(place.as_uri())
    page.keyboard.press("Tab")  # the link that skips the contents
    for section in found.sections:
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.getAttribute('href')") == f"#{section.key}"
    page.keyboard.press("Enter")
    page.wait_for_function("key => document.activeElement.id === key", arg=found.sections[-1].key)
    page.emulate_media(media="print")
    assert page.locator("#stated details table").bounding_box()["height"] > 20  # closed on screen, told on paper
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
