"""Find, read and write the datasets that :mod:`.datasets` lists: whole or not at all.

A stage writes through :func:`target` or :func:`save`. While a stage runs, these point into a staging folder that the
runner moves into place when the whole stage has succeeded, so nothing half-written is ever read.

Ibis and pandas are imported where they are used: every command needs a path, few need a table.
"""

import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .datasets import CATALOG, Dataset
from .errors import DataError, nearest

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

STAGING = "AFRAZ_STAGING"
NOT_APPLICABLE = "not_applicable"


def root() -> Path:
    """Find the workspace: the nearest folder, from the current one upwards, that holds ``dvc.yaml``.

    Raises
    ------
    DataError
        Outside a workspace.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").exists():
            return folder
    raise DataError(f"no dvc.yaml in {here} or above it: run afraz inside a checkout of the project")


def dataset(name: str) -> Dataset:
    """Look a dataset up.

    Raises
    ------
    DataError
        With the nearest known name.

    Examples
    --------
    >>> dataset("transactions").key
    ('transaction_id',)
    >>> dataset("transaction")
    Traceback (most recent call last):
    ...
    afraz.errors.DataError: no dataset 'transaction' in the catalog: did you mean transactions?
    """
    if name not in CATALOG:
        raise DataError(f"no dataset {name!r} in the catalog: {nearest(name, CATALOG)}")
    return CATALOG[name]


def _relative(name: str, names: Mapping[str, Any]) -> Path:
    return Path(dataset(name).path.format(**names))


def path(name: str, **names: Any) -> Path:
    """Where a dataset is read: this stage's own staged output if there is one, else the workspace."""
    relative = _relative(name, names)
    staging = os.environ.get(STAGING)
    if staging and (Path(staging) / relative).exists():
        return Path(staging) / relative
    return root() / relative


def target(name: str, **names: Any) -> Path:
    """Where a stage writes a dataset; the parent folder exists afterwards."""
    place = Path(os.environ.get(STAGING) or root()) / _relative(name, names)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def studies() -> Path:
    """Where tuning journals live: outside every stage's outputs, so that a killed search can be resumed."""
    place = root() / "experiments" / "runs" / "studies"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _missing(name: str, place: Path) -> DataError:
    return DataError(f"{name} is not there ({place}): run `dvc repro {dataset(name).stage}` first")


def scan(name: str, **names: Any) -> "ir.Table":
    """Open a Parquet dataset as a lazy Ibis table."""
    import ibis

    place = path(name, **names)
    if not place.exists():
        raise _missing(name, place)
    return ibis.read_parquet(place)


def canonical_tables() -> dict[str, "ir.Table"]:
    """Open every canonical table that ingest wrote; absent tables are absent keys."""
    import ibis

    folder = path("canonical")
    if not folder.exists():
        raise _missing("canonical", folder)
    return {p.stem: ibis.read_parquet(p) for p in sorted(folder.glob("*.parquet"))}


def load(name: str, **names: Any) -> Any:
    """Read a dataset into memory: a DataFrame from Parquet, plain values from JSON."""
    place = path(name, **names)
    if not place.exists():
        raise _missing(name, place)
    if place.suffix == ".parquet":
        import pandas as pd

        return pd.read_parquet(place)
    if place.suffix == ".json":
        return json.loads(place.read_text("utf-8"))
    raise DataError(f"{name} is a folder: use catalog.path({name!r}) and the function that reads it")


def reason_not_applicable(name: str) -> str | None:
    """Say why the stage that measures into this JSON dataset had nothing to do; None where it had."""
    found = load(name)
    return found.get(NOT_APPLICABLE) if isinstance(found, dict) else None


def save(name: str, value: Any, **names: Any) -> str:
    """Write a dataset: whole or not at all, and equal content gives equal bytes.

    Parameters
    ----------
    value : DataFrame, Ibis table, dict of DataFrame, something with a method ``save(folder)``, or plain values
        Tables become Parquet (zstd), their rows in the order of the key; a dict of tables a folder of CSV files; what
        can save itself (a model) does; anything else becomes JSON.

    Returns
    -------
    str
        The path within the workspace.

    Raises
    ------
    DataError
        If the key has duplicates.
    """
    place = target(name, **names)
    if hasattr(value, "save"):
        value.save(place)
        return dataset(name).path.format(**names)
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    if place.suffix == ".parquet":
        _write_parquet(name, value, partial)
    elif place.suffix == ".json":
        partial.write_text(to_json(value), "utf-8")
    else:
        _write_folder(value, partial)
        shutil.rmtree(place, ignore_errors=True)
    os.replace(partial, place)
    return dataset(name).path.format(**names)


def save_all(prefix: str, values: Mapping[str, Any]) -> list[str]:
    """Write several datasets whose names begin alike: ``<prefix>_<name>`` each; see :func:`save`."""
    return [save(f"{prefix}_{name}", value) for name, value in values.items()]


def _write_parquet(name: str, value: "pd.DataFrame | ir.Table", partial: Path) -> None:
    import ibis
    import ibis.expr.types as ir

    key = list(dataset(name).key)
    if isinstance(value, ir.Table):
        value.order_by(key).to_parquet(partial, compression="zstd")
        written = ibis.read_parquet(partial)
        repeats = int(written.count().execute()) - int(written.select(key).distinct().count().execute())
    else:
        repeats = int(value.duplicated(key).sum())
        value.sort_values(key, kind="stable").to_parquet(partial, index=False, compression="zstd")
    if repeats:
        partial.unlink()
        raise DataError(f"{name}: {repeats} rows repeat the key {', '.join(key)}")


def _write_folder(tables: Mapping[str, "pd.DataFrame"], partial: Path) -> None:
    partial.mkdir()
    for name, table in tables.items():
        table.to_csv(partial / f"{name}.csv", index=False)


def to_json(value: Any) -> str:
    """Spell plain values as JSON with sorted keys; NaN and infinities are refused, they are not JSON.

    Numbers keep twelve significant digits: what comes after depends on the order in which a processor adds.

    Examples
    --------
    >>> to_json({"b": 0.1 + 0.2, "a": [1]})
    '{\\n  "a": [\\n    1\\n  ],\\n  "b": 0.3\\n}\\n'
    """
    return (
        json.dumps(_rounded(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) + "\n"
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.12g}")
    return value
