"""The dossier tells everything that is known of a version, and says why it does not tell the rest."""

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from afraz.errors import ArtifactError
from afraz.governance.checks import Outcome
from afraz.governance.dossier import CHAPTERS, Subject, document, is_whole
from afraz.reports.document import Chart

Maker = Callable[..., Subject]
KINDS = ("churn", "credit", "segmentation", "value", "promotion")
MOST = 3_000_000


class Reader(HTMLParser):
    """Tags with their attributes, and the text of each section."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._inside = str(dict(attrs)["id"])

    def handle_data(self, data: str) -> None:
        self.sections[self._inside] = f"{self.sections.get(self._inside, '')} {data}"


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.sections = {key: " ".join(words.split()) for key, words in reader.sections.items()}
    return reader


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_gives_a_small_dossier_with_every_section_and_the_same_bytes(
    subject: Maker, kind: str
) -> None:
    html = document(subject(kind)).page().html
    assert "could not be written" not in html
    assert len(html.encode()) < MOST
    assert html == document(subject(kind)).page().html
    sections = read(html).sections
    assert len(document(subject(kind)).sections) == len(CHAPTERS) + 1
    for section in document(subject(kind)).sections:
        assert len(sections[section.key]) > len(section.title) + 20, f"{section.title} says nothing"


def test_it_tells_purpose_lineage_label_features_and_what_was_found(subject: Maker) -> None:
    made = subject(decisions=[{"at": "2026-07-02T09:00:00+00:00", "who": "r. eviewer", "action": "rejected",
                               "version": 3, "note": "calibrate first"}], commit="c0ffee")  # fmt: skip
    said = read(document(made).page().html).sections
    assert "Passed every check that blocks" in said["glance"]
    assert "ROC AUC 0.8 (0.7 to 0.9)" in said["glance"]
    assert "▲ Warning AFZ004" in said["glance"]
    assert "1 (decides about people or capital)" in said["purpose"]
    assert "2, the builder counts for one at most" in said["purpose"]
    for words in ("ab" * 32, "cd" * 32, "ef" * 32, "01" * 32, "c0ffee", "lending.margin 0.06", "customers.education"):
        assert words in said["lineage"]
    assert "Within 90 days. Set to horizons 30, 60, 90" in said["outcome"]
    assert "recency behaviour days since the last visit days 90 days" in said["features"]
    assert "holds_current: left out" in said["features"]
    assert "spend alone 0.96 0.95" in said["features"]
    assert "0.20000 from trial 1 on, of 2" in str(document(made).sections[5].blocks)
    assert "lead over one column alone" in said["measures"]
    assert "in 1 of them the expected share lies outside" in said["calibration"]
    assert "2026-03 300" in said["stability"]
    assert "1 scores highest" not in said["comparison"]
    assert (
        "AFZ001 Quality on later months ●\u00a0pass ROC AUC 0.80 (0.70–0.90) blocks".replace("\u00a0", " ")
        in said["checks"]
    )
    assert "r. eviewer rejected 3 calibrate first" in said["decisions"]
    assert "a new table" in said["further"]


def test_a_blocking_failure_comes_first(subject: Maker) -> None:
    failed = Outcome("AFZ002", "Calibration", "blocking", "fail", "slope 0.3")
    said = read(document(subject(outcomes=(failed,))).page().html).sections["glance"]
    assert "May not be used without an override: AFZ002 failed" in said
    assert "Passed every check" not in said
    assert "No check has looked at this version" in read(document(subject(outcomes=())).page().html).sections["glance"]


def test_what_a_model_does_not_have_says_why_in_one_sentence(subject: Maker) -> None:
    bare = subject("segmentation")
    said = read(document(bare).page().html).sections
    assert "learns no outcome" in said["outcome"]
    assert "No parameters were searched" in said["tuning"]
    assert "states no probability and no amount" in said["calibration"]
    assert "there are no SHAP values" in said["shap"]
    assert "borrows 360 0.6 spend ▼ 1.5; recency ▲ 0.2" in said["shap"]
    assert "saves 5 0.4 fewer than 20 customers: not described" in said["shap"]
    assert "no champion to compare with" in said["comparison"]
    assert "Nobody has decided" in said["decisions"]
    assert "no tables beyond" in said["further"]


def test_a_ready_table_says_what_it_cannot_know(subject: Maker) -> None:
    ready = subject(
        label="", audit=None, dictionary=pd.DataFrame(columns=["name", "meaning"]),
        provenance={"inputs": {}, "params": {"table": {"label": "left"}}},
    )  # fmt: skip
    said = read(document(ready).page().html).sections
    assert "its column 'left' was taken as it is" in said["outcome"]
    assert "brings no dictionary" in said["features"]
    assert "no events to rebuild its features from" in said["lineage"]


def test_a_run_without_rows_or_measures_says_so(subject: Maker) -> None:
    made = subject(metrics={})
    for name in ("sample", "predictions"):
        (made.run / f"{name}.parquet").unlink()
    (made.run / "tables" / "parts.csv").unlink()
    (made.run / "curves" / "gains.csv").unlink()
    said = read(document(made).page().html).sections
    assert "nothing can be said about quality" in said["measures"]
    assert "steadiness was not measured" in said["stability"]
    assert "groups of people were not compared" in said["fairness"]
    assert "what the model looks at is not known" in said["shap"]
    assert "no rows to explain" in said["examples"]


def test_the_comparison_tells_measures_moves_sides_and_reasons(subject: Maker, comparison: SimpleNamespace) -> None:
    said = read(document(subject(comparison=comparison)).page().html).sections
    assert "version 2" in said["glance"]
    assert "ROC AUC 0.78 0.8 0.02 0.01 0.03 0.01" in said["comparison"]
    assert "Brier score 0.05 0.05 0 −0.01 0.01 – not judged" in said["comparison"]
    assert "60% stay in their tenth, 10% move by two tenths or more" in said["comparison"]
    assert "from 1 60 30" in said["comparison"]
    assert "recency 2 1" in said["comparison"]


def test_a_comparison_of_segments_or_of_nothing_is_told_too(subject: Maker, comparison: SimpleNamespace) -> None:
    comparison.migration = pd.DataFrame(
        {"champion_decile": ["a", "b"], "challenger_decile": ["a", "a"], "customers": [3, 1]}
    )
    comparison.sides = comparison.sides.head(0)
    said = read(document(subject(comparison=comparison)).page().html).sections["comparison"]
    assert "75% stay in their segment." in said
    assert "not computed for this model" in said
    comparison.rows, comparison.note = 0, "the champion never saw these rows"
    said = read(document(subject(comparison=comparison)).page().html).sections["comparison"]
    assert said.endswith("the champion never saw these rows")


def test_forecasts_effects_grades_and_groups_are_held_against_what_came(subject: Maker) -> None:
    value = read(document(subject("value")).page().html).sections
    assert "Of 600 customers 100.0% lie within their own interval (asked: 90%)" in value["calibration"]
    assert "rows: the stage's sample" in value["shap"]
    effect = read(document(subject("promotion")).page().html).sections
    assert "In 1 of 2 tenths of the score the stated effect lies within" in effect["calibration"]
    assert "Yes: nothing speaks against a draw" in effect["measures"]
    assert "Outcome closing: the offer changes the closing" in effect["tuning"]
    credit = read(document(subject("credit")).page().html).sections
    assert "1 of 2 grades are in line; not: G2" in credit["calibration"]
    assert "gender f 300 0.8 0.97" in credit["fairness"]
    assert "recency 0.3" in credit["stability"]
    churn = read(document(subject("churn")).page().html).sections
    assert "age 18–25" in churn["fairness"]
    assert "age 36–45" in churn["fairness"], "the bands of the table by group"
    assert "gender" in read(document(subject("segmentation")).page().html).sections["fairness"]


def test_examples_name_nobody_and_add_up(subject: Maker) -> None:
    made = subject()
    html = document(made).page().html
    assert "C00001" not in html
    said = read(html).sections["examples"]
    assert "Customer A, the highest score" in said
    found = re.search(r"average (\S+) and contributions (\S+) give (\S+)\.", said)
    assert found is not None
    base, change, score = (float(number.replace("−", "-")) for number in found.groups())
    assert base + change == pytest.approx(score, abs=0.02)
    margins = made.artifact.margins(made.sample)["leave"]
    assert score == pytest.approx(margins.max(), abs=0.01)


def test_tables_with_rows_of_single_customers_are_never_shown(subject: Maker) -> None:
    made = subject()
    pd.DataFrame({"customer_id": ["C00007"], "score": [0.9]}).to_csv(made.run / "tables" / "listed.csv", index=False)
    (made.run / "tables" / "empty.csv").write_text("")
    html = document(made).page().html
    assert "C00007" not in html
    assert "listed" not in html


def test_text_from_the_data_never_becomes_markup(subject: Maker) -> None:
    evil = "<script>alert('x')</script>\"><img src=http://evil.example/x>"
    names = pd.DataFrame({"name": ["recency", "spend"], "family": evil, "meaning": evil, "unit": evil, "window": evil,
                          "type": "double", "low": evil, "high": evil})  # fmt: skip
    made = subject(
        dictionary=names, label=evil, outcomes=(Outcome("AFZ001", evil, "blocking", "fail", evil),),
        decisions=[{"at": evil, "who": evil, "action": evil, "version": evil, "note": evil}],
        provenance={"inputs": {evil: evil}, "params": {evil: evil}, "notebook": evil},
        metrics={"population": {evil: evil}, "notes": [evil], "suspected_leaks": [{"feature": evil}]},
    )  # fmt: skip
    pd.DataFrame({evil: [evil]}).to_csv(made.run / "tables" / "evil.csv", index=False)
    pd.DataFrame({"feature": [evil], "mean_abs_shap": [1.0], "share": [1.0], "rank": [1]}).to_csv(
        _folder(made.run / "explanation") / "summary.csv", index=False
    )
    html = document(made).page().html
    reader = read(html)
    assert html.count("<script") == 1  # the page's own
    assert all(str(a["src"]).startswith("data:image/svg+xml;base64,") for tag, a in reader.tags if tag == "img")
    assert evil in reader.sections["checks"]
    # in pictures letters are outlines: what a figure draws is no markup either
    drawn = [block.picture.decode() for s in document(made).sections for block in s.blocks if isinstance(block, Chart)]
    assert drawn
    assert not [picture for picture in drawn if "<script" in picture or "<img" in picture]


def _folder(place: Path) -> Path:
    place.mkdir()
    return place


def test_it_stands_alone_and_needs_no_colour(subject: Maker, comparison: SimpleNamespace) -> None:
    html = document(subject(comparison=comparison)).page().html
    assert "default-src 'none'" in html
    assert "unsafe" not in html
    assert not re.search(r"https?:|url\(|@import|<link", html)
    script = html.split("<script>")[1].split("</script>")[0]
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in html
    assert "@media print" in html
    tags = read(html).tags
    ids = {a.get("id") for _, a in tags}
    links = [str(a["href"]) for tag, a in tags if tag == "a"]
    assert links[0] == "#glance"
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert all(a.get("alt") for tag, a in tags if tag == "img")
    assert all(a.get("scope") in {"col", "row"} for tag, a in tags if tag == "th")
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags)
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    styles = html.split("<style>")[1].split("</style>")[0]
    assert all(len(set(colour[1:])) == 1 for colour in re.findall(r"#[0-9a-fA-F]{3,6}\b", styles)), "greys only"


def test_a_lens_that_does_not_apply_has_no_sizes(subject: Maker) -> None:
    lenses = {"needs": {"kind": "kmeans", "segments": 2, "stability": 0.9, "shares": {"a": 0.6, "b": 0.4}},
              "attitude": {"kind": "clusters", "why": "nobody was asked"}}  # fmt: skip
    html = document(subject("segmentation", metrics={"lenses": lenses})).page().html
    assert "attitude" in html


def test_evidence_that_a_chapter_does_not_understand_costs_that_chapter_and_tells_no_content(subject: Maker) -> None:
    made = document(subject("churn", metrics={"test": "a text of customer C00007 where measures are"}))
    assert not is_whole(made)
    html = made.page().html
    assert "This chapter could not be written" in html
    assert "C00007" not in html
    assert "Purpose and limits" in html
    assert is_whole(document(subject("churn")))


def test_an_altered_model_is_no_fault_of_a_chapter(subject: Maker) -> None:
    made = subject("churn")
    (made.run / "model" / "leave.txt").write_text("altered")
    with pytest.raises(ArtifactError):
        document(made)
