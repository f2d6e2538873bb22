"""The only run logging: one MLflow run for each stage folder, keyed by the digest of its content."""

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from .catalog import root
from .digests import folder_digest
from .errors import AfrazError, ParamsError

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI = "MLFLOW_TRACKING_URI"
DIGEST_TAG = "afraz.digest"
PROVENANCE = "provenance.json"
# MLflow's own switch and the general one: no usage data leave the machine
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def store_root() -> Path:
    """The folder that keeps the store: the main clone even while a temporary experiment runs elsewhere."""
    main = os.environ.get("DVC_ROOT")
    return Path(main) if main else root()


def tracking_uri() -> str:
    """One absolute database address: ``MLFLOW_TRACKING_URI``, else SQLite in ``mlflow/store/``.

    Raises
    ------
    ParamsError
        For a relative file address: each folder would get a store of its own.

    Examples
    --------
    >>> import os
    >>> os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
    >>> tracking_uri()
    Traceback (most recent call last):
    ...
    afraz.errors.ParamsError: MLFLOW_TRACKING_URI is relative (sqlite:///mlflow.db): give an absolute path ...
    >>> del os.environ["MLFLOW_TRACKING_URI"]
    """
    given = os.environ.get(URI)
    if not given:
        return f"sqlite:///{store_root() / 'mlflow' / 'store' / 'mlflow.db'}"
    relative_database = given.startswith("sqlite:///") and not given.startswith("sqlite:////")
    if relative_database or "://" not in given or (given.startswith("file:") and not given.startswith("file:///")):
        raise ParamsError(f"{URI} is relative ({given}): give an absolute path or a server, or unset it")
    return given


def artifact_root() -> str:
    return (store_root() / "mlflow" / "store" / "artifacts").as_uri()


@contextmanager
def store_lock() -> Iterator[None]:
    """Held while the store is created or written, by any number of processes of this clone."""
    folder = store_root() / "mlflow" / "store"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", is_singleton=True):  # re-entrant within the process
        yield


def client() -> "MlflowClient":
    """Open the store; the database is created once, under a lock, whoever comes first.

    Raises
    ------
    AfrazError
        If the database does not answer.
    """
    from mlflow import MlflowClient

    for chatty in ("mlflow.store.db.utils", "mlflow.utils.environment", "alembic"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    uri = tracking_uri()
    try:
        _knock(uri)
        with store_lock():
            opened = MlflowClient(uri, registry_uri=uri)
            opened.search_experiments(max_results=1)
    except Exception as error:  # every database driver brings its own family
        if (said := refused(error)) is not None:
            raise AfrazError(said) from None
        reason = str(error).strip().splitlines()[0][:160] if str(error) else type(error).__name__
        raise AfrazError(f"the tracking database does not answer ({_masked(uri)}): {reason}") from None
    return opened


def _knock(uri: str) -> None:
    """Connect once: MLflow itself would try a dead database for minutes before it says so."""
    if uri.startswith("http"):
        return
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        if not uri.startswith("sqlite"):
            engine.connect().close()
    finally:
        engine.dispose()


def refused(error: Exception) -> str | None:
    """Say in one line what a team server answered to somebody who may not do something; None for any other error.

    Examples
    --------
    >>> from mlflow.exceptions import RestException
    >>> refused(RestException({"error_code": "PERMISSION_DENIED", "message": "only a reviewer may move an alias"}))
    'the team server refuses: only a reviewer may move an alias'
    >>> refused(ValueError("12"))
    """
    code, said = getattr(error, "error_code", None), str(getattr(error, "message", error))
    if code == "UNAUTHENTICATED" or "error code 401" in said:
        return "the team server knows no such user and password: see MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD"
    if code != "PERMISSION_DENIED":
        return None
    return f"the team server refuses: {said.removeprefix('PERMISSION_DENIED: ').splitlines()[0]}"


def _masked(uri: str) -> str:
    head, _, tail = uri.partition("://")
    return f"{head}://***@{tail.rpartition('@')[2]}" if "@" in tail else uri


def experiment_id(opened: "MlflowClient", name: str) -> str:
    """Find or create an experiment whose artifacts have an absolute address; safe against a rival creator."""
    with store_lock():
        found = opened.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None if tracking_uri().startswith("http") else f"{artifact_root()}/{name.replace('/', '-')}"
        return str(opened.create_experiment(name, artifact_location=place))


@dataclass(frozen=True)
class Recorded:
    """What :func:`record_stages` found for one stage folder."""

    stage: str
    run_id: str
    new: bool


def record_stages(runs: Path, metrics: Path) -> list[Recorded]:
    """Record every stage folder that has no run yet.

    Parameters
    ----------
    runs : Path
        ``experiments/runs``; a stage folder is one that holds ``provenance.json``.
    metrics : Path
        ``experiments/metrics``, with one ``<stage>.json`` for the stages that measure something.

    Returns
    -------
    list of Recorded
        One for each stage folder, in the order of their names.
    """
    folders = sorted(p.parent for p in runs.glob(f"*/{PROVENANCE}"))
    if not folders:
        return []
    opened = client()
    with store_lock():  # two processes that sync the same folder must not both record it
        return [_record(opened, folder, metrics / f"{folder.name}.json") for folder in folders]


def _record(opened: "MlflowClient", folder: Path, metrics: Path) -> Recorded:
    stage = folder.name
    digest = folder_digest(folder)
    experiment = experiment_id(opened, f"afraz/{stage}")
    found = opened.search_runs([experiment], f"tags.`{DIGEST_TAG}` = '{digest}' and attributes.status = 'FINISHED'")
    if found:
        return Recorded(stage, found[0].info.run_id, new=False)
    provenance = json.loads((folder / PROVENANCE).read_text("utf-8"))
    tags = {
        "mlflow.source.name": provenance["notebook"],
        "mlflow.source.type": "NOTEBOOK",
        "afraz.stage": stage,
        "afraz.notebook_sha256": provenance["notebook_sha256"],
        "afraz.params_sha256": provenance["params_sha256"],
        "afraz.lock_sha256": provenance["lock_sha256"],
        **{f"afraz.input.{name}": value for name, value in provenance["inputs"].items()},
    }
    commit = git_commit()
    if commit:
        tags["mlflow.source.git.commit"] = commit
    experiment_name = os.environ.get("DVC_EXP_NAME")
    if experiment_name:
        tags["afraz.dvc_experiment"] = experiment_name
    known = {name: value for name, value in tags.items() if value is not None}  # a server takes no empty tag
    run = opened.create_run(experiment, tags=known, run_name=f"{stage} {digest[:8]}")
    run_id = run.info.run_id
    _log_values(opened, run_id, provenance["params"], metrics, folder / "tables" / "trials.csv")
    opened.log_artifacts(run_id, str(folder))
    opened.set_tag(run_id, DIGEST_TAG, digest)  # last: a run that was cut short is not taken for a whole one
    opened.set_terminated(run_id, "FINISHED")
    return Recorded(stage, run_id, new=True)


def _log_values(opened: "MlflowClient", run_id: str, params: dict[str, Any], metrics: Path, trials: Path) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    logged = [Param(k, str(v)[:6000]) for k, v in flatten(params).items()]
    values = flatten(json.loads(metrics.read_text("utf-8"))) if metrics.exists() else {}
    series = [Metric(k, float(v), now, 0) for k, v in values.items() if isinstance(v, int | float)]
    if trials.exists():
        import pandas as pd

        best = pd.read_csv(trials)["best_so_far"].dropna()
        series += [Metric("tuning.best_so_far", float(v), now, step) for step, v in enumerate(best)]
    for start in range(0, max(len(series), len(logged)), 100):  # the server's limit is 100 parameters a batch
        opened.log_batch(run_id, metrics=series[start : start + 100], params=logged[start : start + 100])


def flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested keys with dots.

    Examples
    --------
    >>> flatten({"test": {"roc_auc": {"value": 0.8}}, "rows": 3})
    {'test.roc_auc.value': 0.8, 'rows': 3}
    """
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            flat |= flatten(item, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = item
    return flat


def git_commit() -> str | None:
    """The commit of the checkout, with ``-dirty`` where tracked files differ; None outside git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty"],  # noqa: S607 whichever git the user has
            cwd=root(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout.strip() or None
