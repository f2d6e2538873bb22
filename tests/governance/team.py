"""A team server of the tests: a real process on a real PostgreSQL, with three users, one for each role."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
USERS = {"rosa": "reader", "dara": "data-scientist", "vera": "reviewer"}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class TeamServer:
    """Starts, is killed, and starts again on the same database, artifacts and port."""

    def __init__(self, folder: Path, database: str) -> None:
        self.artifacts, self.log = folder / "artifacts", folder / "server.log"
        self.admin, self.key = secrets.token_hex(12), secrets.token_hex(32)
        self.passwords = {name: secrets.token_hex(12) for name in USERS} | {"admin": self.admin}
        self.database = database
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, workers: int = 2) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPO / ".path"),
            "MLFLOW_BACKEND_STORE_URI": self.database,
            "MLFLOW_ARTIFACTS_DESTINATION": str(self.artifacts),
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.admin,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.key,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "afraz.cli", "server", "--port", str(self.port), "--workers", str(workers)],
                env=environment, cwd=REPO, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 180
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def sign_in(self, patch: pytest.MonkeyPatch, user: str, password: str | None = None) -> None:
        """Make this process a client of the server, as a user."""
        patch.setenv("MLFLOW_TRACKING_URI", self.url)
        patch.setenv("MLFLOW_TRACKING_USERNAME", user)
        patch.setenv("MLFLOW_TRACKING_PASSWORD", password or self.passwords[user])

    def kill(self) -> None:
        """SIGKILL to the server and all its workers."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def command_lines(self) -> str:
        """What everybody on the machine may read of the server and its workers."""
        assert self.process is not None
        lines = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(entry.name)) == self.process.pid:
                    lines.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except (ProcessLookupError, FileNotFoundError):
                continue
        return "\n".join(lines)
