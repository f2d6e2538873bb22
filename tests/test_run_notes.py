"""What runs say of themselves fits the pipeline and the measures that are in git."""

import json
from pathlib import Path

import pytest

from afraz import run_notes

REPO = Path(__file__).resolve().parents[1]
WORDS = run_notes.all_stage_words(REPO)
READS = {"input", "source", "features", "training", "evaluation", "scoring", "decision"}


def test_every_stage_says_what_it_asks() -> None:
    for words in WORDS.values():
        assert words.desc, words.stage
        assert words.title, words.stage
        assert words.words, words.stage
        assert words.reads in READS, words.stage


@pytest.mark.parametrize("stage", [s for s, w in WORDS.items() if w.headline])
def test_the_measures_named_in_dvc_yaml_are_measured(stage: str) -> None:
    metrics = json.loads((REPO / f"experiments/metrics/{stage}.json").read_text())
    found = [m.name for m in run_notes.headline(metrics, WORDS[stage].headline)]
    if "not_applicable" not in metrics:
        assert found == list(WORDS[stage].headline)


def test_a_stage_that_was_not_applicable_says_why() -> None:
    metrics = {"not_applicable": "there are no loans"}
    provenance = {"inputs": {}, "notebook": "notebooks/40_credit.py", "notebook_sha256": "n"}
    assert run_notes.run_name("credit", {"as_of": "2026-07-01"}, metrics, [], "0123456789") == (
        "credit · not applicable · 01234567"
    )
    assert "Not applicable: there are no loans" in run_notes.run_note(WORDS["credit"], provenance, metrics, [], "#")


def test_pictures_stand_under_the_last_heading_before_them() -> None:
    picture = {"cell_type": "code", "outputs": [{"data": {"image/png": "x"}}, {"text": "no picture"}]}
    cells = [picture, {"cell_type": "markdown", "source": ["# Title\n", "text"]}, picture,
             {"cell_type": "markdown", "source": "words without a heading"}, picture]  # fmt: skip
    assert run_notes.figure_headings({"cells": cells}) == ["", "title", "title"]
