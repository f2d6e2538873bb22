"""What campaigns brought and how customers are served: plain words, units, no more digits than are known."""

import pandas as pd

from afraz.reports.site.campaigns import branches_document, effects_document
from afraz.reports.site.listing import Listing


def listed(document: object) -> dict[str, Listing]:
    return {b.file: b for s in document.sections for b in s.blocks if isinstance(b, Listing)}  # type: ignore[attr-defined]


def test_money_has_no_digits_below_a_hundredth() -> None:
    verdicts = pd.DataFrame([{
        "cut": "campaign", "part": "P1", "lens": "", "assigned": 2179, "control": 2269, "effect": 0.0301, "low": 0.0137,
        "high": 0.0466, "verdict": "works", "net": -0.000818, "pays": "not shown"}])  # fmt: skip
    campaigns = pd.DataFrame({"campaign_id": ["P1"], "name": ["fee waiver"], "no_estimate": [None]})
    found = listed(effects_document(verdicts, campaigns, "", smallest=10))["campaign_effects"]
    assert dict(zip(found.headings, found.rows[0], strict=True))["net per customer"] == "0"
    assert found.frame["net in all"].tolist() == [-2]


def test_service_is_named_in_words_with_its_unit() -> None:
    quality = pd.DataFrame([{
        "cut": "branch_id", "level": "B1", "measure": "wait_seconds", "contacts": 50, "raw": 90.8, "shrunk": 87.5,
        "low": 83.7, "high": 91.3, "differs": False}])  # fmt: skip
    document = branches_document(pd.DataFrame(), None, quality, {}, as_of="2026-07-01", smallest=10)
    found = listed(document)["service_quality"]
    assert found.headings[:3] == ("by", "which", "measure")
    assert found.rows[0][:3] == ("branch", "B1", "mean seconds in the queue")
