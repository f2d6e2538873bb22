"""From one score back to the model, its versions, the run and notebook that made it, their parameters and inputs."""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .. import catalog
from ..datasets import CATALOG, Dataset
from ..digests import file_digest, folder_digest
from ..errors import AfrazError, DataError
from ..governance.registered import Registered, versions_with
from ..governance.registry import read_champions
from ..models.artifact import folder_digest as model_digest
from ..scoring.batch import ID
from ..scoring.manifest import checked_scores
from ..scoring.sinks import FILE_DIGEST, manifest_place
from ..tracking import DIGEST_TAG, MODEL_TAG, OUTPUT_TAG, PROVENANCE, client, find_run, store_exists

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True)
class Source:
    """A file or folder that a stage read: its digest then, and whether it still has it (same, changed, gone)."""

    path: str
    digest: str
    today: str


@dataclass(frozen=True)
class Made:
    """A stage's work: its MLflow run, if the store has it, and what it was made of."""

    stage: str
    run_id: str | None
    run_name: str | None
    user: str | None
    git_commit: str | None
    notebook: Source
    params: Mapping[str, Any]
    params_sha256: str
    lock: Source | None
    inputs: tuple[Source, ...]

    def told(self) -> list[tuple[str, ...]]:
        """Rows for reading: what, which, how it stands today."""
        by = " by ".join(filter(None, [self.run_id or "not in the store", self.user]))
        commit = [("git commit", self.git_commit, "")] if self.git_commit else []
        sources = [("notebook", self.notebook), *(("input", source) for source in self.inputs)]
        sources += [("libraries", self.lock)] if self.lock else []
        return [
            ("run", by, self.run_name or ""), *commit,
            *((what, f"{s.path}\n{s.digest}", s.today) for what, s in sources),
            ("parameters", "\n".join(f"{k}: {v}" for k, v in self.params.items()), ""),
        ]  # fmt: skip


@dataclass(frozen=True)
class Lineage:
    """Where one customer's score comes from; ``notes`` say what could not be followed, and why."""

    file: str
    file_digest: str
    as_of: str
    rows: int
    customer: str
    scores: tuple[Mapping[str, Any], ...]
    model: str
    model_digest: str
    versions: tuple[Registered, ...]
    champion: str
    trained: Made | None
    scored: Made | None
    notes: tuple[str, ...]

    def told(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Tables for reading: a title, and rows of text."""
        tables: list[tuple[str, list[tuple[str, ...]]]] = [
            (f"Customer {self.customer} as of {self.as_of}, {number} of {len(self.scores)} rows",
             [(name, str(value)) for name, value in row.items() if value is not None])
            for number, row in enumerate(self.scores, start=1)
        ]  # fmt: skip
        tables.append(("Scores", [("file", self.file, "as its manifest says"), ("SHA-256", self.file_digest, ""),
                                  ("rows", f"{self.rows:,}", "")]))  # fmt: skip
        versions = [(f"version {v.version}", f"run {v.run_id}", _standing(v)) for v in self.versions]
        tables.append((f"Model {self.model}", [("digest", self.model_digest, self.champion), *versions]))
        for title, made in (("The model was made by", self.trained), ("The scores were made by", self.scored)):
            if made is not None:
                tables.append((f"{title} stage {made.stage}", made.told()))
        return tables


def trace(file: Path, customer: str) -> Lineage:
    """Walk from a customer's score back to what it was made from.

    Parameters
    ----------
    file : Path
        A scores file with its manifest beside it: churn, credit (applications or book), segments, value, offers.
    customer : str
        The customer_id.

    Returns
    -------
    Lineage
        Without an MLflow store the walk goes on with the stage folders of this workspace.

    Raises
    ------
    DataError
        If the file or its manifest is absent, they do not belong together, the customer is not in the file, or the
        model is known neither to the store nor to this workspace.
    """
    file = Path(file)
    table, manifest = checked_scores(file)
    rows = table[table[ID].astype(str) == customer]
    if rows.empty:
        raise DataError(f"{file.name} has {len(table):,} rows, none of customer {customer!r}: give a {ID} as it "
                        "stands there, or the file of another date")  # fmt: skip
    model, digest, notes = manifest["model"], manifest["model_digest"], []
    opened, reason = _store()
    if opened is None:
        notes.append(f"MLflow was not asked: {reason}")
    versions = versions_with(opened, model, digest) if opened else []
    if opened and not versions:
        notes.append(f"no version of {model} in the registry has this digest")
    trained = _trained(opened, model, digest, versions)
    if trained is None and not versions:
        raise DataError(
            f"{file.name} was scored with {model} {digest[:12]}, which neither the MLflow store nor experiments/runs/"
            f"{model} knows: set MLFLOW_TRACKING_URI to the store where it was registered"
        )
    if trained is None:
        notes.append(f"the run of {model} {digest[:12]} has no {PROVENANCE}: its inputs are unknown")
    scored = _scored(opened, file, manifest)
    if scored is None:
        notes.append(
            "no stage run is known to have written this very file: it was scored outside the pipeline (`afraz score`), "
            f"or before runs noted what they wrote; its input was {manifest['input_digest']}"
        )
    return Lineage(
        _shown(file), manifest[FILE_DIGEST], manifest["as_of"], len(table), customer,
        tuple(_plain(row) for row in rows.to_dict("records")), model, digest, tuple(versions),
        _champion(model, digest), trained, scored, tuple(notes),
    )  # fmt: skip


def _store() -> "tuple[MlflowClient | None, str]":
    if not store_exists():
        return None, "this workspace has no store yet (`afraz sync` makes it)"
    try:
        return client(), ""
    except AfrazError as down:
        return None, str(down)


def _trained(opened: "MlflowClient | None", model: str, digest: str, versions: list[Registered]) -> Made | None:
    """Find what made a model: the run of its version or one that logged it, else the stage folder, if it fits.

    The folder of today may have made the same model from other inputs, so what the run logged goes first.
    """
    run = None
    if opened and versions:
        run = opened.get_run(versions[-1].run_id)
    elif opened:
        run = find_run(opened, model, {MODEL_TAG: digest})
    logged = _logged(opened, run)
    if logged is not None:
        return _made(logged, run)
    folder = catalog.root() / "experiments" / "runs" / model
    fits = (folder / "model").is_dir() and model_digest(folder / "model") == digest
    return _made(_provenance(folder), run) if fits else None


def _scored(opened: "MlflowClient | None", file: Path, manifest: Mapping[str, Any]) -> Made | None:
    """Find the stage run that wrote file and manifest: it noted the digests of both, or of the folder they lie in."""
    known = _dataset(file, manifest["as_of"])
    if known is None:
        return None
    place = Path(known.path.format(as_of=manifest["as_of"]))
    folder = catalog.root() / "experiments" / "runs" / known.stage
    document = _provenance(folder)
    for outs in ((place, manifest_place(place)), (place.parent,)):
        today = {out.as_posix(): _digest(catalog.root() / out) or "" for out in outs}
        if document and today.items() <= document.get("outputs", {}).items():
            return _made(document, _run_of_folder(opened, folder))
        run = find_run(opened, known.stage, {OUTPUT_TAG + out: now for out, now in today.items()}) if opened else None
        if run is not None:
            return _made(_logged(opened, run), run)
    return None


def _run_of_folder(opened: "MlflowClient | None", folder: Path) -> "Run | None":
    return find_run(opened, folder.name, {DIGEST_TAG: folder_digest(folder)}) if opened else None


def _dataset(file: Path, as_of: str) -> Dataset | None:
    """Tell which dataset of this workspace a file is; None for a copy that lies elsewhere."""
    place = file.resolve()
    return next((d for d in CATALOG.values() if (catalog.root() / d.path.format(as_of=as_of)).resolve() == place), None)


def _provenance(folder: Path) -> dict[str, Any] | None:
    file = folder / PROVENANCE
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def _logged(opened: "MlflowClient | None", run: "Run | None") -> dict[str, Any] | None:
    """Fetch the provenance that a run has logged."""
    if opened is None or run is None or PROVENANCE not in [f.path for f in opened.list_artifacts(run.info.run_id)]:
        return None
    with tempfile.TemporaryDirectory() as temporary:
        fetched = opened.download_artifacts(run.info.run_id, PROVENANCE, temporary)
        return dict(json.loads(Path(fetched).read_text("utf-8")))


def _made(document: Mapping[str, Any] | None, run: "Run | None") -> Made | None:
    if document is None:
        return None
    tags = run.data.tags if run else {}
    lock = document["lock_sha256"]
    return Made(
        stage=document["stage"], run_id=run.info.run_id if run else None, run_name=run.info.run_name if run else None,
        user=tags.get("mlflow.user"), git_commit=tags.get("mlflow.source.git.commit"),
        notebook=_source(document["notebook"], document["notebook_sha256"]), params=document["params"],
        params_sha256=document["params_sha256"], lock=_source("requirements.lock", lock) if lock else None,
        inputs=tuple(_source(path, digest) for path, digest in sorted(document["inputs"].items())),
    )  # fmt: skip


def _source(path: str, digest: str) -> Source:
    found = _digest(catalog.root() / path)
    return Source(path, digest, "gone" if found is None else "same" if found == digest else "changed")


def _digest(place: Path) -> str | None:
    if not place.exists():
        return None
    return folder_digest(place) if place.is_dir() else file_digest(place)


def _champion(model: str, digest: str) -> str:
    """Say how the model stands to the champion of today."""
    named = read_champions().get(model)
    if named is None:
        return "there is no champion today"
    return "this model is the champion today" if named == digest else f"another model is champion today: {named[:12]}"


def _standing(version: Registered) -> str:
    checks = f"checks {version.checks}" + (f" ({version.failed})" if version.failed else "")
    return ", ".join([checks, *version.aliases])


def _shown(file: Path) -> str:
    place = file.resolve()
    return place.relative_to(catalog.root()).as_posix() if place.is_relative_to(catalog.root()) else str(file)


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Turn a row into plain values: dates into ISO text, what is missing into None."""
    plain: dict[str, Any] = {}
    for name, value in row.items():
        if pd.isna(value):
            plain[str(name)] = None
        elif isinstance(value, pd.Timestamp):
            plain[str(name)] = re.sub(r"T00:00:00$", "", value.isoformat())
        else:
            plain[str(name)] = value.item() if hasattr(value, "item") else value
    return plain
