"""Tell the ledger which version scored which date: what an auditor asks, and what `afraz rescore` repeats."""

import os
from collections.abc import Iterator
from typing import Any

from .. import catalog
from ..governance.ledger import Decision, Ledger, ledger
from ..governance.standing import numbers
from ..scoring.sinks import FILE_DIGEST, read_manifest

SCORES = {
    "churn_scores": "churn", "credit_scores": "credit", "credit_book": "credit", "segmentation_scores": "segmentation",
    "value_scores": "value", "promotion_scores": "promotion",
}  # fmt: skip


def record_scored() -> list[Decision]:
    """Write a line for every score file whose content the ledger does not know yet; experiments leave none."""
    if os.environ.get("DVC_EXP_NAME"):
        return []
    book = ledger()
    with book.held():
        lines = book.decisions()
        known = {key(line): line.evidence for line in lines if line.action == "scored"}
        versions = numbers(lines)
        return [
            _write(book, name, manifest, versions) for name, manifest in manifests()
            if known.get((name, manifest["as_of"]), {}).get("file") != manifest[FILE_DIGEST]
        ]  # fmt: skip


def key(line: Decision) -> tuple[str, str]:
    """Dataset and date of a line that says what was scored."""
    return line.evidence["dataset"], line.evidence["as_of"]


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Dataset and manifest of every whole score file of the workspace, in the order of their dates."""
    for name in SCORES:
        pattern = catalog.dataset(name).path.replace("{as_of}", "*")
        for place in sorted(catalog.root().glob(pattern)):
            manifest = read_manifest(place)
            if manifest is not None and {"as_of", "model_digest", FILE_DIGEST} <= set(manifest):
                yield name, manifest


def _write(book: Ledger, name: str, manifest: dict[str, Any], versions: dict[tuple[str, str], int]) -> Decision:
    model, digest = SCORES[name], manifest["model_digest"]
    evidence = {"dataset": name, "as_of": manifest["as_of"], "file": manifest[FILE_DIGEST],
                "input": str(manifest.get("input_digest", ""))}  # fmt: skip
    return book.append(model, "scored", versions.get((model, digest), 0), digest, evidence=evidence)
