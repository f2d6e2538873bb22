"""Who moved which champion when, and why: append-only, each line sealed by the hash of the one before it.

The file lies beside the store whose history it is; ``AFRAZ_LEDGER`` names another (absolute), for a team that shares
one. A chain shows that a line was altered, removed or swapped. That the *last* lines are missing it cannot show, so the
newest seal is kept a second time in ``<ledger>.head`` and, by the registry, on the model in MLflow. Whoever can write
all three can still forge a new history: the chain tells of accidents and of single intruders, backups of the rest.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from ..digests import text_digest
from ..errors import LedgerError
from ..tracking import store_root
from ..tracking import who as acting_user

PLACE = "AFRAZ_LEDGER"
Action = Literal["registered", "judged", "commented", "approved", "rejected", "champion", "rolled_back", "scored",
                 "monitored"]  # fmt: skip
MOVES = frozenset({"champion", "rolled_back"})
_START = "0" * 64


@dataclass(frozen=True)
class Decision:
    """One line: who did what to which version, when (UTC, never before the line above) and why.

    ``evidence`` holds what the decision rested on: gates, failed checks, run, dossier; for scores their file's digest.
    """

    number: int
    at: str
    who: str
    model: str
    action: Action
    version: int
    digest: str
    note: str
    evidence: Mapping[str, str]
    previous: str
    seal: str = field(default="")

    def sealed(self) -> str:
        """The hash of everything in this line but the seal itself, the line before included."""
        content = {k: v for k, v in asdict(self).items() if k != "seal"}
        return text_digest(_text(content))


class Ledger:
    """A ledger file.

    Parameters
    ----------
    file : Path
        JSON lines; made with the first line.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
    >>> _ = ledger.append("churn", "registered", 1, "ab12", who="ana")
    >>> _ = ledger.append("churn", "champion", 1, "ab12", who="ben", note="better in every month")
    >>> [(d.number, d.who, d.action) for d in ledger.decisions("churn")]
    [(1, 'ana', 'registered'), (2, 'ben', 'champion')]
    >>> ledger.faults()
    []
    >>> text = ledger.file.read_text("utf-8")
    >>> _ = ledger.file.write_text(text.replace("ana", "eve"), "utf-8")
    >>> ledger.faults()
    ['line 1: its content is not what was sealed: it was altered']
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.head = file.with_name(f"{file.name}.head")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the ledger against other writers, of this machine and of those that share the folder."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.file.with_name(f"{self.file.name}.lock"), is_singleton=True):  # re-entrant in the process
            yield

    def append(
        self, model: str, action: Action, version: int, digest: str, *, who: str | None = None, note: str = "",
        evidence: Mapping[str, str] | None = None,
    ) -> Decision:  # fmt: skip
        """Write one line, durably: it is on the disk when this returns.

        Raises
        ------
        LedgerError
            If the last line is not what the head says: nothing is appended to a broken history.
        """
        with self.held():
            last = self._last()
            now = datetime.now(UTC).isoformat(timespec="microseconds")
            line = Decision(
                number=last.number + 1 if last else 1,
                at=max(now, last.at) if last else now,  # a clock that was set back does not reorder history
                who=who or acting_user(), model=model, action=action, version=version, digest=digest,
                note=" ".join(note.split()), evidence=dict(evidence or {}), previous=last.seal if last else _START,
            )  # fmt: skip
            line = Decision(**{**asdict(line), "seal": line.sealed()})
            with self.file.open("ab") as out:
                out.write(f"{_text(asdict(line))}\n".encode())
                out.flush()
                os.fsync(out.fileno())
            self._write_head(line)
            return line

    def check_end(self) -> None:
        """Ask before something is done that must be written down whether a line can be appended.

        Raises
        ------
        LedgerError
            If the last line is not what the head says.
        """
        with self.held():
            self._last()

    def _write_head(self, line: Decision) -> None:
        partial = self.head.with_name(f".{self.head.name}.{os.getpid()}")
        partial.write_text(f"{line.number} {line.seal}\n", "utf-8")
        os.replace(partial, self.head)

    def _last(self) -> Decision | None:
        """The last line, held against the head; a line that was cut short by a crash was never acknowledged."""
        if not self.file.exists() or not self.file.stat().st_size:
            if self.head.exists():
                raise LedgerError(f"{self.file} is empty, its head is not: restore it from the backup")
            return None
        tail = _tail(self.file)
        if not tail.endswith(b"\n"):
            with self.file.open("r+b") as cut:
                cut.truncate(self.file.stat().st_size - len(tail.rpartition(b"\n")[2]))
            return self._last()
        try:
            last = _decision(tail.splitlines()[-1].decode())
        except ValueError:
            raise LedgerError(f"the last line of {self.file} is unreadable: see `afraz ledger verify`") from None
        number, seal = self._stated()
        # one line ahead of its head: the writer died between the two, and the line is on the disk
        if seal not in {last.seal, last.previous} or number not in {last.number, last.number - 1}:
            raise LedgerError(
                f"the last line of {self.file} is {last.number}, its head says {number}: lines were removed or "
                "altered; see `afraz ledger verify`, restore the backup"
            )
        return last

    def _stated(self) -> tuple[int, str]:
        try:
            number, seal = self.head.read_text("utf-8").split()
            return int(number), seal
        except FileNotFoundError:
            return 0, _START
        except ValueError:
            return -1, "unreadable"

    def decisions(self, model: str | None = None) -> list[Decision]:
        """All lines, or those of a model, oldest first.

        Raises
        ------
        LedgerError
            If a line cannot be read.
        """
        found = []
        for number, text in self._lines():
            try:
                line = _decision(text)
            except ValueError:
                raise LedgerError(f"line {number} of {self.file} is unreadable: see `afraz ledger verify`") from None
            if model is None or line.model == model:
                found.append(line)
        return found

    def _lines(self) -> Iterator[tuple[int, str]]:
        if not self.file.exists():
            return
        with self.file.open("rb") as lines:
            for number, raw in enumerate(lines, start=1):
                if raw.endswith(b"\n"):  # a line without its end was never acknowledged
                    yield number, raw.decode("utf-8", "replace").rstrip("\n")

    def faults(self) -> list[str]:
        """Walk the chain: everything that was altered, removed, added or reordered, in words; empty if nothing was."""
        with self.held():
            found, previous, number, at = [], _START, 0, ""
            for place, text in self._lines():
                try:
                    line = _decision(text)
                except ValueError:
                    found.append(f"line {place}: unreadable")
                    number, previous = number + 1, "unreadable"
                    continue
                if line.seal != line.sealed() or text != _text(asdict(line)):
                    found.append(f"line {place}: its content is not what was sealed: it was altered")
                elif line.previous != previous or line.number != number + 1:
                    found.append(f"line {place}: it does not follow the line before it: removed, added or reordered")
                elif line.at < at:
                    found.append(f"line {place}: it is older than the line before it")
                previous, number, at = line.seal, line.number, line.at
            stated, seal = self._stated()
            if (number, previous) != (stated, seal):
                ahead = " (one more: its writer died before it said so, or it was added by hand)"
                found.append(
                    f"the head says {stated} lines, the file ends with line {number}: lines at its end were removed, "
                    f"added or altered{ahead if number == stated + 1 else ''}"
                )
            return found


def ledger() -> Ledger:
    """The ledger of this store.

    Raises
    ------
    LedgerError
        If ``AFRAZ_LEDGER`` is relative: each folder would get a history of its own.
    """
    given = os.environ.get(PLACE)
    if given and not Path(given).is_absolute():
        raise LedgerError(f"{PLACE} is relative ({given}): give an absolute path, or unset it")
    return Ledger(Path(given) if given else store_root() / "mlflow" / "store" / "ledger.jsonl")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _decision(text: str) -> Decision:
    try:
        return Decision(**json.loads(text))
    except TypeError:
        raise ValueError("not a decision") from None


def _tail(file: Path, reach: int = 65536) -> bytes:
    """The end of the file, at least one whole line of it."""
    size = file.stat().st_size
    with file.open("rb") as lines:
        while True:
            lines.seek(max(0, size - reach))
            found = lines.read()
            if reach >= size or found.rstrip(b"\n").count(b"\n"):
                return found
            reach *= 4
