"""One folder of pages and CSV files that any web server or file share can show."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from ..document import Document
from ..pages import environment
from .listing import Listing


@dataclass(frozen=True)
class SitePage:
    """``place`` is where it lies in the folder, ``management/income.html`` say; ``name`` is what links call it."""

    place: str
    name: str
    document: Document

    @property
    def listings(self) -> list[Listing]:
        return [b for s in self.document.sections for b in s.blocks if isinstance(b, Listing)]


@dataclass(frozen=True)
class Site:
    """Pages in the order of their links; :func:`afraz.catalog.save` calls :meth:`save`.

    A page links to those of its own folder and to the start page: the folders may have different readers.
    """

    pages: Sequence[SitePage]

    def files(self) -> dict[str, str]:
        """Write every file: its place in the folder and its content.

        Raises
        ------
        DataError
            If two files would lie in the same place.
        """
        found: dict[str, str] = {}
        for page in self.pages:
            up, folder = "../" * page.place.count("/"), str(Path(page.place).parent)
            links = [(up + p.place, words, p is page) for p, words in self._near(page)]
            html = environment().get_template("site.html.j2").render(document=page.document, links=links)
            written = {page.place: html + "\n"}
            written |= {str(Path(folder) / f"{each.file}.csv"): each.csv() for each in page.listings}
            repeated = [*set(found) & set(written)] + ["?"] * (len(written) < 1 + len(page.listings))
            if repeated:
                raise DataError(f"{page.place}: two files would lie at {repeated[0]}: give each table its own name")
            found |= written
        return found

    def _near(self, page: SitePage) -> list[tuple[SitePage, str]]:
        """Name the pages it links to: its folder's, and the first page, which links to the first of every folder."""
        first = self.pages[0]
        folders: dict[Path, list[SitePage]] = {}
        for each in self.pages[1:]:
            folders.setdefault(Path(each.place).parent, []).append(each)
        if page is first:
            return [(first, first.name), *((found[0], folder.name.capitalize()) for folder, found in folders.items())]
        return [(first, first.name), *((each, each.name) for each in folders[Path(page.place).parent])]

    def save(self, place: Path) -> None:
        """Write the folder anew."""
        shutil.rmtree(place, ignore_errors=True)
        for name, content in self.files().items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(content, "utf-8", newline="\n")
