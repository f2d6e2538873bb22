"""The dossier in a real browser: from a file, on paper, and from the artifact view of a real MLflow server."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from afraz.governance.dossier import Subject, document

Maker = Callable[..., Subject]

# MLflow's own page asks who is logged in, and a server without authentication answers 404
NO_USERS = "/ajax-api/2.0/mlflow/users/current"

pytestmark = pytest.mark.slow


@pytest.fixture
def saved(chromium: Any, subject: Maker, comparison: SimpleNamespace, tmp_path: Path) -> Path:
    place = tmp_path / "dossier.html"
    place.write_text(document(subject(comparison=comparison)).page().html, "utf-8")
    return place


def test_it_opens_from_a_file_with_every_picture_without_network_or_errors(saved: Path, browser_page: Any) -> None:
    browser_page.page.goto(saved.as_uri())
    widths = browser_page.pictures()
    assert len(widths) >= 8
    assert min(widths) > 0
    assert browser_page.errors == []
    loaded = [address for address in browser_page.requests if not address.startswith("data:")]
    assert loaded == [saved.as_uri()]
    assert browser_page.violations() == {}
    # the style is the page's own and in force, so its digest in the policy is right
    assert (
        browser_page.page.evaluate("() => getComputedStyle(document.querySelector('table')).borderCollapse")
        == "collapse"
    )


def test_what_would_leave_the_machine_is_refused_and_seen(saved: Path, browser_page: Any) -> None:
    """The tests' own eyes: a planted picture from outside is stopped by the policy, and without it by the log."""
    planted = saved.read_text("utf-8").replace("<main", '<img src="http://evil.example/x.png" alt="x"><main')
    saved.write_text(planted, "utf-8")
    browser_page.page.goto(saved.as_uri())
    assert any("Content Security Policy" in said for said in browser_page.errors)
    assert min(browser_page.pictures()) == 0
    assert browser_page.outside == []
    saved.write_text(re.sub(r"<meta http-equiv[^>]*>", "", planted), "utf-8")
    browser_page.page.goto(saved.as_uri())
    assert browser_page.outside == ["http://evil.example/x.png"]


def test_axe_finds_what_a_reader_without_sight_would_miss(saved: Path, browser_page: Any) -> None:
    faulty = re.sub(r' alt="[^"]*"', "", saved.read_text("utf-8")).replace('lang="en"', "")
    saved.write_text(faulty, "utf-8")
    browser_page.page.goto(saved.as_uri())
    assert {"image-alt", "html-has-lang"} <= set(browser_page.violations())


@pytest.mark.parametrize("kind", ["churn", "credit", "segmentation", "value", "promotion"])
def test_every_kind_is_readable_for_everybody_with_all_its_tables_open(
    kind: str, browser_page: Any, subject: Maker, tmp_path: Path
) -> None:
    place = tmp_path / f"{kind}.html"
    place.write_text(document(subject(kind)).page().html, "utf-8")
    browser_page.page.goto(place.as_uri())
    browser_page.page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert browser_page.violations() == {}
    assert 0 not in browser_page.pictures()
    assert browser_page.errors == []


def focused(page: Any) -> dict[str, str]:
    return page.evaluate(
        "() => ({tag: document.activeElement.tagName, id: document.activeElement.id, "
        "href: document.activeElement.getAttribute('href') || '', "
        "outline: getComputedStyle(document.activeElement).outlineStyle})"
    )


def walk(page: Any, subject_sections: list[str]) -> None:
    """Go through the contents by keyboard: the skip link first, then one link a section, each leads to its section."""
    page.keyboard.press("Tab")
    assert focused(page)["href"] == "#glance"
    for key in subject_sections:
        page.keyboard.press("Tab")
        found = focused(page)
        assert found["href"] == f"#{key}"
        assert found["outline"] == "solid"
    page.keyboard.press("Enter")
    last = subject_sections[-1]
    page.wait_for_function("key => document.activeElement.id === key", arg=last)
    assert page.evaluate("key => document.getElementById(key).getBoundingClientRect().top < innerHeight", last)


def test_contents_are_navigable_by_keyboard(saved: Path, browser_page: Any, subject: Maker) -> None:
    browser_page.page.goto(saved.as_uri())
    keys = [section.key for section in document(subject()).sections]
    walk(browser_page.page, keys)
    summary = browser_page.page.locator("#further summary").first
    summary.focus()
    browser_page.page.keyboard.press("Enter")
    assert browser_page.page.locator("#further details").first.get_attribute("open") is not None


def test_it_is_whole_without_scripts_and_on_paper(saved: Path, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved.as_uri())
    assert page.locator("#shap img").first.bounding_box()["width"] > 300
    page.emulate_media(media="print")
    assert page.locator("#features details table").bounding_box()["height"] > 20  # closed on screen, told on paper
    assert page.locator(".skip").is_hidden()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    context.close()


@pytest.mark.parametrize("width", [360, 1100])
def test_it_never_scrolls_sideways_but_for_wide_tables(saved: Path, browser_page: Any, width: int) -> None:
    browser_page.page.set_viewport_size({"width": width, "height": 800})
    browser_page.page.goto(saved.as_uri())
    assert browser_page.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.fixture
def mlflow_ui(tmp_path: Path, saved: Path) -> Iterator[str]:
    """A real MLflow server on 127.0.0.1 with a run that holds the dossier; gives the address of its artifact view."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    switches = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
               "--backend-store-uri", f"sqlite:///{tmp_path}/store.db", "--serve-artifacts",
               "--artifacts-destination", str(tmp_path / "artifacts")]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **switches}, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(f"{address}/health", server, tmp_path / "server.log")
        from mlflow import MlflowClient

        client = MlflowClient(address)
        experiment = client.create_experiment("afraz/churn")
        run = client.create_run(experiment)
        client.log_artifact(run.info.run_id, str(saved), "dossier")
        client.set_terminated(run.info.run_id)
        yield f"{address}/#/experiments/{experiment}/runs/{run.info.run_id}/artifacts/dossier/dossier.html"
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


def _wait(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(400):
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"the MLflow server did not answer in time: {log.read_text()[-2000:]}")


def test_it_opens_from_the_artifact_view_of_mlflow(mlflow_ui: str, browser_page: Any, subject: Maker) -> None:
    page = browser_page.page
    page.goto(mlflow_ui)
    inside = page.frame_locator("iframe")
    inside.locator("h1").wait_for(timeout=60_000)
    assert inside.locator("h1").inner_text() == "Dossier: churn, version 3"
    frame = next(f for f in page.frames if f != page.main_frame and f.locator("h1").count())
    widths = browser_page.pictures(frame)
    assert len(widths) >= 8
    assert min(widths) > 0
    assert frame.evaluate("() => getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
    assert browser_page.outside == []
    assert [said for said in browser_page.errors if NO_USERS not in said] == []
    last = document(subject()).sections[-1].key
    inside.locator(f"nav a[href='#{last}']").focus()
    page.keyboard.press("Enter")
    frame.wait_for_function("key => document.activeElement.id === key", arg=last)
    assert inside.locator("h1").inner_text() == "Dossier: churn, version 3"  # still there: the link led inside
