"""``mlflow/champions.json``: model → digest of its champion, in git; what the score stages depend on."""

import json
import os
from pathlib import Path

from .. import catalog
from ..errors import GateError


def champions_file() -> Path:
    return catalog.root() / "mlflow" / "champions.json"


def read_champions() -> dict[str, str]:
    """Read the file; a clone without it has no champion.

    Raises
    ------
    GateError
        If it is not JSON.
    """
    file = champions_file()
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except ValueError:
        raise GateError(f"{file} is not JSON: restore it with `git checkout mlflow/champions.json`") from None


def point(champions: dict[str, str]) -> None:
    """Take these digests over, keeping models that are not named; the file changes whole or not at all.

    The caller holds the ledger, so that two moves do not lose one another.
    """
    before = read_champions()
    now = {**before, **champions}
    if now != before:
        file = champions_file()
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        partial.write_text(catalog.to_json(now), "utf-8")
        os.replace(partial, file)
