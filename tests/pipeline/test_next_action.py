"""`afraz next-action`: what a desk sees, and what it is told where there is nothing to see."""

import datetime as dt
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from afraz import catalog, cli
from afraz.decisioning.desk import desk_table, write_index
from afraz.errors import DataError
from afraz.pipeline.next_action import next_action


@pytest.fixture
def index(workspace: Path) -> Path:
    customers = pd.DataFrame({"customer_id": ["C1", "C2"]})
    contacts = pd.DataFrame({
        "customer_id": ["C1"], "campaign_id": "P1", "priority": 1, "contact_on": pd.to_datetime(["2026-07-06"]),
        "offer": "fee_waiver", "channel": "call", "reason_1": "pays [many] fees",
        "expires_at": pd.to_datetime(["2026-07-20"]),
    })  # fmt: skip
    desk = desk_table(customers, dt.date(2026, 7, 1), contacts=contacts)
    return write_index(desk, catalog.target("desk_index"))


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["afraz", "next-action", *arguments])
    cli.main()


def test_the_offer_is_shown_until_it_ends(index: Path) -> None:
    assert next_action("C1", dt.date(2026, 7, 19)).next_offer == "fee_waiver"
    assert next_action("C1", dt.date(2026, 7, 20)).next_offer is None


def test_people_see_a_table_and_programs_an_object(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        _run(monkeypatch, "C1", "--on", "2026-07-02", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["next_offer"], found["reason"], found["tier"]) == ("fee_waiver", "pays [many] fees", None)
    with pytest.raises(SystemExit, match="0"):
        _run(monkeypatch, "C1", "--on", "2026-07-02")
    shown = capsys.readouterr().out
    assert "pays [many] fees" in shown
    assert "tier" not in shown


def test_the_plain_form_says_what_the_application_says(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    today = dt.date.today().isoformat()
    for form in ([], ["--json"]):
        _run(monkeypatch, "C1", *form)
        plain = capsys.readouterr().out
        with pytest.raises(SystemExit, match="0"):
            _run(monkeypatch, "C1", "--on", today, *form)
        assert plain == capsys.readouterr().out
        assert "C1" in plain


def test_a_stranger_and_a_wrong_day_end_with_an_error_and_no_traceback(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        _run(monkeypatch, "C3")
    said = capsys.readouterr().err
    assert "no customer 'C3' on the desk table: did you mean" in said
    assert "Traceback" not in said
    with pytest.raises(SystemExit, match="1"):
        _run(monkeypatch, "C1", "--on", "tomorrow")
    assert "--on 'tomorrow': expected an ISO date" in capsys.readouterr().err


def test_without_a_desk_table_it_is_said_how_to_get_one(workspace: Path) -> None:
    with pytest.raises(DataError, match="run `dvc repro decide` first"):
        next_action("C1")
