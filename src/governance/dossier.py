"""The dossier of a model version: all that a reviewer who did not build it needs, in one file."""

from collections.abc import Callable

from ..reports.document import Block, Document, Section, Table, Text
from .chapters import comparison, explanation, groups, origin, quality, review, steadiness, tuning
from .subject import Compared, Subject

__all__ = ["CHAPTERS", "Compared", "Subject", "document", "is_whole"]

LONGEST = 40  # rows of a further table
UNWRITTEN = "unwritten-"
CHAPTERS = (
    review.at_a_glance, review.purpose, origin.lineage, origin.outcome, origin.features, tuning.tuning, quality.quality,
    quality.calibration, steadiness.stability, groups.fairness, explanation.overall, explanation.examples,
    comparison.comparison, review.checks, review.decisions,
)  # fmt: skip
# what a chapter shows already, or another table holds in full
_TOLD = {
    "calibration_by_decile", "causes", "causes_refit", "cutoffs", "evidence", "fairness", "features",
    "grades_cross_fitted", "grades_test", "lead_time", "learners", "parts", "phases", "profile", "trials",
}  # fmt: skip
_TOLD_ALIKE = ("fairness_", "proxies_", "flows_")


def document(subject: Subject) -> Document:
    """Gather every chapter; one whose evidence the model does not have says why."""
    title = f"Dossier: {subject.name}, version {subject.version}"
    lead = (
        f"Evidence for the review of model {subject.digest[:12]}. Equal evidence gives the same file; nothing in it "
        "names a customer."
    )
    return Document(title, lead, [*(_written(chapter, subject) for chapter in CHAPTERS), _further(subject)])


def _written(chapter: Callable[[Subject], Section], subject: Subject) -> Section:
    """Write a chapter; evidence that it does not understand costs that chapter, and the page says so.

    Told is the kind of the fault and never its content, which may be a customer's value or a path. What is refused on
    purpose (an altered model folder) is not caught.
    """
    try:
        return chapter(subject)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as fault:
        name = chapter.__name__.replace("_", " ")
        why = (
            f"This chapter could not be written ({type(fault).__name__} in {chapter.__name__}): a fault of the dossier."
        )
        return Section(f"{UNWRITTEN}{chapter.__name__}", f"Not written: {name}", [Text(why, "absent")])


def is_whole(found: Document) -> bool:
    """Whether every chapter could be written."""
    return not any(section.key.startswith(UNWRITTEN) for section in found.sections)


def _further(subject: Subject) -> Section:
    """Show what the stage saved beside, so that a table nobody wrote a chapter for is not lost."""
    blocks: list[Block] = []
    for name in subject.table_names():
        table = subject.table(name)
        if table is None or name in _TOLD or name.startswith(_TOLD_ALIKE) or "psi" in table:
            continue
        more = f", first {LONGEST} of {len(table)} rows" if len(table) > LONGEST else ""
        blocks.append(Table.of(table.head(LONGEST), f"{name.replace('_', ' ')}{more}", folded=True))
    why = Text("The stage saved no tables beyond those shown above.", "absent")
    return Section("further", "Further tables of the run", blocks or [why])
