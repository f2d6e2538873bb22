"""What was kept of a version writes the same dossier again."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd

from afraz import catalog
from afraz.governance.comparison import Comparison
from afraz.governance.dossier import Subject, document
from afraz.pipeline.kept_evidence import PLACE, keep, kept_subject


def test_kept_evidence_gives_the_same_dossier(subject: Callable[..., Subject], comparison: SimpleNamespace) -> None:
    decisions = [{"at": "2026-07-02T09:00:00", "who": "ben", "action": "approved", "version": 3, "note": "reads well"}]
    compared = Comparison(**vars(comparison))
    made = subject("credit", comparison=compared, decisions=decisions)
    stored = {name: json.loads(catalog.to_json(dict(getattr(made, name)))) for name in ("provenance", "metrics")}
    first = replace(made, **stored)  # as the stage's files have them: keys in order
    (first.run / "provenance.json").write_text(catalog.to_json(dict(first.provenance)), "utf-8")  # the run has it
    keep(first, first.run / PLACE)
    again = kept_subject(first.run, first.entry, first.version, decisions)
    assert again is not None
    assert document(again).page().html == document(first).page().html
    assert isinstance(again.comparison, Comparison)
    pd.testing.assert_frame_equal(again.comparison.judged(), compared.judged())


def test_a_run_without_kept_evidence_has_no_subject(subject: Callable[..., Subject]) -> None:
    bare = subject("churn")
    assert kept_subject(bare.run, bare.entry, bare.version, []) is None
