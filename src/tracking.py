"""The only run logging: one MLflow run for each stage folder, keyed by the digest of its content."""

import getpass
import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from .catalog import root
from .digests import folder_digest
from .errors import AfrazError, ParamsError
from .run_notes import StageWords, all_stage_words, experiment_note, figure_headings, headline, run_name, run_note

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

URI = "MLFLOW_TRACKING_URI"
DIGEST_TAG = "afraz.digest"
MODEL_TAG = "afraz.model_digest"
INPUT_TAG, OUTPUT_TAG = "afraz.input.", "afraz.output."  # and the path of data: its digest
NOTE = "mlflow.note.content"
DIRTY = "-dirty"
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
    recorder = _Recorder(opened)
    with store_lock():  # two processes that sync the same folder must not both record it
        return [recorder.record(folder, metrics / f"{folder.name}.json") for folder in folders]


class _Recorder:
    """Records stage folders; what only a new run needs (words, commit, user) is read when the first one comes."""

    def __init__(self, opened: "MlflowClient") -> None:
        self.opened = opened

    @cached_property
    def words(self) -> dict[str, StageWords]:
        return all_stage_words(root())

    @cached_property
    def circumstances(self) -> dict[str, str]:
        """Who recorded it, at which commit, in which DVC experiment: tags, none of them part of a run's key."""
        found = {"mlflow.user": who()}
        commit = git_commit()
        if commit:
            found["mlflow.source.git.commit"] = commit.removesuffix(DIRTY)
            found["mlflow.source.git.dirty"] = str(commit.endswith(DIRTY)).lower()
        experiment = os.environ.get("DVC_EXP_NAME")
        return found | ({"afraz.dvc_experiment": experiment} if experiment else {})

    def record(self, folder: Path, metrics: Path) -> Recorded:
        stage, digest, opened = folder.name, folder_digest(folder), self.opened
        experiment = experiment_id(opened, f"afraz/{stage}")
        found = opened.search_runs([experiment], f"tags.`{DIGEST_TAG}` = '{digest}' and attributes.status = 'FINISHED'")
        if found:
            return Recorded(stage, found[0].info.run_id, new=False)
        provenance = json.loads((folder / PROVENANCE).read_text("utf-8"))
        measured = json.loads(metrics.read_text("utf-8")) if metrics.exists() else {}
        words = self.words.get(stage) or StageWords(stage, "", "", "", "input", ())
        first = headline(measured, words.headline)
        run = opened.create_run(
            experiment, run_name=run_name(stage, provenance["params"], measured, first, digest),
            tags={**_tags(stage, folder, provenance), **self.circumstances},
        )  # fmt: skip
        run_id = run.info.run_id
        self._describe(experiment, experiment_note(words))
        address = f"#/experiments/{experiment}/runs/{run_id}/artifacts"
        opened.set_tag(run_id, NOTE, run_note(words, provenance, measured, first, address))
        opened.log_inputs(run_id, datasets=_datasets(provenance["inputs"], words.reads))
        _log_values(opened, run_id, provenance["params"], measured, folder / "tables" / "trials.csv")
        _log_files(opened, run_id, folder)
        opened.set_tag(run_id, DIGEST_TAG, digest)  # last: a run that was cut short is not taken for a whole one
        opened.set_terminated(run_id, "FINISHED")
        return Recorded(stage, run_id, new=True)

    def _describe(self, experiment: str, note: str) -> None:
        if self.opened.get_experiment(experiment).tags.get(NOTE) != note:
            self.opened.set_experiment_tag(experiment, NOTE, note)


def _tags(stage: str, folder: Path, provenance: dict[str, Any]) -> dict[str, str]:
    written: dict[str, str] = provenance.get("outputs", {})
    tags = {
        "mlflow.source.name": provenance["notebook"],
        "mlflow.source.type": "NOTEBOOK",
        "afraz.stage": stage,
        "afraz.notebook_sha256": provenance["notebook_sha256"],
        "afraz.params_sha256": provenance["params_sha256"],
        "afraz.lock_sha256": provenance["lock_sha256"],
        **{INPUT_TAG + name: value for name, value in provenance["inputs"].items() if name.startswith("data/")},
        **{OUTPUT_TAG + name: value for name, value in written.items() if name.startswith("data/")},
    }
    if (folder / "model").is_dir():
        from .models.artifact import folder_digest as model_digest

        tags[MODEL_TAG] = model_digest(folder / "model")
    return {name: value for name, value in tags.items() if value is not None}  # a server takes no empty tag


def _datasets(inputs: dict[str, str], reads: str) -> "list[DatasetInput]":
    """Lineage with digests of the full content: MLflow's own would read the first 10,000 rows of a table.

    MLflow keeps 36 letters of a digest; the whole one stands in the source and in a tag.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(path, digest[:36], "local", json.dumps({"uri": path, "sha256": digest})),
            [InputTag("mlflow.data.context", reads if path.startswith("data/") else "evidence"),
             InputTag("afraz.sha256", digest)],
        )
        for path, digest in sorted(inputs.items())
    ]  # fmt: skip


def _log_values(
    opened: "MlflowClient", run_id: str, params: dict[str, Any], measured: dict[str, Any], trials: Path
) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    logged = [Param(k, str(v)[:6000]) for k, v in flatten(params).items()]
    series = [Metric(k, float(v), now, 0) for k, v in flatten(measured).items() if isinstance(v, int | float)]
    if trials.exists():
        import pandas as pd

        table = pd.read_csv(trials)
        best = table["best_so_far"].dropna()
        series += [Metric("tuning.best_so_far", float(v), now, step) for step, v in enumerate(best)]
        opened.log_table(run_id, table, "tables/trials.json")
    for start in range(0, max(len(series), len(logged)), 100):  # the server's limit is 100 parameters a batch
        opened.log_batch(run_id, metrics=series[start : start + 100], params=logged[start : start + 100])


def _log_files(opened: "MlflowClient", run_id: str, folder: Path) -> None:
    """Log the folder as it is, but figures by the heading of the notebook under which they stand."""
    for place in sorted(folder.iterdir()):
        if place.name == "figures":
            _log_figures(opened, run_id, folder)
        elif place.is_dir():
            opened.log_artifacts(run_id, str(place), place.name)
        else:
            opened.log_artifact(run_id, str(place))


def _log_figures(opened: "MlflowClient", run_id: str, folder: Path) -> None:
    executed = folder / "notebook.ipynb"
    headings = figure_headings(json.loads(executed.read_text("utf-8"))) if executed.exists() else []
    figures = sorted((folder / "figures").glob("*"))
    if len(headings) != len(figures):  # not the runner's pictures: nothing is known of where they stand
        headings = [""] * len(figures)
    for figure, heading in zip(figures, headings, strict=True):
        opened.log_artifact(run_id, str(figure), f"figures/{heading}".rstrip("/"))


def store_exists() -> bool:
    """Whether there is a store to ask; one that was never made is not made for the question."""
    uri = tracking_uri()
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()


def find_run(opened: "MlflowClient", stage: str, tags: Mapping[str, str]) -> "Run | None":
    """Find the newest finished run of a stage that has these tags."""
    experiment = opened.get_experiment_by_name(f"afraz/{stage}")
    if experiment is None:
        return None
    wanted = "".join(f" and tags.`{name}` = '{value}'" for name, value in tags.items())
    found = opened.search_runs([experiment.experiment_id], f"attributes.status = 'FINISHED'{wanted}", max_results=1)
    return found[0] if found else None


def who() -> str:
    """Name whoever records or decides: the user of the team server, else of this machine."""
    try:
        return os.environ.get("MLFLOW_TRACKING_USERNAME") or getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return f"uid {os.getuid()}"


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
            ["git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty"],  # noqa: S607 the user's git
            cwd=root(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout.strip() or None
