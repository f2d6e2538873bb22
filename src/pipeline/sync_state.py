"""Whether a sync would find anything new: what the last one read, and what it left, named by content.

Read without MLflow, because asking must be quick: every stage that reads a champion asks before it starts.
"""

import os
from pathlib import Path

from .. import catalog
from ..catalog import to_json
from ..digests import file_digest, folder_digest, text_digest
from ..governance.champions import champions_file
from ..governance.ledger import ledger
from ..tracking import PROVENANCE, store_exists, tracking_uri


def inputs() -> str:
    """Name what a sync makes runs, versions and first champions from, and the store into which it puts them."""
    root = catalog.root()
    return text_digest(to_json({
        "store": text_digest(tracking_uri()),  # the address may hold a password
        "experiment": os.environ.get("DVC_EXP_NAME"),  # one never crowns: what it left is to be done outside of it
        "rules": _digest(root / "mlflow" / "registry.yaml"),
        "runs": {p.parent.name: folder_digest(p.parent)
                 for p in sorted((root / "experiments" / "runs").glob(f"*/{PROVENANCE}"))},
    }))  # fmt: skip


def remember(read: str) -> None:
    """Keep that a sync that had read these :func:`inputs` came to its end; the caller holds the ledger."""
    file = _file()
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.write_text(f"{read} {_left()}", "utf-8")
    os.replace(partial, file)


def nothing_new() -> bool:
    """Whether all that the last sync read and left is as it was then."""
    return store_exists() and _file().exists() and _file().read_text("utf-8") == f"{inputs()} {_left()}"


def _left() -> str:
    """The store that was filled (one made anew in its place is another), the pointer file and the ledger."""
    database = Path(tracking_uri().removeprefix("sqlite:///"))
    number = database.stat().st_ino if database.exists() else None
    return f"{number} {_digest(champions_file())} {_digest(ledger().file)}"


def _digest(file: Path) -> str | None:
    return file_digest(file) if file.exists() else None


def _file() -> Path:
    return catalog.root() / ".afraz" / "synced"
