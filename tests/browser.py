"""A real browser for tests of pages: what was asked of the network, what the console said, what axe finds.

Fixtures ``chromium`` and ``browser_page`` of ``conftest.py`` hand these out; tests skip where there is no Chromium.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

LOCAL = {"127.0.0.1", "localhost", "[::1]"}
# Debian's Chromium as root, in a container, without a graphics card and without its own talk to the network
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
SERIOUS = {"serious", "critical"}


def chromium_path() -> str | None:
    """Find the browser: ``AFRAZ_CHROMIUM``, else the system's; None where there is none."""
    stated = os.environ.get("AFRAZ_CHROMIUM")
    return stated or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def launched() -> "Iterator[Browser]":
    """Start a headless Chromium; skip the test where there is none."""
    place = chromium_path()
    if place is None:
        pytest.skip("no Chromium: install the package chromium, or name one in AFRAZ_CHROMIUM")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    with api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=place, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page and what happened on it. Requests to another machine are refused, and named in ``outside``."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def pictures(self, frame: Any = None) -> list[int]:
        """Width of every picture as the browser knows it: 0 for one that did not load."""
        return (frame or self.page).evaluate("() => [...document.images].map(i => i.complete ? i.naturalWidth : 0)")

    def violations(self) -> dict[str, str]:
        """Serious and critical findings of axe on the page, with the first element of each."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return {v["id"]: v["nodes"][0]["html"][:200] for v in found if v["impact"] in SERIOUS}


def _spelled(said: Any) -> str:
    return f"{said.text} ({said.location.get('url', '')})"


@contextmanager
def watched(browser: "Browser", **context: Any) -> Iterator[Watched]:
    """Open a page whose every request is seen."""
    opened = browser.new_context(viewport={"width": 1100, "height": 900}, **context)
    seen = Watched(opened.new_page())

    def look(route: "Route") -> None:
        address = urlsplit(route.request.url)
        seen.requests.append(route.request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in LOCAL:
            seen.outside.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    opened.route("**/*", look)
    seen.page.on("console", lambda said: seen.errors.append(_spelled(said)) if said.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    yield seen
    opened.close()
