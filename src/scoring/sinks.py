"""Where scores go: a Parquet file and, beside it, the manifest that says where they came from."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from ..digests import file_digest
from ..errors import DataError

FILE_DIGEST = "file_digest"


def write_scores(scores: pd.DataFrame, manifest: dict[str, Any], place: Path) -> bool:
    """Write scores and manifest, each whole or not at all; do nothing where they are there already.

    Parameters
    ----------
    scores : DataFrame
        One row per customer.
    manifest : dict
        What :func:`~afraz.scoring.batch.score` said of them.
    place : Path
        ``….parquet``; the manifest is the ``.json`` beside it.

    Returns
    -------
    bool
        Whether anything was written.
    """
    if is_current(place, manifest):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(place)
    scores.to_parquet(partial, index=False, compression="zstd")
    whole = {**manifest, FILE_DIGEST: file_digest(partial)}
    # the scores first: until the manifest follows, its digest does not fit and nobody takes them for finished
    os.replace(partial, place)
    partial = _partial(manifest_place(place))
    text = json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", "utf-8", newline="\n")
    os.replace(partial, manifest_place(place))
    return True


def is_current(place: Path, manifest: dict[str, Any]) -> bool:
    """Whether the file holds these very scores: the manifest agrees and the file is the one that it speaks of.

    ``manifest`` may be a part of it: ``{"model_digest": …, "as_of": …}`` asks before scoring if there is work to do.
    """
    found = read_manifest(place)
    if found is None or not place.exists():
        return False
    return all(found.get(key) == value for key, value in manifest.items()) and found.get(FILE_DIGEST) == file_digest(
        place
    )


def read_manifest(place: Path) -> dict[str, Any] | None:
    """Read the manifest beside a scores file; None where there is none or it is broken."""
    try:
        found = json.loads(manifest_place(place).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_scores(place: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read scores with their manifest.

    Raises
    ------
    DataError
        If they are absent, or the file is not the one that the manifest speaks of.
    """
    found = read_manifest(place)
    if found is None or not place.exists():
        raise DataError(f"no scores with a manifest at {place.name}: run `afraz score` or `dvc repro score`")
    digest, said = file_digest(place), str(found.get(FILE_DIGEST))
    if digest != said:
        raise DataError(
            f"{manifest_place(place).name} does not belong to {place.name}: it speaks of {said[:12]}, the file is "
            f"{digest[:12]}; one of them was replaced: score again"
        )
    return pd.read_parquet(place), found


def manifest_place(place: Path) -> Path:
    """Name the manifest of a scores file.

    Examples
    --------
    >>> manifest_place(Path("churn.parquet")).name
    'churn.json'
    """
    return place.with_suffix(".json")


def _partial(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}")
