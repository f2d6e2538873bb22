"""What a dossier speaks of is gathered from the stages' outputs."""

import json
from pathlib import Path

import pandas as pd
import pytest

from afraz.features.response_labels import response_labels
from afraz.governance.checks import Outcome
from afraz.governance.gates import Entry, Gate
from afraz.pipeline.dossier import LABELS, definition, subject_of

ENTRY = Entry("churn", "owner", 2, 1, 365, "purpose", "limits", ("AFZ001",), {})
GATE = Gate("churn", "ab" * 32, (Outcome("AFZ001", "Quality", "blocking", "pass", "evidence"),))


@pytest.fixture
def outputs(workspace: Path) -> Path:
    for stage, params in (("churn", {"seed": 7}), ("features", {"silent_days": 60, "horizons": [30], "seed": 7})):
        folder = workspace / "experiments" / "runs" / stage
        folder.mkdir(parents=True)
        (folder / "provenance.json").write_text(json.dumps({"params": params}))
    metrics, data = workspace / "experiments" / "metrics", workspace / "data" / "features"
    metrics.mkdir()
    data.mkdir(parents=True)
    (metrics / "churn.json").write_text("{}")
    (data / "leak_audit.json").write_text(json.dumps({"passed": True}))
    pd.DataFrame({"name": ["recency"], "meaning": ["days"]}).to_parquet(data / "dictionary.parquet")
    return workspace


def test_definition_terms_audit_and_dictionary_belong_to_the_model(outputs: Path) -> None:
    found = subject_of(ENTRY, GATE, 4, commit="c0ffee")
    assert found.label.startswith("Label customers at as_of dates")
    assert found.label_terms == {"silent_days": 60, "horizons": [30]}
    assert found.audit == {"passed": True}
    assert found.meanings == {"recency": "days"}
    assert (found.version, found.digest, found.commit) == (4, GATE.digest, "c0ffee")


def test_a_ready_table_has_no_definition_audit_or_dictionary(outputs: Path) -> None:
    (outputs / "experiments" / "metrics" / "churn.json").write_text('{"ready_table": true}')
    found = subject_of(ENTRY, GATE, 4)
    assert (found.label, found.label_terms, found.audit) == ("", {}, None)
    assert found.meanings == {}


@pytest.mark.parametrize("model", sorted(LABELS))
def test_every_definition_is_plain_text_without_the_sections_of_its_docstring(model: str) -> None:
    told = definition(LABELS[model][0])
    assert len(told) > 200
    for mark in ("Parameters", "Returns", "**", "`", ":func:", ">>>"):
        assert mark not in told


def test_words_in_stars_lose_them_and_products_keep_theirs() -> None:
    assert "unfinished" in definition(response_labels)
    assert "*unfinished*" not in definition(response_labels)
