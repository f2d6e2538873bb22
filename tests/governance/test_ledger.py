"""The ledger: any line altered, removed, added or moved is found, and eight processes lose nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afraz.errors import LedgerError
from afraz.governance.ledger import Ledger, ledger


def _filled(folder: Path, lines: int) -> Ledger:
    made = Ledger(folder / "ledger.jsonl")
    for i in range(lines):
        made.append("churn" if i % 2 else "credit", "champion", i + 1, f"{i:064x}", who=f"user {i % 3}", note=f"n {i}")
    return made


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    made = _filled(tmp_path_factory.mktemp("sealed"), 12)
    assert made.faults() == []
    return made.file.read_bytes(), made.head.read_bytes()


@st.composite
def _tampering(draw: st.DrawFn) -> tuple[str, int, int]:
    kind = draw(st.sampled_from(["remove", "swap", "edit", "cut", "repeat", "forge"]))
    return kind, draw(st.integers(0, 11)), draw(st.integers(0, 10**6))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_tampering())
def test_any_tampering_is_found(sealed: tuple[bytes, bytes], tmp_path: Path, how: tuple[str, int, int]) -> None:
    kind, at, extra = how
    lines = sealed[0].splitlines(keepends=True)
    if kind == "remove":
        del lines[at]
    elif kind == "swap":
        other = (at + 1 + extra % 11) % 12
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "edit":  # any byte of a line, its end apart
        place = extra % (len(lines[at]) - 1)
        changed = bytes([lines[at][place] ^ (1 + extra % 7)])
        lines[at] = lines[at][:place] + changed + lines[at][place + 1 :]
    elif kind == "cut":
        lines = lines[:at]
    elif kind == "repeat":
        lines.insert(at, lines[at])
    else:  # another content, with a seal that fits it
        content = json.loads(lines[at])
        content["who"] = "somebody else"
        from afraz.governance.ledger import Decision

        content["seal"] = Decision(**content).sealed()
        lines[at] = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    altered = Ledger(tmp_path / "ledger.jsonl")
    altered.file.write_bytes(b"".join(lines))
    altered.head.write_bytes(sealed[1])
    assert altered.faults()


def test_nothing_is_appended_to_a_history_whose_end_is_missing(tmp_path: Path) -> None:
    made = _filled(tmp_path, 5)
    lines = made.file.read_bytes().splitlines(keepends=True)
    made.file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(LedgerError, match="the last line of .* is 4, its head says 5: lines were removed"):
        made.append("churn", "champion", 9, "9")
    made.file.write_bytes(b"")
    with pytest.raises(LedgerError, match="is empty, its head is not"):
        made.append("churn", "champion", 9, "9")


def test_a_writer_that_died_loses_only_what_it_had_not_acknowledged(tmp_path: Path) -> None:
    made = _filled(tmp_path, 3)
    with made.file.open("ab") as torn:  # died within the line
        torn.write(b'{"number":4,"at":"2026')
    assert made.append("churn", "champion", 4, "4", who="ana").number == 4
    assert made.faults() == []
    before = made.head.read_bytes()
    made.append("churn", "champion", 5, "5", who="ana")
    made.head.write_bytes(before)  # died between line and head: the line is on the disk
    assert "one more" in made.faults()[0]
    assert made.append("churn", "champion", 6, "6", who="ana").number == 6
    assert made.faults() == []


def test_a_clock_that_goes_back_does_not_reorder_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    made = _filled(tmp_path, 1)
    last = made.decisions()[0].at

    class Early(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> "Early":
            return cls(2001, 1, 1, tzinfo=tz)

    monkeypatch.setattr("afraz.governance.ledger.datetime", Early)
    assert made.append("churn", "champion", 2, "2").at == last
    assert made.faults() == []


def test_a_relative_ledger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFRAZ_LEDGER", "ledger.jsonl")
    with pytest.raises(LedgerError, match="is relative"):
        ledger()
