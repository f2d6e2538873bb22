"""The dossier as a model card: Markdown, whole for a file, cut for the description of a version."""

from ..reports.document import Document
from ..reports.markdown import to_markdown

DESCRIPTION = 5000
"""Characters that MLflow's registry keeps of a description (``model_versions.description`` in a database server)."""
# rows of a table and characters of a paragraph or cell: from the whole to what surely fits
_CUTS: tuple[tuple[int | None, int | None], ...] = (
    (None, None), (8, 200), (4, 160), (2, 120), (1, 100), (0, 160), (0, 100), (0, 60), (0, 30)
)  # fmt: skip


def model_card(whole: Document, longest: int | None = None) -> str:
    """Write the model card.

    Parameters
    ----------
    whole : Document
        Of :func:`afraz.governance.dossier.document`.
    longest : int, optional
        Most characters, :data:`DESCRIPTION` for a version's description: tables and paragraphs are shortened until it
        fits, headings stay. Default: whole.
    """
    if longest is None:
        return to_markdown(whole)
    cards = (to_markdown(whole, rows, words) for rows, words in _CUTS)
    return next((card for card in cards if len(card) <= longest), to_markdown(whole, *_CUTS[-1])[:longest])
