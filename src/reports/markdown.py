"""A document as Markdown: the same sections and tables, pictures by their words."""

import html
import re

from .document import Block, Chart, Document, Facts, Heading, Table, Text

_ACTIVE = re.compile(r"([\\`*_\[\]|#~])")


def escaped(words: str) -> str:
    """Take from text whatever Markdown, or the HTML inside it, would act on.

    Examples
    --------
    >>> escaped("a_b <script> | *c*")
    'a\\\\_b &lt;script&gt; \\\\| \\\\*c\\\\*'
    """
    return _ACTIVE.sub(r"\\\1", html.escape(" ".join(words.split()), quote=False))


def to_markdown(document: Document, rows: int | None = None, words: int | None = None) -> str:
    """Write a document as Markdown.

    Parameters
    ----------
    rows : int, optional
        Longest table; what is cut off is counted; essential ones stay. 0: lists of the essential ones only, and no
        notes. Default: whole tables.
    words : int, optional
        Longest paragraph or cell in characters. Default: whole.
    """
    parts = [f"# {escaped(document.title)}", escaped(document.lead)]
    for section in document.sections:
        parts.append(f"## {escaped(section.title)}")
        parts += [said for block in section.blocks if (said := _block(block, rows, words))]
    return "\n\n".join(parts) + "\n"


def _cut(words: str, longest: int | None) -> str:
    whole = " ".join(words.split())
    return escaped(whole if longest is None or len(whole) <= longest else whole[: longest - 1].rstrip() + "…")


def _block(block: Block, rows: int | None, words: int | None) -> str:
    if isinstance(block, Heading):
        return f"### {escaped(block.words)}" if rows != 0 else ""
    if isinstance(block, Text):
        if rows == 0 and block.tone == "note":
            return ""
        return f"**{_cut(block.words, words)}**" if block.tone == "lead" else _cut(block.words, words)
    if isinstance(block, Facts):
        shown = block.pairs if rows is None else block.pairs[: max(rows, 3)]
        return "\n".join(f"- {escaped(name)}: {_cut(value, words)}" for name, value in shown)
    if isinstance(block, Chart):
        said = f"*{escaped(block.caption)}* {_cut(block.alternative, words)}" if rows != 0 else ""
        return "\n\n".join(filter(None, (said, _block(block.behind, rows, words) if block.behind else "")))
    return _table(block, rows, words)


def _table(table: Table, rows: int | None, words: int | None) -> str:
    if rows == 0 and table.essential:
        said = ((escaped(row[0]), "; ".join(_cut(cell, words) for cell in row[1:3])) for row in table.rows)
        return "\n".join(f"- {name}: {found}" for name, found in said)
    if rows == 0 or (rows is not None and table.folded):
        return ""
    shown = table.rows if rows is None or table.essential else table.rows[:rows]
    lines = [f"*{escaped(table.caption)}*", "", "| " + " | ".join(map(escaped, table.headings)) + " |"]
    lines.append("|" + "|".join(" ---: " if number else " --- " for number in table.numeric) + "|")
    lines += ["| " + " | ".join(_cut(cell, words) for cell in row) + " |" for row in shown]
    if len(shown) < len(table.rows):
        lines += ["", f"{len(table.rows) - len(shown)} more rows in the dossier."]
    return "\n".join(lines)
